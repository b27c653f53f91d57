"""Open runs: what of a runs directory has not ended, and what of it is damaged, copied or lost."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from ...experiments.errors import HexmagicError
from ..catalogue import ledger_runs, run_ids
from ..execution import Services, with_writer
from ..folder.run_folder import RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import RUN_ENDED
from ..ledger.runs import LEDGER_NAME
from ..machines import is_hardware
from ..provenance import PROVENANCE
from ..tick_report import FAILED, RunStep

BEGINNING_SECONDS = 10.0
"""Between making its folder and taking its lock a process may need so long."""


def open_folders(runs: Path, services: Services) -> tuple[list[RunFolder], list[RunStep]]:
    """Return the runs that have not ended, and what is to be said of those that cannot go on."""
    states = {row.run_id: row.state for row in ledger_runs(runs)}
    now = services.clockwork.now()
    folders: list[RunFolder] = []
    damaged = [_lost(run_id) for run_id in runs_without_folder(runs)]
    for run_id in run_ids(runs):
        if states.get(run_id) in RUN_ENDED:
            continue
        folder = with_writer(RunFolder(path=runs / run_id), services)
        try:
            if not _is_copy(folder, states) and _is_left(folder, states, now):
                folders.append(folder)
        except HexmagicError as error:
            problems = (str(error),)
            damaged.append(
                RunStep(run=run_id, state="damaged", problems=problems, exit_code=FAILED)
            )
    return folders, damaged


def folder_of(run_id: str, runs: Path) -> RunFolder:
    """Return the folder of a run, whatever its name; if there is none, where it would be."""
    if not (runs / run_id).exists():
        for name in run_ids(runs):
            if _run_id(runs / name) == run_id:
                return RunFolder(path=runs / name)
    return RunFolder(path=runs / run_id)


def runs_without_folder(runs: Path) -> list[str]:
    """Return the runs on hardware that have not ended and whose folder is gone."""
    if not (runs / LEDGER_NAME).is_file():
        return []
    with HardwareLedger.reading(runs / LEDGER_NAME) as ledger:
        missing = [
            row.run_id
            for row in ledger.runs()
            if row.state not in RUN_ENDED
            and not (runs / row.run_id).exists()
            and ledger.submissions(row.run_id)
        ]
    renamed = {_run_id(runs / name) for name in run_ids(runs)} if missing else set()
    return [run_id for run_id in missing if run_id not in renamed]


def _run_id(path: Path) -> str:
    """Return the id that a folder records, whatever its name; empty if it cannot be read."""
    try:
        return RunFolder(path=path).run_id
    except HexmagicError:
        return ""


def _is_copy(folder: RunFolder, states: Mapping[str, str]) -> bool:
    """Return whether a folder is of a run that is beside it, or that ended elsewhere."""
    if folder.path.name != folder.run_id and (folder.path.parent / folder.run_id).exists():
        return True
    state = states.get(folder.run_id) or folder.read_json(PROVENANCE)["state"]
    return is_hardware(folder.plan) and state in RUN_ENDED


def _is_left(folder: RunFolder, states: Mapping[str, str], now: str) -> bool:
    """Return whether a run is this directory's: an emulated one may have just been begun."""
    if folder.run_id in states or is_hardware(folder.plan):
        return True
    age = datetime.fromisoformat(now) - datetime.fromisoformat(folder.document["created"])
    return age > timedelta(seconds=BEGINNING_SECONDS)


def _lost(run_id: str) -> RunStep:
    problem = (
        f"its folder is gone, its jobs may go on: bring it back, or give it up with "
        f"`hexmagic cancel {run_id}`"
    )
    return RunStep(run=run_id, state="damaged", problems=(problem,), exit_code=FAILED)
