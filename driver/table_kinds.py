"""The tables that are made from a run's shots (docs/tables.md)."""

from __future__ import annotations

from typing import Literal, get_args

TableKind = Literal[
    "fidelity", "cutflow", "points", "strata", "selection", "states", "drift", "flags", "predicted"
]
KINDS: tuple[TableKind, ...] = get_args(TableKind)
BASIC: tuple[TableKind, ...] = ("fidelity", "cutflow", "points")
"""Those that every run has in its folder, even if they are empty."""
