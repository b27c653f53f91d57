"""The command line on runs: run, resume, list, status, table, report, export."""

import json
import os
import signal
import subprocess
import sys
from io import BytesIO, StringIO
from pathlib import Path

import pandas as pd
import pytest
from fakes.commands import Call, make_call, one_line
from fakes.processes import StopAfter, wait_for_shots
from fakes.world import SPEC, make_services, write_spec

from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.progress import PlainProgress
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.start import run

HEXMAGIC = [sys.executable, "-c", "from hexmagic.driver.cli.main import main; main()"]
RUN_ID = "tiny-20260102-030405-0000"


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made")
    return run(write_spec(folder), runs=folder / "runs", services=make_services())


@pytest.fixture
def runs(made: Run) -> Path:
    return made.folder.parent


def test_run_prints_the_table_and_the_run_id_last(call: Call, tmp_path: Path) -> None:
    result = call("run", write_spec(tmp_path))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"run: {RUN_ID}"
    assert "Fidelity of |H>" in result.stdout
    first, second = result.stderr.splitlines()
    assert first == f"run folder: runs/{RUN_ID}"
    assert second.startswith("4800 of 4800 shots after ")


def test_overrides_change_the_run(call: Call, tmp_path: Path) -> None:
    write_spec(tmp_path)
    words = ("--shots", 10, "--seed", 9, "--device", "heavy_hex_7", "--backend", "aer")
    assert call("run", "tiny.yaml", *words).exit_code == 0
    points = open_run(tmp_path / "runs" / RUN_ID).points()
    assert set(points["shots"]) == {10}
    assert set(points["device"]) == {"heavy_hex_7"}


@pytest.mark.parametrize(
    ("expect", "lines"),
    [
        ("{acceptance: {min: 0.01}}", []),
        ("{acceptance: {max: 0.01}}", [r"expected at most 0.01"]),
        ("{fidelity: {min: 1}, acceptance: {min: 0.9}}", ["at least 1", "at least 0.9"]),
    ],
)
def test_expectations_are_of_the_protocol_and_decide_the_exit_code(
    call: Call, tmp_path: Path, expect: str, lines: list[str]
) -> None:
    (tmp_path / "tiny.yaml").write_text(SPEC + f"expect: {expect}\n")
    result = call("run", "tiny.yaml")
    assert result.exit_code == (5 if lines else 0)
    said = result.stderr.splitlines()[2:]
    assert len(said) == len(lines)
    assert all(text in line for text, line in zip(lines, said, strict=True))
    assert all(line.startswith("fold13 d=3 r=1: ") for line in said)
    assert result.stdout.splitlines()[-1] == f"run: {RUN_ID}"


