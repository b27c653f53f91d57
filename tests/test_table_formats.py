"""Every kind of table, in every format: pandas reads back what was written, with its dtypes."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Mapping
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from hexmagic.analysis.tables.basic import CUTFLOW, FIDELITY, POINTS
from hexmagic.analysis.tables.drift import DRIFT
from hexmagic.analysis.tables.flags import FLAGS
from hexmagic.analysis.tables.predicted import PREDICTED
from hexmagic.analysis.tables.selection import SELECTION
from hexmagic.analysis.tables.states import STATES
from hexmagic.analysis.tables.strata import STRATA
from hexmagic.analysis.text.tables import render_text
from hexmagic.driver.cli.main import cli
from hexmagic.driver.folder.files import StorageError
from hexmagic.driver.results import parquet_bytes
from hexmagic.driver.run import Run, open_run
from hexmagic.driver.table_kinds import KINDS

SPEC = """\
schema_version: 1
name: tiny
protocol: {state: H, distance: 3, scheme: fold13}
device: {backend: clifft, name: heavy_hex_5, noise: {uniform: 0.002}}
measure: [X, Y, Z]
shots: 2000
seed: 3
sweep: {device.noise.uniform: [0.001, 0.002]}
baselines: [bare, encoded]
"""
SCHEMAS: dict[str, Mapping[str, str]] = {
    "fidelity": FIDELITY,
    "cutflow": CUTFLOW,
    "points": POINTS,
    "strata": STRATA,
    "selection": SELECTION,
    "states": STATES,
    "drift": DRIFT,
    "flags": FLAGS,
    "predicted": PREDICTED,
}
SWEPT = {"sweep.device.noise.uniform": "float64"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("formats")
    (path / "tiny.yaml").write_text(SPEC)
    call("run", path / "tiny.yaml", "--runs", path / "runs")
    (folder,) = (path / "runs").glob("tiny-*")
    call("predict", folder, "--shots", 4000)
    return open_run(folder)


def call(*words: object) -> bytes:
    result = CliRunner().invoke(cli, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def schema(kind: str) -> dict[str, str]:
    return {**SCHEMAS[kind], **SWEPT}


def test_every_kind_is_here() -> None:
    assert set(SCHEMAS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_table_has_the_documented_dtypes(run: Run, kind: str) -> None:
    table = getattr(run, kind)()
    expected = schema(kind)
    assert list(table) == list(expected)
    if len(table):
        assert {name: str(dtype) for name, dtype in table.dtypes.items()} == expected
    assert (len(table) > 0) == (kind != "strata")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "strata"])
@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_pandas_reads_back_what_was_written(run: Run, kind: str, format_: str) -> None:
    content = call("table", run.folder, "--kind", kind, "--format", format_)
    if format_ == "parquet":
        read = pd.read_parquet(BytesIO(content))
    elif format_ == "csv":
        # an empty cell of a text column is an empty text
        words: dict[Hashable, Any] = {n: str for n, dtype in schema(kind).items() if dtype == "str"}
        read = pd.read_csv(
            StringIO(content.decode()),
            dtype=words,
            keep_default_na=False,
            na_values={n: [""] for n in schema(kind) if n not in words},
        )
    else:
        read = pd.DataFrame(
            pd.read_json(StringIO(content.decode()), dtype=False, precise_float=True)
        )
    expected = getattr(run, kind)()
    if format_ != "parquet":  # neither tells an empty text from a missing one
        texts = [name for name, values in expected.items() if str(values.dtype) == "str"]
        expected, read = (
            frame.assign(**{str(name): frame[name].fillna("") for name in texts})
            for frame in (expected, read)
        )
    if format_ == "json":  # which has no infinity
        expected = expected.replace([float("inf")], float("nan"))
    exact = format_ != "json"
    pd.testing.assert_frame_equal(read.astype(schema(kind)), expected, check_exact=exact)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_text_of_every_kind_keeps_to_its_width(run: Run, kind: str, width: int) -> None:
    text = render_text(getattr(run, kind)(), width)
    assert max(map(len, text.splitlines())) <= width
    words = {"drift": "p acceptance", "flags": "face 0", "predicted": "sigma", "states": "length"}
    assert words.get(kind, "") in text


def test_the_tables_are_those_of_a_copy_without_them(run: Run, tmp_path: Path) -> None:
    """What a run saved when it ended is what its shots give again."""
    for kind in KINDS:
        path = run.folder / "tables" / f"{kind}.parquet"
        if kind == "strata":
            assert not path.exists()
            continue
        saved, hidden = pd.read_parquet(path), tmp_path / path.name
        path.rename(hidden)
        made = getattr(open_run(run.folder), kind)()
        hidden.rename(path)
        pd.testing.assert_frame_equal(made, saved)


def test_a_table_that_another_program_wrote_is_named(run: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    path = copy / "tables" / "points.parquet"
    pd.read_parquet(path).to_parquet(path)
    with pytest.raises(StorageError, match=r"points\.parquet: damaged: it has no seal"):
        open_run(copy).points()


def test_a_table_of_another_run_is_named(run: Run, tmp_path: Path) -> None:
    copy = shutil.copytree(run.folder, tmp_path / "copy")
    path = copy / "tables" / "points.parquet"
    table = pd.read_parquet(path).assign(run="other-20260102-030405-0000")
    path.write_bytes(parquet_bytes(table))
    with pytest.raises(StorageError, match=r"points\.parquet: damaged: it is of run other-2026"):
        open_run(copy).points()
