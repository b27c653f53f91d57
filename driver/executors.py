"""What `--executor` says: worker processes of this machine, or an existing Dask scheduler."""

from __future__ import annotations

import functools
import re
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from ..experiments.errors import UsageError
from .workers import PoolFactory, make_process_pool

if TYPE_CHECKING:
    from .dask.cluster import Patience

PROCESSES = "processes"
_ADDRESS = re.compile(r"(?:tcp|tls)://(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})")


def pool_factory(executor: str, *, patience: Patience | None = None) -> PoolFactory:
    """Return what makes a run's pool; a cluster is asked at once whether it will do.

    Args:
        executor: `processes`, or the address of a Dask scheduler, tcp://HOST:PORT or tls://...
        patience: how long to wait for the cluster, by default `Patience()`.

    Raises:
        UsageError: it is neither, `distributed` is not installed, or no scheduler answers.
        RefusedError: the cluster has no workers, or they would not give the same results.
    """
    if executor == PROCESSES:
        return make_process_pool
    address = _checked_address(executor)
    try:
        from .dask import cluster as dask_cluster
        from .dask import pool as dask_pool
    except ModuleNotFoundError as error:
        if error.name not in ("distributed", "dask"):
            raise
        raise UsageError(
            f"--executor {address}: needs the package distributed; pip install 'hexmagic[dask]'"
        ) from error
    patience = patience or dask_cluster.Patience()
    dask_cluster.check_cluster(address, patience)
    return functools.partial(dask_pool.make_dask_pool, address=address, patience=patience)


def shards_in_flight(pool: Executor, workers: int) -> int:
    """Return how many shards to have in flight: what the pool says now, or one for each worker."""
    return int(getattr(pool, "in_flight", workers))


def _checked_address(executor: str) -> str:
    match = _ADDRESS.fullmatch(executor)
    if match and 0 < int(match[1]) < 65536:
        return executor
    if "@" in executor:
        raise UsageError(
            "--executor: an address with a user or a password is not taken, because the run folder "
            "would hold it; give tcp://HOST:PORT"
        )
    raise UsageError(
        f"--executor {executor!r}: neither `processes` nor the address of a Dask scheduler, "
        "tcp://HOST:PORT or tls://HOST:PORT"
    )
