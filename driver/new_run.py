"""Making a run: its folder, with everything but its shots and what follows from them."""

from __future__ import annotations

from pathlib import Path

from .adapters import Engine
from .execution import Services
from .ledger import LEDGER_NAME, Ledger
from .limits import estimated_qpu_seconds
from .prepare import Prepared
from .provenance import PROVENANCE, make_provenance
from .run_folder import CERTIFICATE, PLAN, RunFolder, create_run_folder, partial_path
from .times import make_run_id


def create_run(
    prepared: Prepared, engine: Engine, *, spec: bytes, runs: Path, services: Services
) -> RunFolder:
    """Return the folder of a new run: everything but its shots and what follows from them.

    Raises:
        StorageError: it cannot be written, or the ledger beside it is damaged; then there is no
            folder.
    """
    from .certificates import protocol_certificates
    from .circuit_files import write_circuits
    from .strata import make_groups, write_groups

    plan = prepared.plan
    created = services.clockwork.now()
    if (runs / LEDGER_NAME).exists():
        with Ledger(runs / LEDGER_NAME, clock=services.clockwork.now):
            pass  # opening it is the check
    run_id = _new_run_id(plan.name, created, runs, services)
    document = plan.to_json() | {
        "run": run_id,
        "created": created,
        "engine": engine.identity,
        "estimated_qpu_seconds": estimated_qpu_seconds(prepared),
        "circuits": [circuit.to_json() for circuit in prepared.circuits],
        "shards": [shard.to_json() for shard in prepared.shards],
    }
    groups = make_groups(prepared, engine, services.knowledge)
    provenance = make_provenance(
        run=run_id, created=created, plan=plan, circuits=prepared.circuits, engine=engine.identity
    )

    def fill(folder: RunFolder) -> None:
        folder.write(folder.path / "spec.yaml", spec)
        write_circuits(folder.path / "circuits", prepared.compiled_by_name(), folder.write)
        for name, device in prepared.devices.items():
            faulty = {"faulty_edges": device.faulty_edges, "faulty_qubits": device.faulty_qubits}
            folder.write_json(f"calibration/{name}.json", device.to_json() | faulty)
        certificates = protocol_certificates(prepared)
        if certificates:
            folder.write_json(CERTIFICATE, certificates)
        write_groups(folder, groups)
        folder.write_json(PROVENANCE, provenance)
        folder.write_json(PLAN, document)

    return create_run_folder(runs, run_id, fill, write=services.write)


def _new_run_id(name: str, created: str, runs: Path, services: Services) -> str:
    while True:
        run_id = make_run_id(name, created, services.clockwork.token())
        if not (runs / run_id).exists() and not partial_path(runs, run_id).exists():
            return run_id
