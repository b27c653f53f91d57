"""Print the benchmarks: what each figure means is in README.md beside this file."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[_name] = "1"  # before numpy, Aer and Qiskit are loaded

if TYPE_CHECKING:
    from hexmagic.backends.compilation import Compiled

ROOT = Path(__file__).resolve().parents[1]


def timed[T](work: Callable[[], T], repeats: int = 1) -> tuple[T, float]:
    """Return a result and the shortest time of some repetitions, in seconds."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - start)
    return result, best


def measure_start() -> dict[str, float]:
    """Return the time of `hexmagic --help` in a process of its own."""
    command = [str(Path(sys.executable).with_name("hexmagic")), "--help"]
    _, seconds = timed(lambda: subprocess.run(command, capture_output=True, check=True), 3)
    return {"hexmagic --help, s": seconds}


def measure_preparation() -> tuple[Compiled, dict[str, float]]:
    """Return fold14 compiled for FakeBoston, and how long each step in front of the shots takes."""
    from hexmagic.backends.compilation import compile_program
    from hexmagic.backends.device import load_device
    from hexmagic.backends.embedding import choose_embedding, find_embeddings
    from hexmagic.experiments.certificates.single import certify
    from hexmagic.experiments.program import make_program

    device, load = timed(lambda: load_device("fake_boston"))
    program = make_program(scheme="fold14", distance=3, rounds=1, basis="Z")
    layouts, search = timed(lambda: find_embeddings(program.patch, device), 3)
    layout, choose = timed(lambda: choose_embedding(program, device), 3)
    compiled, compilation = timed(lambda: compile_program(program, device, layout), 3)
    certificate, certification = timed(lambda: certify(program, compiled.instructions))
    return compiled, {
        "load fake_boston, s": load,
        "find embeddings, s": search,
        "embeddings": float(len(layouts)),
        "choose embedding (search, one compilation, scores), s": choose,
        "compile, s": compilation,
        "certify, s": certification,
        "faults certified": float(len(certificate.faults)),
    }


def measure_sampling(compiled: Compiled, ours_shots: int, aers_shots: int) -> dict[str, float]:
    """Return shots per second of the adapter and of Aer's own noise model, and their ratio."""
    sys.path.insert(0, str(ROOT / "tests"))
    from fakes.aer_noise import make_aer_noise_model, with_relaxation
    from qiskit_aer import AerSimulator

    from hexmagic.backends.aer.engine import sample
    from hexmagic.experiments.spec import NoiseSpec

    calibration = NoiseSpec(kind="calibration", p=None)
    clean = NoiseSpec(kind="none", p=None)
    simulator = AerSimulator(
        method="statevector", max_parallel_threads=1, noise_model=make_aer_noise_model(compiled)
    )
    noisy = with_relaxation(compiled)
    sample(compiled, calibration, shots=20, seed=1)  # nothing is measured cold
    _, ours = timed(lambda: sample(compiled, calibration, shots=ours_shots, seed=2))
    _, aers = timed(lambda: simulator.run(noisy, shots=aers_shots, seed_simulator=3).result())
    _, noiseless = timed(lambda: sample(compiled, clean, shots=100_000, seed=4))
    return {
        "adapter, calibration noise, shots/s": ours_shots / ours,
        "Aer's own noise model, shots/s": aers_shots / aers,
        "adapter / Aer's own": (ours_shots / ours) / (aers_shots / aers),
        "adapter, no noise, shots/s": 100_000 / noiseless,
    }


def main() -> None:
    """Measure, print a table and, if asked, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--shots", type=int, default=1000, help="of the adapter")
    parser.add_argument("--aer-shots", type=int, default=150, help="of Aer's own noise model")
    options = parser.parse_args()
    figures = measure_start()
    compiled, preparation = measure_preparation()
    figures |= preparation
    figures |= measure_sampling(compiled, options.shots, options.aer_shots)
    width = max(map(len, figures))
    for name, value in figures.items():
        shown = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
        print(f"{name:<{width}}  {shown:>12}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
