"""`hexmagic check`: the plan, compiled, as data and as text; nothing is run."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..experiments.spec import HARDWARE
from .adapters import Engine
from .circuits import PlannedCircuit
from .costs import JOB_SECONDS, REPETITION_DELAY_SECONDS
from .limits import engine_refusals, estimated_qpu_seconds
from .machines import is_hardware, machine_names
from .new_run import hardware_costs
from .plan import Point
from .policies import Policy, render_policies, reuse_words
from .prepare import Prepared
from .provenance import rewrites

SCHEMA_VERSION = 1
Certify = Callable[[Prepared, PlannedCircuit], Mapping[str, Any]]
Compare = Callable[[Point], Sequence[Policy]]
_LABEL = 14


def describe(
    prepared: Prepared, engine: Engine, certify: Certify, compare: Compare
) -> dict[str, Any]:
    """Return a compiled plan in JSON types.

    What a plan for paid hardware is estimated to take is what its pre-flight counts: the machine's
    own repetition delay and the canaries included.

    Args:
        prepared: the compiled plan.
        engine: tells what it cannot hold and what it rewrites.
        certify: certificate of a circuit, or why there is none (`computed` false, `reason`).
        compare: what each reuse policy makes of a point; nothing where none applies.
    """
    plan, machines = prepared.plan, engine.machines
    delay = REPETITION_DELAY_SECONDS
    seconds = {point.index: estimated_qpu_seconds(prepared, point.index) for point in plan.points}
    if machines is not None:
        standings = machines.standings(machine_names(plan)).values()
        delay = max(standing.repetition_delay_seconds for standing in standings)
        seconds = dict.fromkeys(seconds, 0.0)
        costs = hardware_costs(prepared, machines)
        for shard in prepared.shards:
            seconds[shard.point] += costs[shard.id].estimated_seconds
    return {
        "schema_version": SCHEMA_VERSION,
        "name": plan.name,
        "description": plan.description,
        "engine": engine.identity,
        "circuits": len(prepared.circuits),
        "shots": sum(shard.shots for shard in prepared.shards),
        "shards": len(prepared.shards),
        "estimated_qpu_seconds": sum(seconds.values()),
        "repetition_delay_seconds": delay,
        "job_seconds": JOB_SECONDS if is_hardware(plan) else 0.0,
        "not_runnable": list(engine_refusals(prepared, engine)),
        "rewrites": rewrites(plan, prepared.circuits),
        "points": [
            _point(prepared, point, certify, compare, seconds[point.index]) for point in plan.points
        ],
    }


def render_check(document: Mapping[str, Any], width: int = 80) -> str:
    """Return what `describe` returned as text, one block per point, within `width` columns."""
    lines = textwrap.wrap(
        f"{document['name']}: {document['description'] or 'no description'}", width
    )
    points, circuits = len(document["points"]), document["circuits"]
    lines += textwrap.wrap(
        f"{points} point{'s' * (points != 1)}, {circuits} circuits, {_all_shots(document)} on "
        f"{document['engine']}; estimated on hardware: "
        f"{document['estimated_qpu_seconds']:.3g} QPU seconds, shots x (duration + repetition "
        f"delay of {1e6 * document['repetition_delay_seconds']:.0f} us){_per_job(document)}",
        width,
    )
    for text in document["not_runnable"]:
        lines += textwrap.wrap(f"cannot be run: {text}", width)
    for point in document["points"]:
        lines += ["", point["label"] + (" (baseline)" if point["baseline"] else "")]
        for name, text in _facts(point):
            lines += _field(name, text, width)
        lines += render_policies(point["policies"], indent=_LABEL + 2)
    if "schedule" in document:
        lines += ["", *textwrap.wrap(f"Schedule: {document['schedule']['text']}", width)]
    if "preflight" in document:
        lines += ["", "Before anything is submitted:", *_preflight(document["preflight"], width)]
    if document["rewrites"]:
        lines += ["", f"What {document['engine']} makes of the circuits:"]
    for text in document["rewrites"]:
        lines += textwrap.wrap(text, width, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines) + "\n"


def _per_job(document: Mapping[str, Any]) -> str:
    seconds = document["job_seconds"]
    return f" + {seconds:g} s for each job, bit-order canaries included" if seconds else ""


def _preflight(checks: Sequence[Mapping[str, Any]], width: int) -> Iterator[str]:
    for one in checks:
        field = f"{one['field']}: " if one["field"] and not one["ok"] else ""
        mark = "ok  " if one["ok"] else "NO  "
        yield from textwrap.wrap(
            field + one["text"], width, initial_indent=f"  {mark}", subsequent_indent=" " * 6
        )


def _point(
    prepared: Prepared, point: Point, certify: Certify, compare: Compare, seconds: float
) -> dict[str, Any]:
    circuits = [circuit for circuit in prepared.circuits if circuit.point == point.index]
    first = next(circuit for circuit in circuits if circuit.basis == point.judged)
    certificate = {"computed": False, "reason": "baseline"}
    plain = point.baseline and point.protocol.scheme != "routed"
    return {
        "label": point.label,
        "baseline": point.baseline,
        "scheme": point.protocol.scheme,
        "distance": point.protocol.distance,
        "rounds": point.protocol.rounds,
        "reuse": first.reuse,
        "reuse_asked": point.protocol.reuse,
        "policies": [policy.to_json() for policy in compare(point)],
        "device": point.device.name,
        "hardware": point.device.backend == HARDWARE,
        "noise": str(point.device.noise),
        "qubits": len(first.layout),
        "layout": {role: list(qubits) for role, qubits in first.roles.items()},
        "two_qubit_gates": first.two_qubit_gates,
        "two_qubit_gates_by_stage": first.stage_gates(),
        "certificate": certificate if plain else dict(certify(prepared, first)),
        "shots": point.shots,
        "keep": point.keep,
        "estimate": point.estimate.to_document(),
        "estimated_qpu_seconds": seconds,
        "circuits": [
            {
                "basis": circuit.basis,
                "depth": circuit.depth,
                "measurement_layers": circuit.measurement_layers,
                "duration_seconds": circuit.duration_seconds,
                "predicted_acceptance": circuit.predicted_acceptance,
                "prediction_method": circuit.prediction_method,
                "fingerprint": circuit.fingerprint,
            }
            for circuit in circuits
        ],
    }


def _facts(point: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    circuits = point["circuits"]
    noise = "its own noise, predicted by its " if point["hardware"] else "noise "
    yield "device", f"{point['device']}, {noise}{point['noise']}"
    places = (f"{role} {_numbers(qubits)}" for role, qubits in point["layout"].items())
    yield "qubits", f"{point['qubits']}: {'; '.join(places)}"
    stages = (f"{stage} {gates}" for stage, gates in point["two_qubit_gates_by_stage"].items())
    yield "2-qubit gates", f"{point['two_qubit_gates']}: {', '.join(stages)}"
    depth, layers = (_by_basis(circuits, key, str) for key in ("depth", "measurement_layers"))
    yield "depth", f"{depth} layers of 2-qubit gates, {layers} of measurements"
    yield "duration", f"{_by_basis(circuits, 'duration_seconds', _microseconds)} per shot"
    if point["certificate"].get("reason") != "baseline":
        yield "certificate", _verdict(point["certificate"])
    first = next((c for c in circuits if c["predicted_acceptance"] is not None), circuits[0])
    if first["predicted_acceptance"] is not None:
        rate, method = first["predicted_acceptance"], first["prediction_method"]
        yield "acceptance", f"{rate:.3f} predicted in {first['basis']}: {method}"
    yield "shots", _shots(point)
    if point["policies"]:
        yield (
            "reuse",
            reuse_words(
                point["reuse"], point["reuse_asked"], point["policies"], point["distance"] or 0
            ),
        )


def _all_shots(document: Mapping[str, Any]) -> str:
    whole = f"{document['shots']} shots in {document['shards']} shards"
    if all(point["estimate"] == "direct" for point in document["points"]):
        return whole
    sampled = "shots by number of faults, until the goal is reached"
    return f"{whole} and {sampled}" if document["shards"] else sampled


def _shots(point: Mapping[str, Any]) -> str:
    measures = " ".join(circuit["basis"] for circuit in point["circuits"])
    if point["estimate"] != "direct":
        return f"at most {point['shots']} of {measures}, by number of faults (emulated only)"
    seconds = point["estimated_qpu_seconds"]
    return f"{point['shots']} in each of {measures}; about {seconds:.3g} QPU seconds"


def _verdict(certificate: Mapping[str, Any]) -> str:
    if not certificate["computed"]:
        return f"not computed ({certificate['reason']})"
    counts = {kind: certificate[f"{kind}_failures"] for kind in ("detection", "correction")}
    words = [f"{kind} {'holds' if not n else f'FAILS ({n})'}" for kind, n in counts.items()]
    return f"{', '.join(words)}: {certificate['faults']} single faults, in {certificate['basis']}"


def _by_basis(circuits: Sequence[Mapping[str, Any]], key: str, form: Callable[[Any], str]) -> str:
    """Return a value of every basis, once if all are shown alike."""
    texts = {circuit["basis"]: form(circuit[key]) for circuit in circuits}
    if len(set(texts.values())) == 1:
        return next(iter(texts.values()))
    return ", ".join(f"{text} ({basis})" for basis, text in texts.items())


def _microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.3g} us"


def _numbers(qubits: Sequence[int]) -> str:
    return " ".join(map(str, qubits))


def _field(name: str, text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=f"  {name.ljust(_LABEL)}",
        subsequent_indent=" " * (_LABEL + 2),
        break_long_words=False,
    )
