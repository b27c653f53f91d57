"""Post-selection against shots with known answers and a slow re-implementation."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hexmagic.analysis.postselect import (
    CutFlow,
    count_shots,
    counted_criteria,
    cut_flow,
    logical_outcomes,
)
from hexmagic.experiments.colour_code import Basis, make_colour_code
from hexmagic.experiments.counts import Counts, Outcome, Readout
from hexmagic.experiments.criteria import CRITERIA
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.record import Bit, FaceParity, Logical, RecordMap
from hexmagic.experiments.shots import Shots, pack_shots
from hexmagic.experiments.spec import Accept

DETECT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
CORRECT = replace(DETECT, readout="correct")
NOTHING = Accept(hadamard=False, flags=False, syndromes=False, readout="correct")


def make_bit(register: str, index: int, role: Any, expected: int | None = 0, **fields: Any) -> Bit:
    stage = "readout" if role == "data" else "detection"
    return Bit(
        **{
            "register": register,
            "index": index,
            "role": role,
            "stage": stage,
            "round": 0,
            "face": None,
            "qubit": index,
            "basis": "Z",
            "expected": None if role == "data" else expected,
            **fields,
        }
    )


def make_code_record(distance: int, basis: Basis = "Z") -> RecordMap:
    code = make_colour_code(distance)
    keys = [("data", i) for i in range(code.num_data)]
    faces = [
        FaceParity(
            basis=basis,
            bits=tuple(keys[q] for q in face),
            expected=int(code.face_sign(f, basis) < 0),
        )
        for f, face in enumerate(code.faces)
    ]
    logical = Logical(basis=basis, sign=code.logical_sign(basis), bits=tuple(keys))
    bits = tuple(make_bit("data", i, "data", basis=basis) for i in range(code.num_data))
    return RecordMap(bits=bits, faces=tuple(faces), logical=logical)


# Three data bits that should agree, a syndrome that should read 1 and one bit of every other kind.
# `late` is recorded without a reset after `flag`, so its outcome is late XOR flag.
THREE = RecordMap(
    bits=(
        make_bit("enc", 0, "flag", stage="encode"),
        make_bit("had", 0, "hadamard", stage="hadamard"),
        make_bit("flag", 0, "flag", stage="hadamard"),
        make_bit("late", 0, "flag", xor=(("flag", 0),)),
        make_bit("syn", 0, "syndrome", expected=1),
        *(make_bit("data", i, "data") for i in range(3)),
    ),
    faces=(
        FaceParity(basis="Z", bits=(("data", 0), ("data", 1)), expected=0),
        FaceParity(basis="Z", bits=(("data", 1), ("data", 2)), expected=0),
    ),
    logical=Logical(basis="Z", sign=-1, bits=(("data", 0), ("data", 1), ("data", 2))),
)
TWELVE = """
    enc had flag late syn data   fails      logical  corrected
     0   0   0    0    1  000    -             -1        -1
     0   0   0    0    1  111    -             +1        +1
     0   0   0    0    1  001    readout       +1        -1
     0   0   0    0    1  101    readout       -1        +1
     0   0   0    0    0  111    syndromes     +1        +1
     0   0   0    1    1  000    flags         -1        -1
     0   0   1    1    1  000    flags         -1        -1
     0   0   1    0    0  011    flags         -1        +1
     0   1   0    0    1  111    hadamard      +1        +1
     0   1   1    1    0  010    hadamard      +1        -1
     1   0   0    0    1  000    encode        -1        -1
     1   1   1    1    0  100    encode        +1        -1
