"""The example workflow for CI: what it installs and uploads, and its script, run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from hexmagic.experiments.spec import load_experiment, parse_experiment

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / "docs" / "examples" / "dry_run.yml"
PAGE = ROOT / "docs" / "ci.md"
SHELLS = {"github": ("--noprofile", "--norc", "-eo", "pipefail"), "plain": ()}

SPEC = """\
schema_version: 1
name: tiny
protocol: {state: H, distance: 3, scheme: fold13}
device: {backend: aer, name: heavy_hex_5, noise: none}
measure: [Z]
shots: 4000
seed: 7
expect: {acceptance: {min: 1}}
"""

FAKE = """\
#!/bin/sh
[ "$1 $3 $4 $5 $6 $7" = "run --backend clifft --shots 20000 --junit" ] || exit 99
echo "$2" > "$8"
[ -f "$2" ] || exit 2
exit $(cat "$2")
"""
"""Stands for `hexmagic`: exits with the number in the experiment file."""


def job() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())
    (found,) = document["jobs"].values()
    assert isinstance(found, dict)
    return found


def script() -> str:
    (step,) = [step for step in job()["steps"] if "hexmagic run" in step.get("run", "")]
    assert step["shell"] == "bash"
    return str(step["run"])


def run_script(
    folder: Path, hexmagic: str, specs: dict[str, str], shell: str = "github"
) -> subprocess.CompletedProcess[str]:
    """Run the script in a folder with some experiments and a command `hexmagic`."""
    (folder / "experiments").mkdir()
    for name, text in specs.items():
        (folder / "experiments" / name).write_text(text)
    (folder / "bin").mkdir()
    command = folder / "bin" / "hexmagic"
    command.write_text(hexmagic)
    command.chmod(0o755)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", *SHELLS[shell], "-c", script()],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("codes", "worst"), [([0, 0], 0), ([5, 0], 5), ([0, 5], 5), ([4, 5, 2], 5), ([2, 0, 3], 3)]
)
def test_every_experiment_is_run_and_the_largest_exit_code_is_the_jobs(
    tmp_path: Path, codes: list[int], worst: int, shell: str
) -> None:
    specs = {f"my {i}.yaml": str(code) for i, code in enumerate(codes)}
    done = run_script(tmp_path, FAKE, specs, shell)
    assert done.returncode == worst
    assert done.stdout.splitlines() == [
        f"experiments/my {i}.yaml: exit code {code}" for i, code in enumerate(codes)
    ]
    written = {path.name for path in (tmp_path / "junit").iterdir()}
    assert written == {f"my {i}.xml" for i in range(len(codes))}


def test_an_experiment_for_hardware_runs_on_the_snapshot_of_its_machine(tmp_path: Path) -> None:
    shipped = (ROOT / "experiments" / "hardware_h.yaml").read_text()
    assert "backend: ibm" in shipped
    other = "device: {backend: aer}  # name: ibm_fez\n"
    specs = {"a.yaml": SPEC, "b.yaml": shipped, "c.yaml": other}
    done = run_script(tmp_path, '#!/bin/sh\necho "$@"\n', specs)
    said = [line for line in done.stdout.splitlines() if line.startswith("run ")]
    assert all("--backend clifft " in line for line in said)
    assert ["".join(re.findall("--device.*", line)) for line in said] == [
        *("", "--device fake_boston", "")
    ]


def test_a_folder_without_experiments_does_not_pass(tmp_path: Path) -> None:
    assert run_script(tmp_path, FAKE, {}).returncode == 2


@pytest.mark.slow
def test_the_script_runs_with_the_real_hexmagic(tmp_path: Path) -> None:
    command = f"exec {sys.executable} -c 'from hexmagic.driver.cli.main import main; main()' \"$@\""
    specs = {
        "bad.yaml": "schema_version: 1\n",
        "misses.yaml": SPEC.replace("{min: 1}", "{max: 0.5}"),
        "passes.yaml": SPEC,
    }
    done = run_script(tmp_path, f"#!/bin/sh\n{command}\n", specs)
    assert done.returncode == 5
    assert re.findall(r"exit code (\d)", done.stdout) == ["2", "5", "0"]
    assert "acceptance 1 [0.999808, 1], expected at most 0.5\n" in done.stderr
    found = {}
    for path in (tmp_path / "junit").iterdir():
        (suite,) = ElementTree.parse(path).getroot()
        found[path.name] = tuple(suite.attrib[name] for name in ("tests", "failures", "errors"))
    assert found == {
        "bad.xml": ("1", "0", "1"),
        "misses.xml": ("1", "1", "0"),
        "passes.xml": ("1", "0", "0"),
    }
    assert len(list(tmp_path.glob("runs/*/report.html"))) == 2  # what the workflow uploads


def test_actions_are_pinned_by_major_version() -> None:
    uses = [step["uses"] for step in job()["steps"] if "uses" in step]
    names = [name.partition("@")[0] for name in uses]
    assert names == [f"actions/{n}" for n in ("checkout", "setup-python", "upload-artifact")]
    assert all(re.fullmatch(r"actions/[a-z-]+@v[0-9]+", name) for name in uses)


def test_the_workflow_may_read_only_and_has_no_secrets() -> None:
    document = yaml.safe_load(WORKFLOW.read_text())
    assert document["permissions"] == {"contents": "read"}
    assert document[True] == {"push": None, "pull_request": None}  # YAML 1.1 reads `on` so
    assert "secrets" not in WORKFLOW.read_text()
    assert 0 < job()["timeout-minutes"] <= 60


def test_results_are_uploaded_after_a_failure_too() -> None:
    last = job()["steps"][-1]
    assert last["if"] == "${{ !cancelled() }}"
    assert last["with"]["path"].split() == ["junit/", "runs/*/report.html"]


def test_the_pip_cache_needs_no_file_that_a_folder_of_experiments_lacks() -> None:
    (setup,) = [s["with"] for s in job()["steps"] if "setup-python" in s.get("uses", "")]
    assert setup["python-version"] == "3.12"
    assert Path(setup["cache-dependency-path"]).name == WORKFLOW.name


# --- the page ----------------------------------------------------------------------------------


def test_every_file_that_the_page_names_is_there() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE.read_text())
    assert WORKFLOW.relative_to(PAGE.parent).as_posix() in targets
    assert all((PAGE.parent / target).exists() for target in targets)


def test_the_shipped_experiment_for_ci_has_expectations() -> None:
    experiment = load_experiment(ROOT / "experiments" / "ci_h.yaml")
    assert experiment.device.backend == "clifft"
    assert experiment.expect is not None
    assert experiment.expect.infidelity is not None


def test_the_page_shows_the_script_of_the_workflow_and_the_shipped_experiment() -> None:
    text = PAGE.read_text()
    (shown,) = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    assert shown == script()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    shipped = load_experiment(ROOT / "experiments" / "ci_h.yaml")
    assert (
        replace(parse_experiment(block, source="ci.md"), description=shipped.description) == shipped
    )
