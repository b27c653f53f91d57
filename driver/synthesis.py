"""A search for a shorter circuit as the command runs it: saved, taken up again, reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..experiments.errors import UsageError
from ..experiments.synthesis.anneal import Annealer, Candidate
from ..experiments.synthesis.layered import qubit_names, write_layers
from ..experiments.synthesis.state import resumed, state_of
from ..experiments.synthesis.task import Task, certified, found_block, found_program, start_search
from .folder.files import canonical_json, read_json, write_bytes

SECONDS_BETWEEN_SAVES = 5.0
_STEPS_AT_A_TIME = 2000

Say = Callable[[str], None]


def search(
    task: Task, path: Path, say: Say, *, clock: Callable[[], float] = time.monotonic
) -> Annealer:
    """Run a search to its end, from its state file if there is one.

    The state is written whole every few seconds and at the end, so a search that was killed goes
    on from there and ends as if it had not been.

    Raises:
        UsageError: the file holds the state of another search.
        StorageError: the file cannot be read or written.
    """
    if path.exists():
        try:
            running = resumed(task, read_json(path))
        except UsageError as error:
            raise UsageError(f"{path}: {error}; name another --state, or delete it") from error
        say(f"{path}: goes on at step {running.step} of {task.schedule.steps}")
    else:
        running = start_search(task)
        save(task, running, path)
    saved = clock()
    while running.step < task.schedule.steps:
        running.advance(min(_STEPS_AT_A_TIME, task.schedule.steps - running.step))
        if clock() - saved >= SECONDS_BETWEEN_SAVES:
            save(task, running, path)
            saved = clock()
            say(progress_line(running))
    save(task, running, path)
    return running


def save(task: Task, running: Annealer, path: Path) -> None:
    """Write the state of a search, whole or not at all."""
    write_bytes(path, canonical_json(state_of(task, running)).encode())


def progress_line(running: Annealer) -> str:
    """Return where a search stands, for people."""
    best, now = running.best, running.current
    cost = running.cost(best.codes, best.ends)
    return (
        f"step {running.step} of {running.schedule.steps}: best {best.cost:.2f} ({best.bad} bad "
        f"faults, {cost.two_qubit} two-qubit gates, {cost.layers} layers), now {now.cost:.2f}"
    )


def outcome(task: Task, running: Annealer) -> dict[str, Any]:
    """Return the best circuit, what it costs and what `certify` says of it, in JSON types."""
    start = start_search(task)
    block = found_block(task, running, running.best)
    faults = certified(found_program(task, block))
    names = qubit_names(task.patch)
    name_of = {qubit: name for name, qubit in names.items()}
    middle = [gate for gate in block.gates if gate[0] not in ("a", "adg")]
    return {
        "schema_version": 1,
        "task": asdict(task),
        "start": _costs(start, start.best),
        "best": _costs(running, running.best),
        "certificate": asdict(faults),
        "layers": list(write_layers(middle, names)),
        "reads": [
            {
                "ancilla": name_of[read.qubit],
                "role": read.role,
                "basis": read.basis,
                "faces": list(read.faces),
            }
            for read in block.reads
        ],
    }


def render_outcome(document: Mapping[str, Any]) -> str:
    """Return what `outcome` returned as text."""
    task, start, best = document["task"], document["start"], document["best"]
    counts = document["certificate"]
    lines = [f"{task['scheme']} {task['stage']}, objective {task['objective']}", ""]
    lines += [f"{'':8}" + "".join(key.rjust(10) for key in start)]
    for name, row in (("start", start), ("best", best)):
        values = (f"{value:.2f}" if key == "cost" else str(value) for key, value in row.items())
        lines.append(f"{name:8}" + "".join(value.rjust(10) for value in values))
    lines += [
        "",
        f"certify: {counts['detection']} / {counts['correction']} of {counts['faults']} single "
        "faults fail detection / correction",
        "",
        *(f"    {layer}" for layer in document["layers"]),
        "",
        *(f"    {_told(read)}" for read in document["reads"]),
    ]
    return "\n".join(lines) + "\n"


def _told(read: Mapping[str, Any]) -> str:
    if read["role"] != "syndrome":
        return f"{read['ancilla']}: {read['role']}"
    return f"{read['ancilla']}: {read['basis']} of face {' and '.join(map(str, read['faces']))}"


def _costs(running: Annealer, found: Candidate) -> dict[str, Any]:
    cost = running.cost(found.codes, found.ends)
    return {"bad": found.bad, "cost": found.cost, **asdict(cost)}
