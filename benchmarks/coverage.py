"""How often the 95 % intervals hold the truth: the tables of docs/intervals.md.

    python benchmarks/coverage.py

By summing binomials where it says exact, else by 2000 seeded experiments (+-0.5 % or less).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from fakes.coverage import (
    FIDELITIES,
    RATES,
    SHOTS,
    STATES,
    best_coverages,
    bloch_fidelity,
    depolarised,
    difference_coverage,
    exact_coverage,
    plain_profile_holds,
    rate_coverage,
    raw_fidelity,
    sampled,
    sampled_coverage,
)

EXACT_UP_TO = 500
ACCEPTANCES = (0.3, 0.72, 0.99)
EXPECTED = np.geomspace(0.02, 60, 1500)
"""Expected events of the scan for the worst case."""


def rate_lines() -> Iterable[str]:
    """Yield the exact coverage of rates, and what no interval can better."""
    yield "| rate | n | ours | Wilson | attainable next to 95 % |\n|---|---|---|---|---|"
    named = [(f"h_measured, F = {f:g}", 1 - f) for f in FIDELITIES]
    named += [(f"acceptance {rate:g}", rate) for rate in ACCEPTANCES]
    for name, rate in named:
        for n in SHOTS:
            ours, wilson = (percent(rate_coverage(RATES[i], rate, n)) for i in RATES)
            below, above = best_coverages(rate, n)
            least = percent(below) if below else "none"
            yield f"| {name} | {n} | {ours} | {wilson} | {least}, {percent(above)} |"


def worst_lines() -> Iterable[str]:
    """Yield the lowest exact coverage over all rates of 0.02 to 60 expected events."""
    yield "| n | ours: least | at events | Wilson: least | at events |\n|---|---|---|---|---|"
    for n in SHOTS:
        found = []
        events = EXPECTED[n / 2 >= EXPECTED]
        for interval in RATES.values():
            shares = [rate_coverage(interval, float(count) / n, n) for count in events]
            least = int(np.argmin(shares))
            found.append(f"{percent(shares[least])} | {events[least]:.2f}")
        yield f"| {n} | {' | '.join(found)} |"


def fidelity_lines() -> Iterable[str]:
    """Yield the coverage of the fidelity's intervals."""
    yield "| state | F | n | raw | Bloch | difference |\n|---|---|---|---|---|---|"
    for name, make in STATES.items():
        for f in FIDELITIES:
            for n in SHOTS:
                state = make(f)
                raw, bloch = (
                    exact_coverage(estimator, state, n)
                    if n <= EXACT_UP_TO and (estimator is raw_fidelity or name != "turned")
                    else sampled_coverage(estimator, state, n, 1)
                    for estimator in (raw_fidelity, bloch_fidelity)
                )
                apart = difference_coverage(state, depolarised(0.99), n, 500, 2)
                told = " | ".join(percent(share) for share in (raw, bloch, apart))
                yield f"| {name} | {f:g} | {n} | {told} |"


def plain_lines() -> Iterable[str]:
    """Yield the coverage of a profile likelihood with the whole ball in it, at F = 1."""
    pure = depolarised(1.0)
    for n in SHOTS:
        yield f"n = {n}: {percent(float(plain_profile_holds(n, sampled(pure, n, 3), pure).mean()))}"


def percent(share: float) -> str:
    """Return a share as percent."""
    return f"{100 * share:.1f}"


def main() -> None:
    """Print the tables."""
    for title, lines in (
        ("Rates, exact", rate_lines()),
        ("Rates, worst case, exact", worst_lines()),
        ("Fidelity", fidelity_lines()),
        ("Profile likelihood in the whole ball at F = 1, sampled", plain_lines()),
    ):
        print(f"\n{title}\n")
        for line in lines:
            print(line)


if __name__ == "__main__":
    main()
