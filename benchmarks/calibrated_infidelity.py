"""Acceptance and infidelity of d = 3 schemes on a device's calibration, sampled with clifft.

    python benchmarks/calibrated_infidelity.py --device fake_boston --shots 4000000

The compiled, scheduled circuit of each scheme on its best qubits with gate errors, T1 and T2 in
gates and delays (Pauli-twirled) and readout errors of the ancillas. The data are not read out but
checked ideally: `detected` is the infidelity of accepted shots with trivial syndromes, `corrected`
that of all accepted shots after ideal decoding; the share of accepted shots with trivial syndromes
stands beside them. `predicted` is `predict_acceptance`, which has the data's readout too.
"""

from __future__ import annotations

import argparse
from functools import reduce
from math import sqrt
from operator import add

from hexmagic.backends.clifft.counts import ideal_flipped
from hexmagic.backends.clifft.noise import noise_errors
from hexmagic.backends.clifft.shots import batches
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise.models import make_noise
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.experiments.certificates.single import certify
from hexmagic.experiments.counts import Outcome
from hexmagic.experiments.program import Program
from hexmagic.experiments.spec import Accept, NoiseSpec
from hexmagic.experiments.synthesis.variants import variant_programs

CALIBRATION = NoiseSpec(kind="calibration", p=None)
DETECT = Accept(readout="detect")


def line(name: str, program: Program, device_name: str, *, shots: int, seed: int) -> str:
    """Return one line of the table."""
    device = load_device(device_name)
    compiled = compile_program(program, device, choose_embedding(program, device))
    noise = make_noise(compiled, CALIBRATION)
    counting = ideal_flipped(compiled, noise_errors(compiled, noise), DETECT, noise)
    parts = (counting.count(size, part, None) for size, part in batches(shots, seed))
    outcomes = reduce(add, parts).outcomes
    detected, corrected = outcomes["detect"], outcomes["correct"]
    certificate = certify(program, compiled.instructions)
    predicted = predict_acceptance(compiled, CALIBRATION, DETECT, certificate).acceptance
    gates = sum(gadget.two_qubit_gates for gadget in program.gadgets)
    return (
        f"{name:16} {gates:5} {compiled.duration_seconds * 1e6:6.2f} {predicted:9.4f} "
        f"{corrected.kept / shots:9.4f} {detected.kept / corrected.kept:8.4f} "
        f"{_infidelity(detected)} {_infidelity(corrected)}"
    )


def _infidelity(outcome: Outcome) -> str:
    mean, error = outcome.minus / outcome.kept, sqrt(outcome.minus_squares) / outcome.kept
    return f"{mean:9.1e} ({error:.0e})"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="fake_boston")
    parser.add_argument("--shots", type=int, default=1 << 21)
    options = parser.parse_args()
    print(f"{'scheme':16} gates     us predicted  accepted  trivial          detected  corrected")
    for name, program in variant_programs():
        print(line(name, program, options.device, shots=options.shots, seed=1), flush=True)


if __name__ == "__main__":
    main()
