"""The d = 3 schemes under the paper's noise, in which a qubit that waits errs like a gate.

    python benchmarks/paper_noise.py [--shots N] [--one-qubit-steps]

Every gate takes one time step and runs as early as its qubits allow; in every step in which a
qubit waits between its first and its last operation it can err, data until the last check. One-
qubit gates take no step of their own unless asked to. Columns: two-qubit gates and time steps of
encoder, H_m and ED; fault locations; N of the acceptance exp(-N p), exact from every single fault
(p per location, 2p/3 for preparation, reset and readout of ancillas; the data's readout is left
out); and, from sampled pairs of faults, the infidelity in p^2 if the final syndromes are ideally
detected, and if they are ideally corrected (p for every location).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from math import comb

from hexmagic.backends.clifft.fault_sets import sample_fault_sets
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.instructions import Instruction, read_instructions
from hexmagic.experiments.program import Program
from hexmagic.experiments.synthesis.variants import variant_programs

NO_TIME = ("barrier", "rz")
RATES = {"prepare": 2 / 3, "reset": 2 / 3, "readout": 2 / 3}


def before_readout(program: Program) -> tuple[Instruction, ...]:
    """Return a program's instructions without the readout's gates."""
    last = next(gadget.label for gadget in program.gadgets if gadget.stage == "readout")
    return tuple(
        i
        for i in read_instructions(program.circuit)
        if i.gadget != last or i.name in ("barrier", "measure")
    )


def with_waiting(
    instructions: Sequence[Instruction], data: Sequence[int], *, one_qubit_steps: bool
) -> tuple[tuple[Instruction, ...], int]:
    """Return the circuit with a delay for every step in which a qubit waits, and its steps.

    The data's own measurements take no part: the data wait until the last ancilla is done.
    """
    used: set[int] = set()
    free: dict[int, int] = {}
    timed: list[Instruction] = []
    readout: list[Instruction] = []

    def wait(qubit: int, until: int, gadget: str) -> None:
        delay = Instruction(name="delay", params=(1.0,), qubits=(qubit,), bits=(), gadget=gadget)
        timed.extend([delay] * (until - free.get(qubit, 0) if qubit in used else 0))

    gadget = ""
    for instruction in instructions:
        if instruction.name == "measure" and instruction.qubits[0] in data:
            readout.append(instruction)
            continue
        if instruction.name in NO_TIME:
            timed.append(instruction)
            continue
        gadget = instruction.gadget
        start = max(free.get(q, 0) for q in instruction.qubits)
        takes = len(instruction.qubits) == 2 or one_qubit_steps or instruction.name == "measure"
        for q in instruction.qubits:
            wait(q, start, instruction.gadget)
            free[q] = start + takes
        used.update(instruction.qubits)
        timed.append(instruction)
    steps = max(free.values())
    for q in data:
        wait(q, steps, gadget)
    return (*timed, *readout), steps


def lost(program: Program, instructions: Sequence[Instruction]) -> tuple[int, float]:
    """Return the fault locations in front of the readout and N of the acceptance exp(-N p)."""
    certificate = certify(program, instructions)
    places: dict[tuple[int, tuple[int, ...]], list[float]] = {}
    last = next(gadget.label for gadget in program.gadgets if gadget.stage == "readout")
    for fault, accepted in zip(certificate.faults, certificate.accepted, strict=True):
        if fault.gadget != last:
            rate = RATES.get(fault.kind, 1.0)
            places.setdefault((fault.at, fault.qubits), []).append(rate * (1 - accepted))
    return len(places), sum(sum(rejected) / len(rejected) for rejected in places.values())


def row(name: str, program: Program, *, shots: int, one_qubit_steps: bool) -> str:
    """Return one line of the table."""
    data = program.patch.data
    instructions, steps = with_waiting(
        before_readout(program), data, one_qubit_steps=one_qubit_steps
    )
    locations, n = lost(program, instructions)
    pairs = sample_fault_sets(program, instructions, weight=2, shots=shots, seed=1)
    scale = comb(pairs.locations, 2) / pairs.shots
    gates = sum(gadget.two_qubit_gates for gadget in program.gadgets)
    return (
        f"{name:24} {gates:5} {steps:5} {locations:9} {n:7.1f} "
        f"{scale * pairs.undetected_sum:9.0f} {scale * pairs.miscorrected_sum:9.0f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shots", type=int, default=1 << 20)
    parser.add_argument("--one-qubit-steps", action="store_true")
    options = parser.parse_args()
    print(
        f"{'scheme':24} {'gates':>5} {'steps':>5} {'locations':>9} {'N':>7} {'p^2 det':>9} p^2 corr"
    )
    for name, program in variant_programs():
        shots, steps = options.shots, options.one_qubit_steps
        print(row(name, program, shots=shots, one_qubit_steps=steps), flush=True)


if __name__ == "__main__":
    main()
