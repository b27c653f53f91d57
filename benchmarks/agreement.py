"""Aer against clifft, twirled against full noise, strata against direct sampling.

    python benchmarks/agreement.py --ledger agreement.jsonl --json benchmarks/agreement.json

Every pair has the same compiled circuit. Pieces that the ledger holds are not taken again, so that
a run that was stopped goes on. What the columns mean and what was found: docs/agreement.md.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import sqrt
from pathlib import Path

from agreement_pieces import Case, Piece, Row, pieces, take_pieces
from agreement_text import markdown, show
from fakes.agreement import (
    POSSIBLE,
    Difference,
    Ints,
    Square,
    circuit,
    compare,
    fidelity,
    homogeneity,
)
from fakes.strata_sums import (
    sample_directly,
    sample_strata,
    strata_differences,
    weights_of,
)
from scipy.stats import norm

from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.spec import NoiseSpec

BASES: tuple[Basis, ...] = ("X", "Y", "Z")
EXACT = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}
NONE, CALIBRATION = NoiseSpec(kind="none"), NoiseSpec(kind="calibration")
DEVICES = ("fake_boston", "fake_torino", "fake_sherbrooke")
SCHEMES = ("encoded", "fold14", "fold13", "fold", "tree16")
CALIBRATED = ("encoded", "fold14")
NOISELESS_SHOTS = 300
Taken = Mapping[tuple[Case, str], Ints]


def cases(schemes: Iterable[str], devices: Iterable[str], *noises: NoiseSpec) -> list[Case]:
    """Return every combination, in all bases."""
    return [
        Case(scheme=scheme, device=device, measure=basis, noise=noise)
        for scheme in schemes
        for device in devices
        for noise in noises
        for basis in BASES
    ]


def judged(difference: Difference) -> Row:
    """Return a difference in numbers."""
    return {
        "first": difference.first,
        "second": difference.second,
        "sigma": difference.sigma,
        "sigmas": difference.sigmas,
    }


def noiseless_rows(taken: Taken) -> Iterator[Row]:
    """Yield each engine's acceptance and <P> without noise, beside what they should be."""
    for (case, engine), found in taken.items():
        if case.noise == NONE:
            exact, shots = EXACT[case.measure], int(found.sum())
            value = float(1 - 2 * (found[5] + found[7]) / found[POSSIBLE].sum())
            sigma = sqrt((1 - exact**2) / shots)
            yield {
                "scheme": case.scheme,
                "basis": case.measure,
                "engine": engine,
                "shots": shots,
                "kept": int(found[6:].sum()),
                "expectation": value,
                "sigmas": (value - exact) / sigma,
            }


def engine_rows(taken: Taken, engine: str) -> Iterator[Row]:
    """Yield the comparison of an engine with clifft for each noisy circuit that both have run."""
    for (case, name), found in taken.items():
        other = taken.get((case, "clifft"))
        if name != engine or other is None or case.noise == NONE:
            continue
        square = homogeneity(found, other)
        yield {
            "scheme": case.scheme,
            "device": case.device,
            "basis": case.measure,
            "noise": str(case.noise),
            "engine": engine,
            "shots": int(found.sum()),
            "clifft_shots": int(other.sum()),
            "rates": {name: judged(rate) for name, rate in compare(found, other).items()},
            "chi2": square.value,
            "freedom": square.freedom,
            "p_value": square.p_value,
        }


def fidelity_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """Yield F of each circuit that was compared in X and Z."""
    by_circuit: dict[tuple[str, ...], dict[str, Row]] = {}
    for row in rows:
        key = (row["scheme"], row["device"], row["noise"], row["engine"])
        by_circuit.setdefault(key, {})[row["basis"]] = row["rates"]
    for (scheme, device, noise, engine), bases in by_circuit.items():
        for readout in ("detect", "correct"):
            if {"X", "Z"} <= bases.keys():
                x, z = (_difference(bases[basis][f"<P> {readout}"]) for basis in "XZ")
                named = {"scheme": scheme, "device": device, "noise": noise, "engine": engine}
                yield named | {"readout": readout} | judged(fidelity(x, z))


def _difference(row: Row) -> Difference:
    return Difference(first=row["first"], second=row["second"], sigma=row["sigma"])


