"""An engine that draws random data bits; samplers are module-level, as worker processes need."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hexmagic.backends.compilation import Compiled
from hexmagic.driver.adapters import Engine
from hexmagic.experiments.shots import Shots, pack_shots
from hexmagic.experiments.spec import NoiseSpec

SHOT_SECONDS = "FAKE_SHOT_SECONDS"
FAILURES = "FAKE_FAILURES"
ERROR_RATE = 0.02


def sample(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:  # noqa: ARG001
    """Return shots that depend on the seed alone: every expected bit, now and then flipped."""
    record = compiled.program.record
    rng = np.random.default_rng(seed)
    bits = rng.random((shots, len(record.bits))) < ERROR_RATE
    for j, bit in enumerate(record.bits):
        bits[:, j] ^= rng.random(shots) < 0.5 if bit.expected is None else bool(bit.expected)
    return pack_shots(bits, record)


def sample_slowly(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:
    """Return the same shots after a sleep: seconds from the environment."""
    time.sleep(float(os.environ.get(SHOT_SECONDS, "0")))
    return sample(compiled, noise, shots=shots, seed=seed)


def sample_or_raise(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:
    """Return the same shots, but raise in basis Z while the file of failures exists."""
    if compiled.program.record.logical.basis == "Z" and Path(os.environ[FAILURES]).exists():
        raise ValueError("the fake cannot do Z\nnot at all")
    return sample(compiled, noise, shots=shots, seed=seed)


def sample_or_die(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:
    """Return the same shots, but kill the process in basis Z while the file of failures exists."""
    if compiled.program.record.logical.basis == "Z" and Path(os.environ[FAILURES]).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    return sample(compiled, noise, shots=shots, seed=seed)


def make_engine(
    sampler: Callable[..., Shots] = sample, *, version: str = "1", max_qubits: int = 20
) -> Engine:
    """Return the fake engine."""
    return Engine(
        name="fake",
        version=version,
        max_qubits=max_qubits,
        sample=sampler,
        shots_per_shard=lambda _compiled, _counted: 500,
        approximations=lambda compiled, _noise, **_: (f"{compiled.device.name} is a fake",),
    )
