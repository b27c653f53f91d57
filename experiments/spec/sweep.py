"""Sweeps: from one experiment with lists of values to one experiment for each grid point."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from .errors import (
    FieldPath,
    Source,
    SpecError,
    dotted_name,
    field_path,
    make_one_error,
    nearest_name,
    show,
)
from .noise import NOISE_FIELDS, NoiseSpec, noise_document
from .types import Experiment, Scalar
from .validation import SECTIONS, build_experiment

SWEEPABLE = (
    *(
        f"{section}.{f.name}"
        for section in ("protocol", "device", "accept")
        for f in fields(SECTIONS[section,])
        if f.init
    ),
    *NOISE_FIELDS,
    "shots",
    "seed",
)
MOST_POINTS = 10_000


def expand_sweep(experiment: Experiment) -> tuple[Experiment, ...]:
    """Return one experiment for each point of the sweep's grid, itself alone without a sweep.

    The grid is in the order written, the last field varies fastest. A point has no sweep of its
    own; its `swept` holds the values chosen, as scalars.

    Raises:
        SpecError: a field that cannot be swept, a point that is no valid experiment (located at
            the sweep's line), a point that is there twice, or more than 10 000 points.
    """
    if not experiment.sweep:
        return (experiment,)
    _check_names(experiment)
    base = experiment.to_document()
    del base["sweep"]
    points: dict[tuple[Scalar, ...], Experiment] = {}
    for chosen in _grid(experiment.sweep):
        point = _make_point(experiment, base, chosen)
        key = tuple(point.swept.values())
        if key in points:
            at = ", ".join(f"{name} = {show(value)}" for name, value in point.swept.items())
            raise _refuse(experiment, "", f"{at} is there twice; name it once")
        points[key] = point
    return tuple(points.values())


def set_field(document: dict[str, Any], name: str, value: Any) -> None:
    """Set a dotted field of an experiment's document; a field of the noise sets all of it."""
    if name in NOISE_FIELDS:
        name, value = "device.noise", noise_document(name, value)
    section, _, leaf = name.rpartition(".")
    if section:
        document[section] = document.get(section, {}) | {leaf: value}
    else:
        document[leaf] = value


def overlap(name: str, other: str) -> bool:
    """Return whether setting one dotted field changes the other."""
    if {name, other} <= set(NOISE_FIELDS):
        return True
    return f"{name}.".startswith(f"{other}.") or f"{other}.".startswith(f"{name}.")


def _check_names(experiment: Experiment) -> None:
    names = list(experiment.sweep)
    for i, name in enumerate(names):
        if name not in SWEEPABLE:
            raise _refuse(experiment, name, f"cannot be swept; {_suggest_sweepable(name)}")
        for other in names[:i]:
            if overlap(name, other):
                raise _refuse(experiment, name, f"sets the same field as {other}; sweep one")
    size = math.prod(len(values) for values in experiment.sweep.values())
    if size > MOST_POINTS:
        raise _refuse(experiment, "", f"{size} points; at most {MOST_POINTS}: split it")


def _suggest_sweepable(name: str) -> str:
    """Return the nearest name, by the whole or by its last part; `distance` is enough."""
    by_leaf = {other.rpartition(".")[2]: other for other in SWEEPABLE}
    leaf = nearest_name(name.rpartition(".")[2], by_leaf)
    near = nearest_name(name, SWEEPABLE) or (by_leaf[leaf] if leaf else None)
    return f"did you mean {near!r}?" if near else f"can be: {', '.join(SWEEPABLE)}"


def _refuse(experiment: Experiment, name: str, what: str) -> SpecError:
    path = ("sweep", name) if name else ("sweep",)
    source = experiment.source
    return make_one_error(source.file, what, line=source.line(path), field=dotted_name(path))


def _grid(sweep: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, int]]:
    """Yield, for each point, the position of the chosen value in each field's list."""
    positions = itertools.product(*(range(len(values)) for values in sweep.values()))
    return (dict(zip(sweep, point, strict=True)) for point in positions)


def _make_point(
    experiment: Experiment, base: Mapping[str, Any], chosen: Mapping[str, int]
) -> Experiment:
    document = dict(base)
    written = {name: experiment.sweep[name][i] for name, i in chosen.items()}
    for name, value in written.items():
        set_field(document, name, value)
    source = experiment.source
    lines = {
        field_path(name): source.lines[("sweep", name, i)]
        for name, i in chosen.items()
        if ("sweep", name, i) in source.lines
    }
    try:
        point = build_experiment(document, replace(source, lines=_sweep_lines(source) | lines))
    except SpecError as error:
        at = ", ".join(f"{name} = {show(value)}" for name, value in written.items())
        raise SpecError(f"{error} (at {at})") from None
    swept = {name: _swept_value(point, name, value) for name, value in written.items()}
    return replace(point, swept=swept, source=replace(source, lines={**source.lines, **lines}))


def _sweep_lines(source: Source) -> dict[FieldPath, int]:
    """Return the sweep's own line for every field: what fails at a point fails by the sweep."""
    line = source.line(("sweep",))
    return {} if line is None else {(f.name,): line for f in fields(Experiment)}


def _swept_value(point: Experiment, name: str, written: Any) -> Scalar:
    if name in NOISE_FIELDS:
        return point.device.noise.swept_value
    value: Any = point
    for step in name.split("."):
        value = getattr(value, step)
    if isinstance(value, NoiseSpec):
        return str(value)
    if isinstance(value, tuple):
        return ",".join(str(qubit) for qubit in value)
    chosen: Scalar = written if value is None else value  # rounds: auto, of a scheme without any
    return chosen
