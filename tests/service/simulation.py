"""Simulation: one circuit on Aer, on the qubits it uses, with a seed that can be recomputed."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

    from .snapshots import Device

NoiseKind = Literal["none", "device", "twirled"]
"""No noise; Aer's model of the calibration, slow from ten qubits on; the same as Pauli errors."""

REWRITTEN = {"measure_2": "measure", "reset_2": "reset"}
"""Instructions that Aer does not know, and what it runs instead."""


_DELAY_UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
"""Seconds of each unit of a delay besides dt, the device's own."""

_AT_ZERO = {"date": "2026-01-01T00:00:00+00:00", "name": "frequency", "unit": "GHz", "value": 5.0}
"""New snapshots tell no frequency; Aer wants one, though at zero temperature it changes nothing."""


def circuit_fingerprint(circuit: QuantumCircuit) -> str:
    """Return a hash of what a circuit does: instructions, parameters, bits and registers.

    It is the same before and after a journey through QPY, and does not see names or metadata.
    """
    digest = hashlib.sha256()
    for line in _lines(circuit):
        digest.update(line.encode())
    return digest.hexdigest()


def _lines(circuit: QuantumCircuit) -> Iterable[str]:
    bits = {bit: i for i, bit in enumerate([*circuit.qubits, *circuit.clbits])}
    yield f"{circuit.num_qubits} {circuit.num_clbits}\n"
    for register in circuit.cregs:
        yield f"{register.name} {[bits[bit] for bit in register]}\n"
    for item in circuit.data:
        operation = item.operation
        where = [bits[bit] for bit in (*item.qubits, *item.clbits)]
        blocks = getattr(operation, "blocks", ())
        numbers = [] if blocks else [_number(value) for value in operation.params]
        yield f"{operation.name} {where} {numbers} {getattr(operation, 'unit', '')}\n"
        for block in blocks:
            yield from _lines(block)


def _number(value: Any) -> str:
    try:
        return float(value).hex()
    except TypeError:
        return str(value)


def pub_seed(service_seed: int, fingerprint: str, shots: int, index: int, repeat: int = 0) -> int:
    """Return Aer's seed, from 1 to 2^31 - 1, of the circuit at place `index` of a job.

    Args:
        service_seed: of the service.
        fingerprint: `circuit_fingerprint` of the circuit with its parameters bound.
        shots: of the circuit.
        index: its place in the job, from 0.
        repeat: how often the service has run the same at the same place before.
    """
    text = f"{service_seed} {fingerprint} {shots} {index} {repeat}"
    return 1 + int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) % (2**31 - 1)


def used_qubits(circuit: QuantumCircuit) -> tuple[int, ...]:
    """Return the qubits on which something other than a barrier or a delay acts, in order."""
    return tuple(
        sorted(
            {
                circuit.find_bit(qubit).index
                for item in circuit.data
                if item.operation.name not in {"barrier", "delay"}
                for qubit in item.qubits
            }
        )
    )


def circuit_seconds(circuit: QuantumCircuit, device: Device) -> float:
    """Return how long one shot takes when every instruction starts as soon as its bits are free."""
    clock: dict[Any, float] = {}
    for item in circuit.data:
        bits = (*item.qubits, *item.clbits)
        end = max((clock.get(bit, 0.0) for bit in bits), default=0.0)
        clock |= dict.fromkeys(bits, end + _seconds(circuit, item, device))
    return float(max(clock.values(), default=0.0))


def _seconds(circuit: QuantumCircuit, item: Any, device: Device) -> float:
    operation = item.operation
    if blocks := getattr(operation, "blocks", ()):
        return max((circuit_seconds(block, device) for block in blocks), default=0.0)
    if operation.name == "delay":
        unit = _DELAY_UNITS.get(operation.unit, device.dt_seconds)
        return float(operation.params[0]) * unit
    where = tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
    return device.seconds(operation.name, where)


def restrict(circuit: QuantumCircuit, qubits: tuple[int, ...], *, delays: bool) -> QuantumCircuit:
    """Return the circuit on these qubits only, in their order, with what Aer can run.

    `measure_2` and `reset_2` become `measure` and `reset`; the classical bits stay as they are.

    Args:
        circuit: on all qubits of a device.
        qubits: those to keep.
        delays: whether delays stay; without noise they do nothing.
    """
    from qiskit import QuantumCircuit as Circuit

    small = Circuit(len(qubits))
    small.add_bits(circuit.clbits)
    for register in circuit.cregs:
        small.add_register(register)
    for variable in circuit.iter_declared_vars():
        small.add_uninitialized_var(variable)
    place = {circuit.qubits[qubit]: small.qubits[i] for i, qubit in enumerate(qubits)}
    for item in circuit.data:
        kept = [place[qubit] for qubit in item.qubits if qubit in place]
        if item.operation.name == "barrier":
            small.barrier(kept)
        elif kept and (delays or item.operation.name != "delay"):
            small.append(_known(item.operation), kept, item.clbits)
    return small


def _known(operation: Any) -> Any:
    from qiskit.circuit import Measure, Reset

    if blocks := getattr(operation, "blocks", ()):
        return operation.replace_blocks([_known_block(block) for block in blocks])
    return (
        {"measure": Measure, "reset": Reset}[REWRITTEN[operation.name]]()
        if (operation.name in REWRITTEN)
        else operation
    )


