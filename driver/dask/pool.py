"""A pool on an existing Dask cluster: a shard whose worker dies is run again by another one."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import pickle
import warnings
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import CancelledError, Executor, Future
from contextlib import suppress
from time import monotonic
from typing import Any

import distributed
from distributed.comm.core import CommClosedError

from ...experiments.errors import HexmagicError, RefusedError, UsageError
from ..workers import Kit
from .cluster import Patience, join_cluster
from .worker import BrokenClusterError, run_with_kit, software, unpack_kit

_log = logging.getLogger("distributed.client")

SHARDS_PER_THREAD = 2
"""Shards in flight for each thread: one that runs and one that is there when it is done."""


class ClusterLostError(HexmagicError):
    """The cluster was fit when the run was asked for, but not when its shards were to start."""


def make_dask_pool(workers: int, kit: Kit, *, address: str, patience: Patience) -> Executor:  # noqa: ARG001
    """Return a pool that runs shards with `kit` on a scheduler's workers, as many as it has.

    Raises:
        ClusterLostError: the cluster is not there, or not fit, any more.
    """
    try:
        client = join_cluster(address, patience)
    except (UsageError, RefusedError) as error:
        raise ClusterLostError(str(error)) from error
    return DaskPool(client, kit, address=address, patience=patience)


class DaskPool(Executor):
    """Runs functions on a cluster whose workers hold a kit.

    The kit goes to the cluster once and there from worker to worker; its name is the hash of its
    content. It is a task and not scattered data: if all that hold it die it is unpacked again.
    Futures change on the client's event loop only.
    """

    def __init__(
        self, client: distributed.Client, kit: Kit, *, address: str, patience: Patience
    ) -> None:
        assert client.loop is not None
        self._client = client
        self._loop = client.loop
        self._address = address
        self._patience = patience
        self._ours = software()
        self._flying: dict[Future[Any], distributed.Future[Any]] = {}
        self._closed = False
        self._broken = ""
        _log.addFilter(_drop)
        self._threads: int = sum(client.nthreads().values())
        self._kit = self._send(kit)
        self._watcher = client.sync(self._start_watching)

    @property
    def in_flight(self) -> int:
        """Number of shards to have in flight; it follows the cluster."""
        return SHARDS_PER_THREAD * max(1, self._threads)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a module-level function on the cluster; if that is lost the future says so."""
        if kwargs or self._closed:
            raise RuntimeError("a Dask pool takes positional arguments, until it is shut down")
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()
        if self._broken or self._client.status != "running":
            future.set_exception(BrokenClusterError(self._broken or self._no_scheduler()))
            return future
        task = self._client.submit(run_with_kit, self._kit, self._ours, fn, args, pure=False)
        self._flying[future] = task
        self._loop.add_callback(self._deliver, task, future)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster after waiting for what is in flight, or with that cancelled.

        A shard that a worker has begun cannot be interrupted: its result is thrown away.
        """
        if self._closed:
            return
        self._closed = True
        if wait and not cancel_futures:
            futures.wait(list(self._flying))
        with suppress(TimeoutError, OSError, RuntimeError):  # the cluster may be gone
            self._client.sync(self._leave, callback_timeout=self._patience.scheduler)
            self._client.close(timeout=self._patience.scheduler)
        _log.removeFilter(_drop)

    def _send(self, kit: Kit) -> distributed.Future[Kit]:
        content = pickle.dumps(kit)
        key = f"hexmagic-kit-{hashlib.sha256(content).hexdigest()}"
        with warnings.catch_warnings():
            # A kit of many circuits is large and is sent once; the advice to scatter it is wrong.
            warnings.filterwarnings("ignore", message="Sending large graph")
            return self._client.submit(unpack_kit, content, key=key)

    async def _deliver(self, task: distributed.Future[Any], future: Future[Any]) -> None:
        """Hand on a task's outcome once the cluster has been told to forget it.

        A finished task that is still wanted is run again if the worker with its result dies.
        """
        try:
            result = await task
        except (CancelledError, CommClosedError):
            # cancelled, but not by us: then the future is not in flight any more; or the
            # scheduler died while it handed over the result
            self._give_up(future, self._no_scheduler())
        except BrokenClusterError as error:
            self._give_up(future, str(error))
        except BaseException as error:
            self._land(future, error)
        else:
            task.release()
            self._land(future, None, result)

    def _give_up(self, future: Future[Any], reason: str) -> None:
        self._broken = self._broken or reason
        self._land(future, BrokenClusterError(reason))

    def _land(self, future: Future[Any], error: BaseException | None, result: Any = None) -> None:
        if self._flying.pop(future, None) is None:
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    async def _start_watching(self) -> asyncio.Task[None]:
        return asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        """Follow the size of the cluster; give up if nobody is there for too long."""
        patience = self._patience.workers
        alive = monotonic()
        while True:
            await asyncio.sleep(min(1.0, patience / 4))
            threads = await self._count_threads()
            self._threads = threads or 0
            if threads:
                alive = monotonic()
            elif monotonic() - alive > patience:
                reason = f"all workers are gone and none came for {patience:g} s"
                if threads is None:
                    reason = f"the scheduler has not answered for {patience:g} s"
                for future in list(self._flying):
                    self._give_up(future, f"{self._address}: {reason}")

    async def _count_threads(self) -> int | None:
        """Return how many threads the workers have, None if the scheduler does not say."""
        try:
            async with asyncio.timeout(self._patience.scheduler):
                nthreads: dict[str, int] = await self._client.nthreads()
        except (OSError, AttributeError, RuntimeError):  # what a lost connection raises
            return None
        return sum(nthreads.values())

    async def _leave(self) -> None:
        self._watcher.cancel()
        tasks = list(self._flying.values())
        for future in list(self._flying):
            self._land(future, CancelledError())
        await self._client.cancel([*tasks, self._kit])

    def _no_scheduler(self) -> str:
        return f"{self._address}: the scheduler is gone or was restarted"


def _drop(record: logging.LogRecord) -> bool:  # noqa: ARG001 - the form of a filter
    """Drop what Dask's client logs: a traceback for each thing that a run says in one line."""
    return False
