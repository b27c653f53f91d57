"""The run folder: complete, canonical, whole after any failure, and enough by itself."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from fakes.world import SHARDS, SPEC, make_clock, make_services, write_spec
from qiskit import qasm3, qpy

from hexmagic.analysis.tables.basic import CUTFLOW, FIDELITY, POINTS
from hexmagic.driver.folder.circuit_files import QPY_VERSION
from hexmagic.driver.folder.files import StorageError, canonical_json, write_bytes
from hexmagic.driver.folder.shot_files import decode_shots
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.start import run
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.record import RecordMap
from hexmagic.experiments.spec import parse_experiment, write_experiment

CIRCUITS = ("p000-X", "p000-Z", "p001-X", "p001-Z")


FROM_SHOTS = ("selection", "states", "drift", "flags")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made")
    return run(write_spec(folder), runs=folder / "runs", services=make_services())


@pytest.fixture
def copy(made: Run, tmp_path: Path) -> Run:
    """The run's folder alone, elsewhere: no ledger, no spec, another name."""
    return open_run(shutil.copytree(made.folder, tmp_path / "copy"))


def document(run_: Run, name: str) -> Any:
    return json.loads((run_.folder / name).read_text())


def test_the_run_id_is_name_time_and_token(made: Run) -> None:
    assert made.id == made.folder.name == "tiny-20260102-030405-0000"


def test_the_folder_is_complete(made: Run) -> None:
    names = {str(p.relative_to(made.folder)) for p in made.folder.rglob("*") if p.is_file()}
    assert names == {
        *("spec.yaml", "plan.json", "provenance.json", "report.html", ".lock"),
        "calibration/heavy_hex_5.json",
        *(f"circuits/{c}{s}" for c in CIRCUITS for s in (".qasm", ".qpy", ".json", ".record.json")),
        *(f"shots/{c}-{i:05d}.parquet" for c in CIRCUITS for i in range(3)),
        *(
            f"tables/{kind}.{suffix}"
            for kind in ("fidelity", "cutflow", "points", "jobs", *FROM_SHOTS)
            for suffix in ("csv", "parquet")
        ),
    }


def test_the_spec_is_kept_byte_by_byte(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf# as given\r\n" + SPEC.replace("\n", "\r\n").encode()
    (tmp_path / "odd.yaml").write_bytes(content)
    kept = run(tmp_path / "odd.yaml", runs=tmp_path, services=make_services(), shots=10)
    assert (kept.folder / "spec.yaml").read_bytes() == content


def test_an_experiment_from_python_is_written_as_a_spec(tmp_path: Path) -> None:
    experiment = parse_experiment(SPEC.replace("1200", "10"), source="x")
    made = run(experiment, runs=tmp_path, services=make_services())
    assert (made.folder / "spec.yaml").read_text() == write_experiment(experiment)


def test_the_plan_holds_overrides_seeds_and_circuits(tmp_path: Path) -> None:
    made = run(write_spec(tmp_path), runs=tmp_path, services=make_services(), shots=10, seed=3)
    plan = document(made, "plan.json")
    assert plan["overrides"] == {"shots": 10, "seed": 3}
    assert [point["shots"] for point in plan["points"]] == [10, 10]
    assert len({shard["seed"] for shard in plan["shards"]}) == len(plan["shards"]) == 4
    assert plan["circuits"][0]["predicted_acceptance"] == 0.5


def test_json_files_are_canonical(made: Run) -> None:
    for path in made.folder.rglob("*.json"):
        assert path.read_text() == canonical_json(json.loads(path.read_text()))


def test_nan_never_gets_into_a_json_file() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})


def test_provenance_tells_what_the_run_was_made_with(made: Run) -> None:
    provenance = document(made, "provenance.json")
    assert provenance["schema_version"] == 1
    assert {"python", "hexmagic", "qiskit", "qiskit-aer", "numpy"} <= set(provenance["versions"])
    assert "not installed" not in provenance["versions"].values()
    assert set(provenance["circuits"]["p000-X"]["layout"]) == {
        "data",
        "ancilla",
        "ancilla (H_m root)",
    }
    assert provenance["state"] == "done"
    assert provenance["seconds_charged"] == 0
    assert provenance["duration_seconds"] > 0
    assert provenance["rewrites"] == ["heavy_hex_5 is a fake"]
    assert provenance["git"] is None or set(provenance["git"]) == {"revision", "dirty"}
    assert {job["job"] for job in provenance["jobs"]} == set(made.jobs()["job"])
    assert len({job["seed"] for job in provenance["jobs"]}) == SHARDS


