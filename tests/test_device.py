import json
import statistics
from dataclasses import replace
from typing import Any

import pytest
from qiskit_ibm_runtime import fake_provider

from hexmagic.backends.device import Device, DeviceError, device_names, load_device
from hexmagic.backends.embedding import find_embeddings
from hexmagic.backends.isa import make_target
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


def test_edges_work_if_neither_they_nor_their_qubits_are_faulty(boston: Device) -> None:
    lost = set(boston.edges) - set(boston.working_edges)
    assert lost == {(84, 85), *(edge for edge in boston.edges if 146 in edge)} and len(lost) > 1
    assert list(boston.working_edges) == [edge for edge in boston.edges if edge not in lost]


def test_the_generated_map_of_distance_9_holds_the_patch_of_distance_7() -> None:
    device = load_device("heavy_hex_9")
    layouts = find_embeddings(make_fold_patch(7), device)
    assert layouts
    assert not device.has_calibration
    assert device.faulty_edges == ()


@pytest.mark.parametrize(
    "name", ["heavy_hex_4", "heavy_hex_1", "heavy_hex_33", "heavy_hex_4_cx", "heavy_hex_33_cx"]
)
def test_generated_maps_have_odd_distances_from_3_to_31(name: str) -> None:
    form = "heavy_hex_<d>_cx" if name.endswith("_cx") else "heavy_hex_<d>"
    with pytest.raises(DeviceError) as caught:
        load_device(name)
    assert str(caught.value) == f"device {name}: {form} needs an odd d from 3 to 31"


@pytest.mark.parametrize("name", ["heavy_hex_5_cz", "heavy_hex_5cx", "heavy_hex_cx"])
def test_other_names_of_generated_maps_are_unknown(name: str) -> None:
    with pytest.raises(DeviceError, match=f"unknown device '{name}'"):
        load_device(name)


def test_the_map_with_the_papers_gates_is_the_same_graph() -> None:
    native, papers = load_device("heavy_hex_5"), load_device("heavy_hex_5_cx")
    assert papers.edges == native.edges
    assert papers.qubits == native.qubits
    assert (papers.two_qubit_gate, papers.other_gates) == ("cx", ("cz", "h", "s", "sdg", "x", "ry"))
    assert papers.one_qubit_gates == ("h", "s", "sdg", "x", "ry")
    assert native.one_qubit_gates == ("sx", "x", "rz")
    assert papers.to_json()["other_gates"] == list(papers.other_gates)
    assert "other_gates" not in native.to_json()


def test_the_papers_gates_are_what_the_transpiler_is_told() -> None:
    target = make_target(load_device("heavy_hex_3_cx"), (0, 1, 2))
    gates = {"cx", "cz", "h", "s", "sdg", "x", "ry"}
    assert set(target.operation_names) == gates | {"measure", "reset", "delay"}
    assert all(props.duration == 32e-9 for props in target["ry"].values())
    assert target["cz"].keys() == target["cx"].keys()


# --- the same device, otherwise -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["fake_boston", "fake_sherbrooke", "heavy_hex_9", "heavy_hex_5_cx"]
)
def test_in_time_steps_every_operation_takes_one_dt(name: str) -> None:
    device = load_device(name)
    steps = device.in_time_steps()
    assert steps.is_in_time_steps
    assert not device.is_in_time_steps
    assert {gate.seconds for gate in steps.two_qubit.values()} == {steps.dt_seconds}
    for qubit in steps.qubits:
        assert qubit.one_qubit.seconds == qubit.readout_seconds == steps.dt_seconds
        assert qubit.reset_seconds == steps.dt_seconds
    assert (steps.pulse_alignment, steps.acquire_alignment) == (1, 1)
    working = [e for e in device.edges if e not in device.faulty_edges]
    assert steps.dt_seconds == statistics.median(device.edge(*e).seconds for e in working)


def test_one_longer_operation_is_no_time_step() -> None:
    steps = load_device("heavy_hex_3").in_time_steps()
    slow = replace(steps.qubits[7], reset_seconds=2 * steps.dt_seconds)
    qubits = (*steps.qubits[:7], slow, *steps.qubits[8:])
    assert not replace(steps, qubits=qubits).is_in_time_steps


def test_in_time_steps_a_device_is_otherwise_the_same(boston: Device) -> None:
    steps = boston.in_time_steps()
    assert (steps.name, steps.edges) == (boston.name, boston.edges)
    assert (steps.two_qubit_gate, steps.other_gates) == (boston.two_qubit_gate, boston.other_gates)
    assert (steps.faulty_edges, steps.faulty_qubits) == (((84, 85),), (146,))
    assert steps.median_two_qubit_error == boston.median_two_qubit_error
    assert load_device("fake_kyoto").in_time_steps().is_in_time_steps  # no edge of it works


@pytest.mark.parametrize("factor", [0.25, 3.0])
def test_scaled_errors_are_errors_and_rates_multiplied(boston: Device, factor: float) -> None:
    scaled = boston.with_errors_scaled(factor)
    for old, new in zip(boston.qubits, scaled.qubits, strict=True):
        for error in ("prob_1_given_0", "prob_0_given_1"):
            assert getattr(new, error) == pytest.approx(getattr(old, error) * factor)
        assert new.one_qubit.error == pytest.approx((old.one_qubit.error or 0.0) * factor)
        for time in ("t1_seconds", "t2_seconds"):
            if getattr(old, time) is not None:
                assert getattr(new, time) == pytest.approx(getattr(old, time) / factor)
        assert new.durations == old.durations
    for edge, gate in boston.two_qubit.items():
        assert scaled.two_qubit[edge].error == pytest.approx((gate.error or 0.0) * factor)
        assert scaled.two_qubit[edge].seconds == gate.seconds


def test_what_is_not_calibrated_stays_unknown_when_scaled() -> None:
    device = load_device("heavy_hex_3")
    assert device.with_errors_scaled(2.0) == device


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
