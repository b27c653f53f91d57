"""What a run folder's files are checked for: each fault is one line that names the file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes.world import make_services, write_spec

from hexmagic.analysis.cut_counts import count_cuts
from hexmagic.backends.compilation import compile_program
from hexmagic.backends.device import load_device
from hexmagic.driver.folder.archive import load_record
from hexmagic.driver.folder.circuit_files import copy_circuits, encode_circuit
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.folder.prediction_files import decode_prediction, encode_prediction, make_note
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.folder.shot_files import decode_shots, encode_shots
from hexmagic.driver.folder.tally_files import decode_counts, encode_counts
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.start import run
from hexmagic.experiments.counts import Counts, Outcome
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.program import make_program
from hexmagic.experiments.shots import Shots

TEN = Counts(
    shots=10, outcomes={"detect": Outcome(kept=8, minus=1, minus_squares=1)}, passed=(None,) * 5
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("kept")
    return run(write_spec(folder), runs=folder / "runs", services=make_services(), shots=10)


@pytest.fixture
def folder(kept: Run, tmp_path: Path) -> RunFolder:
    """A copy of a run of four circuits, one shard of ten shots each."""
    return RunFolder(path=shutil.copytree(kept.folder, tmp_path / "copy"))


def shots_of(folder: RunFolder) -> Shots:
    taken = folder.load_taken(folder.shards[0])
    assert isinstance(taken, Shots)
    return taken


# --- shots and tallies ----------------------------------------------------------------------------


def test_shots_of_another_number_than_the_shards_are_not_written(folder: RunFolder) -> None:
    shard = replace(folder.shards[0], shots=11)
    with pytest.raises(ValueError, match=r"^shard \S+: 10 shots, 11 were asked for$"):
        encode_shots(shots_of(folder), shard, {})
    with pytest.raises(ValueError, match=r"^shard \S+: 10 shots, 11 were asked for$"):
        encode_counts(TEN, shard, {})


def test_a_shot_file_of_another_version_says_which(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots, shard = shots_of(folder), folder.shards[0]
    monkeypatch.setattr("hexmagic.driver.folder.shot_files.SCHEMA_VERSION", 9)
    newer = encode_shots(shots, shard, {})
    assert (decode_shots(newer, shard, source="x").packed == shots.packed).all()
    monkeypatch.undo()
    with pytest.raises(StorageError, match=r"^x: schema_version 9, this program reads \d$"):
        decode_shots(newer, shard, source="x")


def test_a_shot_file_that_lacks_rows_is_refused(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    shots, wanted = shots_of(folder), folder.shards[0]
    document = wanted.to_json()
    fewer = Shots(record=shots.record, packed=shots.packed[:9])
    monkeypatch.setattr(type(wanted), "to_json", lambda _: document)
    short = encode_shots(fewer, replace(wanted, shots=9), {})
    with pytest.raises(StorageError, match=r"^x: holds 9 shots, not 10$"):
        decode_shots(short, wanted, source="x")


def test_a_tally_file_of_another_version_or_shard_says_which(folder: RunFolder) -> None:
    shard = folder.shards[0]
    content = encode_counts(TEN, shard, {})
    assert decode_counts(content, shard, source="x") == TEN
    with pytest.raises(StorageError, match=rf"^x: holds shard {shard.id}, not "):
        decode_counts(content, folder.shards[1], source="x")
    note = json.loads(content) | {"schema_version": 9}
    del note["sha256"]
    digest = hashlib.sha256(json.dumps(note, sort_keys=True).encode()).hexdigest()
    newer = json.dumps(note | {"sha256": digest}).encode()
    with pytest.raises(StorageError, match=r"^x: schema_version 9, this program reads \d$"):
        decode_counts(newer, shard, source="x")


# --- the plan and what is beside it ---------------------------------------------------------------


def number_again(plan: Any) -> None:
    plan["points"][1]["index"] = 0


def swap_circuits(plan: Any) -> None:
    plan["circuits"].reverse()


def move_a_shard(plan: Any) -> None:
    plan["shards"][0]["basis"] = "Y"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (number_again, "points: not numbered from 0"),
        (swap_circuits, "circuits: not those of its points"),
        (move_a_shard, "shards: not those of its circuits"),
    ],
)
def test_a_plan_that_contradicts_itself_is_damaged(
    folder: RunFolder, damage: Callable[[Any], None], said: str
) -> None:
    plan = folder.read_json("plan.json")
    damage(plan)
    (folder.path / "plan.json").write_text(json.dumps(plan))
    changed = RunFolder(path=folder.path)
    with pytest.raises(StorageError, match=rf"plan.json: .*{said}"):
        for name in ("plan", "circuits", "shards"):
            getattr(changed, name)


def test_a_calibration_with_a_gate_on_no_qubit_is_damaged(folder: RunFolder) -> None:
    name = "calibration/heavy_hex_5.json"
    document = folder.read_json(name)
    document["two_qubit"][0]["target"] = len(document["qubits"])
    (folder.path / name).write_text(json.dumps(document))
    with pytest.raises(StorageError, match=r"heavy_hex_5.json: .*a gate on a qubit that there is"):
        folder.read_json(name)


def test_a_run_whose_lock_cannot_be_written_says_so(folder: RunFolder) -> None:
    (folder.path / ".lock").unlink()
    (folder.path / ".lock").mkdir()
    with pytest.raises(StorageError, match=r"\.lock: cannot be written: "), folder.locked():
        pass


def test_a_record_map_that_is_damaged_is_a_problem_of_its_circuit(folder: RunFolder) -> None:
    path = folder.path / "circuits" / "p000-X.record.json"
    path.write_text("[]")
    with pytest.raises(StorageError, match=r"p000-X.record.json: damaged: "):
        load_record(folder, "p000-X")
    assert f"{path}: damaged: " in open_run(folder.path).problems()[0]


def test_a_copy_without_ledger_and_table_of_jobs_has_no_jobs_and_its_results(
    folder: RunFolder, kept: Run
) -> None:
    for path in (folder.path / "tables").glob("jobs.*"):
        path.unlink()
    copy = open_run(folder.path)
    assert copy.jobs().empty
    assert list(copy.jobs().columns) == list(kept.jobs().columns)
    assert copy.fidelity().equals(kept.fidelity())
    assert copy.expect is None


# --- circuits -------------------------------------------------------------------------------------


def test_a_format_that_there_is_not_is_named_with_those_that_are(
    folder: RunFolder, tmp_path: Path
) -> None:
    device = load_device("heavy_hex_5")
    program = make_program(scheme="bare", distance=None, rounds=None, basis="X")
    compiled = compile_program(program, device, (0,))
    with pytest.raises(UsageError, match=r"^--format svg: unknown; use .*qpy"):
        encode_circuit(compiled, "svg")
    with pytest.raises(UsageError, match=r"^--format stim: .* no Clifford gate"):
        encode_circuit(compiled, "stim")
    with pytest.raises(UsageError, match=r"^--format stim: "):
        copy_circuits(folder.path / "circuits", tmp_path / "out", "stim")
    assert not (tmp_path / "out").exists()


# --- predictions ----------------------------------------------------------------------------------


def more_rounds(note: Any) -> None:
    note["cuts"][0][1] = 7


def fewer_bits(note: Any) -> None:
    note["fired"] = note["fired"][:-1]


def one_shot_more(note: Any) -> None:
    note["shots"] += 1


def version_9(note: Any) -> None:
    note["schema_version"] = 9


def another_record(note: Any) -> None:
    note["record_sha256"] = "0" * 64


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (version_9, r"schema_version 9, this program reads \d"),
        (another_record, "its record map is not the circuit's"),
        (more_rounds, r"cuts .*7.* are not those of its record map"),
        (fewer_bits, "its record map has another number of bits or faces"),
        (one_shot_more, "10 shots are counted, 11 were taken"),
    ],
)
def test_a_prediction_of_something_else_is_told(
    folder: RunFolder, damage: Callable[[Any], None], said: str
) -> None:
    circuit, shots = folder.circuits[0], shots_of(folder)
    note = make_note(circuit, shots.record, shots=10)
    counts = count_cuts(shots, parts=1)
    whole = json.loads(encode_prediction(note, counts))
    found = decode_prediction(whole, circuit, shots.record, source="x")
    assert np.array_equal(found.counts, counts.counts)
    del whole["sha256"]
    damage(whole)
    digest = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    with pytest.raises(StorageError, match=rf"^x: .*: {said}; run `hexmagic predict` again$"):
        decode_prediction(whole | {"sha256": digest}, circuit, shots.record, source="x")
