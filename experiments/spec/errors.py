"""Errors of an experiment file: one line each, with the file, the line and the field."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import UsageError

FieldPath = tuple[str | int, ...]

_LONGEST = 64


class SpecError(UsageError):
    """An experiment file that cannot be used: `file:line: field: what, and what to do`."""


class FieldError(ValueError):
    """A value that its own dataclass refuses.

    Attributes:
        field: dotted name below that dataclass; "" for the dataclass as a whole.
        what: what is wrong and what to do.
    """

    def __init__(self, field: str, what: str) -> None:
        """Keep the field and the text apart, for a message that has a place for each."""
        super().__init__(f"{field}: {what}" if field else what)
        self.field = field
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong in a file.

    Attributes:
        line: 1-based line, None when no line can be named.
        field: dotted name of the field, "" when there is none.
        what: what is wrong, the value, and what to do.
    """

    line: int | None
    field: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an experiment was read.

    Attributes:
        file: its name in messages.
        lines: 1-based line of each field, by its path of keys.
        text: the file as given; "" for an experiment that was built in Python.
    """

    file: str = "experiment"
    lines: Mapping[FieldPath, int] = field(default_factory=dict)
    text: str = ""

    def line(self, path: FieldPath) -> int | None:
        """Return the line of a field or, if it is not in the file, of the section it is in."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path) if path else None

    def place(self, path: FieldPath) -> str:
        """Return `file:line` of a field, or the file's name where there is no line."""
        line = self.line(path)
        return self.file if line is None else f"{self.file}:{line}"


def make_spec_error(file: str, problems: Sequence[Problem]) -> SpecError:
    """Return the error for the first of `problems`, which says how many more there are."""
    first = problems[0]
    where = file if first.line is None else f"{file}:{first.line}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    text = ": ".join(part for part in (where, first.field, first.what) if part) + more
    # Names come from the file and may hold anything; the promise is one line.
    return SpecError(" ".join(text.splitlines()))


def make_one_error(file: str, what: str, *, line: int | None = None, field: str = "") -> SpecError:
    """Return the error for the only thing that is wrong in a file."""
    return make_spec_error(file, [Problem(line=line, field=field, what=what)])


def field_path(name: str) -> FieldPath:
    """Return the path of a dotted name; below `sweep`, dotted names are keys themselves."""
    top, _, rest = name.partition(".")
    return (top, rest) if top == "sweep" and rest else tuple(name.split("."))


def dotted_name(path: FieldPath) -> str:
    """Return `device.noise.uniform` or `measure[0]` for a path of keys and list positions."""
    name = ""
    for step in path:
        if isinstance(step, int):
            name += f"[{step}]"
        else:
            key = step if step.isprintable() else repr(step)
            name += f".{key}" if name else key
    return name if len(name) <= 2 * _LONGEST else name[: 2 * _LONGEST] + "..."


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like `name`, or None when none is close."""
    names = list(known)
    same = [other for other in names if other.casefold() == name.casefold()]
    close = difflib.get_close_matches(name.casefold(), names, n=1, cutoff=0.6)
    return next(iter(same + close), None)


def suggest(name: str, known: Sequence[str]) -> str:
    """Return `did you mean 'x'?` when a name is close, otherwise all that are known."""
    near = nearest_name(name, known)
    return f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"


def unknown_value(value: str, known: Iterable[str], needs: str) -> str:
    """Return that a value is none of the known ones, the nearest of them, and what is needed."""
    near = nearest_name(value, known)
    guess = f"did you mean {near!r}? " if near else ""
    return f"unknown value {show(value)}; {guess}needs {needs}"


def show(value: Any) -> str:
    """Return the value for a message: short and on one line."""
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "..."


def kind_of(value: Any) -> str:
    """Return what the value is in the words of a YAML file."""
    if isinstance(value, bool):
        return "true or false"
    kinds = {str: "text", int: "a whole number", float: "a number", dict: "a mapping"}
    return kinds.get(type(value), "a list")
