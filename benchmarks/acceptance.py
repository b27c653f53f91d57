"""Acceptance by the exact single-fault table, beside the figures of the design notes.

Each location lowers the acceptance by its fault probability times the exact probability that its
faults are rejected (`certify` on the program's own gates); locations multiply. Two noise models:

- Heron-r3-like: two-qubit 1.3e-3, one-qubit 2e-4, readout 5e-3, 6e-3 for each data qubit in each
  measurement layer in which it waits; the encoder is perfect.
- uniform p = 1e-3: p on every gate, 2p/3 on preparation, reset and readout; nothing on idles; the
  encoder is perfect or noisy.
"""

from __future__ import annotations

from math import exp, log1p

from hexmagic.experiments.certificates.faults import FaultKind
from hexmagic.experiments.certificates.single import Certificate, certify
from hexmagic.experiments.instructions import read_instructions
from hexmagic.experiments.program import make_program

HERON: dict[FaultKind, float] = {"two_qubit": 1.3e-3, "one_qubit": 2e-4, "readout": 5e-3}
UNIFORM: dict[FaultKind, float] = {
    "two_qubit": 1e-3,
    "one_qubit": 1e-3,
    "readout": 2e-3 / 3,
    "reset": 2e-3 / 3,
    "prepare": 2e-3 / 3,
}
WAITING = 6e-3
DATA_WAITS = {"fold14": 0, "fold13": 1, "fold": 13}
"""Measurement layers in front of the last one, in which the seven data wait (fold: 14 - 1)."""

NOTES = {("fold14", "heron"): 0.868, ("fold13", "heron"): 0.807, ("fold", "heron"): 0.514}
NOTES |= {("fold", "uniform"): 0.890}


def acceptance(
    certificate: Certificate, rates: dict[FaultKind, float], *, encoder: bool, readout: bool
) -> float:
    """Return the predicted acceptance; `readout` counts the data's own readout parities."""
    kept = certificate.accepted_readout if readout else certificate.accepted
    places: dict[tuple[int, tuple[int, ...]], list[tuple[FaultKind, float]]] = {}
    for fault, probability in zip(certificate.faults, kept, strict=True):
        skipped = fault.gadget == "encode" and not encoder
        if not skipped and (readout or fault.gadget != "readout"):
            places.setdefault((fault.at, fault.qubits), []).append((fault.kind, probability))
    total = 0.0
    for faults in places.values():
        rate = rates.get(faults[0][0], 0.0)
        total += log1p(-rate * sum(1 - probability for _, probability in faults) / len(faults))
    return exp(total)


def main() -> None:
    """Print the comparison."""
    print(f"{'circuit':8} {'noise':34} {'here':>6} {'notes':>6}")
    for scheme in ("fold14", "fold13", "fold"):
        program = make_program(scheme=scheme, distance=3, rounds=1, basis="Z")
        table = certify(program, read_instructions(program.circuit))
        gates = acceptance(table, HERON, encoder=False, readout=False)
        waited = gates * (1 - WAITING) ** (7 * DATA_WAITS[scheme])
        rows = [
            ("Heron-r3-like, perfect encoder", waited, NOTES[scheme, "heron"]),
            (
                "uniform 1e-3, perfect encoder",
                acceptance(table, UNIFORM, encoder=False, readout=False),
                NOTES.get((scheme, "uniform")),
            ),
            (
                "uniform 1e-3, noisy encoder",
                acceptance(table, UNIFORM, encoder=True, readout=True),
                None,
            ),
        ]
        for name, here, note in rows:
            print(f"{scheme:8} {name:34} {here:6.3f} {'' if note is None else f'{note:6.3f}'}")


if __name__ == "__main__":
    main()
