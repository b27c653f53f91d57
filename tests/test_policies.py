"""Reuse policies of a point: compared, chosen, shown, recorded and kept when a run is resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes.processes import StopAfter
from fakes.world import SPEC, make_services, write_spec

from hexmagic.analysis.tables.basic import IDENTITY
from hexmagic.driver import build, judging
from hexmagic.driver.check import describe, render_check
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.plan import Point, make_plan
from hexmagic.driver.policies import Policy, best_policy, render_policies, reuse_words
from hexmagic.driver.prepare import prepare
from hexmagic.driver.results import load_results
from hexmagic.driver.run import Run
from hexmagic.driver.start import resume, run
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.reuse import REUSES
from hexmagic.experiments.spec import parse_experiment
from hexmagic.experiments.spec.schema import json_schema

NOISY = ("heavy_hex_5, noise: none", "fake_boston, noise: calibration")
BEST = ("scheme: fold13", "scheme: fold13, reuse: best")
SWEEP = "sweep: {protocol.reuse: [reset, xor, deferred]}\n"


def where(field: str) -> str:
    return f"x.yaml: {field}"


def points_of(*changes: tuple[str, str], more: str = "") -> tuple[Point, ...]:
    text = SPEC + more
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return make_plan(parse_experiment(text, source="x.yaml")).points


def policy(reuse: Any, acceptance: float, microseconds: float, *failures: int | None) -> Policy:
    detection, correction = failures or (0, 0)
    return Policy(
        reuse=reuse,
        same_circuit=(),
        measurement_layers=2,
        duration_seconds=1e-6 * microseconds,
        predicted_acceptance=acceptance,
        prediction_method="a guess",
        faults=None if detection is None else 100,
        detection_failures=detection,
        correction_failures=correction,
    )


# --- choosing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("xor", "deferred", "chosen"),
    [
        ((0.6, 8, 0, 5), (0.7, 7, 0, 5), "deferred"),
        ((0.6, 8, 0, 5), (0.7, 7, 0, 6), "xor"),
        ((0.6, 8, 0, 5), (0.7, 7, 1, 0), "xor"),
        ((0.6, 8, 1, 5), (0.7, 7, 0, 6), "reset"),
        ((0.4, 8, 0, 0), (0.3, 7, 0, 0), "reset"),
        ((0.5, 8, 0, 5), (0.5, 7, 0, 5), "deferred"),
        ((0.5, 8, 0, 5), (0.5, 8, 0, 5), "xor"),
    ],
)
def test_the_best_keeps_most_shots_of_those_as_safe_as_reset_and_then_is_shortest(
    xor: tuple[float, ...], deferred: tuple[float, ...], chosen: str
) -> None:
    policies = [
        policy("reset", 0.5, 10, 0, 5),
        *(
            policy(reuse, rate, time, int(detection), int(correction))
            for reuse, (rate, time, detection, correction) in (("xor", xor), ("deferred", deferred))
        ),
    ]
    assert best_policy(policies).reuse == chosen


@pytest.mark.parametrize(
    ("pairs", "chosen", "judged"),
    [
        ({"deferred": 150, "reset": 0, "xor": 0}, "xor", ["deferred", "reset", "xor"]),
        ({"deferred": 0}, "deferred", ["deferred"]),
        ({"deferred": 3, "reset": 5}, "deferred", ["deferred", "reset"]),
        ({"deferred": 9, "xor": 9, "reset": 5}, "reset", ["deferred", "reset", "xor", "reset"]),
    ],
)
def test_where_pairs_count_the_best_must_not_let_more_of_them_through(
    pairs: dict[str, int], chosen: str, judged: list[str]
) -> None:
    asked: list[str] = []

    def count(policy: Policy) -> int:
        asked.append(policy.reuse)
        return pairs[policy.reuse]

    policies = [
        policy("reset", 0.5, 10, 0, 0),
        policy("xor", 0.6, 8, 0, 0),
        policy("deferred", 0.7, 7, 0, 0),
    ]
    assert best_policy(policies, count).reuse == chosen
    assert asked == judged


def test_policies_that_differ_and_cannot_be_certified_are_not_chosen_from() -> None:
    with pytest.raises(UsageError, match="none that can be computed; write reset, xor"):
        best_policy([policy("reset", 0.5, 9, None, None), policy("xor", 0.6, 8, None, None)])
    assert best_policy([policy("reset", 0.5, 9, None, None)]).reuse == "reset"


def compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two policies differ, of which xor keeps more."""
    both = (policy("reset", 0.5, 10), policy("xor", 0.6, 8))
    monkeypatch.setattr(build, "compare_policies", lambda *_: both)


def test_beyond_distance_5_the_best_is_not_chosen_among_policies_that_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared(monkeypatch)
    seven = ("distance: 3, scheme: fold13", "distance: 7, scheme: fold, reuse: best")
    with pytest.raises(
        UsageError, match=r"^x\.yaml: protocol\.reuse: best would have to judge 3 fa"
    ):
        build.build_point(points_of(seven, ("heavy_hex_5", "heavy_hex_9"))[0], where)


