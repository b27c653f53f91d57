"""Making a run: its folder, with everything but its shots and what follows from them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from .adapters import Engine
from .clockwork import make_run_id
from .costs import Cost, costs
from .folder.archive import save_calibration, save_canary
from .folder.run_folder import CERTIFICATE, PLAN, RunFolder, create_run_folder, partial_path
from .ledger.runs import LEDGER_NAME, Ledger
from .limits import estimated_qpu_seconds
from .machines import Machines, machine_names
from .prepare import Prepared
from .provenance import PROVENANCE, make_provenance
from .services import Services


def create_run(
    prepared: Prepared,
    engine: Engine,
    *,
    spec: bytes,
    runs: Path,
    services: Services,
    run_id: str | None = None,
) -> RunFolder:
    """Return the folder of a new run: everything but its shots and what follows from them.

    Args:
        prepared: the compiled plan.
        engine: what samples it, or has the machines that it waits for.
        spec: the experiment file's bytes.
        runs: the runs directory.
        services: clock, ids and so on.
        run_id: what it is to be called; None: a new id.

    Raises:
        StorageError: it cannot be written, or the ledger beside it is damaged; then there is no
            folder.
    """
    from .certificates import protocol_certificates
    from .folder.circuit_files import write_circuits
    from .strata import make_groups, write_groups

    plan = prepared.plan
    created = services.clockwork.now()
    if (runs / LEDGER_NAME).exists():
        with Ledger(runs / LEDGER_NAME, clock=services.clockwork.now):
            pass  # opening it is the check
    run_id = run_id or new_run_id(plan.name, created, runs, services)
    machines = engine.machines
    document = plan.to_json() | {
        "run": run_id,
        "created": created,
        "engine": engine.identity,
        "estimated_qpu_seconds": estimated_qpu_seconds(prepared),
        "circuits": [circuit.to_json() for circuit in prepared.circuits],
        "shards": [shard.to_json() for shard in prepared.shards],
    }
    if machines is not None:
        document |= _on_hardware(prepared, machines)
    groups = make_groups(prepared, engine, services.knowledge)
    provenance = make_provenance(
        run=run_id, created=created, plan=plan, circuits=prepared.circuits, engine=engine.identity
    )
    if machines is not None:
        provenance["state"] = "waiting"

    def fill(folder: RunFolder) -> None:
        folder.write(folder.path / "spec.yaml", spec)
        write_circuits(folder.path / "circuits", prepared.compiled_by_name(), folder.write)
        for device in prepared.devices.values():
            save_calibration(folder, device)
        if machines is not None:
            _write_canaries(folder, prepared)
        certificates = protocol_certificates(prepared)
        if certificates:
            folder.write_json(CERTIFICATE, certificates)
        write_groups(folder, groups)
        folder.write_json(PROVENANCE, provenance)
        folder.write_json(PLAN, document)

    return create_run_folder(runs, run_id, fill, write=services.write)


def new_run_id(name: str, now: str, runs: Path, services: Services) -> str:
    """Return an id that no run of a runs directory has."""
    while True:
        run_id = make_run_id(name, now, services.clockwork.token())
        if not (runs / run_id).exists() and not partial_path(runs, run_id).exists():
            return run_id


def hardware_costs(prepared: Prepared, machines: Machines) -> dict[str, Cost]:
    """Return what each shard of a plan costs on its machine, by its id."""
    plan = prepared.plan
    delays = {
        name: machines.standing(name).repetition_delay_seconds for name in machine_names(plan)
    }
    program = machines.site.ibm.program
    return costs(plan, prepared.circuits, prepared.shards, delays=delays, program=program)


def _on_hardware(prepared: Prepared, machines: Machines) -> dict[str, Any]:
    """Return what the plan of a run on hardware says besides: its job program and what jobs cost.

    It is fixed here, so that a change of the settings changes no run that exists.
    """
    found = hardware_costs(prepared, machines)
    return {
        "program": machines.site.ibm.program,
        "instance": machines.remote.instance,
        "costs": {shard: asdict(cost) for shard, cost in found.items()},
        "estimated_qpu_seconds": sum(cost.estimated_seconds for cost in found.values()),
    }


def _write_canaries(folder: RunFolder, prepared: Prepared) -> None:
    from ..backends.canary import make_canary

    for name, compiled in prepared.compiled_by_name().items():
        save_canary(folder, name, make_canary(compiled))
