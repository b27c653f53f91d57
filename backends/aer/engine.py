"""The Aer adapter: a compiled circuit with its full noise, as exact state-vector trajectories.

Which channels strike in a shot is drawn first (`mixture`), shots with the same strikes share one
circuit, and Aer runs the circuits. Readout errors flip the sampled bits afterwards, which is exact
because nothing in a circuit depends on a recorded bit. The result has the distribution of the full
noise model; only the order of drawing random numbers is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Measure, Reset
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Kraus
from qiskit_aer import AerSimulator

from ...experiments.certificates.steps import Matrix, Step, make_steps
from ...experiments.errors import RefusedError
from ...experiments.shots import Shots, pack_shots
from ...experiments.spec import NoiseSpec
from ..compilation import Compiled
from ..noise.channels import Channel, CircuitNoise
from ..noise.mixture import Alternative, Strikes, alternatives, sample_strikes
from ..noise.models import make_noise
from .settled import checked, settle

MAX_QUBITS = 20
"""Largest circuit that is simulated; at 20 qubits a shot with a fault takes about a second."""

_WORTH_SETTLING = 3
"""Shots of one circuit from which finding out what is certain costs less than it saves."""

_MAX_SEED = 2**31
"""Aer takes its seed modulo 2^32 and adds to it from circuit to circuit."""


@dataclass(frozen=True, kw_only=True)
class _Simulation:
    """A compiled circuit made ready: its steps as Aer instructions and its noise as mixtures."""

    template: QuantumCircuit
    steps: tuple[Step, ...]
    clean: tuple[tuple[CircuitInstruction, ...], ...]
    channels: tuple[Channel, ...]
    choices: tuple[tuple[Alternative, ...], ...]
    step_of: Mapping[tuple[int, int], int]


def sample(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:
    """Return shots of a compiled circuit; the same arguments give the same shots.

    Args:
        compiled: the circuit, with its device's calibration.
        noise: none, uniform, calibration, or paper for a circuit in time steps.
        shots: how many.
        seed: any non-negative integer, 0 included; derive it by hashing, never by adding.

    Raises:
        RefusedError: more qubits than MAX_QUBITS.
        UsageError: noise that the device has no data for.
    """
    _check_size(compiled)
    circuit_noise = make_noise(compiled, noise)
    simulation = _prepare(compiled, circuit_noise)
    strikes_seed, engine_seed, readout_seed = np.random.SeedSequence(seed).spawn(3)
    groups = sample_strikes(simulation.choices, shots, np.random.default_rng(strikes_seed))
    bits = _simulate(simulation, compiled, groups, shots, np.random.default_rng(engine_seed))
    bits ^= _readout_flips(compiled, circuit_noise, bits, np.random.default_rng(readout_seed))
    return pack_shots(bits, compiled.program.record)


def _check_size(compiled: Compiled) -> None:
    """Refuse a circuit that a state vector cannot hold.

    Raises:
        RefusedError: more qubits than MAX_QUBITS.
    """
    needed = compiled.program.patch.num_qubits
    if needed > MAX_QUBITS:
        raise RefusedError(
            f"backend aer: the circuit has {needed} qubits, the state vector takes up to "
            f"{MAX_QUBITS}; use backend clifft"
        )


def shots_per_shard(_compiled: Compiled, _counted: bool) -> int:
    """Return the shots of a shard; a few seconds' worth at d = 3."""
    return 500


def approximations(
    compiled: Compiled, _noise: NoiseSpec, *, stratified: bool = False
) -> tuple[str, ...]:
    """Return what the engine changes in the submitted circuit, for the run's record.

    Raises:
        RefusedError: stratified, which needs shots with a given number of faults.
    """
    if stratified:
        raise RefusedError("backend aer: cannot take shots with a given number of faults")
    found = [
        "only the patch's qubits are simulated",
        "one-qubit gates are multiplied into the next two-qubit gate (same unitary)",
        "T1/T2 relaxation is drawn as a mixture of identity and the rest (same channel)",
        "readout errors flip the sampled bits (exact: nothing feeds forward)",
    ]
    if any(instruction.name == "reset" for instruction in compiled.instructions):
        found.append("a reset is ideal and followed by a flip with P(1|0)")
    return tuple(found)


def _prepare(compiled: Compiled, noise: CircuitNoise) -> _Simulation:
    steps = make_steps(compiled.instructions, compiled.program.patch.num_qubits)
    template = compiled.local.copy_empty_like()
    clean = tuple(tuple(_emit(template, compiled, step, {})) for step in steps)
    step_of = {
        (part.at, qubit): i
        for i, step in enumerate(steps)
        for part in step.parts
        for qubit in part.qubits
    }
    return _Simulation(
        template=template,
        steps=steps,
        clean=clean,
        channels=noise.channels,
        choices=tuple(alternatives(channel) for channel in noise.channels),
        step_of=step_of,
    )


Inserted = Mapping[int, Sequence[tuple[tuple[int, ...], tuple[Matrix, ...]]]]
"""Index of a part in a step -> (qubits, Kraus matrices) to put in after it, in order."""


