"""Judging compiled circuits: acceptance, certificates, and what is known before any is sampled."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from math import sqrt
from typing import Any

from ..analysis.postselect import cut_flow
from ..analysis.strata.stratum import ExactStratum, Stratum
from ..backends.clifft import engine as clifft_engine
from ..backends.clifft.noise import is_symmetric
from ..backends.compilation import Compiled
from ..backends.known_strata import known_strata
from ..backends.noise.models import make_noise
from ..backends.prediction import predict_acceptance
from ..experiments.certificates.pairs import Progress
from ..experiments.certificates.single import Certificate, Kind
from ..experiments.counts import Readout
from ..experiments.errors import RefusedError
from .folder.certificate_store import stored_certificate, stored_pairs
from .plan import Point, derive_seed
from .prepare import Verdict
from .progress import share_progress

PREDICTION_SHOTS = 20_000
"""Emulated shots from which the acceptance on a machine is predicted: 0.4 % standard error."""

PAIR_SECONDS = 1800.0
"""Most time for the pairs of one circuit, where `best` has to know them; a few minutes do."""


def judge_circuit(point: Point, compiled: Compiled) -> Verdict:
    """Return the predicted acceptance of a compiled circuit, with its certificate if it helps.

    A circuit with a code and noise is certified, unless that takes too many terms. Without noise
    nothing is lost and no certificate is needed to know that. For paid hardware the acceptance is
    that of an emulation by clifft under the machine's calibration.
    """
    noise = point.device.noise
    certificate = certificate_or_none(compiled) if noise.kind != "none" else None
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
    certificate = certificate_or_none(compiled)
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


def certificate_or_none(compiled: Compiled) -> Certificate | None:
    """Return the certificate of a circuit; None if it has no code or takes too many terms."""
    try:
        return circuit_certificate(compiled)
    except RefusedError:
        return None  # `check` says why; a prediction and a comparison do without
