"""No shot is lost or changed in silence: what is wrong is named, wherever a result is shown."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes.commands import Call, make_call
from fakes.world import make_services, write_spec
from numpy.typing import NDArray

from hexmagic.driver.folder import shot_files
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.folder.seals import check_seal, write_sealed
from hexmagic.driver.folder.shot_files import decode_shots, encode_shots
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.shards import Shard
from hexmagic.driver.start import resume, run
from hexmagic.experiments.record import RecordMap

FIRST, SECOND = "p000-X-00000.parquet", "p000-X-00001.parquet"  # 500 shots each, then one of 200
OTHER_BASIS, OTHER_POINT = "p000-Z-00000.parquet", "p001-X-00000.parquet"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made")
    return run(write_spec(folder), runs=folder, services=make_services())


@pytest.fixture(scope="module")
def another(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same experiment with another seed."""
    folder = tmp_path_factory.mktemp("another")
    return run(write_spec(folder), runs=folder, services=make_services(), seed=8)


@pytest.fixture
def copy(made: Run, tmp_path: Path) -> Run:
    return open_run(shutil.copytree(made.folder, tmp_path / made.id))


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def shot_file(run_: Run, name: str) -> Path:
    return run_.folder / "shots" / name


def shard_of(run_: Run, name: str) -> Shard:
    (found,) = (s for s in run_._folder.shards if s.file_name == f"shots/{name}")
    return found


# What happens to the shots


