"""A run, for Python: what it found, from its folder alone."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from .catalogue import ledger_jobs, ledger_remotes, open_run_folder
from .folder.run_folder import RunFolder
from .plan import SCHEMA_VERSION
from .provenance import PROVENANCE
from .table_kinds import KINDS, TableKind

if TYPE_CHECKING:
    import pandas as pd

    from ..analysis.report.page import ReportData
    from ..experiments.spec import Expect
    from .prediction import Predicted
    from .results import Results


class Run:
    """One run, by its folder: tables as DataFrames (docs/tables.md) and the report.

    The folder is enough: it may be a copy on another machine.
    """

    def __init__(self, folder: RunFolder) -> None:
        """Wrap a run folder; `open_run` finds one."""
        self._folder = folder

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def id(self) -> str:
        """The run's id: `<name>-<UTC yyyymmdd-hhmmss>-<4 hex>`."""
        return self._folder.run_id

    @property
    def folder(self) -> Path:
        """The run folder."""
        return self._folder.path

    @property
    def state(self) -> str:
        """How far it is: running, stopped, interrupted, cancelled, failed or done.

        On hardware also waiting (for its jobs), parked (for a person) or cancelling. A run whose
        folder says "running" while no process holds it was killed: it is "stopped".
        """
        state = str(self._folder.read_json(PROVENANCE)["state"])
        return "stopped" if state == "running" and not self._folder.is_held() else state

    @property
    def expect(self) -> Expect | None:
        """What the experiment expects of its result."""
        return self._folder.plan.expect

    def fidelity(self) -> pd.DataFrame:
        """Return one row per point and estimate: acceptance, <X>, <Y>, <Z>, F, with intervals."""
        return self._table("fidelity")

    def cutflow(self) -> pd.DataFrame:
        """Return one row per point, basis and criterion: shots that entered and that passed."""
        return self._table("cutflow")

    def points(self) -> pd.DataFrame:
        """Return one row per point and basis: shots, acceptance and <P>, with intervals."""
        return self._table("points")

    def strata(self) -> pd.DataFrame:
        """Return one row per stratified measure, readout and number of faults; empty if direct."""
        return self._table("strata")

    def selection(self) -> pd.DataFrame:
        """Return one row per point, choice of cuts and estimate, either treatment of readout."""
        return self._table("selection")

    def states(self) -> pd.DataFrame:
        """Return one row per point and readout: the most likely state, within the ball."""
        return self._table("states")

    def drift(self) -> pd.DataFrame:
        """Return one row per tenth of every circuit's shots, as taken: acceptance and <P>."""
        return self._table("drift")

    def flags(self) -> pd.DataFrame:
        """Return one row per flag, syndrome, H outcome and face parity: how often it fires."""
        return self._table("flags")

    def predicted(self) -> pd.DataFrame:
        """Return a row per estimate, beside an emulation's; empty unless there is a prediction."""
        return self._table("predicted")

    def predict(
        self, *, shots: int | None = None, seed: int | None = None, engine: str = "clifft"
    ) -> Predicted:
        """Emulate the circuits in the folder under their noise and keep what they count.

        `predicted`, `flags` and the report then show it. See `hexmagic predict` for the defaults.

        Raises:
            UsageError: nothing of the run can be predicted.
            RefusedError: the folder does not hold the circuits that were planned.
        """
        from .adapters import load_engine
        from .prediction import predict_run

        return predict_run(self._folder, load_engine(engine), shots=shots, seed=seed)

    def shortfalls(self) -> tuple[str, ...]:
        """Return, in words, which stratified estimates are short of their goal."""
        from .strata_rounds import shortfalls

        return tuple(dict.fromkeys(shortfalls(self._folder).values()))

    def jobs(self) -> pd.DataFrame:
        """Return one row per attempt at a shard: seed, state, error and time.

        From the ledger beside the folder; for a copy without one, as it was at the run's end.
        """
        from .outputs import jobs_table
        from .results import load_table

        rows = ledger_jobs(self._folder)
        if not rows:
            table = load_table(self._folder, "jobs")
            if table is not None:
                return table
        return jobs_table(self._folder, rows, ledger_remotes(self._folder))

    def shots(self) -> pd.DataFrame:
        """Return one row per shot: every recorded bit by role, and the verdict on it.

        Columns are a MultiIndex (docs/tables.md); ("shot", "point") is the point's index. Bits
        that a point does not record are missing there. Of an unfinished run it is what there is.

        Raises:
            StorageError: the run was finished, and shots of it are lost or damaged now.
            UsageError: no shot was kept, only counts.
        """
        from ..experiments.errors import UsageError
        from .folder.files import StorageError
        from .results import all_shots, load_shots

        if not any(shard.gives == "shots" for shard in self._folder.shards):
            raise UsageError(f"run {self.id}: keeps no shots, only their counts")
        problems = self.problems() if self.state == "done" else ()
        if problems:
            raise StorageError(
                f"run {self.id}: {'; '.join(problems)}; "
                f"`hexmagic run --resume {self.id}` runs again what is lost"
            )
        return all_shots(load_shots(self._folder))

    def report(self) -> str:
        """Return the report as one self-contained HTML document."""
        from .outputs import render

        return render(self.report_data())

    def report_data(self) -> ReportData:
        """Return what the report shows."""
        from .outputs import failed_jobs
        from .report_data import make_report_data
        from .results import make_tables

        results = self._results()
        saved = self._saved_tables()
        made = make_tables(results.points) if any(kind not in saved for kind in KINDS) else {}
        tables = {kind: saved[kind] if kind in saved else made[kind] for kind in KINDS}
        problems = results.problems + failed_jobs(self._folder, ledger_jobs(self._folder))
        problems += self.shortfalls()
        return make_report_data(self._folder, tables, problems)

    def problems(self) -> tuple[str, ...]:
        """Return, in words, what is missing from the run; empty for a complete one."""
        return self._results().problems

    def _table(self, kind: TableKind) -> pd.DataFrame:
        from .results import make_tables

        saved = self._saved_tables(kind)
        return saved[kind] if kind in saved else make_tables(self._results().points)[kind]

    def _saved_tables(self, *kinds: TableKind) -> dict[TableKind, pd.DataFrame]:
        """Return the tables, all if none is named, that a run which is done has written."""
        from .results import load_table

        if self.state != "done" or self._folder.document["schema_version"] < SCHEMA_VERSION:
            return {}  # an earlier version's table lacks columns
        found = {kind: load_table(self._folder, kind) for kind in kinds or KINDS}
        return {kind: table for kind, table in found.items() if table is not None}

    def _results(self) -> Results:
        from .results import load_results

        return load_results(self._folder)


def open_run(path: str | os.PathLike[str]) -> Run:
    """Return the run in a run folder, wherever the folder is.

    Raises:
        UsageError: it is not a run folder.
    """
    return Run(open_run_folder(Path(path)))