def test_circuits_can_be_read_back(made: Run) -> None:
    path = made.folder / "circuits" / "p000-X"
    content = path.with_suffix(".qpy").read_bytes()
    assert content[6] == QPY_VERSION == 13
    with path.with_suffix(".qpy").open("rb") as file:
        (circuit,) = qpy.load(file)
    text = path.with_suffix(".qasm").read_text()
    assert circuit.num_qubits == 57
    assert qasm3.loads(text).count_ops()["cz"] == circuit.count_ops()["cz"] == 104


def test_circuit_json_names_bits_by_register_and_gadgets_by_label(made: Run) -> None:
    instructions = document(made, "circuits/p000-X.json")["instructions"]
    measures = [item for item in instructions if item["name"] == "measure"]
    record = RecordMap.from_json(document(made, "circuits/p000-X.record.json"))
    assert {tuple(bit) for item in measures for bit in item["clbits"]} == set(record.column)
    assert {"encode", "hadamard 1", "readout"} <= {item["gadget"] for item in instructions}


def test_shot_files_hold_packed_bits_and_say_what_they_are(made: Run) -> None:
    path = made.folder / "shots" / "p000-X-00002.parquet"
    table = pq.read_table(path)
    assert table.column_names == ["shard", "shot", "bits"]
    assert table.schema.field("bits").type.byte_width == 3
    assert table["shot"].to_pylist() == list(range(1000, 1200))
    note = json.loads(pq.read_metadata(path).metadata[b"hexmagic"])
    assert note["record"] == document(made, "circuits/p000-X.record.json")
    assert note["shard"] == document(made, "plan.json")["shards"][2]
    assert note["versions"]["qiskit-aer"]


def test_no_flipped_byte_of_a_shot_file_goes_unnoticed(made: Run) -> None:
    shard = made._folder.shards[2]
    content = (made._folder.path / shard.file_name).read_bytes()
    good = decode_shots(content, shard, source="x")
    for place in range(0, len(content), 97):
        flipped = bytearray(content)
        flipped[place] ^= 0x10
        try:
            shots = decode_shots(bytes(flipped), shard, source="x")
        except StorageError as error:
            assert str(error).startswith("x: ")
        else:
            assert shots.record == good.record
            assert (shots.packed == good.packed).all()


def test_tables_have_the_documented_columns_and_types(made: Run) -> None:
    for table, schema in (
        (made.fidelity(), FIDELITY),
        (made.cutflow(), CUTFLOW),
        (made.points(), POINTS),
    ):
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == dict(schema)


def test_tables_computed_again_equal_those_that_were_written(made: Run, copy: Run) -> None:
    shutil.rmtree(copy.folder / "tables")
    for kind in ("fidelity", "cutflow", "points"):
        pd.testing.assert_frame_equal(getattr(copy, kind)(), getattr(made, kind)())


def test_a_copied_folder_is_enough_for_everything(made: Run, copy: Run) -> None:
    assert copy.id == made.id
    pd.testing.assert_frame_equal(copy.jobs(), made.jobs())
    pd.testing.assert_frame_equal(copy.shots(), made.shots())
    assert copy.report() == made.report() == (made.folder / "report.html").read_text()


def test_shots_have_every_bit_and_a_verdict(made: Run) -> None:
    shots = made.shots()
    assert len(shots) == 4800
    kept = shots.groupby(("shot", "point"))[[("verdict", "kept")]].sum().iloc[:, 0]
    assert list(kept) == list(made.fidelity()["kept"])
    recorded = shots["hadamard", "hadamard1[0]"].notna()
    assert list(recorded) == list(shots["shot", "point"] == 0)


