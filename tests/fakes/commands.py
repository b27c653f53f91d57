"""Command lines in this process, with the fake engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hexmagic.driver.cli.main import cli

from .world import make_services

Call = Callable[..., Result]


def make_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Return what runs a command line in an empty directory, with the fake engine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("hexmagic.driver.services.Services", make_services)
    return lambda *words: CliRunner().invoke(cli, [str(word) for word in words])


def one_line(result: Result) -> str:
    """Return the only line on standard error; standard output must be empty."""
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line
