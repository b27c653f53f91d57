"""Results of IBM jobs, written with the client's own encoder and models, as registers and shots."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from fakes.agreement import KEPT, classes
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import ClassicalRegister
from qiskit.primitives import StatevectorSampler
from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit_ibm_runtime import RuntimeEncoder, SamplerV2
from qiskit_ibm_runtime.decoders.defaults import DEFAULT_DECODERS
from qiskit_ibm_runtime.decoders.result_decoder import ResultDecoder
from qiskit_ibm_runtime.execution_span import ExecutionSpans, SliceSpan
from qiskit_ibm_runtime.executor_sampler import Sampler
from service import LoopbackService, ServiceConfig
from service.clients import open_client

from hexmagic.backends.canary import CanaryError, make_canary
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.ibm.results import ResultError, decode_result, to_shots
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.program import make_program
from hexmagic.experiments.record import RecordMap

Bits = Mapping[str, NDArray[np.bool_]]
PROGRAMS = ("sampler", "executor")
VERSIONS = ("0_1", "0_2", "1_0", "1_1", "2_0")
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)


def sampler_text(circuits: Sequence[Bits]) -> bytes:
    """Return a V2 primitive result as the service sends it."""
    results = [
        SamplerPubResult(
            DataBin(
                **{n: BitArray.from_bool_array(a, order="little") for n, a in bits.items()},
                shape=(),
            ),
            metadata={"circuit_metadata": {}},
        )
        for bits in circuits
    ]
    spans = ExecutionSpans([SliceSpan(NOW, NOW, {0: ((8,), slice(0, 8))})])
    metadata = {"execution": {"execution_spans": spans}, "version": 2}
    result = PrimitiveResult(results, metadata=metadata)
    return json.dumps(result, cls=RuntimeEncoder).encode()


def executor_text(circuits: Sequence[Bits], version: str = "2_0") -> bytes:
    """Return a quantum program result of the client's sampler as the service sends it."""
    models = import_module(f"ibm_quantum_schemas.executor.version_{version}")
    common = import_module("ibm_quantum_schemas.common")
    tensor = common.CompressedTensorModel if version == "2_0" else common.TensorModel
    told = {"data": [], "metadata": {"chunk_timing": []}}
    data = [
        models.QuantumProgramResultItemModel(
            results={name: tensor.from_numpy(array) for name, array in bits.items()},
            metadata=None if version == "0_1" else models.ItemMetadataModel(),
        )
        for bits in circuits
    ]
    post = {"version": "v0.1", "twirling": False, "meas_type": "classified"}
    post |= {"shots": 8, "options": {}}
    if version != "0_1":
        told["passthrough_data"] = {"post_processor": post}
    if version not in ("0_1", "0_2"):
        told["semantic_role"] = "sampler_v2"
    model = models.QuantumProgramResultModel(**told | {"data": data})
    text: str = model.model_dump_json()
    return text.encode()


TEXTS: dict[str, Callable[[Sequence[Bits]], bytes]] = {
    "sampler": sampler_text,
    "executor": executor_text,
}


def drawn(seed: int, sizes: Mapping[str, int], shots: int) -> Bits:
    rng = np.random.default_rng(seed)
    return {name: rng.random((shots, size)) < 0.5 for name, size in sizes.items()}


def same(a: Sequence[Bits], b: Sequence[Bits]) -> bool:
    return [list(x) for x in a] == [list(x) for x in b] and all(
        np.array_equal(x[name], y[name]) and x[name].dtype == np.bool_
        for x, y in zip(a, b, strict=True)
        for name in x
    )


