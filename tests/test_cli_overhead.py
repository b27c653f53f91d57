"""`hexmagic overhead` on run folders: which runs it takes, its formats, and the steps it counts."""

from __future__ import annotations

import json
from io import StringIO
from math import exp
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes.commands import Call, make_call, one_line

from hexmagic.analysis.overhead.comparison import COMPARISON
from hexmagic.analysis.overhead.side_by_side import FITS, SIDE_BY_SIDE
from hexmagic.analysis.tables.basic import FIDELITY
from hexmagic.backends.device import load_device
from hexmagic.driver.circuits import PlannedCircuit, PlannedGadget
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.footprints import footprint, step_seconds
from hexmagic.driver.plan import make_plan
from hexmagic.driver.results import parquet_bytes
from hexmagic.driver.run import Run
from hexmagic.experiments.spec import Experiment, load_experiment, parse_experiment

PAPER_D3 = Path(__file__).parent.parent / "experiments" / "paper_d3.yaml"
STEP = 68e-9
RUN_ID = "paper-d3-20260102-030405-0000"
PROVENANCE = {
    **{"run": RUN_ID, "created": "2026-01-02T03:04:05+00:00", "state": "done"},
    **{"engine": "clifft 0.12.0", "versions": {"hexmagic": "9.8.7"}, "rewrites": []},
    "circuits": {},
    "git": {"revision": "0123456789abcdef", "dirty": True},
}


def gadget(stage: str, round_: int, start: int, end: int) -> PlannedGadget:
    return PlannedGadget(
        label=f"{stage} {round_} {start}",
        stage=stage,
        round=round_,
        two_qubit_gates=10,
        measurements=1,
        resets=0,
        start_seconds=start * STEP,
        seconds=(end - start) * STEP,
    )


BLOCKS = (
    gadget("encode", 0, 0, 11),
    gadget("hadamard", 1, 9, 51),
    gadget("detection", 1, 22, 51),
    gadget("detection", 1, 20, 51),
)


def circuit(
    point: int, *, steps: float = 51, blocks: tuple[PlannedGadget, ...] = BLOCKS
) -> PlannedCircuit:
    return PlannedCircuit(
        point=point,
        basis="H_ideal",
        fingerprint="f",
        layout=tuple(range(14)),
        roles={"data": tuple(range(7)), "ancilla": tuple(range(7, 14))},
        depth=38,
        duration_seconds=steps * STEP,
        predicted_acceptance=None,
        prediction_method=None,
        readout_error=None,
        gadgets=blocks,
        rewrites=(),
    )


