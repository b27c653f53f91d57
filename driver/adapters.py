"""Engines as the driver knows them: what samples compiled circuits, by its name."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..experiments.counts import Counts
from ..experiments.errors import HexmagicError, RefusedError, UsageError
from ..experiments.shots import Shots
from ..experiments.spec import Accept, NoiseSpec
from ..experiments.spec.backends import BUILT_IN, ENGINES, known_backends

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from .machines import Machines


class Sampler(Protocol):
    """Takes shots: every raw bit of each; the same arguments give the same shots.

    That of an engine with `locations` also takes `faults`, as a Counter does.
    """

    def __call__(self, compiled: Compiled, noise: NoiseSpec, /, *, shots: int, seed: int) -> Shots:
        """Return so many shots."""


class Counter(Protocol):
    """Takes shots and counts them; with `faults` every shot has exactly so many faults."""

    def __call__(
        self,
        compiled: Compiled,
        noise: NoiseSpec,
        accept: Accept,
        /,
        *,
        shots: int,
        seed: int,
        faults: int | None,
    ) -> Counts:
        """Return the counts of so many shots."""


class Approximations(Protocol):
    """Tells in words what an engine changes in a compiled circuit and its noise."""

    def __call__(
        self, compiled: Compiled, noise: NoiseSpec, /, *, stratified: bool
    ) -> tuple[str, ...]:
        """Return one text for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Something that samples compiled circuits.

    Attributes:
        name: as in `device.backend`.
        version: of the simulator; it enters every shard's identity.
        max_qubits: the largest circuit that it holds; None: any.
        sample: a module-level function, because worker processes find it by its name.
        shots_per_shard: (compiled, whether shots are only counted) -> shots; it enters every seed.
        approximations: what the engine changes, in words.
        count: counts without records, if the engine can; a module-level function too.
        counts_early: (compiled, noise) -> whether `count` is exact and should be used.
        locations: (compiled, noise) -> probability of each fault location of `count` with faults.
        machines: where jobs wait in a queue: the service's; `sample` is not there then.
    """

    name: str
    version: str
    max_qubits: int | None
    sample: Sampler
    shots_per_shard: Callable[[Compiled, bool], int]
    approximations: Approximations
    count: Counter | None = None
    counts_early: Callable[[Compiled, NoiseSpec], bool] | None = None
    locations: Callable[[Compiled, NoiseSpec], NDArray[np.float64]] | None = None
    machines: Machines | None = None

    @property
    def identity(self) -> str:
        """Name and version."""
        return f"{self.name} {self.version}"


def load_engine(backend: str) -> Engine:
    """Return the engine of a backend's name: one of ours, or one that a package offers.

    Raises:
        UsageError: there is none, or the package's cannot be loaded.
    """
    if backend == "aer":
        return _load_aer()
    if backend == "clifft":
        return _load_clifft()
    for offered in importlib.metadata.entry_points(group=ENGINES, name=backend):
        if backend not in BUILT_IN:
            return make_engine(offered)
    raise UsageError(f"backend {backend!r}: no such engine; use {', '.join(known_backends())}")


def make_engine(offered: importlib.metadata.EntryPoint) -> Engine:
    """Return the engine that a package's function makes; docs/extending_engine.md shows one.

    Raises:
        UsageError: the function is not there, fails, or returns no engine of its name.
    """
    place = f"backend {offered.name!r}: {offered.value}"
    try:
        engine = offered.load()()
    except Exception as error:  # whatever another program's code may raise
        raise UsageError(f"{place} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(engine, Engine) or engine.name != offered.name:
        found = engine.name if isinstance(engine, Engine) else type(engine).__name__
        raise UsageError(f"{place} returns {found!r}, not an Engine whose name is {offered.name!r}")
    if engine.machines is not None:
        raise UsageError(f"{place} has machines; only backend ibm waits in a queue")
    return engine


def hardware_engine(machines: Machines, names: Iterable[str]) -> Engine:
    """Return the engine whose jobs wait in a service's queue.

    Args:
        machines: the service.
        names: the machines that are to be used: no job has more shots than all of them take.
    """
    most = min(machines.standing(name).max_shots for name in names)
    kind, _, version = machines.remote.identity.partition(" ")
    return Engine(
        name=kind,
        version=version,
        max_qubits=None,
        sample=_sample_nothing,
        shots_per_shard=lambda _compiled, _counted: most,
        approximations=_change_nothing,
        machines=machines,
    )


def _sample_nothing(_compiled: Compiled, _noise: NoiseSpec, /, *, shots: int, seed: int) -> Shots:
    raise HexmagicError(f"{shots} shots (seed {seed}): jobs on hardware are submitted, not sampled")


def _change_nothing(
    _compiled: Compiled, _noise: NoiseSpec, /, *, stratified: bool
) -> tuple[str, ...]:
    if stratified:
        raise RefusedError("hardware cannot take shots with a given number of faults")
    return ()


def _load_aer() -> Engine:
    from ..backends.aer import engine as aer

    return Engine(
        name="aer",
        version=importlib.metadata.version("qiskit-aer"),
        max_qubits=aer.MAX_QUBITS,
        sample=aer.sample,
        shots_per_shard=aer.shots_per_shard,
        approximations=aer.approximations,
    )


def _load_clifft() -> Engine:
    from ..backends.clifft import engine as clifft_engine

    return Engine(
        name="clifft",
        version=importlib.metadata.version("clifft"),
        max_qubits=None,
        sample=clifft_engine.sample,
        shots_per_shard=clifft_engine.shots_per_shard,
        approximations=clifft_engine.approximations,
        count=clifft_engine.count,
        counts_early=clifft_engine.counts_early,
        locations=clifft_engine.location_probabilities,
    )
