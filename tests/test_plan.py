"""The plan: points, labels, seeds and shards."""

from dataclasses import replace

import pytest
from fakes.world import SPEC
from hypothesis import given
from hypothesis import strategies as st

from hexmagic.driver.plan import Plan, derive_seed, make_plan
from hexmagic.driver.shards import shard_id, shard_sizes
from hexmagic.experiments.spec import parse_experiment

SWEEP = "sweep: {device.noise.uniform: [1e-4, 1e-3], protocol.scheme: [fold13, fold14]}\n"


def plan_of(text: str = SPEC) -> Plan:
    return make_plan(parse_experiment(text, source="x.yaml"))


def test_a_plan_has_the_protocol_and_then_its_baselines() -> None:
    points = plan_of().points
    assert [point.label for point in points] == ["fold13 d=3 r=1", "bare"]
    assert [point.baseline for point in points] == [False, True]
    assert [point.index for point in points] == [0, 1]


def test_a_baseline_inherits_all_but_the_protocol() -> None:
    protocol, bare = plan_of().points
    assert (bare.protocol.distance, bare.protocol.rounds) == (None, None)
    assert (bare.device, bare.accept, bare.shots) == (
        protocol.device,
        protocol.accept,
        protocol.shots,
    )


@pytest.mark.parametrize(("scheme", "shared"), [("fold13", True), ("tree16", False)])
def test_the_encoder_beside_the_tree_finds_its_own_qubits(scheme: str, shared: bool) -> None:
    text = SPEC.replace("fold13", scheme).replace("noise: none", "noise: none, embedding: [3, 1]")
    text = text.replace("baselines: [bare]", "baselines: [bare, encoded]")
    protocol, bare, encoded = plan_of(text).points
    assert protocol.device.embedding == bare.device.embedding == (3, 1)
    assert encoded.device.embedding == ((3, 1) if shared else "best")


def test_every_grid_point_has_its_baselines_and_its_own_label() -> None:
    points = plan_of(SPEC + SWEEP).points
    labels = [point.label for point in points]
    assert len(set(labels)) == len(labels) == 8
    assert labels[:2] == ["fold13 d=3 r=1 uniform=0.0001", "bare uniform=0.0001 scheme=fold13"]


def test_labels_are_unique_where_swept_values_look_alike() -> None:
    text = SPEC + "sweep: {accept.flags: [true, false], accept.syndromes: [true, false]}\n"
    labels = [point.label for point in plan_of(text).points]
    assert len(set(labels)) == 8


@pytest.mark.parametrize(
    "text",
    [
        SPEC,
        SPEC + SWEEP,
        SPEC.replace("noise: none", "noise: {uniform: 1e-3}, embedding: [3, 1, 2]"),
        SPEC + "gates: {max_median_cz_error: 0.01}\nbudget: {qpu_seconds: 3}\n",
        SPEC + "expect: {fidelity: {min: 0.5}}\n",
    ],
)
def test_a_plan_comes_back_from_its_json(text: str) -> None:
    plan = plan_of(text)
    assert Plan.from_json(plan.to_json()) == plan


def test_a_plan_of_another_schema_version_is_refused() -> None:
    with pytest.raises(ValueError, match="schema_version 3"):
        Plan.from_json(plan_of().to_json() | {"schema_version": 3})


def test_what_is_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="not a plan"):
        Plan.from_json({"schema_version": 1})


def test_circuits_are_points_times_bases_in_order() -> None:
    keys = [(point.index, basis) for point, basis in plan_of().circuits()]
    assert keys == [(0, "X"), (0, "Z"), (1, "X"), (1, "Z")]


@given(st.lists(st.one_of(st.integers(), st.text())), st.integers(0, 2**63 - 1))
def test_a_seed_has_63_bits_and_depends_on_every_part(parts: list[str | int], last: int) -> None:
    seed = derive_seed(*parts, last)
    assert 0 <= seed < 2**63
    assert seed == derive_seed(*parts, last)
    assert seed != derive_seed(*parts, last + 1)


def test_seed_zero_is_a_seed_like_any_other() -> None:
    assert len({derive_seed(0), derive_seed(1), derive_seed("0")}) == 3


def test_a_points_identity_ignores_how_shots_are_kept_and_how_many() -> None:
    point = plan_of().points[0]
    other = replace(point, shots=5, accept=replace(point.accept, flags=False), label="x", index=4)
    assert other.identity == point.identity


def test_a_points_identity_tells_points_of_a_sweep_apart() -> None:
    points = plan_of(SPEC + SWEEP).points
    assert len({point.identity for point in points}) == len(points)


@given(st.integers(1, 100_000), st.integers(100, 1 << 20))
def test_shards_add_up_and_all_but_the_last_are_full(shots: int, size: int) -> None:
    sizes = shard_sizes(shots, size)
    assert sum(sizes) == shots
    assert set(sizes[:-1]) <= {size}
    assert 0 < sizes[-1] <= size


@pytest.mark.parametrize(
    "change", [{"fingerprint": "b"}, {"noise": "x"}, {"shots": 2}, {"seed": 2}, {"engine": "f 2"}]
)
def test_a_shards_identity_depends_on_everything_it_computes(change: dict[str, object]) -> None:
    parts: dict[str, object] = {"fingerprint": "a", "noise": "n", "shots": 1, "seed": 1}
    parts |= {"engine": "f 1"}
    assert shard_id(**parts) != shard_id(**(parts | change))  # type: ignore[arg-type]
