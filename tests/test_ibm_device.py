"""A live machine as a `Device`: today's calibration, and what is out of operation."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fakes.ibm import BOSTON, remote_of, serving
from service import LoopbackService, ServiceConfig

from hexmagic.backends.device import Device, DeviceError, load_device


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackService]:
    with serving(monkeypatch) as running:
        yield running


def gate(service: LoopbackService, name: str, *qubits: int) -> dict[str, Any]:
    """Return what the service will tell of a gate, to be changed."""
    gates = service.devices[BOSTON].properties["gates"]
    found: dict[str, Any] = next(
        one for one in gates if one["gate"] == name and one["qubits"] == list(qubits)
    )
    return found


def out_of_operation(date: str) -> dict[str, Any]:
    return {"date": date, "name": "operational", "unit": "", "value": 0}


def dated(service: LoopbackService) -> str:
    return service.devices[BOSTON].calibrated_at


def device_of(service: LoopbackService) -> Device:
    device: Device = remote_of(service).device(BOSTON)
    return device


def test_a_live_machine_is_its_snapshot_under_its_own_name(service: LoopbackService) -> None:
    live, snapshot = device_of(service), load_device("fake_boston")
    assert live == replace(snapshot, name=BOSTON, calibrated_at=live.calibrated_at)


def test_the_time_of_the_calibration_is_utc_whatever_its_offset(service: LoopbackService) -> None:
    """The client takes 12:19 +02:00 for 12:19 UTC."""
    assert dated(service) == "2026-04-17T12:19:24+02:00"
    assert device_of(service).calibrated_at == "2026-04-17T10:19:24+00:00"


def test_the_calibration_is_asked_for_anew(service: LoopbackService) -> None:
    remote = remote_of(service)
    before = remote.device(BOSTON)
    service.recalibrate(BOSTON, 1.5)
    after = remote.device(BOSTON)
    assert after.edge(0, 1).error == pytest.approx(1.5 * before.edge(0, 1).error)
    assert after.calibrated_at > before.calibrated_at


def test_a_qubit_out_of_operation_is_faulty(service: LoopbackService) -> None:
    flag = out_of_operation(dated(service))
    service.devices[BOSTON].properties["qubits"][7].append(flag)
    assert device_of(service).faulty_qubits == (7, 146)


@pytest.mark.parametrize("name", ["sx", "x", "reset"])
def test_a_qubit_with_a_gate_out_of_operation_is_faulty(
    service: LoopbackService, name: str
) -> None:
    gate(service, name, 9)["parameters"].append(out_of_operation(dated(service)))
    assert device_of(service).faulty_qubits == (9, 146)


@pytest.mark.parametrize("edge", [(0, 1), (1, 0)])
def test_an_edge_out_of_operation_in_either_direction_is_faulty(
    service: LoopbackService, edge: tuple[int, int]
) -> None:
    gate(service, "cz", *edge)["parameters"].append(out_of_operation(dated(service)))
    assert device_of(service).faulty_edges == ((0, 1), (84, 85))


def test_a_qubit_of_which_something_is_not_told_is_faulty(service: LoopbackService) -> None:
    properties = service.devices[BOSTON].properties
    properties["gates"].remove(gate(service, "sx", 11))
    device = device_of(service)
    assert device.faulty_qubits == (11, 146)
    assert device.qubits[11].one_qubit.seconds == device.qubits[12].one_qubit.seconds


def test_an_edge_without_a_duration_is_faulty(service: LoopbackService) -> None:
    found = gate(service, "cz", 0, 1)
    found["parameters"] = [one for one in found["parameters"] if one["name"] != "gate_length"]
    device = device_of(service)
    assert device.faulty_edges == ((0, 1), (84, 85))
    assert device.edge(0, 1).seconds == 68e-9  # the median


def test_an_unknown_machine_is_told_with_those_that_the_account_sees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with LoopbackService(ServiceConfig(devices=("boston", "torino"))) as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        with pytest.raises(DeviceError, match="'ibm_torin'; the account sees ibm_torino, ibm_bos"):
            remote_of(running).device("ibm_torin")
        with pytest.raises(DeviceError, match="ibm_boston"):
            remote_of(running).standing("ibm_bostn")


def test_a_machine_that_is_not_heavy_hex_is_refused(service: LoopbackService) -> None:
    machine = service.devices[BOSTON]
    extra = {**gate(service, "cz", 0, 1), "qubits": [0, 155], "name": "cz0_155"}
    machine.properties["gates"] += [
        extra,
        {**extra, "qubits": [0, 154]},
        {**extra, "qubits": [0, 100]},
    ]
    with pytest.raises(DeviceError, match="ibm_boston: its coupling map is not heavy-hex"):
        device_of(service)


def test_a_machine_without_a_calibration_is_refused(service: LoopbackService) -> None:
    service.devices[BOSTON].properties = {}
    with pytest.raises(DeviceError, match="tells no calibration"):
        device_of(service)
