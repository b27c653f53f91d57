import io
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.quantum_info import Statevector

from hexmagic.backends.compilation import (
    CompilationError,
    Compiled,
    _check_gadgets,
    compile_program,
)
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding, find_embeddings
from hexmagic.backends.isa import make_target
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.program import make_program

DEVICES = {"fake_boston": "cz", "fake_sherbrooke": "ecr", "fake_kolkata": "cx"}
CASES = [(scheme, name) for scheme in ("fold14", "fold13", "fold") for name in DEVICES]


def make_compiled(scheme: str, name: str, basis: Basis = "X") -> Compiled:
    program = make_program(scheme=scheme, distance=3, rounds=1, basis=basis)
    device = load_device(name)
    return compile_program(program, device, choose_embedding(program, device))


@pytest.fixture(scope="module")
def compiled() -> dict[tuple[str, str], Compiled]:
    return {case: make_compiled(*case) for case in CASES}


@pytest.fixture(scope="module")
def fold14(compiled: dict[tuple[str, str], Compiled]) -> Compiled:
    return compiled["fold14", "fake_boston"]


def seconds(compiled: Compiled, instruction: Instruction) -> float:
    """Return how long an instruction takes, from the device's calibration."""
    device = compiled.device
    physical = [compiled.layout[q] for q in instruction.qubits]
    known = device.qubits[physical[0]]
    return {
        "delay": lambda: instruction.params[0] * device.dt_seconds,
        "rz": lambda: 0.0,
        "sx": lambda: known.one_qubit.seconds,
        "x": lambda: known.one_qubit.seconds,
        "measure": lambda: known.readout_seconds,
        "reset": lambda: known.reset_seconds,
        device.two_qubit_gate: lambda: device.edge(*physical).seconds,
    }[instruction.name]()


@pytest.mark.parametrize(
    ("scheme", "hadamard", "detection", "qubits"),
    [("fold14", 27, 51, 14), ("fold13", 24, 51, 13), ("fold", 22, 60, 13)],
)
@pytest.mark.parametrize("name", DEVICES)
def test_each_gadget_keeps_its_two_qubit_gates(
    compiled: dict[tuple[str, str], Compiled],
    name: str,
    scheme: str,
    hadamard: int,
    detection: int,
    qubits: int,
) -> None:
    found = compiled[scheme, name]
    of_stage = {"encode": 0, "hadamard": 0, "detection": 0, "readout": 0}
    for gadget in found.program.gadgets:
        of_stage[gadget.stage] += found.two_qubit_gates[gadget.label]
    assert 20 < of_stage.pop("encode") <= 29
    assert of_stage == {"hadamard": hadamard, "detection": detection, "readout": 0}
    assert found.local.num_qubits == qubits


@pytest.mark.parametrize("case", CASES)
def test_every_instruction_is_native_where_it_stands(
    compiled: dict[tuple[str, str], Compiled], case: tuple[str, str]
) -> None:
    found = compiled[case]
    target = make_target(found.device, found.layout)
    native = DEVICES[case[1]]
    for instruction in found.instructions:
        if instruction.name == "barrier":
            continue
        assert target.instruction_supported(instruction.name, instruction.qubits), instruction
        if instruction.is_two_qubit_gate:
            assert instruction.name == native
            assert tuple(found.layout[q] for q in instruction.qubits) in found.device.two_qubit


@pytest.mark.parametrize("case", CASES)
def test_replayed_from_the_end_all_qubits_of_an_instruction_agree_on_the_time(
    compiled: dict[tuple[str, str], Compiled], case: tuple[str, str]
) -> None:
    found = compiled[case]
    dt = found.device.dt_seconds
    awake = {  # of each barrier: qubits with a gate before it; the others' wait is not written
        at: {q for i in found.instructions[:at] if i.name != "barrier" for q in i.qubits}
        for at, instruction in enumerate(found.instructions)
        if instruction.name == "barrier"
    }
    to_end = [0] * found.local.num_qubits
    for at, instruction in reversed(list(enumerate(found.instructions))):
        together = awake.get(at, {*instruction.qubits}) & {*instruction.qubits}
        assert len({to_end[q] for q in together}) <= 1, instruction
        if instruction.name != "barrier":
            length = seconds(found, instruction) / dt
            assert length == pytest.approx(round(length), abs=1e-6)
            for q in instruction.qubits:
                to_end[q] += round(length)
    assert max(to_end) * dt == pytest.approx(found.duration_seconds)


@pytest.mark.parametrize("case", CASES)
def test_no_qubit_idles_in_front_of_its_first_gate(
    compiled: dict[tuple[str, str], Compiled], case: tuple[str, str]
) -> None:
    first: dict[int, str] = {}
    for instruction in compiled[case].instructions:
        if instruction.name not in ("barrier", "rz"):
            for q in instruction.qubits:
                first.setdefault(q, instruction.name)
    assert set(first.values()) <= {"sx", "x", *DEVICES.values()}


