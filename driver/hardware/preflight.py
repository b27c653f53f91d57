"""Pre-flight: everything that is checked before a submission to paid hardware, each as a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ...backends.ibm.checks import check_isa
from ...backends.remote import MachineStanding, Usage
from ...experiments.errors import RefusedError
from ...experiments.instructions import count_by_gadget, read_instructions
from ...experiments.spec import load_experiment
from ..circuits import PlannedCircuit
from ..costs import Cost, costs
from ..folder.archive import load_circuit
from ..folder.run_folder import RunFolder
from ..ledger.submissions import Claim
from ..limits import Check, gate_checks, refuse_failed
from ..machines import Machines, machine_names
from ..plan import Plan
from ..prepare import Prepared
from ..site import Site
from .budgets import limits

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from ...backends.device import Device

MOST_JOB_SECONDS = 10_800
"""The service's limit on `max_execution_time`: three hours."""


def check_machines(folder: RunFolder, machines: Machines) -> tuple[Device, ...]:
    """Check, of a run that exists, what may have changed since it was planned.

    The circuits that would be sent are read from the run folder and held against the machines'
    calibration of this moment, and the gates with them.

    Returns:
        The machines with their calibration.

    Raises:
        RefusedError: something does not hold; the text says what.
        RemoteError: the service does not answer.
    """
    plan, circuits = folder.plan, folder.circuits
    devices = {name: machines.device(name) for name in machine_names(plan)}
    standings = machines.standings(devices)
    loaded = {circuit.name: load_circuit(folder, circuit.name) for circuit in circuits}
    circuits = tuple(_predicted_now(folder, circuit, devices) for circuit in circuits)
    checks = machine_checks(plan, circuits, loaded, devices, standings)
    refuse_failed(checks, load_experiment(folder.path / "spec.yaml").where)
    return tuple(devices.values())


def _predicted_now(
    folder: RunFolder, circuit: PlannedCircuit, devices: Mapping[str, Device]
) -> PlannedCircuit:
    """Return a circuit with the acceptance that a calibration newer than the plan's predicts.

    The same program on the same qubits is compiled under it; asked only if a gate wants to know.
    """
    gates, point = folder.plan.gates, folder.plan.points[circuit.point]
    device = devices[point.device.name]
    planned = folder.read_json(f"calibration/{device.name}.json")["calibrated_at"]
    asked = gates is not None and gates.min_predicted_acceptance is not None
    known = circuit.predicted_acceptance
    if not asked or known is None or point.baseline or device.calibrated_at == planned:
        return circuit
    from ..build import build_point
    from ..judging import judge_circuit

    again = replace(
        point,
        measure=(circuit.basis,),
        device=replace(point.device, embedding=circuit.layout),
        protocol=replace(point.protocol, reuse=circuit.reuse),
    )
    where = load_experiment(folder.path / "spec.yaml").where
    built = build_point(again, where, lambda name: devices[name])[circuit.basis]
    verdict = judge_circuit(point, built.compiled)
    return replace(
        circuit, predicted_acceptance=verdict.acceptance, prediction_method=verdict.method
    )


def preflight(
    prepared: Prepared,
    standings: dict[str, MachineStanding],
    usage: Usage,
    *,
    claims: Sequence[Claim],
    site: Site,
    now: str,
) -> tuple[Check, ...]:
    """Return everything that is checked before a new run, met or not, in words.

    Args:
        prepared: the compiled plan, with predictions and certificates.
        standings: how each machine stands.
        usage: what is left of the account's time.
        claims: what other runs have cost and may cost.
        site: settings of the runs directory.
        now: UTC, ISO 8601.
    """
    plan, program = prepared.plan, site.ibm.program
    loaded = {name: compiled.circuit for name, compiled in prepared.compiled_by_name().items()}
    delays = {name: s.repetition_delay_seconds for name, s in standings.items()}
    found = costs(plan, prepared.circuits, prepared.shards, delays=delays, program=program)
    jobs = found.values()
    most = sum(cost.most_seconds for cost in jobs)
    return (
        *machine_checks(plan, prepared.circuits, loaded, prepared.devices, standings),
        *_certificates(prepared),
        *_time(jobs, usage),
        *(
            Check(
                field=limit.field,
                ok=limit.refusal(most) is None,
                text=limit.refusal(most)
                or f"up to {most:g} QPU seconds, {limit.left:g} left of {limit.what} of "
                f"{limit.seconds:g}",
                lasting=most > limit.seconds,
            )
            for limit in limits(
                claims, run_id=None, budget=plan.budget, site=site.budget, now=now, planned=True
            )
        ),
    )


