"""The root of every error that hexmagic raises on purpose."""


class HexmagicError(Exception):
    """What went wrong, the values, where and what to do, in one line.

    Attributes:
        exit_code: the command line's exit code for it (4: failed, unless a subclass says more).
    """

    exit_code = 4


class UsageError(HexmagicError, ValueError):
    """A caller's mistake: a bad specification, an unknown name, an impossible combination."""

    exit_code = 2


class RefusedError(HexmagicError):
    """A budget, a gate or a limit of the backend forbids it."""

    exit_code = 3
