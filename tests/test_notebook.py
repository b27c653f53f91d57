"""The notebook: it runs from the first cell to the last, and shows what it shows when run again.

`HEXMAGIC_REWRITE=1 .venv/bin/pytest -m slow tests/test_notebook.py` puts what its cells give now
into it.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
pytest.importorskip("ipykernel", reason="ipykernel is not installed")

NOTEBOOK = Path(__file__).parents[1] / "docs" / "explore.ipynb"


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(notebook: Any) -> list[list[dict[str, Any]]]:
    """Return what each cell shows, by kind of output."""
    return [
        [dict(output.get("data", {"stream": output.get("text")})) for output in cell.outputs]
        for cell in code_cells(notebook)
    ]


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from texts(part)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The kernel is this Python, whatever kernels the machine has; nothing of it is in HOME."""
    home = tmp_path_factory.mktemp("jupyter")
    spec = {
        "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "this Python",
        "language": "python",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR"):
            patch.setenv(name, str(home))
        patch.setenv("JUPYTER_CONFIG_DIR", str(home))
        patch.setenv("TMPDIR", str(home))
        (home / "kernels" / "python3").mkdir(parents=True)
        (home / "kernels" / "python3" / "kernel.json").write_text(_json(spec))
        yield


def _json(document: Any) -> str:
    import json

    return json.dumps(document)


def test_the_notebook_is_short_and_shows_no_machine() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    assert len(notebook.cells) < 25
    assert [cell.execution_count for cell in code_cells(notebook)] == list(
        range(1, len(code_cells(notebook)) + 1)
    )
    outputs = "\n".join(text for cell in shown(notebook) for text in texts(cell))
    assert re.findall(r"/(?:tmp|home|root|work|Users)/|-\d{8}-\d{6}-[0-9a-f]{4}", outputs) == []
    assert outputs.count("dataframe") >= 5


@pytest.mark.slow
@pytest.mark.usefixtures("kernel")
def test_the_notebook_runs_and_shows_what_it_did(tmp_path: Path) -> None:
    before = nbformat.read(NOTEBOOK, as_version=4)
    after = nbformat.read(NOTEBOOK, as_version=4)
    client = nbclient.NotebookClient(
        after,
        timeout=300,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()  # raises on the first error of a cell; the cells assert what they compare
    assert list(tmp_path.iterdir()) == []
    assert sum("assert " in cell.source for cell in code_cells(after)) >= 4
    if os.environ.get("HEXMAGIC_REWRITE"):
        after.metadata = before.metadata
        nbformat.write(after, NOTEBOOK)
    else:
        assert shown(after) == shown(before)
