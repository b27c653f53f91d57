"""The command line: its verbs, its exit codes and its one-line errors."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

import click

from ..error_lines import TerminatedError, describe_error
from .circuits import certify, check, export
from .compare import compare
from .devices import devices
from .explore import explore
from .overhead import overhead
from .predict import predict
from .results import list_runs, report, status, table
from .run import run
from .synthesise import synthesise
from .tick import cancel, tick


class StoppedError(Exception):
    """Carries a KeyboardInterrupt past click, which would print an empty line for it."""

    def __init__(self, interrupt: KeyboardInterrupt) -> None:
        super().__init__()
        self.interrupt = interrupt


class HexmagicGroup(click.Group):
    """A click group that turns every failure into one line and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        """Invoke the verb."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise StoppedError(interrupt) from interrupt

    def main(self, args: Sequence[str] | None = None, *_: Any, **extra: Any) -> NoReturn:
        """Run a command line and exit. `--debug` may stand anywhere and shows tracebacks."""
        words = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in words
        words = [word for word in words if word != "--debug"]
        extra |= {"prog_name": "hexmagic", "standalone_mode": False}
        with _sigterm_raises():
            if debug:
                sys.exit(_exit_status(super().main(words, **extra)))
            sys.exit(_call(lambda: super(HexmagicGroup, self).main(words, **extra)))


@click.group(
    cls=HexmagicGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 2 bad spec or usage, 3 refused, 4 failed or partial, "
    "5 an expectation or a certificate not met, 75 still waiting.",
)
@click.version_option(package_name="hexmagic")
@click.option("--debug", is_flag=True, help="Show tracebacks instead of one-line errors.")
def cli(debug: bool) -> None:
    """Fault-tolerant magic states on heavy-hex quantum computers.

    A YAML experiment goes in, a fidelity table comes out. Example:

    \b
      hexmagic check experiments/steane_h.yaml
      hexmagic run experiments/steane_h.yaml
      hexmagic table latest --kind cutflow
    """


_COMMANDS = (
    *(check, run, tick, cancel, list_runs, status, table, compare, report, explore, predict),
    *(overhead, certify, export, devices, synthesise),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command line of this process."""
    cli.main()


def _call(command: Any) -> int:
    """Return a command's exit code; say in one line on standard error what went wrong."""
    try:
        return _exit_status(command())
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.Abort:  # an interrupt while click reads the command line
        return _interrupted(KeyboardInterrupt())
    except StoppedError as error:
        return _interrupted(error.interrupt)
    except Exception as error:
        return _say(error)


def _exit_status(result: Any) -> int:
    return result if isinstance(result, int) else 0


def _interrupted(error: KeyboardInterrupt) -> int:
    if sys.stderr.isatty():
        click.echo(err=True)  # the terminal has echoed ^C
    return _say(error)


def _say(error: BaseException) -> int:
    line, exit_code = describe_error(error)
    click.echo(line, err=True)
    return exit_code


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    """Let SIGTERM stop the main thread like Ctrl-C, so that a run can be left resumable."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals can be set in the main thread only
        return

    def stop(signum: int, frame: FrameType | None) -> NoReturn:  # noqa: ARG001 - a handler's form
        raise TerminatedError

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
