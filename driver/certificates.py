"""Certificates of a plan's compiled circuits, as documents and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ..experiments.colour_code import Basis
from ..experiments.errors import RefusedError
from .circuits import PlannedCircuit
from .prepare import Prepared

if TYPE_CHECKING:
    from ..experiments.certificate import Certificate

Kind = Literal["detection", "correction"]
SCHEMA_VERSION = 1
_MOST_SHOWN = 10


def certify_circuit(prepared: Prepared, circuit: PlannedCircuit) -> dict[str, Any]:
    """Return the certificate of one compiled circuit, with its point's label and its basis.

    Raises:
        RefusedError: no code to certify.
    """
    from .build import circuit_certificate

    compiled = prepared.compiled[circuit.key]
    label = prepared.plan.points[circuit.point].label
    certificate = circuit_certificate(compiled)
    if certificate is None:
        raise RefusedError(
            f"certificate of {label}: one qubit without a code, so there is nothing to certify"
        )
    return document_of(certificate, label, circuit.basis)


def certify_if_small(prepared: Prepared, circuit: PlannedCircuit) -> dict[str, Any]:
    """Return the certificate of a circuit, or why it takes too long for `check`."""
    try:
        return certify_circuit(prepared, circuit)
    except RefusedError:
        return {"computed": False, "reason": f"{len(circuit.layout)} qubits"}


def document_of(certificate: Certificate, label: str, basis: Basis) -> dict[str, Any]:
    """Return a certificate in JSON types, with the point and the basis that it is of."""
    return {"label": label, "basis": basis, "computed": True, **certificate.to_json()}


def certify_plan(prepared: Prepared) -> dict[str, Any]:
    """Return the certificates of every protocol circuit, one for each measured basis.

    Raises:
        RefusedError: nothing to certify.
    """
    protocol = [c for c in prepared.circuits if not prepared.plan.points[c.point].baseline]
    return {
        "schema_version": SCHEMA_VERSION,
        "name": prepared.plan.name,
        "circuits": [certify_circuit(prepared, circuit) for circuit in protocol],
    }


def protocol_certificates(prepared: Prepared) -> dict[str, Any]:
    """Return, by label, the certificates of protocol points and of `routed`: of the first basis."""
    return {
        point.label: document_of(prepared.certificates[point.label], point.label, point.measure[0])
        for point in prepared.plan.points
        if (not point.baseline or point.protocol.scheme == "routed")
        and point.label in prepared.certificates
    }


def counterexamples(document: Mapping[str, Any], kind: Kind) -> int:
    """Return the number of counterexamples of one kind in all of a plan's circuits."""
    return sum(circuit[f"{kind}_failures"] for circuit in document["circuits"])


def render_certificates(document: Mapping[str, Any], width: int = 80) -> str:
    """Return what `certify_plan` returned as text within `width` columns."""
    lines = textwrap.wrap(
        f"{document['name']}: every single fault of the compiled, scheduled circuits, simulated "
        "exactly. detection: accepted with trivial syndromes in the wrong logical state; "
        "correction: accepted and wrong after ideal decoding.",
        width,
    )
    for circuit in document["circuits"]:
        lines += ["", f"{circuit['label']} in {circuit['basis']}", *_counts(circuit)]
        lines += _examples(circuit, width)
    return "\n".join(lines) + "\n"


def _counts(circuit: Mapping[str, Any]) -> list[str]:
    """Return the table of faults and counterexamples by gadget."""
    kinds = ("faults", "detection", "correction")
    total = {"faults": circuit["faults"]}
    total |= {kind: circuit[f"{kind}_failures"] for kind in kinds[1:]}
    rows = [*circuit["by_gadget"].items(), ("all", total)]
    first = max(len("gadget"), *(len(name) for name, _ in rows))
    lines = [f"  {'gadget'.ljust(first)}" + "".join(kind.rjust(12) for kind in kinds)]
    lines += [
        f"  {name.ljust(first)}" + "".join(str(counts[kind]).rjust(12) for kind in kinds)
        for name, counts in rows
    ]
    return lines


def _examples(circuit: Mapping[str, Any], width: int) -> list[str]:
    found = circuit["counterexamples"]
    lines = []
    for fault in found[:_MOST_SHOWN]:
        pauli = f" {fault['pauli']}" if fault["pauli"] else ""
        qubits = " ".join(map(str, fault["qubits"]))
        text = (
            f"{fault['certificate']}: {fault['kind']}{pauli} on patch qubits {qubits} in "
            f"{fault['gadget'] or 'preparation'}, instruction {fault['instruction']}"
        )
        lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="    ")
    rest = len(found) - _MOST_SHOWN
    return lines + ([f"  and {rest} more: --format json has them all"] if rest > 0 else [])
