"""The points of the plot of infidelity against acceptance: published ones and a run's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any

import pandas as pd

from ..numbers import is_missing
from ..overhead.published import CHAMBERLAND_NOH, POINTS, PublishedPoint
from ..overhead.published_experiments import published_experiments
from ..overhead.side_by_side import FLIPS_PER_INFIDELITY
from ..wording import estimate_words

SHAPES = {"superconducting": "circle", "trapped ions": "square", "neutral atoms": "diamond"}
SIMULATED = "funnel"
OURS = "hexagon"
_LEFT_OUT = 5e-4  # of the authors' error rates: two suffice to see the slope


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A point of the plot with its errors.

    Attributes:
        label: what stands beside it.
        words: the same in full, for the alternative text.
        kind: its shape.
        class_: its style class: filled is ours, open is another's or decoded.
        acceptance: value, low, high; in [0, 1].
        infidelity: value, low, high; ends without a published error are the value.
        bound: whether the infidelity is an upper bound.
    """

    label: str
    words: str
    kind: str
    class_: str
    acceptance: tuple[float, float, float]
    infidelity: tuple[float, float, float]
    bound: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cited:
    """A source of published points.

    Attributes:
        number: what stands in brackets behind the labels of its points.
        citation: in full.
        points: what each of its points is, in words.
        checked: against what its figures were compared.
    """

    number: int
    citation: str
    points: tuple[str, ...]
    checked: str


def published_sources() -> tuple[Cited, ...]:
    """Return the sources of the published points, numbered in the order of the table.

    Chamberland and Noh (2020), whose simulations this work repeats, come last.
    """
    table = published_experiments()
    numbers = _numbers(table)
    sources = [
        Cited(
            number=numbers[source],
            citation=str(part["citation"].iloc[0]),
            points=tuple(map(_point_words, part.to_dict("records"))),
            checked="; ".join(dict.fromkeys(part["checked"])),
        )
        for source, part in table.groupby("source", sort=False)
    ]
    own = [f"simulation, d = {point.distance} at p = {point.p:g}" for point, _ in _authors()]
    last = Cited(
        number=len(sources) + 1,
        citation=CHAMBERLAND_NOH.citation,
        points=tuple(own),
        checked="its tables",
    )
    return (*sources, last)


def _numbers(table: pd.DataFrame) -> dict[Any, int]:
    """Return the number of each source of the published points, in the order of the table."""
    return {source: i for i, source in enumerate(dict.fromkeys(table["source"]), start=1)}


def _rate(p: float) -> str:
    """Return an error rate as short as it can be: 1e-3."""
    return f"{p:.0e}".replace("e-0", "e-")


def _point_words(row: dict[Any, Any]) -> str:
    told = [row["kind"], row["platform"], row["code"], row["what"]]
    if row["kind"] == "simulation":
        told = [row["kind"], row["code"], row["what"], f"p = {row['p']:g}"]
    return ", ".join(str(word) for word in told if not is_missing(word))


def our_marks(fidelity: pd.DataFrame) -> list[Mark]:
    """Return the protocol's points of a fidelity table, those without a value left out."""
    if fidelity.empty or "infidelity" not in fidelity:
        return []
    rows = fidelity[~fidelity["baseline"] & fidelity["estimate"].isin(("raw", "h_ideal"))]
    records = rows.to_dict("records")
    return [
        _our_mark(row, label)
        for row, label in zip(records, _our_labels(records), strict=True)
        if not (is_missing(row["infidelity"]) or is_missing(row["acceptance"]))
    ]


def _our_labels(rows: Sequence[dict[Any, Any]]) -> list[str]:
    """Return a label for each row, the shortest kind that tells points and estimates apart."""
    several = len({row["label"] for row in rows})
    kinds = [
        [str(row["scheme"]) for row in rows],
        *(
            [_without(row, names) for row in rows]
            for names in (("rounds", "distance"), ("rounds",))
        ),
    ]
    short = next((kind for kind in kinds if len(set(kind)) == several), None)
    short = short or [str(row["label"]) for row in rows]
    if len({(row["label"], row["estimate"]) for row in rows}) == several:
        return short
    return [
        name if row["estimate"] == "raw" else f"{name}, {estimate_words(row['estimate'])}"
        for name, row in zip(short, rows, strict=True)
    ]


def _without(row: dict[Any, Any], names: Sequence[str]) -> str:
    """Return the row's label without values such as " d=3" of columns such as "distance"."""
    label = str(row["label"])
    for name in names:
        label = label.replace(f" {name[0]}={row[name]}", "")
    return label


def _our_mark(row: dict[Any, Any], label: str) -> Mark:
    decoded = row["readout"] == "correct"
    return Mark(
        label=label,
        words=f"{row['label']}, {_judged(row)}readout {row['readout']}",
        kind=OURS,
        class_="open axis" if decoded else "data",
        acceptance=_triple(row, "acceptance"),
        infidelity=_triple(row, "infidelity"),
    )


def _judged(row: dict[Any, Any]) -> str:
    return "" if row["estimate"] == "raw" else f"{estimate_words(row['estimate'])}, "


def published_marks() -> list[Mark]:
    """Return others' points, experiments and simulations, and the authors' at 1e-4 and 1e-3.

    Behind each label stands the number of its source: `published_sources`.
    """
    table = published_experiments()
    numbers = _numbers(table)
    marks = [_published_mark(row, numbers[row["source"]]) for row in table.to_dict("records")]
    for point, flips in _authors():
        infidelity = flips / FLIPS_PER_INFIDELITY
        mark = Mark(
            label=f"d={point.distance} {_rate(point.p)} [{len(numbers) + 1}]",
            words=f"{CHAMBERLAND_NOH.name}, d = {point.distance}, p = {point.p:g} (simulation)",
            kind=SIMULATED,
            class_="open axis",
            acceptance=(point.acceptance,) * 3,
            infidelity=(infidelity,) * 3,
        )
        marks.append(mark)
    return marks


def _authors() -> list[tuple[PublishedPoint, float]]:
    """Return the authors' points that are drawn, those with one error rate, and that rate."""
    return [
        (point, point.error_rate)
        for point in POINTS
        if isinstance(point.error_rate, float) and point.p != _LEFT_OUT
    ]


def _published_mark(row: dict[Any, Any], number: int) -> Mark:
    simulated = row["kind"] == "simulation"
    value = float(row["infidelity"])
    ends = [value if isnan(row[f"infidelity{end}"]) else row[f"infidelity{end}"] for end in _ENDS]
    rate = f" {_rate(row['p'])}" if simulated else ""
    source = str(row["source"])
    return Mark(
        label=f"{source.rpartition(' ')[0]}{rate} [{number}]",
        words=f"{source}, {row['code']}, {row['what']} ({row['kind']})",
        kind=SIMULATED if simulated else SHAPES[row["platform"]],
        class_="open axis",
        acceptance=(float(row["acceptance"]),) * 3,
        infidelity=(value, float(ends[0]), float(ends[1])),
        bound=bool(row["bound"]),
    )


_ENDS = ("_low", "_high")


def _triple(row: dict[Any, Any], name: str) -> tuple[float, float, float]:
    return float(row[name]), float(row[f"{name}_low"]), float(row[f"{name}_high"])