def machine_checks(
    plan: Plan,
    circuits: Sequence[PlannedCircuit],
    loaded: dict[str, QuantumCircuit],
    devices: dict[str, Device],
    standings: dict[str, MachineStanding],
) -> tuple[Check, ...]:
    """Return what is checked of machines and of the circuits for them.

    Args:
        plan: the plan.
        circuits: its circuits in numbers.
        loaded: the circuits themselves, by name: those that are submitted.
        devices: the machines, with their calibration now.
        standings: how they stand.
    """
    found: list[Check] = []
    for name, standing in standings.items():
        said = f" ({standing.message})" if standing.message else ""
        what = "takes jobs" if standing.operational else "takes no jobs now"
        found.append(
            Check(
                field="device.name",
                ok=standing.operational,
                text=f"{name} {what}{said}; {standing.queue} jobs wait; calibrated "
                f"{devices[name].calibrated_at}",
            )
        )
        found += _queue(plan, name, standing)
    found += gate_checks(plan, circuits, devices.values())
    found += _isa(plan, circuits, loaded, devices)
    found += _gadgets(plan, circuits, loaded)
    return tuple(found)


def _queue(plan: Plan, name: str, standing: MachineStanding) -> Iterator[Check]:
    if plan.gates is not None and plan.gates.max_queue is not None:
        most = plan.gates.max_queue
        yield Check(
            field="gates.max_queue",
            ok=standing.queue <= most,
            text=f"{name}: {standing.queue} jobs wait, the gate allows at most {most}",
        )


def _isa(
    plan: Plan,
    circuits: Sequence[PlannedCircuit],
    loaded: dict[str, QuantumCircuit],
    devices: dict[str, Device],
) -> Iterator[Check]:
    """Check that machines have every instruction, on qubits and edges that work."""
    for circuit in circuits:
        device = devices[plan.points[circuit.point].device.name]
        try:
            check_isa(loaded[circuit.name], device)
        except RefusedError as error:
            yield Check(field="device.name", ok=False, text=f"circuit {circuit.name}: {error}")
            return
    text = f"{len(circuits)} circuits: only native gates, on qubits and edges that work"
    yield Check(field="", ok=True, text=text)


def _gadgets(
    plan: Plan, circuits: Sequence[PlannedCircuit], loaded: dict[str, QuantumCircuit]
) -> Iterator[Check]:
    """Check that every gadget has its two-qubit gates, measurements and resets."""
    for circuit in circuits:
        counts = count_by_gadget(read_instructions(loaded[circuit.name]))
        for gadget in circuit.gadgets:
            for kind in ("two_qubit_gates", "measurements", "resets"):
                wanted, found = getattr(gadget, kind), counts[kind, gadget.label]
                if wanted != found:
                    label = plan.points[circuit.point].label
                    text = f"{label} in {circuit.basis}: gadget {gadget.label!r} has {found} "
                    text += f"{kind.replace('_', ' ')}, {wanted} were planned"
                    yield Check(field="", ok=False, text=text, lasting=True)
                    return
    total = sum(len(circuit.gadgets) for circuit in circuits)
    yield Check(field="", ok=True, text=f"{total} gadgets intact in the circuits to be sent")


def _certificates(prepared: Prepared) -> Iterator[Check]:
    """Check that what claims fault tolerance has a certificate, and that it holds."""
    for point in prepared.plan.points:
        if point.baseline or point.protocol.rounds is None:
            continue
        certificate = prepared.certificates.get(point.label)
        if certificate is None:
            text = f"{point.label}: no certificate could be made of the compiled circuit"
            yield Check(field="protocol", ok=False, text=text, lasting=True)
            continue
        failures = len(certificate.failures("detection"))
        yield Check(
            field="protocol",
            ok=not failures,
            text=f"{point.label}: {failures} of {len(certificate.faults)} single faults of the "
            "compiled circuit go undetected and do harm",
            lasting=bool(failures),
        )


def _time(jobs: Iterable[Cost], usage: Usage) -> Iterator[Check]:
    jobs = list(jobs)
    longest = max((cost.most_seconds for cost in jobs), default=0)
    estimated, most = sum(c.estimated_seconds for c in jobs), sum(c.most_seconds for c in jobs)
    yield Check(
        field="shots",
        ok=longest <= MOST_JOB_SECONDS,
        text=f"{len(jobs)} jobs, estimated {estimated:.3g} QPU seconds, at most {most:g} (each is "
        f"stopped at twice its estimate; the longest at {longest:g} s of {MOST_JOB_SECONDS})",
        lasting=longest > MOST_JOB_SECONDS,
    )
    left = usage.remaining_seconds
    yield Check(
        field="",
        ok=left is None or most <= left,
        text="the account's instance has no limit, or does not tell it"
        if left is None
        else f"{left:g} QPU seconds are left on the account's instance, up to {most:g} are needed",
    )
