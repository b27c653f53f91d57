"""How to go on with a run that was stopped, in the words of the command line."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...experiments.errors import RefusedError
from .run_folder import RunFolder


@contextmanager
def resumable(folder: RunFolder) -> Iterator[None]:
    """Put a note on whatever stops a run that says how to go on with it.

    Not on RefusedError: it means that the run must not go on.
    """
    try:
        yield
    except RefusedError:
        raise
    except BaseException as error:
        text = f"resume it with `{resume_command(folder)}`"
        if text not in getattr(error, "__notes__", []):
            error.add_note(text)
        raise


def resume_command(folder: RunFolder) -> str:
    """Return the command that goes on with a run."""
    return f"hexmagic run --resume {folder.path.name}{runs_words(folder)}"


def runs_words(folder: RunFolder) -> str:
    """Return the option that names a run's directory, empty for the usual one."""
    runs = folder.path.parent
    return "" if runs == Path("runs") else f" --runs {shlex.quote(str(runs))}"
