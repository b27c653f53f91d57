"""`python -m fakes.slow_run RUNS SPEC|RUN`: a run in worker processes, slow enough to be killed."""

from __future__ import annotations

import sys
from dataclasses import replace

from hexmagic.driver.start import resume, run
from hexmagic.driver.workers import make_process_pool

from .engine import make_engine, sample_slowly
from .world import make_services


def main(runs: str, what: str) -> None:
    """Start a run of an experiment file, or go on with a run."""
    services = replace(make_services(make_engine(sample_slowly)), make_pool=make_process_pool)
    if what.endswith(".yaml"):
        run(what, runs=runs, workers=2, services=services)
    else:
        resume(what, runs, workers=2, services=services)


# No `if __name__ == "__main__"`: a plain script must not start again in its worker processes.
main(*sys.argv[1:])
