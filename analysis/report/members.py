"""Which runs a report of several shows, and what it calls them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A run of a report that shows several.

    Attributes:
        short: what labels, tables and pictures call it: "run 1".
        run: its id.
        name: name of its experiment.
        created: when it was made, ISO 8601.
    """

    short: str
    run: str
    name: str
    created: str


def short_runs(count: int) -> tuple[str, ...]:
    """Return what a report of so many runs calls them: "run 1", "run 2" and so on."""
    return tuple(f"run {number}" for number in range(1, count + 1))


def member_words(members: Sequence[Member]) -> str:
    """Return the runs in words, for a page's title: "2 runs of steane-h-boston"."""
    names = dict.fromkeys(member.name for member in members)
    return f"{len(members)} runs of {' and '.join(names)}"
