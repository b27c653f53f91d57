"""Building a point: its programs on their device, embedded, compiled and judged."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from ..backends.compilation import Compiled, compile_program
from ..backends.device import Device, load_device
from ..backends.embedding import choose_embedding
from ..backends.noise import make_noise, single_qubit_readout
from ..backends.prediction import predict_acceptance
from ..experiments.certificate import MAX_QUBITS, Certificate, certify
from ..experiments.colour_code import Basis
from ..experiments.errors import UsageError
from ..experiments.program import Program, make_program
from .plan import Point
from .prepare import Built, Verdict, Where, located


def build_point(point: Point, where: Where) -> Mapping[Basis, Built]:
    """Return a point's compiled circuits, all bases on the same qubits.

    Raises:
        UsageError: unknown device, device too small, an embedding that does not fit, noise that
            the device has no data for; with the place of the field.
    """
    with located(where, "device.name"):
        device = load_device(point.device.name)
    programs = {
        basis: make_program(
            scheme=point.protocol.scheme,
            distance=point.protocol.distance,
            rounds=point.protocol.rounds,
            basis=basis,
        )
        for basis in point.measure
    }
    wanted = point.device.embedding
    with located(where, "device.name" if wanted == "best" else "device.embedding"):
        layout = _layout(point, programs[point.measure[0]], device)
        compiled = {
            basis: compile_program(program, device, layout) for basis, program in programs.items()
        }
    with located(where, "device.noise"):
        for circuit in compiled.values():
            make_noise(circuit, point.device.noise)
    return {
        basis: Built(compiled=circuit, readout_error=_readout_error(point, circuit))
        for basis, circuit in compiled.items()
    }


def judge_circuit(point: Point, compiled: Compiled) -> Verdict:
    """Return the predicted acceptance of a compiled circuit, with its certificate if it helps.

    A circuit with a code, noise and few enough qubits is certified: seconds of exact simulation.
    Without noise nothing is lost and no certificate is needed to know that.
    """
    noise = point.device.noise
    certificate = circuit_certificate(compiled) if noise.kind != "none" else None
    prediction = predict_acceptance(compiled, noise, point.accept, certificate)
    return Verdict(
        acceptance=prediction.acceptance, method=prediction.method, certificate=certificate
    )


def circuit_certificate(compiled: Compiled) -> Certificate | None:
    """Return the certificate of a circuit; None if it has no code or too many qubits."""
    patch = compiled.program.patch
    if patch.code is None or patch.num_qubits > MAX_QUBITS:
        return None
    known = _certificates()
    if compiled.fingerprint not in known:
        known[compiled.fingerprint] = certify(compiled.program, compiled.instructions)
    return known[compiled.fingerprint]


@cache
def _certificates() -> dict[str, Certificate]:
    """Certificates of this process by fingerprint: a sweep of the noise needs only one."""
    return {}


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
