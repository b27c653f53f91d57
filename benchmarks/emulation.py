"""Print the benchmark of the engines: what each figure means is in README.md beside this file."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from emulation_setups import UNIFORM, Bench, Figures, Setup, acceptance, direct_shots, total_cpu

RELATIVE_ERROR = 0.05
"""Standard error of the infidelity over the infidelity, where it is asked for."""

MIB = 2**20
SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is run, in shots; of several numbers each is a run of the same setup.

    Attributes:
        schemes: at distance 3, in X and Z.
        aer: shots of each measure on our adapter.
        aers_own: shots of each measure on Aer with its own noise model.
        clifft: shots of each measure at distance 3.
        five: shots at distance 5.
        five_schemes: which.
        five_noises: under which noise.
        seven: shots at distance 7; none: left out.
        tallies: numbers of shots whose cost is measured, `keep: tallies`.
        shots: the same, `keep: shots`.
        precise: schemes whose infidelity is found to RELATIVE_ERROR.
        direct: shots that tell how fast the same is sampled directly.
    """

    schemes: Sequence[str] = ("fold14", "fold")
    aer: Sequence[int] = (500, 2_000)
    aers_own: int = 100
    clifft: Sequence[int] = (2_000_000, 40_000_000)
    five: Sequence[int] = (100_000, 1_000_000)
    five_schemes: Sequence[str] = ("fold", "fold40")
    five_noises: Sequence[str] = (UNIFORM, "calibration")
    seven: Sequence[int] = (1_000, 10_000)
    tallies: Sequence[int] = (10**4, 10**5, 10**6, 10**7, 2 * 10**7, 10**8)
    shots: Sequence[int] = (10**4, 10**5, 10**6, 10**7)
    precise: Sequence[str] = ("fold13", "fold14")
    direct: Sequence[int] = (2_000_000, 20_000_000)


QUICK = Sizes(
    schemes=("fold14",),
    aer=(200,),
    aers_own=10,
    clifft=(100_000, 1_000_000),
    five=(5_000,),
    five_schemes=("fold40",),
    five_noises=(UNIFORM,),
    seven=(),
    tallies=(10**4, 10**6),
    shots=(10**5,),
    precise=("fold13",),
    direct=(1_000_000,),
)


def compare_engines(bench: Bench, sizes: Sizes) -> Iterator[Figures]:
    """Yield a row for each engine on the same circuits and noise, with clifft's ratio to it."""
    for scheme in sizes.schemes:
        clifft = Setup(scheme=scheme, distance=3, device="fake_boston", measure=("X", "Z"))
        aer = replace(clifft, backend="aer")
        fast = bench.rates(clifft, sizes.clifft)
        ours = bench.rates(aer, sizes.aer)
        own = bench.aers_own(clifft, sizes.aers_own)
        own |= {
            "shots/s": own["shots"] / own["run, s"],
            "shots/CPU s": own["shots"] / own["CPU, s"],
        }
        yield clifft.named() | fast
        yield aer.named() | ours | _ratios(fast, ours)
        yield aer.named() | {"engine": "Aer's own noise"} | own | _ratios(fast, own)


def measure_distances(bench: Bench, sizes: Sizes) -> Iterator[Figures]:
    """Yield a row for each circuit that Aer cannot hold: clifft's rate, then Aer's refusal."""
    for scheme in sizes.five_schemes:
        for noise in sizes.five_noises:
            five = Setup(scheme=scheme, distance=5, device="fake_torino", noise=noise)
            yield five.named() | bench.rates(five, sizes.five)
        aer = replace(five, backend="aer")
        yield aer.named() | bench.run(aer, 1000)
    if sizes.seven:
        seven = Setup(scheme="fold", distance=7, device="heavy_hex_9")
        yield seven.named() | bench.rates(seven, sizes.seven)


def measure_precision(bench: Bench, sizes: Sizes) -> Iterator[Figures]:
    """Yield a row for each scheme and readout: how long 5 % of the infidelity takes, cold."""
    for scheme in sizes.precise:
        judged = Setup(
            scheme=scheme,
            distance=3,
            device="heavy_hex_5_cx",
            noise="{paper: 1e-4}",
            measure=("H_ideal",),
        )
        direct = bench.rates(judged, sizes.direct)
        rate = direct["sampling, shots/s" if "sampling, shots/s" in direct else "shots/s"]
        for readout in ("detect", "correct"):
            more = f"estimate: {{stratified: {{relative_error: {RELATIVE_ERROR}}}}}\n"
            more += f"accept: {{readout: {readout}}}\n"
            found = bench.run(replace(judged, more=more), 2 * 10**8, cold=True)
            row = next(row for row in found["fidelity"] if row["readout"] == readout)
            needed = direct_shots(row["infidelity"], row["acceptance"], RELATIVE_ERROR)
            yield judged.named() | {
                "readout": readout,
                **{name: row[name] for name in row if name.startswith("infidelity")},
                "process, s": found["process, s"],
                "CPU, s": total_cpu(found),
                "shots": found["shots"],
                "direct, shots": needed,
                "direct, shots/s": rate,
                "direct, s": needed / rate,
            }


