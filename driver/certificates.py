"""Certificates of a plan's compiled circuits, as documents and as text."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from math import ceil
from typing import Any

from ..experiments.certificates.pairs import say_nothing
from ..experiments.certificates.single import KINDS, Certificate, Kind
from ..experiments.errors import RefusedError
from ..experiments.measures import Measure
from .circuits import PlannedCircuit
from .prepare import Prepared

SCHEMA_VERSION = 1
_MOST_SHOWN = 10
_PAIRS_SHOWN = 3


def certify_circuit(prepared: Prepared, circuit: PlannedCircuit) -> dict[str, Any]:
    """Return the certificate of one compiled circuit, with its point's label and its basis.

    Raises:
        RefusedError: no code to certify, or too many terms.
    """
    from .judging import circuit_certificate

    compiled = prepared.compiled[circuit.key]
    label = prepared.plan.points[circuit.point].label
    certificate = circuit_certificate(compiled)
    if certificate is None:
        raise RefusedError(
            f"certificate of {label}: one qubit without a code, so there is nothing to certify"
        )
    return document_of(certificate, label, circuit.basis)


def certify_if_small(prepared: Prepared, circuit: PlannedCircuit) -> dict[str, Any]:
    """Return the certificate of a circuit, or the reason why there is none."""
    try:
        return certify_circuit(prepared, circuit)
    except RefusedError as error:
        return {"computed": False, "reason": str(error)}


def document_of(certificate: Certificate, label: str, basis: Measure) -> dict[str, Any]:
    """Return a certificate in JSON types, with the point and the basis that it is of."""
    return {"label": label, "basis": basis, "computed": True, **certificate.to_json()}


Show = Callable[[str], AbstractContextManager[Callable[[float], None]]]
"""Shows, under a title, the share of the work that is done."""


@contextmanager
def _silent(title: str) -> Iterator[Callable[[float], None]]:  # noqa: ARG001  a Show
    yield say_nothing


def certify_plan(
    prepared: Prepared, *, budget_seconds: float | None = None, show: Show = _silent
) -> dict[str, Any]:
    """Return the certificates of every protocol circuit, one for each measure but H.

    Args:
        prepared: the compiled plan.
        budget_seconds: judge pairs of faults too, within this time for each circuit.
        show: shows how far the pairs are.

    Raises:
        RefusedError: nothing to certify.
    """
    circuits = []
    for circuit in prepared.circuits:
        if prepared.plan.points[circuit.point].baseline:
            continue
        if circuit.basis == "H" and prepared.plan.points[circuit.point].judged != "H":
            continue  # itself a measurement, of a state that the other circuits certify
        document = certify_circuit(prepared, circuit)
        if budget_seconds is not None:
            document["pairs"] = _pairs(prepared, circuit, budget_seconds, show)
        circuits.append(document)
    return {"schema_version": SCHEMA_VERSION, "name": prepared.plan.name, "circuits": circuits}


def _pairs(
    prepared: Prepared, circuit: PlannedCircuit, budget_seconds: float, show: Show
) -> dict[str, Any]:
    from .judging import circuit_pairs

    compiled, point = prepared.compiled[circuit.key], prepared.plan.points[circuit.point]
    with show(f"pairs of {point.label} in {circuit.basis}") as progress:
        document = circuit_pairs(point, compiled, budget_seconds, progress)
    limits = {f"{kind}_limit": _upper_limit(document, kind) for kind in KINDS}
    return {**document, **limits}


def _upper_limit(document: Mapping[str, Any], kind: Kind) -> float | None:
    """Return the 95 % upper limit of the chance that an accepted pair is wrong.

    Wilson's, of drawn pairs: the wrong ones' summed probability, rounded up, of the accepted ones',
    rounded down. None if every pair was judged or none was accepted.
    """
    total = int(document["accepted"])
    if document["exhaustive"] or not total:
        return None
    from ..analysis.estimate import wilson_interval

    return float(wilson_interval(min(total, ceil(document[f"{kind}_weight"])), total)[1])


def protocol_certificates(prepared: Prepared) -> dict[str, Any]:
    """Return, by label, the certificates of protocol points and of `routed`: of the first basis."""
    return {
        point.label: document_of(prepared.certificates[point.label], point.label, point.judged)
        for point in prepared.plan.points
        if (not point.baseline or point.protocol.scheme == "routed")
        and point.label in prepared.certificates
    }


def counterexamples(document: Mapping[str, Any], kind: Kind) -> tuple[int, int]:
    """Return the counterexamples of one kind in all of a plan's circuits: single faults, pairs."""
    single = sum(circuit[f"{kind}_failures"] for circuit in document["circuits"])
    pairs = (circuit["pairs"] for circuit in document["circuits"] if "pairs" in circuit)
    return single, sum(found[f"{kind}_failures"] for found in pairs)


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
        lines += _examples(circuit["counterexamples"], width)
        if "pairs" in circuit:
            lines += _pair_lines(circuit["pairs"], width)
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


def _pair_lines(pairs: Mapping[str, Any], width: int) -> list[str]:
    """Return what was found of pairs of faults."""
    how = "all" if pairs["exhaustive"] else f"{pairs['judged']} drawn"
    text = (
        f"pairs of faults: {how} of {pairs['pairs']}, of which {pairs['accepted']:.0f} are "
        "accepted (sum of their probabilities): "
        + ", ".join(f"{pairs[f'{kind}_failures']} {kind}" for kind in KINDS)
        + " counterexamples"
    )
    if not pairs["exhaustive"] and pairs["detection_limit"] is not None:
        shares = " and ".join(f"{pairs[f'{kind}_limit']:.2g} ({kind})" for kind in KINDS)
        text += f"; 95 % upper limits of the chance that an accepted pair is wrong: {shares}"
    lines = textwrap.wrap(
        f"{text} ({pairs['seconds']:.0f} s)", width, initial_indent="  ", subsequent_indent="    "
    )
    shown = [
        {**fault, "certificate": f"{found['certificate']}, fault {i} of 2"}
        for found in pairs["counterexamples"]
        for i, fault in enumerate(found["faults"], start=1)
    ]
    return lines + _examples(shown[: 2 * _PAIRS_SHOWN], width)


def _examples(found: Sequence[Mapping[str, Any]], width: int) -> list[str]:
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
