"""docs/extending_engine.md: its engine passes the contract, is found by its name and runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hexmagic.driver.adapters import load_engine
from hexmagic.experiments.errors import UsageError
from hexmagic.experiments.spec import SpecError, parse_experiment
from hexmagic.experiments.spec.backends import ENGINES, known_backends

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending_engine.md").read_text()
SMOKE = (ROOT / "experiments" / "smoke.yaml").read_text()


def block(language: str, number: int = 0) -> str:
    return str(re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number])


def install(folder: Path, module: str, entry: str) -> None:
    """Put a package with an entry point into a folder, as an installer would."""
    (folder / "my_engine.py").write_text(module)
    info = folder / "my_engine-1.0.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-engine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{ENGINES}]\n{entry}\n")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The page's engine, installed by the page's entry point."""
    folder = tmp_path / "package"
    folder.mkdir()
    project = tomllib.loads(block("toml"))["project"]
    ((name, place),) = project["entry-points"][ENGINES].items()
    install(folder, block("python"), f"{name} = {place}")
    return folder


@pytest.fixture
def own(package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in this process."""
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.delitem(sys.modules, "my_engine", raising=False)
    return package


def call(words: list[str], package: Path, folder: Path, *, code: int = 0, **more: str) -> str:
    """Return what a command prints that has the package on its path."""
    environment = os.environ | {"PYTHONPATH": str(package)} | more
    done = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def ask_contract(package: Path, *options: str, code: int = 0) -> str:
    """Return what the page's command prints, with more options."""
    command = block("sh", 1).split()
    assert command[1:] == [".venv/bin/pytest", "tests/test_engine_contract.py"]
    name, _, value = command[0].partition("=")
    # -P: `python -m` puts the root on the path, which pytest itself does not
    words = [sys.executable, "-P", "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    return call([*words, command[2], *options], package, ROOT, code=code, **{name: value})


@pytest.mark.slow
def test_the_pages_engine_passes_the_contract(package: Path) -> None:
    said = ask_contract(package)
    assert int(re.findall(r"(\d+) passed", said)[0]) > 25
    assert "refused: backend statevector: it has no noise, not uniform 0.01" in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("right", "wrong", "seen_by"),
    [
        ("for bit in record.bits]", "for bit in record.bits[::-1]]", "every_bit"),
        ("default_rng(seed)", "default_rng(seed % 2**31)", "other_seeds"),
        ("default_rng(seed)", "default_rng()", "same_seed"),
        ("np.random.default_rng(seed)", "(np.random.seed(seed % 7), np.random)[1]", "global"),
        ("size=shots", "size=max(shots, 2)", "exactly"),
        ("gates.append(item.operation, where)", "pass", "without_noise or bare_qubit"),
    ],
)
def test_the_contract_sees_what_is_wrong(
    package: Path, right: str, wrong: str, seen_by: str
) -> None:
    path = package / "my_engine.py"
    assert right in path.read_text()
    path.write_text(path.read_text().replace(right, wrong, 1))
    assert "failed" in ask_contract(package, "-k", seen_by, code=1)


@pytest.mark.slow
def test_the_pages_run_names_the_engine(package: Path, tmp_path: Path) -> None:
    (tmp_path / "smoke.yaml").write_text(SMOKE)
    words = block("sh").split()
    assert words == ["hexmagic", "run", "experiments/smoke.yaml", "--backend", "statevector"]
    main = "from hexmagic.driver.cli.main import main; main()"
    words = [sys.executable, "-c", main, "run", "smoke.yaml", *words[3:], "--workers", "1"]
    said = call(words, package, tmp_path)
    assert "Fidelity of |H>" in said and said.splitlines()[-1].startswith("run: smoke-")
    (provenance,) = tmp_path.glob("runs/*/provenance.json")
    assert '"engine": "statevector ' in provenance.read_text()


def test_a_name_that_a_package_offers_is_a_backend(own: Path) -> None:  # noqa: ARG001 - a fixture
    assert known_backends() == ("aer", "clifft", "ibm", "statevector")
    text = SMOKE.replace("backend: aer", "backend: statevector")
    assert parse_experiment(text, source="x").device.backend == "statevector"
    assert load_engine("statevector").max_qubits == 14
    with pytest.raises(
        SpecError, match=r"did you mean 'statevector'\? needs aer, clifft, ibm or s"
    ):
        parse_experiment(SMOKE.replace("backend: aer", "backend: statevectr"), source="x")


def test_a_name_that_nobody_offers_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"'mine': no such engine; use aer, clifft, ibm$"):
        load_engine("mine")


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("def other(): ...", r"my_engine:make cannot be loaded: AttributeError: "),
        ("import no_such_package", r"cannot be loaded: ModuleNotFoundError: "),
        ("def make(): raise OSError('no licence')", r"cannot be loaded: OSError: no licence$"),
        ("def make(): return 7", r"returns 'int', not an Engine whose name is 'statevector'$"),
        (
            "def make():\n    from hexmagic.driver.adapters import load_engine\n"
            "    return load_engine('aer')",
            r"returns 'aer', not an Engine whose name is 'statevector'$",
        ),
        (
            "def make():\n    from dataclasses import replace\n"
            "    from hexmagic.driver.adapters import load_engine\n"
            "    return replace(load_engine('aer'), name='statevector', machines=object())",
            r"my_engine:make has machines; only backend ibm waits in a queue$",
        ),
    ],
)
def test_a_package_that_gives_no_engine_is_told(own: Path, module: str, said: str) -> None:
    (own / "my_engine.py").write_text(module)
    with pytest.raises(UsageError, match=said) as refused:
        load_engine("statevector")
    assert len(str(refused.value).splitlines()) == 1


def test_a_package_cannot_take_the_name_of_ours(own: Path) -> None:
    install(own, "def make(): raise AssertionError", "aer = my_engine:make")
    assert known_backends() == ("aer", "clifft", "ibm")
    assert load_engine("aer").max_qubits == 20
    install(own, "def make(): raise AssertionError", "ibm = my_engine:make")
    with pytest.raises(UsageError, match=r"'ibm': no such engine"):
        load_engine("ibm")
