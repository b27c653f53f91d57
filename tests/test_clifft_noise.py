"""Noise in clifft's words: every channel, every location, every flip of a readout."""

from __future__ import annotations

from functools import cache

import clifft
import numpy as np
import pytest
from numpy.typing import NDArray

from hexmagic.backends.clifft.noise import (
    STRATUM_PROBABILITY,
    flip_bits,
    is_symmetric,
    noise_errors,
    site_errors,
)
from hexmagic.backends.clifft.programs import compile_lines
from hexmagic.backends.clifft.text import Errors, make_text
from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.backends.noise.channels import Channel, CircuitNoise, PauliChannel, Relaxation
from hexmagic.backends.noise.models import make_noise
from hexmagic.experiments.certificates.faults import PREPARATION, single_faults
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.program import make_program
from hexmagic.experiments.reuse import Reuse
from hexmagic.experiments.spec import NoiseSpec

P = 0.003
UNIFORM = NoiseSpec(kind="uniform", p=P)
PAPER = NoiseSpec(kind="paper", p=P)
CALIBRATION = NoiseSpec(kind="calibration")


@cache
def circuit(measure: Measure, kind: str, reuse: Reuse = "reset") -> Compiled:
    program = make_program(scheme="fold13", distance=3, rounds=1, basis=measure, reuse=reuse)
    device = load_device("fake_torino")
    layout = find_embeddings(program.patch, device)[0]
    return compile_program(program, device.in_time_steps() if kind == "paper" else device, layout)


def sites(compiled: Compiled, errors: Errors) -> NDArray[np.float64]:
    engine = compile_lines(make_text(compiled.instructions, errors).lines)
    return np.array(engine.noise_site_probabilities)


def lines_of(channel: Channel) -> tuple[str, ...]:
    compiled = circuit("Z", "uniform")
    noise = CircuitNoise(channels=(channel,), readout={})
    return noise_errors(compiled, noise).after.get(channel.at, ())


def pauli(qubits: tuple[int, ...], **probabilities: float) -> PauliChannel:
    return PauliChannel(at=4, qubits=qubits, probabilities=probabilities)


def test_channels_have_the_shortest_words_that_are_exact() -> None:
    assert lines_of(pauli((3,), X=0.1)) == ("X_ERROR(0.1) 3",)
    assert lines_of(pauli((3,), X=0.25, Y=0.25, Z=0.25)) == ("DEPOLARIZE1(0.75) 3",)
    assert lines_of(pauli((3,), X=0.1, Z=0.2)) == ("PAULI_CHANNEL_1(0.1, 0.0, 0.2) 3",)
    words = [a + b for a in "IXYZ" for b in "IXYZ"][1:]
    assert lines_of(pauli((3, 1), **dict.fromkeys(words, 0.0625))) == ("DEPOLARIZE2(0.9375) 3 1",)
    (line,) = lines_of(pauli((3, 1), XI=0.1, IZ=0.2, ZZ=0.3))
    rates = dict(
        zip(words, line[len("PAULI_CHANNEL_2(") : line.index(")")].split(", "), strict=True)
    )
    assert line.endswith(") 3 1")
    assert {w: float(r) for w, r in rates.items() if float(r)} == {"XI": 0.1, "IZ": 0.2, "ZZ": 0.3}


def test_a_relaxation_is_its_twirl_and_a_channel_that_does_nothing_is_left_out() -> None:
    relaxation = Relaxation(at=4, qubits=(2,), decay=0.2, coherence=0.7)
    (line,) = lines_of(relaxation)
    rates = line.removeprefix("PAULI_CHANNEL_1(").removesuffix(") 2").split(", ")
    assert [float(rate) for rate in rates] == pytest.approx([0.05, 0.05, 0.1])
    assert lines_of(Relaxation(at=4, qubits=(2,), decay=0.0, coherence=1.0)) == ()
    assert lines_of(pauli((2,), X=0.0)) == ()


@pytest.mark.parametrize("noise", [UNIFORM, CALIBRATION], ids=str)
def test_every_channel_is_one_site_of_its_probability(noise: NoiseSpec) -> None:
    compiled = circuit("Z", noise.kind)
    made = make_noise(compiled, noise)
    known = [
        sum((c.probabilities if isinstance(c, PauliChannel) else c.twirl).values())
        for c in made.channels
    ]
    if is_symmetric(made):
        known += [up for up, _ in made.readout.values()]
    found = sites(compiled, noise_errors(compiled, made))
    assert np.sort(found) == pytest.approx(np.sort([p for p in known if p > 0]), rel=1e-9)


