"""Twelve shots that a person can judge go through every table, with answers computed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan, sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hexmagic.analysis.cut_counts import CutCounts, count_cuts
from hexmagic.analysis.points import BASES, PointCounts, PointShots, QubitPlace
from hexmagic.analysis.tables.basic import cutflow_table, fidelity_table, points_table
from hexmagic.analysis.tables.drift import drift_table
from hexmagic.analysis.tables.flags import flags_table
from hexmagic.analysis.tables.predicted import predicted_table
from hexmagic.analysis.tables.selection import selection_table
from hexmagic.analysis.tables.shots import shots_table
from hexmagic.analysis.tables.states import states_table
from hexmagic.analysis.tables.strata import strata_table
from hexmagic.experiments.colour_code import Basis
from hexmagic.experiments.criteria import CRITERIA
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.record import Bit, FaceParity, Logical, RecordMap
from hexmagic.experiments.shots import Shots, pack_shots
from hexmagic.experiments.spec import Accept

# A circuit with one bit of every kind and three data bits that should agree. `syn` should read 1,
# all else 0. `late` was measured without a reset after `flag`: its value is late XOR flag.
# The outcome is the parity of the data: 000 is +1 and 111 is -1; in Z the sign is the other one.
# A single data bit that differs from the other two is what "correct" flips back.
TWELVE = """
        enc had flag late syn  data    fails       as read  corrected
  X      0   0   0    0    1   000     -             +1        +1
  X      0   0   0    0    1   111     -             -1        -1
  X      0   0   0    0    1   000     -             +1        +1
  X      0   0   0    0    1   001     readout       -1        +1
  Y      0   0   0    0    1   000     -             +1        +1
  Y      0   0   0    0    1   111     -             -1        -1
  Y      0   1   0    0    1   000     hadamard      +1        +1
  Z      0   0   0    0    1   111     -             +1        +1
  Z      0   0   1    1    1   111     flags         +1        +1
  Z      0   0   0    0    0   111     syndromes     +1        +1
  Z      1   0   0    0    1   000     encode        -1        -1
  Z      0   0   0    0    1   011     readout       -1        +1
