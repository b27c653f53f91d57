"""Ideal decoding: a lightest error for every syndrome."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..colour_code import ColourCode
from ..readout_decoder import minimum_weight_patterns


@cache
def corrections(code: ColourCode) -> NDArray[np.int64]:
    """Return, for each syndrome, the mask of a lightest set of data that causes it.

    Shape (2^faces,); bit f of the index is the outcome of face f, bit q of a mask data qubit q.
    The faces of X and of Z are the same, so this decodes errors of either kind. Two lightest sets
    of one syndrome differ by a stabiliser: by an even number of qubits, and logical operators that
    are no stabilisers have odd weight. So it does not matter which one is taken.
    """
    flips = [
        sum((qubit in face) << f for f, face in enumerate(code.faces))
        for qubit in range(code.num_data)
    ]
    masks = minimum_weight_patterns(flips, len(code.faces))
    masks.flags.writeable = False  # it is kept for the next caller
    return masks


def lightest_weights(code: ColourCode) -> NDArray[np.int64]:
    """Return the weight of a lightest error of one kind (X or Z) for each syndrome.

    Shape (2^faces,). Its parity is the class of the correction: the logical operators act on all
    data.
    """
    return np.bitwise_count(corrections(code)).astype(np.int64)
