"""What a real stratified run shows of itself: report and text, from its folder alone."""

import json
import re
from dataclasses import replace

import pytest
from fakes.world import make_services

from hexmagic.analysis.report.page import render_report
from hexmagic.analysis.text.tables import render_text
from hexmagic.driver.adapters import load_engine
from hexmagic.driver.report_data import join_reports
from hexmagic.driver.run import Run
from hexmagic.driver.start import run

SPEC = """\
schema_version: 1
name: strata
protocol: {state: H, distance: 3, scheme: encoded}
device: {backend: clifft, name: heavy_hex_5_cx, noise: {paper: 1e-3}}
measure: [Z, H_ideal]
estimate: {stratified: {relative_error: 0.3}}
sweep: {device.noise.paper: [1e-4, 1e-3]}
shots: 200000
seed: 5
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("strata")
    path = folder / "strata.yaml"
    path.write_text(SPEC)
    engine = replace(load_engine("clifft"), shots_per_shard=lambda *_: 1 << 13)
    return run(path, runs=folder / "runs", services=make_services(engine))


def test_the_report_has_the_strata_of_both_points_in_one_table(made: Run) -> None:
    html = made.report()
    assert "<h3>encoded d=3: H ideal, readout detect</h3>" in html
    assert "weight at paper=0.0001" in html and "weight at paper=0.001" in html
    assert html.count("<h3>encoded d=3: ") == 3  # Z, and H ideal with either readout


def test_the_report_promises_no_shots(made: Run) -> None:
    html = made.report()
    assert "what the shots count" in html and "run.shots()" not in html
    assert "No shots were recorded" not in html


def test_the_text_has_every_row_of_the_tables(made: Run) -> None:
    fidelity, strata = made.fidelity(), made.strata()
    assert len(fidelity) == 6 and not strata.empty
    texts = [render_text(table) for table in (fidelity, made.points(), strata)]
    assert all("Clopper-Pearson by stratum" in text for text in texts[:2])
    assert texts[0].count("H ideal") >= 1 and "nan" not in "".join(texts)
    assert len(re.findall(r"faults +weight", texts[2])) == 6


def test_reports_of_two_runs_show_both_of_their_strata(made: Run) -> None:
    data = made.report_data()
    other = replace(data, run="other", strata=data.strata.assign(run="other"))
    html = render_report(join_reports([data, other]))
    assert html.count("H ideal, readout correct</h3>") == 2
    assert "run 2: encoded d=3: Z, readout detect" in html


def test_a_joined_report_without_strata_has_no_section_of_them(made: Run) -> None:
    data = made.report_data()
    plain = replace(data, strata=data.strata.iloc[:0])
    assert 'id="strata"' not in render_report(join_reports([plain, plain]))


def test_the_strata_table_is_among_the_files(made: Run) -> None:
    names = {path.name for path in (made.folder / "tables").iterdir()}
    assert {"strata.csv", "strata.parquet"} <= names
    assert json.loads((made.folder / "strata.json").read_text())["groups"]
