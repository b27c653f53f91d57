"""The explorer: shots by hand under every choice of cuts, and the choice that is the run's own."""

from __future__ import annotations

import asyncio
import io
import socket
import sys
from collections.abc import MutableMapping
from dataclasses import replace
from itertools import chain, combinations, product
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from fakes.commands import Call, make_call, one_line
from fakes.world import make_services, write_spec

from hexmagic.analysis.choice import (
    Choice,
    Faces,
    accept_of,
    choice_for,
    chosen,
    face_choices,
    own_choice,
    switches,
)
from hexmagic.analysis.cut_counts import count_cuts
from hexmagic.analysis.explore import COSTS, accept_text, explore
from hexmagic.analysis.explore_page import fidelity_of, head_html, result_html, short_names
from hexmagic.analysis.judge import Cut
from hexmagic.analysis.points import PointCounts
from hexmagic.analysis.tables.basic import fidelity_table
from hexmagic.driver.explorer.server import POLICY, guard
from hexmagic.driver.folder.run_folder import RunFolder
from hexmagic.driver.results import load_results
from hexmagic.driver.run import Run
from hexmagic.driver.start import run
from hexmagic.experiments.counts import Counts, Outcome
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.record import Bit, FaceParity, Logical, RecordMap
from hexmagic.experiments.shots import pack_shots
from hexmagic.experiments.spec import Accept

DETECT = Accept(hadamard=True, flags=True, syndromes=True, readout="detect")
H1, H2, SYNDROMES = Cut("hadamard", 1), Cut("hadamard", 2), Cut("syndromes", 1)

# H_m of two rounds, a syndrome that should read 1, three data bits that should agree; their parity
# is the outcome, odd for -1. `correct` follows the majority.
SHOTS = """
    h1 h2 syn data
     0  0   1  000
     0  0   1  111
     0  0   1  000
     0  0   1  001
     0  0   1  011
     1  0   1  000
     1  1   1  111
     0  1   1  000
     0  0   0  111
     0  1   0  101
"""
ROWS = [line.split() for line in SHOTS.strip().splitlines()[1:]]


def make_bit(register: str, index: int, role: Any, round_: int, expected: int | None) -> Bit:
    stages: dict[str, Any] = {"hadamard": "hadamard", "syndrome": "detection"}
    return Bit(
        register=register,
        index=index,
        role=role,
        stage=stages.get(role, "readout"),
        round=round_,
        face=None,
        qubit=index,
        basis="Z",
        expected=expected,
    )


def make_record(basis: Any) -> RecordMap:
    data = tuple(("data", i) for i in range(3))
    return RecordMap(
        bits=(
            make_bit("had", 0, "hadamard", 1, 0),
            make_bit("had", 1, "hadamard", 2, 0),
            make_bit("syn", 0, "syndrome", 1, 1),
            *(make_bit("data", i, "data", 0, None) for i in range(3)),
        ),
        faces=tuple(FaceParity(basis=basis, bits=data[i : i + 2], expected=0) for i in range(2)),
        logical=Logical(basis=basis, sign=1, bits=data),
    )


def make_point(accept: Accept = DETECT, *, parts: int = 5, **fields: Any) -> PointCounts:
    """Return a point with the ten shots in X, and again in Z."""
    bits = np.array([[c == "1" for c in "".join(row)] for row in ROWS])
    cuts: dict[Any, Any] = {
        basis: count_cuts(pack_shots(bits, make_record(basis)), parts=parts) for basis in "XZ"
    }
    known: dict[str, Any] = {
        **{"run": "tiny-1", "point": 0, "label": "fold d=3", "scheme": "fold", "distance": 3},
        **{"rounds": 2, "baseline": False, "device": "d", "noise": "none", "backend": "aer"},
        **{"swept": {}, "accept": accept, "measures": ("X", "Z"), "cuts": cuts},
        "counts": {basis: counts.under(accept) for basis, counts in cuts.items()},
    }
    return PointCounts(**(known | fields))


def by_hand(choice: Choice) -> tuple[int, int, int]:
    """Return shots, kept and outcomes -1 of one basis, row by row."""
    first, end = choice.parts
    shots = kept = minus = 0
    for h1, h2, syn, data in ROWS[2 * first : 2 * end]:
        shots += 1
        fails = {H1: h1 == "1", H2: h2 == "1", SYNDROMES: syn == "0"}
        agree = len(set(data)) == 1
        if any(bad and cut not in choice.left_out for cut, bad in fails.items()):
            continue
        if choice.faces == "detect" and not agree:
            continue
        kept += 1
        ones = data.count("1")
        minus += int(ones >= 2) if choice.faces == "correct" else ones % 2
    return shots, kept, minus


CUTS = (H1, H2, SYNDROMES)
LEFT_OUT = list(chain.from_iterable(combinations(CUTS, n) for n in range(4)))


