"""The composed program: a circuit on the patch's qubits and the map of what it records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

from .abstract import make_abstract_blocks, make_abstract_patch
from .block import Block, Gate
from .detection import make_detection
from .encode import make_encode
from .errors import UsageError
from .hadamard import make_hadamard, make_hadamard_readout
from .measures import Measure
from .patch import Patch, make_bare_patch, make_fold14_patch, make_fold_patch
from .readout import make_readout
from .record import Bit, BitKey, FaceParity, Logical, RecordMap, Stage
from .reuse import Place, Reuse, reads_counted_out, with_deferred_flags
from .schemes import ONE_DISTANCE, SCHEMES, WITHOUT_H, WITHOUT_ROUNDS
from .tree import make_tree_patch

if TYPE_CHECKING:
    from qiskit import QuantumCircuit


@dataclass(frozen=True, slots=True, kw_only=True)
class Gadget:
    """What a block of the program must still hold after compilation.

    Attributes:
        data: patch qubit of each data qubit of the code when it begins, in a program whose data
            move; None: they are on `patch.data`.
    """

    label: str
    stage: Stage
    round: int
    two_qubit_gates: int
    measurements: int
    resets: int
    data: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A circuit and what it records.

    Attributes:
        scheme: name of the scheme.
        patch: the qubits and the pairs that may interact.
        circuit: on the patch's qubits; the barrier in front of each block carries its label.
        record: what every classical bit is.
        gadgets: the blocks' counts, in order.
        reuse: what happens to an ancilla between two of its measurements.
    """

    scheme: str
    patch: Patch
    circuit: QuantumCircuit
    record: RecordMap
    gadgets: tuple[Gadget, ...]
    reuse: Reuse = "reset"


def make_program(
    *,
    scheme: str,
    distance: int | None,
    rounds: int | None,
    basis: Measure,
    reuse: Reuse = "reset",
) -> Program:
    """Return the program of a scheme, with one of the measurements at its end.

    Args:
        scheme: fold (any odd distance), fold13, fold14, tree16 (distance 3), fold40 (distance 5),
            routed (distance 3, on no device yet: see backends/routing.py), encoded or bare.
        distance: code distance; None for bare.
        rounds: how often H_m and ED follow each other; None for encoded and bare.
        basis: what is measured of the prepared state (see measures.py).
        reuse: what happens to an ancilla between two of its measurements.

    Raises:
        UsageError: an unknown scheme or a combination that does not exist.
    """
    patch = make_patch(scheme, distance)
    repeats = _num_rounds(scheme, rounds)
    _check_measure(scheme, basis)
    if scheme == "routed":
        blocks = [*make_abstract_blocks(patch, repeats)]
    else:
        blocks = [make_encode(patch)]
        for round_ in range(1, repeats + 1):
            blocks.append(make_hadamard(patch, scheme, round_))
            blocks += make_detection(patch, scheme, round_)
    if basis == "H":
        blocks.append(make_hadamard_readout(patch, scheme))
    elif basis != "H_ideal":
        blocks.append(make_readout(patch, basis))
    return assemble(scheme, patch, blocks, basis, reuse)


def make_patch(scheme: str, distance: int | None) -> Patch:
    """Return the patch of a scheme.

    Raises:
        UsageError: an unknown scheme, or a distance that it does not have.
    """
    if scheme not in SCHEMES:
        raise UsageError(f"scheme {scheme!r}: the schemes are {', '.join(SCHEMES)}")
    if scheme == "bare":
        return make_bare_patch()
    if distance is None:
        raise UsageError(f"scheme {scheme}: needs a distance")
    if distance != (only := ONE_DISTANCE.get(scheme, distance)):
        raise UsageError(
            f"scheme {scheme}: exists at distance {only} only, not {distance}; use fold"
        )
    if scheme == "tree16":
        return make_tree_patch()
    if scheme == "routed":
        return make_abstract_patch()
    return make_fold14_patch() if scheme == "fold14" else make_fold_patch(distance)


def _num_rounds(scheme: str, rounds: int | None) -> int:
    if scheme in WITHOUT_ROUNDS:
        if rounds is not None:
            raise UsageError(f"scheme {scheme}: has no rounds (rounds: {rounds})")
        return 0
    if rounds is None or rounds < 1:
        raise UsageError(f"scheme {scheme}: needs at least one round, not {rounds}")
    return rounds


def _check_measure(scheme: str, basis: Measure) -> None:
    if basis not in ("H", "H_ideal") or scheme not in WITHOUT_H:
        return
    why = (
        "one physical qubit has no code to judge and no flagged H_m"
        if scheme == "bare"
        else "a transpiler moves its data, so it is read out in Pauli bases only"
    )
    raise UsageError(f"scheme {scheme}: cannot measure {basis}: {why}; use X, Y or Z")


