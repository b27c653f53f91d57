"""The emulator against exact density matrices, on small circuits with exaggerated noise."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes.aer_noise import gate_errors
from qiskit.circuit.library import (
    CXGate,
    CZGate,
    ECRGate,
    HGate,
    RYGate,
    RZGate,
    SdgGate,
    SGate,
    SXGate,
    XGate,
)
from qiskit.quantum_info import DensityMatrix, Operator, SuperOp
from qiskit_aer.noise import depolarizing_error, pauli_error, thermal_relaxation_error

from hexmagic.backends.aer.engine import sample
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import Device, load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.experiments.block import Block, Read
from hexmagic.experiments.instructions import Instruction
from hexmagic.experiments.patch import Patch
from hexmagic.experiments.program import Program, assemble, make_program
from hexmagic.experiments.record import BitKey
from hexmagic.experiments.spec import NoiseSpec

CALIBRATION = NoiseSpec(kind="calibration", p=None)
SCALED = NoiseSpec(kind="calibration", scale=1.7)
UNIFORM = NoiseSpec(kind="uniform", p=0.05)
PAPER = NoiseSpec(kind="paper", p=0.05)
FEW, MANY = 2_500, 20_000
FIXED = {
    **{"sx": SXGate(), "x": XGate(), "h": HGate(), "s": SGate(), "sdg": SdgGate()},
    **{"cx": CXGate(), "cz": CZGate(), "ecr": ECRGate()},
}
ROTATIONS = {"rz": RZGate, "ry": RYGate}
Distribution = Mapping[tuple[int, ...], float]
State = tuple[tuple[tuple[BitKey, int], ...], DensityMatrix]


def make_line() -> Program:
    """Return two data qubits and an ancilla between them: used, read, reset and used again."""
    patch = Patch(
        name="line",
        code=None,
        data=(0, 1),
        ancillas=(2,),
        edges=((0, 2), (1, 2)),
        positions=((0.0, 0.0), (2.0, 0.0), (1.0, 0.0)),
    )
    check = (("cx", 0, 2), ("a", 2), ("cx", 1, 2))
    flag = Read(qubit=2, role="flag", basis="Z")
    data = tuple(Read(qubit=q, role="data", basis="X", expected=None) for q in (1, 0))
    turned = (("a", 0), ("h", 1), ("cx", 2, 1), ("s", 1), ("h", 0), ("x", 1))
    blocks = [
        Block(label="e", stage="encode", round=0, gates=(("h", 0), ("x", 1), ("a", 1))),
        Block(label="h", stage="hadamard", round=1, gates=check, reads=(flag,)),
        Block(label="d", stage="detection", round=1, gates=(("h", 2), *check), reads=(flag,)),
        Block(label="r", stage="readout", round=0, gates=turned, reads=data),
    ]
    return assemble("line", patch, blocks, "X")


def noisy(device: Device, layout: tuple[int, ...], scale: float) -> Device:
    """Return a device on which everything goes wrong often; the last qubit has T2 = 2 T1."""
    times = [(20e-6, 12e-6), (9e-6, 25e-6), (30e-6, 60e-6)]
    times = [(t1 / scale, t2 / scale) for t1, t2 in times]
    qubits = list(device.qubits)
    for i, q in enumerate(layout):
        (t1, t2), old = times[i % 3], qubits[q]
        qubits[q] = replace(
            old,
            t1_seconds=t1,
            t2_seconds=t2,
            prob_1_given_0=(0.03 + 0.02 * i) * scale,
            prob_0_given_1=(0.12 - 0.03 * i) * scale,
            one_qubit=replace(old.one_qubit, error=(0.02 + 0.01 * i) * scale),
        )
    gates = {
        e: replace(op, error=0.08 * scale) if set(e) <= {*layout} else op
        for e, op in device.two_qubit.items()
    }
    return replace(device, qubits=tuple(qubits), two_qubit=gates)


def small(program: Program, name: str, spec: NoiseSpec, scale: float = 1.0) -> Compiled:
    """Return a program on a noisy device, its noise multiplied by `scale`."""
    device = load_device(name)
    if spec.kind == "paper":
        device = device.in_time_steps()
    layout = find_embeddings(program.patch, device)[4]
    return compile_program(program, noisy(device, layout, scale), layout)


def calibrated(
    compiled: Compiled, gates: Mapping[tuple[str, tuple[int, ...]], Any], instruction: Instruction
) -> SuperOp | None:
    """Return what follows an instruction, by Aer's device model on its target."""
    key = (instruction.name, instruction.qubits)
    known = compiled.device.qubits[compiled.layout[instruction.qubits[0]]]
    t1, up = known.t1_seconds or 0.0, known.prob_1_given_0 or 0.0
    if instruction.name == "delay":
        seconds = instruction.params[0] * compiled.device.dt_seconds
        return SuperOp(thermal_relaxation_error(t1, min(known.t2_seconds or 0.0, 2 * t1), seconds))
    if instruction.name == "reset":
        return SuperOp(pauli_error([("X", up), ("I", 1 - up)]))
    return SuperOp(gates[key]) if key in gates else None


