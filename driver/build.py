"""Building a point: its programs on their device, embedded, compiled and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import sqrt
from typing import Any

from ..analysis.postselect import cut_flow
from ..analysis.strata.rates import ExactStratum, Stratum
from ..backends.clifft import engine as clifft_engine
from ..backends.clifft.noise import is_symmetric
from ..backends.compilation import Compiled, compile_program
from ..backends.device import Device, load_device
from ..backends.embedding import choose_embedding
from ..backends.known_strata import known_strata
from ..backends.noise.placing import make_noise, single_qubit_readout
from ..backends.prediction import predict_acceptance
from ..backends.routing import route_program
from ..experiments.certificates.pairs import Progress
from ..experiments.certificates.single import KINDS, Certificate, Kind
from ..experiments.counts import Readout
from ..experiments.errors import RefusedError, UsageError
from ..experiments.measures import Measure
from ..experiments.program import Program, make_program
from ..experiments.reuse import REUSES, Reuse
from .folder.certificate_store import stored_certificate, stored_pairs
from .plan import Point, derive_seed
from .policies import PairFailures, Policy, best_policy
from .prepare import Built, Verdict, Where, located
from .progress import share_progress

Load = Callable[[str], Device]

PREDICTION_SHOTS = 20_000
"""Emulated shots from which the acceptance on a machine is predicted: 0.4 % standard error."""

PAIR_SECONDS = 1800.0
"""Most time for the pairs of one circuit, where `best` has to know them; a few minutes do."""


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


def judge_circuit(point: Point, compiled: Compiled) -> Verdict:
    """Return the predicted acceptance of a compiled circuit, with its certificate if it helps.

    A circuit with a code and noise is certified, unless that takes too many terms. Without noise
    nothing is lost and no certificate is needed to know that. For paid hardware the acceptance is
    that of an emulation by clifft under the machine's calibration.
    """
    noise = point.device.noise
    certificate = _certificate_or_none(compiled) if noise.kind != "none" else None
    if point.device.backend == "ibm":
        return _emulated(point, compiled, certificate)
    prediction = predict_acceptance(compiled, noise, point.accept, certificate)
    return Verdict(
        acceptance=prediction.acceptance, method=prediction.method, certificate=certificate
    )


def _emulated(point: Point, compiled: Compiled, certificate: Certificate | None) -> Verdict:
    seed = derive_seed(point.seed, "predicted acceptance", compiled.fingerprint)
    accept, noise = point.accept, point.device.noise
    shots = clifft_engine.sample(compiled, noise, shots=PREDICTION_SHOTS, seed=seed)
    kept = int(cut_flow(shots, accept).kept.sum())
    return Verdict(
        acceptance=kept / PREDICTION_SHOTS,
        method=f"emulation by clifft, {PREDICTION_SHOTS} shots under the calibration of "
        f"{compiled.device.calibrated_at}",
        certificate=certificate,
    )


def circuit_certificate(compiled: Compiled) -> Certificate | None:
    """Return the certificate of a circuit; None if it has no code.

    Raises:
        RefusedError: it takes too many terms.
    """
    if compiled.program.patch.code is None:
        return None
    known = _certificates()
    if compiled.fingerprint not in known:
        try:
            found = stored_certificate(compiled.program, compiled.instructions)
        except RefusedError as error:
            known[compiled.fingerprint] = error
        else:
            known[compiled.fingerprint] = found
    certificate = known[compiled.fingerprint]
    if isinstance(certificate, RefusedError):
        raise certificate
    return certificate


def circuit_pairs(
    point: Point, compiled: Compiled, budget_seconds: float, progress: Progress
) -> dict[str, Any]:
    """Return what pairs of faults do to a point's circuit; drawn ones follow the point's seed."""
    return stored_pairs(
        compiled.program,
        compiled.instructions,
        budget_seconds=budget_seconds,
        seed=derive_seed(point.seed, "pairs of faults"),
        progress=progress,
    )


def known_of_circuit(point: Point, compiled: Compiled) -> Mapping[int, Stratum]:
    """Return what is known of a circuit's strata without sampling.

    No fault: what a noiseless run does. H_ideal, all cuts on, also a single fault, exactly, from
    the certificate, and at distance 5 and beyond two faults: if no pair of them all defeats
    detection (or correction), no kept shot is wrong. Pairs take minutes, the first time.
    """
    measure = compiled.program.record.logical.basis
    if not is_symmetric(make_noise(compiled, point.device.noise)):
        # misread outcomes come on top of the faults; without any fault the state is still |H>
        return {0: Stratum(certified=("detect", "correct"))} if measure == "H_ideal" else {}
    minus = {"H": 0.0, "Y": 0.5}.get(measure, (1 - sqrt(0.5)) / 2)
    if measure != "H_ideal":
        noiseless = ExactStratum(kept=1.0, minus=minus)
        return {0: Stratum(exact={point.accept.readout: noiseless})}
    certificate = _certificate_or_none(compiled)
    accept = point.accept
    if certificate is None or not (accept.hadamard and accept.flags and accept.syndromes):
        return {}
    known = {
        faults: Stratum(
            exact={name: ExactStratum(kept=k, minus=m) for name, (k, m) in rates.items()}
        )
        for faults, rates in enumerate(known_strata(compiled, point.device.noise, certificate))
    }
    if (point.protocol.distance or 0) >= 5 and point.protocol.rounds is not None:
        known[2] = Stratum(certified=_certified_pairs(point, compiled))
    return known


def _certified_pairs(point: Point, compiled: Compiled) -> tuple[Readout, ...]:
    """Return the readouts that no pair of faults defeats."""
    with share_progress(f"pairs of {point.label}") as progress:
        pairs = circuit_pairs(point, compiled, PAIR_SECONDS, progress)
    kinds: Mapping[Readout, Kind] = {"detect": "detection", "correct": "correction"}
    whole = pairs["exhaustive"]
    return tuple(r for r, kind in kinds.items() if whole and not pairs[f"{kind}_failures"])


@cache
def _certificates() -> dict[str, Certificate | RefusedError]:
    """Certificates of this process by fingerprint: a sweep of the noise needs only one."""
    return {}


def _certificate_or_none(compiled: Compiled) -> Certificate | None:
    try:
        return circuit_certificate(compiled)
    except RefusedError:
        return None  # `check` says why; a prediction and a comparison do without


def _judged(point: Point, compiled: Compiled, names: Sequence[Reuse]) -> Policy:
    verdict, certificate = judge_circuit(point, compiled), _certificate_or_none(compiled)
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