"""
ROWS = [line.split() for line in TWELVE.strip().splitlines()[1:]]

ACCEPT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
CORRECT = Accept(hadamard=True, flags=True, syndromes=True, readout="correct")


def make_bit(register: str, index: int, role: Any, stage: Any, basis: Basis, **more: Any) -> Bit:
    given: dict[str, Any] = {"round": 1, "face": None, "qubit": index, "expected": 0}
    given |= {"register": register, "index": index, "role": role, "stage": stage, "basis": basis}
    return Bit(**(given | more))


def make_record(basis: Basis) -> RecordMap:
    data = [("data", i) for i in range(3)]
    return RecordMap(
        bits=(
            make_bit("enc", 0, "flag", "encode", basis, qubit=3, round=0),
            make_bit("had", 0, "hadamard", "hadamard", basis, qubit=4),
            make_bit("flag", 0, "flag", "hadamard", basis, qubit=5),
            make_bit("late", 0, "flag", "detection", basis, qubit=5, xor=(("flag", 0),)),
            make_bit("syn", 0, "syndrome", "detection", basis, qubit=6, face=1, expected=1),
            *(
                make_bit("data", i, "data", "readout", basis, round=0, expected=None)
                for i in range(3)
            ),
        ),
        faces=(
            FaceParity(basis=basis, bits=(data[0], data[1]), expected=0),
            FaceParity(basis=basis, bits=(data[1], data[2]), expected=0),
        ),
        logical=Logical(basis=basis, sign=-1 if basis == "Z" else 1, bits=tuple(data)),
    )


def make_shots(basis: Basis) -> Shots:
    words = ["".join(row[1:7]) for row in ROWS if row[0] == basis]
    bits = np.array([[c == "1" for c in word] for word in words])
    return pack_shots(bits, make_record(basis))


def make_info(accept: Accept) -> dict[str, Any]:
    return {
        **{"run": "r", "point": 0, "label": "twelve", "scheme": "fold14", "distance": 3},
        **{"rounds": 1, "baseline": False, "device": "paper", "noise": "none", "backend": "hand"},
        **{"swept": {}, "accept": accept, "reuse": "xor"},
        "places": {5: QubitPlace(device_qubit=105, name="f1")},
    }


def make_point(accept: Accept = ACCEPT, **more: Any) -> PointCounts:
    """The twelve shots, each basis in two parts: its first half and its second."""
    cuts: dict[Measure, CutCounts] = {b: count_cuts(make_shots(b), parts=2) for b in BASES}
    counts = {measure: found.under(accept) for measure, found in cuts.items()}
    return PointCounts(**make_info(accept), counts=counts, cuts=cuts, **more)


def cells(frame: pd.DataFrame, row: str, columns: Sequence[str]) -> list[int]:
    return [int(frame.loc[row].to_dict()[name]) for name in columns]


def rows_of(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """Return columns row by row; floats to nine digits, NaN as None."""
    return [
        tuple(_plain(value) for value in row)
        for row in frame[list(columns)].itertuples(index=False)
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if isnan(value) else round(value, 9)
    return None if value is pd.NA else value


def rounded(*values: float) -> Iterator[float]:
    return (round(value, 9) for value in values)


def test_fidelity() -> None:
    # detect keeps X + - +, Y + -, Z +: <X> = 1/3, <Y> = 0, <Z> = 1.
    # correct keeps X4 (+) and Z5 (+) too: <X> = 2/4, <Y> = 0, <Z> = 1; F may exceed 1.
    columns = ("readout", "shots", "kept", "acceptance", "attempts_per_kept", "x", "y", "z")
    for accept, kept, x in ((ACCEPT, 6, 1 / 3), (CORRECT, 8, 1 / 2)):
        table = fidelity_table([make_point(accept)])
        numbers = rounded(kept / 12, 12 / kept, x, 0.0, 1.0)
        assert rows_of(table, *columns) == [(accept.readout, 12, kept, *numbers)]
        assert table["fidelity"][0] == pytest.approx((1 + (x + 1) / sqrt(2)) / 2)
        assert table["infidelity"][0] == pytest.approx(1 - table["fidelity"][0])


def test_cutflow() -> None:
    flow = cutflow_table([make_point()]).pivot(index="basis", columns="criterion", values="passed")
    #                encode, hadamard, flags, syndromes, readout: shots that are left
    assert cells(flow, "X", CRITERIA) == [4, 4, 4, 4, 3]
    assert cells(flow, "Y", CRITERIA) == [3, 2, 2, 2, 2]
    assert cells(flow, "Z", CRITERIA) == [4, 4, 3, 2, 1]
    assert cells(flow, "all", CRITERIA) == [11, 10, 9, 8, 6]
    table = cutflow_table([make_point(CORRECT)])
    last = table[table["criterion"] == "readout"]
    assert rows_of(last, "basis", "applied", "entered", "failed") == [
        ("X", False, 4, 0),
        ("Y", False, 2, 0),
        ("Z", False, 2, 0),
        ("all", False, 8, 0),
    ]


def test_points() -> None:
    columns = ("basis", "readout", "shots", "kept", "acceptance", "expectation")
    assert rows_of(points_table([make_point()]), *columns) == [
        ("X", "detect", 4, 3, 0.75, 0.333333333),
        ("Y", "detect", 3, 2, 0.666666667, 0.0),
        ("Z", "detect", 5, 1, 0.2, 1.0),
    ]
    assert rows_of(points_table([make_point(CORRECT)]), *columns) == [
        ("X", "correct", 4, 4, 1.0, 0.5),
        ("Y", "correct", 3, 2, 0.666666667, 0.0),
        ("Z", "correct", 5, 2, 0.4, 1.0),
    ]


def test_selection() -> None:
    columns = ("without", "readout", "asked", "kept", "x", "y", "z")
    third = 0.333333333
    assert rows_of(selection_table([make_point()]), *columns) == [
        ("", "detect", True, 6, third, 0, 1),  # what is asked
        ("encode", "detect", False, 7, third, 0, 0),  # Z4 (-) joins
        ("hadamard", "detect", False, 7, third, third, 1),  # Y3 (+)
        ("flags", "detect", False, 7, third, 0, 1),  # Z2 (+)
        ("syndromes", "detect", False, 7, third, 0, 1),  # Z3 (+)
        ("readout", "detect", False, 8, 0, 0, 0),  # X4 (-) and Z5 (-), as read
        ("everything", "detect", False, 12, 0, third, 0.2),  # Z: + + + - -
        ("", "correct", False, 8, 0.5, 0, 1),  # X4 (+) and Z5 (+), corrected
        ("encode", "correct", False, 9, 0.5, 0, third),
        ("hadamard", "correct", False, 9, 0.5, third, 1),
        ("flags", "correct", False, 9, 0.5, 0, 1),
        ("syndromes", "correct", False, 9, 0.5, 0, 1),
        ("everything", "correct", False, 12, 0.5, third, 0.6),  # Z: + + + - +
    ]


def test_drift() -> None:
    # Two parts; shot k of n is in part 2k // n: X 2 and 2, Y 2 and 1, Z 3 and 2 shots.
    columns = ("basis", "part", "shots", "kept", "acceptance", "expectation")
    table = drift_table([make_point()])
    assert rows_of(table, *columns) == [
        ("X", 0, 2, 2, 1.0, 0.0),  # + -
        ("X", 1, 2, 1, 0.5, 1.0),  # +, and one that fails the readout
        ("Y", 0, 2, 2, 1.0, 0.0),  # + -
        ("Y", 1, 1, 0, 0.0, None),
        ("Z", 0, 3, 1, 0.333333333, 1.0),  # +, and two that fail
        ("Z", 1, 2, 0, 0.0, None),
    ]
    # X: one of four is lost, as unlikely here as there. Y: the one of three that is lost is in
    # the part with one shot, 1/3. Z: of five one is kept; in either part is as far from even.
    p_values = table["acceptance_p_value"].tolist()
    assert p_values == pytest.approx([1, 1, 1 / 3, 1 / 3, 1, 1], abs=0.02)


def test_states() -> None:
    # (1/3, 0, 1) and (1/2, 0, 1) are longer than 1, so the most likely state is pure, y = 0:
    # (sin t, 0, cos t) where the likelihood (1 + x)^2 (1 - x) (1 + z) is largest, that is
    # 2 cos t/(1 + sin t) - cos t/(1 - sin t) = sin t/(1 + cos t); of correct the exponents are
    # 3, 1 and 2. F = (1 + (x + z)/sqrt 2)/2.
    table = states_table([make_point()])
    assert rows_of(table, "readout", "asked", "shots", "kept") == [
        ("detect", True, 12, 6),
        ("correct", False, 12, 8),
    ]
    found = table[["x", "y", "z", "fidelity", "length"]].to_numpy()
    assert found[0] == pytest.approx([0.286591, 0, 0.958053, 0.940048, 1], abs=1e-5)
    assert found[1] == pytest.approx([0.403585, 0, 0.914942, 0.966170, 1], abs=1e-5)


def test_flags() -> None:
    # Of all shots, kept or not: X4 breaks the second face, Z5 the first; Z2's flag fires, and
    # `late` does not, as 1 XOR 1 = 0.
    table = flags_table([make_point()])
    names = table["register"].where(table["register"] != "", table["name"])
    fired = table.assign(bit=names).pivot(index="basis", columns="bit", values="fired")
    bits = ["enc", "had", "flag", "late", "syn", "face 0", "face 1"]
    assert cells(fired, "X", bits) == [0, 0, 0, 0, 0, 0, 1]
    assert cells(fired, "Y", bits) == [0, 1, 0, 0, 0, 0, 0]
    assert cells(fired, "Z", bits) == [1, 0, 1, 0, 1, 1, 0]
    z = table[table["basis"] == "Z"]
    assert set(rows_of(z, "shots", "predicted", "pull")) == {(5, None, None)}
    assert rows_of(z[z["register"] == "flag"], "rate", "device_qubit", "name") == [(0.2, 105, "f1")]


def test_flags_and_estimates_beside_a_prediction() -> None:
    # The prediction is the twelve shots themselves, so each number meets its own.
    point = make_point(predicted={basis: count_cuts(make_shots(basis)) for basis in BASES})
    flags = flags_table([point])
    assert (flags["predicted"] == flags["rate"]).all()
    assert (flags["pull"] == 0).all()
    table = predicted_table([point]).set_index(["basis", "quantity"])
    assert table.loc[("all", "acceptance"), "measured"] == 0.5
    assert table.loc[("all", "x"), "measured"] == pytest.approx(1 / 3)
    assert table.loc[("Z", "pass encode"), "measured"] == pytest.approx(4 / 5)
    assert table.loc[("all", "pass readout"), "measured"] == pytest.approx(6 / 8)
    assert table["predicted"].tolist() == table["measured"].tolist()
    assert (table["pull"] == 0).all()


def test_shots() -> None:
    for accept, outcome in ((ACCEPT, 8), (CORRECT, 9)):
        shots: dict[Measure, Shots] = {basis: make_shots(basis) for basis in BASES}
        table = shots_table(PointShots(**make_info(accept), shots=shots))
        asked = [row[7] if accept is ACCEPT or row[7] != "readout" else "-" for row in ROWS]
        assert table["shot", "basis"].tolist() == [row[0] for row in ROWS]
        assert table["verdict", "kept"].tolist() == [name == "-" for name in asked]
        first = table["verdict", "first_failed"].astype(object).fillna("-")
        assert first.tolist() == asked
        assert table["verdict", "logical"].tolist() == [int(row[outcome]) for row in ROWS]
        flag, late = (table["flag", f"{name}[0]"].tolist() for name in ("flag", "late"))
        assert flag == [row[3] == "1" for row in ROWS]
        assert late == [row[3] != row[4] for row in ROWS]
    assert table["shot", "number"].tolist() == [0, 1, 2, 3, 0, 1, 2, 0, 1, 2, 3, 4]


def test_strata_have_no_rows_because_nothing_was_sampled_by_strata() -> None:
    assert strata_table([make_point()]).empty
