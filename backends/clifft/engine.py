"""The clifft adapter: compiled circuits of any size with Pauli noise, sampled exactly.

Everything here is a function that a worker process finds by its name. Circuits are compiled for
clifft once in each process.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from operator import add

import clifft
import numpy as np
from numpy.typing import NDArray

from ...experiments.counts import Counts
from ...experiments.errors import HexmagicError, RefusedError, UsageError
from ...experiments.shots import Shots, join_shots, pack_shots
from ...experiments.spec import Accept, NoiseSpec
from ..compilation import Compiled
from ..noise.channels import CircuitNoise, Relaxation
from ..noise.models import make_noise
from .counts import Counting, ideal, ideal_flipped, recorded
from .noise import (
    EQUAL_KINDS,
    STRATUM_PROBABILITY,
    flip_bits,
    is_symmetric,
    noise_errors,
    site_errors,
    stratum_noise,
)
from .programs import compile_lines, sample_all
from .shots import batches, record_columns
from .text import Errors, make_text

_NARROW, _MIDDLE = 5, 12
"""Largest active width of a circuit like those of d = 3, and like those of d = 5."""

_ANY_NOISE = NoiseSpec(kind="uniform", p=1e-3)
"""Without any noise clifft would simplify the circuit further."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A circuit with its noise; equal if the same shots come of it."""

    compiled: Compiled = field(compare=False)
    fingerprint: str
    noise: NoiseSpec


@dataclass(frozen=True, kw_only=True)
class _Sampling:
    """A circuit made ready for whole records.

    Attributes:
        engine: the compiled circuit.
        columns: measurement of each bit of the record map.
        rates: flips of the sampled bits; None: they are in the circuit.
    """

    engine: clifft.Program
    columns: list[int]
    rates: list[tuple[float, float]] | None


def sample(
    compiled: Compiled,
    noise: NoiseSpec,
    *,
    shots: int,
    seed: int,
    faults: int | None = None,
) -> Shots:
    """Return shots of a compiled circuit; the same arguments give the same shots.

    Args:
        compiled: the circuit, with its device's calibration.
        noise: of any kind; relaxation is Pauli-twirled.
        shots: how many.
        seed: any non-negative integer, 0 included; derive it by hashing, never by adding.
        faults: number of faults in each shot, flips of the sampled bits not among them; None: as
            they come. Only where `counts_early` is False.

    Raises:
        RefusedError: a circuit without a readout.
        UsageError: noise that the device has no data for.
    """
    record = compiled.program.record
    if record.logical.basis == "H_ideal":
        raise RefusedError("measure H_ideal has no readout to record: write keep: tallies")
    ready = _sampling(_job(compiled, noise))
    parts = []
    for size, engine_seed in batches(shots, seed):
        found = sample_all(ready.engine, size, engine_seed, faults).measurements
        bits = np.take(found, ready.columns, axis=1).view(np.bool_)
        if ready.rates is not None:
            flip_bits(bits, ready.rates, np.random.default_rng(engine_seed))
        parts.append(pack_shots(bits, record))
    return join_shots(parts)


def count(
    compiled: Compiled,
    noise: NoiseSpec,
    accept: Accept,
    *,
    shots: int,
    seed: int,
    faults: int | None = None,
) -> Counts:
    """Return counts of shots, which are discarded early; the same arguments give the same counts.

    Args:
        compiled: the circuit, with its device's calibration.
        noise: of any kind; relaxation is Pauli-twirled.
        accept: what is asked of a shot. Of H_ideal both treatments of the faces are counted.
        shots: how many.
        seed: any non-negative integer, 0 included; derive it by hashing, never by adding.
        faults: number of faults in each shot; None: as they come. Under uniform and paper noise
            the counts do not depend on p then. Flips of an asymmetric readout are not among them.

    Raises:
        RefusedError: asymmetric readout of a recorded result (see `counts_early`).
        UsageError: more faults than locations, too many faces to decode, or noise that the device
            has no data for.
    """
    stratified = faults is not None
    job = _job(compiled, stratum_noise(noise) if stratified else noise)
    counting = _counting(job, accept, stratified)
    if faults is not None:
        _check_faults(faults, counting.engine)
    parts = (counting.count(size, part, faults) for size, part in batches(shots, seed))
    return reduce(add, parts)


def counts_early(compiled: Compiled, noise: NoiseSpec) -> bool:
    """Return whether `count` is exact.

    It is not where a result is recorded and readout is asymmetric: sample such a circuit.
    """
    if compiled.program.record.logical.basis == "H_ideal":
        return True
    return is_symmetric(make_noise(compiled, noise))


def location_probabilities(compiled: Compiled, noise: NoiseSpec) -> NDArray[np.float64]:
    """Return the probability of each fault location of `count` with a given number of faults.

    Shape (locations,). The number of faults in a shot is the number of them that strike.

    Raises:
        HexmagicError: locations that the noise holds for equally likely are not.
    """
    sites = np.array(_sites(_job(compiled, stratum_noise(noise))))
    if noise.kind in EQUAL_KINDS:
        if not np.allclose(sites, STRATUM_PROBABILITY, rtol=1e-9):
            raise HexmagicError(f"{noise.kind} noise: its fault locations are not equally likely")
        return np.full(len(sites), noise.p)
    return sites


