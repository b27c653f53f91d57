"""Runs that only count, and runs by number of faults: through the driver, stopped and damaged."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fakes.commands import make_call
from fakes.processes import StopAfter
from fakes.world import make_clock, make_services

from hexmagic.driver.adapters import Engine, load_engine
from hexmagic.driver.execution import RunFailedError
from hexmagic.driver.expectation import missed_expectations
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.ledger.runs import LEDGER_NAME, Ledger
from hexmagic.driver.prediction import predict_run
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.services import Services
from hexmagic.driver.standing import make_status
from hexmagic.driver.start import resume, run
from hexmagic.driver.strata import read_groups
from hexmagic.driver.strata_rounds import sampled_strata, shortfalls
from hexmagic.driver.workers import make_process_pool
from hexmagic.experiments.errors import HexmagicError, RefusedError, UsageError
from hexmagic.experiments.spec import Bounds, Expect

BATCH = 1 << 13
HEAD = """\
schema_version: 1
name: counted
protocol: {state: H, distance: 3, scheme: fold13}
seed: 3
"""
STRATIFIED = """\
device: {backend: clifft, name: heavy_hex_5_cx, noise: {paper: 1e-3}}
measure: [H_ideal]
accept: {readout: correct}
estimate: {stratified: {relative_error: 0.2}}
sweep: {device.noise.paper: [1e-4, 1e-3]}
shots: 1000000
"""
TALLIES = """\
device: {backend: clifft, name: heavy_hex_5, noise: {uniform: 1e-3}}
measure: [X, Z, H, H_ideal]
keep: tallies
shots: 20000
"""


def clifft_services() -> Services:
    """Return a world with the real engine but small shards, in this process."""
    engine: Engine = replace(load_engine("clifft"), shots_per_shard=lambda *_: BATCH)
    return make_services(engine)


def write(folder: Path, body: str) -> Path:
    path = folder / "counted.yaml"
    path.write_text(HEAD + body)
    return path


def run_one(folder: Path, body: str, **options: Any) -> Run:
    return run(
        write(folder, body), runs=folder / "runs", **({"services": clifft_services()} | options)
    )


def assert_same_results(one: Run, other: Run) -> None:
    left, right = (r.fidelity().drop(columns="run") for r in (one, other))
    pd.testing.assert_frame_equal(left, right)


def submissions(folder: Path) -> Counter[str | None]:
    with Ledger(folder.parent / LEDGER_NAME, clock=make_clock()) as ledger:
        events = ledger.events(folder.name)
    return Counter(event.shard for event in events if event.to_state == "submitted")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_one(tmp_path_factory.mktemp("whole"), STRATIFIED)


@pytest.fixture(scope="module")
def tallied(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_one(tmp_path_factory.mktemp("tallied"), TALLIES)


# --- by number of faults --------------------------------------------------------------------------


def test_one_set_of_strata_serves_the_sweep_and_reaches_its_goal(whole: Run) -> None:
    assert set(whole.jobs()["point"]) == {0}
    assert whole.shortfalls() == ()
    rows = whole.fidelity().query("readout == 'correct'").set_index("sweep.device.noise.paper")
    assert list(rows["estimate"]) == ["h_ideal", "h_ideal"]
    assert rows["infidelity"].loc[1e-3] / rows["infidelity"].loc[1e-4] == pytest.approx(
        100, rel=0.1
    )
    for _, row in rows.iterrows():
        assert row["infidelity_low"] < row["infidelity"] < row["infidelity_high"]
        assert row["infidelity_high"] < 1.6 * row["infidelity"]
        assert row["acceptance_low"] <= row["acceptance"] <= row["acceptance_high"]


def test_no_fault_and_single_faults_are_known_and_not_sampled(whole: Run) -> None:
    strata = whole.strata().query("point == 1 and readout == 'correct'").set_index("faults")
    assert list(strata["known"].loc[[0, 1, 2]]) == ["exact", "exact", "sampled"]
    assert list(strata["minus_rate"].loc[[0, 1]]) == [0, 0]
    assert strata["minus_rate"].loc[2] > 0
    assert strata["shots"].sum() == whole.jobs()["shots"].sum()
    assert strata["weight"].sum() == pytest.approx(1)


def test_the_folder_alone_gives_the_same_tables(whole: Run) -> None:
    copy = open_run(whole.folder)
    for kind in ("fidelity", "strata", "points", "cutflow"):
        made = getattr(copy, kind)()
        pd.testing.assert_frame_equal(made, getattr(whole, kind)())
        saved = whole.folder / "tables" / f"{kind}.parquet"
        pd.testing.assert_frame_equal(pd.read_parquet(saved), made)
    assert copy.cutflow().empty
    assert copy.report() == whole.report()


@pytest.mark.parametrize("shards", [1, 3, 4])
def test_a_stopped_run_resumes_to_the_same_tables(whole: Run, tmp_path: Path, shards: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_one(tmp_path, STRATIFIED, progress=StopAfter(shards))
    [folder] = (tmp_path / "runs").glob("counted-*")
    done = set(open_run(folder).jobs().query("state == 'done'")["job"])
    resumed = resume(folder.name, folder.parent, services=clifft_services())
    assert_same_results(resumed, whole)
    again = submissions(folder)
    assert done and all(n == 1 for shard, n in again.items() if f"{shard}"[:16] + "-1" in done)


def test_worker_processes_give_the_same_tables(tmp_path: Path) -> None:
    engine = load_engine("clifft")
    services = replace(make_services(engine), make_pool=make_process_pool)
    small = STRATIFIED.replace("relative_error: 0.2", "relative_error: 0.9")
    one, two = (run_one(tmp_path, small, services=services, workers=n) for n in (1, 2))
    assert_same_results(one, two)


def test_check_says_that_shots_are_taken_by_number_of_faults_until_the_goal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = make_call(tmp_path, monkeypatch)
    monkeypatch.setattr("hexmagic.driver.services.Services", clifft_services)
    said = " ".join(call("check", write(tmp_path, STRATIFIED)).stdout.split())
    assert "at most 1000000 of H_ideal, by number of faults (emulated only)" in said
    assert "shots by number of faults, until the goal is reached" in said
    mixed = STRATIFIED.replace("[H_ideal]", "[H_ideal, X, Z]")
    assert "by number of faults" in call("check", write(tmp_path, mixed)).stdout


def test_who_runs_it_is_told_of_a_goal_that_was_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = make_call(tmp_path, monkeypatch)
    monkeypatch.setattr("hexmagic.driver.services.Services", clifft_services)
    result = call("run", write(tmp_path, STRATIFIED.replace("1000000", "500")))
    assert result.exit_code == 0
    assert "more would exceed the 500 shots; allow more" in result.stderr
    assert result.stdout.splitlines()[-1].startswith("run: counted-")


def test_an_engine_that_knows_no_faults_takes_no_such_shots(tmp_path: Path) -> None:
    engine = replace(load_engine("clifft"), locations=None)
    with pytest.raises(HexmagicError, match="backend clifft: cannot take shots with given faults"):
        run_one(tmp_path, STRATIFIED, services=make_services(engine))
    assert not list((tmp_path / "runs").glob("counted-*"))


def test_what_is_estimated_by_strata_is_not_predicted(tmp_path: Path) -> None:
    made = run_one(tmp_path, STRATIFIED.replace("1000000", "500").replace("[H_ideal]", "[X]"))
    with pytest.raises(UsageError, match="estimated by strata, which are emulated themselves"):
        predict_run(made._folder, load_engine("clifft"), shots=100)


def test_a_damaged_list_of_strata_is_told(whole: Run, tmp_path: Path) -> None:
    copy = RunFolder(path=shutil.copytree(whole.folder, tmp_path / "copy"))
    (copy.path / "strata.json").write_text('{"groups": [{"measure": "X"}]}')
    with pytest.raises(StorageError, match=r"copy/strata.json: damaged: "):
        read_groups(copy)


def test_a_stratum_that_was_lost_from_a_row_is_named(whole: Run, tmp_path: Path) -> None:
    copy = RunFolder(path=shutil.copytree(whole.folder, tmp_path / "copy"))
    (group,) = read_groups(copy)
    lost = min((copy.path / "tallies").glob("*-k02-*"))
    (copy.path / "tallies" / lost.name.replace("k02-00000", "k02-99999")).touch()
    lost.unlink()
    with pytest.raises(StorageError, match=rf"^run {copy.run_id}: tallies/{lost.name} is missing$"):
        sampled_strata(copy, group)


def test_a_copy_without_a_ledger_counts_the_shots_of_its_strata(whole: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(whole.folder, tmp_path / "copy")
    status = make_status(RunFolder(path=copy))
    assert status["shots_done"] == whole.jobs()["shots"].sum()


def test_a_goal_that_the_shots_do_not_reach_is_told(tmp_path: Path) -> None:
    body = STRATIFIED.replace("1000000", str(3 * BATCH)).replace("0.2}", "0.001}")
    short = run_one(tmp_path, body)
    [line] = short.shortfalls()
    assert line.startswith("fold13 d=3 r=1 paper=0.0001 in H_ideal: relative error ")
    assert f"more would exceed the {3 * BATCH} shots" in line
    assert (short.state, short.problems()) == ("done", ())


def test_few_shots_make_small_batches_and_no_estimate_of_nothing(tmp_path: Path) -> None:
    few = run_one(tmp_path, STRATIFIED.replace("1000000", "2000"))
    assert set(few.jobs()["shots"]) == {125}
    assert 0 < few.jobs()["shots"].sum() <= 2000
    [line] = few.shortfalls()
    plan = few._folder.plan
    expect = Expect(infidelity=Bounds(max=1.0))
    missed = missed_expectations(
        replace(plan, expect=expect), few.fidelity(), shortfalls(few._folder)
    )
    assert [one.point for one in missed] == [0, 1]
    assert line in missed[0].line


def test_misread_ancillas_are_exact_in_strata_too(tmp_path: Path) -> None:
    """FakeTorino: with readout taken as symmetric the strata were eleven sigma off."""
    device = (
        "device: {backend: clifft, name: fake_torino, noise: calibration}\nmeasure: [H_ideal, H]\n"
    )
    accept = "accept: {readout: correct}\n"
    strata = device + accept + "estimate: {stratified: {relative_error: 0.03}}\nshots: 4000000\n"
    direct = device + accept + "keep: tallies\nshots: 400000\n"
    services = make_services(replace(load_engine("clifft"), shots_per_shard=lambda *_: 1 << 16))
    one, other = (
        run_one(tmp_path, body, services=services).fidelity() for body in (strata, direct)
    )
    for name in ("acceptance", "infidelity"):
        sigma = sum((f[f"{name}_high"] - f[f"{name}_low"]) ** 2 for f in (one, other)) ** 0.5 / 3.92
        assert (abs(one[name] - other[name]) < 4.5 * sigma).all()


def test_a_lost_or_damaged_tally_is_a_problem_and_is_run_again(tmp_path: Path) -> None:
    made = run_one(tmp_path, STRATIFIED)
    first = made.folder / "tallies" / "p000-H_ideal-k02-00000.json"
    before, table = first.read_bytes(), made.fidelity()
    document = json.loads(before)
    document["counts"]["outcomes"]["correct"]["kept"] += 1
    for content, what in (
        (json.dumps(document).encode(), "checksum"),
        (None, "shots that were taken"),
    ):
        first.unlink()
        if content is not None:
            first.write_bytes(content)
        [problem] = made.problems()
        assert what in problem
        again = resume(made.id, made.folder.parent, services=clifft_services())
        assert first.read_bytes() == before
        pd.testing.assert_frame_equal(again.fidelity(), table)


def test_a_damaged_tally_stops_neither_tables_nor_report(tmp_path: Path) -> None:
    made = run_one(tmp_path, STRATIFIED)
    (made.folder / "tallies" / "p000-H_ideal-k02-00000.json").write_text("{")
    assert made.shortfalls() == ()
    assert "damaged tally file" in made.report()


def test_a_stopped_run_is_not_continued_with_another_engine(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_one(tmp_path, STRATIFIED, progress=StopAfter(1))
    [folder] = (tmp_path / "runs").glob("counted-*")
    other = replace(load_engine("clifft"), shots_per_shard=lambda *_: BATCH, version="other")
    with pytest.raises(RefusedError, match="would not compute the same shots"):
        resume(folder.name, folder.parent, services=make_services(other))


def test_a_shard_of_another_stratum_in_its_place_is_refused(tmp_path: Path) -> None:
    made = run_one(tmp_path, STRATIFIED)
    tallies = made.folder / "tallies"
    (tallies / "p000-H_ideal-k02-00000.json").write_bytes(
        (tallies / "p000-H_ideal-k03-00000.json").read_bytes()
    )
    [problem] = made.problems()
    assert "holds shard" in problem


def test_a_shard_that_fails_leaves_a_run_to_resume(tmp_path: Path) -> None:
    engine = replace(load_engine("clifft"), shots_per_shard=lambda *_: BATCH, count=broken)
    with pytest.raises(RunFailedError, match="the fake cannot count"):
        run_one(tmp_path, STRATIFIED, services=make_services(engine))
    [folder] = (tmp_path / "runs").glob("counted-*")
    assert open_run(folder).state == "failed"
    resumed = resume(folder.name, folder.parent, services=clifft_services())
    assert (resumed.state, resumed.problems()) == ("done", ())


def broken(*_: Any, **__: Any) -> Any:
    raise ValueError("the fake cannot count")


# --- tallies --------------------------------------------------------------------------------------


def test_tallies_give_every_table_but_the_shots(tallied: Run) -> None:
    assert not (tallied.folder / "shots").exists()
    rows = tallied.fidelity()
    assert list(rows["estimate"]) == ["raw", "h_measured", "h_ideal", "h_ideal"]
    assert list(rows["shots"]) == [40000, 20000, 20000, 20000]
    assert rows["fidelity"].between(0.9, 1.02).all()
    assert set(tallied.cutflow()["criterion"]) == {"all"}
    assert list(tallied.points()["basis"]) == ["X", "Z", "H", "H_ideal", "H_ideal"]
    with pytest.raises(UsageError, match="keeps no shots"):
        tallied.shots()


def test_where_readout_is_asymmetric_tallies_have_the_cut_flow_too(tmp_path: Path) -> None:
    body = TALLIES.replace("heavy_hex_5,", "fake_boston,").replace("{uniform: 1e-3}", "calibration")
    made = run_one(tmp_path, body.replace("[X, Z, H, H_ideal]", "[X, Z]"))
    flow = made.cutflow().query("basis == 'all'").set_index("criterion")
    assert flow["entered"].iloc[0] == 40000
    assert flow["passed"].iloc[-1] == made.fidelity()["kept"].iloc[0]
    assert flow["failed"].sum() == 40000 - flow["passed"].iloc[-1] > 0