def verdict(rows: Sequence[Row]) -> Row:
    """Return the largest of all deviations, and the chi-square of all classes.

    The chance of a deviation as large takes the number of rates into account as if they were
    independent (Sidak); the chi-squares of the circuits' disjoint classes are independent.
    """
    every = [
        (abs(rate["sigmas"]), f"{row['scheme']} {row['device']} {row['basis']} {name}")
        for row in rows
        for name, rate in row["rates"].items()
    ]
    squares = [Square(value=row["chi2"], freedom=row["freedom"]) for row in rows]
    total = sum(squares, start=Square(value=0, freedom=0))
    largest, where = max(every)
    return {
        "rates": len(every),
        "largest_sigmas": largest,
        "largest_is": where,
        "largest_p_value": 1 - (1 - 2 * norm.sf(largest)) ** len(every),
        "chi2": total.value,
        "freedom": total.freedom,
        "p_value": total.p_value,
    }


def strata_rows(shots: int) -> Iterator[Row]:
    """Yield strata against direct sampling of fold14; uniform and paper share strata over p."""
    measures: tuple[Measure, ...] = ("H_ideal", "X", "Z")
    families = {
        (kind, "fake_boston"): [NoiseSpec(kind=kind, p=3e-3), NoiseSpec(kind=kind, p=1e-3)]
        for kind in ("uniform", "paper")
    } | {("calibration", device): [CALIBRATION] for device in DEVICES}
    for (kind, device), noises in families.items():
        for number, measure in enumerate(measures):
            compiled = circuit("fold14", device, measure, in_time_steps=kind == "paper")
            most = max(len(weights_of(compiled, noise).weights) for noise in noises) - 1
            strata = sample_strata(compiled, noises[0], most=most, shots=shots, seed=number + 1)
            for noise in noises:
                direct = sample_directly(compiled, noise, shots=16 * shots, seed=number + 11)
                found = strata_differences(compiled, noise, strata, direct)
                yield {
                    "device": device,
                    "noise": str(noise),
                    "measure": measure,
                    "shots_per_stratum": shots,
                    "strata": most + 1,
                    "direct_shots": 16 * shots,
                    "rates": {name: judged(rate) for name, rate in found.items()},
                }


def _part(taken: Taken, engine: str, kinds: str) -> Row:
    found = engine_rows(taken, engine)
    rows = [row for row in found if row["noise"].startswith(kinds)]
    total = verdict(rows) if rows else None
    return {"circuits": rows, "fidelity": list(fidelity_rows(rows)), "verdict": total}


def planned(options: argparse.Namespace) -> list[Piece]:
    """Return every piece that is compared, the cheap ones first."""
    rates = [NoiseSpec(kind="uniform", p=p) for p in options.p]
    quiet = cases(SCHEMES, ["fake_boston"], NONE)
    uniform = cases(options.schemes, ["fake_boston"], *rates)
    calibrated = cases(CALIBRATED, options.devices, CALIBRATION)
    todo = list(pieces(quiet + uniform + calibrated, "clifft", options.clifft_shots))
    todo += pieces(quiet, "aer", NOISELESS_SHOTS)
    todo += pieces(uniform + calibrated, "aer", options.aer_shots)
    twirled = [case for case in calibrated if case.device in options.twirled]
    return todo + list(pieces(twirled, "aer twirled", options.aer_shots))


def main() -> None:
    """Take what is missing, print the tables and, if asked, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--schemes", nargs="+", default=SCHEMES)
    parser.add_argument("--devices", nargs="*", default=DEVICES)
    parser.add_argument("--twirled", nargs="*", default=DEVICES, help="devices for Aer twirled")
    parser.add_argument("--p", nargs="+", type=float, default=[1e-3], help="of uniform noise")
    parser.add_argument("--aer-shots", type=int, default=20_000, help="for each circuit")
    parser.add_argument("--clifft-shots", type=int, default=1 << 22, help="for each circuit")
    parser.add_argument("--stratum-shots", type=int, default=1 << 18, help="0: no strata")
    parser.add_argument("--processes", type=int, default=2, help="0: show what the ledger has")
    parser.add_argument("--ledger", type=Path, default=Path("agreement.jsonl"))
    parser.add_argument("--markdown", action="store_true", help="the tables of docs/agreement.md")
    parser.add_argument("--json", type=Path, help="also write everything to this file")
    options = parser.parse_args()
    taken = take_pieces(planned(options), options.ledger, options.processes)
    document = {
        "noiseless": list(noiseless_rows(taken)),
        "uniform": _part(taken, "aer", "uniform"),
        "calibration": _part(taken, "aer", "calibration"),
        "twirled": _part(taken, "aer twirled", "calibration"),
        "strata": list(strata_rows(options.stratum_shots)) if options.stratum_shots else [],
    }
    print("\n".join(markdown(document) if options.markdown else show(document)))
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
