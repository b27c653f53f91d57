"""The JUnit file of a run: written when it starts and again when it ends, however it ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...experiments.errors import HexmagicError, UsageError
from ..clockwork import utc_now
from ..error_lines import describe_error
from ..expectation import ExpectationError, Missed, estimate_name
from ..folder.files import StorageError
from .junit import Case, Fault, Suite, check_junit_path, write_junit

if TYPE_CHECKING:
    import pandas as pd

    from ..engine import Progress
    from ..folder.run_folder import RunFolder
    from ..plan import Plan, Point
    from ..shards import Shard

NOT_ENDED = "the run has not ended: it is still running, or it was killed"
_QUANTITIES = ("fidelity", "infidelity", "acceptance")


class JunitLog:
    """What a run tells, as it goes, for its JUnit file."""

    def __init__(
        self,
        *,
        name: str = "run",
        properties: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the clock; `name` and `properties` are what is known of the run so far."""
        self._name = name
        self._properties = dict(properties or {})
        self._clock = clock
        self._started = utc_now()
        self._start = self._last = clock()
        self._seconds: dict[int, float] = {}
        self._cases: tuple[Case, ...] = ()
        self._fault = Fault(kind="error", message=NOT_ENDED, exit_code=4, text=NOT_ENDED)

    def begun(self, folder: RunFolder) -> None:
        """Note which run it is; what follows is sampling."""
        self._name, self._properties = folder.plan.name, run_properties(folder)
        self._last = self._clock()

    def watching(self, progress: Progress) -> Progress:
        """Return a progress that also notes here how long each point took."""
        return _Watching(progress, self._advance)

    def ended(self, plan: Plan, fidelity: pd.DataFrame, missed: Sequence[Missed]) -> None:
        """Note a run's result: every point has one."""
        rows = fidelity.to_dict("records")
        cases = []
        for point in plan.points:
            found = _estimates([row for row in rows if row["point"] == point.index])
            self._properties |= {f"{point.label}: {what}": text for what, text in found.items()}
            cases.append(self._case(point, found, [m for m in missed if m.point == point.index]))
        self._cases = tuple(cases)

    def stopped(self, error: BaseException) -> None:
        """Note what stopped it, unless it only says that the result was not as expected."""
        if not isinstance(error, ExpectationError):
            message, code = describe_error(error)
            self._cases = ()
            self._fault = Fault(kind="error", message=message, exit_code=code, text=message)

    def suite(self) -> Suite:
        """Return what is known now; without a result, one test case with the error."""
        seconds = self._clock() - self._start
        return Suite(
            name=self._name,
            started=self._started.partition(".")[0],
            seconds=seconds,
            properties=self._properties,
            cases=self._cases or (Case(name="run", seconds=seconds, fault=self._fault),),
        )

    def _advance(self, shard: Shard) -> None:
        now = self._clock()
        self._seconds[shard.point] = self._seconds.get(shard.point, 0.0) + now - self._last
        self._last = now

    def _case(self, point: Point, found: Mapping[str, str], missed: Sequence[Missed]) -> Case:
        fault = None
        if missed:
            lines = [one.line for one in missed]
            fault = Fault(
                kind="failure",
                message="; ".join(lines),
                exit_code=ExpectationError.exit_code,
                text="\n".join(lines),
            )
        return Case(
            name=point.label,
            seconds=self._seconds.get(point.index, 0.0),
            fault=fault,
            output="\n".join(f"{what} {text}" for what, text in found.items()),
        )


class _Watching:
    """Tells two of every shard that is done."""

    def __init__(self, progress: Progress, also: Callable[[Shard], None]) -> None:
        self._progress = progress
        self._also = also

    def advance(self, shard: Shard) -> None:
        self._also(shard)
        self._progress.advance(shard)


@contextmanager
def junit_file(
    path: Path | None, *, spec: str | None, resume: str | None, runs: Path, seed: int | None
) -> Iterator[JunitLog]:
    """Yield what to tell of a run, and write it to `path` however the run ends; None: nowhere.

    The file is there from the start and says that the run has not ended, so that a path that
    cannot be written costs no run and the end of a process that is killed is not taken for an
    earlier result.

    Args:
        path: the JUnit file.
        spec: the experiment file, if one was given.
        resume: the run to go on with, if one was given.
        runs: the runs directory.
        seed: the seed, if it is not the file's.

    Raises:
        UsageError: the file cannot be written at the start.
        StorageError: it cannot at the end; not if something else stopped the run, then that error
            has a note.
    """
    if path is None:
        yield JunitLog()
        return
    check_junit_path(path)
    name, properties = _subject(spec, resume, runs, seed)
    log = JunitLog(name=name, properties=properties)
    try:
        write_junit(path, log.suite())
    except StorageError as error:
        raise UsageError(f"{error}; give another name") from error
    try:
        yield log
    except BaseException as error:
        log.stopped(error)
        try:
            write_junit(path, log.suite())
        except StorageError as lost:
            error.add_note(str(lost))
        raise
    write_junit(path, log.suite())


def run_properties(folder: RunFolder) -> dict[str, str]:
    """Return what a run is made with: its id, seed, engine, devices and versions."""
    points = folder.plan.points
    return {
        "run": folder.run_id,
        "seed": ", ".join(dict.fromkeys(str(point.seed) for point in points)),
        "engine": str(folder.document["engine"]),
        "device": ", ".join(dict.fromkeys(point.device.name for point in points)),
        **_versions(),
    }


def _subject(
    spec: str | None, resume: str | None, runs: Path, seed: int | None
) -> tuple[str, dict[str, str]]:
    """Return a run's name and properties as far as they are known before it starts."""
    from ...experiments.spec import load_experiment
    from ..catalogue import find_run

    with suppress(HexmagicError):  # whoever makes the run will say it
        if resume is not None:
            folder = find_run(resume, runs)
            return folder.plan.name, run_properties(folder)
        if spec is not None:
            experiment = load_experiment(spec)
            asked = experiment.seed if seed is None else seed
            return experiment.name, {"seed": str(asked), **_versions()}
    return Path(spec or resume or "run").stem, _versions()


def _versions() -> dict[str, str]:
    from ..provenance import package_versions

    return {f"version.{name}": version for name, version in package_versions().items()}


def _estimates(rows: Sequence[Mapping[Any, Any]]) -> dict[str, str]:
    """Return each quantity of a point's rows that has a value, with its interval."""
    found = {}
    for row in rows:
        for name in _QUANTITIES:
            value, low, high = (
                row.get(f"{name}{end}", float("nan")) for end in ("", "_low", "_high")
            )
            if not isnan(value):
                found[f"{name} ({estimate_name(row)})"] = f"{value:.6g} [{low:.6g}, {high:.6g}]"
    return found
