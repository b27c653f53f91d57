"""Noise from the experiment file to the compiled circuits: time steps, scales, refusals."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.commands import Call, make_call, one_line
from fakes.world import write_spec

from hexmagic.backends.device import load_device
from hexmagic.backends.noise.models import make_noise
from hexmagic.driver.build import build_point
from hexmagic.driver.device_tables import describe_device, render_device
from hexmagic.driver.judging import judge_circuit
from hexmagic.driver.plan import Plan, Point, make_plan
from hexmagic.driver.prepare import Prepared
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.spec import load_experiment

DEVICE = "name: heavy_hex_5, noise: none"


def plan_of(folder: Path, *changes: tuple[str, str]) -> Plan:
    return make_plan(load_experiment(write_spec(folder, *changes)))


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", ["fake_boston", "heavy_hex_5", "heavy_hex_5_cx"])
def test_only_paper_noise_compiles_for_time_steps(tmp_path: Path, name: str) -> None:
    for noise, steps in (("{paper: 1e-3}", True), ("{uniform: 1e-3}", False), ("none", False)):
        for point in plan_of(tmp_path, (DEVICE, f"name: {name}, noise: {noise}")).points:
            for built in build_point(point, str).values():
                assert built.compiled.device.is_in_time_steps == steps
                make_noise(built.compiled, point.device.noise)


def test_a_scale_changes_neither_the_qubits_nor_the_circuit(tmp_path: Path) -> None:
    fingerprints = set()
    for noise in ("calibration", "{calibration: {scale: 0.1}}"):
        point = plan_of(tmp_path, (DEVICE, f"name: fake_boston, noise: {noise}")).points[0]
        fingerprints.add(build_point(point, str)["X"].compiled.fingerprint)
    assert len(fingerprints) == 1


@pytest.mark.parametrize(
    ("noise", "factor"), [("calibration", 1.0), ("{calibration: {scale: 0.5}}", 0.5)]
)
def test_the_bare_qubits_readout_error_is_scaled_too(
    tmp_path: Path, noise: str, factor: float
) -> None:
    bare = plan_of(tmp_path, (DEVICE, f"name: fake_boston, noise: {noise}")).points[1]
    (built, *_) = build_point(bare, str).values()
    known = load_device("fake_boston").qubits[built.compiled.layout[0]]
    wanted = ((known.prob_1_given_0 or 0.0) * factor, (known.prob_0_given_1 or 0.0) * factor)
    assert built.readout_error == wanted


def test_a_scale_that_is_too_large_is_refused_at_its_place(tmp_path: Path) -> None:
    device = load_device("fake_sherbrooke")
    working = [q for q in range(device.num_qubits) if q not in device.faulty_qubits]
    worst = max(working, key=lambda q: device.qubits[q].prob_0_given_1 or 0.0)
    noise = f"name: fake_sherbrooke, noise: {{calibration: {{scale: 10}}}}, embedding: [{worst}]"
    bare = ("{state: H, distance: 3, scheme: fold13}", "{scheme: bare}")
    (point,) = plan_of(tmp_path, bare, ("baselines: [bare]\n", ""), (DEVICE, noise)).points
    message = (
        rf"device\.noise: calibration x 10: P\(.\|.\) of qubit {worst} of fake_sherbrooke would"
    )
    with pytest.raises(UsageError, match=message):
        build_point(point, str)


def test_a_noise_of_the_plan_is_read_back(tmp_path: Path) -> None:
    for noise in ("{paper: 1e-3}", "{calibration: {scale: 0.5}}", "calibration", "none"):
        plan = plan_of(tmp_path, (DEVICE, f"name: fake_boston, noise: {noise}"))
        assert Plan.from_json(plan.to_json()) == plan


def test_a_point_without_a_scale_is_called_what_it_was_called_before(tmp_path: Path) -> None:
    """Seeds are hashed from it: the same experiment keeps its shots."""
    (point, _) = plan_of(tmp_path, (DEVICE, "name: fake_boston, noise: calibration")).points
    assert '"noise": {"kind": "calibration", "p": null}' in point.identity
    (scaled, _) = plan_of(
        tmp_path, (DEVICE, "name: fake_boston, noise: {calibration: {scale: 2}}")
    ).points
    assert scaled.identity != point.identity


def test_beside_other_points_a_device_is_recorded_with_its_own_durations(tmp_path: Path) -> None:
    sweep = ("baselines: [bare]", "sweep: {device.noise: [{paper: 1e-3}, none, {paper: 2e-3}]}")
    plan = plan_of(tmp_path, sweep)
    assert durations(plan, plan.points) == {4e-9}
    assert durations(plan, [p for p in plan.points if p.device.noise.kind == "paper"]) == {68e-9}


def durations(plan: Plan, points: tuple[Point, ...] | list[Point]) -> set[float]:
    compiled = {
        (point.index, measure): built.compiled
        for point in points
        for measure, built in build_point(point, str).items()
    }
    prepared = Prepared(plan=plan, compiled=compiled, circuits=(), shards=(), certificates={})
    return {device.dt_seconds for device in prepared.devices.values()}


def test_check_tells_the_noise_of_the_paper(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path, (DEVICE, "name: heavy_hex_5_cx, noise: {paper: 1e-3}"))
    result = call("check", "tiny.yaml")
    assert result.exit_code == 0
    assert "heavy_hex_5_cx, noise paper 0.001" in result.stdout


def test_more_noise_is_predicted_to_lose_more(tmp_path: Path) -> None:
    def predicted(noise: str) -> float:
        (point, _) = plan_of(tmp_path, (DEVICE, f"name: fake_boston, noise: {noise}")).points
        return judge_circuit(point, build_point(point, str)["X"].compiled).acceptance

    whole, half = predicted("calibration"), predicted("{calibration: {scale: 0.5}}")
    assert whole < half < 1
    assert half == pytest.approx(whole**0.5, abs=0.02)
    assert predicted("{calibration: {scale: 0}}") == 1
    assert predicted("{paper: 1e-3}") < predicted("{uniform: 1e-3}") < 1


def test_calibration_noise_of_a_generated_map_names_what_it_can_have(
    call: Call, tmp_path: Path
) -> None:
    write_spec(tmp_path, ("noise: none", "noise: {calibration: {scale: 0.5}}"))
    result = call("check", "tiny.yaml")
    assert result.exit_code == 2
    assert one_line(result).endswith(
        "heavy_hex_5 has no calibration; use noise none, {uniform: p} or {paper: p}"
    )


def test_a_device_is_shown_with_its_own_one_qubit_gates() -> None:
    native = render_device(describe_device("heavy_hex_3"))
    papers = render_device(describe_device("heavy_hex_3_cx"))
    assert "1-qubit gates  sx, x (rz is free): error not known" in native
    assert "1-qubit gates  h, s, sdg, x, ry: error not known" in papers
