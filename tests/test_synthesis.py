"""The search's own counting of bad faults, held against `certify`, and the parts around it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from fakes.exact import circuit_of, pauli_on, pull_back
from fakes.fault_count import count_faults
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import Pauli

from hexmagic.experiments.block import Block, Gate, cx
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.patch import make_bare_patch, make_fold_patch, spider_names
from hexmagic.experiments.program import make_patch
from hexmagic.experiments.schemes import SEARCHED
from hexmagic.experiments.searched import DETECTION_13, HADAMARD_13, HADAMARD_14
from hexmagic.experiments.synthesis.anneal import Annealer, Schedule
from hexmagic.experiments.synthesis.couplings import (
    all_couplings,
    back_through_couplings,
    couplings_of,
    gates_of,
    turned,
)
from hexmagic.experiments.synthesis.earlier import (
    DETECTION_13_FEWEST,
    DETECTION_13_FIRST,
    DETECTION_TREE_FIRST,
    HADAMARD_13_FIRST,
    HADAMARD_14_FIRST,
)
from hexmagic.experiments.synthesis.effects import back_through, final_effects
from hexmagic.experiments.synthesis.judges import check_probes, detection_judge, xor
from hexmagic.experiments.synthesis.moves import propose
from hexmagic.experiments.synthesis.objective import OBJECTIVES, Objective, cost_of
from hexmagic.experiments.synthesis.problem import make_problem
from hexmagic.experiments.synthesis.signs import keeps_signs
from hexmagic.experiments.synthesis.task import (
    FIRST,
    FaultCount,
    StageName,
    Task,
    certified,
    found_block,
    found_program,
    stage_judge,
    start_search,
)
from hexmagic.experiments.synthesis.variants import variant_program, variant_stages
from hexmagic.experiments.tree16 import DETECTION_TREE

FOLD13 = make_problem(make_fold_patch(3))
NAMES = spider_names(make_fold_patch(3))
SHORT = Schedule(steps=600, cycles=2, hot=1.5, cold=0.3)


FOLD13_SHALLOW = """
    e3>n3 n2>e2 H:f1 H:f2 x3>f3
    f2>n2 e2>c H:e3
    c>e1 x2>f2
    e1>n1 e2>c f2>x2
    n1>e1 n2>e2
    f1>n1 c>e1
    n1>e1 e3>c x1>f1
    e1>c n3>e3
    c>e2 f3>n3
    e1>c e2>n2
    e3>c
    e3>n3 c>e2
    n2>e2 e3>c n3>f3
    c>e1 n3>e3 n2>f2 f3>x3
    e2>c e1>n1 e3>n3 H:f3
    n1>f1 e1>c e2>n2
    e3>c n1>e1 n2>f2 f1>x1
    c>e3 f1>n1
    e1>c H:f1
    e3>c n1>e1
    c>e3
    e3>n3 c>e2
    e3>c
    H:e3 c>e2
