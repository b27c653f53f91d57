"""How a run ends, in its provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .clockwork import seconds_between
from .folder.run_folder import RunFolder
from .ledger.jobs import JobRow, RunState
from .provenance import PROVENANCE, with_outcome


def write_ending(
    folder: RunFolder,
    state: RunState,
    *,
    now: str,
    jobs: Sequence[JobRow],
    problems: Sequence[str] = (),
    charged: Mapping[str, object] | None = None,
) -> None:
    """Write into a run's provenance how it stands now that work on it stops.

    Args:
        folder: the run.
        state: how it stands.
        now: UTC, ISO 8601.
        jobs: every attempt at every shard.
        problems: what failed or is missing, in words.
        charged: of hardware what `driver.hardware.charges` tells; None: nothing is charged.
    """
    provenance = folder.read_json(PROVENANCE)
    document = with_outcome(
        provenance,
        state=state,
        finished=now,
        seconds=seconds_between(provenance["created"], now),
        jobs=jobs,
        problems=problems,
    )
    folder.write_json(PROVENANCE, document | dict(charged or {}))


def tell_state(folder: RunFolder, state: RunState) -> None:
    """Write into a run's provenance how it stands, where the ledger knows it already."""
    provenance = folder.read_json(PROVENANCE)
    if provenance["state"] != state:
        folder.write_json(PROVENANCE, provenance | {"state": state})
