"""The loopback service under the real client: what both programs give, and their seeds."""

import io
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qpy
from qiskit.circuit import Parameter
from qiskit_ibm_runtime.executor_sampler import Sampler
from service import (
    circuit_fingerprint,
    load_device,
    pub_seed,
    run_pub,
)
from service.clients import make_circuit, open_client, starter, submit

pytestmark = [
    # The service serves the old program too: it is what most clients still post.
    pytest.mark.filterwarnings("ignore:The SamplerV2 class is deprecated:DeprecationWarning"),
]
PROGRAMS = ("sampler", "executor")


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start services with these settings; they end with the test."""
    with starter(monkeypatch) as begin:
        yield begin


def bits_of(result: Any, register: str) -> Any:
    return result.data[register].to_bool_array(order="little")


@pytest.mark.parametrize("noise", ["none", "device"])
@pytest.mark.parametrize("device", ["ibm_boston", "ibm_torino"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_client_gets_what_aer_gives(start: Any, program: str, device: str, noise: Any) -> None:
    service = start(devices=("boston", "torino"), noise=noise, seed=11)
    circuits = [make_circuit(device), make_circuit(device, 1.9)]
    results = submit(open_client(service), circuits, program=program, device=device).result(
        poll_interval=0.1
    )
    for index, (circuit, result) in enumerate(zip(circuits, results, strict=True)):
        seed = pub_seed(11, circuit_fingerprint(circuit), 50, index)
        direct = run_pub(circuit, 50, seed, noise, service.devices[device])
        assert set(direct) == {"a", "b"}
        for register, bits in direct.items():
            assert np.array_equal(bits_of(result, register), bits)
    assert service.jobs[0].device == device
    assert service.jobs[0].program == program


@pytest.mark.parametrize("program", PROGRAMS)
def test_registers_and_bits_come_back_in_their_places(start: Any, program: str) -> None:
    circuit = QuantumCircuit(
        QuantumRegister(133), ClassicalRegister(11, "low"), ClassicalRegister(2, "high")
    )
    circuit.x([0, 3, 12])
    circuit.measure(range(13), range(13))
    [result] = submit(open_client(start()), [circuit], program=program, shots=3).result(
        poll_interval=0.1
    )
    assert result.data.low.get_counts() == {"00000001001": 3}
    assert result.data.high.get_counts() == {"10": 3}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_sweep_runs_each_set_of_parameters(start: Any, program: str) -> None:
    service, angle = start(), Parameter("angle")
    circuit, values = make_circuit(angle=angle), np.array([[0.0], [np.pi], [0.0]])
    [result] = submit(open_client(service), [(circuit, values)], program=program).result(
        poll_interval=0.1
    )
    found = bits_of(result, "a")
    assert found.shape == (3, 50, 2)
    assert found[0, :, 0].all()
    assert not found[1, :, 0].any()
    assert len(set(service.jobs[0].seeds)) == 3


def test_twirled_readout_is_untwirled(start: Any) -> None:
    service = start()
    sampler = Sampler(mode=open_client(service).backend("ibm_torino"))
    sampler.options.twirling.enable_measure = True
    circuit = QuantumCircuit(133, 2)
    circuit.x(7)
    circuit.measure([7, 8], [0, 1])
    [result] = sampler.run([circuit], shots=64).result(poll_interval=0.1)
    assert result.data.c.get_counts() == {"01": 64}


def test_short_readout_runs_as_readout(start: Any) -> None:
    service = start(devices=("boston",))
    backend = open_client(service).backend("ibm_boston")
    names = {name: backend.target.operation_from_name(name) for name in ("measure_2", "reset_2")}
    circuit = QuantumCircuit(156, 2)
    circuit.x(9)
    circuit.append(names["measure_2"], [9], [0])
    circuit.append(names["reset_2"], [9])
    circuit.measure(9, 1)
    [result] = Sampler(mode=backend).run([circuit], shots=20).result(poll_interval=0.1)
    assert result.data.c.get_counts() == {"01": 20}


def test_the_noise_is_that_of_the_calibration(start: Any) -> None:
    service = start(noise="device")
    client, circuit = open_client(service), QuantumCircuit(133, 1)
    circuit.x(0)
    circuit.measure(0, 0)
    [before] = submit(client, [circuit], shots=4000).result(poll_interval=0.1)
    expected = service.devices["ibm_torino"].properties["qubits"][0]
    readout = next(v["value"] for v in expected if v["name"] == "prob_meas0_prep1")
    wrong = 4000 - before.data.c.get_counts()["1"]
    assert abs(wrong - 4000 * readout) < 5 * (4000 * readout) ** 0.5 + 8
    service.recalibrate("ibm_torino", 3.0)
    [after] = submit(client, [circuit], shots=4000).result(poll_interval=0.1)
    assert 4000 - after.data.c.get_counts()["1"] > 2 * wrong


def test_the_same_circuit_again_gets_fresh_shots(start: Any) -> None:
    service, circuit = start(), make_circuit()
    client = open_client(service)
    first, second = (submit(client, [circuit]).result(poll_interval=0.1)[0] for _ in range(2))
    assert not np.array_equal(bits_of(first, "a"), bits_of(second, "a"))
    seeds = [job.seeds for job in service.jobs]
    key = circuit_fingerprint(circuit), 50, 0
    assert seeds == [[pub_seed(0, *key)], [pub_seed(0, *key, 1)]]


def test_the_same_circuit_again_may_give_the_same_shots(start: Any) -> None:
    client, circuit = open_client(start(fresh_repeats=False)), make_circuit()
    first, second = (submit(client, [circuit]).result(poll_interval=0.1)[0] for _ in range(2))
    assert np.array_equal(bits_of(first, "a"), bits_of(second, "a"))


def test_a_fingerprint_survives_qpy_and_sees_an_angle() -> None:
    file = io.BytesIO()
    qpy.dump(make_circuit(), file, version=13)
    file.seek(0)
    assert circuit_fingerprint(qpy.load(file)[0]) == circuit_fingerprint(make_circuit())
    assert circuit_fingerprint(make_circuit(angle=0.71)) != circuit_fingerprint(make_circuit())


def test_seeds_tell_everything_apart() -> None:
    keys = [
        (s, f, n, i, r)
        for s in (0, 1)
        for f in "ab"
        for n in (1, 2)
        for i in (0, 1)
        for r in (0, 1)
    ]
    seeds = {pub_seed(*key) for key in keys}
    assert len(seeds) == len(keys)
    assert min(seeds) > 0
    assert max(seeds) < 2**31


def test_shared_branches_have_the_distribution_of_single_shots() -> None:
    circuit = QuantumCircuit(2, 3)
    circuit.rx(1.1, 0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.reset(0)
    circuit.ry(0.6, 0)
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.x(0)
    circuit.measure([0, 1], [1, 2])
    low, high = math.sin(0.3) ** 2, math.sin(0.55) ** 2
    first, second, third = run_pub(circuit, 4000, 9)["c"].T
    assert np.array_equal(first, third)
    for found, expected in (
        (first, high),
        (second[~first], low),
        (second[first], 1 - low),
    ):
        spread = (len(found) * expected * (1 - expected)) ** 0.5
        assert abs(found.sum() - len(found) * expected) < 5 * spread


@pytest.mark.parametrize(("noise", "left"), [("device", 1.0), ("twirled", 0.5)])
def test_a_delay_relaxes(noise: Any, left: float) -> None:
    device = load_device("boston")
    [t1] = [v["value"] * 1e-6 for v in device.properties["qubits"][4] if v["name"] == "T1"]
    circuit = QuantumCircuit(156, 1)
    circuit.x(4)
    circuit.delay(round(t1 / device.dt_seconds), 4)
    circuit.measure(4, 0)
    ones = run_pub(circuit, 4000, 5, noise, device)["c"].mean()
    assert ones == pytest.approx(1 - left * (1 - math.exp(-1)), abs=0.05)


def test_noise_needs_a_device() -> None:
    with pytest.raises(ValueError, match="needs a backend"):
        run_pub(make_circuit(), 5, 1, "device")
