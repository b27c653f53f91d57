"""What an experiment expects of its result: `expect:` against the fidelity table."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from ..experiments.errors import HexmagicError
from ..experiments.spec import Bounds, Expect

if TYPE_CHECKING:
    import pandas as pd


class ExpectationError(HexmagicError):
    """A run is complete, but its result is not what was expected of it."""

    exit_code = 5


def missed_expectations(expect: Expect | None, fidelity: pd.DataFrame) -> tuple[str, ...]:
    """Return one line for each bound that a protocol row of the fidelity table misses.

    Baselines are not asked. The estimate itself is compared, not its interval; an estimate that
    does not exist, because no shot was kept, misses every bound.
    """
    if expect is None:
        return ()
    rows = fidelity[~fidelity["baseline"] & (fidelity["estimate"] == "raw")]
    lines = []
    for row in rows.to_dict("records"):
        for name, bounds in (("fidelity", expect.fidelity), ("acceptance", expect.acceptance)):
            value = float(row[name])
            missed = None if bounds is None else _missed(value, bounds)
            if missed:
                interval = f"[{row[f'{name}_low']:.6g}, {row[f'{name}_high']:.6g}]"
                lines.append(f"{row['label']}: {name} {value:.6g} {interval}, expected {missed}")
    return tuple(lines)


def _missed(value: float, bounds: Bounds) -> str | None:
    if bounds.min is not None and (isnan(value) or value < bounds.min):
        return f"at least {bounds.min:g}"
    if bounds.max is not None and (isnan(value) or value > bounds.max):
        return f"at most {bounds.max:g}"
    return None