def flip(run_: Run, _: Run) -> None:
    content = bytearray(shot_file(run_, FIRST).read_bytes())
    content[len(content) // 2] ^= 0x10
    shot_file(run_, FIRST).write_bytes(content)


def cut_short(run_: Run, _: Run) -> None:
    content = shot_file(run_, FIRST).read_bytes()
    shot_file(run_, FIRST).write_bytes(content[:-40])


def empty(run_: Run, _: Run) -> None:
    shot_file(run_, FIRST).write_bytes(b"")


def grow(run_: Run, _: Run) -> None:
    content = shot_file(run_, FIRST).read_bytes()
    shot_file(run_, FIRST).write_bytes(content + content)


def drop(run_: Run, _: Run) -> None:
    shot_file(run_, FIRST).unlink()


def make_folder(run_: Run, _: Run) -> None:
    drop(run_, run_)
    shot_file(run_, FIRST).mkdir()


def from_next_shard(run_: Run, _: Run) -> None:
    shutil.copy(shot_file(run_, SECOND), shot_file(run_, FIRST))


def from_other_basis(run_: Run, _: Run) -> None:
    shutil.copy(shot_file(run_, OTHER_BASIS), shot_file(run_, FIRST))


def from_other_point(run_: Run, _: Run) -> None:
    shutil.copy(shot_file(run_, OTHER_POINT), shot_file(run_, FIRST))


def from_other_run(run_: Run, other: Run) -> None:
    shutil.copy(shot_file(other, FIRST), shot_file(run_, FIRST))


def rewrite(run_: Run, _: Run) -> None:
    """Say of the same bits that the logical sign is the other one, and sign all of it again."""
    shard = shard_of(run_, FIRST)
    shots = decode_shots(shot_file(run_, FIRST).read_bytes(), shard, source="x")
    logical = replace(shots.record.logical, sign=-shots.record.logical.sign)
    lying = replace(shots, record=replace(shots.record, logical=logical))
    shot_file(run_, FIRST).write_bytes(encode_shots(lying, shard, {}))


def save_again(run_: Run, _: Run) -> None:
    """Let another program read the file and write it, nothing else."""
    pq.write_table(pq.read_table(shot_file(run_, FIRST)), shot_file(run_, FIRST))


def strip_seal(run_: Run, _: Run) -> None:
    """Let a program write the file that keeps what it says of its shots and drops the seal."""
    table = pq.read_table(shot_file(run_, FIRST))
    kept = {"hexmagic": table.schema.metadata[b"hexmagic"]}
    pq.write_table(table.replace_schema_metadata(kept), shot_file(run_, FIRST))


def forget_rows(run_: Run, _: Run) -> None:
    """Sign a shard of fewer shots."""
    shard = shard_of(run_, FIRST)
    shots = decode_shots(shot_file(run_, FIRST).read_bytes(), shard, source="x")
    fewer = replace(shots, packed=shots.packed[:400])
    content = encode_shots(fewer, replace(shard, shots=400), {})
    shot_file(run_, FIRST).write_bytes(content)


MISHAPS: list[tuple[Callable[[Run, Run], None], str]] = [
    (flip, "damaged shot file: its bytes are not those that were written"),
    (cut_short, "damaged shot file: "),
    (empty, "damaged shot file: "),
    (grow, "damaged shot file: its bytes are not those that were written"),
    (drop, ""),
    (make_folder, "cannot be read: Is a directory"),
    (from_next_shard, "holds shard "),
    (from_other_basis, "holds shard "),
    (from_other_point, "holds shard "),
    (from_other_run, "holds shard "),
    (rewrite, "its record map is not that of circuits/p000-X.record.json"),
    (save_again, "damaged shot file: its bytes are not those that were written"),
    (strip_seal, "damaged shot file: its seal is lost"),
    (forget_rows, "holds shard "),
]


@pytest.mark.parametrize(("mishap", "what"), MISHAPS, ids=[m.__name__ for m, _ in MISHAPS])
def test_what_happened_to_a_shot_file_is_named_with_the_file(
    copy: Run, another: Run, mishap: Callable[[Run, Run], None], what: str
) -> None:
    assert copy.problems() == ()
    mishap(copy, another)
    (problem,) = open_run(copy.folder).problems()
    assert problem.startswith("fold13 d=3 r=1 in X: 700 of 1200 shots")
    assert what in problem
    assert not what or str(shot_file(copy, FIRST)) in problem


def test_two_shards_that_changed_places_are_both_named(copy: Run) -> None:
    first, second = shot_file(copy, FIRST), shot_file(copy, SECOND)
    contents = first.read_bytes(), second.read_bytes()
    second.write_bytes(contents[0])
    first.write_bytes(contents[1])
    (problem,) = copy.problems()
    assert "200 of 1200 shots" in problem
    assert f"{first}: holds shard" in problem
    assert f"{second}: holds shard" in problem


def test_a_shard_under_another_name_is_named_and_counted_once(copy: Run) -> None:
    stray = shot_file(copy, "p000-X-00003.parquet")
    shutil.copy(shot_file(copy, FIRST), stray)
    (problem,) = copy.problems()
    assert problem == f"{stray}: no shard of the plan has this name; nothing in it is counted"
    assert copy._results().points[0].counts["X"].shots == 1200


def test_a_lost_record_map_is_named_and_the_shots_are_counted(copy: Run) -> None:
    path = copy.folder / "circuits" / "p000-X.record.json"
    path.write_text("{}")
    (problem,) = copy.problems()
    assert problem == f"fold13 d=3 r=1 in X: {path}: damaged: not a record map: 'bits'"
    path.unlink()
    (problem,) = copy.problems()
    assert f"{path}: cannot be read" in problem
    assert copy._results().points[0].counts["X"].shots == 1200


def test_without_the_circuits_record_map_shards_are_still_compared(copy: Run) -> None:
    rewrite(copy, copy)
    (copy.folder / "circuits" / "p000-X.record.json").unlink()
    (problem,) = copy.problems()
    assert f"{shot_file(copy, SECOND)}: its record map is not that of" in problem


# Every bit


def test_no_bit_of_a_shot_file_changes_unseen(made: Run) -> None:
    shard = shard_of(made, "p000-Z-00002.parquet")
    content = shot_file(made, "p000-Z-00002.parquet").read_bytes()
    for place in range(8 * len(content)):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        with pytest.raises(StorageError, match=r"^x: damaged shot file: "):
            decode_shots(bytes(flipped), shard, source="x")


def test_no_file_that_ends_early_is_read(made: Run) -> None:
    shard = shard_of(made, FIRST)
    content = shot_file(made, FIRST).read_bytes()
    for end in [*range(0, len(content), 211), len(content) - 1]:
        with pytest.raises(StorageError, match=r"^x: damaged shot file: "):
            decode_shots(content[:end], shard, source="x")


def test_a_file_without_a_seal_is_read_with_its_other_checksums(made: Run) -> None:
    shard, path = shard_of(made, FIRST), shot_file(made, FIRST)
    good = decode_shots(path.read_bytes(), shard, source="x")
    content = without_seal(path, good.packed)
    assert not check_seal(content)
    old = decode_shots(content, shard, source="x")
    assert old.record == good.record
    assert np.array_equal(old.packed, good.packed)
    with pytest.raises(StorageError, match="its checksum is not that of its content"):
        decode_shots(without_seal(path, good.packed ^ np.uint8(1)), shard, source="x")


def without_seal(path: Path, packed: NDArray[np.uint8]) -> bytes:
    """Return a shot file as it was before there were seals, its checksum that of `path`'s bits."""
    shots = decode_shots(path.read_bytes(), Shard(**note_of(path)["shard"]), source="x")
    note = {k: v for k, v in note_of(path).items() if k not in ("sha256", "sealed")}
    signed = note | {"sha256": shot_files._digest(note, shots)}
    rows = [bytes(row) for row in packed]
    table = pq.read_table(path).set_column(2, "bits", pa.array(rows, pa.binary(packed.shape[1])))
    sink = pa.BufferOutputStream()
    metadata = {"hexmagic": json.dumps(signed)}
    pq.write_table(table.replace_schema_metadata(metadata), sink)
    return bytes(sink.getvalue().to_pybytes())


def note_of(path: Path) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(pq.read_metadata(path).metadata[b"hexmagic"])
    return note


def test_a_seal_is_of_every_byte_but_itself() -> None:
    table = pa.table({"a": [1, 2, 3]})
    content = write_sealed(table, {"b": "c"})
    assert content == write_sealed(table, {"b": "c"})
    assert check_seal(content)
    assert pq.read_table(pa.BufferReader(content)).equals(table)
    assert pq.read_metadata(pa.BufferReader(content)).metadata[b"b"] == b"c"
    with pytest.raises(ValueError, match="its bytes are not those that were written"):
        check_seal(content.replace(b"\x01\x00", b"\x01\x01", 1))
    assert not check_seal(b"nothing")


# Where it is told


def test_the_table_names_it_on_standard_error_and_ends_with_4(copy: Run, call: Call) -> None:
    for kind in ("fidelity", "cutflow", "points", "selection", "drift"):
        good = call("table", copy.folder, "--kind", kind, "--format", "csv")
        assert (good.exit_code, good.stderr) == (0, "")
    flip(copy, copy)
    said = call("table", copy.folder, "--format", "csv")
    saved = call("table", copy.folder, "--kind", "points", "--format", "csv")
    assert said.exit_code == saved.exit_code == 4
    assert saved.stdout.startswith("run,point,")
    (line,) = said.stderr.splitlines()
    assert line.startswith(f"{copy.id}: damaged since it was done (tables that it saved then are")
    assert f"{FIRST}: damaged shot file: its bytes are not those that were written" in line


def test_of_an_unfinished_run_the_table_is_of_what_there_is(copy: Run, call: Call) -> None:
    provenance = json.loads((copy.folder / "provenance.json").read_text())
    (copy.folder / "provenance.json").write_text(json.dumps(provenance | {"state": "failed"}))
    drop(copy, copy)
    result = call("table", copy.folder, "--kind", "points", "--format", "json")
    assert result.exit_code == 4
    assert [row["shots"] for row in json.loads(result.stdout)] == [700, 1200, 1200, 1200]
    assert result.stderr == (f"{copy.id}: incomplete: fold13 d=3 r=1 in X: 700 of 1200 shots\n")


def test_a_run_that_goes_on_takes_shots_of_another_circuit_again(made: Run, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    stopped = open_run(shutil.copytree(made.folder.parent, runs) / made.id)
    rewrite(stopped, stopped)
    provenance = json.loads((stopped.folder / "provenance.json").read_text())
    (stopped.folder / "provenance.json").write_text(json.dumps(provenance | {"state": "stopped"}))
    again = resume(made.id, runs, services=make_services())
    assert again.problems() == ()
    assert shot_file(again, FIRST).read_bytes() == shot_file(made, FIRST).read_bytes()
    details = again.jobs().query("state == 'done' and attempt == 2")["job"]
    assert len(details) == 1


@pytest.mark.parametrize("command", ["table", "report", "overhead", "compare", "predict"])
def test_a_run_that_is_named_twice_is_refused(made: Run, call: Call, command: str) -> None:
    result = call(command, made.folder, f"{made.folder}/")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"run {made.id} is named twice; name each run once" in result.stderr


def test_the_report_names_it(copy: Run, call: Call) -> None:
    flip(copy, copy)
    shutil.copy(shot_file(copy, FIRST), shot_file(copy, "p000-X-00003.parquet"))
    assert call("report", copy.folder, "-o", "report.html").exit_code == 4
    text = Path("report.html").read_text()
    assert f"{FIRST}: damaged shot file: its bytes are not those that were written" in text
    assert "p000-X-00003.parquet: no shard of the plan has this name" in text


def test_no_bit_of_a_saved_table_changes_a_number_unseen(copy: Run, call: Call) -> None:
    path = copy.folder / "tables" / "fidelity.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    result = call("table", copy.folder)
    assert result.exit_code == 4
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"{path}: damaged: its bytes are not those that were written")
    path.unlink()
    assert call("table", copy.folder).exit_code == 0


def test_the_record_map_of_a_shot_file_is_that_of_its_circuit(made: Run) -> None:
    for shard in made._folder.shards:
        path = made.folder / shard.file_name
        beside = made._folder.read_json(f"circuits/p{shard.point:03d}-{shard.basis}.record.json")
        assert RecordMap.from_json(note_of(path)["record"]) == RecordMap.from_json(beside)
