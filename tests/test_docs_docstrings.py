"""Docstrings: every public name has one; it names the errors raised there and the shapes returned.

What a program can check of that, read from the source: what a function raises by itself, and
whether a word on shape, rows or dtype stands where an array or a DataFrame is returned.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from fakes.page import ROOT

PACKAGES = ("experiments", "backends", "driver", "analysis", "src/hexmagic")
ROOT_ERROR = "HexmagicError"
ARRAYS = re.compile(r"\b(NDArray|Floats|DataFrame|BitArray)\b")
SHAPES = re.compile(r"\b([Ss]hape|elementwise|rows?|columns?|2x2|(u?int|float|complex)\d+|bool)\b")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Named:
    """A public function or class, with the class that it is a method of."""

    place: str
    node: Function | ast.ClassDef
    owner: ast.ClassDef | None

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def decorators(self) -> set[str]:
        return {ast.unparse(one).partition("(")[0] for one in self.node.decorator_list}


@cache
def modules() -> dict[str, ast.Module]:
    paths = [
        path
        for package in PACKAGES
        for path in sorted((ROOT / package).glob("*.py" if "/" in package else "**/*.py"))
    ]
    return {str(path.relative_to(ROOT)): ast.parse(read(path)) for path in paths}


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def public() -> Iterator[Named]:
    for path, module in modules().items():
        yield from public_in(module, path, None)


def public_in(
    parent: ast.Module | ast.ClassDef, path: str, owner: ast.ClassDef | None
) -> Iterator[Named]:
    for node in parent.body:
        if not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ) or node.name.startswith("_"):
            continue
        yield Named(f"{path}:{node.lineno} {node.name}", node, owner)
        if isinstance(node, ast.ClassDef):
            yield from public_in(node, path, node)


def functions() -> Iterator[tuple[Named, Function]]:
    for one in public():
        if not isinstance(one.node, ast.ClassDef):
            yield one, one.node


@cache
def errors() -> frozenset[str]:
    """Return the names of HexmagicError and of every class below it."""
    known = {ROOT_ERROR}
    classes = [n for m in modules().values() for n in ast.walk(m) if isinstance(n, ast.ClassDef)]
    for _ in classes:
        below = {c.name for c in classes if {ast.unparse(base) for base in c.bases} & known}
        if below <= known:
            break
        known |= below
    return frozenset(known)


def raised(function: Function) -> set[str]:
    """Return the HexmagicErrors that a function raises by itself, not in a function within it."""
    found: set[str] = set()
    nodes: list[ast.AST] = [*function.body]
    while nodes:
        node = nodes.pop()
        if isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, ast.Raise) and node.exc is not None:
            found.add(ast.unparse(node.exc).partition("(")[0])
        nodes += ast.iter_child_nodes(node)
    return found & errors()


def test_every_public_name_has_a_docstring() -> None:
    assert [path for path, module in modules().items() if not ast.get_docstring(module)] == []
    names = list(public())
    assert [one.place for one in names if not one.doc] == []
    assert len(names) > 1000


def test_a_function_says_which_errors_it_raises() -> None:
    missing, seen = [], 0
    for one, function in functions():
        if any(name.endswith(("command", "group")) for name in one.decorators):
            continue  # a verb: its docstring is what --help prints, and errors are exit codes
        names = raised(function)
        seen += bool(names)
        told = one.doc.partition("Raises:\n")[2]
        missing += [f"{one.place}: {name}" for name in names if not re.search(rf"\b{name}\b", told)]
    assert missing == []
    assert seen > 50


def test_a_function_says_what_shape_it_returns() -> None:
    missing, seen = [], 0
    for one, function in functions():
        if function.returns is not None and ARRAYS.search(ast.unparse(function.returns)):
            seen += 1
            if not SHAPES.search(one.doc):
                missing.append(f"{one.place}: {one.doc.splitlines()[0]}")
    assert missing == []
    assert seen > 50


def test_an_argument_or_attribute_that_is_explained_is_there() -> None:
    wrong = []
    for one, function in functions():
        section = re.search(r"Args:\n((?: {4}.*\n?|\n)*)", one.doc)
        entries = re.findall(r"^ {4}([\w, ]+):", section[1] if section else "", re.MULTILINE)
        told = {name for entry in entries for name in re.split(r",\s*|\s+and\s+", entry)}
        there = {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)}
        wrong += [f"{one.place}: {name}" for name in sorted(told - there)]
    assert wrong == []


@pytest.mark.parametrize("function", ["def f():\n  raise UsageError('x')", "def f():\n  return 1"])
def test_what_is_raised_is_seen(function: str) -> None:
    (node,) = ast.parse(function).body
    assert isinstance(node, ast.FunctionDef)
    assert raised(node) == ({"UsageError"} if "raise" in function else set())