def fidelity(experiment: Experiment) -> pd.DataFrame:
    """Return what an acceptance exp(-300 p) and an infidelity 855 p^2 would give."""
    rows: list[dict[str, Any]] = []
    for point in make_plan(experiment).points:
        p = point.device.noise.p or 0.0
        row: dict[str, Any] = {
            name: {"str": "", "bool": False}.get(dtype, 0) for name, dtype in FIDELITY.items()
        } | {"run": RUN_ID, "point": point.index, "distance": 3, "rounds": 1}
        row["scheme"] = point.protocol.scheme
        row |= {"noise": str(point.device.noise), "estimate": "h_ideal", "readout": "correct"}
        for name, value in (("acceptance", exp(-300 * p)), ("infidelity", 855 * p * p)):
            row |= {name: value, f"{name}_low": 0.99 * value, f"{name}_high": 1.01 * value}
        rows.append(row | {"level": 0.95})
    return pd.DataFrame(rows).astype(dict(FIDELITY))


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A runs directory with one finished run of paper_d3.yaml, made by hand."""
    write_run(tmp_path / "runs", load_experiment(PAPER_D3))
    monkeypatch.setattr(Run, "problems", lambda _: ("p = 0.001: 1 stratum is missing",))
    return tmp_path / "runs"


def write_run(runs: Path, experiment: Experiment, run_id: str = RUN_ID) -> None:
    folder, plan = RunFolder(path=runs / run_id), make_plan(experiment)
    circuits = [circuit(point.index).to_json() for point in plan.points]
    folder.write_json(
        "plan.json", plan.to_json() | {"run": run_id, "circuits": circuits, "shards": []}
    )
    folder.write_json("provenance.json", PROVENANCE)
    folder.write_text("spec.yaml", "name: paper-d3\n")
    for name in {point.device.name for point in plan.points}:
        folder.write_json(f"calibration/{name}.json", load_device(name).to_json())
    (folder.path / "tables").mkdir()
    table = parquet_bytes(fidelity(experiment).assign(run=run_id))
    (folder.path / "tables" / "fidelity.parquet").write_bytes(table)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def test_the_text_stands_on_stdout_and_what_is_missing_on_stderr(call: Call, runs: Path) -> None:
    result = call("overhead", "latest", "--runs", runs)
    assert result.exit_code == 4
    assert "d=3 p=1e-3 fold14 correct" in result.stdout
    assert result.stderr.startswith(f"{RUN_ID}: damaged since it was done (")
    assert result.stderr.endswith("): p = 0.001: 1 stratum is missing\n")
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.usefixtures("runs")
def test_csv_holds_one_table(call: Call) -> None:
    points = pd.read_csv(StringIO(call("overhead", "latest", "--format", "csv").stdout))
    assert list(points) == list(SIDE_BY_SIDE)
    row = points[points["source"] == "hexmagic"].iloc[-1]
    assert (row["run"], row["qubits"], row["time_steps"]) == (RUN_ID, 14, 51)
    assert [row[f"{stage}_steps"] for stage in ("encode", "hadamard", "detection")] == [9, 11, 31]
    assert row["error_rate"] == pytest.approx(1710e-6)
    fits = call("overhead", "latest", "--format", "csv", "--kind", "fits").stdout
    table = pd.read_csv(StringIO(fits))
    assert list(table) == list(FITS)
    assert table[table["source"] == "hexmagic"]["coefficient"].iloc[0] == pytest.approx(1710)


def test_json_is_one_document_with_both(call: Call, runs: Path) -> None:
    result = call("overhead", RUN_ID, "--format", "json", "--runs", runs)
    document = json.loads(result.stdout)
    assert document["schema_version"] == 1
    assert list(document["points"][0]) == sorted(SIDE_BY_SIDE)
    assert {row["source"] for row in document["fits"]} == {"hexmagic", "Chamberland and Noh 2020"}
    assert document["points"][0]["run"] is None


@pytest.mark.usefixtures("runs")
def test_markdown_goes_into_a_file(call: Call, tmp_path: Path) -> None:
    result = call("overhead", "latest", "--format", "markdown", "-o", "paper.md")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "| d=3 p=1e-4 fold14 correct |" in (tmp_path / "paper.md").read_text()


@pytest.mark.parametrize("format_", ["text", "csv", "json", "markdown"])
def test_without_a_run_the_papers_figures_stand_alone(call: Call, format_: str) -> None:
    result = call("overhead", "--kind", "points", "--format", format_)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "24665" in result.stdout
    assert "fold1" not in result.stdout


def test_without_a_run_text_is_the_comparison_that_is_shipped(call: Call) -> None:
    result = call("overhead")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "experiments/overhead_d3.yaml, seed 2026" in " ".join(result.stdout.split())
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert result.stdout == call("overhead", "--kind", "comparison").stdout


def test_what_scripts_read_is_what_it_was(call: Call) -> None:
    csv = call("overhead", "--format", "csv").stdout
    markdown = call("overhead", "--format", "markdown").stdout
    assert csv == call("overhead", "--kind", "points", "--format", "csv").stdout
    assert markdown == call("overhead", "--kind", "fits", "--format", "markdown").stdout
    assert "15-to-1" not in csv + markdown


@pytest.mark.usefixtures("runs")
def test_the_comparison_of_a_run_is_traced_to_it(call: Call) -> None:
    result = call("overhead", "latest", "--kind", "comparison", "--format", "csv")
    table = pd.read_csv(StringIO(result.stdout))
    assert list(table) == list(COMPARISON)
    row = table[table["source"] == "hexmagic"].iloc[0]
    assert (row["qubits"], row["two_qubit_gates"], row["time_steps"]) == (14, 40, 51)
    for part in (f"run {RUN_ID}, seed 2020", "hexmagic 9.8.7 (0123456789ab+)", "clifft 0.12.0"):
        assert part in row["traced_to"]


@pytest.mark.usefixtures("runs")
def test_json_and_text_hold_the_comparison_too(call: Call) -> None:
    document = json.loads(call("overhead", "latest", "--format", "json").stdout)
    assert set(document) == {"schema_version", "comparison", "points", "fits"}
    assert {"Litinski 2019", "hexmagic"} < {row["source"] for row in document["comparison"]}
    assert "What an accepted |H> costs" in call("overhead", "latest").stdout


def test_a_run_without_paper_noise_is_compared_with_distillation(call: Call, runs: Path) -> None:
    other = write_uniform(runs)
    result = call("overhead", other, "--kind", "comparison", "--format", "csv")
    table = pd.read_csv(StringIO(result.stdout))
    assert set(table["source"]) == {"hexmagic", "Litinski 2019", "Itogawa 2024", "Gidney 2024"}
    assert table["authors_qubits_ratio"].isna().all()
    assert "Fitted laws" not in call("overhead", other).stdout


def test_a_run_with_nothing_to_compare_is_named(call: Call, runs: Path) -> None:
    other = write_uniform(runs)
    result = call("overhead", RUN_ID, other, "--kind", "points")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1].startswith(f"run {other}: no point to compare; it needs")


def test_a_run_whose_experiment_is_lost_cannot_be_traced(call: Call, runs: Path) -> None:
    (runs / RUN_ID / "spec.yaml").unlink()
    result = call("overhead", RUN_ID)
    assert result.exit_code == 4
    assert "spec.yaml: cannot be read: No such file" in one_line(result)


def write_uniform(runs: Path) -> str:
    text = PAPER_D3.read_text().replace("device.noise.paper: [", "device.noise.uniform: [")
    uniform = text.replace("{paper: 1e-3}", "{uniform: 1e-3}")
    other = "uniform-20260102-030405-0000"
    write_run(runs, parse_experiment(uniform, source="x.yaml"), other)
    return other


def test_an_unknown_run_is_one_line(call: Call) -> None:
    assert one_line(call("overhead", "x")).startswith("run 'x': not in runs")


def test_the_stages_add_up_to_the_steps() -> None:
    found = footprint(circuit(0), STEP)
    assert (found.qubits, found.time_steps) == (14, 51)
    assert found.stage_steps == {"encode": 9, "hadamard": 11, "detection": 31}


def test_the_rounds_of_a_stage_are_summed() -> None:
    blocks = (*BLOCKS, gadget("hadamard", 2, 51, 70), gadget("detection", 2, 65, 99))
    found = footprint(circuit(0, steps=100, blocks=blocks), STEP)
    assert found.stage_steps == {"encode": 9, "hadamard": 11 + 14, "detection": 31 + 35}


def test_a_stage_that_starts_before_its_forerunner_takes_no_steps_from_it() -> None:
    blocks = (
        gadget("encode", 0, 0, 11),
        gadget("hadamard", 1, 9, 20),
        gadget("detection", 1, 5, 51),
    )
    found = footprint(circuit(0, blocks=blocks), STEP)
    assert found.stage_steps == {"encode": 9, "hadamard": 0, "detection": 42}


def test_a_duration_of_half_a_step_is_an_error() -> None:
    with pytest.raises(StorageError, match=r"p000-H_ideal: .* is 50\.5 steps"):
        footprint(circuit(0, steps=50.5), STEP)


@pytest.mark.parametrize("name", ["heavy_hex_5_cx", "fake_torino"])
def test_a_step_lasts_as_long_as_the_devices_in_time_steps_say(name: str) -> None:
    device = load_device(name)
    steps = device.in_time_steps()
    as_written = device.to_json() | {"faulty_edges": [list(e) for e in device.faulty_edges]}
    assert step_seconds(as_written) == steps.dt_seconds
    assert step_seconds(steps.to_json()) == steps.dt_seconds
