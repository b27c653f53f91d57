"""Planned circuits: what the plan, the tables and the report tell of a compiled circuit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..experiments.measures import Measure
from ..experiments.reuse import Reuse
from .shards import FIRST_SHARD_SHOTS, circuit_name

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from ..experiments.patch import Patch
    from ..experiments.record import RecordMap

STAGES = ("encode", "hadamard", "detection", "readout")
DATA, ANCILLA, ROOT = "data", "ancilla", "ancilla (H_m root)"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedGadget:
    """One block of a compiled circuit: when it starts, and how long until its last operation ends.

    Blocks overlap: an ancilla that nothing uses again is read at the very end, with the data.
    `reads` are the times, in seconds, in which some of its qubits are measured; none in the folder
    of a run that was made before they were written.
    """

    label: str
    stage: str
    round: int
    two_qubit_gates: int
    measurements: int
    resets: int
    start_seconds: float
    seconds: float
    reads: tuple[tuple[float, float], ...] = ()

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PlannedGadget:
        """Return the block that JSON tells of."""
        reads = tuple((start, end) for start, end in document.get("reads", ()))
        return cls(**(dict(document) | {"reads": reads}))


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCircuit:
    """A compiled circuit in numbers.

    Attributes:
        point: index of the plan's point; with `basis` the circuit's key.
        basis: what is measured.
        fingerprint: the compiled circuit's hash.
        layout: `layout[patch qubit]` is the physical qubit.
        roles: physical qubits of each role.
        depth: layers of two-qubit gates.
        measurement_layers: measurements that follow one another, the readout's included; None in
            the folder of a run that was made before they were counted.
        duration_seconds: of one shot, from the first gate to the end of the last measurement.
        predicted_acceptance: in [0, 1]; None but for a point's first basis.
        prediction_method: how it was predicted, in words.
        readout_error: (P(1|0), P(0|1)) of the single qubit of a `bare` circuit, else None.
        gadgets: its blocks, in order.
        rewrites: what the engine must change in it, in words.
        reuse: what happens to an ancilla between two of its measurements.
        shard_shots: shots in each of its shards but perhaps the last.
    """

    point: int
    basis: Measure
    fingerprint: str
    layout: tuple[int, ...]
    roles: Mapping[str, tuple[int, ...]]
    depth: int
    duration_seconds: float
    predicted_acceptance: float | None
    prediction_method: str | None
    readout_error: tuple[float, float] | None
    gadgets: tuple[PlannedGadget, ...]
    rewrites: tuple[str, ...]
    reuse: Reuse = "reset"
    measurement_layers: int | None = None
    shard_shots: int = FIRST_SHARD_SHOTS

    @property
    def key(self) -> tuple[int, Measure]:
        """(point, basis)."""
        return (self.point, self.basis)

    @property
    def name(self) -> str:
        """Stem of its files in the run folder."""
        return circuit_name(self.point, self.basis)

    @property
    def two_qubit_gates(self) -> int:
        """Number of two-qubit gates."""
        return sum(gadget.two_qubit_gates for gadget in self.gadgets)

    def stage_gates(self) -> dict[str, int]:
        """Return the number of two-qubit gates of each stage that there is."""
        return {
            stage: sum(g.two_qubit_gates for g in self.gadgets if g.stage == stage)
            for stage in STAGES
            if any(g.stage == stage for g in self.gadgets)
        }

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> PlannedCircuit:
        """Return the circuit that `to_json` wrote."""
        error = document["readout_error"]
        parts = {
            "layout": tuple(document["layout"]),
            "roles": {role: tuple(qubits) for role, qubits in document["roles"].items()},
            "readout_error": None if error is None else (error[0], error[1]),
            "gadgets": tuple(map(PlannedGadget.from_json, document["gadgets"])),
            "rewrites": tuple(document["rewrites"]),
        }
        return cls(**(dict(document) | parts))


def patch_roles(patch: Patch, record: RecordMap) -> dict[int, str]:
    """Return the role of each patch qubit: data, ancilla, or the ancilla that H_m is read from."""
    roots = {bit.qubit for bit in record.bits if bit.role == "hadamard"}
    ancillas = {qubit: ROOT if qubit in roots else ANCILLA for qubit in patch.ancillas}
    return dict.fromkeys(patch.data, DATA) | ancillas


def roles_on_device(compiled: Compiled) -> dict[str, tuple[int, ...]]:
    """Return the physical qubits of each role, in patch order."""
    program = compiled.program
    roles: dict[str, list[int]] = {}
    for qubit, role in patch_roles(program.patch, program.record).items():
        roles.setdefault(role, []).append(compiled.layout[qubit])
    return {role: tuple(qubits) for role, qubits in roles.items()}


def planned_gadgets(compiled: Compiled) -> tuple[PlannedGadget, ...]:
    """Return the blocks of a compiled circuit with their counts and durations."""
    windows, reads = gadget_windows(compiled), gadget_reads(compiled)
    gates = compiled.two_qubit_gates
    return tuple(
        PlannedGadget(
            label=gadget.label,
            stage=gadget.stage,
            round=gadget.round,
            two_qubit_gates=gates[gadget.label],
            measurements=gadget.measurements,
            resets=gadget.resets,
            start_seconds=start,
            seconds=end - start,
            reads=reads.get(gadget.label, ()),
        )
        for gadget in compiled.program.gadgets
        for start, end in [windows[gadget.label]]
    )


def gadget_reads(compiled: Compiled) -> dict[str, tuple[tuple[float, float], ...]]:
    """Return when qubits of each block are measured: (start, end) in seconds, each once."""
    reads: dict[str, set[tuple[float, float]]] = {}
    for instruction, first, last in compiled.windows:
        if instruction.name == "measure":
            reads.setdefault(instruction.gadget, set()).add((first, last))
    return {label: tuple(sorted(windows)) for label, windows in reads.items()}


def gadget_windows(compiled: Compiled) -> dict[str, tuple[float, float]]:
    """Return when each block's first operation starts and its last ends, in seconds.

    Delays at a block's borders are not part of it.
    """
    windows: dict[str, tuple[float, float]] = {}
    for instruction, first, last in compiled.windows:
        if instruction.name != "delay":
            start, end = windows.get(instruction.gadget, (first, last))
            windows[instruction.gadget] = (min(start, first), max(end, last))
    return windows
