"""How the command line ends on an error: one line and an exit code."""

from __future__ import annotations

import click

from ..experiments.errors import HexmagicError

EXIT_INTERNAL = 4
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


class TerminatedError(KeyboardInterrupt):
    """The process got SIGTERM: it stops like one that a person interrupts."""


def describe_error(error: BaseException) -> tuple[str, int]:
    """Return the line, with the error's notes (how to go on), and the exit code."""
    if isinstance(error, HexmagicError):
        what, code = str(error), error.exit_code
    elif isinstance(error, click.ClickException):
        what, code = _usage(error), error.exit_code
    elif isinstance(error, TerminatedError):
        what, code = "terminated", EXIT_TERMINATED
    elif isinstance(error, KeyboardInterrupt):
        what, code = "interrupted", EXIT_INTERRUPTED
    elif isinstance(error, MemoryError):
        what, code = "out of memory; ask for fewer shots or workers", EXIT_INTERNAL
    else:
        what = f"internal error: {type(error).__name__}: {error}; run again with --debug"
        code = EXIT_INTERNAL
    return " ".join("; ".join([what, *getattr(error, "__notes__", [])]).split()), code


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    if context is None:
        return error.format_message()
    path = context.command_path
    return f"{path}: {error.format_message()} (see `{path} --help`)"