CIRCUITS = st.lists(
    st.builds(
        lambda sizes, shots, seed: drawn(seed, {f"r{i}": s for i, s in enumerate(sizes)}, shots),
        st.lists(st.integers(1, 20), min_size=1, max_size=4),
        st.integers(1, 40),
        st.integers(0, 2**32),
    ),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("program", PROGRAMS)
@given(circuits=CIRCUITS)
def test_bits_survive_the_way_to_text_and_back(program: str, circuits: list[Bits]) -> None:
    assert same(decode_result(TEXTS[program](circuits), program), circuits)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_executors_result_is_read(version: str) -> None:
    circuits = [drawn(3, {"data": 7, "detection1": 6}, 9), drawn(4, {"hadamard1": 1}, 5)]
    assert same(decode_result(executor_text(circuits, version), "executor"), circuits)


def client_reads(raw: bytes, program: str) -> Any:
    """Return what the real client's `result()` makes of a text."""
    found: Any = raw.decode()
    for decoder in DEFAULT_DECODERS[program]:
        if decoder.is_applicable(found):
            found = decoder.decode(found)
    return found


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_client_reads_the_same_bits(program: str) -> None:
    circuits = [drawn(5, {"hadamard1": 1, "detection1": 6, "data": 7}, 11)]
    raw = TEXTS[program](circuits)
    data = client_reads(raw, program)[0].data
    (found,) = decode_result(raw, program)
    for name, array in found.items():
        counts = np.array([[c == "1" for c in word] for word in data[name].get_bitstrings()])
        assert np.array_equal(array, counts[:, ::-1])  # bit 0 is a count's rightmost letter


def test_column_k_is_what_was_measured_into_bit_k() -> None:
    registers = [ClassicalRegister(3, "a"), ClassicalRegister(9, "b")]
    circuit = QuantumCircuit(2)
    circuit.add_register(*registers)
    circuit.x(1)
    ones = {"a": (0,), "b": (1, 8)}
    for register in registers:
        for k, bit in enumerate(register):
            circuit.measure(int(k in ones[register.name]), bit)
    result = StatevectorSampler().run([circuit], shots=4).result()
    (found,) = decode_result(json.dumps(result, cls=RuntimeEncoder).encode(), "sampler")
    assert {name: tuple(np.flatnonzero(array[0])) for name, array in found.items()} == ones


# --- damaged results ------------------------------------------------------------------------------


def one_line(error: pytest.ExceptionInfo[ResultError]) -> str:
    assert isinstance(error.value, HexmagicError)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"null", b"true", b"17", b'"a string"', b"[]", b"{}", b"<html>502</html>"),
        *(b"\xff\xfe\x00", b'{"data": []}', b'{"schema_version": "v9.9"}', b"[[[[[[", b"NaN"),
        *(b'{"schema_version": ["v2.0"]}', b'{"program": "x"}', b'{"__type__": "ndarray"}'),
        b'{"__type__": "PrimitiveResult", "__value__": {"pub_results": [7], "metadata": {}}}',
        b'{"__type__": "PrimitiveResult", "__value__": {"pub_results": [], "metadata": {}}}',
        b'{"schema_version": "v2.0", "data": [], "metadata": {"chunk_timing": []}}',
        b'{"program": {"id": "executor"}, "params": {"schema_version": "v2.0"}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_result_is_one_line(raw: bytes, program: str) -> None:
    with pytest.raises(ResultError) as error:
        decode_result(raw, program)
    assert program in one_line(error)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_result_cut_off_anywhere_is_refused(program: str) -> None:
    raw = TEXTS[program]([drawn(1, {"data": 7, "detection1": 6}, 20)])
    for end in range(0, len(raw) - 1, 7):
        with pytest.raises(ResultError) as error:
            decode_result(raw[:end], program)
        assert f"{program} result of {end} bytes cannot be read" in one_line(error)


@pytest.mark.parametrize("program", PROGRAMS)
@given(data=st.data())
def test_one_damaged_byte_never_changes_the_bits_of_a_register_of_the_right_name_and_shape(
    program: str, data: st.DataObject
) -> None:
    bits = drawn(1, {"data": 7}, 20)["data"]
    raw = bytearray(TEXTS[program]([{"data": bits}]))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    try:
        (found,) = decode_result(bytes(raw), program)
    except ResultError as error:
        assert "\n" not in str(error)
    else:
        kept = found.get("data", bits)
        assert kept.shape != bits.shape or np.array_equal(kept, bits)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_other_programs_result_is_refused(program: str) -> None:
    other = next(p for p in PROGRAMS if p != program)
    with pytest.raises(ResultError) as error:
        decode_result(TEXTS[other]([drawn(1, {"data": 7}, 20)]), program)
    assert program in one_line(error)


def test_a_program_without_a_decoder_is_named() -> None:
    with pytest.raises(ResultError, match="program 'estimator' has no decoder; there are sampler"):
        decode_result(b"{}", "estimator")


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_circuit_without_registers_is_refused(program: str) -> None:
    with pytest.raises(ResultError, match="circuit 1 of the result has no registers"):
        decode_result(TEXTS[program]([drawn(1, {"data": 7}, 20), {}]), program)


@pytest.mark.parametrize("program", PROGRAMS)
def test_registers_of_different_shots_are_refused(program: str) -> None:
    uneven = {"a": np.zeros((4, 2), np.bool_), "b": np.zeros((5, 2), np.bool_)}
    with pytest.raises(ResultError, match=r"different shots: \{'a': 4, 'b': 5\}"):
        decode_result(TEXTS[program]([uneven]), program)


@pytest.mark.parametrize(
    ("name", "array", "said"),
    [
        ("data", np.zeros((4, 2)), r"register 'data': float64 \(4, 2\), need bool"),
        ("data", np.zeros((3, 4, 2), np.bool_), r"register 'data': bool \(3, 4, 2\), need bool"),
        ("measurement_flips.data", np.zeros((4, 2), np.bool_), "were twirled"),
    ],
)
def test_what_is_not_bits_of_shots_is_refused(name: str, array: Any, said: str) -> None:
    with pytest.raises(ResultError, match=f"circuit 0, .*{said}"):
        decode_result(executor_text([{name: array}]), "executor")


