"""The explorer without a browser: its controls, and the server that `hexmagic explore` starts."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fakes.world import make_services, write_spec

from hexmagic.analysis.choice import own_choice
from hexmagic.analysis.explore_page import result_html
from hexmagic.driver.run import Run
from hexmagic.driver.start import run
from hexmagic.experiments.errors import UsageError

controls: Any = pytest.importorskip("hexmagic.driver.explorer.controls", exc_type=ImportError)
HEXMAGIC = [sys.executable, "-c", "from hexmagic.driver.cli.main import main; main()"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("made")
    return run(write_spec(folder), runs=folder / "runs", services=make_services(), shots=40)


# --- controls -------------------------------------------------------------------------------------


def test_the_points_of_one_run_go_by_their_labels_and_begin_with_the_protocols(made: Run) -> None:
    shown = controls.shown_runs([str(made.folder)])
    assert list(shown.points) == ["fold13 d=3 r=1", "bare"]
    assert controls.point_control(shown).value == "fold13 d=3 r=1"
    assert controls.others_control(shown).value == []
    assert made.id in shown.head
    baselines = replace(shown, points={"bare": shown.points["bare"]})
    assert controls.point_control(baselines).value == "bare"


def test_the_points_of_several_runs_say_which_run_they_are_of(made: Run, tmp_path: Path) -> None:
    spec = write_spec(tmp_path, ("name: tiny", "name: other"))
    other = run(spec, runs=tmp_path, services=make_services(), shots=40)
    next((other.folder / "shots").glob("p001-Z-*")).unlink()
    twice = [str(made.folder), str(other.folder), str(made.folder)]
    shown = controls.shown_runs(twice)
    assert len(shown.points) == 4
    assert all(re.search(r", run \S+$", name) for name in shown.points)
    assert f"run {other.id}: bare in Z: 0 of 40 shots" in shown.head


def test_the_controls_stand_as_the_run_itself_cut_and_make_its_own_choice(made: Run) -> None:
    shown = controls.shown_runs([str(made.folder)])
    for point in shown.points.values():
        on, faces = controls.switches_control(point), controls.faces_control(point)
        bases, parts = controls.bases_control(point), controls.parts_control(point)
        choice = controls.choice_of(point, on.value, faces.value, bases.value, parts.value)
        assert choice == own_choice(point)
        text = controls.laid_out(on, faces, bases, parts).text
        assert all(name in text for name in ("Cuts", "Bases", "Parts of the run, 0 to "))
        assert ("none, or no shots were kept" in text) == (not on.value)


def test_the_rounds_of_a_criterion_are_on_a_line_if_any_has_several() -> None:
    switch = controls.mo.ui.checkbox
    one = {name: switch(label=name) for name in ("flags", "syndromes")}
    assert controls._by_criterion(one) == [*one.values()]
    rounds = {name: switch(label=name) for name in ("flags", "hadamard", "hadamard, round 2")}
    (lines,) = controls._by_criterion(rounds)
    assert all(name in lines.text for name in rounds)
    assert controls.places(*one.values()).text.index("flags") > 0


def test_the_page_shows_a_choice_and_warns_of_one_that_there_is_not(made: Run) -> None:
    shown = controls.shown_runs([str(made.folder)])
    name, other = shown.points
    choice = own_choice(shown.points[name])
    page = controls.result(shown, name, choice, [other, name]).text
    assert "acceptance" in page and "Save the fidelity table as CSV" in page
    assert "class='baseline'" in page.replace('"', "'")
    wrong = controls.result(shown, name, replace(choice, parts=(0, 99)), []).text
    assert "parts 0 to 99" in wrong and "Save the fidelity" not in wrong


def test_the_cells_of_the_page_show_the_run_as_it_cut_itself(
    made: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hexmagic.driver.explorer.app import app

    monkeypatch.setattr(controls, "folders_of", lambda _: [str(made.folder)])
    shown, found = app.run()
    point = found["point"]
    assert found["point_name"].value == point.label == "fold13 d=3 r=1"
    assert found["choice"] == own_choice(point)
    head, points, cuts, result = (html.text for html in shown)
    assert made.id in head and "Compare with" in points and "Parts of the run" in cuts
    assert result_html(point, found["choice"], []) in result
    assert "Save the fidelity table as CSV" in result


def test_a_page_that_another_server_serves_knows_of_no_run() -> None:
    for request in (None, SimpleNamespace(meta={})):
        with pytest.raises(
            UsageError, match=r"knows of no run; start it by `hexmagic explore RUN`"
        ):
            controls.folders_of(SimpleNamespace(request=request))
    told = SimpleNamespace(meta={"folders": ["here"]})
    assert controls.folders_of(SimpleNamespace(request=told)) == ["here"]


# --- the server -----------------------------------------------------------------------------------


def answer(url: str, host: str = "") -> tuple[int, str]:
    """Return status and text of a page, asked for under the name of a host."""
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as found:
            return found.status, found.headers["Content-Security-Policy"] + found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.parametrize(
    ("sign", "code"),
    [(signal.SIGINT, 0), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_it_serves_its_own_address_until_a_signal_and_leaves_nothing(
    made: Run, tmp_path: Path, sign: signal.Signals, code: int
) -> None:
    opened, script = tmp_path / "opened", tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    script.chmod(0o755)
    pipe, home = subprocess.PIPE, tmp_path / "home"
    home.mkdir()
    settings = {"HOME": str(home), "BROWSER": f"{script} %s"}
    words = [*HEXMAGIC, "explore", str(made.folder)]
    words += ["--no-browser"] if sign == signal.SIGINT else []
    with subprocess.Popen(
        words, stdout=pipe, stderr=pipe, text=True, env=os.environ | settings
    ) as process:
        assert process.stdout is not None
        (url,) = re.findall(r"^explorer: (http://127\.0\.0\.1:\d+) ", process.stdout.readline())
        status, text = answer(url)
        assert (status, text.startswith("default-src 'self'")) == (200, True)
        assert "hexmagic explore" in text
        assert answer(url, "evil.example") == (403, "not for this address\n")
        deadline = time.monotonic() + 60
        while sign == signal.SIGTERM and not (opened.exists() and opened.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(sign)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (code, "explorer: ended\n")
    assert list(home.iterdir()) == []
    assert not opened.exists() or opened.read_text() == f"{url}\n"
