"""Ideal decoding: how many qubits a lightest error with a given syndrome has."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .colour_code import ColourCode


@cache
def lightest_weights(code: ColourCode) -> NDArray[np.int64]:
    """Return the weight of a lightest error of one kind (X or Z) for each syndrome.

    Shape (2^faces,); bit f of the index is the outcome of face f. The logical operators act on
    all data, so a correction's parity is its class: two lightest corrections of one syndrome
    differ by a stabiliser, and decoding needs their weight alone.
    """
    flips = [
        sum((qubit in face) << f for f, face in enumerate(code.faces))
        for qubit in range(code.num_data)
    ]
    weights = np.full(1 << len(code.faces), -1)
    weights[0] = 0
    reached = np.array([0])
    while len(reached):
        weight = weights[reached[0]] + 1
        nearby = np.zeros(len(weights), dtype=np.bool_)
        for flip in flips:
            nearby[reached ^ flip] = True
        reached = np.flatnonzero(nearby & (weights < 0))
        weights[reached] = weight
    return weights
