"""What an experiment says of hardware: the machine, its gates, a schedule and what comes after."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.driver.plan import Plan, make_plan
from hexmagic.experiments.spec import (
    DeviceSpec,
    Experiment,
    FieldError,
    NoiseSpec,
    Schedule,
    SpecError,
    expand_sweep,
    load_experiment,
    parse_experiment,
    with_fields,
    write_experiment,
)
from hexmagic.experiments.spec.schedule import parse_duration, parse_time, show_duration

HARDWARE = Path(__file__).parent.parent / "experiments" / "hardware_h.yaml"
CALIBRATION = NoiseSpec(kind="calibration")
SMALL = """\
schema_version: 1
name: small
protocol: {scheme: fold14, distance: 3}
device: {backend: ibm, name: ibm_boston}
shots: 10
seed: 1
"""


def parse(more: str = "", text: str = SMALL) -> Experiment:
    return parse_experiment(text + more, source="x.yaml")


def emulated(more: str = "", device: str = "") -> Experiment:
    text = SMALL.replace("ibm, name: ibm_boston", f"aer, name: fake_boston, noise: none{device}")
    return parse(more, text)


# --- the shipped file ---------------------------------------------------------------------------


def test_the_shipped_file_is_small_guarded_and_compared_with_its_baselines() -> None:
    shipped = load_experiment(HARDWARE)
    assert (shipped.device.backend, shipped.device.name) == ("ibm", "ibm_boston")
    assert (shipped.protocol.scheme, shipped.protocol.distance) == ("fold14", 3)
    assert shipped.baselines == ("bare", "encoded")
    assert shipped.shots <= 2000
    assert shipped.budget is not None and 0 < shipped.budget.qpu_seconds <= 60
    assert shipped.gates is not None and shipped.gates.max_queue is not None


def test_the_shipped_file_runs_on_an_emulator_with_two_options() -> None:
    changed = load_experiment(HARDWARE)
    for name, value in {"device.backend": "aer", "device.name": "fake_boston"}.items():
        changed = with_fields(changed, {name: value}, origin="command line")
    assert changed.device == DeviceSpec(backend="aer", name="fake_boston", noise=CALIBRATION)
    assert changed.gates is not None and changed.gates.max_queue is None
    assert changed.gates.max_median_readout_error == 2e-2


# --- the device ---------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["", ", noise: calibration"])
def test_hardware_is_predicted_with_its_calibration(noise: str) -> None:
    device = parse(text=SMALL.replace("boston", f"boston{noise}")).device
    assert device == DeviceSpec(backend="ibm", name="ibm_boston")
    assert device.noise == CALIBRATION


def test_the_rules_of_noise_hold_for_devices_built_in_python() -> None:
    hardware = DeviceSpec(backend="ibm", name="ibm_boston")
    assert replace(hardware, backend="clifft").noise == CALIBRATION
    with pytest.raises(FieldError, match="noise: missing; device needs it"):
        DeviceSpec(backend="aer", name="fake_boston")
    with pytest.raises(FieldError, match=r"noise: uniform 0\.1: hardware has its own noise"):
        replace(hardware, noise=NoiseSpec(kind="uniform", p=0.1))


def test_an_emulated_file_goes_to_hardware_only_with_the_calibrations_noise() -> None:
    with pytest.raises(SpecError, match=r"--backend: device\.noise: none: hardware has its own"):
        with_fields(emulated(), {"device.backend": "ibm"}, origin="--backend")
    calibrated = with_fields(emulated(), {"device.noise": "calibration"}, origin="-")
    assert with_fields(calibrated, {"device.backend": "ibm"}, origin="-").device.backend == "ibm"


def test_a_gate_of_the_queue_alone_leaves_no_gates_on_an_emulator() -> None:
    queued = parse("gates: {max_queue: 0}\n")
    assert queued.gates is not None and queued.gates.max_queue == 0
    assert with_fields(queued, {"device.backend": "aer"}, origin="-").gates is None
    assert with_fields(queued, {"device.backend": "ibm"}, origin="-") == queued


@pytest.mark.parametrize("keep", ["auto", "shots"])
def test_raw_shots_of_hardware_are_kept(keep: str) -> None:
    assert parse(f"keep: {keep}\n").keep == keep
    with pytest.raises(
        SpecError, match=r"x\.yaml:7: keep: tallies, but every raw shot of hardware"
    ):
        parse("keep: tallies\n")


# --- decoupling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["aer", "clifft", "ibm"])
def test_decoupling_is_there_for_every_backend(backend: str) -> None:
    noise = "calibration" if backend == "ibm" else "none"
    device = {"backend": backend, "name": "x", "noise": noise, "decoupling": "xy4"}
    text = SMALL.replace("{backend: ibm, name: ibm_boston}", json.dumps(device))
    assert parse(text=text).device.decoupling == "xy4"


def test_decoupling_can_be_swept_and_is_told_in_the_label() -> None:
    swept = emulated("sweep: {device.decoupling: [none, xx, xy4]}\n")
    points = make_plan(swept).points
    assert [point.device.decoupling for point in points] == ["none", "xx", "xy4"]
    assert [point.label.rpartition(" ")[2] for point in points] == [
        f"decoupling={name}" for name in ("none", "xx", "xy4")
    ]
    assert len({replace(point, swept={}).identity for point in points}) == 3
    assert [p.swept["device.decoupling"] for p in expand_sweep(swept)] == ["none", "xx", "xy4"]


def test_without_decoupling_a_points_identity_is_what_it_always_was() -> None:
    """Seeds are hashed from this text: it must never change."""
    (point,) = make_plan(emulated(device=", decoupling: none")).points
    assert point.identity == (
        '{"baseline": false, "device": {"backend": "aer", "embedding": "best", '
        '"name": "fake_boston", "noise": {"kind": "none", "p": null}}, '
        '"protocol": {"distance": 3, "reuse": "reset", "rounds": 1, "scheme": "fold14", '
        '"state": "H"}, "swept": {}}'
    )


@pytest.mark.parametrize("device", ["", ", decoupling: xx"])
def test_a_plan_with_the_gates_of_hardware_comes_back_from_its_json(device: str) -> None:
    text = SMALL.replace("ibm_boston", f"ibm_boston{device}")
    plan = make_plan(parse("gates: {max_queue: 5, max_median_readout_error: 0.1}\n", text))
    document = json.loads(json.dumps(plan.to_json()))
    assert Plan.from_json(document) == plan
    assert ("decoupling" in document["points"][0]["device"]) == bool(device)


def test_a_plan_from_before_there_was_hardware_is_read() -> None:
    plan = make_plan(emulated("gates: {max_median_cz_error: 0.1}\n"))
    document = plan.to_json()
    for name in ("max_queue", "max_median_readout_error"):
        del document["gates"][name]
    assert Plan.from_json(document) == plan


# --- schedule -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60s", 60),
        ("90s", 90),
        ("30m", 1800),
        ("24h", 86400),
        ("7d", 604800),
        ("1h30m", 5400),
        ("1d2h3m4s", 93784),
        ("366d", 366 * 86400),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds
    schedule = parse(f"schedule: {{every: {text}}}\n").schedule
    assert schedule == Schedule(every=seconds)


@given(st.integers(60, 366 * 86400))
def test_a_duration_that_is_shown_is_read_as_the_same(seconds: int) -> None:
    assert parse_duration(show_duration(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "s", "24", "1.5h", "-24h", "24H", "24 h", "1h1h", "1m1h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 90s, 30m, 24h, 7d or 1h30m"):
        parse_duration(text)


@pytest.mark.parametrize(
    "text",
    ["2026-12-01T06:00Z", "2026-12-01 07:00+01:00", "2026-12-01T00:30:00-05:30"],
)
def test_a_time_is_read_as_utc_whatever_its_zone(text: str) -> None:
    assert parse_time(text) == "2026-12-01T06:00:00Z"
    assert parse_time(parse_time(text)) == parse_time(text)
    assert Schedule(not_before=text) == Schedule(not_before="2026-12-01T06:00:00Z")


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-12-01", "2026-12-01T06:00", "06:00Z", "2026-12-01T25:00Z"]
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 2026-12-01T06:00Z"):
        parse_time(text)


def test_the_rules_of_a_schedule_hold_in_python_too() -> None:
    with pytest.raises(FieldError, match="asks for no run; give every or on or not_before"):
        Schedule(until="2026-12-01T06:00Z")
    with pytest.raises(FieldError, match="every: 59 s is too short; needs at least 60s"):
        Schedule(every=59)
    with pytest.raises(FieldError, match="not_before: '2026-12-01T06:00' does not tell"):
        Schedule(not_before="2026-12-01T06:00")
    with pytest.raises(FieldError, match=r"until: .* is not after not_before"):
        Schedule(not_before="2026-12-01T06:00Z", until="2026-12-01T06:00Z")


# --- writing ------------------------------------------------------------------------------------


TIMES = st.datetimes().map(lambda time: f"{time.isoformat(timespec='minutes')}Z")
SCHEDULES = st.fixed_dictionaries(
    {"every": st.integers(60, 366 * 86400).map(show_duration)},
    optional={"not_before": TIMES, "on": st.just("recalibration")},
) | st.fixed_dictionaries({"not_before": TIMES})
WORDS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)
RARE: dict[str, Any] = {
    "schedule": SCHEDULES,
    "on_done": st.lists(WORDS, min_size=1).map(shlex.join),
    "gates": st.fixed_dictionaries({"max_queue": st.integers(0, 10**6)}),
}


@given(st.sampled_from(["none", "xx", "xy4"]), st.fixed_dictionaries({}, optional=RARE))
def test_writing_and_reading_an_experiment_on_hardware_changes_nothing(
    decoupling: str, more: dict[str, Any]
) -> None:
    device = {"backend": "ibm", "name": "ibm_boston", "decoupling": decoupling}
    document = parse().to_document() | {"device": device} | more
    experiment = parse_experiment(json.dumps(document), source="x.yaml")
    back = parse_experiment(write_experiment(experiment), source="y.yaml")
    assert back == experiment
    assert back.on_done == more.get("on_done")
    assert (back.schedule is None) == ("schedule" not in more)
