"""Text tables: right numbers, within the width, plain."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pandas as pd
import pytest

from hexmagic.analysis.tables.basic import CUTFLOW, FIDELITY, IDENTITY, POINTS
from hexmagic.analysis.text.tables import render_text

DEFAULTS: dict[str, Any] = {
    "run": "20261122-steane",
    "point": 0,
    "label": "fold14 d=3",
    "scheme": "fold14",
    "distance": 3,
    "rounds": 1,
    "reuse": "reset",
    "baseline": False,
    "device": "fake_boston",
    "noise": "calibration",
    "backend": "aer",
    "estimate": "raw",
    "readout": "detect",
    "level": 0.95,
}
VALUES: dict[str, tuple[float, float, float]] = {
    "acceptance": (0.7131, 0.7100, 0.7162),
    "x": (0.70615, 0.70102, 0.71128),
    "y": (-0.0031, -0.0119, 0.0057),
    "z": (0.70712, 0.70205, 0.71219),
    "fidelity": (0.99866, 0.99621, 1.00111),
    "infidelity": (0.00134, -0.00111, 0.00379),
}


def make_row(**fields: Any) -> dict[str, Any]:
    row = DEFAULTS | {"shots": 60000, "kept": 42786, "attempts_per_kept": 1.4023}
    for name, ends in VALUES.items():
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
    return row | {"method": "mover-wilson"} | fields


def make_frame(rows: list[dict[str, Any]], schema: Any = FIDELITY) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame[[*schema, *(c for c in frame if str(c).startswith("sweep."))]]


def make_fidelity() -> pd.DataFrame:
    bare = {"point": 1, "label": "bare", "acceptance_high": 1.0, "acceptance": 1.0}
    removed = make_row(**bare, estimate="readout_removed")
    return make_frame([make_row(), make_row(**bare), removed])


def make_points() -> pd.DataFrame:
    ends = {f"expectation{end}": VALUES["x"][i] for i, end in enumerate(("", "_low", "_high"))}
    return make_frame([make_row(basis=basis, **ends) for basis in "XYZ"], POINTS)


def make_cutflow() -> pd.DataFrame:
    rows = []
    for basis, n in (("X", 100), ("Y", 100), ("Z", 100), ("all", 300)):
        for criterion, entered, passed in (("encode", n, n), ("flags", n, 4 * n // 5)):
            rate = {"pass_rate": passed / entered, "pass_rate_low": 0.7, "pass_rate_high": 1.0}
            counts = {"entered": entered, "passed": passed, "failed": entered - passed}
            applied = {"criterion": criterion, "applied": criterion == "flags"}
            rows.append(make_row(basis=basis, **counts, **rate, **applied))
    return make_frame(rows, CUTFLOW)


def make_jobs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "job": ["a1", "b2"],
            "state": ["done", "failed"],
            "seconds": [1.23456789, None],
            "remote": [None, None],
            "error": [None, "the engine said\n  no " + "x" * 200],
        }
    )


EVERY = [make_fidelity, make_points, make_cutflow, make_jobs]


def test_the_fidelity_table_stacks_at_80_columns() -> None:
    assert render_text(make_fidelity(), 80) == (
        """\
Fidelity of |H>, 95 % intervals: Wilson; F by MOVER of Wilson
run 20261122-steane, fake_boston, noise calibration, backend aer, readout detect

point                  F                        accepted %              attempts
---------------------  -----------------------  ----------------------  --------
fold14 d=3             0.9987 [0.9962, 1.0011]   71.31 [71.00,  71.62]      1.40
bare                   0.9987 [0.9962, 1.0011]  100.00 [71.00, 100.00]      1.40
bare, readout removed  0.9987 [0.9962, 1.0011]  100.00 [71.00, 100.00]      1.40

point                  <X>             <Y>              <Z>
---------------------  --------------  ---------------  --------------
fold14 d=3             0.7062+-0.0051  -0.0031+-0.0088  0.7071+-0.0051
bare                   0.7062+-0.0051  -0.0031+-0.0088  0.7071+-0.0051
bare, readout removed  0.7062+-0.0051  -0.0031+-0.0088  0.7071+-0.0051

attempts: per kept state. +-: half the interval's width. F is a linear estimate:
it may exceed 1 by chance.
"""
    )


def test_the_cut_flow_shows_criteria_in_order_and_each_basis() -> None:
    assert render_text(make_cutflow(), 80) == (
        """\
Cut-flow: shots that pass each criterion in turn, 95 % Wilson intervals
run 20261122-steane, fake_boston, noise calibration, backend aer

