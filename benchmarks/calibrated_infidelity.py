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
from collections.abc import Iterator
from itertools import product
from math import sqrt

import clifft
import numpy as np

from hexmagic.backends.clifft_check import compile_checked, data_bits, judge
from hexmagic.backends.clifft_shots import batches
from hexmagic.backends.clifft_text import Errors
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.backends.noise import Channel, PauliChannel, make_noise
from hexmagic.backends.prediction import predict_acceptance
from hexmagic.experiments.certificate import certify
from hexmagic.experiments.program import Program
from hexmagic.experiments.spec import Accept, NoiseSpec
from hexmagic.experiments.synthesis.variants import variant_programs

CALIBRATION = NoiseSpec(kind="calibration", p=None)
DETECT = Accept(readout="detect")


def errors_of(compiled: Compiled) -> Errors:
    """Return a compiled circuit's calibrated noise, all of it as Pauli errors."""
    noise = make_noise(compiled, CALIBRATION)
    after: dict[int, tuple[str, ...]] = {}
    before: dict[int, tuple[str, ...]] = {}
    for channel in noise.channels:
        after[channel.at] = (*after.get(channel.at, ()), *_lines(channel))
    open_bits = data_bits(compiled.program)
    expected = {bit.key: bit.expected for bit in compiled.program.record.bits}
    for at, instruction in enumerate(compiled.instructions):
        if instruction.name == "measure" and instruction.bits[0] not in open_bits:
            rates = noise.readout.get(instruction.bits[0], (0.0, 0.0))
            rate = rates[expected[instruction.bits[0]] or 0]
            before[at] = (f"X_ERROR({rate}) {instruction.qubits[0]}",)
    return Errors(after=after, before=before)


def _lines(channel: Channel) -> Iterator[str]:
    paulis = channel.probabilities if isinstance(channel, PauliChannel) else channel.twirl
    count = len(channel.qubits)
    letters = ("".join(word) for word in product("IXYZ", repeat=count))
    rates = ", ".join(str(paulis.get(word, 0.0)) for word in letters if set(word) != {"I"})
    yield f"PAULI_CHANNEL_{count}({rates}) {' '.join(map(str, channel.qubits))}"


def line(name: str, program: Program, device_name: str, *, shots: int, seed: int) -> str:
    """Return one line of the table."""
    device = load_device(device_name)
    compiled = compile_program(program, device, choose_embedding(program, device))
    checked = compile_checked(program, compiled.instructions, errors_of(compiled))
    accepted = trivial = 0
    sums = np.zeros(4)
    for size, engine_seed in batches(shots, seed):
        found = judge(checked, clifft.sample_survivors(checked.engine, size, engine_seed, True))
        good = found.wrong[found.trivial]
        accepted, trivial = accepted + found.accepted, trivial + len(good)
        sums += [good.sum(), (good**2).sum(), *(np.sum(found.wrong_corrected**k) for k in (1, 2))]
    certificate = certify(program, compiled.instructions)
    predicted = predict_acceptance(compiled, CALIBRATION, DETECT, certificate).acceptance
    gates = sum(gadget.two_qubit_gates for gadget in program.gadgets)
    return (
        f"{name:16} {gates:5} {compiled.duration_seconds * 1e6:6.2f} {predicted:9.4f} "
        f"{accepted / shots:9.4f} {trivial / accepted:8.4f} "
        f"{sums[0] / trivial:9.1e} ({sqrt(sums[1]) / trivial:.0e}) "
        f"{sums[2] / accepted:9.1e} ({sqrt(sums[3]) / accepted:.0e})"
    )


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