def test_levels_and_sweeps_of_the_sampler_are_refused() -> None:
    swept = {"data": np.zeros((3, 4, 2), np.bool_)}
    with pytest.raises(ResultError, match=r"bool \(3, 4, 2\)"):
        result = SamplerPubResult(
            DataBin(data=BitArray.from_bool_array(swept["data"], order="little"), shape=(3,))
        )
        decode_result(json.dumps(PrimitiveResult([result]), cls=RuntimeEncoder).encode(), "sampler")
    with pytest.raises(ResultError, match=r"complex128 \(4, 2\)"):
        result = SamplerPubResult(DataBin(data=np.zeros((4, 2), complex), shape=()))
        decode_result(json.dumps(PrimitiveResult([result]), cls=RuntimeEncoder).encode(), "sampler")


# --- shots ----------------------------------------------------------------------------------------


@cache
def record_of(scheme: str) -> RecordMap:
    return make_program(scheme=scheme, distance=3, rounds=2, basis="X").record


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("scheme", ["fold14", "fold13", "fold"])
def test_shots_have_each_bit_of_the_record_map(scheme: str, program: str) -> None:
    record = record_of(scheme)
    bits = drawn(7, record.registers(), 33)
    backward = dict(reversed([*bits.items()]))  # the order of the registers does not matter
    (found,) = decode_result(TEXTS[program]([backward]), program)
    shots = to_shots(found, record, 33)
    assert len(shots) == 33
    values = shots.bits()
    for column, bit in enumerate(record.bits):
        assert np.array_equal(values[:, column], bits[bit.register][:, bit.index])


def test_bits_are_found_by_name_in_whatever_order_the_record_map_has() -> None:
    record = record_of("fold14")
    data = tuple(bit for bit in record.bits if bit.role == "data")
    mixed = RecordMap(
        bits=(*data[::-1], *(bit for bit in record.bits if bit.role != "data")),
        faces=record.faces,
        logical=record.logical,
    )
    bits = drawn(8, record.registers(), 5)
    assert np.array_equal(to_shots(bits, mixed, 5).bits()[:, :7], bits["data"][:, ::-1])
    assert not np.array_equal(to_shots(bits, mixed, 5).bits(), to_shots(bits, record, 5).bits())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda bits: bits.pop("data"), "1 missing, 0 too many"),
        (lambda bits: bits.update(more=bits["data"]), "0 missing, 1 too many"),
        (lambda bits: bits.update(other=bits.pop("data")), "1 missing, 1 too many"),
        (lambda bits: bits.update(data=bits["data"][:, :6]), r"'data' came back as bool \(8, 6\)"),
        (lambda bits: bits.update(data=bits["data"][:7]), r"'data' came back as bool \(7, 7\)"),
        (lambda bits: bits.update(data=bits["data"].astype(np.uint8)), "came back as uint8"),
        (lambda bits: bits.update({n: a[:0] for n, a in bits.items()}), "for 8 shots of"),
        (
            lambda bits: bits.update({n: np.tile(a, (2, 1)) for n, a in bits.items()}),
            r"bool \(16, [0-9]\), need bool \(8, [0-9]\)",
        ),
    ],
)
def test_registers_that_are_not_the_record_maps_are_refused(
    change: Callable[[dict[str, NDArray[Any]]], object], said: str
) -> None:
    record = record_of("fold14")
    bits = dict(drawn(9, record.registers(), 8))
    change(bits)
    with pytest.raises(ResultError, match=said) as error:
        to_shots(bits, record, 8)
    one_line(error)


# --- the real client against the loopback service -------------------------------------------------


class Raw(ResultDecoder):  # type: ignore[misc] # without annotations: Any to mypy
    """The documented hook: the text as it was sent."""

    @classmethod
    def decode(cls, data: str) -> str:
        return data


@pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated:DeprecationWarning")
@pytest.mark.parametrize("program", PROGRAMS)
def test_what_the_service_sends_is_read_as_the_client_reads_it(
    program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = load_device("fake_torino")
    made = make_program(scheme="fold14", distance=3, rounds=1, basis="X")
    compiled = compile_program(made, device, choose_embedding(made, device), decoupling="xy4")
    canary = make_canary(compiled)
    with LoopbackService(ServiceConfig(devices=("torino",), noise="none", seed=3)) as service:
        for name, value in service.environment().items():
            monkeypatch.setenv(name, value)
        sampler = {"sampler": SamplerV2, "executor": Sampler}[program]
        client = open_client(service)
        job = sampler(mode=client.backend("ibm_torino")).run(
            [canary.circuit, compiled.circuit], shots=100
        )
        raw = job.result(decoder=Raw)
        result = client.job(job.job_id()).result()
    assert isinstance(raw, str)
    parts = decode_result(raw.encode(), program)
    theirs = [
        {name: array.to_bool_array(order="little") for name, array in part.data.items()}
        for part in result
    ]
    assert same(parts, theirs)
    canary.check(parts[0])
    kept = classes(to_shots(parts[1], made.record, 100))[KEPT]
    assert kept.sum() == 100
    backward = {name: array[:, ::-1] for name, array in parts[0].items()}
    with pytest.raises(CanaryError, match="registers detection1, data are reversed"):
        canary.check(backward)
