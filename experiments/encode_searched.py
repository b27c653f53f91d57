"""Searched encoders of the fold patch at d = 5, layer by layer.

`a>b` is a CX with control a and target b, as in `searched`. A data qubit is called by its number
in the code, an ancilla by the two data that it lies between: `3-8`.

Found by `synthesis/encoders.py`: with `Beam(width=200, seed=1)`.
"""

from __future__ import annotations

from dataclasses import dataclass

from .block import Gate
from .patch import Patch
from .searched import parse_layers


@dataclass(frozen=True, slots=True, kw_only=True)
class LayeredEncoder:
    """An encoder in words: the state enters on `entry`, `plus` start in |+>, the others in |0>."""

    entry: str
    plus: str
    layers: str


ENCODER_5 = LayeredEncoder(
    entry="10-11",
    plus="2-6 5-9 6-10 7 8 10 11 12-13 15-17",
    layers="""
        10>10-11
        6-10>6 10>10-13
        10>6-10
        10-11>10
        6-10>10 10-13>13
        10>10-13 11>10-11
        6>5-6 10-11>10 11>7-11 13>13-15
        5-6>6 7-11>11 10>6-10 13-15>13
        6-10>6 10-11>11 10-13>13
        5-6>5 6>6-10 7>7-11 11>10-11 13>10-13 13-15>15
        6>5-6 7-11>11 13>13-15
        5-6>6 5-9>5 7>3-7 11>7-11 13-15>13 15-17>15
        2-6>6 5>1-5 7>7-8 11>11-14 12-13>13 15>15-16
        1-5>5 6>5-6 7-8>7 7-11>11 13>13-15 15-16>15
        5-6>5 7-11>7 13-15>15
        1-5>1 5>5-6 7>7-11 8>7-8 15>13-15 15-17>17
        1>0-1 5>1-5 7-8>7 8>4-8 15>15-17 17>17-18
        0-1>1 4-8>8 5-9>5 7>3-7 15-16>15 17-18>17
        0-1>0 1-5>1 2-6>2 3-7>3 4-8>4 5-9>9 7-8>8 11-14>14 12-13>12 15-16>16 15-17>17 17-18>18
        0>0-1 1>1-5 2>2-6 3>3-7 4>4-8 8>7-8 9>5-9 12>12-13 14>11-14 16>15-16 17>15-17 18>17-18
    """,
)
"""92 CX in 20 layers."""

ENCODERS = {5: ENCODER_5}
"""Distance -> encoder."""


def edge_names(patch: Patch) -> dict[str, int]:
    """Return the qubit of each name on a fold patch: `3` is data qubit 3, `3-8` an ancilla."""
    names = {str(i): qubit for i, qubit in enumerate(patch.data)}
    number = {qubit: name for name, qubit in names.items()}
    for ancilla in patch.ancillas:
        ends = [number[data] for data, other in patch.edges if other == ancilla]
        names["-".join(sorted(ends, key=int))] = ancilla
    return names


def layered_encoder(patch: Patch, distance: int) -> tuple[Gate, ...]:
    """Return the searched encoder of |H> of a distance: not fault-tolerant, ancillas back in |0>.

    Raises:
        KeyError: no encoder is written down for the distance.
    """
    encoder, names = ENCODERS[distance], edge_names(patch)
    start: tuple[Gate, ...] = (
        ("a", names[encoder.entry]),
        *(("h", names[name]) for name in encoder.plus.split()),
    )
    return start + parse_layers(encoder.layers, names)
