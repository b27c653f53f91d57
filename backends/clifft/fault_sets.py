"""Sets of several faults in a circuit, sampled exactly with clifft and judged ideally.

Beyond single faults a circuit has too many sets to go through one by one: these are drawn at
random, so the counts bound how many dangerous sets there can be. For benchmarks and tests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import clifft
import numpy as np
from numpy.typing import NDArray

from ...experiments.certificates.faults import Fault
from ...experiments.errors import HexmagicError
from ...experiments.instructions import Instruction
from ...experiments.program import Program
from .check import Checked, Judged, compile_checked, data_bits, judge
from .faults import PROBABILITY, TaggedFaults, tagged_faults
from .programs import sample_survivors
from .shots import batches

TOLERANCE = 1e-9
"""Chance of a wrong logical state from which a shot counts as wrong."""

MOST_EXAMPLES = 20
"""Counterexamples that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultSets:
    """What sets of `weight` faults at distinct locations did.

    Attributes:
        weight: faults in each shot.
        locations: places where a fault can happen.
        seed: as given.
        shots: sets drawn: locations uniformly, then one of each location's faults uniformly.
        accepted: shots whose ancilla bits were all as expected.
        trivial: of these, with trivial ideal syndromes.
        undetected: of these, with a chance above TOLERANCE of the wrong logical state: the
            counterexamples to the detection certificate.
        undetected_sum: sum of those chances.
        miscorrected, miscorrected_sum: the same for all accepted shots after ideal decoding.
        examples: different counterexamples to detection, up to MOST_EXAMPLES; named up to weight 2.
        engine_seeds: clifft's seed of each batch.
    """

    weight: int
    locations: int
    seed: int
    shots: int = 0
    accepted: int = 0
    trivial: int = 0
    undetected: int = 0
    undetected_sum: float = 0.0
    miscorrected: int = 0
    miscorrected_sum: float = 0.0
    examples: tuple[tuple[Fault, ...], ...] = ()
    engine_seeds: tuple[int, ...] = ()


def sample_fault_sets(
    program: Program, instructions: Sequence[Instruction], *, weight: int, shots: int, seed: int
) -> FaultSets:
    """Return what exactly `weight` faults at distinct locations do, sampled.

    Memory does not grow with the number of shots.

    Args:
        program: the record map, the patch and the code.
        instructions: the circuit: the program's own, or as compiled.
        weight: number of faults.
        shots: how many sets to draw, before post-selection.
        seed: any non-negative integer.

    Raises:
        RefusedError: the program has no code.
        HexmagicError: clifft does not see each fault location.
    """
    faults = tagged_faults(instructions, program.patch.num_qubits, data_bits(program))
    checked = compile_checked(program, instructions, faults.errors, faults.tag_qubits)
    sites = checked.engine.noise_site_probabilities
    if len(sites) != faults.locations or not np.allclose(sites, PROBABILITY, rtol=1e-9):
        raise HexmagicError(f"clifft sees {len(sites)} fault locations, not {faults.locations}")
    total = FaultSets(weight=weight, locations=faults.locations, seed=seed)
    for size, engine_seed in batches(shots, seed):
        found = sample_survivors(
            checked.engine, size, engine_seed, keep_records=True, faults=weight
        )
        total = _add(total, judge(checked, found), _tags(found, checked), faults)
        total = replace(total, engine_seeds=(*total.engine_seeds, engine_seed))
    return total


def _add(
    total: FaultSets, judged: Judged, tags: NDArray[np.int64], faults: TaggedFaults
) -> FaultSets:
    undetected = judged.trivial & (judged.wrong > TOLERANCE)
    room = MOST_EXAMPLES - len(total.examples)
    named = (faults.find(int(tag), total.weight) for tag in tags[undetected][:room])
    examples = dict.fromkeys([*total.examples, *(found for found in named if found is not None)])
    return replace(
        total,
        shots=total.shots + judged.shots,
        accepted=total.accepted + judged.accepted,
        trivial=total.trivial + int(judged.trivial.sum()),
        undetected=total.undetected + int(undetected.sum()),
        undetected_sum=total.undetected_sum + float(judged.wrong[judged.trivial].sum()),
        miscorrected=total.miscorrected + int((judged.wrong_corrected > TOLERANCE).sum()),
        miscorrected_sum=total.miscorrected_sum + float(judged.wrong_corrected.sum()),
        examples=tuple(examples),
    )


def _tags(found: clifft.SampleResult, checked: Checked) -> NDArray[np.int64]:
    """Return the sum of the tags of each accepted shot's faults."""
    end = found.measurements.shape[1] - 2 * len(checked.code.faces)
    bits = found.measurements[:, end - checked.num_tags : end].astype(np.int64)
    tags: NDArray[np.int64] = bits @ (1 << np.arange(checked.num_tags))
    return tags