def measure_cost(bench: Bench, sizes: Sizes) -> Iterator[Figures]:
    """Yield a row for each number of shots: time, memory and disk."""
    for keep, numbers in (("tallies", sizes.tallies), ("shots", sizes.shots)):
        setup = Setup(scheme="fold14", distance=3, device="fake_boston", keep=keep)
        for shots in numbers:
            found = bench.run(setup, shots)
            disk = found["disk, bytes"]
            yield {
                "keep": keep,
                "shots": shots,
                "shards": found["shards"],
                "run, s": found["run, s"],
                "CPU, s": total_cpu(found),
                "shots/s": shots / found["run, s"],
                "driver, MiB": found["driver, bytes"] / MIB,
                "largest worker, MiB": found["largest worker, bytes"] / MIB,
                "all, MiB": _all_bytes(found, bench.workers) / MIB,
                "plan.json, MiB": disk["plan.json"] / MIB,
                "ledger, MiB": disk["ledger"] / MIB,
                f"{keep}, MiB": disk[keep] / MIB,
                "acceptance": acceptance(found),
            }


def _all_bytes(found: Figures, workers: int) -> float:
    return float(found["driver, bytes"] + workers * found["largest worker, bytes"])


def _ratios(fast: Figures, slow: Figures) -> Figures:
    return {
        "clifft / this": fast["shots/s"] / slow["shots/s"],
        "the same, CPU": fast["shots/CPU s"] / slow["shots/CPU s"],
    }


SECTIONS: dict[str, tuple[str, Callable[[Bench, Sizes], Iterator[Figures]]]] = {
    "engines": ("Same circuit, same noise, from compiled circuit to tables", compare_engines),
    "distances": ("Beyond Aer", measure_distances),
    "precision": ("Infidelity to 5 % at p = 1e-4, a cold process", measure_precision),
    "cost": ("Cost against number of shots, fold14 in Z, uniform noise", measure_cost),
}


def machine(workers: int) -> Figures:
    """Return what the figures depend on besides the program."""
    return {
        "time": datetime.now(tz=UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "workers": workers,
        "load average, before": os.getloadavg()[0],
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("qiskit-aer", "clifft")},
    }


def shown(value: Any) -> str:
    """Return a figure as a table shows it."""
    if value is None or value == "":
        return "-"
    if not isinstance(value, int | float):
        return str(value)
    if value and abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def render(rows: Sequence[Figures]) -> str:
    """Return rows as a Markdown table; a refusal follows it, one line each."""
    refused = [row for row in rows if "refused" in row]
    rows = [row for row in rows if "refused" not in row]
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([shown(row.get(name)) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [f"| {' | '.join(map(str.ljust, line, widths))} |" for line in cells]
    lines.insert(1, f"|{'|'.join('-' * (width + 2) for width in widths)}|")
    said = [f"{row['engine']}, {row['scheme']}: {row['refused']}" for row in refused]
    return "\n".join([*lines, *said]) + "\n"


def main() -> None:
    """Measure, print tables and, if asked, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="little of everything")
    parser.add_argument("--only", choices=SECTIONS, nargs="+", default=list(SECTIONS))
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--runs", type=Path, help="directory for the runs, removed afterwards")
    options = parser.parse_args()
    sizes = QUICK if options.quick else Sizes()
    document: Figures = {"schema_version": SCHEMA_VERSION, "machine": machine(options.workers)}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=options.runs) as folder:
        bench = Bench(runs=Path(folder), workers=options.workers)
        for name in options.only:
            title, section = SECTIONS[name]
            document[name] = list(section(bench, sizes))
            print(f"{title}\n\n{render(document[name])}", flush=True)
            document["machine"] |= {
                "load average, after": os.getloadavg()[0],
                "seconds": time.perf_counter() - start,
            }
            if options.json:  # section by section: a later one may fail
                options.json.write_text(json.dumps(document, indent=2) + "\n")
    print(", ".join(f"{name} {shown(value)}" for name, value in document["machine"].items()))


if __name__ == "__main__":
    main()
