"""An emulated run's step of a tick: run what is left of it, unless another process does."""

from __future__ import annotations

from ..experiments.errors import HexmagicError, RefusedError
from .catalogue import ledger_runs
from .execution import Execution, RunFailedError
from .expectation import missed_lines
from .folder.run_folder import RunFolder
from .ledger.jobs import RUN_ENDED
from .progress import NoProgress
from .services import Services
from .tick_report import FAILED, MISSED, WAITING, RunStep, state_code


def emulate(folder: RunFolder, services: Services, workers: int) -> RunStep:
    """Run what is left of an emulated run and return what became of it.

    Args:
        folder: the run.
        services: clock and engines.
        workers: processes to emulate with.
    """
    run_id = folder.run_id
    waits = ("another process is running it",)
    busy = RunStep(run=run_id, state="running", waits=waits, exit_code=WAITING)
    if folder.is_held():
        return busy
    states = {row.run_id: row.state for row in ledger_runs(folder.path.parent)}
    state = states.get(run_id, "")
    if state in RUN_ENDED:  # since the directory was looked at
        said = ("another process has run it",)
        return RunStep(run=run_id, state=state, said=said, exit_code=state_code(state))
    execution = Execution(folder=folder, services=services, workers=workers, progress=NoProgress())
    try:
        execution.run()
    except HexmagicError as error:
        if isinstance(error, RefusedError) and folder.is_held():
            return busy
        code = FAILED if isinstance(error, RunFailedError) else error.exit_code
        return RunStep(run=run_id, state="failed", problems=(str(error),), exit_code=code)
    missed = missed_lines(folder)
    return RunStep(
        run=run_id,
        state="done",
        said=("run to its end",),
        problems=missed,
        exit_code=MISSED if missed else 0,
    )
