"""What an experiment expects of its result: `expect:` against the fidelity table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan
from typing import TYPE_CHECKING, Any

from ..experiments.errors import HexmagicError
from ..experiments.spec import Bounds, Expect

if TYPE_CHECKING:
    import pandas as pd

    from .folder.run_folder import RunFolder
    from .plan import CircuitKey, Plan, Point

Row = Mapping[str, Any]


class ExpectationError(HexmagicError):
    """A run is complete, or a certificate made, but it is not what was expected or asked for."""

    exit_code = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One bound that one estimate of one point misses.

    Attributes:
        point: index of the point in its plan.
        line: the point's label, the estimate with its interval, and what was expected.
    """

    point: int
    line: str


def missed_expectations(
    plan: Plan, fidelity: pd.DataFrame, short: Mapping[CircuitKey, str] | None = None
) -> tuple[Missed, ...]:
    """Return each bound of the plan's `expect` that the fidelity table misses, in plan order.

    Who is asked, and of what, is told at `Expect`. An estimate that should be in the table and is
    not misses its bounds like one that is NaN, and so does one by strata that is short of its goal.

    Args:
        plan: the plan.
        fidelity: the run's table.
        short: in words, the stratified measures that are short of their goal (`shortfalls`).
    """
    unknown = short or {}
    if plan.expect is None:
        return ()
    rows = fidelity.to_dict("records")
    return tuple(
        Missed(point=point.index, line=f"{point.label}: {what}")
        for point in plan.points
        if not point.baseline
        for what in _missed_of_point(plan.expect, point, rows, unknown)
    )


def missed_lines(folder: RunFolder) -> tuple[str, ...]:
    """Return in words which expectations a run that is done has not met."""
    from .run import Run
    from .strata_rounds import shortfalls

    if folder.plan.expect is None:
        return ()
    missed = missed_expectations(folder.plan, Run(folder).fidelity(), shortfalls(folder))
    return tuple(one.line for one in missed)


def estimate_name(row: Row) -> str:
    """Return which estimate of its point a row of the fidelity table is: of h_ideal it has two."""
    ideal = row["estimate"] == "h_ideal"
    return f"h_ideal {row['readout']}" if ideal else str(row["estimate"])


def _missed_of_point(
    expect: Expect,
    point: Point,
    rows: list[dict[Any, Any]],
    unknown: Mapping[CircuitKey, str],
) -> Iterator[str]:
    reasons = [unknown[key] for m in point.measure if (key := (point.index, m)) in unknown]
    if reasons:
        yield f"unknown, so no bound is met: {'; '.join(dict.fromkeys(reasons))}"
        return
    mine = [row for row in rows if row["point"] == point.index]
    asked = set()
    for estimate in _measured(point):
        row = next((row for row in mine if estimate_name(row) == estimate), {})
        if estimate != "raw" or {"X", "Z"} <= set(point.measure):
            yield from _missed_by(row, estimate, "fidelity", expect.fidelity)
            yield from _missed_by(row, estimate, "infidelity", expect.infidelity)
        acceptance = tuple(str(row.get(f"acceptance{end}")) for end in ("", "_low", "_high"))
        if acceptance not in asked:  # estimates of one and the same set of shots share it
            asked.add(acceptance)
            yield from _missed_by(row, estimate, "acceptance", expect.acceptance)


def _measured(point: Point) -> list[str]:
    """Return the estimates that a point's table rows must hold, by what it measures."""
    ideal = f"h_ideal {point.accept.readout}"
    needs = {"raw": {"X", "Y", "Z"}, "h_measured": {"H"}, ideal: {"H_ideal"}}
    return [name for name, measures in needs.items() if measures & set(point.measure)]


def _missed_by(row: Row, estimate: str, name: str, bounds: Bounds | None) -> Iterator[str]:
    """Yield what a row says of a quantity and what was expected, if that was something else."""
    if bounds is None:
        return
    value = float(row.get(name, "nan"))
    expected = _missed(value, bounds)
    if expected is None:
        return
    what = name if estimate == "raw" else f"{name} ({estimate})"
    if isnan(value):
        found = f"unknown, {row.get('kept', 0)} of {row.get('shots', 0)} shots kept"
    else:
        found = f"{value:.6g} [{row[f'{name}_low']:.6g}, {row[f'{name}_high']:.6g}]"
    yield f"{what} {found}, expected {expected}"


def _missed(value: float, bounds: Bounds) -> str | None:
    if bounds.min is not None and (isnan(value) or value < bounds.min):
        return f"at least {bounds.min:g}"
    if bounds.max is not None and (isnan(value) or value > bounds.max):
        return f"at most {bounds.max:g}"
    return None
