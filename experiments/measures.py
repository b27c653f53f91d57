"""What can be measured of the prepared state."""

from __future__ import annotations

from typing import Literal, get_args

Measure = Literal["X", "Y", "Z", "H", "H_ideal"]
"""X, Y, Z: all data read in that basis. H: a second, flagged H_m, whose outcome is the result.

H_ideal: the state as it would be used, after the data have waited for the last ancilla, judged
without error by the emulator.
"""

MEASURES: tuple[Measure, ...] = get_args(Measure)