def shots_per_shard(compiled: Compiled, counted: bool) -> int:
    """Return the shots of a shard: a second or less, and never much for the memory.

    What a shot costs goes with the rotations that are open at a time, not with the qubits: about
    3e-7 s of d = 3, 1e-5 s of d = 5 and of d = 7 without resets, 1e-2 s of d = 7 with them.
    """
    width = _active_width(_job(compiled, _ANY_NOISE))
    if width <= _NARROW:
        return 1 << 20 if counted else 1 << 16
    if width <= _MIDDLE:
        return 1 << 15 if counted else 1 << 14
    return 1 << 6


def approximations(compiled: Compiled, noise: NoiseSpec, *, stratified: bool) -> tuple[str, ...]:
    """Return what the engine changes in a circuit and its noise, for the run's record."""
    return tuple(_approximations(compiled, noise, stratified=stratified))


def _approximations(compiled: Compiled, noise: NoiseSpec, *, stratified: bool) -> Iterator[str]:
    found = make_noise(compiled, noise)
    yield "only the patch's qubits are simulated"
    if any(isinstance(channel, Relaxation) for channel in found.channels):
        yield "T1/T2 relaxation is Pauli-twirled: not the same channel"
    if any(channel.at >= 0 and _is_delay(compiled, channel.at) for channel in found.channels):
        yield "the errors of a delay strike at its end"
    if noise.kind == "calibration" and any(i.name == "reset" for i in compiled.instructions):
        yield "a reset is ideal and followed by a flip with P(1|0)"
    if stratified and noise.kind in EQUAL_KINDS:
        yield (
            "a preparation, reset or readout that flips with 2p/3 suffers X, Y or Z with p, of "
            "which Z does nothing (same channel)"
        )
    elif not is_symmetric(found):
        yield "readout errors flip the sampled bits (exact: nothing feeds forward)"
    if compiled.program.record.logical.basis == "H_ideal":
        yield "the data are not read out: ideal checks and the state itself tell the result"


def _is_delay(compiled: Compiled, at: int) -> bool:
    return compiled.instructions[at].name == "delay"


def _check_faults(faults: int, engine: clifft.Program) -> None:
    locations = sum(p > 0 for p in engine.noise_site_probabilities)
    if not 0 <= faults <= locations:
        raise UsageError(f"{faults} faults in each shot: the circuit has {locations} locations")


def _job(compiled: Compiled, noise: NoiseSpec) -> _Job:
    return _Job(compiled=compiled, fingerprint=compiled.fingerprint, noise=noise)


@lru_cache(maxsize=16)
def _sampling(job: _Job) -> _Sampling:
    compiled, record = job.compiled, job.compiled.program.record
    noise = make_noise(compiled, job.noise)
    circuit = make_text(compiled.instructions, noise_errors(compiled, noise))
    rates = [noise.readout.get(bit.key, (0.0, 0.0)) for bit in record.bits]
    return _Sampling(
        engine=compile_lines(circuit.lines),
        columns=record_columns(circuit, record),
        rates=None if is_symmetric(noise) else rates,
    )


@lru_cache(maxsize=32)
def _counting(job: _Job, accept: Accept, stratified: bool) -> Counting:
    """Return a circuit made ready for counting shots, stratified: with a given number of faults."""
    compiled, noise = job.compiled, make_noise(job.compiled, job.noise)
    errors = _stratum_errors(job, noise) if stratified else noise_errors(compiled, noise)
    ideally = compiled.program.record.logical.basis == "H_ideal"
    if is_symmetric(noise):
        return (ideal if ideally else recorded)(compiled, errors, accept)
    if ideally:
        return ideal_flipped(compiled, errors, accept, noise)
    raise RefusedError(
        f"noise {job.noise}: its readout is asymmetric, so shots are sampled and then counted"
    )


def _stratum_errors(job: _Job, noise: CircuitNoise) -> Errors:
    """Return a circuit's fault locations; flips of an asymmetric readout come after sampling."""
    if is_symmetric(noise):
        return site_errors(job.compiled, job.noise)
    return noise_errors(job.compiled, noise)


@lru_cache(maxsize=64)
def _sites(job: _Job) -> NDArray[np.float64]:
    """Return the probability of each noise site; a sweep of p asks for the same ones."""
    errors = _stratum_errors(job, make_noise(job.compiled, job.noise))
    lines = make_text(job.compiled.instructions, errors).lines
    return compile_lines(lines).noise_site_probabilities


@lru_cache(maxsize=64)
def _active_width(job: _Job) -> int:
    """Return how many rotations are open at a time, at most; a sweep asks for the same circuit."""
    errors = noise_errors(job.compiled, make_noise(job.compiled, job.noise))
    return compile_lines(make_text(job.compiled.instructions, errors).lines).peak_active_width


@atexit.register
def _forget() -> None:
    """Let go of what was compiled; at exit clifft would report it as leaked."""
    for ready in (_sampling, _counting):
        ready.cache_clear()