def test_a_missing_shard_is_a_problem_not_an_error(copy: Run) -> None:
    provenance = document(copy, "provenance.json") | {"state": "running"}
    (copy.folder / "provenance.json").write_text(json.dumps(provenance))
    (copy.folder / "shots" / "p000-Z-00001.parquet").unlink()
    (copy.folder / "shots" / "p001-X-00002.parquet").write_bytes(b"x")
    first, second = copy.problems()
    assert first == "fold13 d=3 r=1 in Z: 700 of 1200 shots"
    assert second.startswith("bare in X: 1000 of 1200 shots; ")
    assert "damaged shot file" in second
    assert "700 of 1200" in copy.report()
    assert list(copy.points()["shots"]) == [1200, 700, 1000, 1200]


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"not a run folder \(it has no plan.json\)"):
        open_run(tmp_path)
    (tmp_path / "plan.json").write_text("[]")
    with pytest.raises(UsageError, match="not a run's plan"):
        open_run(tmp_path)


def broken_disk(works: int) -> Callable[[Path, bytes], None]:
    """Return a writer that works some times and then finds the disk full."""
    left = iter(range(works))

    def write(path: Path, content: bytes) -> None:
        if next(left, None) is None:
            raise StorageError(f"{path}: cannot be written: No space left on device")
        write_bytes(path, content)

    return write


@pytest.mark.parametrize("works", [0, 1, 7, 19])
def test_a_disk_that_is_full_from_the_start_leaves_no_run(tmp_path: Path, works: int) -> None:
    services = replace(make_services(), write=broken_disk(works))
    with pytest.raises(StorageError, match="No space left"):
        run(write_spec(tmp_path), runs=tmp_path / "runs", services=services)
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_directory_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("a file is in the way")
    with pytest.raises(StorageError, match=r"\.partial: cannot be written: "):
        run(write_spec(tmp_path), runs=tmp_path / "runs", services=make_services())


def test_a_write_that_fails_keeps_the_old_content_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_bytes(path, b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="file: cannot be written: No space left on device"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_leftover_of_a_killed_start_is_no_run(tmp_path: Path) -> None:
    (tmp_path / ".tiny-20260102-030405-0000.partial").mkdir()
    made = run(write_spec(tmp_path), runs=tmp_path, services=make_services(), shots=5)
    assert made.id == "tiny-20260102-030405-0001"


def test_the_ledger_knows_the_run_and_its_points(made: Run) -> None:
    with Ledger(made.folder.parent / LEDGER_NAME, clock=make_clock()) as ledger:
        (row,) = ledger.runs()
        labels = ledger._all("SELECT label FROM points ORDER BY point")
    assert (row.run_id, row.name, row.state) == (made.id, "tiny", "done")
    assert [label["label"] for label in labels] == ["fold13 d=3 r=1", "bare"]


def as_version_1(folder: Path) -> None:
    """Rewrite a plan as it was before shards could be anything but shots."""
    plan = json.loads((folder / "plan.json").read_text()) | {"schema_version": 1}
    for shard in plan["shards"]:
        for name in ("first_shot", "gives", "faults"):
            del shard[name]
    for point in plan["points"]:
        del point["keep"], point["estimate"]
    for circuit in plan["circuits"]:
        del circuit["shard_shots"]
    (folder / "plan.json").write_text(json.dumps(plan))
    for path in (folder / "shots").iterdir():
        table = pq.read_table(path)
        note = json.loads(table.schema.metadata[b"hexmagic"])
        del note["sha256"], note["sealed"]
        for name in ("first_shot", "gives", "faults"):
            del note["shard"][name]
        packed = b"".join(row.as_py() for row in table.column("bits"))
        text = json.dumps(note, sort_keys=True, separators=(",", ":"))
        note["sha256"] = hashlib.sha256(text.encode() + packed).hexdigest()
        pq.write_table(table.replace_schema_metadata({"hexmagic": json.dumps(note)}), path)
    for path in (folder / "tables").glob("fidelity.*"):
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        old = frame.drop(columns=[c for c in frame if str(c).startswith("infidelity")])
        old.to_parquet(path) if path.suffix == ".parquet" else old.to_csv(path, index=False)


def test_the_folder_of_schema_version_1_is_still_read(made: Run, copy: Run) -> None:
    as_version_1(copy.folder)
    old = open_run(copy.folder)
    assert old._folder.shards == made._folder.shards
    assert old._folder.plan == made._folder.plan
    assert old.problems() == ()
    pd.testing.assert_frame_equal(old.fidelity(), made.fidelity())
    pd.testing.assert_frame_equal(old.shots(), made.shots())
    assert old.report() == made.report()
