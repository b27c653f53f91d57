"""Print how long people wait: the start, `check`, the search for embeddings, a table, a report.

Processor time of a process of its own, imports included, the least of some repetitions: it depends
less on what else the machine does than time on the clock. Beside it stands the ratio to
`python -c 'import numpy, qiskit'`, which depends less on the machine too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy, Aer and Qiskit are loaded

ROOT = Path(__file__).resolve().parents[1]
HEXMAGIC = str(Path(sys.executable).with_name("hexmagic"))
SPEC = str(ROOT / "experiments" / "steane_h.yaml")
YARDSTICK = "python -c 'import numpy, qiskit'"
GOALS = {"hexmagic --help": 0.5, "hexmagic check, nothing stored": 3.0}
"""Seconds that are asked for on a machine that does nothing else."""

PATCHES = {"fold14": 3, "fold": 5}
"""Schemes whose patches are searched for on fake_boston (156 qubits), with their distance."""


def cpu_seconds(work: Callable[[], object], who: int) -> float:
    """Return the processor time, user and system, that some work takes.

    Args:
        work: what to do.
        who: resource.RUSAGE_SELF or RUSAGE_CHILDREN.
    """
    before = resource.getrusage(who)
    work()
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def of_command(
    command: Sequence[str], repeats: int, environment: Mapping[str, str] | None = None
) -> float:
    """Return the least processor time of a command in seconds.

    Raises:
        subprocess.CalledProcessError: it failed.
    """

    def call() -> None:
        env = os.environ | dict(environment or {})
        subprocess.run(command, env=env, capture_output=True, check=True)

    return min(cpu_seconds(call, resource.RUSAGE_CHILDREN) for _ in range(repeats))


def of_search(scheme: str, distance: int, repeats: int) -> float:
    """Return the least processor time of finding every embedding of a patch on fake_boston."""
    from hexmagic.backends.device import load_device
    from hexmagic.backends.embedding import find_embeddings
    from hexmagic.experiments.program import make_patch

    device, patch = load_device("fake_boston"), make_patch(scheme, distance)
    search = [
        cpu_seconds(lambda: find_embeddings(patch, device), resource.RUSAGE_SELF)
        for _ in range(repeats)
    ]
    return min(search)


def of_check(repeats: int) -> dict[str, float]:
    """Return `check` of the demo experiment without and with stored certificates."""
    command = (HEXMAGIC, "check", SPEC)
    fresh = []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as cache:
            kept = {"HEXMAGIC_CACHE": cache}
            fresh.append(of_command(command, 1, kept))
            stored = of_command(command, 1, kept)
    return {"hexmagic check, nothing stored": min(fresh), "hexmagic check again": stored}


def of_results(repeats: int) -> dict[str, float]:
    """Return what the verbs that read a finished run take; the run is the demo with fewer shots."""
    with tempfile.TemporaryDirectory() as runs:
        where = ("--runs", runs)
        of_command((HEXMAGIC, "run", SPEC, "--shots", "300", *where), 1)
        return {
            f"hexmagic {' '.join(verb)}": of_command((HEXMAGIC, *verb, *where), repeats)
            for verb in (("list",), ("status",), ("table", "latest"), ("report", "latest"))
        }


def measure(repeats: int) -> dict[str, float]:
    """Return every figure in seconds of processor time, by name."""
    python = (sys.executable, "-c")
    return {
        "python -c pass": of_command((*python, "pass"), repeats),
        YARDSTICK: of_command((*python, "import numpy, qiskit"), repeats),
        "import hexmagic": of_command((*python, "import hexmagic"), repeats),
        "hexmagic --help": of_command((HEXMAGIC, "--help"), repeats),
        **of_check(repeats),
        "hexmagic devices": of_command((HEXMAGIC, "devices"), 1),
        **of_results(repeats),
        **{
            f"embeddings of {scheme} d = {distance} on 156 qubits": of_search(
                scheme, distance, repeats
            )
            for scheme, distance in PATCHES.items()
        },
    }


def render(figures: Mapping[str, float]) -> str:
    """Return the figures as a Markdown table."""
    lines = ["| what | CPU, s | / import | asked for, s |", "|---|---|---|---|"]
    for name, seconds in figures.items():
        goal = f"{GOALS[name]:g}" if name in GOALS else ""
        lines.append(f"| {name} | {seconds:.2f} | {seconds / figures[YARDSTICK]:.2f} | {goal} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    figures = measure(max(options.repeats, 1))
    print(render(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