def by_the_paper(instruction: Instruction, spec: NoiseSpec) -> SuperOp | None:
    """Return what follows an instruction under uniform or paper noise, in which waiting errs."""
    p = spec.p or 0.0
    if instruction.name == "delay" and spec.kind == "paper":
        return SuperOp(depolarizing_error(p * 4 / 3, 1)).power(int(instruction.params[0]))
    if instruction.name == "reset":
        return SuperOp(pauli_error([("X", 2 * p / 3), ("I", 1 - 2 * p / 3)]))
    if instruction.name in FIXED or instruction.name == "ry":
        paulis = 4 ** len(instruction.qubits)
        return SuperOp(depolarizing_error(p * paulis / (paulis - 1), len(instruction.qubits)))
    return None


def exact(compiled: Compiled, spec: NoiseSpec) -> Distribution:
    """Return the distribution of the recorded bits in the record map's order."""
    n = compiled.local.num_qubits
    gates = gate_errors(compiled) if spec.kind == "calibration" else {}
    start = DensityMatrix.from_label("0" * n)
    if spec.kind != "calibration":
        p = 2 * (spec.p or 0.0) / 3
        for q in range(n):
            start = start.evolve(SuperOp(pauli_error([("X", p), ("I", 1 - p)])), [q])

    def follows(instruction: Instruction) -> SuperOp | None:
        if spec.kind == "calibration":
            return calibrated(compiled, gates, instruction)
        return by_the_paper(instruction, spec)

    return walked(compiled, spec, start, follows)


def walked(
    compiled: Compiled,
    spec: NoiseSpec,
    start: DensityMatrix,
    follows: Callable[[Instruction], SuperOp | None],
) -> Distribution:
    """Return the distribution of the recorded bits, given what follows each instruction."""
    states: list[State] = [((), start)]
    for instruction in compiled.instructions:
        if instruction.name == "barrier":
            continue
        if instruction.name == "measure":
            states = [branch for state in states for branch in measured(state, instruction)]
            continue
        error = follows(instruction)
        states = [(bits, after(rho, instruction, error)) for bits, rho in states]
    found: dict[tuple[int, ...], float] = {}
    for bits, rho in states:
        for read, p in misread(compiled, spec, dict(bits)).items():
            found[read] = found.get(read, 0.0) + p * float(np.real(np.trace(rho.data)))
    return found


def measured(state: State, instruction: Instruction) -> list[State]:
    bits, rho = state
    projectors = [Operator(np.diag([1.0, 0.0])), Operator(np.diag([0.0, 1.0]))]
    return [
        ((*bits, (instruction.bits[0], value)), rho.evolve(projectors[value], instruction.qubits))
        for value in (0, 1)
    ]


def after(rho: DensityMatrix, instruction: Instruction, follows: SuperOp | None) -> DensityMatrix:
    if instruction.name == "reset":
        low, raised = np.diag([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 0.0]])
        reset = SuperOp(np.kron(low, low) + np.kron(raised, raised))
        rho = rho.evolve(reset, instruction.qubits)
    elif instruction.name in ROTATIONS:
        gate = ROTATIONS[instruction.name](instruction.params[0])
        rho = rho.evolve(Operator(gate), instruction.qubits)
    elif instruction.name in FIXED:
        rho = rho.evolve(Operator(FIXED[instruction.name]), instruction.qubits)
    return rho if follows is None else rho.evolve(follows, instruction.qubits)


