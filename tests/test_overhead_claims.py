"""What the comparison of overheads claims: nothing beyond its intervals, and against whom."""

from __future__ import annotations

import pandas as pd
import pytest
from fakes.attempts import ATTEMPT, ON_DEVICE, compare, make_row

from hexmagic.analysis.overhead.comparison import comparison, measured_points, run_points
from hexmagic.analysis.overhead.distillation import DISTILLATIONS
from hexmagic.analysis.overhead.published_experiments import published_experiments
from hexmagic.analysis.text.overhead_claims import headline

GOOD = {"infidelity": 1e-8, "infidelity_low": 5e-9, "infidelity_high": 2e-8}
SHIPPED = comparison(measured_points())


def claim(table: pd.DataFrame, about: str) -> str:
    """Return the one sentence that names a protocol or source."""
    (found,) = [text for text in headline(table) if about in text.partition(": none")[0][:90]]
    return found


def test_each_protocol_is_told_of_with_what_it_is_best_at() -> None:
    texts = headline(compare(ATTEMPT, **GOOD))[:4]
    described = [text.partition(" qubits, ")[0].removeprefix("p = 1e-4, ") for text in texts]
    assert described == [
        "15-to-1 (9,3,3) small (fewest qubits: 762",
        "15-to-1 (7,3,3) (least space-time: 810",
        "15-to-1 (9,3,3) (1150",
        "15-to-1 (11,5,5) (lowest error: 2070",
    ]


def test_only_what_the_whole_interval_lies_below_is_reached() -> None:
    table = compare(ATTEMPT, **GOOD)
    text = claim(table, "(7,3,3)")
    assert "error 4.4e-8): reached by d=3 fold14 correct with 1.0e-8 [5.0e-9, 2.0e-8]" in text
    assert "28.9 times fewer qubits on average, up to 137 times fewer two-qubit gates" in text
    row = table[table["source"] == "hexmagic"].iloc[0]
    assert (row["reaches"], row["undecided"]) == ("15-to-1 (7,3,3)", "none")
    for other in ("(9,3,3) small", "(9,3,3) (1150", "(11,5,5)"):
        assert "none of ours is known to reach it" in claim(table, other)
        assert "not the same state" in claim(table, other)


def test_an_interval_that_holds_the_error_decides_nothing() -> None:
    table = compare(ATTEMPT, **GOOD | {"infidelity_low": 1.2e-9, "infidelity_high": 5e-8})
    row = table[table["source"] == "hexmagic"].iloc[0]
    assert row["reaches"] == "none"
    assert row["undecided"] == "15-to-1 (7,3,3); 15-to-1 (9,3,3) small"
    text = claim(table, "(7,3,3)")
    assert "none of ours is known to reach it" in text
    assert "0.227 times its error (an interval that holds that error as well)" in text
    assert "holds that error" not in claim(table, "(11,5,5)")


def test_the_nearest_is_not_the_least_known() -> None:
    vague = GOOD | {"infidelity": 1e-10, "infidelity_low": 1e-12, "infidelity_high": 1e-6}
    rows = [make_row(**GOOD), make_row(scheme="fold", **vague)]
    points = run_points(pd.DataFrame(rows), {("r-1", 0): ATTEMPT})
    text = claim(comparison(points), "(11,5,5)")
    assert "The nearest, d=3 fold14 correct" in text
    assert text.endswith(
        "not the same state. Nothing can be claimed of d=3 fold correct: the interval "
        "holds that error."
    )


def test_what_takes_more_is_not_called_less() -> None:
    text = claim(compare(ATTEMPT, acceptance=0.01, **GOOD), "(7,3,3)")
    assert "on 1.73 times more qubits on average, up to 2.74 times fewer two-qubit gates" in text


def test_a_checked_state_is_never_claimed_without_the_corrected_one() -> None:
    rows = [make_row(readout="detect", infidelity=1e-7), make_row()]
    points = run_points(pd.DataFrame(rows), {("r-1", 0): ATTEMPT})
    texts = headline(comparison(points))
    assert "after ideal detection (a check without errors or cost)" in texts[0]
    best = "as it stands: after ideal correction the best of ours is d=3 fold14 correct with"
    assert sum(f"{best} 1.00(10)e-6, 22.7 times the error of" in text for text in texts) == 1


def test_others_are_told_of_where_they_are_better() -> None:
    table = compare(ATTEMPT, **GOOD)
    assert "Less have, with their acceptance: d=3 fold14 correct (0.500)." in headline(table)[-1]
    table = compare(ATTEMPT, noise="paper 0.001")
    assert "Gidney 2024 (|T>, cultivation without escape) has 9.0e-7" in headline(table)[-1]
    assert "None of ours is known to have less" in headline(table)[-1]
    on_device = headline(compare(ON_DEVICE, noise="calibration", device="fake_boston"))
    assert on_device[-1].startswith(
        "fake_boston, noise calibration, simulated by others at p = 1e-3: Gidney 2024"
    )


def test_nothing_is_claimed_of_an_unknown_infidelity() -> None:
    unknown = dict.fromkeys(("infidelity", "infidelity_low", "infidelity_high"), float("nan"))
    assert headline(compare(ATTEMPT, **unknown)) == ()


@pytest.mark.parametrize("p", [1e-4, 1e-3])
def test_what_ships_is_set_beside_every_protocol_and_every_simulation(p: float) -> None:
    texts = [
        text for text in headline(SHIPPED) if text.startswith(f"p = {p:.0e}".replace("-0", "-"))
    ]
    for protocol in DISTILLATIONS:
        assert sum(f", {protocol.name} (" in text for text in texts) == (protocol.p == p)
    table = published_experiments()
    for row in table[table["kind"] == "simulation"].to_dict("records"):
        assert sum(f"{row['source']} (" in text for text in texts) == sum(
            (table["source"] == row["source"]) & (table["p"] == p)
        )
