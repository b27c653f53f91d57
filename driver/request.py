"""Requests: an experiment as asked for, checked and compiled."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..backends.device import DeviceError
from ..backends.remote import AccountError
from ..experiments.spec import Experiment, load_experiment, with_fields, write_experiment
from .adapters import Engine
from .limits import check_engine, check_gates
from .plan import Scalar, make_plan
from .prepare import Prepared, Where, prepare
from .services import Services

OPTIONS = {
    "device.backend": "--backend",
    "device.name": "--device",
    "shots": "--shots",
    "seed": "--seed",
}
"""The option of each field that the command line may override."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An experiment as asked for: the file and what overrides it.

    Attributes:
        experiment: with the overrides applied.
        spec: the file's bytes, as given.
        overrides: values by dotted field name.
    """

    experiment: Experiment
    spec: bytes
    overrides: Mapping[str, Scalar]

    def where(self, field: str) -> str:
        """Return where a field's value comes from, for messages: an option or file and line."""
        return OPTIONS[field] if field in self.overrides else self.experiment.where(field)


def read_request(
    spec: str | os.PathLike[str] | Experiment,
    *,
    backend: str | None = None,
    device: str | None = None,
    shots: int | None = None,
    seed: int | None = None,
) -> Request:
    """Return an experiment with overrides, each checked like a field of the file.

    Raises:
        SpecError: the file or an override is not valid; an override is named by its option.
    """
    if isinstance(spec, Experiment):
        experiment, content = spec, write_experiment(spec).encode()
    else:
        experiment = load_experiment(spec)
        content = Path(spec).read_bytes()
    values = {"device.backend": backend, "device.name": device, "shots": shots, "seed": seed}
    overrides = {field: value for field, value in values.items() if value is not None}
    return with_overrides(experiment, content, overrides)


def with_overrides(experiment: Experiment, spec: bytes, overrides: Mapping[str, Scalar]) -> Request:
    """Return an experiment with overrides by dotted field name, each checked.

    Raises:
        SpecError: an override is not valid.
    """
    for field, value in overrides.items():
        experiment = with_fields(experiment, {field: value}, origin=OPTIONS[field])
    return Request(experiment=experiment, spec=spec, overrides=overrides)


def prepare_request(
    request: Request, services: Services, runs: Path = Path()
) -> tuple[Prepared, Engine]:
    """Return a request's compiled plan and its engine.

    Args:
        request: the experiment.
        services: what compiles and judges.
        runs: directory whose settings tell how paid hardware is reached.

    Raises:
        DeviceError: no such device.
        AccountError: there is no account, or the service does not take it.
    """
    plan = make_plan(request.experiment, overrides=request.overrides)
    try:
        engine = services.engine(plan, runs)
    except AccountError as error:
        raise AccountError(f"{request.where('device.backend')}: {error}") from None
    except DeviceError as error:
        raise DeviceError(f"{request.where('device.name')}: {error}") from None
    load = None if engine.machines is None else engine.machines.device
    build = services.build if load is None else partial(services.build, load=load)
    prepared = prepare(plan, engine, build=build, judge=services.judge, where=request.where)
    return prepared, engine


def check_limits(prepared: Prepared, engine: Engine, where: Where) -> None:
    """Check everything that may forbid a run.

    Raises:
        RefusedError: a gate, the budget or the engine forbids it.
    """
    check_engine(prepared, engine, where)
    check_gates(prepared, where)
