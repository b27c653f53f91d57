"""Predicted against measured: `hexmagic predict`, its files, and what the tables make of them."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner
from fakes.engine import make_engine
from fakes.hardware import PROTOCOL, World, make_world
from fakes.world import make_services
from qiskit import qpy
from scipy.stats import chi2

from hexmagic.analysis.cut_counts import count_cuts
from hexmagic.analysis.points import PointCounts
from hexmagic.analysis.tables.flags import flags_table
from hexmagic.analysis.tables.predicted import predicted_table
from hexmagic.backends.clifft import engine as clifft_engine
from hexmagic.backends.compilation import Compiled
from hexmagic.backends.device import Device
from hexmagic.driver.adapters import Engine, load_engine
from hexmagic.driver.cli.main import cli
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.prediction import BATCHES, Predicted, predict_run
from hexmagic.driver.prediction_circuits import load_compiled
from hexmagic.driver.results import load_results
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.start import run
from hexmagic.experiments.errors import RefusedError, UsageError
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.shots import Shots, join_shots
from hexmagic.experiments.spec import NoiseSpec

SPEC = """\
schema_version: 1
name: tiny
protocol: {state: H, distance: 3, scheme: fold14}
device: {backend: clifft, name: fake_boston, noise: calibration}
measure: [X, Z]
shots: 20000
seed: 7
"""
NOISELESS = ("fake_boston, noise: calibration", "heavy_hex_5, noise: none")
FEW = ("shots: 20000", "shots: 400")
EMULATED = 200_000
TIMES = 5
"""Factor of the readout error of the bad qubit."""


def measure(folder: Path, *changes: tuple[str, str], engine: Engine | None = None) -> RunFolder:
    """Run the experiment with some of its text changed; return its folder."""
    text = SPEC
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(text)
    services = make_services(engine or load_engine("clifft"))
    return RunFolder(path=run(folder / "tiny.yaml", runs=folder / "runs", services=services).folder)


def predict(folder: RunFolder, shots: int = 1000, **given: Any) -> Predicted:
    return predict_run(folder, load_engine("clifft"), shots=shots, **given)


def call(*words: object) -> Any:
    return CliRunner().invoke(cli, [str(word) for word in words])


def points(folder: RunFolder) -> tuple[PointCounts, ...]:
    results = load_results(RunFolder(path=folder.path))
    assert results.problems == ()
    return results.points


def flags(folder: RunFolder) -> pd.DataFrame:
    return flags_table(points(folder))


def path_of(folder: RunFolder, name: str = "p000-X") -> Path:
    return folder.path / "predicted" / f"{name}.json"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of few shots, to be copied."""
    return measure(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture
def few(kept: RunFolder, tmp_path: Path) -> RunFolder:
    """A copy of the run, without the report: to draw it again each time would take long."""
    path = Path(shutil.copytree(kept.path, tmp_path / "runs" / kept.path.name))
    (path / "report.html").unlink()
    return RunFolder(path=path)


# --- what is predicted ----------------------------------------------------------------------------


def test_the_prediction_of_a_noiseless_run_is_the_ideal_state(tmp_path: Path) -> None:
    folder = measure(tmp_path, FEW, NOISELESS)
    predict(folder, 40_000)
    table = predicted_table(points(folder)).set_index("quantity")["predicted"]
    assert table["acceptance"] == 1
    assert table["fidelity"] == pytest.approx(1, abs=4 * 0.5 / 40_000**0.5)
    assert (table[table.index.str.startswith("pass ")] == 1).all()
    assert (flags(folder)[["fired", "predicted"]] == 0).all(axis=None)


def test_predicted_and_measured_agree_where_the_machine_is_the_emulator(tmp_path: Path) -> None:
    folder = measure(tmp_path)
    predict(folder, EMULATED)
    found = flags(folder)
    low, high = (chi2.ppf(p, len(found)) for p in (0.0005, 0.9995))
    assert len(found) == 2 * 10
    assert low < (found["pull"] ** 2).sum() < high
    assert predicted_table(points(folder))["pull"].abs().max() < 4


def sample_with_a_bad_qubit(
    compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int
) -> Shots:
    """Return shots of a machine that reads one ancilla far worse than its calibration says."""
    bad = compiled.layout[bad_qubit(compiled)]
    qubits = list(compiled.device.qubits)
    up, down = qubits[bad].prob_1_given_0, qubits[bad].prob_0_given_1
    assert up and down
    qubits[bad] = replace(qubits[bad], prob_1_given_0=TIMES * up, prob_0_given_1=TIMES * down)
    worse = replace(compiled, device=replace(compiled.device, qubits=tuple(qubits)))
    return clifft_engine.sample(worse, noise, shots=shots, seed=seed)


def bad_qubit(compiled: Compiled) -> int:
    """Return the patch qubit of the second syndrome."""
    return [bit.qubit for bit in compiled.program.record.bits if bit.role == "syndrome"][1]


def test_a_bad_qubit_stands_out_in_the_flags_table_and_nothing_else_does(tmp_path: Path) -> None:
    engine = replace(load_engine("clifft"), sample=sample_with_a_bad_qubit)
    folder = measure(tmp_path, engine=engine)
    predict(folder, EMULATED)
    bad = bad_qubit(load_compiled(folder, folder.circuits[0]))
    found = flags(folder)
    of_it = found["qubit"] == bad
    assert of_it.sum() == 2  # one bit in each basis
    assert (found[of_it]["pull"] > 5).all()
    assert found[~of_it]["pull"].abs().max() < 4
    assert set(found[of_it]["device_qubit"]) == {folder.circuits[0].layout[bad]}


def test_the_seed_is_never_that_of_the_runs_own_shots(few: RunFolder) -> None:
    predict(few, 400)  # as many as were measured, the same engine, the same seed
    (point,) = points(few)
    for basis, measured in point.cuts.items():
        assert list(measured.rows()) != list(point.predicted[basis].rows())


def test_seed_and_shots_change_the_prediction_and_the_same_again_does_not(few: RunFolder) -> None:
    predict(few, 1000)
    first = path_of(few).read_bytes()
    path_of(few).unlink()
    assert predict(few, 1000).again == ("p000-Z",)
    assert path_of(few).read_bytes() == first
    assert predict(few, 1000).again == ("p000-X", "p000-Z")
    assert predict(few, 1000, seed=8).again == ()
    assert json.loads(path_of(few).read_bytes())["counts"] != json.loads(first)["counts"]
    assert predict(few, 1001, seed=8).shots == {"p000-X": 1001, "p000-Z": 1001}
    assert points(few)[0].predicted["X"].shots == 1001


def test_shots_are_sampled_batch_by_batch_and_there_are_sixteen_unless_told(few: RunFolder) -> None:
    sizes: list[int] = []
    seeds: list[int] = []
    told: list[float] = []

    def sample(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:
        sizes.append(shots)
        seeds.append(seed)
        return make_engine().sample(compiled, noise, shots=shots, seed=seed)

    found = predict_run(few, make_engine(sample), tell=told.append)
    assert set(found.shots.values()) == {BATCHES * 500}
    assert sizes == [500] * (2 * BATCHES)
    assert len(set(seeds)) == len(seeds)
    assert told == pytest.approx([(i + 1) / len(sizes) for i in range(len(sizes))])


def test_aer_can_be_the_engine(few: RunFolder) -> None:
    Run(few).predict(shots=20, engine="aer")
    assert json.loads(path_of(few).read_bytes())["engine"].startswith("aer ")
    assert points(few)[0].predicted["X"].shots == 20


def test_an_engine_that_is_too_small_is_refused(few: RunFolder) -> None:
    with pytest.raises(RefusedError, match="p000-X has 14 qubits, fake takes 5"):
        predict_run(few, make_engine(max_qubits=5))


# --- which circuits -------------------------------------------------------------------------------

VARIANTS = {
    "xor": ("scheme: fold14", "scheme: fold13, reuse: xor"),
    "paper": ("fake_boston, noise: calibration", "heavy_hex_5_cx, noise: {paper: 1.0e-3}"),
    "decoupled": ("noise: calibration", "noise: calibration, decoupling: xy4"),
    "scaled": ("noise: calibration", "noise: {calibration: {scale: 0.5}}"),
    "routed": ("scheme: fold14", "scheme: routed"),
    "tree": ("scheme: fold14", "scheme: tree16"),
}


@pytest.mark.parametrize("change", VARIANTS.values(), ids=list(VARIANTS))
@pytest.mark.slow
def test_every_kind_of_circuit_is_read_back_as_it_was_planned(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    folder = measure(tmp_path, FEW, change)
    assert predict(folder, 2000).left_out == ()
    assert set(points(folder)[0].predicted) == {"X", "Z"}


def test_what_records_no_shot_is_left_out_and_said(tmp_path: Path) -> None:
    folder = measure(tmp_path, FEW, ("[X, Z]", "[X, H_ideal]"))
    result = call("predict", folder.path, "--shots", 100)
    assert result.exit_code == 0
    assert "not predicted: fold14 d=3 r=1 in H_ideal: H_ideal is judged by" in result.stderr
    assert list(points(folder)[0].predicted) == ["X"]


def test_a_run_without_any_raw_shots_cannot_be_predicted(tmp_path: Path) -> None:
    folder = measure(tmp_path, FEW, ("seed: 7", "seed: 7\nkeep: tallies"))
    result = call("predict", folder.path)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "nothing to predict" in line
    assert "only counts are kept" in line


@pytest.mark.parametrize("shots", [0, -3])
def test_a_prediction_has_shots(few: RunFolder, shots: int) -> None:
    with pytest.raises(UsageError, match=f"shots {shots}"):
        predict(few, shots)
    assert call("predict", few.path, "--shots", shots).exit_code == 2


def change_json(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


def change_calibration(document: Any) -> None:
    document["qubits"][0]["prob_1_given_0"] *= 1.01


def change_record(document: Any) -> None:
    document["bits"][0]["expected"] ^= 1


def change_plan(document: Any) -> None:
    document["circuits"][0]["fingerprint"] = "0" * 64


CHANGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "calibration": ("calibration/fake_boston.json", change_calibration),
    "record map": ("circuits/p000-X.record.json", change_record),
    "plan": ("plan.json", change_plan),
}


@pytest.mark.parametrize(("name", "change"), CHANGES.values(), ids=list(CHANGES))
def test_circuits_that_are_not_those_of_the_plan_are_refused(
    few: RunFolder, name: str, change: Callable[[Any], None]
) -> None:
    change_json(few.path / name, change)
    result = call("predict", few.path, "--shots", 100)
    assert result.exit_code == 3
    (line,) = result.stderr.splitlines()
    assert "circuit p000-X in its folder is not what was planned" in line
    assert "fingerprint" in line
    assert not path_of(few).exists()


def test_a_circuit_of_another_basis_is_refused_and_a_damaged_one_is_named(few: RunFolder) -> None:
    circuits = few.path / "circuits"
    shutil.copy(circuits / "p000-Z.qpy", circuits / "p000-X.qpy")
    assert call("predict", few.path).exit_code == 3
    (circuits / "p000-X.qpy").write_bytes(b"QISKIT and no more")
    result = call("predict", few.path)
    assert result.exit_code == 4
    assert "p000-X.qpy: not a circuit file" in result.stderr


def test_a_circuit_on_a_qubit_that_is_not_its_own_is_refused(few: RunFolder) -> None:
    path = few.path / "circuits" / "p000-X.qpy"
    with path.open("rb") as file:
        (circuit,) = qpy.load(file)
    beside = min(set(range(circuit.num_qubits)) - set(few.circuits[0].layout))
    circuit.x(beside)
    with path.open("wb") as file:
        qpy.dump(circuit, file, version=13)
    result = call("predict", few.path)
    assert result.exit_code == 3
    (line,) = result.stderr.splitlines()
    assert f"p000-X in its folder is not what was planned: x on qubit {beside}, not its own" in line


# --- its files ------------------------------------------------------------------------------------


def test_a_copy_of_the_folder_carries_its_prediction(few: RunFolder, tmp_path: Path) -> None:
    predict(few)
    copy = open_run(shutil.copytree(few.path, tmp_path / "elsewhere"))
    table = copy.flags()
    assert len(table) == 20
    assert table["predicted"].notna().all()
    assert (copy.predicted()["predicted"].notna()).all()
    assert copy.problems() == ()


def test_tables_and_report_are_written_again(few: RunFolder) -> None:
    (few.path / "report.html").write_text("before")
    Run(few).predict(shots=1000)
    table = pd.read_parquet(few.path / "tables" / "flags.parquet")
    assert table["predicted"].notna().all()
    assert "</html>" in (few.path / "report.html").read_text()


def test_a_prediction_file_counts_what_was_sampled(few: RunFolder) -> None:
    taken: list[Shots] = []

    def sample(compiled: Compiled, noise: NoiseSpec, *, shots: int, seed: int) -> Shots:
        taken.append(clifft_engine.sample(compiled, noise, shots=shots, seed=seed))
        return taken[-1]

    predict_run(few, make_engine(sample), shots=1200)  # batches of 500
    batches: dict[Measure, list[Shots]] = {"X": taken[:3], "Z": taken[3:]}
    for basis, parts in batches.items():
        found, wanted = points(few)[0].predicted[basis], count_cuts(join_shots(parts))
        assert found.record == wanted.record
        for name in ("counts", "fired", "faces"):
            assert (getattr(found, name) == getattr(wanted, name)).all()


def test_a_prediction_file_says_what_was_emulated(few: RunFolder) -> None:
    predict(few, 1000)
    compiled = load_compiled(few, few.circuits[0])
    note = json.loads(path_of(few).read_bytes())
    assert note["engine"] == load_engine("clifft").identity
    assert (note["noise"], note["seed"], note["shots"]) == ("calibration", 7, 1000)
    assert note["calibrated_at"] == compiled.device.calibrated_at
    assert note["sampled"] == note["fingerprint"] == compiled.fingerprint
    assert any("twirled" in text for text in note["approximations"])


def miscount(document: Any) -> None:
    document["fired"][0] += 1


def lose_a_field(document: Any) -> None:
    del document["fired"]


@pytest.mark.parametrize("change", [miscount, lose_a_field])
def test_a_damaged_prediction_is_named_and_made_again(
    few: RunFolder, change: Callable[[Any], None]
) -> None:
    predict(few)
    change_json(path_of(few), change)
    results = load_results(few)
    (problem,) = results.problems
    assert problem.startswith(f"fold14 d=3 r=1 in X: {path_of(few)}: not a prediction of this run")
    assert "hexmagic predict" in problem
    assert list(results.points[0].predicted) == ["Z"]
    assert predict(few).again == ("p000-Z",)
    assert list(points(few)[0].predicted) == ["X", "Z"]


def test_a_cut_off_prediction_is_named(few: RunFolder) -> None:
    predict(few)
    path_of(few).write_bytes(path_of(few).read_bytes()[:-20])
    (problem,) = load_results(few).problems
    assert "p000-X.json: not a JSON file" in problem


def test_a_prediction_of_another_circuit_is_named(few: RunFolder) -> None:
    predict(few)
    shutil.copy(path_of(few), path_of(few, "p000-Z"))
    shutil.copy(path_of(few), path_of(few, "p007-Z"))
    other, stray = sorted(load_results(few).problems, key=len, reverse=True)
    assert "of circuit p000-X" in other
    assert stray == f"{path_of(few, 'p007-Z')}: the run has no circuit of this name"


def test_a_prediction_of_the_same_circuit_in_another_run_is_named(few: RunFolder) -> None:
    """As after a copy of files between folders: the calibration differs, so the circuit does."""
    predict(few)
    change_json(few.path / "plan.json", change_plan)
    problems = load_results(RunFolder(path=few.path)).problems
    assert any("p000-X.json: not a prediction of this run: of circuit" in one for one in problems)


def test_a_full_disk_leaves_no_part_of_a_prediction(few: RunFolder) -> None:
    def write(path: Path, _: bytes) -> None:
        raise StorageError(f"{path}: cannot be written: No space left on device")

    with pytest.raises(StorageError, match=r"p000-X\.json: cannot be written"):
        predict(replace(few, write=write))
    assert points(few)[0].predicted == {}


# --- hardware -------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    return make_world(tmp_path, monkeypatch, max_shots=1000)


LATER = "2026-05-01T12:00:00+00:00"
HARDWARE = PROTOCOL.replace("shots: 300", "shots: 50")


def test_a_run_on_hardware_is_predicted_under_the_calibration_of_its_plan(world: World) -> None:
    folder = world.start(text=HARDWARE)
    result = world.call("predict", "latest", "--shots", 500)  # while it waits
    assert result.exit_code == 0, result.output
    assert not (folder.path / "tables").exists()
    calibrated = world.remote.machines["ibm_boston"].calibrated_at
    assert f"under noise calibration of ibm_boston at {calibrated}" in result.stdout
    world.remote.end()
    world.tick(code=0)
    assert world.state() == "done"
    found = flags(folder)
    assert found["predicted"].notna().all()
    assert set(found["shots"]) == {50}


def test_a_newer_calibration_that_the_run_has_saved_is_taken(world: World) -> None:
    folder = world.start(text=HARDWARE)
    before = predict(folder, 500)
    world.remote.recalibrate(at=LATER)
    world.remote.end()
    world.tick(code=0)
    result = world.call("predict", "latest", "--shots", 500)
    assert f"under noise calibration of ibm_boston at {LATER}" in result.stdout
    assert LATER not in before.noises[0]
    note = json.loads(path_of(folder).read_bytes())
    assert note["calibrated_at"] == LATER
    assert note["sampled"] != note["fingerprint"] == folder.circuits[0].fingerprint


def test_a_calibration_under_which_a_qubit_is_broken_predicts_nothing(world: World) -> None:
    folder = world.start(text=HARDWARE)
    qubit = folder.circuits[0].layout[0]

    def break_it(device: Device) -> Device:
        qubits = list(device.qubits)
        qubits[qubit] = replace(qubits[qubit], prob_1_given_0=None)
        return replace(device, qubits=tuple(qubits))

    world.remote.recalibrate(at=LATER, change=break_it)
    world.remote.end()
    world.tick(code=0)
    result = world.call("predict", "latest", "--shots", 500)
    assert result.exit_code == 3
    assert f"qubit {qubit} is faulty" in result.stderr