def assemble(
    scheme: str, patch: Patch, blocks: Sequence[Block], basis: Measure, reuse: Reuse = "reset"
) -> Program:
    """Return blocks as one program.

    A block's barrier spans the block's qubits only, so ancillas that nothing uses again are read
    together with the data. A read ancilla that a later block uses is reset, or as `reuse` says.
    """
    if reuse == "deferred":
        blocks = with_deferred_flags(blocks)
    recorded = _name_bits(blocks, patch, reuse)
    bits = tuple(bit for block in recorded for bit in block)
    record = RecordMap(
        bits=bits, faces=_face_parities(patch, bits, basis), logical=_logical(patch, bits, basis)
    )
    from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister

    registers = {name: ClassicalRegister(size, name) for name, size in record.registers().items()}
    qubits = QuantumRegister(patch.num_qubits, "q")
    circuit = QuantumCircuit(qubits, *registers.values(), name=f"{scheme}-{reuse}-{basis}")
    gadgets = []
    for i, block in enumerate(blocks):
        later = {qubit for other in blocks[i + 1 :] for qubit in other.qubits}
        renewed = (r.qubit for r in block.reads if reuse == "reset" or r.always_reset)
        reset = [qubit for qubit in renewed if qubit in later]
        circuit.barrier(block.qubits, label=block.label)
        for gate in block.gates:
            _append(circuit, gate)
        for bit in recorded[i]:
            circuit.measure(bit.qubit, registers[bit.register][bit.index])
        for qubit in reset:
            circuit.reset(qubit)
        gadgets.append(_gadget(block, len(reset)))
    return Program(
        scheme=scheme,
        patch=patch,
        circuit=circuit,
        record=record,
        gadgets=tuple(gadgets),
        reuse=reuse,
    )


def _name_bits(blocks: Sequence[Block], patch: Patch, reuse: Reuse) -> list[tuple[Bit, ...]]:
    """Return each block's bits, named by a register per stage and round; `data` for the data."""
    sizes: dict[str, int] = {}
    counted_out = reads_counted_out(blocks, patch.data, reuse)
    keys: dict[Place, BitKey] = {}
    named: list[tuple[Bit, ...]] = []
    for i, block in enumerate(blocks):
        register = _register(block)
        first = sizes.get(register, 0)
        sizes[register] = first + len(block.reads)
        keys |= {(i, j): (register, first + j) for j in range(len(block.reads))}
        named.append(
            tuple(
                Bit(
                    register=register,
                    index=first + j,
                    role=read.role,
                    stage=block.stage,
                    round=block.round,
                    face=read.face,
                    qubit=read.qubit,
                    basis=read.basis,
                    expected=read.expected,
                    xor=tuple(keys[place] for place in counted_out[i, j]),
                )
                for j, read in enumerate(block.reads)
            )
        )
    return named


def _register(block: Block) -> str:
    if block.stage != "readout":
        return f"{block.stage}{block.round}"
    return "data" if any(read.role == "data" for read in block.reads) else "readout"


def _face_parities(patch: Patch, bits: Sequence[Bit], basis: Measure) -> tuple[FaceParity, ...]:
    if patch.code is None or basis == "H" or basis == "H_ideal":
        return ()
    keys = {bit.qubit: bit.key for bit in bits if bit.role == "data"}
    return tuple(
        FaceParity(
            basis=basis,
            bits=tuple(keys[patch.data[q]] for q in members),
            expected=0 if patch.code.face_sign(face, basis) == 1 else 1,
        )
        for face, members in enumerate(patch.code.faces)
    )


def _logical(patch: Patch, bits: Sequence[Bit], basis: Measure) -> Logical:
    if basis == "H" or basis == "H_ideal":
        outcome = [b.key for b in bits if b.stage == "readout" and b.role == "hadamard"]
        return Logical(basis=basis, sign=1, bits=tuple(outcome))
    sign = 1 if patch.code is None else patch.code.logical_sign(basis)
    return Logical(
        basis=basis, sign=sign, bits=tuple(bit.key for bit in bits if bit.role == "data")
    )


def _gadget(block: Block, resets: int) -> Gadget:
    return Gadget(
        label=block.label,
        stage=block.stage,
        round=block.round,
        two_qubit_gates=block.two_qubit_gates,
        measurements=len(block.reads),
        resets=resets,
    )


def _append(circuit: QuantumCircuit, gate: Gate) -> None:
    name, *qubits = gate
    if name in ("a", "adg"):
        circuit.ry(pi / 4 if name == "a" else -pi / 4, qubits[0])
    else:
        getattr(circuit, name)(*qubits)
