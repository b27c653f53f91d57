"""The schemes by name, and what each of them has; what they are stands in docs/family.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Scheme = Literal["fold", "fold13", "fold14", "tree16", "fold40", "routed", "encoded", "bare"]

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)

ONE_DISTANCE: Mapping[str, int] = {"fold13": 3, "fold14": 3, "tree16": 3, "routed": 3, "fold40": 5}
"""The code distance of each scheme that exists at one only."""

WITHOUT_ROUNDS: tuple[Scheme, ...] = ("encoded", "bare")
"""Schemes that prepare without H_m and ED, so that they have no ancilla to reuse either."""

WITHOUT_H: tuple[Scheme, ...] = ("bare", "routed")
"""Schemes that are read out in Pauli bases only, not in H or H_ideal."""

SEARCHED: tuple[Scheme, ...] = ("fold13", "fold14", "tree16")
"""Schemes whose H_m or ED can be searched for (see synthesis)."""