@pytest.mark.parametrize("name", DEVICES)
def test_fold14_reads_every_qubit_last_and_at_the_same_time(
    compiled: dict[tuple[str, str], Compiled], name: str
) -> None:
    found = compiled["fold14", name]
    last: dict[int, Instruction] = {}
    for instruction in found.instructions:
        if instruction.name != "barrier":
            last |= dict.fromkeys(instruction.qubits, instruction)
    assert {instruction.name for instruction in last.values()} <= {"measure", "delay"}
    measured = [i for i in found.instructions if i.name == "measure"]
    assert sorted(i.qubits[0] for i in measured) == list(range(14))
    assert sum(i.name == "reset" for i in found.instructions) == 0
    # measured at the very end: nothing, no delay either, comes after
    assert all(last[i.qubits[0]] is i for i in measured)


@pytest.mark.parametrize("name", DEVICES)
def test_fold13_resets_six_ancillas_once(
    compiled: dict[tuple[str, str], Compiled], name: str
) -> None:
    resets = [i.qubits[0] for i in compiled["fold13", name].instructions if i.name == "reset"]
    assert len(resets) == len(set(resets)) == 6


def without_measurements(circuit: QuantumCircuit) -> QuantumCircuit:
    kept = QuantumCircuit(circuit.num_qubits)
    for item in circuit.data:
        if item.operation.name not in ("measure", "delay", "barrier"):
            kept.append(item.operation, [circuit.find_bit(q).index for q in item.qubits])
    return kept


def wiring(instructions: tuple[Instruction, ...]) -> dict[int, tuple[tuple[str, int], ...]]:
    return {i.qubits[0]: i.bits for i in instructions if i.name == "measure"}


@pytest.mark.parametrize("basis", ["X", "Y", "Z"])
@pytest.mark.parametrize("name", DEVICES)
def test_the_compiled_circuit_prepares_the_programs_state(name: str, basis: Basis) -> None:
    found = make_compiled("fold14", name, basis)
    before = Statevector(without_measurements(found.program.circuit))
    after = Statevector(without_measurements(found.local))
    assert before.equiv(after, atol=1e-9)
    assert wiring(found.instructions) == wiring(read_instructions(found.program.circuit))


def damaged(compiled: Compiled, name: str) -> Compiled:
    """Return a compiled circuit without its last instruction of a name."""
    local = compiled.local.copy()
    del local.data[max(i for i, item in enumerate(local.data) if item.operation.name == name)]
    return replace(compiled, local=local)


@pytest.mark.parametrize(
    ("name", "lost"), [("cz", "two_qubit_gates"), ("measure", "measurements"), ("reset", "resets")]
)
def test_a_lost_operation_is_noticed(
    compiled: dict[tuple[str, str], Compiled], name: str, lost: str
) -> None:
    whole = compiled["fold13", "fake_boston"]
    _check_gadgets(whole)
    with pytest.raises(CompilationError, match=lost):
        _check_gadgets(damaged(whole, name))


def test_the_fingerprint_changes_with_circuit_layout_and_calibration(fold14: Compiled) -> None:
    device, program = fold14.device, fold14.program
    other = find_embeddings(program.patch, device)[3]
    q = fold14.layout[0]
    drifted = list(device.qubits)
    drifted[q] = replace(drifted[q], t1_seconds=1e-4)
    found = [
        fold14,
        make_compiled("fold14", "fake_boston", "Z"),
        compile_program(program, device, other),
        compile_program(program, replace(device, qubits=tuple(drifted)), fold14.layout),
        damaged(fold14, "sx"),
    ]
    assert len({compiled.fingerprint for compiled in found}) == len(found)
    again = compile_program(program, device, fold14.layout)
    assert again.fingerprint == fold14.fingerprint


def test_the_fingerprint_is_the_same_in_another_process(fold14: Compiled) -> None:
    code = f"""
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.experiments.program import make_program
program = make_program(scheme="fold14", distance=3, rounds=1, basis="X")
print(compile_program(program, load_device("fake_boston"), {fold14.layout}).fingerprint)
"""
    environment = os.environ | {"PYTHONHASHSEED": "12345"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == fold14.fingerprint


def test_qpy_keeps_the_gadgets_labels(fold14: Compiled) -> None:
    buffer = io.BytesIO()
    qpy.dump(fold14.circuit, buffer, version=13)
    buffer.seek(0)
    (read,) = qpy.load(buffer)
    assert read_instructions(read) == read_instructions(fold14.circuit)
    labels = [item.operation.label for item in read.data if item.operation.name == "barrier"]
    assert labels == [gadget.label for gadget in fold14.program.gadgets]


def test_the_wide_circuit_is_the_local_one_on_the_layout(fold14: Compiled) -> None:
    wide = read_instructions(fold14.circuit)
    moved = [
        replace(i, qubits=tuple(fold14.layout[q] for q in i.qubits)) for i in fold14.instructions
    ]
    assert list(wide) == moved
    assert fold14.circuit.num_qubits == 156


def test_depth_counts_layers_of_two_qubit_gates(fold14: Compiled) -> None:
    own = fold14.local.depth(lambda item: item.operation.num_qubits == 2)
    gates = sum(fold14.two_qubit_gates.values())
    assert own <= fold14.depth < gates