def interrupt(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(
            write_spec(tmp_path),
            runs=tmp_path / "runs",
            services=make_services(),
            progress=StopAfter(3),
        )


def test_resume_goes_on_and_prints_the_table(call: Call, tmp_path: Path) -> None:
    interrupt(tmp_path)
    assert "state    interrupted" in call("status").stdout
    assert f"next     hexmagic run --resume {RUN_ID}" in call("status").stdout
    result = call("run", "--resume", "latest")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"run: {RUN_ID}"
    assert "state    done" in call("status").stdout


def test_resume_with_the_same_spec_is_fine_and_with_another_is_not(
    call: Call, tmp_path: Path
) -> None:
    interrupt(tmp_path)
    (tmp_path / "other.yaml").write_text(SPEC + "# not the same\n")
    result = call("run", "other.yaml", "--resume", "latest")
    assert result.exit_code == 2
    assert one_line(result).startswith("other.yaml: differs from runs/tiny-")
    assert call("run", "tiny.yaml", "--resume", "latest").exit_code == 0


def test_a_run_that_was_killed_is_stopped_not_running(call: Call, tmp_path: Path) -> None:
    interrupt(tmp_path)
    path = tmp_path / "runs" / RUN_ID / "provenance.json"
    path.write_text(path.read_text().replace('"interrupted"', '"running"'))
    assert json.loads(call("status", "--format", "json").stdout)["state"] == "stopped"
    with open_run(path.parent)._folder.locked():
        assert json.loads(call("status", "--format", "json").stdout)["state"] == "running"


def test_list_shows_every_run(call: Call, made: Run, runs: Path) -> None:
    assert call("list").stdout == "no runs in runs\n"
    assert f"{made.id}  done         4800 of 4800" in call("list", "--runs", runs).stdout
    (row,) = json.loads(call("list", "--runs", runs, "--format", "json").stdout)["runs"]
    assert (row["run"], row["state"], row["shots"]) == (made.id, "done", 4800)


def test_status_counts_jobs(call: Call, runs: Path) -> None:
    status = json.loads(call("status", "--runs", runs, "--format", "json").stdout)
    assert status["jobs"] == {"done": 12}
    assert status["failed"] == []
    assert status["next"].startswith(f"hexmagic table {RUN_ID} --runs ")


@pytest.mark.parametrize("kind", ["fidelity", "cutflow", "points", "jobs"])
def test_a_table_has_the_same_rows_in_every_format(
    call: Call, made: Run, runs: Path, kind: str
) -> None:
    expected = getattr(made, kind)()
    where = ("table", made.id, "--runs", runs, "--kind", kind, "--format")
    assert len(call(*where, "text").stdout) > 100
    from_csv = pd.read_csv(StringIO(call(*where, "csv").stdout))
    from_json = json.loads(call(*where, "json").stdout)
    assert list(from_csv.columns) == list(expected.columns) == list(from_json[0])
    assert len(from_csv) == len(expected) == len(from_json)
    from_parquet = pd.read_parquet(BytesIO(call(*where, "parquet").stdout_bytes))
    pd.testing.assert_frame_equal(from_parquet, expected)


def test_a_table_can_be_of_several_runs_and_go_to_a_file(call: Call, tmp_path: Path) -> None:
    spec, services = write_spec(tmp_path, ("1200", "5")), make_services()
    first, second = (run(spec, runs="runs", services=services) for _ in range(2))
    result = call("table", first.id, second.folder, "--format", "csv", "-o", "t")
    assert (result.exit_code, result.stdout) == (0, "")
    table = pd.read_csv(tmp_path / "t")
    assert list(dict.fromkeys(table["run"])) == [first.id, second.id]
    assert len(table) == 2 * len(first.fidelity())


def test_an_ambiguous_start_of_an_id_is_refused(call: Call, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, ("1200", "5"))
    services = make_services()
    first, second = (run(spec, runs="runs", services=services) for _ in range(2))
    assert "run 'tiny': 2 runs in runs start so" in one_line(call("status", "tiny"))
    assert json.loads(call("status", "--format", "json").stdout)["run"] == second.id
    assert call("status", first.id).exit_code == 0


def test_a_report_is_one_file_without_network(call: Call, made: Run, runs: Path) -> None:
    result = call("report", "latest", "--runs", runs)
    path = Path(result.stdout.strip())
    assert path == made.folder / "report.html"
    assert path.read_text() == made.report()
    assert "<script" not in path.read_text()
    assert all(f"{phase} on heavy_hex" in path.read_text() for phase in ("of H", "detection"))


def test_one_report_can_show_several_runs(call: Call, tmp_path: Path) -> None:
    spec, services = write_spec(tmp_path, ("1200", "5")), make_services()
    ids = [run(spec, runs="runs", services=services).id for _ in range(2)]
    assert call("report", *ids, "-o", "both.html").stdout == "both.html\n"
    text = (tmp_path / "both.html").read_text()
    assert all(run_id in text for run_id in ids)
    assert all(f"run {i}: fold13 d=3 r=1" in text for i in (1, 2))


@pytest.mark.parametrize(
    ("format_", "suffix"), [("qasm3", "qasm"), ("qpy", "qpy"), ("json", "json")]
)
def test_export_writes_circuits_with_their_record_maps(
    call: Call, runs: Path, tmp_path: Path, format_: str, suffix: str
) -> None:
    write_spec(tmp_path)
    call("export", "tiny.yaml", "--format", format_, "-o", "a")
    call("export", "latest", "--runs", runs, "--format", format_, "-o", "b")
    names = sorted(path.name for path in Path("a").iterdir())
    stems = ("p000-X", "p000-Z", "p001-X", "p001-Z")
    assert names == sorted(f"{s}.{end}" for s in stems for end in (suffix, "record.json"))
    assert sorted(path.name for path in Path("b").iterdir()) == names
    if format_ != "qpy":  # its bytes are not deterministic
        assert all((Path("a") / n).read_bytes() == (Path("b") / n).read_bytes() for n in names)


@pytest.mark.parametrize("shots", [0, 1], ids=["at once", "later"])
@pytest.mark.parametrize(
    ("number", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_leaves_a_run_that_can_be_resumed(
    tmp_path: Path, number: signal.Signals, code: int, word: str, shots: int
) -> None:
    write_spec(tmp_path, ("1200", "100000"), ("noise: none", "noise: {uniform: 1e-3}"))
    command = [*HEXMAGIC, "run", "tiny.yaml"]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    folder = tmp_path / process.stderr.readline().decode().removeprefix("run folder: ").strip()
    wait_for_shots(folder, shots, process)
    os.killpg(process.pid, number)  # Ctrl-C reaches the workers too
    stdout, stderr = process.communicate(timeout=60)
    (line,) = [line for line in stderr.decode().splitlines() if " shots after " not in line]
    assert line == f"{word}; resume it with `hexmagic run --resume {folder.name}`"
    assert (process.returncode, stdout) == (code, b"")
    assert open_run(folder).state in ("interrupted", "stopped")


def test_plain_progress_says_little(made: Run) -> None:
    stream, now = StringIO(), iter([0.0, 1.0, 4.9, 6.0, 7.0])
    progress = PlainProgress(2000, stream, clock=lambda: next(now))
    for shard in made._folder.shards[:4]:
        progress.advance(shard)
    assert stream.getvalue() == "1200 of 2000 shots after 6 s\n"


def test_a_damaged_ledger_stops_a_run_before_anything_is_written(
    call: Call, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "hexmagic.sqlite").write_bytes(b"no database" * 500)
    result = call("run", write_spec(tmp_path))
    assert result.exit_code == 4
    assert "hexmagic.sqlite" in one_line(result)
    assert [path.name for path in runs.iterdir()] == ["hexmagic.sqlite"]


def test_a_file_is_no_runs_directory(call: Call, tmp_path: Path) -> None:
    (tmp_path / "afile").write_text("")
    for words in (("list",), ("run", write_spec(tmp_path))):
        assert call(*words, "--runs", "afile").exit_code == 2


def test_shots_that_a_finished_run_has_lost_are_an_error(call: Call, tmp_path: Path) -> None:
    assert call("run", write_spec(tmp_path)).exit_code == 0
    run = open_run(next((tmp_path / "runs").glob("*/")))
    assert run.problems() == ()
    next(run.folder.glob("shots/*.parquet")).unlink()
    assert len(run.problems()) == 1
    with pytest.raises(StorageError, match="--resume"):
        run.shots()
