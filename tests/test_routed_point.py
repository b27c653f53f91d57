"""The scheme `routed` from the experiment file to the report, as a protocol and as a baseline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.commands import Call, make_call
from fakes.world import write_spec

from hexmagic.driver.build import build_point
from hexmagic.driver.plan import Plan, make_plan
from hexmagic.experiments.spec import load_experiment

BASELINE = ("baselines: [bare]", "baselines: [bare, routed]")
ALONE = (("scheme: fold13", "scheme: routed"), ("baselines: [bare]\n", ""))


def plan_of(folder: Path, *changes: tuple[str, str]) -> Plan:
    return make_plan(load_experiment(write_spec(folder, *changes)))


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def test_as_a_baseline_it_has_the_rounds_and_the_reuse_of_the_protocol(tmp_path: Path) -> None:
    more = ("scheme: fold13", "scheme: fold13, rounds: 2, reuse: xor")
    (protocol, bare, routed) = plan_of(tmp_path, BASELINE, more).points
    assert [bare.baseline, routed.baseline] == [True, True]
    assert routed.protocol == replace(protocol.protocol, scheme="routed")
    assert (routed.protocol.rounds, routed.protocol.reuse) == (2, "xor")
    assert (bare.protocol.rounds, bare.protocol.reuse) == (None, "reset")
    assert routed.label == "routed d=3 r=2"


def test_beside_encoded_it_has_automatic_rounds(tmp_path: Path) -> None:
    points = plan_of(tmp_path, BASELINE, ("scheme: fold13", "scheme: encoded")).points
    assert [point.label for point in points] == ["encoded d=3", "bare", "routed d=3 r=1"]


def test_all_bases_are_on_the_same_qubits_and_the_seed_decides_which(tmp_path: Path) -> None:
    found = []
    for seed in (7, 8, 9):
        (point,) = plan_of(tmp_path, *ALONE, ("seed: 7", f"seed: {seed}")).points
        built = build_point(point, str)
        layouts = {one.compiled.layout for one in built.values()}
        patches = {one.compiled.program.patch for one in built.values()}
        assert len(layouts) == len(patches) == 1
        assert len(built) == 2
        found.append((layouts.pop(), patches.pop()))
    assert len(set(found)) > 1


def test_check_shows_what_it_costs_and_its_certificate(tmp_path: Path, call: Call) -> None:
    write_spec(tmp_path, BASELINE)
    result = call("check", "tiny.yaml", "--format", "json")
    native, bare, routed = json.loads(result.stdout)["experiments"][0]["points"]
    assert not bare["certificate"]["computed"]
    assert routed["certificate"]["computed"]
    assert routed["certificate"]["noiseless_fidelity"] == pytest.approx(1, abs=1e-6)
    assert routed["two_qubit_gates"] > native["two_qubit_gates"]
    assert routed["circuits"][0]["depth"] > native["circuits"][0]["depth"]
    assert len(routed["layout"]["data"]) == 7
    text = call("check", "tiny.yaml").stdout
    assert text.count("certificate  ") == 2


def test_its_failed_certificate_ends_with_5(tmp_path: Path, call: Call) -> None:
    write_spec(tmp_path, *ALONE)
    result = call("certify", "tiny.yaml", "--kind", "correction", "--format", "json")
    failed = [c["correction_failures"] for c in json.loads(result.stdout)["circuits"]]
    assert min(failed) > 0  # a SWAP of two data in the last checks
    assert result.exit_code == 5


@pytest.mark.parametrize("changes", [ALONE, (BASELINE,)])
def test_the_report_draws_it(
    tmp_path: Path, call: Call, changes: tuple[tuple[str, str], ...]
) -> None:
    write_spec(tmp_path, *changes)
    run = call("run", "tiny.yaml").stdout.splitlines()[-1].removeprefix("run: ")
    assert call("report", run, "-o", "report.html").exit_code == 0
    page = (tmp_path / "report.html").read_text()
    layout = json.loads((tmp_path / "runs" / run / "plan.json").read_text())["circuits"]
    places = [c["roles"]["data"] for c in layout if len(c["roles"]["data"]) == 7][-1]
    names = ", ".join(f"{q} (d{i})" for i, q in enumerate(places))
    assert names in page
