"""How wide text is printed: COLUMNS, the terminal, or 80."""

import io
import os
import sys

import pytest

from hexmagic.driver.cli.common import text_width


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1


@pytest.mark.parametrize(
    ("columns", "width"),
    [("120", 120), ("60", 60), ("10", 40), ("", 80), ("0", 80), ("many", 80), ("-5", 80)],
)
def test_columns_are_kept_to_without_a_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert text_width() == width


@pytest.mark.parametrize(
    ("columns", "width"), [(None, 132), ("100", 100), ("0", 132), ("many", 132)]
)
def test_a_terminal_says_how_wide_it_is_unless_columns_do(
    monkeypatch: pytest.MonkeyPatch, columns: str | None, width: int
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    for name in ("stdout", "__stdout__"):
        monkeypatch.setattr(sys, name, Terminal())
    monkeypatch.setattr(os, "get_terminal_size", lambda *_: os.terminal_size((132, 40)))
    assert text_width() == width


def test_without_both_it_is_80(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert text_width() == 80
