"""Decoding a readout: a flip pattern of minimum weight for every syndrome of its faces."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from .errors import UsageError
from .record import BitKey, FaceParity

MAX_DECODED_FACES = 20

_MAX_DECODED_BITS = 62  # a flip pattern is an int64


def can_decode(faces: Sequence[FaceParity]) -> bool:
    """Return whether the decoder's table holds so many faces and data bits."""
    return len(faces) <= MAX_DECODED_FACES and len(_keys(faces)) <= _MAX_DECODED_BITS


@lru_cache(maxsize=32)
def logical_flips(
    faces: tuple[FaceParity, ...], logical: tuple[tuple[str, int], ...]
) -> NDArray[np.int8]:
    """Return, for each syndrome, whether its correction flips the logical bit.

    int8, shape (2^faces,): 1 yes, 0 no, -1 for a syndrome that no flips explain. Bit j of the
    index says that face j is violated.

    Raises:
        UsageError: more faces or data bits than the decoder's table holds.
    """
    keys = _keys(faces)
    if not can_decode(faces):
        raise UsageError(
            f"readout correct: {len(faces)} faces on {len(keys)} data bits, the decoder's table "
            f"holds at most {MAX_DECODED_FACES} faces and {_MAX_DECODED_BITS} bits (distance 7): "
            "use readout detect"
        )
    masks = [sum(face.bits.count(key) % 2 << j for j, face in enumerate(faces)) for key in keys]
    pattern = minimum_weight_patterns(masks, len(faces))
    acts_on = sum(logical.count(key) % 2 << i for i, key in enumerate(keys))
    flips = (np.bitwise_count(np.where(pattern < 0, 0, pattern) & acts_on) % 2).astype(np.int8)
    flips[pattern < 0] = -1
    flips.flags.writeable = False  # the cache hands out this very array
    return flips


def _keys(faces: Sequence[FaceParity]) -> list[BitKey]:
    return sorted({key for face in faces for key in face.bits})


def minimum_weight_patterns(masks: Sequence[int], num_faces: int) -> NDArray[np.int64]:
    """Return the flip pattern of least weight, then least value, for each syndrome.

    Breadth first over weights: the least pattern of a syndrome at weight w is the least pattern
    of some syndrome at weight w - 1 with one flip added, so a table of one pattern per syndrome
    is exact.

    Args:
        masks: for each data bit, the faces that its flip violates (bit j: face j).
        num_faces: number of faces.

    Returns:
        int64, shape (2^faces,): bit i says that data bit i flips; -1 if no pattern exists.
    """
    unknown = np.iinfo(np.int64).max
    pattern = np.full(1 << num_faces, -1, dtype=np.int64)
    pattern[0] = 0
    frontier = np.zeros(1, dtype=np.intp)
    while frontier.size:
        best = np.full(pattern.size, unknown, dtype=np.int64)
        for i, mask in enumerate(masks):
            target = frontier ^ mask
            best[target] = np.minimum(best[target], pattern[frontier] | (1 << i))
        frontier = np.flatnonzero((best < unknown) & (pattern < 0))
        pattern[frontier] = best[frontier]
    return pattern
