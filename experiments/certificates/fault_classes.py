"""Faults in classes: those of a class do the same to a run.

Two faults do the same if they are the same Pauli at the end of the circuit with no rotation
between them that tells them apart. As the first fault of a run they need to be the same only up to
stabilisers of the noiseless state, where these are known: in front of each H_m and at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..colour_code import ColourCode
from .fault_sums import Key
from .pauli_frame import PauliFrame
from .pauli_sums import Pauli
from .stabilisers import Generator, all_generators, end_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultClasses:
    """Which faults do the same.

    Attributes:
        first: class of each fault as the first of a run, faults after it.
        second: class of each fault as a later one.
        firsts, seconds: start and Pauli of each class.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    firsts: tuple[Key, ...]
    seconds: tuple[Key, ...]


def classify(frame: PauliFrame, code: ColourCode) -> FaultClasses:
    """Return the classes of a circuit's faults.

    At the end even a later fault may be multiplied by stabilisers: terms that anticommute with
    one of them have another syndrome or record and do not interfere with the others.
    """
    end = len(frame.rotations)
    cuts = {frame.rotations_before(cut.at): cut for cut in frame.cuts}
    generators = {
        start: all_generators(cut, code) for start, cut in (cuts | {end: end_cut(frame)}).items()
    }
    known: dict[Key, tuple[Key, Key]] = {}
    pairs = []
    for start, effect in zip(frame.starts, frame.effects, strict=True):
        key = (start, effect.x, effect.z)
        if key not in known:
            later = _advanced(frame, key, generators)
            reduced = _reduced(later, generators.get(later[0], ()))
            known[key] = (reduced, reduced if later[0] == end else later)
        pairs.append(known[key])
    firsts: dict[Key, int] = {}
    seconds: dict[Key, int] = {}
    return FaultClasses(
        first=tuple(firsts.setdefault(key, len(firsts)) for key, _ in pairs),
        second=tuple(seconds.setdefault(key, len(seconds)) for _, key in pairs),
        firsts=tuple(firsts),
        seconds=tuple(seconds),
    )


def _advanced(frame: PauliFrame, key: Key, stops: dict[int, tuple[Generator, ...]]) -> Key:
    """Return a fault behind the rotations that it commutes with, up to the next stop."""
    start, x, z = key
    pauli = Pauli(x, z)
    while start not in stops and not frame.rotations[start].axis.anticommutes(pauli):
        start += 1
    return (start, x, z)


def _reduced(key: Key, generators: Sequence[Generator]) -> Key:
    start, x, z = key
    pauli = Pauli(x, z)
    for generator in generators:
        if pauli.anticommutes(generator.partner):
            pauli = pauli * generator.stabiliser
    return (start, pauli.x, pauli.z)
