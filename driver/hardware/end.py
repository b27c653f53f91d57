"""How a step leaves a run on paid hardware: what is written, and what is told to whom."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...backends.remote import RemoteError
from ..endings import tell_state, write_ending
from ..hooks import call_hook
from ..ledger.jobs import RUN_ENDED, RunState
from .charges import charges
from .settling import settle
from .step import HardwareRun

if TYPE_CHECKING:
    from ..outputs import Outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How a step has left a run.

    Attributes:
        state: how it stands.
        problems: of one that ended: what failed or is missing.
        unheard: that its `on_done` command failed, which is no fault of the run's.
    """

    state: RunState
    problems: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()


def leave(run: HardwareRun, state: RunState, before: str) -> Left:
    """Write how a run stands after a step; return what is to be told of one that ended.

    A run that ends gets its tables and its report, its batches are closed, and its `on_done`
    command is run; the ledger learns last that it ended, so that a crash on the way is made up
    for by the next step. A report that cannot be drawn costs nothing else.

    Args:
        run: the run.
        state: how it stands now.
        before: how it stood before.
    """
    run_id = run.folder.run_id
    rows = [row for row in run.ledger.unsettled() if row.run_id == run_id]
    run.waits.extend(settle(run.ledger, rows, lambda: run.remote, run.now()))
    if state in ("failed", "parked") and run.jobs("submitted"):  # one that was gone is there again
        state = "waiting"
    if state not in RUN_ENDED and state != "parked":
        if state != before:
            _write(run, state)
            run.ledger.set_run_state(run.folder.run_id, state)
        tell_state(run.folder, state)
        return Left(state=state)
    if state == before:
        tell_state(run.folder, state)
        return Left(state=state)
    from ..outputs import write_tables

    outputs = write_tables(run.folder, run.ledger.jobs(run_id), run.ledger.remotes(run_id))
    if state in RUN_ENDED:
        _close_batches(run)
    _write(run, state, outputs.problems)
    undrawn = _draw(run, outputs)
    problems = outputs.problems + undrawn
    if undrawn:
        _write(run, state, problems)
    unheard = call_hook(run.folder, run.ledger, state)
    run.ledger.set_run_state(run_id, state, detail="; ".join(problems))
    return Left(
        state=state,
        problems=() if state == "cancelled" else problems,  # what is missing then was asked for
        unheard=(unheard,) if unheard else (),
    )


def _draw(run: HardwareRun, outputs: Outputs) -> tuple[str, ...]:
    from ..outputs import write_report

    try:
        write_report(run.folder, outputs)
    except Exception as error:  # whatever a plot may raise: the shots and tables are there
        return (f"the report could not be written: {type(error).__name__}: {error}",)
    return ()


def _write(run: HardwareRun, state: RunState, problems: tuple[str, ...] = ()) -> None:
    jobs = run.ledger.jobs(run.folder.run_id)
    write_ending(
        run.folder,
        state,
        now=run.now(),
        jobs=jobs,
        problems=problems,
        charged=charges(run.ledger, run.folder.run_id, jobs),
    )


def _close_batches(run: HardwareRun) -> None:
    """Close the run's batches; one that cannot be closed ends by itself at the service."""
    for batch in {s.batch for s in run.ledger.submissions(run.folder.run_id) if s.batch}:
        with suppress(RemoteError):
            run.remote.close_batch(batch)
