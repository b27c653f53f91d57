"""The house: four packages, imports that go one way, and nothing missing from the wheel."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "experiments": set[str](),
    "backends": {"experiments"},
    "analysis": {"experiments"},
    "driver": {"experiments", "backends", "analysis"},
}
# Within a package: which other rooms (sub-packages) a room may import. Modules beside the rooms may
# import any but `cli`, and be imported by any.
ROOMS = {
    "experiments": {
        "spec": set[str](),
        "certificates": set[str](),
        "synthesis": {"certificates"},
    },
    "backends": {
        "noise": set[str](),
        "aer": {"noise"},
        "clifft": {"noise"},
        "ibm": set[str](),
    },
    "analysis": {
        "strata": set[str](),
        "tables": {"strata"},
        "overhead": set[str](),
        "plots": {"overhead"},
        "text": {"overhead", "plots", "strata", "tables"},
        "report": {"overhead", "plots", "strata", "text"},
    },
    "driver": {
        "folder": set[str](),
        "ledger": {"folder"},
        "dask": set[str](),
        "explorer": {"folder"},
        "hardware": {"folder", "ledger"},
        "schedules": {"folder", "ledger", "hardware"},
        "cli": {"folder", "ledger", "dask", "explorer", "hardware", "schedules"},
    },
}
# Imported under another name; pydantic-core is the part of pydantic that raises its errors.
DISTRIBUTION = {"yaml": "pyyaml", "pydantic_core": "pydantic"}
MODULES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))
SCRIPTS = sorted(
    path for folder in ("tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
)


def imported_names(source: str, package: str) -> Iterator[str]:
    """Yield the absolute name of every import, those inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = parents[: len(parents) - node.level + 1] if node.level else []
            stem = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*stem, alias.name]) for alias in node.names)


def wrong_imports(source: str, package: str) -> list[str]:
    """Return what a module of `package` (such as hexmagic.driver) imports and must not."""
    own = package.split(".")[1]
    return [
        name
        for name in imported_names(source, package)
        if name.split(".")[0] in MAY_IMPORT
        or (name.split(".")[0] == "hexmagic" and not _allowed(name, own))
    ]


def _allowed(name: str, own: str) -> bool:
    parts = name.split(".")
    return len(parts) > 1 and parts[1] in MAY_IMPORT[own] | {own}


def wrong_rooms(source: str, package: str) -> list[str]:
    """Return what a module imports from rooms of its own package that it must not know."""
    _, own, *rest = package.split(".")
    rooms = ROOMS[own]
    allowed = rooms[rest[0]] | {rest[0]} if rest else set(rooms) - {"cli"}
    parts = (name.split(".") for name in imported_names(source, package))
    return [
        ".".join(found)
        for found in parts
        if found[:2] == ["hexmagic", own] and found[2] in set(rooms) - allowed
    ]


def package_of(path: Path) -> str:
    return ".".join(("hexmagic", *path.relative_to(ROOT).parts[:-1]))


def external_imports(path: Path) -> list[str]:
    """Return the modules that a file imports from neither hexmagic nor the standard library."""
    ours = sys.stdlib_module_names | {"hexmagic"}
    names = imported_names(path.read_text(), package_of(path))
    return [name for name in names if name.split(".")[0] not in ours]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    assert wrong_imports(path.read_text(), package_of(path)) == []
    assert wrong_rooms(path.read_text(), package_of(path)) == []


def test_every_room_has_its_place() -> None:
    rooms = {
        package: {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        for package in MAY_IMPORT
    }
    assert rooms == {package: set(found) for package, found in ROOMS.items()}


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("hexmagic.driver", "from .cli.main import main"),
        ("hexmagic.driver.folder", "from ..ledger import runs"),
        ("hexmagic.driver.hardware", "def f():\n    from ..schedules.due import due"),
        ("hexmagic.backends.clifft", "from ..aer.engine import sample"),
    ],
)
def test_an_import_of_a_wrong_room_is_found(package: str, source: str) -> None:
    assert len(wrong_rooms(source, package)) == 1
    assert wrong_imports(source, package) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_script_loads_a_second_copy_of_a_package(path: Path) -> None:
    names = imported_names(path.read_text(), "script")
    assert [name for name in names if name.split(".")[0] in MAY_IMPORT] == []


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("hexmagic.experiments", "from ..backends.device import Device"),
        ("hexmagic.experiments", "from .. import analysis"),
        ("hexmagic.backends", "from ..analysis import text"),
        ("hexmagic.analysis", "import hexmagic.backends.device"),
        ("hexmagic.analysis", "def f():\n    from ..driver.plan import Plan"),
        ("hexmagic.backends.ibm", "from ...driver import ledger"),
        ("hexmagic.driver", "import driver"),
        ("hexmagic.driver", "from experiments.record import RecordMap"),
        ("hexmagic.driver", "import hexmagic"),
    ],
)
def test_a_wrong_import_is_found(package: str, source: str) -> None:
    assert len(wrong_imports(source, package)) == 1


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("hexmagic.experiments", "from .record import RecordMap"),
        ("hexmagic.backends", "from ..experiments.record import RecordMap"),
        ("hexmagic.backends.ibm", "from ..device import Device"),
        ("hexmagic.driver", "import hexmagic.analysis.tables"),
        ("hexmagic.analysis", "import pandas as pd"),
    ],
)
def test_a_right_import_passes(package: str, source: str) -> None:
    assert wrong_imports(source, package) == []


def test_the_packages_to_build_are_the_folders_there_are() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    folders = {package_of(path): path.parent for path in MODULES}
    folders["hexmagic"] = ROOT / "src" / "hexmagic"
    assert set(setuptools["packages"]) == set(folders)
    assert {name: ROOT / path for name, path in setuptools["package-dir"].items()} == folders


def test_the_dependencies_are_what_is_imported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["dask"], *extras["explore"]]
    declared = {re.split("[<>=]", line)[0] for line in lines}
    names = {name.split(".")[0] for path in MODULES for name in external_imports(path)}
    assert {DISTRIBUTION.get(name, name.replace("_", "-")) for name in names} == declared


def test_src_links_to_the_folders() -> None:
    links = {
        path.name: path.readlink()
        for path in (ROOT / "src/hexmagic").iterdir()
        if path.is_symlink()
    }
    assert links == {name: Path("../..") / name for name in MAY_IMPORT}
