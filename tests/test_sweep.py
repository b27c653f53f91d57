"""Sweeps and changes: each point is a whole experiment, checked like a file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hexmagic.experiments.spec import (
    SWEEPABLE,
    Experiment,
    NoiseSpec,
    SpecError,
    expand_sweep,
    parse_experiment,
    with_fields,
)

SMALL = """\
schema_version: 1
name: small
protocol: {scheme: fold, distance: 3}
device: {backend: aer, name: fake_boston, noise: none}
shots: 10
seed: 1
"""


def parse(more: str = "", text: str = SMALL) -> Experiment:
    return parse_experiment(text + more, source="x.yaml")


def sweep(values: str, text: str = SMALL) -> tuple[Experiment, ...]:
    return expand_sweep(parse(f"sweep:\n{values}", text))


def test_without_a_sweep_an_experiment_is_its_only_point() -> None:
    small = parse()
    assert expand_sweep(small) == (small,)
    assert small.swept == {}


def test_a_grid_is_in_the_order_written_and_the_last_field_varies_fastest() -> None:
    points = sweep("  shots: [20, 10]\n  protocol.distance: [5, 3, 7]\n")
    grid = [(point.shots, point.protocol.distance) for point in points]
    assert grid == [(20, 5), (20, 3), (20, 7), (10, 5), (10, 3), (10, 7)]
    assert points[1].swept == {"shots": 20, "protocol.distance": 3}


def test_a_point_has_no_sweep_of_its_own() -> None:
    point = sweep("  shots: [20, 10]\n")[1]
    assert point.sweep == {}
    assert replace(point, swept={}) == parse()


def test_automatic_rounds_follow_a_swept_distance_and_given_rounds_do_not() -> None:
    values = "  protocol.distance: [3, 5, 7]\n"
    assert [point.protocol.rounds for point in sweep(values)] == [1, 2, 3]
    fixed = SMALL.replace("distance: 3", "distance: 3, rounds: 1")
    assert [point.protocol.rounds for point in sweep(values, fixed)] == [1, 1, 1]


def test_a_swept_error_rate_replaces_the_noise() -> None:
    points = sweep("  device.noise.uniform: [1e-4, 0]\n", SMALL.replace("none", "calibration"))
    assert [point.device.noise for point in points] == [
        NoiseSpec(kind="uniform", p=1e-4),
        NoiseSpec(kind="uniform", p=0.0),
    ]
    assert [point.swept for point in points] == [
        {"device.noise.uniform": 1e-4},
        {"device.noise.uniform": 0.0},
    ]


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("device.noise.uniform", NoiseSpec(kind="uniform", p=0.25)),
        ("device.noise.paper", NoiseSpec(kind="paper", p=0.25)),
        ("device.noise.calibration.scale", NoiseSpec(kind="calibration", scale=0.25)),
    ],
)
@pytest.mark.parametrize("before", ["none", "{uniform: 0.1}", "{calibration: {scale: 2}}"])
def test_a_swept_field_of_the_noise_sets_all_of_it(name: str, spec: NoiseSpec, before: str) -> None:
    text = SMALL.replace("noise: none", f"noise: {before}")
    (point,) = sweep(f"  {name}: [0.25]\n", text)
    assert point.device.noise == spec
    assert point.swept == {name: 0.25}
    assert with_fields(parse(text=text), {name: 0.25}, origin="-").device.noise == spec


def test_a_scale_of_one_is_the_calibration_and_swept_as_a_number() -> None:
    points = sweep("  device.noise.calibration.scale: [0, 0.5, 1]\n")
    assert [str(point.device.noise) for point in points] == [
        "calibration x 0.0",
        "calibration x 0.5",
        "calibration",
    ]
    assert [point.swept["device.noise.calibration.scale"] for point in points] == [0, 0.5, 1]


def test_swept_values_are_scalars() -> None:
    noises = sweep("  device.noise: [none, calibration, {uniform: 1e-3}]\n")
    assert [point.swept["device.noise"] for point in noises] == [
        "none",
        "calibration",
        "uniform 0.001",
    ]
    layouts = sweep("  device.embedding: [best, [2, 1]]\n")
    assert [point.swept["device.embedding"] for point in layouts] == ["best", "2,1"]
    assert layouts[1].device.embedding == (2, 1)


@pytest.mark.parametrize(
    "values",
    [
        "  accept.readout: [detect, correct]\n",
        "  accept.flags: [true, false]\n",
        "  device.name: [fake_boston, fake_fez]\n",
        "  protocol.scheme: [encoded, fold, fold13, fold14]\n",
        "  protocol.rounds: [auto, 2]\n",
        "  seed: [0, 1, 2]\n",
    ],
)
def test_each_swept_value_makes_another_experiment(values: str) -> None:
    points = [replace(point, swept={}) for point in sweep(values)]
    assert len(points) > 1
    assert all(a != b for i, a in enumerate(points) for b in points[:i])


def test_a_point_says_on_which_line_its_value_stands() -> None:
    points = sweep("  shots:\n    - 20\n    - 10\n")
    assert [point.where("shots") for point in points] == ["x.yaml:9: shots", "x.yaml:10: shots"]
    assert points[0].where("seed") == "x.yaml:6: seed"


def test_an_experiment_changed_in_python_keeps_the_change_in_its_sweep() -> None:
    changed = replace(parse("sweep: {protocol.distance: [3, 5]}\n"), shots=77)
    points = expand_sweep(changed)
    assert [(point.shots, point.protocol.rounds) for point in points] == [(77, 1), (77, 2)]


def test_an_experiment_built_in_python_can_be_swept() -> None:
    built = replace(parse(), sweep={"shots": (1, 2)})
    assert [point.shots for point in expand_sweep(built)] == [1, 2]
    with pytest.raises(SpecError, match=r"shots: 0 is too small; .* \(at shots = 0\)"):
        expand_sweep(replace(built, sweep={"shots": (1, 0)}))


def test_what_belongs_to_the_whole_run_cannot_be_swept() -> None:
    document = parse("baselines: [bare]\nsweep: {shots: [1]}\n").to_document()
    fields = {name for name, value in document.items() if not isinstance(value, dict)}
    whole = {"schema_version", "name", "measure", "baselines", "keep", "estimate"}
    assert fields - set(SWEEPABLE) == whole


# --- changes --------------------------------------------------------------------------------------


def test_with_fields_changes_what_it_names_and_nothing_else() -> None:
    small = parse()
    changed = with_fields(small, {"shots": 7, "device.name": "fake_fez"}, origin="command line")
    assert (changed.shots, changed.device.name) == (7, "fake_fez")
    assert changed.source == small.source
    assert with_fields(changed, {"shots": 10, "device.name": "fake_boston"}, origin="-") == small


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("shots", 0, "--shots: shots: 0 is too small; needs at least 1"),
        ("shots", True, "--shots: shots: true is true or false; needs a whole number"),
        (
            "device.backend",
            "imb",
            "--shots: device.backend: unknown value 'imb'; did you mean 'ibm'? "
            "needs aer, clifft or ibm",
        ),
        ("shot", 5, "--shots: shot: cannot be changed; did you mean 'shots'?"),
    ],
)
def test_with_fields_checks_like_a_file_and_names_the_origin(
    name: str, value: Any, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        with_fields(parse(), {name: value}, origin="--shots")
    assert str(caught.value) == message


def test_with_fields_refuses_what_the_sweep_sets() -> None:
    swept = parse("sweep: {device.noise.uniform: [1e-3]}\n")
    with pytest.raises(SpecError, match=r"set by the sweep \(x\.yaml:7: sweep\.device\.noise"):
        with_fields(swept, {"device.noise": "none"}, origin="command line")
