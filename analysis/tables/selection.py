"""What the table would be under other cuts: without one criterion, without all, either readout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from ...experiments.counts import Readout
from ...experiments.criteria import CRITERIA, enabled_criteria
from ...experiments.readout_decoder import can_decode
from ...experiments.record import RecordMap
from ...experiments.spec import Accept
from ..cut_counts import CutCounts
from ..judge import Cut
from ..points import PointCounts
from .basic import FIDELITY, IDENTITY, fidelity_rows, make_frame

NOTHING = ""
EVERYTHING = "everything"
READOUTS: tuple[Readout, ...] = ("detect", "correct")

SELECTION: Mapping[str, str] = {
    **IDENTITY,
    **{"without": "str", "asked": "bool"},
    **{name: dtype for name, dtype in FIDELITY.items() if name not in IDENTITY},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A choice of cuts.

    Attributes:
        without: the criterion that is left out: "" for none, "everything" for all.
        readout: how the readout's faces are treated.
        asked: whether this is what the experiment asks for.
    """

    without: str
    readout: Readout
    asked: bool


def selection_table(points: Sequence[PointCounts], *, level: float = 0.95) -> pd.DataFrame:
    """Return the fidelity of each point under every choice of cuts that its shots allow.

    Only points whose raw shots were kept, and of them only measures that were sampled. The rows
    of a point rest on the same shots: their differences are smaller than their intervals tell.
    Columns: `SELECTION`, then `sweep.<field>` columns.
    """
    rows = [
        {"without": chosen.without, "asked": chosen.asked} | row
        for point in points
        for chosen in selections(point)
        for row in fidelity_rows(selected(point, chosen), level)
    ]
    return make_frame(rows, SELECTION, points)


def selections(point: PointCounts) -> Iterator[Selection]:
    """Yield the choices that mean something for a point, the experiment's own first."""
    records = [counts.record for counts in point.cuts.values()]
    if not records:
        return
    names = [name for name in CRITERIA if _asks(point, name)]
    for readout in _readouts(point.accept, records):
        mine = readout == point.accept.readout
        yield Selection(without=NOTHING, readout=readout, asked=mine)
        asked = [name for name in names if name != "readout" or readout == "detect"]
        for name in [*asked, EVERYTHING] if len(asked) > 1 else asked:
            yield Selection(without=name, readout=readout, asked=False)


def selected(point: PointCounts, chosen: Selection) -> PointCounts:
    """Return a point as it would be under another choice of cuts; without its ideal judgement."""
    accept = replace(point.accept, readout=chosen.readout)
    return replace(
        point,
        accept=accept,
        measures=tuple(measure for measure in point.measures if measure in point.cuts),
        counts={
            measure: counts.under(accept, without=_left_out(counts, chosen.without))
            for measure, counts in point.cuts.items()
        },
        stratified={},
    )


def _asks(point: PointCounts, name: str) -> bool:
    enabled = {str(key): on for key, on in enabled_criteria(point.accept).items()}
    if name == "readout":  # "correct" asks nothing of the faces, "detect" would
        return any(counts.record.faces for counts in point.cuts.values())
    there = any(cut.criterion == name for counts in point.cuts.values() for cut in counts.cuts)
    return enabled[name] and there


def _readouts(accept: Accept, records: Sequence[RecordMap]) -> list[Readout]:
    """Return the experiment's treatment of the readout first, and the other if there are faces."""
    if not any(record.faces for record in records):
        return [accept.readout]
    found = [accept.readout, *(other for other in READOUTS if other != accept.readout)]
    if not all(can_decode(record.faces) for record in records):
        found.remove("correct")
    return found


def _left_out(counts: CutCounts, without: str) -> frozenset[Cut]:
    return frozenset(
        cut for cut in counts.cuts if without == EVERYTHING or cut.criterion == without
    )
