"""The table of the family: complete, as wide as a terminal, and what the circuits are now."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from hexmagic.backends.device import load_device
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.program import make_patch
from hexmagic.experiments.reuse import REUSES

ROOT = Path(__file__).parents[1]
DOCS = (ROOT / "docs" / "family.md").read_text()
JUDGED = ("fake_kolkata", "fake_sherbrooke", "fake_torino", "fake_boston")
AGAIN = "out of date: run `make family`"


def load_family() -> ModuleType:
    spec = importlib.util.spec_from_file_location("family", ROOT / "benchmarks" / "family.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["family"] = module  # where dataclasses look for their names
    spec.loader.exec_module(module)
    return module


family = load_family()


def table_in_docs(distance: int) -> str:
    after = DOCS.partition(f"<!-- family d = {distance} -->\n")[2]
    return after.partition(f"<!-- end of d = {distance} -->")[0].strip()


def rows_in_docs(distance: int) -> Iterator[tuple[str, ...]]:
    for line in table_in_docs(distance).splitlines()[2:]:
        if line.startswith("|"):
            yield tuple(cell.strip(" *") for cell in line.strip("|").split("|"))


def table_in_json(distance: int) -> Any:
    document = json.loads((ROOT / "benchmarks" / "family.json").read_text())[str(distance)]
    rows = (family.Row(**row | {"reuse": tuple(row["reuse"])}) for row in document["rows"])
    return family.Table(rows=tuple(rows), unplaced=tuple(document["unplaced"]))


@pytest.mark.parametrize(("distance", "devices"), [(3, JUDGED), (5, JUDGED), (7, ("heavy_hex_9",))])
def test_every_scheme_device_and_policy_has_one_row(
    distance: int, devices: tuple[str, ...]
) -> None:
    found = Counter[tuple[str, str, str]](
        (device, scheme, reuse)
        for device, scheme, policies, *_ in rows_in_docs(distance)
        for reuse in policies.split(", ")
    )
    schemes = family.schemes_at(distance)
    wanted = {(d, s, str(r)) for d in devices for s in schemes for r in REUSES}
    wanted |= {(d, baseline, "-") for d in devices for baseline in family.BASELINES[distance]}
    held = {
        (device, scheme, reuse)
        for device, scheme, reuse in wanted
        if _qubits(scheme, distance) <= load_device(device).num_qubits
    }
    assert found == Counter(held), AGAIN


def _qubits(scheme: str, distance: int) -> int:
    return make_patch(scheme, None if scheme == "bare" else distance).num_qubits


def test_the_schemes_are_those_of_the_protocol_at_that_distance() -> None:
    assert set(family.schemes_at(3)) >= {"fold", "fold13", "fold14", "tree16", "routed"}
    assert family.schemes_at(5) == ("fold", "fold40")
    assert family.schemes_at(7) == ("fold",)


def test_a_patch_without_a_place_is_named_below_the_table() -> None:
    assert "No row: device fake_kolkata: the fold patch (40 qubits)" in table_in_docs(5)
    assert "No row" not in table_in_docs(3)


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_the_docs_and_the_json_file_say_the_same(distance: int) -> None:
    assert family.markdown_table(table_in_json(distance)).strip() == table_in_docs(distance), AGAIN


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_the_printed_table_fits_120_columns_and_keeps_its_columns_apart(distance: int) -> None:
    for row in table_in_json(distance).rows:
        columns = family.cells(row, mark="{} *")
        line = family.text_line(columns)
        assert len(line) <= 120
        assert line.split() == " ".join(columns).split()


def test_no_policy_is_called_the_best_where_pairs_would_have_to_be_judged() -> None:
    assert not any(row.best for row in table_in_json(5).rows)


def test_one_policy_of_each_point_is_the_best_and_no_less_safe_than_reset() -> None:
    rows = [row for row in table_in_json(3).rows if row.reuse]
    for device, scheme in {(row.device, row.scheme) for row in rows}:
        policies = [row for row in rows if (row.device, row.scheme) == (device, scheme)]
        [best] = [row for row in policies if row.best]
        assert best.detection_failures <= policies[0].detection_failures
        assert best.correction_failures <= policies[0].correction_failures


def assert_as_in_docs(scheme: str, device: str, distance: int) -> None:
    written = [row for row in rows_in_docs(distance) if row[:2] == (device, scheme)]
    points = family.make_points(distance, device, scheme)
    rows = list(family.rows_of(points[0]))
    assert [family.cells(row, mark="{}") for row in rows] == written, AGAIN
    bold = [f"| {device} | {scheme} | **{', '.join(row.reuse)}** |" for row in rows if row.best]
    assert len(bold) == (1 if distance == 3 else 0), AGAIN
    assert all(cell in table_in_docs(distance) for cell in bold), AGAIN


@pytest.mark.parametrize("scheme", ["fold", "fold13", "fold14", "tree16"])
def test_rows_computed_now_are_those_of_the_docs(scheme: str) -> None:
    assert_as_in_docs(scheme, "fake_kolkata", 3)


@pytest.mark.slow
def test_rows_of_d5_computed_now_are_those_of_the_docs() -> None:
    assert_as_in_docs("fold", "fake_torino", 5)


@pytest.mark.slow
def test_rows_of_d7_are_certified_without_a_prediction_and_are_those_of_the_docs() -> None:
    [point] = family.make_points(7, "heavy_hex_9", "fold")
    rows = list(family.rows_of(point))
    assert [family.cells(row, mark="{}") for row in rows] == list(rows_in_docs(7)), AGAIN
    assert {row.predicted_acceptance for row in rows} == {None}
    assert all(row.faults for row in rows)
    assert {(row.detection_failures, row.correction_failures) for row in rows} == {(0, 0)}


def test_the_baselines_follow_the_last_scheme_and_encoded_is_not_fault_tolerant() -> None:
    *_, last = family.schemes_at(3)
    _, encoded, bare = family.make_points(3, "fake_kolkata", last)
    assert len(family.make_points(3, "fake_kolkata", "fold")) == 1
    [row] = family.rows_of(encoded)
    assert row.reuse == () and row.detection_failures > 0 and row.correction_failures > 0
    assert row.encode > 0 and row.hadamard == row.detection == 0
    [row] = family.rows_of(bare)
    assert (row.qubits, row.faults, row.predicted_acceptance) == (1, None, 1.0)


def test_a_table_replaces_that_of_its_distance_alone() -> None:
    text = "a\n<!-- family d = 3 -->\nold\n<!-- end of d = 3 -->\nb\n<!-- family d = 5 -->\nc\n"
    changed = family.with_table(text, 3, "| new |\n")
    assert changed == text.replace("old\n", "\n| new |\n\n")
    assert family.with_table(changed, 3, "| new |\n") == changed
    with pytest.raises(UsageError, match="no place for d = 5: write the lines"):
        family.with_table(text, 5, "")
    with pytest.raises(UsageError, match="no place for d = 3"):
        family.with_table(text + text, 3, "")
