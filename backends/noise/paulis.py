"""Noise of Chamberland and Noh (arXiv:2003.03049): Paulis with one probability p.

After a one-qubit gate X, Y or Z with p/3 each, after a two-qubit gate one of 15 Paulis with p/15
each; preparation, reset and readout are flipped with 2p/3. rz is a frame change and has no error.
`paper_noise` adds X, Y or Z with p/3 each for every time step in which a qubit waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from ...experiments.certificates.faults import PREPARATION
from ...experiments.errors import UsageError
from ...experiments.instructions import VIRTUAL_NAMES, Instruction
from ..compilation import Compiled
from .channels import CircuitNoise, PauliChannel


def uniform_noise(compiled: Compiled, p: float) -> CircuitNoise:
    """Return the noise without that of waiting qubits."""
    return _pauli_noise(compiled, p, waiting=False)


def paper_noise(compiled: Compiled, p: float) -> CircuitNoise:
    """Return the whole noise of the paper, of a circuit compiled for a device in time steps.

    A delay of n dt is n steps of waiting and has n channels. A qubit's wait in |0> in front of its
    first gate is not written in a compiled circuit and has no noise: a qubit is prepared in the
    step before it is needed.

    Raises:
        UsageError: the circuit was compiled for other durations, so its delays count no steps.
    """
    device = compiled.device
    if not device.is_in_time_steps:
        raise UsageError(
            f"paper noise counts time steps, and the circuit was compiled for the durations of "
            f"{device.name}; compile it for Device.in_time_steps()"
        )
    return _pauli_noise(compiled, p, waiting=True)


def flip_probability(p: float) -> float:
    """Return with which probability a preparation, reset or readout is flipped."""
    return 2 * p / 3


def paulis(count: int) -> list[str]:
    """Return all Paulis of some qubits but the identity, as letters."""
    return ["".join(letters) for letters in product("IXYZ", repeat=count)][1:]


def _pauli_noise(compiled: Compiled, p: float, *, waiting: bool) -> CircuitNoise:
    flip = flip_probability(p)
    prepared = (
        PauliChannel(at=PREPARATION, qubits=(q,), probabilities={"X": flip})
        for q in range(compiled.program.patch.num_qubits)
    )
    later = (
        channel
        for at, instruction in enumerate(compiled.instructions)
        for channel in _channels(at, instruction, p, waiting=waiting)
    )
    readout = {bit.key: (flip, flip) for bit in compiled.program.record.bits}
    return CircuitNoise(channels=(*prepared, *later), readout=readout)


def _channels(
    at: int, instruction: Instruction, p: float, *, waiting: bool
) -> Iterator[PauliChannel]:
    name, qubits = instruction.name, instruction.qubits
    if name in VIRTUAL_NAMES or name == "measure":
        return
    if name == "reset":
        yield PauliChannel(at=at, qubits=qubits, probabilities={"X": flip_probability(p)})
        return
    letters = paulis(len(qubits))
    channel = PauliChannel(
        at=at, qubits=qubits, probabilities=dict.fromkeys(letters, p / len(letters))
    )
    if name != "delay":
        yield channel
    elif waiting:
        yield from [channel] * round(instruction.params[0])
