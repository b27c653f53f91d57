"""Phases: what each qubit does in H_m and in ED, told from the record map alone.

The same ancillas may be flags in one phase and syndrome qubits in the other (redundant ancilla
encoding: C. Chamberland and K. Noh, npj Quantum Information 6:91, 2020).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..experiments.record import Bit, RecordMap, Stage

DATA, ROOT, FLAG, UNREAD = "data", "root: outcome of H", "flag", "ancilla, not read here"
X_SYNDROME, Z_SYNDROME, BOTH = "X syndrome", "Z syndrome", "X and Z syndrome"
ALSO_FLAG = ", also flag"

_NAMES: Mapping[Stage, str] = {"hadamard": "H_m, measurement of H", "detection": "ED, detection"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """The roles of the qubits in one phase.

    Attributes:
        title: the phase in words, with its rounds if not all are alike.
        stage: its protocol stage.
        roles: role of each qubit: data, root, flag, X, Z or both syndromes (which may be a flag
            too, in another check), or not read.
        labels: what an ancilla reads, in short: "H", "flag", "Z2" (face 2), "X0X2" (one parity
            of the product of both faces), "XZ1" (an X check and a Z check, one after the other).
    """

    title: str
    stage: Stage
    roles: Mapping[int, str]
    labels: Mapping[int, str]

    def on_device(self, layout: Sequence[int]) -> Phase:
        """Return the same phase by physical qubit: `layout[patch qubit]`."""
        return Phase(
            title=self.title,
            stage=self.stage,
            roles={layout[qubit]: role for qubit, role in self.roles.items()},
            labels={layout[qubit]: label for qubit, label in self.labels.items()},
        )


def make_phases(
    record: RecordMap, data: Sequence[int], ancillas: Sequence[int]
) -> tuple[Phase, ...]:
    """Return H_m and then ED, each once for all rounds that are alike.

    Empty for a program without them, such as a baseline.

    Args:
        record: what the program records.
        data: data qubits of the patch.
        ancillas: its ancillas.
    """
    phases = []
    for stage, name in _NAMES.items():
        rounds = sorted({bit.round for bit in record.bits if bit.stage == stage})
        alike: list[tuple[list[int], dict[int, str], dict[int, str]]] = []
        for round_ in rounds:
            bits = [bit for bit in record.bits if (bit.stage, bit.round) == (stage, round_)]
            read = {q: [bit for bit in bits if bit.qubit == q] for q in ancillas}
            roles = dict.fromkeys(data, DATA) | {q: _role(own) for q, own in read.items()}
            labels = {q: label for q, own in read.items() if (label := _label(own))}
            same = next((group for group in alike if group[1:] == (roles, labels)), None)
            if same is None:
                alike.append(([round_], roles, labels))
            else:
                same[0].append(round_)
        for members, roles, labels in alike:
            title = name if len(alike) == 1 else f"{name}, {_rounds(members)}"
            phases.append(Phase(title=title, stage=stage, roles=roles, labels=labels))
    return tuple(phases)


def _role(bits: Sequence[Bit]) -> str:
    """Return the role of an ancilla that a phase reads in these bits."""
    if any(bit.role == "hadamard" for bit in bits):
        return ROOT
    if not bits:
        return UNREAD
    bases = {bit.basis for bit in bits if bit.role == "syndrome"}
    if not bases:
        return FLAG
    role = BOTH if len(bases) > 1 else X_SYNDROME if "X" in bases else Z_SYNDROME
    return role + (ALSO_FLAG if any(bit.role == "flag" for bit in bits) else "")


def _label(bits: Sequence[Bit]) -> str:
    if any(bit.role == "hadamard" for bit in bits):
        return "H"
    bases: dict[tuple[int, ...], str] = {}
    for bit in sorted(bits, key=lambda bit: bit.basis):
        if bit.role == "syndrome" and bit.basis not in bases.get(bit.faces, ""):
            bases[bit.faces] = bases.get(bit.faces, "") + bit.basis
    checks = ("".join(f"{basis}{face}" for face in faces) for faces, basis in sorted(bases.items()))
    return " ".join(checks) or ("flag" if bits else "")


def _rounds(rounds: Iterable[int]) -> str:
    listed = [str(round_) for round_ in rounds]
    return f"round{'s' if len(listed) > 1 else ''} {', '.join(listed)}"
