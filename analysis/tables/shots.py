"""The shots table: one row for each raw shot, with the verdict on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ...experiments.criteria import CRITERIA
from ...experiments.measures import MEASURES
from ...experiments.record import BitKey, Role
from ...experiments.shots import Shots
from ..points import PointShots
from ..postselect import cut_flow, logical_outcomes

ROLES: tuple[Role, ...] = ("hadamard", "flag", "syndrome", "data")


def shots_table(point: PointShots) -> pd.DataFrame:
    """Return one row per shot of every measured basis, in the order taken.

    Columns are a MultiIndex: (role, "register[index]") with the value of each recorded bit (xor
    applied; bool, or nullable "boolean" if only some bases record that bit), then
    ("verdict", "kept") bool, ("verdict", "first_failed") categorical, missing for a kept shot,
    ("verdict", "logical") int8 +1 or -1, ("shot", "basis") str and ("shot", "number") int64, from
    0 within its basis.
    """
    measured = [(name, point.shots[name]) for name in MEASURES if name in point.shots]
    flows = [cut_flow(shots, point.accept) for _, shots in measured]
    failed = _join([flow.first_failed for flow in flows], "int8")
    logical = [logical_outcomes(shots, point.accept) for _, shots in measured]
    sizes = [len(shots) for _, shots in measured]
    bases = np.repeat(np.array([basis for basis, _ in measured], dtype=object), sizes)
    columns: dict[tuple[str, str], Any] = {
        **_bit_columns([shots for _, shots in measured]),
        ("verdict", "kept"): failed < 0,
        ("verdict", "first_failed"): pd.Categorical.from_codes(
            failed, dtype=pd.CategoricalDtype(list(CRITERIA), ordered=True)
        ),
        ("verdict", "logical"): _join(logical, "int8"),
        ("shot", "basis"): pd.array(bases, dtype="str"),
        ("shot", "number"): _join([np.arange(size) for size in sizes], "int64"),
    }
    names = pd.MultiIndex.from_tuples(columns, names=["role", "bit"])
    return pd.DataFrame(columns).set_axis(names, axis=1)


def _bit_columns(parts: Sequence[Shots]) -> dict[tuple[str, str], Any]:
    """Return the column of every bit that any part records, role after role."""
    values = [shots.values() for shots in parts]
    places = [{(bit.role, bit.key): i for i, bit in enumerate(p.record.bits)} for p in parts]
    columns: dict[tuple[str, str], Any] = {}
    for role, key in sorted(dict.fromkeys(k for p in places for k in p), key=_role_order):
        known = [(role, key) in place for place in places]
        pieces = [
            v[:, place[role, key]] if has else np.zeros(len(v), np.bool_)
            for v, place, has in zip(values, places, known, strict=True)
        ]
        missing = np.repeat(~np.array(known), [len(v) for v in values])
        joined = _join(pieces, "bool")
        columns[role, f"{key[0]}[{key[1]}]"] = (
            joined if all(known) else pd.arrays.BooleanArray(joined, missing)
        )
    return columns


def _role_order(field: tuple[Role, BitKey]) -> int:
    return ROLES.index(field[0])


def _join(parts: Sequence[Any], dtype: str) -> Any:
    return np.concatenate([np.empty(0, dtype), *parts]).astype(dtype)