@pytest.mark.slow
@pytest.mark.parametrize(("whole", "chosen"), [(True, "reset"), (False, "")])
def test_at_distance_5_every_pair_of_faults_of_a_better_policy_is_judged(
    monkeypatch: pytest.MonkeyPatch, whole: bool, chosen: str
) -> None:
    compared(monkeypatch)
    judged: list[str] = []

    def pairs(_point: Point, compiled: Any, *_: object) -> dict[str, Any]:
        judged.append(compiled.program.reuse)
        return {"exhaustive": whole, "detection_failures": 4 if judged == ["xor"] else 0}

    monkeypatch.setattr(build, "circuit_pairs", pairs)
    five = ("distance: 3, scheme: fold13", "distance: 5, scheme: fold, reuse: best")
    point = points_of(five, ("heavy_hex_5", "heavy_hex_9"))[0]
    if chosen:
        assert build.build_point(point, where)["X"].compiled.program.reuse == chosen
        assert judged == ["xor", "reset"]
    else:
        with pytest.raises(
            UsageError, match=r"could not judge all pairs of faults of xor in \d+ s"
        ):
            build.build_point(point, where)


def test_a_baseline_is_on_the_first_qubits_of_an_embedding_that_is_given() -> None:
    best = build.build_point(points_of()[0], where)["X"].compiled.layout
    given = ("name: heavy_hex_5", f"name: heavy_hex_5, embedding: {[*best]}")
    protocol, bare = points_of(given)
    assert build.build_point(protocol, where)["X"].compiled.layout == best
    assert build.build_point(bare, where)["X"].compiled.layout == best[:1]


def test_a_choice_by_pairs_says_that_others_were_passed_over() -> None:
    both: list[dict[str, Any]] = [{"same_circuit": []}, {"same_circuit": []}]
    passed = "policies that let more pairs of faults through are passed over"
    assert reuse_words("xor", "best", both, 5) == f"xor, the best; {passed}"
    assert reuse_words("xor", "best", both, 3) == "xor, the best"


