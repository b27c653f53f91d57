"""The command line: verbs, exit codes, one-line errors, and what stdout holds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.commands import Call, make_call, one_line
from fakes.world import SPEC, write_spec

from hexmagic.driver import judging
from hexmagic.driver.cli.main import cli
from hexmagic.driver.run import open_run
from hexmagic.driver.start import run

VERBS = (
    *("check", "run", "list", "status", "table", "report", "certify", "export", "devices"),
    *("synthesise", "overhead", "tick", "cancel", "compare", "predict", "explore"),
)
HEXMAGIC = [sys.executable, "-c", "from hexmagic.driver.cli.main import main; main()"]
RUN_ID = "tiny-20260102-030405-0000"
DISTANCE_5 = (
    ("distance: 3, scheme: fold13", "distance: 5, scheme: fold"),
    ("heavy_hex_5", "heavy_hex_9"),
)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def test_help_loads_nothing_heavy() -> None:
    command = [sys.executable, "-X", "importtime", *HEXMAGIC[1:], "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & {"qiskit", "qiskit_aer", "pandas", "numpy", "pydantic", "scipy", "rich"}


def test_importing_hexmagic_loads_nothing_else() -> None:
    code = "import sys, hexmagic; print([m for m in sys.modules if m.startswith('hexmagic.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_public_names_are_there_and_others_are_not() -> None:
    import hexmagic

    assert {"Run", "open_run", "resume", "run"} < set(dir(hexmagic))
    assert hexmagic.open_run is open_run
    assert hexmagic.run is run
    assert hexmagic.__version__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hexmagic.nothing  # noqa: B018 - the access is the test


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_an_example_in_its_help(call: Call, verb: str) -> None:
    result = call(verb, "--help")
    assert result.exit_code == 0
    assert f"  hexmagic {verb}" in result.stdout.partition("Example:")[2]


def test_the_verbs_are_all_there_are() -> None:
    assert set(cli.commands) == set(VERBS)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nothing"], "hexmagic: No such command 'nothing'. (see `hexmagic --help`)"),
        (["run", "--nothing"], "hexmagic run: No such option '--nothing'."),
        (["check"], "hexmagic check: Missing argument 'SPEC...'."),
        (["table", "x", "--kind", "y"], "Invalid value for '--kind'"),
        (["run"], "run: name an experiment file, or a run with --resume"),
        (["check", "no.yaml"], "no.yaml: no such file"),
        (["run", "."], ".: a directory"),
        (["run", "tiny.yaml", "--no-wait"], "--no-wait: local engines"),
        (["run", "tiny.yaml", "--shots", "0"], "--shots: shots: 0 is too small"),
        (["run", "tiny.yaml", "--seed", "-1"], "--seed: seed: -1 is too small"),
        (["run", "tiny.yaml", "--device", "heavy_hex_4"], "--device: device heavy_hex_4"),
        (["run", "tiny.yaml", "--backend", "ibm"], "--backend: device.noise: none: hardware"),
        (["run", "tiny.yaml", "--workers", "0"], "--workers 0"),
        (["run", "tiny.yaml", "--resume", "x", "--seed", "1"], "--seed: a run is resumed as"),
        (["run", "--resume", "x", "--dry-run"], "--dry-run: a run is resumed as"),
        (["run", "--resume", "x"], "run 'x': not in runs, and no folder of that name"),
        (["status"], "runs: no runs yet"),
        (["table", "x"], "run 'x': not in runs"),
        (["report", "tests"], "run 'tests': not in runs"),
        (["export", "tiny.yaml", "--format", "stim", "-o", "x"], "--format stim: the circuits"),
        (["certify", "tiny.yaml", "--order", "3"], "Invalid value for '--order': 3 is not in"),
        (["certify", "tiny.yaml", "--budget-seconds", "0"], "Invalid value for '--budget-seconds'"),
        (["devices", "fake_bostom"], "unknown device 'fake_bostom'; did you mean fake_boston"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(
    call: Call, tmp_path: Path, words: list[str], text: str
) -> None:
    write_spec(tmp_path)
    result = call(*words)
    assert result.exit_code == 2
    assert text in one_line(result)
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.yaml"}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("heavy_hex_5", "fake_bostom"), "tiny.yaml:5: device.name: unknown device 'fake_bostom'"),
        (("heavy_hex_5", "fake_lima"), "tiny.yaml:5: device.name: device fake_lima: the fold"),
        (("noise: none", "noise: none, embedding: [1]"), "tiny.yaml:5: device.embedding: 1 qubits"),
        (("noise: none", "noise: calibration"), "tiny.yaml:5: device.noise: device heavy_hex_5"),
        (("shots: 1200", "shots: -1"), "tiny.yaml:7: shots: -1 is too small"),
        (("shots: 1200", "shoots: 5"), "tiny.yaml:7: shoots: unknown field"),
    ],
)
def test_a_bad_experiment_is_one_line_with_its_place_and_makes_no_run(
    call: Call, tmp_path: Path, change: tuple[str, str], text: str
) -> None:
    write_spec(tmp_path, change)
    for words in (["run"], ["check"], ["run", "--dry-run"], ["certify"]):
        result = call(*words, "tiny.yaml")
        assert result.exit_code == 2
        assert one_line(result).startswith(text)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("gates: {min_predicted_acceptance: 0.6}", "fold13 d=3 r=1 in X: predicted acceptance 0.5"),
        ("gates: {max_median_cz_error: 0.1}", "heavy_hex_5 has no calibration"),
        ("budget: {qpu_seconds: 1}", "estimated 1.23 QPU seconds, the budget is 1"),
    ],
)
def test_a_gate_or_budget_that_is_not_met_refuses_the_run(
    call: Call, tmp_path: Path, line: str, text: str
) -> None:
    (tmp_path / "tiny.yaml").write_text(SPEC + line + "\n")
    result = call("run", "tiny.yaml")
    assert result.exit_code == 3
    assert one_line(result).startswith(f"tiny.yaml:10: {line.partition(':')[0]}.")
    assert text in result.stderr
    assert call("check", "tiny.yaml").exit_code == 3
    assert not (tmp_path / "runs").exists()


def test_a_gate_that_is_met_lets_the_run_through(call: Call, tmp_path: Path) -> None:
    text = SPEC + "gates: {min_predicted_acceptance: 0.5}\nbudget: {qpu_seconds: 2}\n"
    (tmp_path / "tiny.yaml").write_text(text)
    assert call("run", "tiny.yaml").exit_code == 0


def test_a_circuit_that_the_engine_cannot_hold_is_shown_but_not_run(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "circuit_certificate", lambda _: None)  # it takes a minute
    write_spec(tmp_path, *DISTANCE_5)
    checked, ran = call("check", "tiny.yaml"), call("run", "tiny.yaml")
    assert (checked.exit_code, ran.exit_code) == (0, 3)
    assert "cannot be run: fold d=5 r=2: 40 qubits, fake holds at most 20" in checked.stdout
    assert "device.backend: fold d=5 r=2: 40 qubits" in one_line(ran)


def test_check_fits_80_columns_and_writes_nothing(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path)
    result = call("check", "tiny.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert max(map(len, result.stdout.splitlines())) <= 80
    for text in ("104", "encode 29, hadamard 24, detection 51", "0.500 predicted in X: a guess"):
        assert text in result.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


def test_check_certifies_the_protocol(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path)
    stdout = call("check", "tiny.yaml").stdout
    assert "detection holds, correction holds: " in stdout


def test_check_as_json_is_one_document(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path)
    document = json.loads(call("check", "tiny.yaml", "tiny.yaml", "--format", "json").stdout)
    first, second = document["experiments"]
    assert first == second
    point = first["points"][0]
    assert point["qubits"] == sum(map(len, point["layout"].values())) == 13
    assert [circuit["basis"] for circuit in point["circuits"]] == ["X", "Z"]
    assert point["certificate"]["detection_failures"] == 0


def test_a_dry_run_prints_what_check_prints(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path)
    dry = call("run", "tiny.yaml", "--dry-run", "--shots", "5")
    write_spec(tmp_path, ("1200", "5"))
    assert dry.stdout == call("check", "tiny.yaml").stdout
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("kind", ["detection", "correction"])
def test_certify_counts_both_kinds_and_exits_by_the_chosen_one(
    call: Call, tmp_path: Path, kind: str
) -> None:
    write_spec(tmp_path, ("scheme: fold13", "scheme: encoded"))
    result = call("certify", "tiny.yaml", "--kind", kind, "--format", "json")
    circuits = json.loads(result.stdout)["circuits"]
    assert [circuit["basis"] for circuit in circuits] == ["X", "Z"]
    assert all(c["detection_failures"] and c["correction_failures"] for c in circuits)
    assert result.exit_code == 5
    assert result.stderr.startswith(f"tiny.yaml: the {kind} certificate fails: ")


def test_certify_passes_a_protocol_that_holds(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path, ("[X, Z]", "[Z]"))
    result = call("certify", "tiny.yaml")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "fold13 d=3 r=1 in Z" in result.stdout


@pytest.mark.parametrize("order", [1, 2])
def test_a_bare_qubit_cannot_be_certified(call: Call, tmp_path: Path, order: int) -> None:
    write_spec(tmp_path, ("distance: 3, scheme: fold13", "scheme: bare"), ("[bare]", "[]"))
    result = call("certify", "tiny.yaml", "--order", order)
    assert result.exit_code == 3
    assert "without a code" in one_line(result)


def test_a_circuit_of_too_many_terms_is_not_certified_but_checked(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hexmagic.experiments.certificates.fault_sums.MOST_TERMS", 100)
    monkeypatch.setattr(judging, "_certificates", dict)  # none is known
    monkeypatch.setenv("HEXMAGIC_CACHE", str(tmp_path / "cache"))
    write_spec(tmp_path)
    certified, checked = call("certify", "tiny.yaml"), call("check", "tiny.yaml")
    assert (certified.exit_code, checked.exit_code) == (3, 0)
    assert (
        one_line(certified)
        == "certificate: more than 100 terms at a time; the circuit is too large"
    )
    assert "certificate   not computed (certificate: more than 100 terms" in checked.stdout
    write_spec(tmp_path, ("scheme: fold13", "scheme: fold13, reuse: best"))
    assert call("check", "tiny.yaml").exit_code == 2


def test_one_device_is_shown_in_detail(call: Call) -> None:
    assert "2400 at d = 3, 924 at d = 5, 84 at d = 7" in call("devices", "heavy_hex_9").stdout
    document = json.loads(call("devices", "heavy_hex_9", "--format", "json").stdout)
    assert document["num_qubits"] == 193
    assert document["median_two_qubit_error"] is None


@pytest.mark.slow
def test_devices_are_listed_with_their_embeddings(call: Call) -> None:
    lines = call("devices").stdout.splitlines()
    (boston,) = [line.split() for line in lines if line.startswith("fake_boston")]
    assert boston[1:5] == ["156", "176", "1", "cz"]
    assert max(map(len, lines)) <= 80


def test_an_unexpected_error_is_one_line_and_exit_4(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def surprise(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh\nno")

    monkeypatch.setattr("hexmagic.driver.request.make_plan", surprise)
    write_spec(tmp_path)
    result = call("run", "tiny.yaml")
    assert result.exit_code == 4
    assert one_line(result) == ("internal error: ZeroDivisionError: oh no; run again with --debug")
    for words in (["--debug", "run", "tiny.yaml"], ["run", "tiny.yaml", "--debug"]):
        assert isinstance(call(*words).exception, ZeroDivisionError)


def test_a_failed_run_exits_4_and_says_how_to_resume(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    write_spec(tmp_path)
    monkeypatch.setattr("hexmagic.driver.engine.RunFolder.save_shots", full)
    result = call("run", "tiny.yaml")
    assert result.exit_code == 4
    assert result.stdout == ""
    assert f"resume it with `hexmagic run --resume {RUN_ID}`" in result.stderr.splitlines()[-1]