"""


def read_twelve() -> tuple[Shots, list[str], list[int], list[int]]:
    rows = [line.split() for line in TWELVE.strip().splitlines()[1:]]
    bits = np.array([[c == "1" for c in "".join(row[:6])] for row in rows])
    fails = [row[6] for row in rows]
    return pack_shots(bits, THREE), fails, [int(r[7]) for r in rows], [int(r[8]) for r in rows]


def names_of(flow: CutFlow) -> list[str]:
    return ["-" if i < 0 else CRITERIA[i] for i in flow.first_failed]


def test_twelve_shots_fail_the_criteria_that_a_person_reads_off() -> None:
    shots, fails, _, _ = read_twelve()
    flow = cut_flow(shots, DETECT)
    assert names_of(flow) == fails
    assert [(c.name, c.entered, c.passed) for c in flow.criteria] == [
        ("encode", 12, 10),
        ("hadamard", 10, 8),
        ("flags", 8, 5),
        ("syndromes", 5, 4),
        ("readout", 4, 2),
    ]


def test_twelve_shots_have_the_logical_outcomes_that_a_person_reads_off() -> None:
    shots, _, logical, corrected = read_twelve()
    assert logical_outcomes(shots, DETECT).tolist() == logical
    assert logical_outcomes(shots, CORRECT).tolist() == corrected


def test_correct_keeps_what_detect_discards_at_the_readout() -> None:
    shots, _, _, _ = read_twelve()
    detected: dict[Readout, Outcome] = {"detect": Outcome(kept=2, minus=1, minus_squares=1)}
    corrected: dict[Readout, Outcome] = {"correct": Outcome(kept=4, minus=2, minus_squares=2)}
    flow = (10, 8, 5, 4)
    assert count_shots(shots, DETECT) == Counts(shots=12, outcomes=detected, passed=(*flow, 2))
    assert count_shots(shots, CORRECT) == Counts(shots=12, outcomes=corrected, passed=(*flow, None))


@pytest.mark.parametrize(
    ("change", "passes_everything"),
    [
        ({"hadamard": False}, ["hadamard"]),
        ({"flags": False}, ["encode", "flags"]),
        ({"syndromes": False}, ["syndromes"]),
        ({"readout": "correct"}, ["readout"]),
    ],
)
def test_a_disabled_criterion_stays_as_a_row_that_passes_everything(
    change: dict[str, Any], passes_everything: list[str]
) -> None:
    shots, _, _, _ = read_twelve()
    flow = cut_flow(shots, replace(DETECT, **change))
    assert [c.name for c in flow.criteria] == list(CRITERIA)
    assert [c.name for c in flow.criteria if not c.applied] == passes_everything
    assert [c.name for c in flow.criteria if c.failed == 0] == passes_everything
    assert flow.kept.sum() > cut_flow(shots, DETECT).kept.sum()


def test_a_bit_without_an_expected_value_is_never_a_criterion() -> None:
    bits = tuple(replace(bit, expected=None) for bit in THREE.bits)
    shots, _, _, _ = read_twelve()
    shots = Shots(record=replace_bits(THREE, bits), packed=shots.packed)
    assert cut_flow(shots, CORRECT).kept.all()
    assert not any(c.applied for c in cut_flow(shots, CORRECT).criteria)


def test_a_single_qubit_passes_every_criterion() -> None:
    logical = Logical(basis="X", sign=1, bits=(("data", 0),))
    record = RecordMap(bits=(make_bit("data", 0, "data", basis="X"),), faces=(), logical=logical)
    shots = pack_shots(np.array([[False], [True], [False]]), record)
    for accept in (DETECT, CORRECT):
        assert cut_flow(shots, accept).kept.all()
        assert logical_outcomes(shots, accept).tolist() == [1, -1, 1]


def test_no_shots_give_empty_arrays_and_zero_counts() -> None:
    shots = pack_shots(np.empty((0, 8), np.bool_), THREE)
    flow = cut_flow(shots, DETECT)
    assert (flow.first_failed.shape, str(flow.first_failed.dtype)) == ((0,), "int8")
    assert [(c.entered, c.passed) for c in flow.criteria] == [(0, 0)] * 5
    assert logical_outcomes(shots, CORRECT).dtype == np.int8
    assert count_shots(shots, CORRECT).outcomes["correct"].kept == 0


def test_blocks_of_shots_join_in_order() -> None:
    shots, _, logical, _ = read_twelve()
    many = Shots(record=THREE, packed=np.tile(shots.packed, (5000, 1)))
    once = cut_flow(shots, DETECT)
    assert np.array_equal(cut_flow(many, DETECT).first_failed, np.tile(once.first_failed, 5000))
    assert np.array_equal(logical_outcomes(many, DETECT), np.tile(logical, 5000))


def test_counts_add() -> None:
    shots, _, _, _ = read_twelve()
    parts = [Shots(record=THREE, packed=shots.packed[s]) for s in (slice(0, 5), slice(5, 12))]
    added = count_shots(parts[0], CORRECT) + count_shots(parts[1], CORRECT)
    assert added == count_shots(shots, CORRECT)


def test_counts_hold_the_cut_flow() -> None:
    shots, _, _, _ = read_twelve()
    for accept in (DETECT, CORRECT):
        assert counted_criteria(count_shots(shots, accept)) == cut_flow(shots, accept).criteria
    early = replace(count_shots(shots, DETECT), passed=None)
    assert counted_criteria(early) == ()
    with pytest.raises(ValueError, match="different cut-flows"):
        early + count_shots(shots, DETECT)
    with pytest.raises(ValueError, match=r"\['detect'\] and \['correct'\] do not add"):
        count_shots(shots, DETECT) + count_shots(shots, CORRECT)


def test_counts_survive_json() -> None:
    shots, _, _, _ = read_twelve()
    counts = count_shots(shots, CORRECT)
    assert Counts.from_json(json.loads(json.dumps(counts.to_json()))) == counts
    with pytest.raises(ValueError, match="not counts"):
        Counts.from_json({"shots": 1})


# Decoding


def errors_up_to(weight: int, size: int) -> NDArray[np.bool_]:
    places = [c for w in range(weight + 1) for c in combinations(range(size), w)]
    errors = np.zeros((len(places), size), np.bool_)
    for row, place in zip(errors, places, strict=True):
        row[list(place)] = True
    return errors


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
@pytest.mark.parametrize(("distance", "weight"), [(3, 1), (5, 2), (7, 2)])
def test_correct_undoes_every_error_below_half_the_distance(
    distance: int, weight: int, basis: Basis
) -> None:
    record = make_code_record(distance, basis)
    parities = np.array([[key in face.bits for key in record.column] for face in record.faces])
    codeword = solve_parities(parities, np.array([f.expected for f in record.faces], np.bool_))
    shots = pack_shots(codeword ^ errors_up_to(weight, len(codeword)), record)
    outcomes = logical_outcomes(shots, CORRECT)
    assert (outcomes == outcomes[0]).all()
    assert logical_outcomes(shots, DETECT)[1] == -outcomes[0]  # uncorrected, one flip shows


def solve_parities(rows: NDArray[np.bool_], wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return bits with these parities, by elimination modulo 2."""
    system = np.column_stack([rows, wanted])
    pivots: list[int] = []
    for column in range(rows.shape[1]):
        free = [r for r in range(len(pivots), len(system)) if system[r, column]]
        if free:
            system[[len(pivots), free[0]]] = system[[free[0], len(pivots)]]
            others = [r for r in range(len(system)) if r != len(pivots) and system[r, column]]
            system[others] ^= system[len(pivots)]
            pivots.append(column)
    solution = np.zeros(rows.shape[1], np.bool_)
    solution[pivots] = system[: len(pivots), -1]
    return solution


