"""A choice of cuts, bases and parts of a run, and a point as it would be under one.

Everything follows from cut counts: no shot is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ..experiments.counts import Readout
from ..experiments.criteria import CriterionName, enabled_criteria
from ..experiments.errors import UsageError
from ..experiments.measures import Measure
from ..experiments.readout_decoder import can_decode
from ..experiments.spec import Accept
from .judge import READOUT, Cut, in_order
from .points import PointCounts

Faces = Literal["detect", "correct", "ignore"]
"""What is done with the readout's faces; "ignore", which no experiment can ask for: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A choice of cuts, bases and parts.

    Attributes:
        left_out: cuts that are not asked; never `READOUT`, of which `faces` decides.
        faces: what is done with the readout's faces.
        bases: measures that are looked at.
        parts: first part of the run and the one after the last, counted from 0.
    """

    left_out: frozenset[Cut]
    faces: Faces
    bases: tuple[Measure, ...]
    parts: tuple[int, int]


def switches(point: PointCounts) -> tuple[Cut, ...]:
    """Return the cuts that can be switched, by criterion and round; not the readout's faces."""
    found = {cut for counts in point.cuts.values() for cut in counts.cuts} - {READOUT}
    return in_order(found)


def face_choices(point: PointCounts) -> tuple[Faces, ...]:
    """Return what can be done with the faces of a point's readout; without any, its own alone."""
    records = [counts.record for counts in point.cuts.values() if counts.record.faces]
    if not records:
        return (point.accept.readout,)
    able = all(can_decode(record.faces) for record in records)
    return tuple(name for name in get_args(Faces) if able or name != "correct")


def parts_of(point: PointCounts) -> int:
    """Return into how many parts the shots of a point are divided; 1 if none were kept."""
    return max((counts.parts for counts in point.cuts.values()), default=1)


def own_choice(point: PointCounts) -> Choice:
    """Return what the experiment asks for, of all that was measured."""
    enabled = enabled_criteria(point.accept)
    return Choice(
        left_out=frozenset(cut for cut in switches(point) if not enabled[cut.criterion]),
        faces=point.accept.readout,
        bases=point.measures,
        parts=(0, parts_of(point)),
    )


def choice_for(point: PointCounts, other: PointCounts, choice: Choice) -> Choice:
    """Return a point's choice for another point, to compare them under the same cuts.

    A cut that the point does not have is asked of the other if it has others of the criterion and
    asks one of them, or if it has none and the other's experiment asks them.
    """
    asked = set(switches(point)) - choice.left_out
    known = {cut.criterion for cut in switches(point)}
    enabled = enabled_criteria(other.accept)

    def is_asked(cut: Cut) -> bool:
        if cut in switches(point):
            return cut in asked
        if cut.criterion in known:
            return any(mine.criterion == cut.criterion for mine in asked)
        return enabled[cut.criterion]

    faces = choice.faces if choice.faces in face_choices(other) else other.accept.readout
    return Choice(
        left_out=frozenset(cut for cut in switches(other) if not is_asked(cut)),
        faces=faces,
        bases=tuple(name for name in other.measures if name in choice.bases),
        parts=choice.parts if parts_of(other) == parts_of(point) else (0, parts_of(other)),
    )


def chosen(point: PointCounts, choice: Choice) -> PointCounts:
    """Return a point as it would be under a choice.

    Measures of which only counts were kept stay as they are while the choice of cuts and parts is
    the experiment's own, and go with any other.

    Raises:
        UsageError: a cut, basis or part that the point does not have, or faces that nothing
            decodes.
    """
    _check(point, choice)
    accept, own = accept_of(point, choice), own_choice(point)
    left_out = choice.left_out | ({READOUT} if choice.faces == "ignore" else set())
    cuts = {
        name: counts.between(*choice.parts)
        for name, counts in point.cuts.items()
        if name in choice.bases
    }
    same = replace(choice, bases=own.bases) == own
    measures = tuple(
        name
        for name in point.measures
        if name in choice.bases and (name in cuts or same or not _is_counted(point, name))
    )
    counts = {name: one.under(accept, without=left_out) for name, one in cuts.items()}
    if same:
        counts = {name: point.counts[name] for name in measures if name in point.counts}
    return replace(
        point,
        accept=accept,
        measures=measures,
        counts=counts,
        cuts=cuts,
        stratified={name: one for name, one in point.stratified.items() if name in measures},
    )


def accept_of(point: PointCounts, choice: Choice) -> Accept:
    """Return the `accept` that is nearest to a choice: a criterion is on if any cut of it is.

    One that the circuit has no cut of stays as the experiment has it.
    """
    there = {cut.criterion for cut in switches(point)}
    asked = {cut.criterion for cut in switches(point) if cut not in choice.left_out}
    own = point.accept

    def is_on(names: set[CriterionName], before: bool) -> bool:
        return bool(names & asked) if names & there else before

    readout: Readout = "detect" if choice.faces == "ignore" else choice.faces
    return Accept(
        hadamard=is_on({"hadamard"}, own.hadamard),
        flags=is_on({"encode", "flags"}, own.flags),
        syndromes=is_on({"syndromes"}, own.syndromes),
        readout=readout,
    )


def cut_name(cut: Cut) -> str:
    """Return a cut in words, such as "syndromes, round 2"."""
    return f"{cut.criterion}, round {cut.round}" if cut.round else cut.criterion


def _is_counted(point: PointCounts, name: Measure) -> bool:
    return name not in point.cuts and (name in point.counts or name in point.stratified)


def _check(point: PointCounts, choice: Choice) -> None:
    """Raise if a choice is not one that the point has."""
    for problem in _problems(point, choice):
        raise UsageError(f"point {point.label}: {problem}")


def _problems(point: PointCounts, choice: Choice) -> Iterator[str]:
    there: Sequence[Cut] = switches(point)
    for cut in sorted(choice.left_out - set(there)):
        known = "; ".join(map(cut_name, there)) or "none"
        yield f"no cut {cut_name(cut)}; its cuts are {known}"
    for name in choice.bases:
        if name not in point.measures:
            yield f"basis {name} was not measured; {', '.join(point.measures)} were"
    if choice.faces not in face_choices(point):
        yield f"readout {choice.faces} is not possible; {', '.join(face_choices(point))} are"
    first, end = choice.parts
    if not 0 <= first < end <= parts_of(point):
        yield f"parts {first} to {end} are not parts of 0 to {parts_of(point)}"
