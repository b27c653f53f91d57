"""hexmagic: fault-tolerant magic-state preparation on heavy-hex quantum computers.

run = hexmagic.run("experiments/steane_h.yaml")    # or hexmagic.open_run("runs/...")
run.fidelity()                                     # DataFrame, one row per point
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .driver.run import Run, open_run
    from .driver.start import resume, run

    __version__: str

__all__ = ["Run", "__version__", "open_run", "resume", "run"]


def __getattr__(name: str) -> Any:
    """Import the public names when they are used: `import hexmagic` is quick."""
    if name == "__version__":
        from importlib.metadata import version

        return version("hexmagic")
    if name in ("Run", "open_run"):
        from .driver import run as opening

        return getattr(opening, name)
    if name in ("run", "resume"):
        from .driver import start as starting

        return getattr(starting, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
