"""Finding runs: by id, by a unique start of it, as `latest`, or by the path of a folder."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path

from ..experiments.errors import HexmagicError, UsageError
from .folder.run_folder import PLAN, RunFolder
from .ledger.hardware import HardwareLedger
from .ledger.jobs import JobRow, RunRow
from .ledger.runs import LEDGER_NAME, Ledger
from .ledger.submissions import RemoteRow


def find_run(run: str, runs: Path) -> RunFolder:
    """Return the folder of a run.

    Args:
        run: an id, a unique prefix of one, `latest`, or a path to a run folder.
        runs: the runs directory that ids are looked up in.

    Raises:
        UsageError: no such run, or more than one.
    """
    ids = run_ids(runs)
    if run == "latest":
        if not ids:
            raise UsageError(f"{runs}: no runs yet")
        return RunFolder(path=runs / ids[-1])
    if run in ids:
        return RunFolder(path=runs / run)
    matches = [name for name in ids if run and name.startswith(run)]
    if len(matches) == 1:
        return RunFolder(path=runs / matches[0])
    if len(matches) > 1:
        found = ", ".join(matches[:3]) + (", ..." if len(matches) > 3 else "")
        raise UsageError(f"run {run!r}: {len(matches)} runs in {runs} start so: {found}")
    if Path(run).is_dir():
        return open_run_folder(Path(run))
    near = difflib.get_close_matches(run, ids, n=1)
    hint = f"did you mean {near[0]}?" if near else "see `hexmagic list`"
    raise UsageError(f"run {run!r}: not in {runs}, and no folder of that name; {hint}")


def find_runs(names: Sequence[str], runs: Path) -> list[RunFolder]:
    """Return the folders of several runs, in the order named.

    Raises:
        UsageError: no such run, more than one, or two names are one run: it would count twice.
    """
    folders = [find_run(name, runs) for name in names]
    ids = [folder.run_id for folder in folders]
    twice = next((run_id for run_id in ids if ids.count(run_id) > 1), None)
    if twice is not None:
        raise UsageError(f"{' '.join(names)}: run {twice} is named twice; name each run once")
    return folders


def open_run_folder(path: Path) -> RunFolder:
    """Return the run folder at a path, wherever it is.

    Raises:
        UsageError: it is not one.
    """
    folder = RunFolder(path=path)
    folder.document  # noqa: B018 - read here, so that a wrong folder is known now
    return folder


def run_ids(runs: Path) -> list[str]:
    """Return the ids of the runs whose folders are in a runs directory, oldest first."""
    names = (path.parent.name for path in runs.glob(f"*/{PLAN}"))
    folders = {name for name in names if not name.startswith(".")}  # one that was never finished
    known = [row.run_id for row in ledger_runs(runs) if row.run_id in folders]
    return sorted(folders - set(known), key=_started) + known


def run_folders(runs: Path, *, file: str = PLAN) -> dict[str, list[Path]]:
    """Return the folders in a runs directory that have a file, by the ids of their runs.

    Copies and renamed folders among them, after the one that has the id for its name. A folder
    whose plan cannot be read has its name as its id. The name of a run that the ledger has is taken
    for its id: a thousand plans are not read.
    """
    known = {row.run_id for row in ledger_runs(runs)}
    found: dict[str, list[Path]] = {}
    for path in sorted(path.parent for path in runs.glob(f"*/{file}")):
        if path.name.startswith("."):
            continue
        run_id = path.name if path.name in known else _recorded_id(path)
        found.setdefault(run_id, []).append(path)
    return {id_: sorted(paths, key=lambda p: p.name != id_) for id_, paths in found.items()}


def _recorded_id(path: Path) -> str:
    try:
        return RunFolder(path=path).run_id
    except HexmagicError:
        return path.name


def ledger_runs(runs: Path) -> list[RunRow]:
    """Return the ledger's runs, oldest first; none if there is no ledger."""
    if not (runs / LEDGER_NAME).is_file():
        return []
    with Ledger.reading(runs / LEDGER_NAME) as ledger:
        return ledger.runs()


def _started(run_id: str) -> str:
    """Return the part of an id that tells the time: ids are <name>-<day>-<time>-<hex>."""
    return "-".join(run_id.split("-")[-3:])


def ledger_jobs(folder: RunFolder) -> list[JobRow]:
    """Return a run's jobs from the ledger beside its folder; none if there is no ledger."""
    path = folder.path.parent / LEDGER_NAME
    if not path.is_file():
        return []
    with Ledger.reading(path) as ledger:
        return ledger.jobs(folder.run_id)


def ledger_remotes(folder: RunFolder) -> list[RemoteRow]:
    """Return the service's jobs of a run on hardware; none if there is no ledger."""
    path = folder.path.parent / LEDGER_NAME
    if not path.is_file():
        return []
    with HardwareLedger.reading(path) as ledger:
        return ledger.remotes(folder.run_id)