@pytest.mark.parametrize("faces", ["detect", "correct", "ignore"])
@pytest.mark.parametrize("parts", [(0, 5), (0, 2), (3, 5)])
def test_every_choice_counts_what_the_rows_say(faces: Faces, parts: tuple[int, int]) -> None:
    for left_out in LEFT_OUT:
        choice = Choice(left_out=frozenset(left_out), faces=faces, bases=("X", "Z"), parts=parts)
        found = explore(make_point(), choice).points
        shots, kept, minus = by_hand(choice)
        assert set(found["shots"]) == {shots}
        assert set(found["kept"]) == {kept}
        mean = 1 - 2 * minus / kept if kept else nan
        assert found["expectation"].tolist() == pytest.approx([mean] * 2, nan_ok=True)


@pytest.mark.parametrize("fields", list(product([True, False], repeat=3)))
@pytest.mark.parametrize("readout", ["detect", "correct"])
def test_the_own_choice_shows_the_table_of_the_run(fields: tuple[bool, ...], readout: Any) -> None:
    hadamard, flags, syndromes = fields
    accept = Accept(hadamard=hadamard, flags=flags, syndromes=syndromes, readout=readout)
    point = make_point(accept)
    found = explore(point, own_choice(point))
    pd.testing.assert_frame_equal(found.fidelity, fidelity_table([point]))
    assert accept_of(point, own_choice(point)) == accept
    assert Accept(**yaml.safe_load(found.accept)["accept"]) == accept
    assert "#" not in found.accept


def test_a_switch_costs_what_it_alone_decides() -> None:
    costs = explore(make_point(), own_choice(make_point())).costs
    assert {name: str(dtype) for name, dtype in costs.dtypes.items()} == COSTS
    shown = costs[["criterion", "round", "on", "shots", "failed", "alone"]].to_numpy().tolist()
    assert shown == [
        ["hadamard", 1, True, 20, 4, 2],  # the sixth row; the seventh fails round 2 as well
        ["hadamard", 2, True, 20, 6, 2],  # the eighth row
        ["syndromes", 1, True, 20, 4, 2],  # the ninth row
        ["readout", 0, True, 20, 6, 4],  # the fourth and the fifth
    ]
    # <X> = <Z> = 0 of the rows 1, 2, 3 and 9, and 1/5 of the rows 1 to 5.
    assert costs["fidelity"].tolist()[2:] == pytest.approx([0.5, 0.5 + 0.2 / 2**0.5])


def test_a_round_left_out_is_told_where_no_experiment_can_ask_for_it() -> None:
    choice = replace(own_choice(make_point()), left_out=frozenset({H2}), faces="ignore")
    text = accept_text(make_point(), choice)
    comment, *rest = text.splitlines()
    assert (
        comment == "# also left out, which an experiment cannot ask for: hadamard, round 2, readout"
    )
    assert yaml.safe_load("\n".join(rest))["accept"]["hadamard"] is True
    both = replace(choice, left_out=frozenset({H1, H2}), faces="detect")
    assert yaml.safe_load(accept_text(make_point(), both))["accept"]["hadamard"] is False


def test_bases_that_are_left_out_are_in_no_table() -> None:
    found = explore(make_point(), replace(own_choice(make_point()), bases=("Z",)))
    assert found.points["basis"].tolist() == ["Z"]
    assert set(found.cutflow["basis"]) == {"Z", "all"}
    assert found.fidelity["shots"].tolist() == [10]
    assert found.fidelity["fidelity"].isna().all()
    assert set(found.costs["shots"]) == {10}


def test_a_measure_that_was_only_counted_goes_with_any_other_choice() -> None:
    outcome = Outcome(kept=90, minus=0.25, minus_squares=0.01)
    counted = Counts(shots=100, outcomes={"detect": outcome, "correct": outcome})
    point = make_point()
    point = replace(
        point, measures=("X", "Z", "H_ideal"), counts={**point.counts, "H_ideal": counted}
    )
    own = own_choice(point)
    assert set(explore(point, own).fidelity["estimate"]) == {"raw", "h_ideal"}
    assert explore(point, own).counted == ()
    other = explore(point, replace(own, left_out=frozenset({H1})))
    assert set(other.fidelity["estimate"]) == {"raw"}
    assert other.counted == ("H_ideal",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"left_out": frozenset({Cut("flags", 1)})}, "no cut flags, round 1; its cuts are had"),
        ({"bases": ("Y",)}, "basis Y was not measured; X, Z were"),
        ({"parts": (2, 2)}, "parts 2 to 2 are not parts of 0 to 5"),
        ({"parts": (0, 6)}, "parts 0 to 6"),
        ({"faces": "other"}, "readout other is not possible; detect, correct, ignore are"),
    ],
)
def test_a_choice_that_the_point_does_not_have_is_named(changes: Any, said: str) -> None:
    with pytest.raises(UsageError, match="point fold d=3: ") as caught:
        chosen(make_point(), replace(own_choice(make_point()), **changes))
    assert said in str(caught.value)


def test_a_point_without_shots_has_no_switch_and_its_own_table() -> None:
    point = make_point()
    counted = replace(point, cuts={})
    assert switches(counted) == ()
    assert face_choices(counted) == ("detect",)
    found = explore(counted, own_choice(counted))
    pd.testing.assert_frame_equal(found.fidelity, fidelity_table([point]))
    assert found.costs.empty


