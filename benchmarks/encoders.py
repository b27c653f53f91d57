"""Encoders compared as the devices run them: the searched ones against what they replaced.

    python benchmarks/encoders.py --device fake_boston fake_torino

For d = 3 (`fold14`, and the encoder alone) and d = 5 (`fold`, one round, and the encoder alone):
gates of the encoder, predicted acceptance and, to first order, the infidelity of what is kept: the
chance of a single fault that is accepted, has trivial syndromes and leaves the wrong logical state
(what else happens rejects right and wrong alike).
"""

from __future__ import annotations

import argparse

from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise.models import make_noise
from hexmagic.backends.prediction import predict_acceptance, single_faults_of
from hexmagic.experiments.block import Block, Gate, cx
from hexmagic.experiments.certificates.single import TOLERANCE, certify
from hexmagic.experiments.detection import make_detection
from hexmagic.experiments.encode import fan_out_encoder, make_encode
from hexmagic.experiments.hadamard import make_hadamard
from hexmagic.experiments.patch import Patch, spider_names
from hexmagic.experiments.program import Program, assemble, make_patch
from hexmagic.experiments.readout import make_readout
from hexmagic.experiments.searched import parse_layers
from hexmagic.experiments.spec import Accept, NoiseSpec

CALIBRATION = NoiseSpec(kind="calibration")

LAYERS_30 = """
    c>e1  e2>n2 f3>n3
    c>e2  e1>n1 n3>e3
    e3>c
    c>e1  e3>n3 n1>f1 f3>x3
    e1>c  f1>x1 x3>f3
    e2>c  n1>e1 n2>f2
    c>e3  e1>n1 e2>n2 f2>x2
    e1>c  e3>n3 f1>n1 f2>n2
    n1>e1 n2>e2 n3>e3 x1>f1 x2>f2
"""
"""30 CX in 9 layers; the state enters on e1, with |+> on c, e2 and f3."""

STIM_26 = """
    H f3  Z f3  H f2  H f1  H e1  Z e1  H x3  H x2  H x1  H n3  S n3  Z n3  H n1  X c
    H e3  X e3  S e3  H e3
    YCZ f3 x3  XCZ c e1   YCY f1 x1  XCY e2 n2  YCY f2 x2  CZ n2 f2   YCZ f2 x2  YCZ c e3
    YCZ e3 n3  YCZ n3 f3  XCX c e2   YCY c e3   XCZ e1 n1  XCZ e3 n3  XCZ n1 f1  XCZ c e3
    YCY e1 n1  YCZ c e1   YCX e2 n2  XCZ c e2   XCY f3 x3  YCZ c e3   XCZ e1 n1  XCX e3 n3
    XCZ f1 x1  XCY e2 n2
"""
"""26 two-qubit gates, the least of all, in Stim's names; the state enters on e3."""

_TO_Z: dict[str, tuple[str, ...]] = {"X": ("h",), "Y": ("sdg", "h"), "Z": ()}
_FROM_Z: dict[str, tuple[str, ...]] = {"X": ("h",), "Y": ("h", "s"), "Z": ()}


def encoder_30(patch: Patch) -> tuple[Gate, ...]:
    """Return the former encoder of d = 3."""
    names = spider_names(patch)
    plus = tuple(("h", names[name]) for name in ("c", "e2", "f3"))
    return (("a", names["e1"]), *plus, *parse_layers(LAYERS_30, names))


def encoder_26(patch: Patch) -> tuple[Gate, ...]:
    """Return the encoder of d = 3 with the least number of two-qubit gates."""
    names = spider_names(patch)
    gates: list[Gate] = [("a", names["e3"])]
    words = iter(STIM_26.split())
    for word in words:
        first = names[next(words)]
        if len(word) == 1:
            gates += [("s", first)] * 2 if word == "Z" else [(word.lower(), first)]
            continue
        second = names[next(words)]
        own, other = ("Z", "Z") if word == "CZ" else (word[0], word[2])
        gates += [(name, first) for name in _TO_Z[own]]
        gates += [(name, second) for name in (*_TO_Z[other], "h")]
        gates.append(cx(first, second))
        gates += [(name, second) for name in ("h", *_FROM_Z[other])]
        gates += [(name, first) for name in _FROM_Z[own]]
    return tuple(gates)


def fanned_out(patch: Patch) -> tuple[Gate, ...]:
    """Return the encoder of a distance that nothing was searched for."""
    assert patch.code is not None
    return fan_out_encoder(patch, patch.code)


def searched(patch: Patch) -> tuple[Gate, ...]:
    """Return the encoder in use."""
    return make_encode(patch).gates


ENCODERS = {
    ("fold14", 3): {"searched": searched, "former, 30 CX": encoder_30, "26 gates": encoder_26},
    ("fold", 5): {"searched": searched, "fan-out": fanned_out},
}


def make_with(scheme: str, distance: int, gates: tuple[Gate, ...], *, alone: bool) -> Program:
    """Return one round of a scheme behind an encoder, or the encoder alone."""
    patch = make_patch("encoded" if alone else scheme, distance)
    blocks = [Block(label="encode", stage="encode", round=0, gates=gates)]
    if not alone:
        blocks += [make_hadamard(patch, scheme, 1), *make_detection(patch, scheme, 1)]
    blocks.append(make_readout(patch, "Z"))
    return assemble("encoded" if alone else scheme, patch, blocks, "Z")


def print_judgement(name: str, compiled: Compiled) -> None:
    """Print the line of one circuit."""
    certificate = certify(compiled.program, compiled.instructions)
    acceptance = predict_acceptance(compiled, CALIBRATION, Accept(), certificate).acceptance
    wrong = {
        (fault.at, fault.qubits, fault.pauli): float(chance)
        for fault, chance in zip(certificate.faults, certificate.wrong_undetected, strict=True)
        if chance > TOLERANCE
    }
    undetected = sum(
        chance * wrong.get(key, 0.0)
        for channel in make_noise(compiled, CALIBRATION).channels
        for key, chance in single_faults_of(compiled, channel)
    )
    print(
        f"{name:42} {compiled.two_qubit_gates['encode']:4} gates, "
        f"{compiled.duration_seconds * 1e6:6.2f} us, acceptance {acceptance:.4g}, "
        f"infidelity {undetected:.2e}, "
        f"undetected single faults {len(certificate.failures('detection'))} of "
        f"{len(certificate.faults)}",
        flush=True,
    )


def main() -> None:
    """Print one line for each device, circuit and encoder."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", nargs="+", default=["fake_boston"])
    parser.add_argument("--distance", type=int, nargs="+", default=[3, 5], choices=(3, 5))
    options = parser.parse_args()
    for device in map(load_device, options.device):
        for (scheme, distance), encoders in ENCODERS.items():
            for name, make in encoders.items() if distance in options.distance else ():
                for alone in (False, True):
                    patch = make_patch("encoded" if alone else scheme, distance)
                    program = make_with(scheme, distance, make(patch), alone=alone)
                    compiled = compile_program(program, device, choose_embedding(program, device))
                    what = f"{'encoded' if alone else scheme} d = {distance}"
                    print_judgement(f"{device.name} {what} {name}", compiled)


if __name__ == "__main__":
    main()
