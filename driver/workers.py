"""Worker processes: each gets the compiled circuits once and then runs shard after shard."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..experiments.counts import Counts
from ..experiments.spec import Accept, NoiseSpec
from .adapters import Counter, Sampler
from .plan import CircuitKey
from .shards import Shard

if TYPE_CHECKING:
    from ..backends.compilation import Compiled

Taken = NDArray[np.uint8] | Counts
"""What a shard gives: the packed rows of its `Shots`, or its counts."""

PoolFactory = Callable[..., Executor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a circuit's shards have in common.

    Attributes:
        compiled: the circuit.
        noise: what goes wrong.
        accept: what is counted as kept.
        counts_early: whether counts come from the engine's `count`, not from whole records.
    """

    compiled: Compiled
    noise: NoiseSpec
    accept: Accept
    counts_early: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a worker needs for every shard of a run; pickled once per worker."""

    sample: Sampler
    tasks: Mapping[CircuitKey, Task]
    count: Counter | None = None


_held: list[Kit] = []
"""The kit of this worker process."""


def make_process_pool(workers: int, kit: Kit) -> Executor:
    """Return a pool of spawned processes (Aer must not be forked) that hold `kit`."""
    return _SpawnPool(
        max_workers=workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=start_worker,
        initargs=(kit,),
    )


def start_worker(kit: Kit) -> None:
    """Prepare a worker; a process of its own ends with its parent."""
    _held[:] = [kit]
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def run_shard(shard: Shard) -> Taken:
    """Return a shard's packed shots or its counts; runs in a worker."""
    (kit,) = _held
    return take_shard(kit, shard)


def take_shard(kit: Kit, shard: Shard) -> Taken:
    """Return a shard's packed shots or its counts.

    Raises:
        ValueError: counts that the engine cannot give.
    """
    task = kit.tasks[shard.point, shard.basis]
    if shard.gives == "counts" and task.counts_early:
        if kit.count is None:
            raise ValueError(f"shard {shard.id}: this engine cannot count")
        return kit.count(
            task.compiled,
            task.noise,
            task.accept,
            shots=shard.shots,
            seed=shard.seed,
            faults=shard.faults,
        )
    given: dict[str, Any] = {} if shard.faults is None else {"faults": shard.faults}
    shots = kit.sample(task.compiled, task.noise, shots=shard.shots, seed=shard.seed, **given)
    if shard.gives == "shots":
        return shots.packed
    from ..analysis.postselect import count_shots

    return count_shots(shots, task.accept)


def stop_pool(pool: Executor) -> None:
    """End a pool at once: its processes are terminated, what they were doing is lost."""
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


def _end_with(parent: Any) -> None:
    """End this process when its parent is gone, killed included: nobody would read its result."""
    parent.join()
    os._exit(1)


class _SpawnPool(ProcessPoolExecutor):
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with _without_main_module(), _without_interrupts(), _with_one_thread():
            return super().submit(fn, *args, **kwargs)


@contextmanager
def _without_main_module() -> Iterator[None]:
    """Let a spawned process not import the caller's script again.

    A plain script that calls `hexmagic.run` without `if __name__ == "__main__"` would otherwise
    start the whole run once more in each worker. Processes are started inside `submit`.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _with_one_thread() -> Iterator[None]:
    """Let a spawned process's numerical libraries use one thread: processes share the cores."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ |= dict.fromkeys(names, "1")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Let a spawned process never get Ctrl-C: it inherits the mask, the parent stops it.

    An interrupt that comes meanwhile is delivered to this process afterwards.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