def test_another_point_is_compared_under_the_same_cuts() -> None:
    point, other = make_point(), make_point(replace(DETECT, syndromes=False))
    choice = replace(own_choice(point), left_out=frozenset({H1}), bases=("X",), parts=(0, 2))
    assert choice_for(point, other, choice) == choice
    assert choice_for(point, replace(point, cuts={}), choice).left_out == frozenset()
    longer = replace(choice, left_out=frozenset({H1, H2}))
    assert choice_for(point, make_point(parts=1), longer).parts == (0, 1)
    frame = fidelity_of(point, choice, [other])
    assert frame["kept"].tolist() == [by_hand(choice)[1]] * 2


def test_the_page_says_what_is_chosen_and_escapes_it() -> None:
    point = make_point(label="<b>&")
    own = result_html(point, own_choice(point))
    assert '<dd id="kept">6<span class="below">of 20 shots' in own
    assert "the experiment's" in own
    assert "not the experiment" not in own
    other = make_point(run="tiny-2")
    turned = result_html(
        point, replace(own_choice(point), left_out=frozenset({H1}), bases=("X",)), [other]
    )
    assert '<dd id="kept">4<span class="below">of 10 shots' in turned
    assert "not the experiment" in turned
    assert "fold d=3, run 2" in turned
    assert "<b>&amp;" not in own + turned
    assert "&lt;b&gt;&amp;" in turned
    assert "<li>p in X: &lt;</li>" in head_html(["a"], ["p in X: <"])


def test_runs_whose_ids_end_alike_keep_their_ids() -> None:
    assert short_names(["a-1-ab", "b-2-cd"]) == ["ab", "cd"]
    assert short_names(["a-1-ab", "b-2-ab"]) == ["a-1-ab", "b-2-ab"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made")
    return run(write_spec(folder), runs=folder / "runs", services=make_services())


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    return make_call(tmp_path, monkeypatch)


def test_the_own_choice_shows_what_hexmagic_table_prints(made: Run, call: Call) -> None:
    points = load_results(RunFolder(path=made.folder)).points
    for kind in ("fidelity", "cutflow", "points"):
        printed = call("table", made.folder, "--kind", kind, "--format", "csv").stdout
        found = [getattr(explore(point, own_choice(point)), kind) for point in points]
        ours = pd.concat(found, ignore_index=True).to_csv(index=False, lineterminator="\n")
        assert ours == printed
        assert len(pd.read_csv(io.StringIO(ours))) >= 2


def test_a_round_of_a_criterion_has_a_switch_beside_that_of_all() -> None:
    controls = pytest.importorskip("hexmagic.driver.explorer.controls", exc_type=ImportError)
    point = make_point()
    names = controls.switch_names(point)
    assert names == {
        "hadamard": True,
        **{"hadamard, round 1": True, "hadamard, round 2": True},
        "syndromes": True,
    }
    rest = ("detect", {"X": True, "Z": False}, [0, 5])
    for off, left_out in [
        ("hadamard", {H1, H2}),
        ("hadamard, round 2", {H2}),
        ("syndromes", {SYNDROMES}),
    ]:
        choice = controls.choice_of(point, names | {off: False}, *rest)
        assert choice.left_out == left_out
        assert (choice.bases, choice.parts) == (("X",), (0, 5))


def test_without_the_extra_one_line_says_how_to_get_it(
    made: Run, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "marimo", None)
    result = call("explore", made.folder)
    assert result.exit_code == 2
    assert one_line(result) == "hexmagic explore needs: pip install 'hexmagic[explore]'"


def test_a_port_that_is_taken_and_a_run_that_is_not_there_are_named(made: Run, call: Call) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = call("explore", made.folder, "--port", port)
    assert result.exit_code == 2
    assert one_line(result).startswith(f"--port {port}: ")
    assert call("explore", "nothing").exit_code == 2


def ask(host: str, origin: str | None, kind: str = "http") -> list[MutableMapping[str, Any]]:
    """Return what the guarded app answers: the app says which runs it is told of."""
    sent: list[MutableMapping[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - an app's form
        await send({"type": "http.response.start", "status": 200, "told": scope["meta"]})

    async def receive() -> MutableMapping[str, Any]:
        return {}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    headers = [(b"host", host.encode())]
    headers += [] if origin is None else [(b"origin", origin.encode())]
    guarded = guard(app, "127.0.0.1:80", ["here"])

    async def once() -> None:
        await guarded({"type": kind, "headers": headers}, receive, send)

    asyncio.run(once())
    return sent


def test_only_the_pages_own_address_is_answered() -> None:
    for host, origin in [("127.0.0.1:80", None), ("localhost:80", "http://localhost:80")]:
        (start,) = ask(host, origin)
        assert start["told"] == {"folders": ["here"]}
        assert start["headers"] == [(b"content-security-policy", POLICY.encode())]
    assert ask("evil.example", None)[0]["status"] == 403
    assert ask("127.0.0.1:80", "http://evil.example")[0]["status"] == 403
    (closed,) = ask("127.0.0.1:80", "http://evil.example", "websocket")
    assert closed == {"type": "websocket.close", "code": 1008}
