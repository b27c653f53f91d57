"""Ideal decoding: a lightest error for every syndrome, in the class that every other one is in."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hexmagic.experiments.certificates.lightest import corrections, lightest_weights
from hexmagic.experiments.colour_code import make_colour_code


def syndromes(masks: np.ndarray, distance: int) -> np.ndarray:
    found = np.zeros(len(masks), dtype=np.int64)
    for f, face in enumerate(make_colour_code(distance).faces):
        mask = sum(1 << q for q in face)
        found |= (np.bitwise_count(masks & mask) % 2).astype(np.int64) << f
    return found


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_every_correction_has_its_syndrome(distance: int) -> None:
    masks = corrections(make_colour_code(distance))
    assert np.array_equal(syndromes(masks, distance), np.arange(len(masks)))
    assert not masks.flags.writeable


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_no_error_of_up_to_four_qubits_is_lighter_than_its_correction(distance: int) -> None:
    code = make_colour_code(distance)
    weights = lightest_weights(code)
    for weight in range(5):
        errors = np.array(
            [sum(1 << q for q in e) for e in combinations(range(code.num_data), weight)]
        )
        found = weights[syndromes(errors, distance)]
        assert np.all(found <= weight)
        if 2 * weight < distance:  # what the code corrects: of the same class as the error
            assert np.all(found % 2 == weight % 2)
