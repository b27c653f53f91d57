"""What the benchmark of the engines runs: experiments, each measured in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
P = 1e-3
REUSE = "xor"
UNIFORM = f"{{uniform: {P}}}"

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One circuit on one engine.

    Attributes:
        scheme: of the protocol; rounds and qubits are chosen by the program.
        distance: of the code.
        device: its name.
        backend: aer or clifft.
        noise: as a YAML file writes it.
        measure: what is measured, each with all the shots.
        keep: tallies or shots.
        more: further lines of the experiment.
    """

    scheme: str
    distance: int
    device: str
    backend: str = "clifft"
    noise: str = UNIFORM
    measure: Sequence[str] = ("Z",)
    keep: str = "tallies"
    more: str = ""

    def text(self, shots: int) -> str:
        """Return the experiment file, with so many shots of each measure."""
        return f"""schema_version: 1
name: benchmark
protocol: {{state: H, distance: {self.distance}, scheme: {self.scheme}, reuse: {REUSE}}}
device: {{backend: {self.backend}, name: {self.device}, noise: {self.noise}}}
measure: [{", ".join(self.measure)}]
shots: {shots}
seed: 2026
keep: {self.keep}
{self.more}"""

    def named(self) -> Figures:
        """Return what tells it from the others."""
        return {
            "d": self.distance,
            "scheme": self.scheme,
            "device": self.device,
            "noise": self.noise.strip("{}"),
            "measure": " ".join(self.measure),
            "engine": self.backend,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where and how runs are measured.

    Attributes:
        runs: directory for run folders, on the disk that is to be measured.
        workers: processes to sample with.
    """

    runs: Path
    workers: int

    def run(self, setup: Setup, shots: int, *, cold: bool = False) -> Figures:
        """Return the figures of one run, or why it was refused.

        Args:
            setup: the experiment.
            shots: of each measure.
            cold: with no certificate from earlier runs.

        Raises:
            RuntimeError: it failed.
        """
        with tempfile.TemporaryDirectory(dir=self.runs) as folder:
            cache = {"HEXMAGIC_CACHE": f"{folder}/cache"} if cold else {}
            options = ["--runs", f"{folder}/runs", "--workers", str(self.workers)]
            start = time.perf_counter()
            figures = _child("emulation_child.py", options, setup.text(shots), cache)
            return figures | {"process, s": time.perf_counter() - start}

    def rates(self, setup: Setup, sizes: Sequence[int]) -> Figures:
        """Return shots per second of a setup, from a run of each size."""
        return rates([self.run(setup, shots) for shots in sizes])

    def aers_own(self, setup: Setup, shots: int) -> Figures:
        """Return the figures of Aer with a noise model of its own, on every core."""
        options = {
            "--scheme": setup.scheme,
            "--distance": setup.distance,
            "--reuse": REUSE,
            "--device": setup.device,
            "--p": P,
            "--shots": shots,
        }
        words = [str(word) for option in options.items() for word in option]
        return _child("emulation_aer.py", words, "", {})


def rates(runs: Sequence[Figures]) -> Figures:
    """Return shots per second of a setup, from runs of growing size.

    `shots/s` is the whole largest run, from its compiled circuits to its tables and report. Of
    several, `sampling, shots/s` is the slope of a straight line through the first and the last and
    `fixed, s` is what it says of a run without shots; both are left out if it falls.
    """
    small, large = runs[0], runs[-1]
    found = {
        "shots": large["shots"],
        "run, s": large["run, s"],
        "CPU, s": total_cpu(large),
        "shots/s": large["shots"] / large["run, s"],
        "shots/CPU s": large["shots"] / total_cpu(large),
        "acceptance": acceptance(large),
    }
    shots, seconds = (large[name] - small[name] for name in ("shots", "run, s"))
    if shots > 0 and seconds > 0:
        found["sampling, shots/s"] = shots / seconds
        found["fixed, s"] = large["run, s"] - large["shots"] * seconds / shots
    return found


def total_cpu(figures: Figures) -> float:
    """Return the processor time of a run, from its compiled circuits on, in seconds."""
    return float(figures["driver, CPU s"] + figures["workers, CPU s"])


def acceptance(figures: Figures) -> float | None:
    """Return the acceptance in a run's fidelity table."""
    rows = figures["fidelity"]
    return rows[0]["acceptance"] if rows else None


def direct_shots(infidelity: float, kept: float, relative_error: float) -> float:
    """Return the shots that direct sampling needs: e to r takes (1 - e) / (e r^2) kept ones."""
    return (1 - infidelity) / (infidelity * relative_error**2) / kept


def _child(script: str, options: Sequence[str], text: str, changed: dict[str, str]) -> Figures:
    threads = {} if script == "emulation_aer.py" else {"OMP_NUM_THREADS": "1"}
    found = subprocess.run(
        [sys.executable, str(FOLDER / script), *options],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | threads | {"OPENBLAS_NUM_THREADS": "1"} | changed,
    )
    if found.returncode != 0:
        raise RuntimeError(f"{script} {' '.join(options)}:\n{text}\n{found.stderr}")
    figures: Figures = json.loads(found.stdout)
    return figures
