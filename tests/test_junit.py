"""`--junit FILE`: XML that any reader takes, there whatever becomes of the run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from click.testing import Result
from fakes.commands import Call, make_call, one_line
from fakes.processes import StopAfter, wait_for_shots
from fakes.world import SPEC, make_services, write_spec
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.driver.cli import junit_log
from hexmagic.driver.cli.junit import Case, Fault, Suite, junit_xml, write_junit
from hexmagic.driver.error_lines import TerminatedError
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.start import run

HEXMAGIC = [sys.executable, "-c", "from hexmagic.driver.cli.main import main; main()"]
RUN_ID = "tiny-20260102-030405-0000"
FILE = "out/r.xml"

# What the schema of Jenkins' xUnit plugin (junit-10.xsd) allows, of what is used here.
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"classname", "name", "time"},
    "failure": {"message", "type"},
    "error": {"message", "type"},
    "system-out": set(),
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "system-out"},
}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    (tmp_path / "out").mkdir()
    return make_call(tmp_path, monkeypatch)


def check(content: bytes) -> Element:
    """Return the only test suite of a document after checking it against the schema."""
    root = ElementTree.fromstring(content)
    for element in root.iter():
        assert set(element.attrib) == ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= CHILDREN.get(element.tag, set())
    (suite,) = root
    cases = suite.findall("testcase")
    for element in (root, suite):
        assert int(element.attrib["tests"]) == len(cases) > 0
        for kind in ("failure", "error"):
            assert int(element.attrib[f"{kind}s"]) == len(suite.findall(f"testcase/{kind}"))
        assert re.fullmatch(r"[0-9]+\.[0-9]{3}", element.attrib["time"])
    assert all(len(case.findall("failure") + case.findall("error")) <= 1 for case in cases)
    assert all(case.attrib["classname"] == suite.attrib["name"] for case in cases)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.attrib["timestamp"])
    return suite


def written(path: str | Path = FILE) -> Element:
    return check(Path(path).read_bytes())


def faults(suite: Element) -> list[tuple[str, str, str]]:
    """Return (kind, exit code, message) of every fault."""
    found = [fault for kind in ("failure", "error") for fault in suite.iter(kind)]
    return [(fault.tag, fault.attrib["type"], fault.attrib["message"]) for fault in found]


def properties(suite: Element) -> dict[str, str]:
    return {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")}


def expecting(tmp_path: Path, expect: str) -> str:
    (tmp_path / "tiny.yaml").write_text(f"{SPEC}expect: {expect}\n")
    return "tiny.yaml"


# --- the document ------------------------------------------------------------------------------

TEXT = st.text(st.characters(), max_size=20) | st.text("<>&'\"\x00\x1b\x85\ud800\ufffe\r\n\t]")


@given(name=TEXT, text=TEXT, kind=st.sampled_from(["failure", "error", None]))
def test_any_text_gives_well_formed_xml(name: str, text: str, kind: str | None) -> None:
    fault = Fault(kind=kind, message=text, exit_code=5, text=text) if kind else None  # type: ignore[arg-type]
    suite = Suite(
        name=name,
        started="2026-01-02T03:04:05",
        seconds=1e-9,
        properties={name: text},
        cases=(Case(name=text, seconds=12345678.9, fault=fault, output=text),),
    )
    document = check(junit_xml(suite))
    kept = "".join(c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff"))
    kept = "".join(c for c in kept if not "\ud800" <= c <= "\udfff")
    assert document.find("testcase").attrib["name"] == kept  # type: ignore[union-attr]
    assert len(faults(document)) == (kind is not None)


# --- runs --------------------------------------------------------------------------------------


def test_every_point_of_a_good_run_is_a_passed_test_case(call: Call, tmp_path: Path) -> None:
    result = call("run", write_spec(tmp_path), "--junit", FILE)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"run: {RUN_ID}")
    suite = written()
    assert (suite.attrib["name"], faults(suite)) == ("tiny", [])
    assert [case.attrib["name"] for case in suite.iter("testcase")] == ["fold13 d=3 r=1", "bare"]
    spent = sum(float(case.attrib["time"]) for case in suite.iter("testcase"))
    assert 0 < spent <= float(suite.attrib["time"]) + 0.002


def test_properties_tell_the_run_its_versions_and_its_estimates(call: Call, tmp_path: Path) -> None:
    call("run", write_spec(tmp_path), "--junit", FILE, "--seed", 9)
    suite = written()
    told = properties(suite)
    assert (told["run"], told["seed"], told["engine"]) == (RUN_ID, "9", "fake 1")
    assert re.fullmatch(r"3\.\d+\.\d+", told["version.python"])
    assert "version.hexmagic" in told
    number = r"-?[0-9.]+"
    interval = rf"{number} \[{number}, {number}\]"
    for what in ("fidelity (raw)", "acceptance (raw)"):
        assert re.fullmatch(interval, told[f"fold13 d=3 r=1: {what}"])
    shown = suite.findtext("testcase/system-out")
    assert f"fidelity (raw) {told['fold13 d=3 r=1: fidelity (raw)']}" in str(shown)


def test_missed_expectations_fail_the_test_case_of_their_point(call: Call, tmp_path: Path) -> None:
    spec = expecting(tmp_path, "{fidelity: {min: 1}, acceptance: {min: 0.9}}")
    plain, result = call("run", spec), call("run", spec, "--junit", FILE)
    assert result.exit_code == plain.exit_code == 5
    lines = result.stderr.splitlines()[2:]
    suite = written()
    assert faults(suite) == [("failure", "5", "; ".join(lines))]
    assert suite.findtext("testcase/failure") == "\n".join(lines)
    assert [len(case.findall("failure")) for case in suite.iter("testcase")] == [1, 0]


def test_in_a_sweep_only_the_point_that_misses_fails(call: Call, tmp_path: Path) -> None:
    sweep = "sweep: {accept.readout: [detect, correct]}\n"
    (tmp_path / "tiny.yaml").write_text(SPEC + sweep + "expect: {acceptance: {min: 0.25}}\n")
    assert call("run", "tiny.yaml", "--junit", FILE).exit_code == 5
    failed = [bool(len(case.findall("failure"))) for case in written().iter("testcase")]
    assert failed == [True, False, False, False]


@pytest.mark.parametrize("expect", ["{acceptance: {min: 0.9}}", "{infidelity: {max: 0.1}}"])
def test_expectations_are_asked_again_when_a_run_is_resumed(
    call: Call, tmp_path: Path, expect: str
) -> None:
    spec = expecting(tmp_path, expect)
    with pytest.raises(KeyboardInterrupt):
        run(spec, runs="runs", services=make_services(), progress=StopAfter(3))
    result = call("run", "--resume", "latest", "--junit", FILE)
    assert result.exit_code == 5
    assert faults(written()) == [("failure", "5", result.stderr.splitlines()[-1])]
    assert properties(written())["run"] == RUN_ID
    assert call("run", "--resume", "latest").exit_code == 5  # now it is done


# --- what can go wrong -------------------------------------------------------------------------


def only_error(result: Result, path: str = FILE) -> str:
    """Return the name of the suite whose only error is what the command said and ended with."""
    suite = written(path)
    line = result.stderr.splitlines()[-1]
    assert faults(suite) == [("error", str(result.exit_code), line)]
    return suite.attrib["name"]


@pytest.mark.parametrize(
    ("change", "code", "name"),
    [
        (("seed: 7", "seed: x"), 2, "tiny"),
        (("name: tiny", "name: 'no good'"), 2, "tiny"),
        (("name: tiny", "name: other"), 0, "other"),
        (("heavy_hex_5", "fake_bostom"), 2, "tiny"),
        (("baselines: [bare]", "gates: {min_predicted_acceptance: 0.6}"), 3, "tiny"),
    ],
)
def test_a_bad_or_refused_experiment_is_an_error(
    call: Call, tmp_path: Path, change: tuple[str, str], code: int, name: str
) -> None:
    spec = write_spec(tmp_path, change)
    result = call("run", spec, "--junit", FILE)
    assert result.exit_code == code
    assert (only_error(result) if code else written().attrib["name"]) == name
    assert (tmp_path / "runs").exists() == (code == 0)


@pytest.mark.parametrize(
    ("words", "name"), [(["no.yaml"], "no"), (["--resume", "none"], "none"), ([], "run")]
)
def test_what_is_not_there_is_an_error(call: Call, words: list[str], name: str) -> None:
    result = call("run", *words, "--junit", FILE)
    assert result.exit_code == 2
    assert only_error(result) == name


def test_a_failed_run_is_an_error_with_its_id(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("hexmagic.driver.engine.RunFolder.save_shots", full)
    result = call("run", write_spec(tmp_path), "--junit", FILE)
    assert result.exit_code == 4
    assert only_error(result) == "tiny"
    assert properties(written())["run"] == RUN_ID


def test_a_bug_is_an_error(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def surprise(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh\nno\x1b")

    monkeypatch.setattr("hexmagic.driver.request.make_plan", surprise)
    assert call("run", write_spec(tmp_path), "--junit", FILE).exit_code == 4
    line = "internal error: ZeroDivisionError: oh no; run again with --debug"
    assert faults(written()) == [("error", "4", line)]


@pytest.mark.parametrize(
    ("stop", "code", "line"),
    [(KeyboardInterrupt, 130, "interrupted"), (TerminatedError, 143, "terminated")],
)
def test_an_interrupt_is_an_error(
    call: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: type[KeyboardInterrupt],
    code: int,
    line: str,
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr("hexmagic.driver.start.execute", interrupted)
    result = call("run", write_spec(tmp_path), "--junit", FILE)
    assert result.exit_code == code
    assert only_error(result) == "tiny"
    assert result.stderr.splitlines()[-1].startswith(f"{line}; resume it with ")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "term")]
)
def test_a_signal_is_an_error(tmp_path: Path, number: int, code: int, word: str) -> None:
    write_spec(tmp_path, ("1200", "100000"), ("noise: none", "noise: {uniform: 1e-3}"))
    process, path = start(tmp_path), tmp_path / "r.xml"
    assert faults(written(path)) == [("error", "4", junit_log.NOT_ENDED)]
    os.killpg(process.pid, number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    ((kind, type_, message),) = faults(written(path))
    assert (kind, type_, message) == ("error", str(code), stderr.decode().splitlines()[-1])
    assert message.startswith(word)


@pytest.mark.slow
def test_a_run_that_is_killed_leaves_an_error_and_no_older_result(tmp_path: Path) -> None:
    write_spec(tmp_path, ("1200", "100000"), ("noise: none", "noise: {uniform: 1e-3}"))
    path = tmp_path / "r.xml"
    path.write_bytes(junit_xml(Suite(name="old", started="", seconds=0, cases=())))
    process = start(tmp_path)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert faults(written(path)) == [("error", "4", junit_log.NOT_ENDED)]
    assert written(path).attrib["name"] == "tiny"


def start(folder: Path) -> subprocess.Popen[bytes]:
    """Start a long run that writes r.xml; return when its first shots are there."""
    command = [*HEXMAGIC, "run", "tiny.yaml", "--junit", "r.xml"]
    process = subprocess.Popen(
        command, cwd=folder, start_new_session=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    wait_for_shots(folder / line.removeprefix("run folder: ").strip(), 1, process)
    return process


# --- the file itself ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("no/r.xml", "--junit no/r.xml: there is no directory no; make it first"),
        ("tiny.yaml", "--junit tiny.yaml: not the name of a JUnit file; let it end in .xml"),
        ("dir.xml", "--junit dir.xml: exists and is not a file; give another name"),
        ("afile/r.xml", "--junit afile/r.xml: there is no directory afile; make it first"),
        ("a" * 300 + ".xml", "cannot be written: File name too long"),
    ],
)
def test_a_file_that_cannot_be_written_costs_no_run(
    call: Call, tmp_path: Path, path: str, text: str
) -> None:
    (tmp_path / "dir.xml").mkdir()
    (tmp_path / "afile").write_text("")
    result = call("run", write_spec(tmp_path), "--junit", path)
    assert result.exit_code == 2
    assert text in one_line(result)
    assert not (tmp_path / "runs").exists()
    assert (tmp_path / "tiny.yaml").read_text() == SPEC


def test_a_dry_run_has_no_result(call: Call, tmp_path: Path) -> None:
    result = call("run", write_spec(tmp_path), "--junit", FILE, "--dry-run")
    assert result.exit_code == 2
    assert "--dry-run waits for no result" in one_line(result)
    assert not Path(FILE).exists()


@pytest.mark.parametrize(
    ("expect", "code"), [("{acceptance: {min: 0}}", 4), ("{fidelity: {min: 1}}", 5)]
)
def test_a_disk_that_is_full_at_the_end_is_told_and_keeps_an_error_in_the_file(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect: str, code: int
) -> None:
    calls: list[Suite] = []

    def full(path: Path, suite: Suite) -> None:
        calls.append(suite)
        if len(calls) > 1:
            raise StorageError(f"--junit {path}: cannot be written: No space left on device")
        write_junit(path, suite)

    monkeypatch.setattr(junit_log, "write_junit", full)
    result = call("run", expecting(tmp_path, expect), "--junit", FILE)
    assert result.exit_code == code
    assert result.stderr.splitlines()[-1].endswith("No space left on device")
    assert faults(written()) == [("error", "4", junit_log.NOT_ENDED)]


def test_without_the_option_nothing_is_written(call: Call, tmp_path: Path) -> None:
    assert call("run", write_spec(tmp_path)).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.yaml", "runs", "out"}
    assert list((tmp_path / "out").iterdir()) == []