def test_every_readout_of_the_steane_code_decodes_to_the_nearest_codeword() -> None:
    record = make_code_record(3)
    words = (np.arange(128)[:, None] >> np.arange(7)) & 1 == 1
    columns = [record.columns(face.bits) for face in record.faces]
    valid = np.array([w for w in words if not any(w[c].sum() % 2 for c in columns)])
    nearest = [valid[np.argmin((valid ^ word).sum(axis=1))] for word in words]
    expected = [1 - 2 * int(word.sum() % 2) for word in nearest]
    assert logical_outcomes(pack_shots(words, record), CORRECT).tolist() == expected


def test_distance_five_corrects_every_syndrome_with_the_least_weight() -> None:
    record = make_code_record(5)
    faces = [sum(1 << record.column[key] for key in face.bits) for face in record.faces]
    classes: dict[int, tuple[int, set[int]]] = {}
    for error in errors_up_to(5, 19):
        flips = sum(1 << int(i) for i in np.flatnonzero(error))
        syndrome = sum((flips & face).bit_count() % 2 << j for j, face in enumerate(faces))
        weight, parities = classes.setdefault(syndrome, (flips.bit_count(), set()))
        if flips.bit_count() == weight:
            parities.add(weight % 2)
    assert len(classes) == 512  # every syndrome is met; ties in weight may allow both outcomes
    errors = errors_up_to(5, 19)
    outcomes = logical_outcomes(pack_shots(errors, record), CORRECT)
    for error, outcome in zip(errors, outcomes, strict=True):
        flips = sum(1 << int(i) for i in np.flatnonzero(error))
        syndrome = sum((flips & face).bit_count() % 2 << j for j, face in enumerate(faces))
        residual = {(flips.bit_count() + parity) % 2 for parity in classes[syndrome][1]}
        assert (1 - int(outcome)) // 2 in residual