"""
"""ED of `fold13_shallow` in the design notes: 53 CX, its H_m is that of fold13."""


def stages_of(scheme: str) -> list[Block]:
    patch = make_patch(scheme, 3)
    return [make_hadamard(patch, scheme, 1), *make_detection(patch, scheme, 1)]


def certified_counts(scheme: str, stages: list[Block]) -> FaultCount:
    return certified(variant_program(scheme, stages))


def task(stage: StageName = "detection", scheme: str = "fold13", **changes: object) -> Task:
    plain = Task(
        stage=stage, scheme=scheme, start="shipped", objective="gates", seed=5, schedule=SHORT
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # a Task's own fields


@cache
def searched(stage: StageName, scheme: str) -> Annealer:
    search = start_search(task(stage, scheme))
    search.advance(SHORT.steps)
    return search


# ---- counting


def test_the_plain_fold_has_the_33_bad_faults_that_certify_finds() -> None:
    """Of 1350 in the design notes, which count no resets: 18."""
    counts = count_faults(FOLD13, stages_of("fold"))
    assert counts == certified_counts("fold", stages_of("fold"))
    assert counts == FaultCount(faults=1350 + 18, detection=0, correction=33)


@pytest.mark.parametrize(
    ("scheme", "hadamard", "detection", "faults"),
    [
        ("fold13", HADAMARD_13_FIRST, DETECTION_13_FIRST, 1152 + 6),
        ("fold13", HADAMARD_13_FIRST, FOLD13_SHALLOW, 1197 + 6),
        ("fold13", HADAMARD_13, DETECTION_13, 1209),
        ("fold14", HADAMARD_14_FIRST, DETECTION_13_FIRST, 1192),
        ("fold14", HADAMARD_14, DETECTION_13, 1249),
        ("fold14", HADAMARD_14, DETECTION_13_FIRST, 1234),
        ("fold14", HADAMARD_14_FIRST, DETECTION_13, 1207),
        ("fold13", HADAMARD_13_FIRST, DETECTION_13_FEWEST, 1155),
        ("fold14", HADAMARD_14_FIRST, DETECTION_13_FEWEST, 1189),
        ("tree16", None, DETECTION_TREE_FIRST, 1539 + 9),
        ("tree16", None, DETECTION_TREE, 1578),
    ],
)
def test_no_single_fault_of_a_searched_circuit_is_bad(
    scheme: str, hadamard: str | None, detection: str, faults: int
) -> None:
    """The design notes count no resets: 6 in fold13, 9 in tree16."""
    stages = variant_stages(scheme, hadamard, detection)
    counts = count_faults(make_problem(make_patch(scheme, 3)), stages)
    assert counts == certified_counts(scheme, stages)
    assert counts == FaultCount(faults=faults, detection=0, correction=0)


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


# ---- effects, couplings, signs


CLIFFORDS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["h", "s", "sdg", "x"]), st.integers(0, 12)),
        st.permutations(range(13)).flatmap(
            lambda order: st.tuples(
                st.sampled_from(["cx", "cz"]), st.just(order[0]), st.just(order[1])
            )
        ),
    ),
    max_size=25,
)


@settings(max_examples=30, deadline=None)
@given(gates=CLIFFORDS, component=st.integers(0, 25))
def test_effects_go_back_as_paulis_go_forward(gates: list[Gate], component: int) -> None:
    """The effect of a Pauli in front of gates is that of its image behind them."""
    behind = [1 << i for i in range(26)]
    front = list(behind)
    for gate in reversed(gates):
        back_through(gate, front)
    letter = "XZ"[component & 1]
    image = pauli_on(13, [component >> 1], letter).evolve(circuit_of(gates, 13), frame="s")
    wanted = sum(1 << 2 * q for q in range(13) if image.x[q])
    wanted += sum(1 << 2 * q + 1 for q in range(13) if image.z[q])
    assert front[component] == wanted


CODES = st.lists(st.integers(0, len(all_couplings(FOLD13)) - 1), max_size=40)
ENDS = st.frozensets(st.sampled_from(FOLD13.ancillas))


@settings(max_examples=30, deadline=None)
@given(codes=CODES, ends=ENDS)
def test_couplings_are_written_as_gates_and_read_again(
    codes: list[int], ends: frozenset[int]
) -> None:
    couplings = tuple(all_couplings(FOLD13)[code] for code in codes)
    gates = gates_of(couplings, ends, 13)
    assert couplings_of(gates, 13) == (couplings, ends)
    assert sum(len(gate) == 3 for gate in gates) == len(couplings)


@settings(max_examples=30, deadline=None)
@given(codes=CODES, ends=ENDS, seed=st.integers(0, 99))
def test_couplings_and_their_gates_have_the_same_effects_and_signs(
    codes: list[int], ends: frozenset[int], seed: int
) -> None:
    couplings = [all_couplings(FOLD13)[code] for code in codes]
    gates = gates_of(couplings, ends, 13)
    behind = random.Random(seed).sample(range(1 << 20), 26)
    front = list(behind)
    for gate in reversed(gates):
        back_through(gate, front)
    assert back_through_couplings(couplings, turned(behind, ends)) == front
    for letter in (0, 1):
        qubits = random.Random(seed).sample(range(13), 4)
        observable = [2 * q + letter for q in qubits]
        back = pull_back(gates, pauli_on(13, qubits, "XZ"[letter]))
        x_first = Pauli((np.zeros(13, bool), back.x)).dot(Pauli((back.z, np.zeros(13, bool))))
        assert keeps_signs(couplings, ends, [observable]) == (back == x_first)


def test_a_gate_that_a_search_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="gate s"):
        couplings_of([("s", 0)], 13)
    with pytest.raises(ValueError, match="not a Clifford gate"):
        back_through(("a", 0), [0] * 26)


def test_a_patch_without_a_code_is_no_problem() -> None:
    with pytest.raises(ValueError, match="no code"):
        make_problem(make_bare_patch())


# ---- judges


@pytest.mark.parametrize(("scheme", "stage"), sorted(FIRST))
def test_every_gate_of_a_short_circuit_is_needed(stage: StageName, scheme: str) -> None:
    """In the shallow H_m of fold14 some gates only make the others flag more."""
    search = start_search(task(stage, scheme, start="first"))
    codes = search.best.codes
    for i in range(0, len(codes), 3):
        with pytest.raises(ValueError, match="does not do what its stage should"):
            search.put([*codes[:i], *codes[i + 1 :]], search.best.ends)


def test_an_ed_that_misses_a_check_is_not_right() -> None:
    """No gates at all leave the state alone and read nothing."""
    judge = detection_judge(FOLD13)
    assert all(xor(judge.behind, c) == wanted for c, wanted in judge.conditions)
    assert not judge.is_right(judge.behind)


def test_each_probe_is_seen_by_one_check() -> None:
    effects = final_effects(FOLD13)
    for kind, shift in ((0, 2), (1, 5)):
        seen = [xor(effects, probe) >> shift for probe in check_probes(FOLD13, kind)]
        assert [s & 7 for s in seen] == [1, 2, 4]


# ---- search


@pytest.mark.parametrize("stage", ["hadamard", "detection"])
@pytest.mark.parametrize("scheme", SEARCHED)
def test_what_a_search_finds_is_certified_with_the_faults_that_it_counted(
    stage: StageName, scheme: str
) -> None:
    search = searched(stage, scheme)
    assert search.best.cost <= start_search(task(stage, scheme)).best.cost
    block = found_block(task(stage, scheme), search, search.best)
    stages = [block if block.stage == shipped.stage else shipped for shipped in stages_of(scheme)]
    counts = certified(found_program(task(stage, scheme), block))
    assert counts == count_faults(make_problem(make_patch(scheme, 3)), stages)
    assert counts.correction == search.best.bad == 0
    assert block.two_qubit_gates == len(search.best.codes)


def test_bad_faults_on_the_way_are_those_of_the_full_count() -> None:
    """With bad faults for nothing the search walks into circuits that have some."""
    free = Objective(name="free", two_qubit=0.1, turn=0.0, idle=0.0, bad=0.0)
    hot = task(start="first", schedule=Schedule(steps=10_000, cycles=1, hot=0.3, cold=0.3))
    shipped = start_search(hot)
    search = Annealer(
        problem=FOLD13, judge=stage_judge(hot), objective=free, schedule=hot.schedule, seed=3
    )
    search.start([search.couplings[code] for code in shipped.best.codes], shipped.best.ends)
    seen = set()
    for _ in range(30):
        search.advance(50)
        seen.add(search.current.bad)
        block = found_block(hot, search, search.current)
        counts = count_faults(FOLD13, [stages_of("fold13")[0], block])
        assert counts.correction == search.current.bad
    assert len(seen) > 1


@settings(max_examples=200, deadline=None)
@given(codes=CODES, seed=st.integers(0, 10_000))
def test_what_a_move_leaves_alone_is_as_before(codes: list[int], seed: int) -> None:
    related = [[(code + 1) % 48, (code + 5) % 48] for code in range(48)]
    new, lead, tail = propose(random.Random(seed), codes, related)
    assert lead + tail <= min(len(new), len(codes))
    assert new[:lead] == codes[:lead]
    assert new[len(new) - tail :] == codes[len(codes) - tail :]
    assert abs(len(new) - len(codes)) <= 4


def test_a_short_search_makes_the_ed_of_fold13_shallower() -> None:
    cooling = Schedule(steps=6000, cycles=1, hot=0.8, cold=0.3)
    search = start_search(task(seed=1, start="first", schedule=cooling))
    before = search.cost(search.best.codes, search.best.ends)
    search.advance(6000)
    after = search.cost(search.best.codes, search.best.ends)
    assert (before.two_qubit, before.layers) == (50, 27)
    assert after.two_qubit <= 50
    assert after.layers < 27


def test_the_cost_is_that_of_a_circuit_worked_out_by_hand() -> None:
    """x1>f1, then f1>n1 while x1 and four other data wait; n1 waits in the first layer."""
    x1, f1, n1 = NAMES["x1"], NAMES["f1"], NAMES["n1"]
    couplings, ends = couplings_of([cx(x1, f1), cx(f1, n1)], 13)
    cost = cost_of([c.row for c in couplings], ends, 13, FOLD13.data)
    assert (cost.two_qubit, cost.layers, cost.idle) == (2, 2, 2 * 7 - 2)
    assert cost.turns == 2  # f1: to X for the first gate, back to Z for the second
    assert cost.total(OBJECTIVES["paper"]) == pytest.approx(2 * 2.3 + 2 * 0.02 + 12)
