"""The canary sees every exchange of bits that a client could make, and no misread one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import comb

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit_aer.primitives import SamplerV2
from test_aer_exact import make_line

from hexmagic.backends.canary import CANARY_SHOTS, Canary, CanaryError, choose_words, make_canary
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.program import make_program

Bits = dict[str, NDArray[np.bool_]]
SIZES = st.lists(st.integers(1, 9), min_size=1, max_size=6).map(
    lambda sizes: {f"r{i}": size for i, size in enumerate(sizes)}
)


@cache
def compiled_of(scheme: str, device: str, rounds: int = 1, distance: int = 3) -> Compiled:
    bare = scheme == "bare"
    program = make_program(
        scheme=scheme,
        distance=None if bare else distance,
        rounds=None if bare else rounds,
        basis="X",
    )
    known = load_device(device)
    return compile_program(program, known, choose_embedding(program, known))


def words_of(sizes: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """Return the words of registers that can be told apart."""
    try:
        return choose_words(sizes)
    except CanaryError:
        assume(False)
        raise


def canary_of(words: dict[str, tuple[int, ...]]) -> Canary:
    expected = {(name, k): bit for name, word in words.items() for k, bit in enumerate(word)}
    return Canary(circuit=QuantumCircuit(), expected=expected)


def read(canary: Canary, shots: int = CANARY_SHOTS) -> Bits:
    """Return what a perfect machine gives."""
    names = dict.fromkeys(register for register, _ in canary.expected)
    return {
        name: np.tile([bool(v) for (r, _), v in canary.expected.items() if r == name], (shots, 1))
        for name in names
    }


# --- words ----------------------------------------------------------------------------------------


@given(SIZES)
def test_words_are_not_their_own_reverse_and_differ_where_they_can(sizes: dict[str, int]) -> None:
    words = words_of(sizes)
    assert {name: len(word) for name, word in words.items()} == sizes
    assert all(word != word[::-1] for word in words.values() if len(word) > 1)
    for size in set(sizes.values()):
        same = [word for word in words.values() if len(word) == size]
        most = 2 if size < 3 else 2**size - 2 ** -(-size // 2)
        assert len(set(same)) == min(len(same), most)


def test_words_are_the_same_each_time_and_follow_the_registers_names() -> None:
    sizes = {"hadamard1": 1, "detection1": 6, "data": 7}
    assert choose_words(sizes) == choose_words(sizes)
    assert choose_words(sizes) != choose_words({"other": 1, "names": 6, "here": 7})


def test_registers_without_words_that_tell_them_apart_are_refused() -> None:
    with pytest.raises(CanaryError, match=r"registers of \[2, 2\] bits"):
        choose_words({"a": 2, "b": 2})


# --- exchanges ------------------------------------------------------------------------------------


@given(SIZES, st.data())
def test_a_reversed_register_is_seen(sizes: dict[str, int], data: st.DataObject) -> None:
    canary = canary_of(words_of(sizes))
    wide = [name for name, size in sizes.items() if size > 1]
    assume(wide)
    bits, name = read(canary), data.draw(st.sampled_from(wide))
    bits[name] = bits[name][:, ::-1]
    with pytest.raises(CanaryError, match=f"registers {name} are reversed: bit"):
        canary.check(bits)


@given(SIZES)
def test_all_registers_reversed_are_seen(sizes: dict[str, int]) -> None:
    assume(max(sizes.values()) > 1)
    canary = canary_of(words_of(sizes))
    with pytest.raises(CanaryError, match="are reversed: bit"):
        canary.check({name: array[:, ::-1] for name, array in read(canary).items()})


@given(st.integers(3, 9), st.integers(2, 4), st.data())
def test_two_swapped_registers_are_seen(size: int, number: int, data: st.DataObject) -> None:
    canary = canary_of(words_of({f"r{i}": size for i in range(number)} | {"other": 2}))
    bits = read(canary)
    a, b = data.draw(st.permutations([name for name in bits if name != "other"]))[:2]
    bits[a], bits[b] = bits[b], bits[a]
    with pytest.raises(CanaryError, match=r"swapped|reversed"):
        canary.check(bits)


@given(SIZES)
def test_the_joined_word_reversed_is_seen(sizes: dict[str, int]) -> None:
    assume(sum(sizes.values()) > 1)
    canary = canary_of(words_of(sizes))
    bits = read(canary)
    joined = np.concatenate([*bits.values()], axis=1)[:, ::-1]
    ends = np.cumsum([*sizes.values()])[:-1]
    with pytest.raises(CanaryError, match="trust no result"):
        canary.check(dict(zip(bits, np.split(joined, ends, axis=1), strict=True)))


def test_each_exchange_is_named() -> None:
    canary = make_canary(compiled_of("fold13", "fake_boston"))
    bits = read(canary)
    swapped = bits | {"hadamard1": bits["detection1"], "detection1": bits["hadamard1"]}
    joined = np.concatenate([*bits.values()], axis=1)[:, ::-1]
    backward = dict(zip(bits, np.split(joined, [6, 12], axis=1), strict=True))
    turned = {name: ~array for name, array in bits.items()}
    rolled = bits | {"data": np.roll(bits["data"], 1, axis=1)}
    for exchanged, what in (
        (swapped, "registers hadamard1, detection1 are swapped"),
        (backward, "all bits are in reverse, over all registers"),
        (turned, "registers hadamard1, detection1, data are inverted"),
        (rolled, "[0-9] of 19 bits are wrong: bit [0-9] of register 'data' reads"),
    ):
        with pytest.raises(CanaryError, match=what) as told:
            canary.check(exchanged)
        assert "\n" not in str(told.value)
        assert isinstance(told.value, HexmagicError)


# --- misread bits ---------------------------------------------------------------------------------


@given(SIZES, st.integers(0, 2**32))
def test_ten_per_cent_of_misread_bits_are_no_alarm(sizes: dict[str, int], seed: int) -> None:
    canary = canary_of(words_of(sizes))
    rng = np.random.default_rng(seed)
    canary.check({n: a ^ (rng.random(a.shape) < 0.1) for n, a in read(canary).items()})


def test_the_probability_of_a_false_alarm_is_as_said() -> None:
    def tail(p: float) -> float:
        many = range(CANARY_SHOTS // 2, CANARY_SHOTS + 1)
        return sum(comb(CANARY_SHOTS, k) * p**k * (1 - p) ** (CANARY_SHOTS - k) for k in many)

    assert tail(0.1) == pytest.approx(7e-16, rel=0.05)
    assert tail(0.2) == pytest.approx(8e-8, rel=0.05)


def test_a_bit_counts_as_wrong_from_half_of_the_shots() -> None:
    canary = make_canary(compiled_of("fold14", "fake_boston"))
    bits = read(canary, shots=10)
    bits["data"][:4, 3] ^= True
    canary.check(bits)
    bits["data"][4, 3] ^= True
    value = canary.expected["data", 3]
    said = f"bit 3 of register 'data' reads {1 - value} in 5 of 10 shots, {value} was prepared"
    with pytest.raises(CanaryError, match=f"^1 of 14 bits are wrong: {said}; trust no result"):
        canary.check(bits)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda bits: bits.pop("data"), r"registers \['detection1', 'hadamard1'\] came back, not"),
        (lambda bits: bits.update(more=bits["data"]), "more.* came back, not"),
        (lambda bits: bits.update(data=bits["data"][:, :6]), r"\(64, 6\).* came back, need"),
        (lambda bits: bits.update(data=bits["data"][1:]), r"\(63, 7\).* came back, need"),
        (lambda bits: bits.update(data=bits["data"][0]), "came back, need"),
        (lambda bits: bits.update({n: a[:0] for n, a in bits.items()}), "no shots came back"),
    ],
)
def test_what_is_no_result_of_the_canary_is_said(
    change: Callable[[Bits], object], said: str
) -> None:
    canary = make_canary(compiled_of("fold14", "fake_boston"))
    bits = read(canary)
    change(bits)
    with pytest.raises(CanaryError, match=said):
        canary.check(bits)


# --- circuits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scheme", "device", "rounds", "distance", "layers"),
    [
        ("fold14", "fake_boston", 1, 3, 2),
        ("fold13", "fake_sherbrooke", 1, 3, 2),
        ("fold", "fake_kolkata", 1, 3, 3),
        ("fold14", "fake_boston", 3, 3, 3),
        ("fold", "fake_boston", 1, 5, 3),
        ("bare", "fake_boston", 1, 3, 1),
        ("fold14", "heavy_hex_3_cx", 1, 3, 2),
    ],
)
def test_a_canary_has_the_registers_and_qubits_of_its_circuit(
    scheme: str, device: str, rounds: int, distance: int, layers: int
) -> None:
    compiled = compiled_of(scheme, device, rounds, distance)
    circuit = make_canary(compiled).circuit
    assert circuit.cregs == compiled.circuit.cregs
    assert circuit.num_qubits == compiled.device.num_qubits
    assert set(circuit.count_ops()) <= {"x", "measure"}
    used = {circuit.find_bit(q).index for item in circuit.data for q in item.qubits}
    assert used <= set(compiled.layout)
    assert "x" in compiled.device.other_gates
    measured = [i.clbits[0] for i in circuit.data if i.operation.name == "measure"]
    assert measured == list(circuit.clbits)
    assert circuit.depth() <= layers + 1


@pytest.mark.parametrize(("scheme", "rounds"), [("fold14", 1), ("fold13", 1), ("fold", 2)])
def test_a_simulated_canary_reads_what_it_should(scheme: str, rounds: int) -> None:
    """Qiskit's own arrays: bit k of a register is what `measure(..., register[k])` wrote."""
    canary = make_canary(compiled_of(scheme, "fake_boston", rounds))
    sampler = SamplerV2(seed=1, options={"backend_options": {"method": "stabilizer"}})
    data = sampler.run([canary.circuit], shots=CANARY_SHOTS).result()[0].data
    canary.check({name: array.to_bool_array(order="little") for name, array in data.items()})
    with pytest.raises(CanaryError, match="are reversed"):
        canary.check({name: array.to_bool_array(order="big") for name, array in data.items()})


def test_a_one_is_read_on_the_qubits_that_misread_it_least() -> None:
    compiled = compiled_of("fold14", "fake_boston")
    circuit, known = make_canary(compiled).circuit, compiled.device.qubits
    raised = {circuit.find_bit(i.qubits[0]).index for i in circuit.data if i.operation.name == "x"}

    def bias(qubit: int) -> float:
        return (known[qubit].prob_0_given_1 or 0) - (known[qubit].prob_1_given_0 or 0)

    assert 0 < len(raised) < 14
    assert max(map(bias, raised)) <= min(map(bias, set(compiled.layout) - raised))


def test_a_circuit_that_records_nothing_has_no_canary() -> None:
    program = make_program(scheme="encoded", distance=3, rounds=None, basis="H_ideal")
    device = load_device("fake_boston")
    compiled = compile_program(program, device, choose_embedding(program, device))
    with pytest.raises(CanaryError, match="records nothing"):
        make_canary(compiled)


def test_two_flags_and_two_data_bits_have_a_canary() -> None:
    program, device = make_line(), load_device("fake_boston")
    compiled = compile_program(program, device, find_embeddings(program.patch, device)[4])
    canary = make_canary(compiled)
    canary.check(read(canary))