def test_a_code_too_large_to_decode_is_refused_with_its_size() -> None:
    shots = pack_shots(np.zeros((1, 61), np.bool_), make_code_record(9))
    with pytest.raises(UsageError, match=r"30 faces on 61 data bits.*use readout detect"):
        logical_outcomes(shots, CORRECT)
    assert logical_outcomes(shots, DETECT).tolist() == [1]


def test_faces_that_contradict_each_other_are_refused() -> None:
    face = THREE.faces[0]
    record = replace(THREE, faces=(face, replace(face, expected=1)))
    with pytest.raises(UsageError, match="contradict"):
        logical_outcomes(pack_shots(np.zeros((1, 8), np.bool_), record), CORRECT)


# Random record maps


@st.composite
def record_maps(draw: st.DrawFn, *, xor: bool = True) -> RecordMap:
    bits: list[Bit] = []
    for i in range(draw(st.integers(0, 12))):
        earlier = [bit.key for bit in bits]
        bits.append(
            make_bit(
                draw(st.sampled_from("abc")),
                i,
                draw(st.sampled_from(["hadamard", "flag", "syndrome"])),
                draw(st.sampled_from([0, 1, None])),
                stage=draw(st.sampled_from(["encode", "hadamard", "detection"])),
                xor=tuple(draw(st.sets(st.sampled_from(earlier)))) if xor and earlier else (),
            )
        )
    size = draw(st.integers(1, 6))
    truth = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    data = [make_bit(draw(st.sampled_from("de")), i, "data") for i in range(size)]
    subsets = st.sets(st.integers(0, size - 1), min_size=1)
    faces = tuple(
        FaceParity(
            basis="Z",
            bits=tuple(data[i].key for i in face),
            expected=sum(truth[i] for i in face) % 2,  # some readout satisfies all faces
        )
        for face in draw(st.lists(subsets, max_size=4))
    )
    logical = Logical(
        basis="Z",
        sign=draw(st.sampled_from([1, -1])),
        bits=tuple(data[i].key for i in draw(subsets)),
    )
    return RecordMap(bits=(*bits, *data), faces=faces, logical=logical)


accepts = st.builds(
    Accept,
    hadamard=st.booleans(),
    flags=st.booleans(),
    syndromes=st.booleans(),
    readout=st.sampled_from(["detect", "correct"]),
)


def random_shots(record: RecordMap, seed: int) -> Shots:
    rng = np.random.default_rng(seed)
    return pack_shots(rng.random((20, len(record.bits))) < 0.3, record)


