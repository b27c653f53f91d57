"""The noiseless run of a circuit, checked exactly, up to distance 7.

Every outcome that has to be certain is an observable with expectation +1 or -1. Taken backwards
through the rotations it becomes a sum of Paulis. In front of each H_m the data are in the code and
every other wire has a value, so there the sum is reduced: a term that anticommutes with a
stabiliser has expectation 0, and the others are multiplied by stabilisers until only the identity
and the logical Paulis are left. That the stabilisers do hold there is itself among the observables,
one H_m after the other, from the beginning, where every wire is in |0>.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from ..colour_code import ColourCode
from ..errors import HexmagicError
from .pauli_frame import Cut, PauliFrame
from .pauli_sums import (
    Pauli,
    PauliSums,
    anticommuting,
    join,
    make_sums,
    merged,
    multiplied,
    rotated,
)
from .stabilisers import (
    Generator,
    all_generators,
    begin_generators,
    end_cut,
    face_generators,
    light_logical,
    product_of,
)

_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Noiseless:
    """What a noiseless run gives.

    Attributes:
        values: value of each wire at its end, 0 or 1; 0 for the data.
        fidelity: of the data with the encoded |H>.
    """

    values: tuple[int, ...]
    fidelity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Observable:
    """A Pauli at the circuit's end, behind the first `end` rotations; its expectation there."""

    pauli: Pauli
    end: int
    what: str
    expected: int | None = None


def check_noiseless(frame: PauliFrame, code: ColourCode) -> Noiseless:
    """Return what a noiseless run gives.

    Raises:
        HexmagicError: an outcome is not certain or not the expected one, or the data are not in
            the code where they should be.
    """
    certain = [*_outcomes(frame), *_faces(frame, code)]
    logical = [
        _Observable(
            pauli=product_of(end_cut(frame), letter, [frame.data[q] for q in light_logical(code)]),
            end=len(frame.rotations),
            what=f"logical {letter}",
        )
        for letter in ("X", "Z")
    ]
    found = _expectations(frame, code, [*certain, *logical])
    for observable, value in zip(certain, found, strict=False):
        wanted = value if observable.expected is None else 1 - 2 * observable.expected
        if abs(abs(value) - 1) > _ROUNDING or abs(value - wanted) > _ROUNDING:
            raise HexmagicError(
                f"noiseless run: {observable.what} is not the expected one "
                f"(expectation {value:.3f})"
            )
    values = [0] * frame.num_wires
    for outcome, value in zip(frame.outcomes, found, strict=False):
        if outcome.expected is None:
            values[outcome.wire] = int(value < 0)
    return Noiseless(values=tuple(values), fidelity=float((1 + sum(found[-2:]) / sqrt(2)) / 2))


def _outcomes(frame: PauliFrame) -> Iterator[_Observable]:
    for outcome in frame.outcomes:
        yield _Observable(
            pauli=outcome.observable,
            end=frame.rotations_before(outcome.at),
            what=f"the outcome on wire {outcome.wire}",
            expected=outcome.expected,
        )


def _faces(frame: PauliFrame, code: ColourCode) -> Iterator[_Observable]:
    """Yield what the reduction takes for granted in front of each H_m, and the code at the end."""
    for cut in (*frame.cuts, end_cut(frame)):
        end = frame.rotations_before(cut.at)
        for i, generator in enumerate(face_generators(cut, code)):
            yield _Observable(
                pauli=generator.stabiliser,
                end=end,
                what=f"stabiliser {i} of the code",
                expected=0,
            )
        for qubit, wire in enumerate(cut.alive):
            if wire not in cut.data:
                yield _Observable(
                    pauli=cut.z[wire],
                    end=end,
                    what=f"qubit {qubit} in front of instruction {cut.at}",
                    expected=0,
                )


def _expectations(
    frame: PauliFrame, code: ColourCode, observables: Sequence[_Observable]
) -> NDArray[np.float64]:
    ends = np.array([observable.end for observable in observables])
    sums = make_sums([observable.pauli for observable in observables], frame.num_columns)
    cuts = {frame.rotations_before(cut.at): cut for cut in frame.cuts}
    settled = _settled(frame, code, cuts)
    for j in range(len(frame.rotations) - 1, -1, -1):
        rotation = frame.rotations[j]
        active = ends[sums.owners] > j
        axis = make_sums([rotation.axis], frame.num_columns)
        sums = rotated(sums, axis, -rotation.angle, active)
        active = ends[sums.owners] > j
        waiting, sums = sums[~active], sums[active]
        if j in settled:
            sums = merged(_reduced(sums, settled[j], frame.num_columns))
        if j in cuts:
            sums = _reduced(sums, all_generators(cuts[j], code), frame.num_columns)
        sums = join([waiting, merged(sums)])
    sums = merged(_reduced(sums, begin_generators(frame.begin), frame.num_columns))
    if sums.x.any() or sums.z.any():
        raise HexmagicError("noiseless run: the wires' stabilisers do not fix every outcome")
    found = np.zeros(len(observables))
    np.add.at(found, sums.owners, sums.weights.real)
    return found


def _settled(
    frame: PauliFrame, code: ColourCode, cuts: dict[int, Cut]
) -> dict[int, list[Generator]]:
    """Return the faces that can be used on the way back behind rotation j, before their cut.

    No rotation between the cut and rotation j anticommutes with them. Using them early keeps the
    sums short: H_m's outcome would have 2^n terms otherwise.
    """
    found: dict[int, list[Generator]] = {}
    starts = sorted(cuts)
    for start, stop in pairwise([*starts, len(frame.rotations)]):
        for generator in face_generators(cuts[start], code):
            touching = [
                j
                for j in range(start, stop)
                if frame.rotations[j].axis.anticommutes(generator.stabiliser)
            ]
            found.setdefault(min(touching, default=start), []).append(generator)
    return found


def _reduced(sums: PauliSums, generators: Sequence[Generator], columns: int) -> PauliSums:
    """Return sums of the same expectation, reduced by every generator.

    Terms that anticommute with a stabiliser are left out; stabilisers commute, so multiplying by
    one does not change which terms those are.
    """
    stabilisers = [make_sums([generator.stabiliser], columns) for generator in generators]
    vanishing = np.zeros(len(sums), dtype=np.bool_)
    for stabiliser in stabilisers:
        vanishing |= anticommuting(sums, stabiliser)
    sums = sums[~vanishing]
    for generator, stabiliser in zip(generators, stabilisers, strict=True):
        seen = anticommuting(sums, make_sums([generator.partner], columns))
        if seen.any():
            sums = join([sums[~seen], multiplied(stabiliser, sums[seen])])
    return sums
