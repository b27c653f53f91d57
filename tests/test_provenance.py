"""What a run was made with: versions and revision, also where there is neither."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from hexmagic.driver import provenance


def test_a_package_that_is_not_there_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "_PACKAGES", ("numpy", "no-such-package-anywhere"))
    found = provenance.package_versions()
    assert set(found) == {"python", "numpy", "no-such-package-anywhere"}
    assert found["no-such-package-anywhere"] == "not installed"
    assert found["numpy"] != "not installed"


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module of a working copy that is not in it yet."""
    path = tmp_path / "module.py"
    path.write_text("x = 1\n")
    monkeypatch.setattr(provenance, "__file__", str(path))
    git(tmp_path, "init", "--quiet")
    return path


def test_the_revision_is_that_of_the_working_copy_that_has_the_sources(source: Path) -> None:
    assert provenance.git_revision() is None
    git(source.parent, "add", source.name)
    assert provenance.git_revision() is None
    git(source.parent, "commit", "--quiet", "-m", "first")
    found = provenance.git_revision()
    assert found is not None and not found["dirty"] and len(found["revision"]) == 40
    source.write_text("x = 2\n")
    assert provenance.git_revision() == found | {"dirty": True}


def test_where_git_is_not_installed_there_is_no_revision(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert provenance.git_revision() is None