def slow_first_failed(shot: dict[Any, bool], record: RecordMap, accept: Accept) -> str:
    value = {b.key: (shot[b.key] + sum(shot[k] for k in b.xor)) % 2 for b in record.bits}
    bad = [b for b in record.bits if b.expected is not None and value[b.key] != b.expected]
    if accept.flags and any(b.role == "flag" and b.stage == "encode" for b in bad):
        return "encode"
    if accept.hadamard and any(b.role == "hadamard" for b in bad):
        return "hadamard"
    if accept.flags and any(b.role == "flag" for b in bad):
        return "flags"
    if accept.syndromes and any(b.role == "syndrome" for b in bad):
        return "syndromes"
    violated = [f for f in record.faces if sum(value[k] for k in f.bits) % 2 != f.expected]
    return "readout" if accept.readout == "detect" and violated else "-"


def slow_outcome(shot: dict[Any, bool], record: RecordMap, accept: Accept) -> int:
    keys = sorted({key for face in record.faces for key in face.bits})
    values = dict(shot)
    if accept.readout == "correct":
        patterns = [c for w in range(len(keys) + 1) for c in combinations(range(len(keys)), w)]
        patterns.sort(key=lambda c: (len(c), sum(1 << i for i in c)))
        for pattern in patterns:
            flips = {keys[i] for i in pattern}
            values = {key: shot[key] ^ (key in flips) for key in shot}
            if all(sum(values[k] for k in f.bits) % 2 == f.expected for f in record.faces):
                break
    flipped = sum(values[k] for k in record.logical.bits) % 2
    return record.logical.sign * (1 - 2 * int(flipped))


@settings(deadline=None)
@given(record=record_maps(), accept=accepts, seed=st.integers(0, 2**32))
def test_random_shots_agree_with_a_slow_reading_of_the_record_map(
    record: RecordMap, accept: Accept, seed: int
) -> None:
    shots = random_shots(record, seed)
    rows = [dict(zip(record.column, map(bool, row), strict=True)) for row in shots.bits()]
    assert names_of(cut_flow(shots, accept)) == [
        slow_first_failed(row, record, accept) for row in rows
    ]
    assert logical_outcomes(shots, accept).tolist() == [
        slow_outcome(row, record, accept) for row in rows
    ]


@settings(deadline=None)
@given(record=record_maps(), accept=accepts, seed=st.integers(0, 2**32))
def test_what_one_criterion_passes_enters_the_next(
    record: RecordMap, accept: Accept, seed: int
) -> None:
    flow = cut_flow(random_shots(record, seed), accept)
    assert flow.criteria[0].entered == 20
    for before, after in zip(flow.criteria, flow.criteria[1:], strict=False):
        assert before.passed == after.entered
    assert flow.criteria[-1].passed == flow.kept.sum()
    for i, criterion in enumerate(flow.criteria):
        assert criterion.failed == np.count_nonzero(flow.first_failed == i)
        assert criterion.applied or criterion.failed == 0


def replace_bits(record: RecordMap, bits: tuple[Bit, ...]) -> RecordMap:
    return RecordMap(bits=bits, faces=record.faces, logical=record.logical)


@settings(deadline=None)
@given(record=record_maps(xor=False), accept=accepts, seed=st.integers(0, 2**32))
def test_relabelled_qubits_and_reordered_bits_change_nothing(
    record: RecordMap, accept: Accept, seed: int
) -> None:
    shots = random_shots(record, seed)
    order = np.random.default_rng(seed).permutation(len(record.bits))
    bits = tuple(replace(record.bits[i], qubit=100 - int(i)) for i in order)
    moved = RecordMap(bits=bits, faces=record.faces[::-1], logical=record.logical)
    again = pack_shots(shots.bits()[:, order], moved)
    assert names_of(cut_flow(again, accept)) == names_of(cut_flow(shots, accept))
    assert np.array_equal(logical_outcomes(again, accept), logical_outcomes(shots, accept))