def test_a_device_without_a_certificate_is_told_with_the_place_of_the_field(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(judging, "circuit_certificate", lambda _: None)
    with pytest.raises(UsageError, match=r"x\.yaml: protocol\.reuse: best needs the certificate"):
        build.build_point(points_of(BEST)[0], where)


# --- comparing -----------------------------------------------------------------------------------


def test_each_policy_of_a_point_is_compiled_and_judged() -> None:
    found = {p.reuse: p for p in build.compare_policies(points_of(NOISY)[0], where)}
    assert tuple(found) == REUSES
    assert [p.measurement_layers for p in found.values()] == [2, 2, 2]
    times = [p.duration_seconds for p in found.values()]
    assert times == sorted(times, reverse=True) and len(set(times)) == 3
    rates = [p.predicted_acceptance for p in found.values()]
    assert 0.6 < rates[0] < min(rates[1:]) - 0.02
    assert [p.detection_failures for p in found.values()] == [0, 0, 0]
    assert [p.correction_failures for p in found.values()] == [0, 0, 0]
    assert best_policy([*found.values()]).reuse == "xor"


@pytest.mark.parametrize(
    ("changes", "chosen"),
    [
        pytest.param((), "deferred", id="without noise the shortest"),
        pytest.param((NOISY,), "xor", id="with noise the one that keeps most"),
    ],
)
def test_best_is_built_as_the_policy_that_it_chose(
    changes: tuple[tuple[str, str], ...], chosen: str
) -> None:
    best, asked = (
        build.build_point(points_of(*changes, ("fold13", f"fold13, reuse: {reuse}"))[0], where)
        for reuse in ("best", chosen)
    )
    assert {b: one.compiled.fingerprint for b, one in best.items()} == {
        b: one.compiled.fingerprint for b, one in asked.items()
    }
    assert best["X"].compiled.program.reuse == chosen


def test_policies_of_the_same_circuit_are_one() -> None:
    (only,) = build.compare_policies(points_of(("fold13", "fold14"))[0], where)
    assert (only.reuse, only.same_circuit) == ("reset", ("xor", "deferred"))
    assert only.measurement_layers == 1


def test_nothing_is_compared_where_no_ancilla_is_read_twice_by_a_protocol() -> None:
    assert build.compare_policies(points_of()[1], where) == ()
    encoded = points_of(("scheme: fold13", "scheme: encoded"))[0]
    assert build.compare_policies(encoded, where) == ()


# --- planning ------------------------------------------------------------------------------------


def test_a_swept_policy_is_in_labels_and_identities_but_not_in_baselines() -> None:
    points = points_of(more=SWEEP)
    protocols = [point for point in points if not point.baseline]
    assert [p.label for p in protocols] == [f"fold13 d=3 r=1 reuse={reuse}" for reuse in REUSES]
    assert [p.protocol.reuse for p in protocols] == [*REUSES]
    assert len({p.identity for p in protocols}) == 3
    assert {p.protocol.reuse for p in points if p.baseline} == {"reset"}


def test_the_file_takes_every_policy_and_best() -> None:
    known = json_schema()["$defs"]["Protocol"]["properties"]["reuse"]["enum"]
    assert known == [*REUSES, "best"]


# --- showing -------------------------------------------------------------------------------------


def checked(*changes: tuple[str, str], policies: tuple[Policy, ...]) -> tuple[dict[str, Any], str]:
    text = SPEC
    for before, after in changes:
        text = text.replace(before, after)
    services, plan = make_services(), make_plan(parse_experiment(text, source="x.yaml"))
    engine = services.engine(plan)
    prepared = prepare(plan, engine, build=services.build, judge=services.judge, where=where)
    document = describe(
        prepared,
        engine,
        lambda *_: {"computed": False, "reason": "a test"},
        lambda point: () if point.baseline else policies,
    )
    return document, render_check(document)


def test_check_shows_every_policy_within_80_columns() -> None:
    rows = (policy("reset", 0.6467, 11.17, 0, 0), policy("deferred", 0.0071, 1234.5, None, None))
    document, text = checked(policies=rows)
    protocol, bare = document["points"]
    assert [row["reuse"] for row in protocol["policies"]] == ["reset", "deferred"]
    assert protocol["policies"][0]["correction_failures"] == 0
    assert protocol["policies"][1]["faults"] is None
    assert bare["policies"] == []
    assert (protocol["reuse"], protocol["reuse_asked"]) == ("reset", "reset")
    assert protocol["circuits"][0]["measurement_layers"] == 2
    table = [line.split() for line in text.splitlines() if line.startswith(" " * 16)][-3:]
    assert table == [
        ["policy", "layers", "duration", "acceptance", "detection", "correction"],
        ["reset", "2", "11.2", "us", "0.647", "0", "0"],
        ["deferred", "2", "1234.5", "us", "0.0071", "-", "-"],
    ]
    assert max(len(line) for line in text.splitlines()) <= 80
    json.dumps(document)


def test_policies_that_make_no_difference_take_one_line() -> None:
    same = replace(policy("reset", 0.7, 7), same_circuit=("xor", "deferred"))
    assert render_policies([same.to_json()], indent=4) == []
    words = reuse_words("reset", "best", [same.to_json()], 3)
    assert words == "reset, the best; reset, xor and deferred give the same circuit"
    two = [policy("reset", 0.7, 7), replace(policy("xor", 0.8, 6), same_circuit=("deferred",))]
    words = reuse_words("xor", "xor", [p.to_json() for p in two], 5)
    assert words == "xor; xor and deferred give the same circuit"


# --- recording -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("best")
    return run(write_spec(folder, BEST), runs=folder / "runs", services=make_services())


def test_a_run_keeps_what_was_asked_and_shows_what_was_chosen(made: Run) -> None:
    plan = json.loads((made.folder / "plan.json").read_text())
    assert [point["protocol"]["reuse"] for point in plan["points"]] == ["best", "reset"]
    assert [circuit["reuse"] for circuit in plan["circuits"]] == [
        "deferred",
        "deferred",
        "reset",
        "reset",
    ]
    circuits = json.loads((made.folder / "provenance.json").read_text())["circuits"]
    assert (circuits["p000-X"]["reuse"], circuits["p000-X"]["reuse_asked"]) == ("deferred", "best")
    table = made.fidelity()
    assert "reuse" in IDENTITY
    assert table["reuse"].isna().tolist() == table["baseline"].tolist()
    assert table["reuse"].iloc[0] == "deferred"
    assert "reuse of ancillas" in (made.folder / "report.html").read_text()


def test_resuming_does_not_choose_again(
    made: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(
            write_spec(tmp_path, BEST),
            runs=tmp_path / "runs",
            services=make_services(),
            progress=StopAfter(2),
        )
    never: Callable[..., Any] = lambda *_: pytest.fail("asked again")  # noqa: E731  # one use, where it stands
    monkeypatch.setattr(build, "compare_policies", never)
    resumed = resume("latest", tmp_path / "runs", services=make_services())
    assert resumed.fidelity().equals(made.fidelity())


def test_a_folder_from_before_there_were_policies_can_be_read(made: Run, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made.folder, tmp_path / "old"))
    plan = json.loads((folder / "plan.json").read_text())
    for circuit in plan["circuits"]:
        del circuit["reuse"], circuit["measurement_layers"]
    (folder / "plan.json").write_text(json.dumps(plan))
    first, bare = load_results(RunFolder(path=folder)).points
    assert (first.reuse, bare.reuse) == ("reset", None)
