"""What the report says in words: separations in sigma, and verdicts of certificates."""

from math import isnan, nan
from typing import Any

import pytest

from hexmagic.analysis.report.certificate import certificate_views, point_verdict
from hexmagic.analysis.report.summary import separation_sigma, sigma_words


def certificate(detection: int = 0, correction: int = 1, **changes: Any) -> dict[str, Any]:
    counts = {"detection_failures": detection, "correction_failures": correction}
    tables = {
        "by_gadget": {"encode": {"faults": 811, "detection": 0}},
        "counterexamples": [{"kind": "gate", "qubits": [3, 4], "pauli": "ZZ"}] * 60,
    }
    return {"order": 1, "faults": 2893, **counts, **tables} | changes


def test_separation_uses_the_ends_that_face_each_other() -> None:
    high = {"fidelity": 0.99, "fidelity_low": 0.96, "fidelity_high": 1.5, "level": 0.95}
    low = {"fidelity": 0.94, "fidelity_low": 0.1, "fidelity_high": 0.98, "level": 0.95}
    assert separation_sigma(high, low) == pytest.approx(0.05 * 1.959964 / 0.05)
    assert separation_sigma(low, high) == -separation_sigma(high, low)


def test_a_missing_value_gives_no_separation() -> None:
    missing = {"fidelity": nan, "fidelity_low": 0.0, "fidelity_high": 1.0, "level": 0.95}
    sigma = separation_sigma(missing, missing)
    assert isnan(sigma)
    assert sigma_words(sigma) == "not comparable"


def test_a_certificate_is_shown_with_its_counts_and_counterexamples() -> None:
    (view,) = certificate_views(certificate())
    assert (view.verdict.detection, view.verdict.correction) == ("holds", "fails: 1 counterexample")
    assert ("faults", "2\N{NARROW NO-BREAK SPACE}893") in view.facts
    assert [title for title, _ in view.tables] == [
        "by gadget",
        "counterexamples, the first 50 of 60",
    ]


def test_certificates_of_several_circuits_of_a_point_add_up() -> None:
    circuits = [certificate(label="a", basis="X"), certificate(2, 0, label="a", basis="Z")]
    views = certificate_views({"circuits": [*circuits, certificate(7, 7, label="b", basis="Z")]})
    verdict = point_verdict(views, "a")
    assert [view.title for view in views] == ["a in X", "a in Z", "b in Z"]
    assert verdict is not None
    assert verdict.detection == "fails: 2 counterexamples"
    assert verdict.correction == "fails: 1 counterexample"


def test_a_certificate_by_label_belongs_to_its_point_only() -> None:
    views = certificate_views({"a": certificate()})
    assert point_verdict(views, "a") is not None
    assert point_verdict(views, "b") is None


def test_a_certificate_that_was_not_computed_says_why() -> None:
    verdict = point_verdict(certificate_views({"computed": False, "reason": "40 qubits"}), "a")
    assert verdict is not None
    assert verdict.detection == "not computed: 40 qubits"


def test_a_document_that_is_no_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="not a certificate"):
        certificate_views({"faults": 3})
