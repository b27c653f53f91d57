"""One measured run, in a process of its own: an experiment on standard input, figures as JSON.

`emulation.py` starts it. Nothing but the run is in the process, so that times are cold and the
memory is the run's own.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hexmagic.driver.new_run import create_run
from hexmagic.driver.request import check_limits, prepare_request, read_request
from hexmagic.driver.run import Run
from hexmagic.driver.services import Services
from hexmagic.driver.shards import Shard
from hexmagic.driver.start import execute
from hexmagic.experiments.errors import HexmagicError
from hexmagic.experiments.spec import parse_experiment

COLUMNS = ("estimate", "readout", "shots", "acceptance", "fidelity")
INFIDELITY = ("infidelity", "infidelity_low", "infidelity_high")


@dataclass(slots=True)
class Watch:
    """Told of every shard: notes when it came and how much memory the workers have had.

    Attributes:
        landed: when each shard was on disk, in seconds of `time.perf_counter`.
        shots: of the shards so far.
        worker_bytes: largest resident memory of any worker so far.
    """

    landed: list[float] = field(default_factory=list)
    shots: int = 0
    worker_bytes: int = 0

    def advance(self, shard: Shard) -> None:
        """Note one more shard."""
        self.landed.append(time.perf_counter())
        self.shots += shard.shots
        for process in multiprocessing.active_children():
            self.worker_bytes = max(self.worker_bytes, peak_bytes(str(process.pid)))


def peak_bytes(process: str) -> int:
    """Return the largest resident memory that a process has had; 0 if it is gone.

    `ru_maxrss` will not do: a child inherits that of the process that started it.
    """
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    lines = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return next((int(line.split()[1]) * 1024 for line in lines), 0)


def cpu_seconds() -> dict[str, float]:
    """Return the processor time of this process and of the workers that have ended."""
    who = {"driver": resource.RUSAGE_SELF, "workers": resource.RUSAGE_CHILDREN}
    used = {name: resource.getrusage(one) for name, one in who.items()}
    return {name: one.ru_utime + one.ru_stime for name, one in used.items()}


def bytes_on_disk(runs: Path, folder: Path) -> dict[str, int]:
    """Return the size of a run's parts, and of the ledger beside it."""
    found = {"ledger": sum(path.stat().st_size for path in runs.glob("*.sqlite*"))}
    for path in folder.rglob("*"):
        if path.is_file():
            part = path.relative_to(folder).parts[0]
            found[part] = found.get(part, 0) + path.stat().st_size
    return found


def measure(text: str, runs: Path, workers: int) -> dict[str, Any]:
    """Return what a run took from its compiled circuits to its tables and report.

    Raises:
        HexmagicError: the run is refused or fails.
    """
    begin = time.perf_counter()
    services, watch = Services(), Watch()
    request = read_request(parse_experiment(text, source="benchmark"))
    prepared, engine = prepare_request(request, services)
    check_limits(prepared, engine, request.where)
    start, before = time.perf_counter(), cpu_seconds()
    folder = create_run(prepared, engine, spec=request.spec, runs=runs, services=services)
    run = execute(folder, workers=workers, progress=watch, services=services, prepared=prepared)
    end, after = time.perf_counter(), cpu_seconds()
    return {
        "shots": watch.shots,
        "shards": len(watch.landed),
        "preparation, s": start - begin,
        "run, s": end - start,
        "first shard, s": watch.landed[0] - start,
        "last shard, s": watch.landed[-1] - start,
        "driver, CPU s": after["driver"] - before["driver"],
        "workers, CPU s": after["workers"] - before["workers"],
        "driver, bytes": peak_bytes("self"),
        "largest worker, bytes": watch.worker_bytes,
        "disk, bytes": bytes_on_disk(runs, run.folder),
        "fidelity": _rows(run),
    }


def _rows(run: Run) -> list[dict[str, Any]]:
    table = run.fidelity()
    names = [name for name in (*COLUMNS, *INFIDELITY) if name in table]
    rows: list[dict[str, Any]] = json.loads(table[names].to_json(orient="records"))
    return rows


def main() -> None:
    """Measure one run; a refusal is an answer too."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=Path, required=True, help="directory of the run folder")
    parser.add_argument("--workers", type=int, required=True)
    options = parser.parse_args()
    try:
        figures = measure(sys.stdin.read(), options.runs, options.workers)
    except HexmagicError as error:
        figures = {"refused": str(error)}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
