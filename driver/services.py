"""Services: what a run uses of the world: clock, engines, workers, files and the service."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..experiments.errors import UsageError
from ..experiments.measures import Measure
from .adapters import Engine, hardware_engine, load_engine
from .clockwork import Clockwork
from .folder.files import Writer, write_bytes
from .folder.run_folder import RunFolder
from .machines import Machines, is_hardware, machine_names
from .plan import Plan, Point
from .prepare import Builder, Built, Judge, Verdict, Where
from .site import IbmSite, load_site
from .workers import Kit, make_process_pool

if TYPE_CHECKING:
    from ..backends.compilation import Compiled
    from ..backends.device import Device
    from ..backends.remote import Remote
    from .strata import Knowledge, Known


def _build_point(
    point: Point, where: Where, /, load: Callable[[str], Device] | None = None
) -> Mapping[Measure, Built]:
    from .build import build_point

    return build_point(point, where) if load is None else build_point(point, where, load)


def _judge_circuit(point: Point, compiled: Compiled) -> Verdict:
    from .judging import judge_circuit

    return judge_circuit(point, compiled)


def _known_of_circuit(point: Point, compiled: Compiled) -> Known:
    from .judging import known_of_circuit

    return known_of_circuit(point, compiled)


def _open_remote(settings: IbmSite) -> Remote:
    from ..backends.ibm.door import IbmSettings, open_remote

    return open_remote(
        IbmSettings(
            account=settings.account,
            instance=settings.instance,
            channel=settings.channel,
            url=settings.url,
            program=settings.program,
            timeout_seconds=settings.timeout_seconds,
        )
    )


def _say_on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What a run uses of the world; tests pass their own.

    Attributes:
        clockwork: time and ids.
        load_engine: engine of a backend's name.
        build: compiles a point.
        judge: predicts the acceptance of a compiled circuit.
        knowledge: tells what is known of a circuit's strata.
        make_pool: worker processes.
        write: stores a file whole or not at all.
        open_remote: the service of paid hardware, by the settings of a runs directory.
        tell: says something to a person that changes nothing.
    """

    clockwork: Clockwork = field(default_factory=Clockwork)
    load_engine: Callable[[str], Engine] = load_engine
    build: Builder = _build_point
    judge: Judge = _judge_circuit
    knowledge: Knowledge = _known_of_circuit
    make_pool: Callable[[int, Kit], Executor] = make_process_pool
    write: Writer = write_bytes
    open_remote: Callable[[IbmSite], Remote] = _open_remote
    tell: Callable[[str], None] = _say_on_stderr

    def engine(self, plan: Plan, runs: Path = Path()) -> Engine:
        """Return the engine of a plan.

        Args:
            plan: the plan.
            runs: directory whose settings tell how paid hardware is reached.

        Raises:
            UsageError: its points name several, or the settings are not valid.
            AccountError: there is no account for the hardware.
        """
        names = sorted({point.device.backend for point in plan.points})
        if len(names) != 1:
            raise UsageError(f"device.backend: one run has one engine, not {', '.join(names)}")
        if not is_hardware(plan):
            return self.load_engine(names[0])
        return hardware_engine(self.machines(runs), machine_names(plan))

    def machines(self, runs: Path) -> Machines:
        """Return the machines that a runs directory's settings lead to."""
        site = load_site(runs)
        return Machines(remote=self.open_remote(site.ibm), site=site)


def with_writer(folder: RunFolder, services: Services) -> RunFolder:
    """Return the folder with the services' way to write."""
    return replace(folder, write=services.write)
