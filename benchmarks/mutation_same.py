"""Which of mutmut's changes leave the program as it was: other letter case in SQL.

mutmut writes texts in capitals and in small letters, and SQL's words and names have no case. What
is in quotes has, and so has the name that a column of the result is given.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_ORIGINAL = "__mutmut_orig"
_VALUE = "\0"
"""Stands for a value in an f-string."""

_SQL = re.compile(
    r"\s*(?:SELECT|INSERT|UPDATE|DELETE|PRAGMA|CREATE|ALTER|DROP|BEGIN|COMMIT|ROLLBACK|WHERE|FROM|"
    r"JOIN|ORDER BY|SET)\b|\s*(?:IN|VALUES) \(|\w+ = (?:\?|'|[A-Z]+\Z)"
)
"""How a statement begins, or the rest of one, as this project writes it."""

_CASED = re.compile(r"'[^']*'|\"[^\"]*\"|\bas \w+(?= from\b|,)", re.IGNORECASE)
"""What has letter case in SQL: what is in quotes, and the name of a column of the result."""


def same_programs(path: Path, mutants: Iterable[str]) -> set[str]:
    """Return those of some mutants that are the program itself.

    Args:
        path: the file with every mutant of one module, as mutmut writes it.
        mutants: mutmut's names of them.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    found = set()
    for mutant in mutants:
        name = mutant.rpartition(".")[2]
        original = functions[name.rpartition("__mutmut_")[0] + _ORIGINAL]
        if is_same(original, functions[name]):
            found.add(mutant)
    return found


def is_same(original: ast.FunctionDef, changed: ast.FunctionDef) -> bool:
    """Return whether two functions differ in nothing but the letter case of SQL, and their name."""
    texts, others = [*_texts(original)], [*_texts(changed)]
    if _without_texts(original) != _without_texts(changed) or len(texts) != len(others):
        return False
    return all(
        one == other or (_SQL.match(one) is not None and _folded(one) == _folded(other))
        for one, other in zip(texts, others, strict=True)
    )


def _texts(node: ast.AST) -> Iterator[str]:
    """Give every text below a node, an f-string as one."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else _VALUE for part in node.values]
        yield "".join(map(str, parts))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)):
            yield from _texts(child)


def _without_texts(function: ast.FunctionDef) -> str:
    """Return the shape of a function, its texts and its name left out."""
    copy = ast.parse(ast.unparse(function))
    for node in ast.walk(copy):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
        elif isinstance(node, ast.FunctionDef):
            node.name = ""
    return ast.dump(copy)


def _folded(text: str) -> str:
    """Return SQL in small letters, but for what has letter case."""
    kept, end = [], 0
    for match in _CASED.finditer(text):
        kept += [text[end : match.start()].lower(), _kept(match[0])]
        end = match.end()
    return "".join([*kept, text[end:].lower()])


def _kept(text: str) -> str:
    return text if text[0] in "'\"" else text[:2].lower() + text[2:]