def misread(
    compiled: Compiled, spec: NoiseSpec, bits: Mapping[BitKey, int]
) -> Mapping[tuple[int, ...], float]:
    words: dict[tuple[int, ...], float] = {(): 1.0}
    for bit in compiled.program.record.bits:
        known = compiled.device.qubits[compiled.layout[bit.qubit]]
        errors = (known.prob_1_given_0 or 0.0, known.prob_0_given_1 or 0.0)
        p = errors[bits[bit.key]] if spec.kind == "calibration" else 2 * (spec.p or 0.0) / 3
        right = bits[bit.key]
        words = {
            (*word, value): q * (1 - p if value == right else p)
            for word, q in words.items()
            for value in (0, 1)
        }
    return words


def compare(scheme: str, name: str, spec: NoiseSpec, shots: int) -> None:
    bare = make_program(scheme="bare", distance=None, rounds=None, basis="X")
    program = make_line() if scheme == "line" else bare
    compiled = small(program, name, spec)
    wanted = exact(small(program, name, spec, spec.scale), spec)
    assert sum(wanted.values()) == pytest.approx(1)
    words = sample(compiled, spec, shots=shots, seed=17).bits().astype(int)
    for word, p in wanted.items():
        share = (words == np.array(word)).all(axis=1).mean()
        assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / shots), word
    counts = {w: int((words == np.array(w)).all(axis=1).sum()) for w in wanted}
    square = sum((counts[w] - shots * p) ** 2 / (shots * p) for w, p in wanted.items())
    freedom = len(wanted) - 1
    assert square < freedom + 5 * np.sqrt(2 * freedom) + 8  # 42 + 8 for 16 words


@pytest.mark.parametrize("spec", [CALIBRATION, SCALED, UNIFORM, PAPER], ids=str)
@pytest.mark.parametrize("scheme", ["line", "bare"])
def test_the_outcomes_have_the_exact_distribution(scheme: str, spec: NoiseSpec) -> None:
    compare(scheme, "fake_boston", spec, FEW)


def test_the_papers_gates_have_the_exact_distribution() -> None:
    compare("line", "heavy_hex_3_cx", PAPER, FEW)


@pytest.mark.slow
@pytest.mark.parametrize("spec", [CALIBRATION, UNIFORM, PAPER], ids=str)
@pytest.mark.parametrize("name", ["fake_boston", "fake_sherbrooke", "fake_kolkata"])
def test_many_outcomes_have_the_exact_distribution(name: str, spec: NoiseSpec) -> None:
    compare("line", name, spec, MANY)


def test_a_waiting_qubit_moves_the_exact_distribution_of_the_papers_noise() -> None:
    """Without its errors the comparison would fail, on the slow test's shots."""
    compiled = small(make_line(), "fake_boston", PAPER)
    whole, quiet = exact(compiled, PAPER), exact(compiled, UNIFORM)
    assert sum(MANY * (quiet[w] - p) ** 2 / p for w, p in whole.items()) > 60


def test_each_part_of_the_noise_moves_the_exact_distribution() -> None:
    """Without it the comparison would fail, on the slow test's shots."""
    compiled = small(make_line(), "fake_boston", CALIBRATION)
    device, whole = compiled.device, exact(compiled, CALIBRATION)
    first, data, ancilla = compiled.layout
    plus, old, middle = (device.qubits[q] for q in compiled.layout)
    for q, changed in (
        (data, replace(old, t1_seconds=1.0)),
        (first, replace(plus, t2_seconds=3e-7)),
        (data, replace(old, prob_1_given_0=0.2)),
        (data, replace(old, prob_0_given_1=0.3)),
        (ancilla, replace(middle, prob_1_given_0=0.0)),  # also its reset
        (data, replace(old, one_qubit=replace(old.one_qubit, error=0.3))),
    ):
        qubits = tuple(changed if i == q else c for i, c in enumerate(device.qubits))
        other = exact(replace(compiled, device=replace(device, qubits=qubits)), CALIBRATION)
        moved = sum(MANY * (other[w] - p) ** 2 / p for w, p in whole.items())
        assert moved > 60, changed