def _known_block(block: QuantumCircuit) -> QuantumCircuit:
    known = block.copy_empty_like()
    for item in block.data:
        known.append(_known(item.operation), item.qubits, item.clbits)
    return known


def noise_model(device: Device, qubits: tuple[int, ...], *, twirled: bool = False) -> Any:
    """Return Aer's model of the device's calibration on these qubits, numbered from 0.

    Depolarising and relaxation errors of gates, relaxation during delays and resets, readout errors
    (those of `measure`, also where the circuit says `measure_2`).

    Args:
        device: tells its calibration as it is now.
        qubits: of the device.
        twirled: errors of gates are depolarising only, with the same average fidelity, and
            relaxation during delays is averaged over Pauli frames; resets have no error.
    """
    key = (qubits, twirled)
    if key not in device.noise_models:
        device.noise_models[key] = _make_noise_model(device, qubits, twirled)
    return device.noise_models[key]


def _make_noise_model(device: Device, qubits: tuple[int, ...], twirled: bool) -> Any:
    from qiskit_aer.noise import NoiseModel
    from qiskit_ibm_runtime.utils.backend_decoder import properties_from_server_data

    place = {qubit: i for i, qubit in enumerate(qubits)}
    served = device.properties
    raw = {
        **served,
        "qubits": [[dict(value) for value in (*served["qubits"][q], _AT_ZERO)] for q in qubits],
        "gates": [
            {
                **gate,
                "qubits": [place[qubit] for qubit in gate["qubits"]],
                "name": gate["gate"] + "_".join(str(place[qubit]) for qubit in gate["qubits"]),
                "parameters": [dict(value) for value in gate["parameters"]],
            }
            for gate in served["gates"]
            if set(gate["qubits"]) <= set(qubits) and gate["gate"] not in {"measure", *REWRITTEN}
        ],
        "general": [],
        "general_qlists": [],
    }
    properties = properties_from_server_data(raw, use_fractional_gates=None)
    if not twirled:
        return NoiseModel.from_backend_properties(properties, dt=device.dt_seconds)
    model = NoiseModel.from_backend_properties(properties, thermal_relaxation=False)
    # Aer has no public way to add a pass to a model; `from_backend_properties` does the same.
    model._custom_noise_passes.append(_twirled_relaxation(properties, device.dt_seconds))
    return model


def _twirled_relaxation(properties: Any, dt: float) -> Any:
    from qiskit.circuit import Delay
    from qiskit_aer.noise import LocalNoisePass, pauli_error

    def relax(delay: Any, qubits: Sequence[int]) -> Any:
        seconds = float(delay.params[0]) * _DELAY_UNITS.get(delay.unit, dt)
        [qubit] = qubits
        t1 = properties.t1(qubit)
        t2 = min(properties.t2(qubit), 2 * t1)
        flip = -math.expm1(-seconds / t1) / 4
        phase = max(0.0, -math.expm1(-seconds / t2) / 2 - flip)
        return pauli_error([("X", flip), ("Y", flip), ("Z", phase), ("I", 1 - 2 * flip - phase)])

    return LocalNoisePass(relax, op_types=Delay)


def run_pub(
    circuit: QuantumCircuit,
    shots: int,
    seed: int,
    noise: NoiseKind = "none",
    backend: Device | None = None,
) -> dict[str, NDArray[np.bool_]]:
    """Return the shots of one circuit: for each register an array (shots, bits), bit 0 first.

    Args:
        circuit: without free parameters.
        shots: number of shots.
        seed: of Aer.
        noise: of the simulation.
        backend: the device, needed for its noise only.

    Raises:
        ValueError: noise without a device.
        RuntimeError: Aer cannot run it.
    """
    from qiskit_aer import AerSimulator

    if noise != "none" and backend is None:
        raise ValueError(f"noise: {noise!r} needs a backend; pass one of service.devices")
    qubits = used_qubits(circuit) or (0,)
    small = restrict(circuit, qubits, delays=noise != "none")
    twirled = noise == "twirled"
    model = noise_model(backend, qubits, twirled=twirled) if backend and noise != "none" else None
    # Shots with the same outcomes so far share their state: a hundred times faster with readout in
    # mid-circuit. With noise it gains little, so Aer's plain way stays.
    branching = noise == "none"
    simulator = AerSimulator(
        noise_model=model, max_parallel_threads=1, shot_branching_enable=branching
    )
    result = simulator.run(small, shots=shots, memory=True, seed_simulator=seed).result()
    if not result.success:
        raise RuntimeError(f"{result.status} {result.results[0].status if result.results else ''}")
    memory = getattr(result.results[0].data, "memory", ["0x0"] * shots)
    bits = _bits(memory, circuit.num_clbits)
    columns = {bit: i for i, bit in enumerate(circuit.clbits)}
    return {
        register.name: bits[:, [columns[bit] for bit in register]] for register in circuit.cregs
    }


def _bits(memory: list[str], width: int) -> NDArray[np.bool_]:
    size = max(1, -(-width // 8))
    raw = b"".join(int(text, 16).to_bytes(size, "little") for text in memory)
    table = np.frombuffer(raw, dtype=np.uint8).reshape(len(memory), size)
    return np.unpackbits(table, axis=1, bitorder="little")[:, :width].astype(np.bool_)
