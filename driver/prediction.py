"""Prediction: the emulator's shots of the very circuits that a run holds, counted and kept.

The tables put them beside what was measured. Nothing but the run folder is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..analysis.cut_counts import CutCounts, count_cuts, no_shots
from ..experiments.errors import RefusedError, UsageError
from .folder.files import StorageError, read_json
from .folder.prediction_files import (
    decode_prediction,
    encode_prediction,
    make_note,
    prediction_path,
)
from .plan import derive_seed
from .prediction_circuits import load_compiled, with_newest_calibration
from .shards import shard_sizes

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from ..experiments.spec import NoiseSpec
    from .adapters import Engine
    from .circuits import PlannedCircuit
    from .folder.run_folder import RunFolder

TABLES = "tables"
BATCHES = 16
"""Batches of each circuit unless a number of shots is asked for; one takes a second or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What was predicted of a run.

    Attributes:
        shots: emulated shots of each circuit, by its name.
        again: names of those circuits whose prediction was there already, and was kept.
        noises: under which noise, in words, with the time of the calibration that was taken.
        left_out: in words, which circuits have no prediction, and why.
    """

    shots: Mapping[str, int]
    again: tuple[str, ...]
    noises: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A circuit that is to be emulated, and what its file will say of that."""

    circuit: PlannedCircuit
    compiled: Compiled
    noise: NoiseSpec
    shots: int
    seed: int
    note: dict[str, Any]


def predict_run(
    folder: RunFolder,
    engine: Engine,
    *,
    shots: int | None = None,
    seed: int | None = None,
    tell: Callable[[float], None] = lambda _: None,
) -> Predicted:
    """Sample every circuit of a run that gives raw shots; keep what it counts in `predicted/`.

    On hardware the noise is the machine's calibration: the newest that the run saved. A run that
    has its tables and its report gets them again. What is there already is not sampled again.

    Args:
        folder: the run.
        engine: what samples.
        shots: of each circuit; None: 16 batches of the engine, with clifft 1048576 at distance 3,
            262144 at distance 5, and a minute's at most.
        seed: None: the run's own. It never repeats the shots of the run itself.
        tell: is told the share that is done, in [0, 1].

    Raises:
        UsageError: no shots, nothing that can be predicted, or noise that the device has no data
            for.
        RefusedError: the circuits in the folder are not those that were planned, or the engine
            cannot take them.
        StorageError: a file is damaged, or cannot be written.
    """
    if shots is not None and shots < 1:
        raise UsageError(f"shots {shots}: a prediction needs at least 1")
    wanted = [c for c in folder.circuits if _reason(folder, c) is None]
    left_out = tuple(
        f"{folder.plan.points[c.point].label} in {c.basis}: {reason}"
        for c in folder.circuits
        if (reason := _reason(folder, c)) is not None
    )
    if not wanted:
        raise UsageError(f"run {folder.run_id}: nothing to predict: {'; '.join(left_out)}")
    jobs = [_job(folder, circuit, engine, shots, seed) for circuit in wanted]
    again = tuple(job.circuit.name for job in jobs if _is_there(folder, job))
    open_jobs = [job for job in jobs if job.circuit.name not in again]
    total, done = sum(job.shots for job in open_jobs), 0
    for job in open_jobs:
        counts = _sample(job, engine, partial(_tell_share, tell, done, total))
        done += job.shots
        path = prediction_path(folder, job.circuit)
        folder.write(path, encode_prediction(job.note, counts))
    _write_again(folder)
    return Predicted(
        shots={job.circuit.name: job.shots for job in jobs},
        again=again,
        noises=tuple(dict.fromkeys(_words(job) for job in jobs)),
        left_out=left_out,
    )


def _reason(folder: RunFolder, circuit: PlannedCircuit) -> str | None:
    """Return why a circuit is not predicted, None if it is."""
    point = folder.plan.points[circuit.point]
    if circuit.basis == "H_ideal":
        return "H_ideal is judged by the emulator itself, no shot is recorded"
    if point.estimate.kind == "stratified":
        return "it is estimated by strata, which are emulated themselves"
    if point.gives(circuit.basis) != "shots":
        return "only counts are kept, so that there is nothing to put beside"
    return None


def _job(
    folder: RunFolder, circuit: PlannedCircuit, engine: Engine, shots: int | None, seed: int | None
) -> _Job:
    point = folder.plan.points[circuit.point]
    compiled = with_newest_calibration(folder, load_compiled(folder, circuit))
    if engine.max_qubits is not None and len(compiled.layout) > engine.max_qubits:
        raise RefusedError(
            f"run {folder.run_id}: circuit {circuit.name} has {len(compiled.layout)} qubits, "
            f"{engine.name} takes {engine.max_qubits}: use --engine clifft"
        )
    noise = point.device.noise
    number = shots or BATCHES * engine.shots_per_shard(compiled, False)
    used = point.seed if seed is None else seed
    note = make_note(
        circuit,
        compiled.program.record,
        sampled=compiled.fingerprint,
        calibrated_at=compiled.device.calibrated_at,
        noise=str(noise),
        engine=engine.identity,
        approximations=list(engine.approximations(compiled, noise, stratified=False)),
        seed=used,
        shots=number,
    )
    return _Job(circuit=circuit, compiled=compiled, noise=noise, shots=number, seed=used, note=note)


def _words(job: _Job) -> str:
    device = job.compiled.device
    if job.noise.kind != "calibration":
        return f"noise {job.noise}"
    return f"noise {job.noise} of {device.name} at {device.calibrated_at}"


def _is_there(folder: RunFolder, job: _Job) -> bool:
    """Return whether a run has this very prediction; what is damaged is made again."""
    path = prediction_path(folder, job.circuit)
    if not path.is_file():
        return False
    try:
        document = read_json(path)
        decode_prediction(document, job.circuit, job.compiled.program.record, source=str(path))
    except StorageError:
        return False
    return all(document[key] == value for key, value in job.note.items())


def _tell_share(tell: Callable[[float], None], before: int, total: int, shots: int) -> None:
    tell((before + shots) / total)


def _sample(job: _Job, engine: Engine, tell: Callable[[int], None]) -> CutCounts:
    """Return what a circuit's emulated shots count; one batch of them is in memory at a time."""
    counts = no_shots(job.compiled.program.record)
    sizes = shard_sizes(job.shots, engine.shots_per_shard(job.compiled, False))
    for index, size in enumerate(sizes):
        about = ("prediction", job.compiled.fingerprint, str(job.noise), engine.identity)
        seed = derive_seed(job.seed, *about, index)
        counts += count_cuts(engine.sample(job.compiled, job.noise, shots=size, seed=seed))
        tell(counts.shots)
    return counts


def _write_again(folder: RunFolder) -> None:
    """Write tables and report again if the run has them; one that goes on writes its own."""
    from .catalogue import ledger_jobs
    from .outputs import REPORT, Outputs, failed_jobs, write_report
    from .results import load_results, make_tables, save_tables

    if folder.is_held() or not (folder.path / TABLES).is_dir():
        return
    results = load_results(folder)
    tables = make_tables(results.points)
    if tables["strata"].empty:
        del tables["strata"]
    save_tables(folder, tables)
    if (folder.path / REPORT).is_file():
        problems = results.problems + failed_jobs(folder, ledger_jobs(folder))
        write_report(folder, Outputs(tables=tables, problems=problems))
