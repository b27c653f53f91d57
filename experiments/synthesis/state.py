"""The state of a search as a JSON document: stopped and taken up again, it ends the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ..errors import UsageError
from .anneal import Annealer, Candidate
from .task import Task, start_search

VERSION = 1


def state_of(task: Task, search: Annealer) -> dict[str, Any]:
    """Return all that is needed to go on with a search, JSON types only."""
    version, numbers, gauss = search.random.getstate()
    return {
        "version": VERSION,
        "task": asdict(task),
        "step": search.step,
        "random": [version, list(numbers), gauss],
        "current": _circuit(search.current),
        "best": _circuit(search.best),
    }


def resumed(task: Task, state: Mapping[str, Any]) -> Annealer:
    """Return the search that `state_of` wrote down.

    Raises:
        UsageError: it is not a state, or one of another task.
    """
    try:
        if state["version"] != VERSION:
            raise UsageError(f"version {state['version']} of a search's state, not {VERSION}")
        wanted = asdict(task)
        other = [key for key in wanted if state["task"][key] != wanted[key]]
        if other:
            told = ", ".join(f"{key} {state['task'][key]!r}, not {wanted[key]!r}" for key in other)
            raise UsageError(f"the state is of another search: {told}")
        search = start_search(task)
        search.put(state["current"]["codes"], frozenset(state["current"]["ends"]))
        best = state["best"]
        search.best = search.candidate(best["codes"], frozenset(best["ends"]))
        version, numbers, gauss = state["random"]
        search.random.setstate((version, tuple(numbers), gauss))
        search.step = int(state["step"])
        if not 0 <= search.step <= task.schedule.steps:
            raise UsageError(f"the state is at step {search.step} of {task.schedule.steps}")
    except (KeyError, TypeError, ValueError, IndexError) as error:
        if isinstance(error, UsageError):
            raise
        raise UsageError(f"not the state of a search: {error!r}") from error
    return search


def _circuit(found: Candidate) -> dict[str, list[int]]:
    return {"codes": list(found.codes), "ends": sorted(found.ends)}
