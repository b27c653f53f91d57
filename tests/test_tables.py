"""Tables: the documented columns, the right counts, and nothing lost at the edges."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import fields, replace
from math import inf, isnan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hexmagic.analysis.comparison import COMBINED, DIFFERENCES
from hexmagic.analysis.cut_counts import count_cuts
from hexmagic.analysis.points import PointCounts, PointInfo, PointShots
from hexmagic.analysis.tables import basic as tables
from hexmagic.analysis.tables import drift, flags, predicted, selection, states
from hexmagic.analysis.tables.basic import CUTFLOW, FIDELITY, IDENTITY, POINTS
from hexmagic.analysis.tables.drift import DRIFT
from hexmagic.analysis.tables.flags import FLAGS
from hexmagic.analysis.tables.predicted import PREDICTED
from hexmagic.analysis.tables.selection import SELECTION
from hexmagic.analysis.tables.shots import shots_table
from hexmagic.analysis.tables.states import STATES
from hexmagic.analysis.tables.strata import STRATA
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.criteria import CRITERIA
from hexmagic.experiments.record import Bit, FaceParity, Logical, RecordMap
from hexmagic.experiments.shots import Shots, pack_shots
from hexmagic.experiments.spec import Accept

ACCEPT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
BASES: tuple[Basis, ...] = ("X", "Y", "Z")


def count_point(point: PointShots) -> PointCounts:
    """Return a point with what its shots count."""
    info = {f.name: getattr(point, f.name) for f in fields(PointInfo)}
    cuts = {name: count_cuts(shots) for name, shots in point.shots.items()}
    counts = {name: one.under(point.accept) for name, one in cuts.items()}
    return PointCounts(**info, counts=counts, cuts=cuts)


def counting(table: Callable[..., pd.DataFrame]) -> Callable[..., pd.DataFrame]:
    """Return the table function for points with shots."""
    return lambda points, **options: table([count_point(point) for point in points], **options)


fidelity_table = counting(tables.fidelity_table)
cutflow_table = counting(tables.cutflow_table)
points_table = counting(tables.points_table)
selection_table = counting(selection.selection_table)
states_table = counting(states.states_table)
drift_table = counting(drift.drift_table)
flags_table = counting(flags.flags_table)
predicted_table = counting(predicted.predicted_table)


def make_bit(register: str, index: int, role: Any, basis: Basis) -> Bit:
    return Bit(
        register=register,
        index=index,
        role=role,
        stage="readout" if role == "data" else "detection",
        round=0,
        face=None,
        qubit=index,
        basis=basis,
        expected=None if role == "data" else 0,
    )


def make_record(basis: Basis, *, flags: int = 1, data: int = 2) -> RecordMap:
    bits = [make_bit("flag", i, "flag", basis) for i in range(flags)]
    bits += [make_bit("data", i, "data", basis) for i in range(data)]
    keys = [("data", i) for i in range(data)]
    faces = (FaceParity(basis=basis, bits=tuple(keys), expected=0),) if data > 1 else ()
    return RecordMap(
        bits=tuple(bits), faces=faces, logical=Logical(basis=basis, sign=1, bits=(keys[0],))
    )


def make_shots(basis: Basis, rows: str, **fields: int) -> Shots:
    """Return shots from words such as "010 100": flag bits, then data bits."""
    record = make_record(basis, **fields)
    bits = np.array([[c == "1" for c in row] for row in rows.split()], dtype=np.bool_)
    return pack_shots(bits.reshape(-1, len(record.bits)), record)


def make_point(**fields: Any) -> PointShots:
    shots: dict[Basis, Shots] = {
        "X": make_shots("X", "000 000 011 100"),  # one flag; <X> = (2 - 1) / 3
        "Y": make_shots("Y", "000 011"),
        "Z": make_shots("Z", "000 000 001 110"),  # one face, one flag; <Z> = 1
    }
    given: dict[str, Any] = {
        "run": "r1",
        "point": 0,
        "label": "fold14 d=3",
        "scheme": "fold14",
        "distance": 3,
        "rounds": 1,
        "baseline": False,
        "device": "fake_boston",
        "noise": "calibration",
        "backend": "aer",
        "swept": {},
        "accept": ACCEPT,
        "shots": shots,
    }
    return PointShots(**(given | fields))


def make_bare(**fields: Any) -> PointShots:
    shots = {b: make_shots(b, "0 0 0 0 0 0 0 0 0 1", flags=0, data=1) for b in BASES}
    given = {"scheme": "bare", "distance": None, "rounds": None, "baseline": True}
    return make_point(**(given | {"label": "bare", "shots": shots} | fields))


def documented(heading: str) -> dict[str, str]:
    text = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.split(f"## {heading}")[1], flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| (\w+) \| (\w+) \|", section, re.MULTILINE)[1:])


@pytest.mark.parametrize(
    ("heading", "schema"),
    [
        ("fidelity: one row", FIDELITY),
        ("cutflow: one row", CUTFLOW),
        ("points: one row", POINTS),
        ("strata: one row", STRATA),
        ("states: one row", STATES),
        ("drift: one row", DRIFT),
        ("flags: one row", FLAGS),
        ("predicted: one row", PREDICTED),
    ],
)
def test_the_documentation_lists_every_column_with_its_dtype(
    heading: str, schema: dict[str, str]
) -> None:
    assert list((documented("Every table") | documented(heading)).items()) == list(schema.items())


@pytest.mark.parametrize(
    ("heading", "schema"),
    [("differences: one row", DIFFERENCES), ("combined: one row", COMBINED)],
)
def test_the_documentation_lists_every_column_of_several_runs(
    heading: str, schema: dict[str, str]
) -> None:
    assert list(documented(heading).items()) == list(schema.items())


def test_the_documentation_of_the_selection_adds_to_that_of_the_fidelity() -> None:
    both = documented("Every table") | documented("selection: one row")
    assert list((both | documented("fidelity: one row")).items()) == list(SELECTION.items())


@pytest.mark.parametrize(
    ("make", "schema"),
    [
        (fidelity_table, FIDELITY),
        (cutflow_table, CUTFLOW),
        (points_table, POINTS),
        (selection_table, SELECTION),
        (states_table, STATES),
        (drift_table, DRIFT),
        (flags_table, FLAGS),
        (predicted_table, PREDICTED),
    ],
)
def test_columns_and_dtypes_do_not_depend_on_the_rows(make: Any, schema: dict[str, str]) -> None:
    for points in ([], [make_bare()], [make_point(), make_bare()], [make_point(shots={})]):
        dtypes = {name: str(dtype) for name, dtype in make(points).dtypes.items()}
        assert list(dtypes.items()) == list(schema.items())


def test_the_identity_of_a_point_stands_in_every_row() -> None:
    for make in (fidelity_table, cutflow_table, points_table):
        frame = make([make_point(), make_bare(point=1)])
        row = frame[frame["point"] == 1].iloc[0]
        assert list(frame.columns[: len(IDENTITY)]) == list(IDENTITY)
        assert (row["label"], row["scheme"], row["baseline"]) == ("bare", "bare", True)
        assert row["distance"] is pd.NA
        assert frame["rounds"].iloc[0] == 1


def test_the_fidelity_row_of_known_shots() -> None:
    row = fidelity_table([make_point()]).iloc[0]
    assert (row["shots"], row["kept"], row["acceptance"]) == (10, 7, 0.7)
    assert row["attempts_per_kept"] == pytest.approx(1 / 0.7)
    assert (row["x"], row["y"], row["z"]) == (pytest.approx(1 / 3), 0, 1)
    assert row["fidelity"] == pytest.approx((1 + (4 / 3) / np.sqrt(2)) / 2)
    assert row["fidelity_low"] < row["fidelity"] < row["fidelity_high"]
    assert row["x_low"] < row["x"] < row["x_high"]
    assert (row["estimate"], row["method"], row["level"]) == ("raw", "mover-wilson", 0.95)


def test_the_points_rows_of_known_shots() -> None:
    frame = points_table([make_point()]).set_index("basis")
    assert list(frame.index) == ["X", "Y", "Z"]
    assert frame["shots"].to_list() == [4, 2, 4]
    assert frame["kept"].to_list() == [3, 2, 2]
    assert frame["acceptance"].to_list() == [0.75, 1, 0.5]
    assert frame["expectation"].to_list() == [pytest.approx(1 / 3), 0, 1]


def test_the_cut_flow_of_all_bases_is_the_sum_of_each() -> None:
    frame = cutflow_table([make_point()])
    every = frame[frame["basis"] == "all"].set_index("criterion")
    assert list(every.index) == list(CRITERIA)
    assert every["entered"].to_list() == [10, 10, 10, 8, 8]
    assert every["passed"].to_list() == [10, 10, 8, 8, 7]
    assert every["failed"].to_list() == [0, 0, 2, 0, 1]
    assert every["applied"].to_list() == [False, False, True, False, True]
    assert every["pass_rate"].loc["flags"] == 0.8
    parts = frame[frame["basis"] != "all"].groupby("criterion")[["entered", "passed"]].sum()
    assert parts.loc[list(CRITERIA)].equals(every[["entered", "passed"]])


def test_reading_out_with_correction_is_named_and_keeps_more() -> None:
    corrected = make_point(accept=replace(ACCEPT, readout="correct"))
    frame = fidelity_table([make_point(), corrected])
    assert frame["readout"].to_list() == ["detect", "correct"]
    assert frame["kept"].to_list() == [7, 8]


def test_a_bare_point_has_a_second_row_with_the_readout_error_removed() -> None:
    frame = fidelity_table([make_bare(readout_error=(0.02, 0.06)), make_bare()])
    raw, removed, _ = (frame.iloc[i] for i in range(3))
    assert frame["estimate"].to_list() == ["raw", "readout_removed", "raw"]
    assert removed["z"] == pytest.approx((raw["z"] - 0.04) / 0.92)
    assert removed["z_high"] - removed["z_low"] > raw["z_high"] - raw["z_low"]
    assert removed["fidelity"] != raw["fidelity"]
    assert removed["acceptance"] == raw["acceptance"] == 1
    assert removed["method"] == "mover-wilson-unfolded"


def test_swept_fields_are_columns_at_the_end_with_their_own_type() -> None:
    points = [
        make_point(swept={"device.noise.uniform": 1e-3, "protocol.distance": 3, "a": 1}),
        make_point(swept={"device.noise.uniform": 0, "protocol.distance": 5, "a": "best"}),
        make_point(point=2),
    ]
    frame = fidelity_table(points)
    sweep = frame.iloc[:, len(FIDELITY) :]
    assert {name: str(dtype) for name, dtype in sweep.dtypes.items()} == {
        "sweep.device.noise.uniform": "float64",
        "sweep.protocol.distance": "Int64",
        "sweep.a": "str",
    }
    assert sweep["sweep.a"].to_list()[:2] == ["1", "best"]
    assert sweep.iloc[2].isna().all()


def test_a_switch_that_is_swept_is_a_boolean_column() -> None:
    frame = points_table([make_point(swept={"accept.flags": True})])
    assert str(frame["sweep.accept.flags"].dtype) == "boolean"


def test_a_higher_level_widens_every_interval() -> None:
    for make, name in (
        (fidelity_table, "fidelity"),
        (cutflow_table, "pass_rate"),
        (points_table, "acceptance"),
    ):
        frames = [make([make_point()], level=level) for level in (0.68, 0.99)]
        narrow, wide = ((f[f"{name}_high"] - f[f"{name}_low"]).max() for f in frames)
        assert wide > narrow
        assert frames[1]["level"].eq(0.99).all()


# Edges


def test_a_missing_basis_is_nan_with_the_whole_range() -> None:
    whole = make_point()
    row = fidelity_table([make_point(shots={"X": whole.shots["X"]})]).iloc[0]
    assert not isnan(row["x"])
    assert isnan(row["z"]) and (row["z_low"], row["z_high"]) == (-1, 1)
    assert isnan(row["fidelity"]) and (row["fidelity_low"], row["fidelity_high"]) == (0, 1)
    assert (row["shots"], row["kept"]) == (4, 3)


def test_nothing_kept_is_nan_with_the_whole_range_and_infinite_attempts() -> None:
    shots = {b: make_shots(b, "100 101") for b in BASES}
    row = fidelity_table([make_point(shots=shots)]).iloc[0]
    assert isnan(row["fidelity"]) and (row["fidelity_low"], row["fidelity_high"]) == (0, 1)
    assert (row["acceptance"], row["attempts_per_kept"]) == (0, inf)
    assert 0 == row["acceptance_low"] < row["acceptance_high"] < 1


def test_no_shots_are_nan_everywhere_without_a_warning() -> None:
    point = make_bare(shots={b: make_shots(b, "", flags=0, data=1) for b in BASES})
    row = fidelity_table([replace(point, readout_error=(0.01, 0.02))]).iloc[1]
    assert isnan(row["acceptance"]) and (row["acceptance_low"], row["acceptance_high"]) == (0, 1)
    assert isnan(row["attempts_per_kept"]) and isnan(row["x"]) and isnan(row["fidelity"])
    assert (row["x_low"], row["x_high"]) == (-1, 1)
    assert cutflow_table([point])["pass_rate"].isna().all()
    assert points_table([point])["expectation"].isna().all()
    assert len(shots_table(point)) == 0


def test_shots_filed_under_the_wrong_basis_are_refused() -> None:
    with pytest.raises(ValueError, match="shots of basis X have a record map that reads Z"):
        make_point(shots={"X": make_shots("Z", "000")})


def test_a_readout_error_of_an_encoded_point_is_refused() -> None:
    shots = make_shots("Z", "000")
    logical = Logical(basis="Z", sign=1, bits=(("data", 0), ("data", 1)))
    pair = Shots(record=replace(shots.record, logical=logical), packed=shots.packed)
    with pytest.raises(ValueError, match="single qubit only, not from 2"):
        make_point(shots={"Z": pair}, readout_error=(0.1, 0.1))


# Shots


def test_the_shots_table_shows_every_bit_and_the_verdict() -> None:
    frame = shots_table(make_point())
    z = frame[frame["shot", "basis"] == "Z"].reset_index(drop=True)
    assert len(frame) == 10
    assert frame.columns.names == ["role", "bit"]
    assert z["flag", "flag[0]"].to_list() == [False, False, False, True]
    assert z["data", "data[0]"].to_list() == [False, False, False, True]
    assert z["data", "data[1]"].to_list() == [False, False, True, False]
    assert z["verdict", "kept"].to_list() == [True, True, False, False]
    assert z["verdict", "first_failed"].to_list()[2:] == ["readout", "flags"]
    assert z["verdict", "first_failed"].isna().to_list()[:2] == [True, True]
    assert z["verdict", "logical"].to_list() == [1, 1, 1, -1]
    assert z["shot", "number"].to_list() == [0, 1, 2, 3]


def test_the_shots_table_has_stable_dtypes() -> None:
    expected = {"bool", "category", "int8", "str", "int64"}
    empty = make_point(shots={b: make_shots(b, "") for b in BASES})
    for point in (make_point(), empty):
        frame = shots_table(point)
        assert set(frame.dtypes.astype(str)) == expected
        assert list(frame["verdict", "first_failed"].cat.categories) == list(CRITERIA)


def test_the_shots_table_reproduces_the_points_table() -> None:
    point = make_point()
    frame = shots_table(point)
    kept = frame[frame["verdict", "kept"]]
    means = kept.groupby(("shot", "basis"))[[("verdict", "logical")]].mean()
    expected = points_table([point])["expectation"].to_list()
    assert means.to_numpy().ravel().tolist() == pytest.approx(expected)


def test_a_bit_that_only_one_basis_records_is_missing_in_the_others() -> None:
    shots = {"X": make_shots("X", "0000", flags=2), "Z": make_shots("Z", "000")}
    column = shots_table(make_point(shots=shots))["flag", "flag[1]"]
    assert str(column.dtype) == "boolean"
    assert column.isna().to_list() == [False, True]


def test_tables_survive_parquet(tmp_path: Path) -> None:
    point = make_point(swept={"device.noise.uniform": 1e-3})
    for make in (fidelity_table, cutflow_table, points_table):
        make([point, make_bare()]).to_parquet(tmp_path / "t.parquet")
        again = pd.read_parquet(tmp_path / "t.parquet")
        pd.testing.assert_frame_equal(again, make([point, make_bare()]))
    shots_table(point).to_parquet(tmp_path / "s.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "s.parquet"), shots_table(point))
