"""The search's own counting of bad faults, held against `certify`, and the parts around it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Pauli

from hexmagic.experiments.block import Block, Gate, Read, cx
from hexmagic.experiments.certificate import certify
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.patch import make_bare_patch, make_fold_patch, spider_names
from hexmagic.experiments.program import assemble, make_patch
from hexmagic.experiments.encode import make_encode
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.searched import DETECTION_13, parse_layers
from hexmagic.experiments.synthesis.anneal import Annealer, Schedule
from hexmagic.experiments.synthesis.count import FaultCount, count_faults
from hexmagic.experiments.synthesis.couplings import (
    Coupling,
    all_couplings,
    back_through_couplings,
    couplings_of,
    gates_of,
    turned,
)
from hexmagic.experiments.synthesis.effects import back_through, final_effects
from hexmagic.experiments.synthesis.judges import check_probes, detection_judge, xor
from hexmagic.experiments.synthesis.layered import qubit_names, write_layers
from hexmagic.experiments.synthesis.moves import propose
from hexmagic.experiments.synthesis.objective import OBJECTIVES, cost_of
from hexmagic.experiments.synthesis.problem import make_problem
from hexmagic.experiments.synthesis.signs import keeps_signs
from hexmagic.experiments.synthesis.state import resumed, state_of
from hexmagic.experiments.synthesis.task import (
    SCHEMES,
    StageName,
    Task,
    certified,
    found_block,
    found_program,
    start_search,
)

FOLD13 = make_problem(make_fold_patch(3))
NAMES = spider_names(make_fold_patch(3))
SHORT = Schedule(steps=600, cycles=2, hot=1.5, cold=0.3)


def stages_of(scheme: str) -> list[Block]:
    patch = make_patch(scheme, 3)
    return [make_hadamard(patch, scheme, 1), *make_detection(patch, scheme, 1)]


def certified_counts(scheme: str, stages: Sequence[Block]) -> FaultCount:
    patch = make_patch(scheme, 3)
    blocks = [make_encode(patch), *stages, make_readout(patch, "Z")]
    return certified(assemble(scheme, patch, blocks, "Z"))


def task(stage: StageName = "detection", scheme: str = "fold13", **changes: object) -> Task:
    plain = Task(stage=stage, scheme=scheme, objective="gates", seed=5, schedule=SHORT)
    return replace(plain, **changes)  # type: ignore[arg-type]


@cache
def searched(stage: StageName, scheme: str) -> Annealer:
    search = start_search(task(stage, scheme))
    search.advance(SHORT.steps)
    return search


# ---- counting


@pytest.mark.parametrize(
    ("scheme", "faults", "correction"),
    [("fold13", 1152 + 6, 0), ("fold14", 1192, 0), ("fold", 1350 + 18, 33), ("tree16", None, 0)],
)
def test_the_counts_are_those_of_certify_and_of_the_design_notes(
    scheme: str, faults: int | None, correction: int
) -> None:
    """The notes count no resets: 6 in fold13, 18 in fold."""
    counts = count_faults(make_problem(make_patch(scheme, 3)), stages_of(scheme))
    assert counts == certified_counts(scheme, stages_of(scheme))
    assert (counts.detection, counts.correction) == (0, correction)
    assert faults in (None, counts.faults)


@pytest.mark.parametrize("scheme", ["fold13", "fold14", "tree16"])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_a_circuit_with_needless_gates_is_counted_as_certify_counts_it(
    scheme: str, place: int, seed: int
) -> None:
    """A CX that is undone at once or a little later makes bad faults and changes nothing else."""
    stages = stages_of(scheme)
    stages[place] = with_detour(stages[place], make_patch(scheme, 3).edges, random.Random(seed))
    counts = count_faults(make_problem(make_patch(scheme, 3)), stages)
    assert counts == certified_counts(scheme, stages)


def with_detour(block: Block, edges: Sequence[tuple[int, int]], chance: random.Random) -> Block:
    gates: list[Gate] = list(block.gates)
    for _ in range(4):
        pair = chance.choice(edges)
        gate = cx(*pair) if chance.random() < 0.5 else cx(*pair[::-1])
        clear = [
            i
            for i in range(8, len(gates) - 8)
            if not {q for other in gates[i : i + 3] for q in other[1:]} & set(pair)
        ]
        at = chance.choice([*clear, 10])
        gates[at:at] = [gate, gate]
    return replace(block, gates=tuple(gates))


def test_without_a_flag_of_h_m_the_count_is_certifys() -> None:
    hadamard, detection = stages_of("fold13")
    for dropped in hadamard.reads[1:]:
        reads = tuple(read for read in hadamard.reads if read != dropped)
        stages = [replace(hadamard, reads=reads), detection]
        counts = count_faults(FOLD13, stages)
        wanted = certified_counts("fold13", stages)
        assert (counts.detection, counts.correction) == (wanted.detection, wanted.correction)