fold14 d=3
criterion  entered  passed  passed %              X %    Y %    Z %
---------  -------  ------  ------------------  -----  -----  -----
encode         300     300  -                       -      -      -
flags          300     240  80.0 [70.0, 100.0]  80.00  80.00  80.00
kept           300     240  80.0 [75.1,  84.1]  80.00  80.00  80.00

"-": not applied (passes every shot), or no shot entered.
"""
    )


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
@pytest.mark.parametrize("make", EVERY)
def test_no_line_is_wider_than_asked(make: Any, width: int) -> None:
    lines = render_text(make(), width).splitlines()
    assert max(len(line) for line in lines) <= width
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("make", EVERY)
def test_text_is_plain_ascii(make: Any) -> None:
    text = render_text(make())
    assert text.isascii() and "\x1b" not in text and text.endswith("\n")


def test_long_labels_keep_both_ends_and_the_width() -> None:
    rows = [make_row(point=i, label=f"{'long ' * 30}{i}") for i in range(2)]
    text = render_text(make_frame(rows), 80)
    assert max(map(len, text.splitlines())) <= 80
    assert "long" in text and ".." in text
    assert any(line.split("  ")[0].endswith("1") for line in text.splitlines())


def test_the_noise_stands_in_each_row_only_if_it_differs() -> None:
    rows = [make_row(), make_row(point=1, noise="uniform 0.001")]
    same, different = (render_text(make_frame(r), 120) for r in (rows[:1], rows))
    assert "noise calibration," in same
    assert "noise calibration," not in different
    assert "uniform 0.001" in different.splitlines()[6]


def test_a_noise_that_the_label_tells_is_not_repeated() -> None:
    rows = [make_row(label=f"fold14, {n}", noise=n) for n in ("none", "calibration")]
    assert render_text(make_frame(rows), 120).count("calibration") == 2  # a row in each block


def test_swept_fields_tell_apart_what_the_labels_do_not() -> None:
    rows = [make_row(point=i, **{"sweep.seed": i}) for i in (7, 8)]
    assert "seed" in render_text(make_frame(rows))
    rows = [row | {"label": f"seed {row['point']}"} for row in rows]
    assert "  seed" not in render_text(make_frame(rows))


def test_several_runs_are_told_apart() -> None:
    text = render_text(make_frame([make_row(), make_row(run="another-run")]), 120)
    first, second = text.splitlines()[5:7]
    assert "20261122-steane" in first and "another-run" in second


def test_nothing_to_estimate_is_a_dash() -> None:
    nan = float("nan")
    row = make_row(fidelity=nan, fidelity_low=0.0, fidelity_high=1.0, attempts_per_kept=nan)
    line = render_text(make_frame([row]), 120).splitlines()[5]
    assert line.split()[2] == "-"
    assert "nan" not in line and "[0." not in line


def test_infinite_attempts_are_said() -> None:
    text = render_text(make_frame([make_row(attempts_per_kept=float("inf"))]))
    assert text.splitlines()[5].endswith(" inf")


def test_digits_follow_the_narrowest_interval() -> None:
    wide = make_row(fidelity=0.99, fidelity_low=0.9, fidelity_high=1.0)
    sharp = make_row(fidelity=0.999871, fidelity_low=0.99981, fidelity_high=0.99992)
    assert "0.990 [0.900, 1.000]" in render_text(make_frame([wide]))
    assert "0.99987 [0.99981, 0.99992]" in render_text(make_frame([wide, sharp]))


def test_the_level_stands_in_the_title() -> None:
    for make in (make_fidelity, make_points, make_cutflow):
        assert "68 %" in render_text(make().assign(level=0.68)).splitlines()[0]


def test_points_show_each_basis_with_its_interval() -> None:
    lines = render_text(make_points(), 80).splitlines()
    assert lines[3].split() == ["point", "P", "shots", "kept", "accepted", "%", "<P>"]
    assert lines[6].split("  ")[1:3] == ["Y", "60000"]
    assert lines[6].endswith("0.7062 [0.7010, 0.7113]")


def test_any_other_table_is_shown_without_its_empty_columns() -> None:
    text = render_text(make_jobs(), 80)
    assert text.startswith("2 rows\n")
    assert "remote" not in text
    assert "1.23457" in text and "the engine said no xxx" in text


def test_an_empty_table_says_so() -> None:
    assert render_text(pd.DataFrame(columns=list(IDENTITY))) == "no rows\n"


def test_a_table_read_back_from_csv_looks_the_same() -> None:
    for make in (make_fidelity, make_points, make_cutflow):
        again = pd.read_csv(StringIO(make().to_csv(index=False)))
        assert render_text(again) == render_text(make())


def test_the_reuse_policy_is_said_unless_it_is_the_usual_one() -> None:
    reset, xor = make_row(), make_row(point=1, reuse="xor")
    bare = make_row(point=2, label="bare", reuse=None)
    texts = [render_text(make_frame(rows), 120) for rows in ([reset, bare], [xor, bare])]
    assert ["reuse" in text for text in texts] == [False, True]
    assert "reuse xor" in texts[1].splitlines()[1]
    different = render_text(make_frame([reset, xor, bare]), 120).splitlines()
    assert different[3].split()[:2] == ["point", "reuse"]
    assert [line.split()[2] for line in different[5:8]] == ["reset", "xor", "0.9987"]


def make_many_jobs(*runs: str) -> pd.DataFrame:
    rows = [
        {
            **{"run": run, "job": f"{run[-4:]}{point}{basis}{shard:08d}-1", "point": point},
            **{"label": ("fold14 d=3 r=1", "bare")[point], "basis": basis, "shard": shard},
            **{"attempt": 1, "shots": 500, "seed": 10**18 + 7 * shard, "state": "done"},
            **{"changed": f"2026-11-23T14:33:{shard:02d}.714479+00:00", "detail": ""},
            **{"remote_id": "", "charged_seconds": float("nan")},
        }
        for run in runs
        for point in (0, 1)
        for basis in "XZ"
        for shard in range(3)
    ]
    return pd.DataFrame(rows)


def blocks_of(text: str) -> list[list[str]]:
    """Return the rows of each block of a table, without heading and rule."""
    blocks = [block.splitlines() for block in text.split("\n\n")]
    return [block[2:] for block in blocks if len(block) > 2 and set(block[1]) == {"-", " "}]


RUNS = ("steane-h-boston-20261123-143306-7dcf", "steane-h-boston-20261123-143948-7011")


@pytest.mark.parametrize("width", [40, 60, 80, 130])
@pytest.mark.parametrize("runs", [RUNS[:1], RUNS])
def test_every_block_of_the_jobs_tells_their_rows_apart(runs: tuple[str, ...], width: int) -> None:
    frame = make_many_jobs(*runs)
    text = render_text(frame, width)
    blocks = blocks_of(text)
    assert len(blocks) >= 1 + (width < 100)
    names = [tuple(job) for job in zip(frame["changed"], frame["job"], strict=True)]
    for block in blocks:
        assert len(block) == len(names)
        keys = {line.rpartition("  ")[0] for line in block}
        assert len(keys) == len(names), block[:4]
    assert max(map(len, text.splitlines())) <= width


def test_the_jobs_say_once_what_is_the_same_in_all() -> None:
    text = render_text(make_many_jobs(RUNS[0]), 80)
    assert text.splitlines()[:2] == [
        "12 jobs: attempts at shards",
        f"run {RUNS[0]}, attempt 1, shots 500, state done",
    ]
    assert text.count(RUNS[0]) == 1 and "remote_id" not in text
    for line in blocks_of(text)[1]:
        assert line.startswith(("fold14 d=3 r=1  ", "bare            "))
    failed = make_many_jobs(RUNS[0])
    failed.loc[5, "state"] = "failed"
    assert "state done" not in render_text(failed) and "failed" in render_text(failed)


def test_the_columns_that_tell_rows_apart_are_repeated_in_any_table() -> None:
    frame = pd.DataFrame(
        {
            "kind": ["a", "a", "b", "b"],
            "piece": [1, 2, 1, 2],
            "text": ["u" * 40, "u" * 40, "v" * 40, "v" * 40],
            "other": ["w" * 40, "w" * 40, "x" * 40, "x" * 40],
            "value": [0.5, 0.25, 0.5, 0.75],
        }
    )
    blocks = blocks_of(render_text(frame, 60))
    assert len(blocks) == 2
    for block in blocks:
        keys = [line.split()[:2] for line in block]
        assert keys == [["a", "1"], ["a", "2"], ["b", "1"], ["b", "2"]]


def test_rows_that_nothing_tells_apart_are_numbered() -> None:
    frame = pd.DataFrame({"a": ["x" * 45, "x" * 45, "y" * 45], "b": ["u" * 45, "u" * 45, "v" * 45]})
    blocks = blocks_of(render_text(frame, 60))
    assert len(blocks) == 2
    for block in blocks:
        assert [line.split()[0] for line in block] == ["1", "2", "3"]
