"""The wheel: it holds `hexmagic` and nothing else, and works where the repository is not."""

import csv
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import hexmagic

ROOT = Path(__file__).parents[1]
PACKAGES = ("analysis", "backends", "driver", "experiments")
JUNK = shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "*.egg-info", *PACKAGES)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is built: a build in the repository would leave files there."""
    copy = tmp_path_factory.mktemp("sources")
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    shutil.copytree(ROOT / "src", copy / "src", ignore=JUNK)
    for path in (*ROOT.glob("*.md"), ROOT / "LICENSE", ROOT / "pyproject.toml"):
        shutil.copy(path, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(sources: Path) -> Path:
    return build("--wheel", sources)


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site-packages of a new environment that holds the wheel; dependencies come from ours."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, symlinks=True)
    run(
        *(sys.executable, "-m", "pip", "--python", environment / "bin/python", "install"),
        *("--quiet", "--no-index", "--no-deps", "--disable-pip-version-check", wheel),
    )
    return next(environment.glob("lib/python*/site-packages"))


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def build(kind: str, sources: Path) -> Path:
    run(sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", "dist", cwd=sources)
    (built,) = (sources / "dist").glob("*.whl" if kind == "--wheel" else "*.tar.gz")
    return built


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def content(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")
        }


def test_the_wheel_holds_every_file_of_hexmagic_and_nothing_else(
    sources: Path, wheel: Path
) -> None:
    expected = {
        f"hexmagic/{name}/{file}" for name in PACKAGES for file in files_below(sources / name)
    }
    assert content(wheel) == expected | {"hexmagic/__init__.py", "hexmagic/py.typed"}


def test_the_wheel_adds_one_name_to_site_packages(elsewhere: Path) -> None:
    names = {path.name for path in elsewhere.iterdir() if path.suffix != ".dist-info"}
    assert names == {"hexmagic"}


def test_the_installed_wheel_runs_without_the_repository(elsewhere: Path, tmp_path: Path) -> None:
    # From PYTHONPATH our site-packages give the dependencies, but not the editable install.
    ours = {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONWARNINGS": "error"}
    where = "import hexmagic; print(hexmagic.__file__)"
    binaries = elsewhere.parents[2] / "bin"
    printed = run(binaries / "python", "-c", where, cwd=tmp_path, **ours)
    assert printed.strip() == str(elsewhere / "hexmagic" / "__init__.py")
    assert "Usage: hexmagic" in run(binaries / "hexmagic", "--help", cwd=tmp_path, **ours)


def test_the_version_stands_in_pyproject_and_everything_else_repeats_it(
    wheel: Path, elsewhere: Path, tmp_path: Path
) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert hexmagic.__version__ == version("hexmagic") == declared, "make .venv again"
    assert wheel.name.split("-")[:2] == ["hexmagic", declared]
    ours = {"PYTHONPATH": sysconfig.get_path("purelib")}
    said = run(elsewhere.parents[2] / "bin" / "hexmagic", "--version", cwd=tmp_path, **ours)
    assert said.split()[-1] == declared


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `empty`, an environment of the wheel and of what pip fetches for it, only."""
    folder = tmp_path_factory.mktemp("runner")
    venv.create(folder / "empty", with_pip=True, symlinks=True)
    pip = (folder / "empty/bin/pip", "--quiet", "--disable-pip-version-check")
    probe = subprocess.run(
        [*pip, "download", "--no-deps", "--dest", folder / "probe", "click"],
        capture_output=True,
        text=True,
        check=False,
    )
    if probe.returncode:
        pytest.skip(f"pip reaches no package index here: {probe.stderr.strip().splitlines()[-1]}")
    run(*pip, "install", wheel)
    return folder


@pytest.mark.slow
def test_the_wheel_with_its_dependencies_alone_runs_the_demo_to_its_table(empty: Path) -> None:
    """What the workflow runs; our environment is not seen, so that everything must be declared."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    steps = {step.get("name"): step for step in workflow["jobs"]["wheel"]["steps"]}
    script = steps["Run the demo experiment that it brings"]["run"]
    bare = {"PYTHONPATH": "", "RUNNER_TEMP": str(empty)}
    assert "fold14 d=3 r=1" in run("bash", "-e", "-c", script, cwd=empty, **bare)
    tabled = run(empty / "empty/bin/hexmagic", "table", "latest", "--format", "csv", cwd=empty)
    rows = {row["scheme"]: row for row in csv.DictReader(tabled.splitlines())}
    assert rows.keys() == {"fold14", "bare", "encoded"}
    assert all(float(row["fidelity"]) > 0.8 and row["shots"] == "900" for row in rows.values())
    (report,) = empty.glob("runs/*/report.html")
    assert "<svg" in report.read_text()
    run(empty / "empty/bin/pip", "check")


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheel(
    sources: Path, wheel: Path, tmp_path: Path
) -> None:
    with tarfile.open(build("--sdist", sources)) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    assert content(build("--wheel", unpacked)) == content(wheel)
