"""Building a point: its programs on their device, embedded, compiled and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..backends.compilation import Compiled, compile_program
from ..backends.device import Device, load_device
from ..backends.embedding import choose_embedding, require_room
from ..backends.noise.models import make_noise, single_qubit_readout
from ..backends.routing import route_program
from ..experiments.certificates.single import KINDS
from ..experiments.errors import UsageError
from ..experiments.measures import Measure
from ..experiments.program import Program, make_patch, make_program
from ..experiments.reuse import REUSES, Reuse
from .judging import PAIR_SECONDS, certificate_or_none, circuit_pairs, judge_circuit
from .plan import Point, derive_seed
from .policies import PairFailures, Policy, best_policy
from .prepare import Built, Where, located
from .progress import share_progress

Load = Callable[[str], Device]


def build_point(point: Point, where: Where, load: Load = load_device) -> Mapping[Measure, Built]:
    """Return a point's compiled circuits, all bases on the same qubits.

    Reuse `best` is resolved here: the programs' own `reuse` is what was chosen.

    Args:
        point: the point.
        where: names a dotted field for messages.
        load: device of a name: a snapshot, or a machine as its service tells it now.

    Raises:
        UsageError: unknown device, device too small, an embedding that does not fit, noise that
            the device has no data for, reuse `best` of a circuit that cannot be certified; with
            the place of the field.
    """
    with located(where, "device.name"):
        device = load(point.device.name)
        if point.device.noise.kind == "paper":
            device = device.in_time_steps()
        require_room(make_patch(point.protocol.scheme, point.protocol.distance), device)
    reuse = _reuse(point, where, load)
    programs: Mapping[Measure, Program] = {
        basis: make_program(
            scheme=point.protocol.scheme,
            distance=point.protocol.distance,
            rounds=point.protocol.rounds,
            basis=basis,
            reuse=reuse,
        )
        for basis in point.measure
    }
    wanted = point.device.embedding
    with located(where, "device.name" if wanted == "best" else "device.embedding"):
        programs, layout = _place(point, programs, device)
        compiled = {
            basis: compile_program(program, device, layout, decoupling=point.device.decoupling)
            for basis, program in programs.items()
        }
    with located(where, "device.noise"):
        for circuit in compiled.values():
            make_noise(circuit, point.device.noise)
    return {
        basis: Built(compiled=circuit, readout_error=_readout_error(point, circuit))
        for basis, circuit in compiled.items()
    }


def compare_policies(point: Point, where: Where, load: Load = load_device) -> tuple[Policy, ...]:
    """Return what each reuse policy makes of a point, `reset` first; none where nothing is reused.

    Every policy gets the embedding that it would get if it were asked for. Policies with the same
    circuit are one. The first basis is judged.

    Raises:
        UsageError: as for `build_point`.
    """
    if point.protocol.rounds is None:
        return ()
    basis = point.judged
    found: dict[str, tuple[Compiled, list[Reuse]]] = {}
    for reuse in REUSES:
        asked = replace(point, protocol=replace(point.protocol, reuse=reuse), measure=(basis,))
        compiled = build_point(asked, where, load)[basis].compiled
        found.setdefault(compiled.fingerprint, (compiled, []))[1].append(reuse)
    return tuple(_judged(point, compiled, names) for compiled, names in found.values())


def _judged(point: Point, compiled: Compiled, names: Sequence[Reuse]) -> Policy:
    verdict, certificate = judge_circuit(point, compiled), certificate_or_none(compiled)
    failures = {
        kind: None if certificate is None else len(certificate.failures(kind)) for kind in KINDS
    }
    return Policy(
        reuse=names[0],
        same_circuit=tuple(names[1:]),
        measurement_layers=compiled.measurement_layers,
        duration_seconds=compiled.duration_seconds,
        predicted_acceptance=verdict.acceptance,
        prediction_method=verdict.method,
        faults=None if certificate is None else len(certificate.faults),
        detection_failures=failures["detection"],
        correction_failures=failures["correction"],
    )


def _reuse(point: Point, where: Where, load: Load) -> Reuse:
    if point.protocol.reuse != "best":
        return point.protocol.reuse
    policies = compare_policies(point, where, load)
    distance = point.protocol.distance or 0
    with located(where, "protocol.reuse"):
        if distance > 5 and len(policies) > 1:
            raise UsageError(
                f"best would have to judge {(distance - 1) // 2} faults at a time at distance "
                f"{distance}; write reset, xor or deferred"
            )
        return best_policy(
            policies, _judge_pairs(point, where, load) if distance > 3 else None
        ).reuse


def _judge_pairs(point: Point, where: Where, load: Load) -> PairFailures:
    """Return what counts a policy's pairs of faults that defeat detection: those of distance 5."""

    def count(policy: Policy) -> int:
        basis = point.judged
        asked = replace(point, protocol=replace(point.protocol, reuse=policy.reuse))
        asked = replace(asked, measure=(basis,))
        compiled = build_point(asked, where, load)[basis].compiled
        with share_progress(f"pairs of {point.label}, reuse {policy.reuse}") as progress:
            found = circuit_pairs(point, compiled, PAIR_SECONDS, progress)
        if not found["exhaustive"]:
            raise UsageError(
                f"best could not judge all pairs of faults of {policy.reuse} in "
                f"{PAIR_SECONDS:g} s; write reset, xor or deferred"
            )
        return int(found["detection_failures"])

    return count


def _place(
    point: Point, programs: Mapping[Measure, Program], device: Device
) -> tuple[Mapping[Measure, Program], tuple[int, ...]]:
    """Return a point's programs on the qubits of their layout, the same for every basis."""
    if point.protocol.scheme != "routed":
        return programs, _layout(point, programs[point.judged], device)
    seed = derive_seed(point.seed, "routing")
    routed = {basis: route_program(program, device, seed) for basis, program in programs.items()}
    return {basis: one.program for basis, one in routed.items()}, routed[point.judged].layout


def _layout(point: Point, program: Program, device: Device) -> tuple[int, ...]:
    """Return a point's layout; a baseline uses the first qubits of an explicit embedding."""
    wanted = point.device.embedding
    if wanted == "best":
        return choose_embedding(program, device)
    if point.baseline:
        wanted = wanted[: program.patch.num_qubits]
    if len(wanted) != program.patch.num_qubits:
        raise UsageError(
            f"{len(wanted)} qubits, the {program.patch.name} patch has {program.patch.num_qubits}"
        )
    return choose_embedding(program, device, wanted)


def _readout_error(point: Point, compiled: Compiled) -> tuple[float, float] | None:
    if point.protocol.scheme != "bare" or point.device.noise.kind == "none":
        return None
    return single_qubit_readout(compiled.device, compiled.layout[0], point.device.noise)
