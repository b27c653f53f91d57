"""Experiment files: what they may say, what they become, and how they are refused."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.spec import (
    Accept,
    Bounds,
    Experiment,
    NoiseSpec,
    Protocol,
    SpecError,
    load_experiment,
    parse_experiment,
    write_experiment,
)
from hexmagic.experiments.spec.noise import NOISE_FIELDS

ROOT = Path(__file__).parent.parent
SHIPPED = sorted((ROOT / "experiments").glob("*.yaml"))
MALFORMED = Path(__file__).parent / "malformed"
EXPECTATIONS = json.loads((MALFORMED / "expectations.json").read_text(encoding="utf-8"))

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


def refusal(more: str = "", text: str = SMALL) -> str:
    with pytest.raises(SpecError) as caught:
        parse(more, text)
    return str(caught.value)


# --- malformed files ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(EXPECTATIONS))
def test_a_malformed_file_is_refused_in_one_line_that_names_file_line_and_remedy(name: str) -> None:
    path, expected = MALFORMED / name, EXPECTATIONS[name]
    where = f"{path}:{expected['line']}: " if expected["line"] else f"{path}: "
    with pytest.raises(SpecError) as caught:
        load_experiment(path)
    message = str(caught.value)
    assert message.startswith(where)
    assert expected["text"] in message
    assert len(message.splitlines()) == 1


def test_every_malformed_file_has_an_expectation() -> None:
    assert {path.name for path in MALFORMED.glob("*.yaml")} == set(EXPECTATIONS)


def test_a_refusal_is_a_usage_error_and_a_value_error_with_exit_code_2() -> None:
    with pytest.raises(UsageError) as caught:
        parse("colour: red\n")
    assert caught.value.exit_code == 2
    assert isinstance(caught.value, ValueError)


def test_a_directory_is_refused() -> None:
    with pytest.raises(SpecError, match=r"malformed: a directory; name an experiment file in it$"):
        load_experiment(MALFORMED)


def test_a_missing_file_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(SpecError, match=r"stean_h\.yaml: no such file; did you mean .*steane_h"):
        load_experiment(ROOT / "experiments" / "stean_h.yaml")


@pytest.mark.parametrize("path", ["", "no/such/folder/x.yaml", "a\0b.yaml", "x" * 5000])
def test_an_impossible_path_is_refused(path: str) -> None:
    with pytest.raises(SpecError):
        load_experiment(path)


def test_a_file_too_large_to_be_an_experiment_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_text(SMALL + "#" * 1_000_000, encoding="utf-8")
    with pytest.raises(SpecError, match="larger than 1000000 bytes"):
        load_experiment(path)


def test_unknown_fields_are_told_first_and_missing_ones_last() -> None:
    text = "schema_version: 1\nname: small\nshots: 0\ncolour: red\n"
    assert refusal(text=text).startswith("x.yaml:4: colour: unknown field")
    assert refusal(text=text).endswith("(and 4 more)")


def test_a_misspelt_required_field_is_one_problem_not_two() -> None:
    assert refusal(text=SMALL.replace("seed:", "sed:")) == (
        "x.yaml:6: sed: unknown field; did you mean 'seed'?"
    )


# --- what a file becomes -----------------------------------------------------------------------


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_experiments_load(path: Path) -> None:
    assert load_experiment(path).source.text == path.read_text(encoding="utf-8")


def test_the_demo_is_the_one_that_the_issue_asks_for() -> None:
    demo = load_experiment(ROOT / "experiments" / "steane_h.yaml")
    assert (demo.protocol.scheme, demo.protocol.distance, demo.protocol.rounds) == ("fold14", 3, 1)
    assert (demo.device.name, str(demo.device.noise)) == ("fake_boston", "calibration")
    assert (demo.measure, demo.baselines) == (("X", "Y", "Z"), ("bare", "encoded"))
    assert (demo.shots, demo.seed) == (4000, 2026)
    assert demo.description


def test_what_is_left_out_takes_its_default() -> None:
    small = parse()
    assert small.measure == ("X", "Y", "Z")
    assert small.accept == Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
    assert (small.protocol.state, small.protocol.reuse) == ("H", "reset")
    assert (small.device.embedding, small.baselines, small.sweep) == ("best", (), {})
    assert (small.gates, small.budget, small.expect) == (None, None, None)


@pytest.mark.parametrize(
    ("protocol", "rounds"),
    [
        ("{scheme: fold, distance: 7}", 3),
        ("{scheme: fold, distance: 7, rounds: auto}", 3),
        ("{scheme: fold, distance: 7, rounds: 1}", 1),
        ("{scheme: encoded, distance: 3}", None),
        ("{scheme: encoded, distance: 3, rounds: auto}", None),
        ("{scheme: bare}", None),
    ],
)
def test_automatic_rounds_follow_the_distance(protocol: str, rounds: int | None) -> None:
    text = SMALL.replace("{scheme: fold, distance: 3}", protocol)
    assert parse(text=text).protocol.rounds == rounds


@pytest.mark.parametrize(
    ("noise", "spec", "text"),
    [
        ("none", NoiseSpec(kind="none"), "none"),
        ("calibration", NoiseSpec(kind="calibration"), "calibration"),
        ("{calibration: {scale: 1}}", NoiseSpec(kind="calibration"), "calibration"),
        (
            "{calibration: {scale: 0.5}}",
            NoiseSpec(kind="calibration", scale=0.5),
            "calibration x 0.5",
        ),
        (
            "{calibration: {scale: 0}}",
            NoiseSpec(kind="calibration", scale=0.0),
            "calibration x 0.0",
        ),
        ("{uniform: 1e-3}", NoiseSpec(kind="uniform", p=1e-3), "uniform 0.001"),
        ("{uniform: 0}", NoiseSpec(kind="uniform", p=0.0), "uniform 0.0"),
        ("{paper: 1e-3}", NoiseSpec(kind="paper", p=1e-3), "paper 0.001"),
    ],
)
def test_noise_is_read(noise: str, spec: NoiseSpec, text: str) -> None:
    found = parse(text=SMALL.replace("noise: none", f"noise: {noise}")).device.noise
    assert found == spec
    assert str(found) == text
    assert NoiseSpec(**found.to_json()) == found


def test_a_scale_of_one_is_written_and_recorded_as_if_it_were_not_there() -> None:
    spec = NoiseSpec(kind="calibration", scale=1.0)
    assert spec.to_document() == "calibration"
    assert spec.to_json() == {"kind": "calibration", "p": None}


def test_an_embedding_is_a_tuple_of_qubits() -> None:
    text = SMALL.replace("noise: none", "noise: none, embedding: [5, 3, 4]")
    assert parse(text=text).device.embedding == (5, 3, 4)


def test_a_whole_float_is_a_whole_number() -> None:
    shots = parse(text=SMALL.replace("shots: 10", "shots: 2e4")).shots
    assert (shots, type(shots)) == (20000, int)


def test_a_whole_number_is_a_float_where_one_is_needed() -> None:
    budget = parse("budget: {qpu_seconds: 60}\n").budget
    assert budget is not None
    assert type(budget.qpu_seconds) is float


@pytest.mark.parametrize("measure", ["[Y]", "[X]", "[Z, X]"])
def test_any_bases_may_be_measured_when_no_fidelity_is_expected(measure: str) -> None:
    assert parse(f"measure: {measure}\nexpect: {{acceptance: {{min: 0.1}}}}\n").measure


def test_gates_budget_and_expectations_are_read() -> None:
    full = parse(
        "gates: {min_predicted_acceptance: 0.1}\nbudget: {qpu_seconds: 60}\n"
        "expect: {fidelity: {min: 0.99}, acceptance: {min: 0.2, max: 1}}\n"
    )
    assert full.gates is not None and full.gates.min_predicted_acceptance == 0.1
    assert full.gates.max_median_cz_error is None
    assert full.expect is not None and full.expect.fidelity == Bounds(min=0.99)
    assert full.expect.acceptance == Bounds(min=0.2, max=1.0)


def test_where_names_file_line_and_field() -> None:
    small = parse("sweep:\n  shots: [1, 2]\n")
    assert small.where("device.name") == "x.yaml:4: device.name"
    assert small.where("protocol.rounds") == "x.yaml:3: protocol.rounds"
    assert small.where("accept.flags") == "x.yaml: accept.flags"
    assert small.where("sweep.shots") == "x.yaml:8: sweep.shots"


def test_an_experiment_is_the_same_whatever_file_it_stands_in() -> None:
    assert parse() == parse_experiment("# moved\n" + SMALL, source="y.yaml")


def test_an_experiment_can_go_to_another_process() -> None:
    full = parse("sweep: {device.noise.uniform: [1e-3]}\n")
    copy = pickle.loads(pickle.dumps(full))
    assert copy == full
    assert copy.source == full.source


def test_the_rules_hold_for_experiments_built_in_python() -> None:
    with pytest.raises(ValueError, match="distance: 4 is not an odd number"):
        Protocol(scheme="fold", distance=4)
    with pytest.raises(ValueError, match=r"uniform: 0\.6 is not an error rate"):
        NoiseSpec(kind="uniform", p=0.6)
    with pytest.raises(ValueError, match=r"paper: None is not an error rate"):
        NoiseSpec(kind="paper")
    with pytest.raises(ValueError, match="calibration noise takes no error rate"):
        NoiseSpec(kind="calibration", p=1e-3)
    with pytest.raises(ValueError, match=r"calibration\.scale: uniform noise takes no scale"):
        NoiseSpec(kind="uniform", p=1e-3, scale=0.5)
    with pytest.raises(ValueError, match=r"calibration\.scale: nan is no scale of noise"):
        NoiseSpec(kind="calibration", scale=float("nan"))
    with pytest.raises(ValueError, match="nothing passes"):
        Bounds(min=1, max=0)


# --- writing --------------------------------------------------------------------------------------


RATE = st.floats(0, 1)
REUSE = ["reset", "xor", "deferred", "best"]
PROTOCOLS = st.one_of(
    st.fixed_dictionaries(
        {"scheme": st.just("fold"), "distance": st.sampled_from([3, 5, 31])},
        optional={"rounds": st.just("auto") | st.integers(1, 100)},
    ),
    st.fixed_dictionaries(
        {"scheme": st.sampled_from(["fold13", "fold14"]), "distance": st.just(3)},
        optional={"state": st.just("H"), "reuse": st.sampled_from(REUSE)},
    ),
)
DEVICES = st.fixed_dictionaries(
    {
        "backend": st.just("aer"),
        "name": st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
        "noise": st.sampled_from(["none", "calibration"])
        | st.fixed_dictionaries({"uniform": st.floats(0, 0.5)})
        | st.fixed_dictionaries({"paper": st.floats(0, 0.5)})
        | st.fixed_dictionaries(
            {"calibration": st.fixed_dictionaries({"scale": st.floats(0, 10)})}
        ),
    },
    optional={"embedding": st.lists(st.integers(0, 200), min_size=1, max_size=14, unique=True)},
)
BOUNDS = st.fixed_dictionaries({"min": st.floats(0, 0.5), "max": st.floats(0.5, 1)})
EXPERIMENTS = st.fixed_dictionaries(
    {
        "schema_version": st.just(1),
        "name": st.from_regex(r"[a-z0-9][a-z0-9._-]{0,63}", fullmatch=True),
        "protocol": PROTOCOLS,
        "device": DEVICES,
        "shots": st.integers(1, 10**9),
        "seed": st.integers(0, 2**63 - 1),
    },
    optional={
        "description": st.text(st.characters(exclude_categories=["Cs"]))
        | st.sampled_from(["1e-3", "010", "null", "true", "a: b", "# no"]),
        "measure": st.permutations(["X", "Y", "Z"]),
        "accept": st.fixed_dictionaries({}, optional={"flags": st.booleans()}),
        "sweep": st.dictionaries(
            st.sampled_from([*NOISE_FIELDS, "accept.readout"]),
            st.just(["detect"]),
            max_size=1,
        ).map(lambda d: {k: [1e-5, 0] if "noise" in k else v for k, v in d.items()}),
        "baselines": st.lists(st.sampled_from(["bare", "encoded"]), unique=True),
        "gates": st.fixed_dictionaries({"max_median_cz_error": RATE}),
        "budget": st.fixed_dictionaries({"qpu_seconds": st.floats(0, 1e6)}),
        "expect": st.fixed_dictionaries({"fidelity": BOUNDS}, optional={"acceptance": BOUNDS}),
    },
)


@given(EXPERIMENTS)
def test_writing_and_reading_an_experiment_changes_nothing(document: dict[str, Any]) -> None:
    if document["protocol"].get("reuse", "reset") != "reset":
        document.pop("accept", None)  # which has to be whole where nothing is reset
    experiment = parse_experiment(json.dumps(document, ensure_ascii=True), source="x.yaml")
    back = parse_experiment(write_experiment(experiment), source="y.yaml")
    assert back == experiment
    assert back.protocol.auto_rounds == experiment.protocol.auto_rounds
    assert write_experiment(back) == write_experiment(experiment)


# --- loading -----------------------------------------------------------------------------------


def test_reading_experiments_needs_no_numerical_library() -> None:
    code = (
        "import sys, hexmagic.experiments.spec, hexmagic.experiments.spec.schema\n"
        "print([m for m in ('numpy', 'pandas', 'qiskit', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