def test_readout_that_is_not_symmetric_is_left_to_the_sampled_bits() -> None:
    compiled = circuit("Z", "calibration")
    made = make_noise(compiled, CALIBRATION)
    assert not is_symmetric(made)
    assert noise_errors(compiled, made).flips == {}
    uniform = noise_errors(compiled, make_noise(compiled, UNIFORM))
    assert len(uniform.flips) == len(compiled.program.record.bits)
    assert set(uniform.flips.values()) == {2 * P / 3}


@pytest.mark.parametrize("measure", ["X", "H", "H_ideal"])
@pytest.mark.parametrize("noise", [UNIFORM, PAPER], ids=str)
def test_every_fault_location_is_one_site_and_all_are_alike(
    noise: NoiseSpec, measure: Measure
) -> None:
    compiled = circuit(measure, noise.kind)
    places = {(f.at, f.qubits) for f in single_faults(compiled.instructions, 13)}
    idle = {at for at, _ in places if at >= 0 and compiled.instructions[at].name == "delay"}
    steps = sum(round(compiled.instructions[at].params[0]) for at in idle)
    expected = len(places) - len(idle) + (steps if noise.kind == "paper" else 0)
    assert sites(compiled, site_errors(compiled, noise)) == pytest.approx(
        np.full(expected, STRATUM_PROBABILITY), rel=1e-9
    )


def test_sites_of_a_calibration_keep_their_probabilities() -> None:
    compiled = circuit("Z", "calibration")
    made = make_noise(compiled, CALIBRATION)
    channels = sites(compiled, noise_errors(compiled, made))
    raw = compiled.program.record.expected_raw
    readout = []
    for key, (up, down) in made.readout.items():
        value = raw[key]
        readout.append((up + down) / 2 if value is None else (up, down)[value])
    found = sites(compiled, site_errors(compiled, CALIBRATION))
    assert np.sort(found) == pytest.approx(np.sort([*channels, *readout]), rel=1e-9)


@pytest.mark.parametrize("reuse", ["reset", "xor"])
def test_a_readout_site_flips_one_record_in_two_of_three_cases_and_no_state(reuse: Reuse) -> None:
    compiled = circuit("Z", "uniform", reuse)
    measured = {at for at, i in enumerate(compiled.instructions) if i.name == "measure"}
    everything = site_errors(compiled, UNIFORM)
    readout = Errors(before=everything.before, after={at: everything.after[at] for at in measured})
    circuit_text = make_text(compiled.instructions, readout)
    engine = compile_lines(circuit_text.lines)
    assert len(engine.noise_site_probabilities) == len(measured)
    shots = 30_000
    found = clifft.sample_k(engine, shots, 1, seed=3).measurements.astype(bool)
    raw = compiled.program.record.expected_raw
    fixed = [i for i, key in enumerate(circuit_text.measured) if raw[key] is not None]
    flips = found[:, fixed] != [bool(raw[circuit_text.measured[i]]) for i in fixed]
    assert flips.sum(axis=1).max() == 1
    rate = 2 / 3 / len(measured)
    assert np.abs(flips.mean(axis=0) - rate).max() < 4.5 * np.sqrt(rate / shots)


def test_stratum_noise_has_no_sites_without_noise() -> None:
    compiled = circuit("Z", "uniform")
    assert len(sites(compiled, site_errors(compiled, NoiseSpec(kind="none")))) == 0


def test_flips_have_the_rate_of_the_true_value() -> None:
    rng = np.random.default_rng(5)
    shots, rates = 400_000, [(0.02, 0.3), (0.3, 0.001), (0.0, 0.0), (1.0, 0.0), (0.15, 0.15)]
    true = rng.random((shots, len(rates))) < 0.4
    bits = true.copy()
    flip_bits(bits, rates, rng)
    for column, pair in enumerate(rates):
        for value in (0, 1):
            asked = true[:, column] == bool(value)
            found = (bits[asked, column] != value).mean()
            p = pair[value]
            assert abs(found - p) <= 4.5 * np.sqrt(p * (1 - p) / asked.sum()), (pair, value)
    both = (bits[:, 0] != true[:, 0]) & (bits[:, 4] != true[:, 4])
    wanted = (bits[:, 0] != true[:, 0]).mean() * 0.15
    assert abs(both.mean() - wanted) < 4.5 * np.sqrt(wanted / shots)


def test_preparation_errors_stand_in_front() -> None:
    compiled = circuit("Z", "uniform")
    errors = noise_errors(compiled, make_noise(compiled, UNIFORM))
    assert errors.after[PREPARATION] == tuple(f"X_ERROR({2 * P / 3!r}) {q}" for q in range(13))
