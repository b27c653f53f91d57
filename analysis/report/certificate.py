"""A certificate's JSON document as a verdict and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..numbers import grouped
from .columns import Cell, Table

_MOST_ROWS = 50
_KINDS = ("detection", "correction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on both certificates in words: "holds" or how many counterexamples."""

    detection: str
    correction: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """One certificate in words and tables.

    Attributes:
        point: label of the point that it belongs to; empty if there is only one.
        title: the point and the readout basis; may be empty.
        counterexamples: of the detection and of the correction certificate; None if there is no
            certificate.
        reason: why there is none.
        facts: (what, value) of its single values.
        tables: (title, table) of its lists.
    """

    point: str
    title: str
    counterexamples: tuple[int, int] | None
    reason: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[tuple[str, Table], ...]

    @property
    def verdict(self) -> Verdict:
        """The verdict in words."""
        return _verdict(self.counterexamples, self.reason)


def certificate_views(document: Mapping[str, Any] | None) -> tuple[CertificateView, ...]:
    """Return each certificate of a document.

    The document is a certificate as `Certificate.to_json` returns it, `{"computed": false,
    "reason": ...}` in its stead, a mapping from point labels to such documents, or
    `{"circuits": [...]}` with `label` and `basis` in each of them.

    Raises:
        ValueError: it is none of these.
    """
    if document is None:
        return ()
    if _is_certificate(document):
        return (_view("", document),)
    parts = document.get("circuits")
    if isinstance(parts, list) and all(map(_is_certificate, parts)):
        return tuple(_view(str(part.get("label", "")), part) for part in parts)
    if all(map(_is_certificate, document.values())):
        return tuple(_view(str(label), part) for label, part in document.items())
    raise ValueError(f"not a certificate: it has the keys {sorted(document)}")


def point_verdict(views: Sequence[CertificateView], label: str) -> Verdict | None:
    """Return the verdict on a point, all its circuits together; None without a certificate."""
    own = [view for view in views if view.point in ("", label)]
    counts = [view.counterexamples for view in own if view.counterexamples is not None]
    if not counts:
        return own[0].verdict if own else None
    return _verdict((sum(d for d, _ in counts), sum(c for _, c in counts)), "")


def _is_certificate(document: object) -> bool:
    return isinstance(document, Mapping) and (
        document.get("computed") is False
        or {"detection_failures", "correction_failures"} <= set(document)
    )


def _view(point: str, document: Mapping[str, Any]) -> CertificateView:
    lists = {key: value for key, value in document.items() if isinstance(value, (list, Mapping))}
    computed = "detection_failures" in document
    counts = tuple(int(document[f"{kind}_failures"]) for kind in _KINDS) if computed else None
    return CertificateView(
        point=point,
        title=f"{point} in {document['basis']}" if "basis" in document else point,
        counterexamples=(counts[0], counts[1]) if counts else None,
        reason=str(document.get("reason", "")),
        facts=tuple(
            (key.replace("_", " "), _words(value))
            for key, value in document.items()
            if key not in lists and key not in ("label", "basis", "computed")
        ),
        tables=tuple((_title(key, rows), _list_table(rows)) for key, rows in lists.items() if rows),
    )


def _verdict(counterexamples: tuple[int, int] | None, reason: str) -> Verdict:
    if counterexamples is None:
        return Verdict(detection=f"not computed: {reason}", correction="not computed")
    detection, correction = map(_count_words, counterexamples)
    return Verdict(detection=detection, correction=correction)


def _count_words(counterexamples: int) -> str:
    if counterexamples == 0:
        return "holds"
    plural = "s" if counterexamples > 1 else ""
    return f"fails: {grouped(counterexamples)} counterexample{plural}"


def _title(key: str, rows: Mapping[str, Any] | Sequence[Any]) -> str:
    left_out = f", the first {_MOST_ROWS} of {len(rows)}" if len(rows) > _MOST_ROWS else ""
    return key.replace("_", " ") + left_out


def _list_table(rows: Mapping[str, Any] | Sequence[Any]) -> Table:
    """Return a list of records, or records by name, as a table."""
    items = [{"": name, **row} for name, row in rows.items()] if isinstance(rows, Mapping) else rows
    shown: Sequence[Mapping[str, Any]] = items[:_MOST_ROWS]
    keys = list(dict.fromkeys(key for item in shown for key in item))
    return Table(
        heads=tuple(key.replace("_", " ") for key in keys),
        numeric=tuple(all(_is_number(item.get(key, 0)) for item in shown) for key in keys),
        rows=tuple(tuple(Cell(text=_words(item.get(key, ""))) for key in keys) for item in shown),
    )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _words(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return grouped(value)
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return str(value)