def _emit(
    template: QuantumCircuit, compiled: Compiled, step: Step, inserted: Inserted
) -> Iterator[CircuitInstruction]:
    """Yield a step's instructions, with what strikes after some of its parts."""
    where = [template.qubits[q] for q in step.qubits]
    pending: Matrix | None = None
    if step.kind == "measure":
        ((register, index),) = compiled.instructions[step.parts[0].at].bits
        bit = next(r for r in template.cregs if r.name == register)[index]
        yield CircuitInstruction(Measure(), where, [bit])
    elif step.kind == "reset":
        yield CircuitInstruction(Reset(), where)
    for i, part in enumerate(step.parts):
        if step.kind == "unitary":
            pending = part.matrix if pending is None else part.matrix @ pending
        for qubits, kraus in inserted.get(i, ()):
            if len(kraus) == 1:
                matrix = step.embed(kraus[0], qubits)
                pending = matrix if pending is None else matrix @ pending
                continue
            if pending is not None:
                yield CircuitInstruction(UnitaryGate(pending, check_input=False), where)
                pending = None
            channel = Kraus(list(kraus)).to_instruction()
            yield CircuitInstruction(channel, [template.qubits[q] for q in qubits])
    if pending is not None:
        yield CircuitInstruction(UnitaryGate(pending, check_input=False), where)


def _struck_circuit(
    simulation: _Simulation, compiled: Compiled, strikes: Strikes
) -> QuantumCircuit:
    """Return the circuit of shots with given strikes."""
    inserted: dict[int, dict[int, list[tuple[tuple[int, ...], tuple[Matrix, ...]]]]] = {}
    for index, which in strikes:
        channel = simulation.channels[index]
        number = simulation.step_of[channel.at, channel.qubits[0]]
        place = next(
            i
            for i, part in enumerate(simulation.steps[number].parts)
            if part.at == channel.at and channel.qubits[0] in part.qubits
        )
        kraus = simulation.choices[index][which].kraus
        inserted.setdefault(number, {}).setdefault(place, []).append((channel.qubits, kraus))
    circuit = simulation.template.copy_empty_like()
    for number, step in enumerate(simulation.steps):
        if number in inserted:
            emitted = tuple(_emit(circuit, compiled, step, inserted[number]))
        else:
            emitted = simulation.clean[number]
        for instruction in emitted:
            circuit.append(instruction)
    return circuit


def _simulate(
    simulation: _Simulation,
    compiled: Compiled,
    groups: Mapping[Strikes, NDArray[np.int64]],
    shots: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Return the true outcomes, bool, shape (shots, bits), columns as in the record map."""
    bits = np.zeros((shots, len(compiled.program.record.bits)), dtype=np.bool_)
    by_size: dict[int, list[Strikes]] = {}
    for strikes, members in groups.items():
        by_size.setdefault(len(members), []).append(strikes)
    for size, patterns in sorted(by_size.items()):
        circuits = [_struck_circuit(simulation, compiled, strikes) for strikes in patterns]
        settled = [
            settle(circuit, _simulator()) if size >= _WORTH_SETTLING else None
            for circuit in circuits
        ]
        circuits = [s.circuit if s else c for c, s in zip(circuits, settled, strict=True)]
        seed = int(rng.integers(_MAX_SEED))
        job = _simulator().run(circuits, shots=size, memory=True, seed_simulator=seed)
        result = checked(job.result())
        for i, (strikes, known) in enumerate(zip(patterns, settled, strict=True)):
            certain = known.outcomes if known else {}
            memory = result.data(i)["memory"]
            read = _read_memory(memory, simulation.template, compiled, certain)
            bits[groups[strikes]] = read
    return bits


@lru_cache(maxsize=1)
def _simulator() -> Any:
    return AerSimulator(method="statevector", max_parallel_threads=1, fusion_enable=False)


def _read_memory(
    memory: Sequence[str],
    template: QuantumCircuit,
    compiled: Compiled,
    certain: Mapping[int, bool],
) -> NDArray[np.bool_]:
    """Return Aer's hexadecimal words as bits; bit k of a word is classical bit k of the circuit.

    certain: the values of bits that were not measured.
    """
    width = template.num_clbits
    raw = np.frombuffer(
        b"".join(int(word, 16).to_bytes(-(-width // 8), "little") for word in memory),
        dtype=np.uint8,
    ).reshape(len(memory), -1)
    unpacked = np.unpackbits(raw, axis=1, count=width, bitorder="little").astype(np.bool_)
    for clbit, value in certain.items():
        unpacked[:, clbit] = value
    start, starts = 0, {}
    for register in template.cregs:
        starts[register.name] = start
        start += len(register)
    columns = [starts[bit.register] + bit.index for bit in compiled.program.record.bits]
    return unpacked[:, columns]


def _readout_flips(
    compiled: Compiled, noise: CircuitNoise, bits: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.bool_]:
    errors = np.array([noise.readout.get(b.key, (0.0, 0.0)) for b in compiled.program.record.bits])
    return rng.random(bits.shape) < np.where(bits, errors[:, 1], errors[:, 0])
