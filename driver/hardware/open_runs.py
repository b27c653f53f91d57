"""Open runs: what of a runs directory has not ended, and what of it is damaged, copied or lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ...experiments.errors import HexmagicError, RefusedError
from ..catalogue import ledger_runs, run_folders, run_ids
from ..clockwork import seconds_between
from ..folder.run_folder import PLAN, RunFolder
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import RUN_ENDED
from ..ledger.runs import LEDGER_NAME
from ..machines import is_hardware
from ..provenance import PROVENANCE
from ..services import Services, with_writer
from ..tick_report import FAILED, RunStep

_LOST = (
    "its folder, or plan.json in it, is gone, and its jobs may go on: bring it back, or give it up "
    "with `hexmagic cancel {}`"
)
BEGINNING_SECONDS = 10.0
"""Between making its folder and taking its lock a process may need so long."""


def open_folders(runs: Path, services: Services) -> tuple[list[RunFolder], list[RunStep]]:
    """Return the runs that have not ended, and what is to be said of those that cannot go on."""
    states = {row.run_id: row.state for row in ledger_runs(runs)}
    now = services.clockwork.now()
    folders: list[RunFolder] = []
    doubled = doubled_folders(run_folders(runs), states)
    damaged = [_damaged(run_id, _LOST.format(run_id)) for run_id in runs_without_folder(runs)]
    damaged += [_damaged(run_id, words) for run_id, words in doubled.items()]
    for name in run_ids(runs):
        if states.get(name) in RUN_ENDED:
            continue
        folder = with_writer(RunFolder(path=runs / name), services)
        try:
            if folder.run_id in doubled:
                continue
            if not _is_copy(folder, states) and _is_left(folder, states, now):
                folders.append(folder)
        except HexmagicError as error:
            damaged.append(_damaged(name, str(error)))
    return folders, damaged


def doubled_folders(
    folders: Mapping[str, Sequence[Path]], states: Mapping[str, str]
) -> dict[str, str]:
    """Return the open runs of which only renamed folders are here, and in words what to do.

    Nobody can tell which of them is to be gone on with.

    Args:
        folders: of each run.
        states: of each run, as the ledger has it.
    """
    return {
        run_id: f"{' and '.join(map(str, paths))} are both run {run_id}: move one of them away"
        for run_id, paths in folders.items()
        if len(paths) > 1
        and not (paths[0].parent / run_id / PLAN).is_file()
        and not (
            states.get(run_id, "done") in RUN_ENDED
            and all(has_ended(RunFolder(path=path)) for path in paths)
        )
    }


def has_ended(folder: RunFolder) -> bool:
    """Return whether a folder says that its run has ended; one that cannot be read does not."""
    with suppress(HexmagicError):
        return folder.read_json(PROVENANCE)["state"] in RUN_ENDED
    return False


def folder_of(run_id: str, runs: Path) -> RunFolder:
    """Return the folder of a run, whatever its name; if there is none, where it would be."""
    path = runs / run_id
    if not (path / PLAN).is_file():
        path = run_folders(runs).get(run_id, [path])[0]
    return RunFolder(path=path)


def require_original(folder: RunFolder) -> None:
    """Check that a folder is no copy beside its original, which alone is gone on with.

    Raises:
        RefusedError: it is one.
    """
    original = folder.path.parent / folder.run_id
    if folder.path.name != folder.run_id and (original / PLAN).is_file():
        raise RefusedError(f"{folder.path}: a copy of {original}; name that one instead")


def runs_without_folder(runs: Path) -> list[str]:
    """Return the runs on hardware that have not ended and whose folder, or its plan, is gone."""
    if not (runs / LEDGER_NAME).is_file():
        return []
    with HardwareLedger.reading(runs / LEDGER_NAME) as ledger:
        missing = [
            row.run_id
            for row in ledger.runs()
            if row.state not in RUN_ENDED
            and not (runs / row.run_id / PLAN).is_file()
            and ledger.submissions(row.run_id)
        ]
    here = run_folders(runs) if missing else {}
    return [run_id for run_id in missing if run_id not in here]


def _is_copy(folder: RunFolder, states: Mapping[str, str]) -> bool:
    """Return whether a folder is of a run that is beside it, or that ended elsewhere."""
    try:
        require_original(folder)
    except RefusedError:
        return True
    state = states.get(folder.run_id) or folder.read_json(PROVENANCE)["state"]
    return is_hardware(folder.plan) and state in RUN_ENDED


def _is_left(folder: RunFolder, states: Mapping[str, str], now: str) -> bool:
    """Return whether a run is this directory's: an emulated one may have just been begun."""
    if folder.run_id in states or is_hardware(folder.plan):
        return True
    return seconds_between(folder.document["created"], now) > BEGINNING_SECONDS


def _damaged(run_id: str, problem: str) -> RunStep:
    return RunStep(run=run_id, state="damaged", problems=(problem,), exit_code=FAILED)
