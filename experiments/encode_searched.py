"""Searched encoders of the fold patch at d = 5 and 7, layer by layer.

`a>b` is a CX with control a and target b, as in `searched`; a long layer takes several lines. A
data qubit is called by its number in the code, an ancilla by the two data that it lies between:
`3-8`.

Found by `search_encoder` of `synthesis/encoders.py`: d = 5 with `Beam(width=200, seed=1)`, d = 7
with `Beam(width=100, seed=31, waiting_weight=0.05, patience=25)` and `Window(height=4, step=1.5)`.
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

ENCODER_7 = LayeredEncoder(
    entry="14-19",
    plus="1-7 7 8-14 10 11 11-12 16-17 18-19 19 19-23 20-24 21 23-27 25 25-29 31-33 33 35",
    layers="""
        18-19>18
        19>18-19
        14-19>19
        19-23>19
        19-23>23
        19>18-19 23>19-23 23-27>27
        19>19-23 23>23-27
        19-23>23
        8-14>14 23-27>23
        14-19>14 19>19-23 23>23-24
        19>14-19 23-24>23
        14>14-19 23-24>24
        14-19>14 24>24-28
        14>14-15 24>23-24
        14-15>14 20-24>24
        14-15>15 14-19>14 20-24>20
        14>14-19 15>9-15 20>20-24 21>20-21
        9-15>15 14>14-15 20-21>20
        14-15>15 20>20-21
        15>14-15 20>15-20
        15-20>15
        15>9-15
        9-15>9
        9>9-15 15-20>15
        15>9-15
        9-15>15
        9-15>9 15-20>15
        9>9-10 15>15-20
        9-10>9 9-15>15
        9-15>9
        9>9-15 10>9-10
        9-10>9
        10>9-10
        9>3-9 10>10-16
        9-10>9 10-16>10 21>21-25
        9-10>10 16-17>16 20-21>20 21-25>21
        10>9-10 16>10-16 20-21>21
        10-16>10 21>20-21 25>21-25
        10>10-16 16-17>16 21-25>21
        10-16>16 21>21-25
        16>10-16 21>16-21
        16-21>16
        16>16-21 18>13-18
        8-14>8 13-18>18 16-17>16
        8>8-14 13-18>13 16>16-17
        8>7-8 13>13-18 16-17>17
        7-8>8 13>7-13 17>16-17
        7>7-8 7-13>13 16>16-17
        7-13>7 16-17>16 27>27-30
        1-7>1 7>7-8 16-21>16 27-30>27
        7>1-7 16>16-21 27-30>30
        1-7>7 16>10-16 17>17-22 30>27-30
        7>7-8 16-17>16 17-22>17 30>30-31
        7>7-13 16-17>17 30-31>30 31-33>31
        7-13>7 17>16-17 31>30-31 33>31-33
        1-7>7 17-22>17 30-31>31 31-33>33
        7>7-8 11-12>11 17>11-17 24-28>28 31-33>31 35>33-35
        7-8>8 11>11-17 25-29>29 28>24-28 31>28-31 33>33-35
        8>7-8 11-17>11 25-29>25 28-31>28 31-33>33
        1-7>7 8>2-8 11-12>11 17-22>17 25>25-26 28>28-29 29>25-29 33>31-33
        2-8>8 7>7-8 11>5-11 17>17-22 25-26>25 28-29>29 31>28-31 33-35>33
        5-11>11 7-8>8 10>4-10 11-17>17 21-25>25 29>29-32 31-33>31 33>33-34
        4-10>10 8>8-14 11-17>11 19>19-23 25>25-29 29-32>29 31-33>33
        8-14>14 10-16>10 11>11-17 11-12>12 19-23>23 21-25>21 25-29>29 33-34>33
        1>0-1 7>7-8 8>8-14 10>10-16 11>11-12 12>6-12 19>19-23 25>21-25 29>25-29 33>31-33 35>35-36
        0-1>1 1-7>7 2-8>8 4-10>10 5-11>11 6-12>12 17>17-22 18-19>19 23-27>23 24>24-28 25-26>25
        28>28-29 29-32>29 33-34>33 35-36>35
        0-1>0 1-7>1 2-8>2 3-9>3 4-10>4 5-11>5 6-12>6 7-13>13 11-12>12 17-22>22 18-19>18 23-27>27
        24-28>28 25-26>26 29-32>32 30-31>30 33-34>34 33-35>35 35-36>36
        0>0-1 1>1-7 2>2-8 3>3-9 4>4-10 5>5-11 6>6-12 12>11-12 13>7-13 18>18-19 22>17-22 24>24-28
        26>25-26 27>23-27 30>30-31 32>29-32 34>33-34 35>33-35 36>35-36
    """,
)
"""248 CX in 68 layers."""

ENCODERS = {5: ENCODER_5, 7: ENCODER_7}
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
