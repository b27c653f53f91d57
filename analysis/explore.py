"""What the tables of a point are under any choice of cuts, and what each switch costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import nan
from typing import Any

import pandas as pd

from ..experiments.criteria import enabled_criteria
from ..experiments.measures import Measure
from .choice import Choice, accept_of, chosen, cut_name, switches
from .judge import READOUT, Cut
from .points import PointCounts
from .tables.basic import cutflow_table, fidelity_rows, fidelity_table, make_frame, points_table

COSTS: Mapping[str, str] = {
    **{"criterion": "str", "round": "int64", "on": "bool"},
    **{"shots": "int64", "failed": "int64", "alone": "int64"},
    **dict.fromkeys(("fidelity", "fidelity_low", "fidelity_high"), "float64"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explored:
    """A point under a choice.

    Attributes:
        fidelity: table as in docs/tables.md, as are `cutflow` and `points`.
        cutflow: of the chosen measures.
        points: one row per chosen measure.
        costs: what each switch costs: `switch_costs`.
        accept: the choice as it is written in an experiment.
        counted: measures that are not shown as no switch can be applied to them: only counts of
            them were kept, not shots.
    """

    fidelity: pd.DataFrame
    cutflow: pd.DataFrame
    points: pd.DataFrame
    costs: pd.DataFrame
    accept: str
    counted: tuple[Measure, ...]


def explore(point: PointCounts, choice: Choice, *, level: float = 0.95) -> Explored:
    """Return the tables of a point under a choice.

    Raises:
        UsageError: a cut, basis or part that the point does not have, or faces that nothing
            decodes.
    """
    shown = chosen(point, choice)
    return Explored(
        fidelity=fidelity_table([shown], level=level),
        cutflow=cutflow_table([shown], level=level),
        points=points_table([shown], level=level),
        costs=switch_costs(point, choice, level=level),
        accept=accept_text(point, choice),
        counted=tuple(name for name in choice.bases if name not in shown.measures),
    )


def accept_text(point: PointCounts, choice: Choice) -> str:
    """Return a choice as the `accept` of an experiment; a comment tells what no file can ask."""
    accept = accept_of(point, choice)
    enabled = enabled_criteria(accept)
    beyond = [
        cut_name(cut)
        for cut in switches(point)
        if cut in choice.left_out and enabled[cut.criterion]
    ]
    beyond += ["readout"] if choice.faces == "ignore" else []
    lines = [f"# also left out, which an experiment cannot ask for: {', '.join(beyond)}"]
    lines = [*(lines if beyond else []), "accept:"]
    for name in ("hadamard", "flags", "syndromes"):
        lines.append(f"  {name}: {'true' if getattr(accept, name) else 'false'}")
    return "\n".join([*lines, f"  readout: {accept.readout}", ""])


def switch_costs(point: PointCounts, choice: Choice, *, level: float = 0.95) -> pd.DataFrame:
    """Return what each cut costs in the chosen bases and parts, one row per cut. Columns: `COSTS`.

    `failed` are the shots that fail the cut; `alone` those that it alone decides: kept with it
    off, discarded with it on, all others being as chosen. `fidelity` is that from <X> and <Z> with
    this one switch the other way; NaN if it cannot be told.
    """
    rows = [_cost(point, choice, cut, level) for cut in _costly(point)]
    return make_frame(rows, COSTS, [])


def _costly(point: PointCounts) -> tuple[Cut, ...]:
    faces = any(READOUT in counts.cuts for counts in point.cuts.values())
    return (*switches(point), *([READOUT] if faces else []))


def _cost(point: PointCounts, choice: Choice, cut: Cut, level: float) -> dict[str, Any]:
    on = choice.faces == "detect" if cut == READOUT else cut not in choice.left_out
    if cut != READOUT:
        turned = replace(choice, left_out=choice.left_out ^ {cut})
    elif choice.faces == "detect":
        turned = replace(choice, faces="ignore")
    else:
        turned = replace(choice, faces="detect")
    now, then = _raw(point, choice), _raw(point, turned)
    row = next(iter(fidelity_rows(then, level)), None)
    usable = row is not None and row["estimate"] == "raw"
    numbers = {
        name: row[name] if row is not None and usable else nan
        for name in ("fidelity", "fidelity_low", "fidelity_high")
    }
    return {
        "criterion": cut.criterion,
        "round": cut.round,
        "on": on,
        "shots": sum(counts.shots for counts in now.cuts.values()),
        "failed": sum(counts.failing(cut) for counts in now.cuts.values()),
        "alone": abs(_kept(then) - _kept(now)),
        **numbers,
    }


def _raw(point: PointCounts, choice: Choice) -> PointCounts:
    """Return the chosen point with only the measures whose shots were kept."""
    shown = chosen(point, choice)
    return replace(
        shown,
        measures=tuple(name for name in shown.measures if name in shown.cuts),
        counts={name: counts for name, counts in shown.counts.items() if name in shown.cuts},
        stratified={},
    )


def _kept(point: PointCounts) -> int:
    return sum(one.kept for counts in point.counts.values() for one in counts.outcomes.values())
