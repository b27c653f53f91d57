"""What `agreement.py` found, as text: everything, or the tables of docs/agreement.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from agreement_pieces import Row

COLUMNS = (
    *("circuit", "device", "basis", "shots"),
    *("A, detect", "A, correct", "<P>, correct", "worst", "p"),
)


def show(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the tables."""
    yield "no noise: scheme, basis, engine, shots, kept, <P>, sigmas from the exact value"
    for row in document["noiseless"]:
        yield (
            f"{row['scheme']:8} {row['basis']} {row['engine']:7} {row['shots']:8} {row['kept']:8} "
            f"{row['expectation']:8.4f} {row['sigmas']:6.2f}"
        )
    for name in ("uniform", "calibration", "twirled"):
        yield from _show_engines(name, document[name])
    yield "strata - direct, clifft, fold14: device, noise, measure, what, both, difference, sigmas"
    for row in document["strata"]:
        for what, rate in row["rates"].items():
            named = f"{row['device']:16} {row['noise']:16} {row['measure']:7} {what:32}"
            yield f"{named} {_shown(rate)}"


def _show_engines(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f"{name}: Aer, clifft, difference +- standard error, sigmas"
    for row in part["circuits"]:
        where = f"{row['scheme']:8} {row['device']:16} {row['noise']:14} {row['basis']}"
        for what, rate in row["rates"].items():
            yield f"{where} {what:18} {_shown(rate)}"
        yield f"{where} chi2 {row['chi2']:.1f} of {row['freedom']}, p = {row['p_value']:.3g}"
    for row in part["fidelity"]:
        where = f"{row['scheme']:8} {row['device']:16} {row['noise']:14} F {row['readout']:8}"
        yield f"{where} {_shown(row)}"
    if part["verdict"] is not None:
        yield f"{name}, all: {_total(part['verdict'])}"


def _shown(rate: Row) -> str:
    away = rate["first"] - rate["second"]
    return (
        f"{rate['first']:9.5f} {rate['second']:9.5f} {away:+9.5f} +- {rate['sigma']:.5f} "
        f"{rate['sigmas']:+6.2f}"
    )


def markdown(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables of docs/agreement.md: the main rates of each circuit."""
    for name in ("uniform", "calibration", "twirled"):
        part = document[name]
        yield f"**{name}**\n"
        yield f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"
        for row in part["circuits"]:
            rates = row["rates"]
            worst = max((rate["sigmas"] for rate in rates.values()), key=abs)
            yield (
                f"| `{row['scheme']}` | {row['device']} | {row['basis']} | {row['shots']} | "
                f"{_cell(rates.get('acceptance detect'))} | "
                f"{_cell(rates.get('acceptance correct'))} | {_cell(rates['<P> correct'])} | "
                f"{worst:+.1f} | {row['p_value']:.2g} |"
            )
        yield ""
        yield "| circuit | device | readout | F, Aer | F, clifft | difference | sigma |"
        yield "|---|---|---|---|---|---|---|"
        for row in part["fidelity"]:
            yield (
                f"| `{row['scheme']}` | {row['device']} | {row['readout']} | {row['first']:.4f} | "
                f"{row['second']:.4f} | {_cell(row)} | {row['sigmas']:+.1f} |"
            )
        yield ""
        if part["verdict"] is not None:
            yield _total(part["verdict"])
            yield ""


def _cell(rate: Row | None) -> str:
    if rate is None:
        return "1"
    return f"{rate['first'] - rate['second']:+.4f}({rate['sigma'] * 1e4:.0f})"


def _total(total: Row) -> str:
    return (
        f"largest of {total['rates']} rates {total['largest_sigmas']:.2f} sigma "
        f"({total['largest_is']}), by chance p = {total['largest_p_value']:.2g}; "
        f"chi2 {total['chi2']:.1f} of {total['freedom']}, p = {total['p_value']:.2g}"
    )
