import json
from typing import Any

import pytest
from qiskit_ibm_runtime import fake_provider

from hexmagic.backends.device import Device, DeviceError, device_names, load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.patch import make_fold14_patch, make_fold_patch


@pytest.fixture(scope="module")
def boston() -> Device:
    return load_device("fake_boston")


@pytest.fixture(scope="module")
def vendor() -> Any:
    return fake_provider.FakeBoston()


def test_boston_has_156_qubits_one_faulty_edge_and_one_faulty_qubit(boston: Device) -> None:
    assert boston.num_qubits == 156
    assert boston.faulty_edges == ((84, 85),)
    assert boston.faulty_qubits == (146,)


@pytest.mark.parametrize("q", [0, 36, 61, 100, 155])
def test_a_qubit_has_the_vendors_values(boston: Device, vendor: Any, q: int) -> None:
    known, properties = boston.qubits[q], vendor.properties()
    assert known.t1_seconds == pytest.approx(properties.t1(q), rel=1e-12)
    assert known.t2_seconds == pytest.approx(properties.t2(q), rel=1e-12)
    assert known.prob_1_given_0 == properties.qubit_property(q, "prob_meas1_prep0")[0]
    assert known.prob_0_given_1 == properties.qubit_property(q, "prob_meas0_prep1")[0]
    assert known.readout_error == pytest.approx(properties.readout_error(q), abs=1e-4)
    assert known.readout_seconds == properties.readout_length(q)
    assert known.one_qubit.error == properties.gate_error("sx", q)
    assert known.reset_seconds == vendor.target["reset"][(q,)].duration


def test_x_and_sx_are_equally_good_and_long_on_every_device_in_use(vendor: Any) -> None:
    """One number serves for both gates: `Device` has no other."""
    for snapshot in (
        vendor,
        fake_provider.FakeSherbrooke(),
        fake_provider.FakeKolkataV2(),
        fake_provider.FakeMarrakesh(),
    ):
        x, sx = snapshot.target["x"], snapshot.target["sx"]
        assert [x[q].error for q in x] == [sx[q].error for q in x]
        assert [x[q].duration for q in x] == [sx[q].duration for q in x]


@pytest.mark.parametrize("index", [0, 50, 200, 300])
def test_an_edge_has_the_vendors_values_in_both_orders(
    boston: Device, vendor: Any, index: int
) -> None:
    a, b = list(vendor.target["cz"])[index]
    gate = vendor.target["cz"][a, b]
    assert boston.edge(a, b).error == gate.error
    assert boston.edge(b, a).seconds == gate.duration


def test_a_one_way_gate_is_found_from_either_end() -> None:
    device = load_device("fake_sherbrooke")
    control, target = next(iter(device.two_qubit))
    assert (target, control) not in device.two_qubit
    assert device.edge(target, control) == device.edge(control, target)


def test_an_unknown_name_gives_one_line_with_the_nearest_names() -> None:
    with pytest.raises(DeviceError, match="fake_boston") as caught:
        load_device("fake_bostn")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize("name", ["fake_berlin", "fake_miami"])
def test_devices_that_the_protocol_cannot_use_are_refused(name: str) -> None:
    with pytest.raises(DeviceError, match=name):
        load_device(name)
    assert name not in device_names()


def test_nothing_embeds_on_kyoto_because_every_edge_is_faulty() -> None:
    kyoto = load_device("fake_kyoto")
    assert kyoto.faulty_edges == kyoto.edges
    assert kyoto.median_two_qubit_error is None
    assert find_embeddings(make_fold14_patch(), kyoto) == ()


def test_the_generated_map_of_distance_9_holds_the_patch_of_distance_7() -> None:
    device = load_device("heavy_hex_9")
    layouts = find_embeddings(make_fold_patch(7), device)
    assert layouts
    assert not device.has_calibration
    assert device.faulty_edges == ()


@pytest.mark.parametrize("name", ["heavy_hex_4", "heavy_hex_1", "heavy_hex_33"])
def test_generated_maps_have_odd_distances_from_3_to_31(name: str) -> None:
    with pytest.raises(DeviceError, match="odd d from 3 to 31"):
        load_device(name)


def test_every_device_name_loads_as_a_heavy_hex_map_with_calibration() -> None:
    names = device_names()
    assert len(names) > 30
    assert {"fake_boston", "fake_sherbrooke", "fake_kolkata"} <= set(names)
    for name in names:
        device = load_device(name)
        assert device.name == name
        assert device.has_calibration
        assert {q for edge in device.edges for q in edge} <= set(range(device.num_qubits))


def test_the_json_form_holds_every_qubit_and_direction(boston: Device) -> None:
    document = json.loads(json.dumps(boston.to_json()))
    assert len(document["qubits"]) == 156
    assert len(document["two_qubit"]) == len(boston.two_qubit)
    assert document["qubits"][36]["t1_seconds"] == boston.qubits[36].t1_seconds


def test_the_median_error_is_that_of_working_edges(boston: Device) -> None:
    errors = sorted(
        boston.edge(*e).error or 0.0 for e in boston.edges if e not in boston.faulty_edges
    )
    middle = len(errors) // 2
    wanted = errors[middle] if len(errors) % 2 else (errors[middle - 1] + errors[middle]) / 2
    assert boston.median_two_qubit_error == pytest.approx(wanted)
