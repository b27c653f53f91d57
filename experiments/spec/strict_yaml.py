"""Strict YAML: no repeated keys, no surprises in scalars, and the line of every field.

Plain scalars follow the YAML 1.2 core schema, only more narrowly. Booleans are `true` and `false`
and nothing else (`yes`, `no`, `on`, `off`, `True` are text). Whole numbers are decimal digits
without leading zeros, underscores or a base (`010`, `1_000`, `0x10` are text, and so refused where
a number is needed). Everything else with a point or an exponent is a float: `1e-3`, `1E5`, `1.e-3`.
Dates and `12:30` are text. NaN and infinities, empty values, anchors, aliases, tags and a second
document are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from .errors import FieldPath, Problem, dotted_name, make_spec_error, show

_BOOL, _INT, _FLOAT, _NULL = (f"tag:yaml.org,2002:{t}" for t in ("bool", "int", "float", "null"))
_STR = "tag:yaml.org,2002:str"
_DIGITS = "0123456789"
_DECIMAL = r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_SPECIAL = r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
_SCALARS = (
    (_NULL, r"null|~|", ["n", "~", ""]),
    (_BOOL, r"true|false", ["t", "f"]),
    (_INT, r"[-+]?(?:0|[1-9][0-9]*)", list("-+" + _DIGITS)),
    (_FLOAT, rf"{_DECIMAL}|{_SPECIAL}", list("-+." + _DIGITS)),
)

_DEEPEST = 24
_LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document.

    Attributes:
        value: dicts with text keys, lists, str, int, float and bool; never None.
        lines: 1-based line of each mapping's key and of each list's item, by its path from the
            top; () is the line where the document starts.
    """

    value: Any
    lines: Mapping[FieldPath, int]


class _FaultError(Exception):
    """A problem on its way out of the loader, which does not know the file's name."""

    def __init__(self, line: int | None, field: str, what: str) -> None:
        super().__init__(what)
        self.problem = Problem(line=line, field=field, what=what)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the scalars above and without anchors, aliases and tags."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own class attribute, filled below
    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node, refusing what an experiment file never needs."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # so in types-PyYAML
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _FaultError(
                line, "", "anchors and aliases (& and *) are not allowed; write it out"
            )
        if getattr(event, "tag", None) is not None:
            raise _FaultError(line, "", f"the tag {show(event.tag)} is not allowed; leave it out")
        if self.depth >= _DEEPEST:
            raise _FaultError(
                line,
                "",
                f"nested more than {_DEEPEST} levels deep; indent less, or close brackets earlier",
            )
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """PyYAML's safe dumper that quotes exactly the text that `_Loader` would not read as text."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - PyYAML's own class attribute, filled below


def _represent_text(dumper: _Dumper, text: str) -> yaml.Node:
    """Quote and escape what does not print: PyYAML 6.0.3 loses some line breaks otherwise."""
    return dumper.represent_scalar(_STR, text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)
for _tag, _pattern, _first in _SCALARS:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(_tag, re.compile(rf"(?:{_pattern})\Z"), _first)


def read_strict_yaml(text: str, *, file: str) -> Document:
    """Return the one document in `text`, whose name in messages is `file`.

    Raises:
        SpecError: it is not YAML, it is empty, or it uses what the module's head refuses.
    """
    try:
        node = _compose(text)
        lines: dict[FieldPath, int] = {(): _line(node)}
        return Document(value=_read(node, (), lines), lines=lines)
    except _FaultError as fault:
        raise make_spec_error(file, [fault.problem]) from None


def write_strict_yaml(value: Any) -> str:
    """Return YAML text that `read_strict_yaml` reads back as the same value (tuples as lists)."""
    plain = _lists(value)
    return yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _compose(text: str) -> yaml.Node:
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        what = f"not a text file: it holds the character {error.character:#06x}"
        raise _FaultError(line, "", what) from None
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error) from None
    except (ValueError, OverflowError):  # a \U escape beyond Unicode, seen in PyYAML 6.0.3
        what = "not valid YAML: an escape that is no character"
        raise _FaultError(loader.line + 1, "", what) from None
    if node is None or node.tag == _NULL:
        raise _FaultError(None, "", "empty: it holds no experiment")
    return node


def _syntax_fault(error: yaml.MarkedYAMLError) -> _FaultError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else None
    context, problem = error.context or "", error.problem or "unreadable"
    if "single document" in context:
        return _FaultError(line, "", "a second document starts here; keep one experiment a file")
    if "'\\t'" in problem:
        return _FaultError(line, "", "a tab where YAML wants spaces; indent with spaces")
    opened = error.context_mark.line + 1 if error.context_mark else None
    if context in ("while parsing a flow mapping", "while parsing a flow sequence"):
        bracket = "{" if "mapping" in context else "["
        what = f"the {bracket} opened here is not closed, or a comma is missing in it"
        return _FaultError(opened, "", f"not valid YAML: {what}")
    if "simple key" in context:
        return _FaultError(opened, "", "not valid YAML: a colon and a value are missing here")
    if "quoted" in context:
        return _FaultError(
            opened, "", f"not valid YAML in the quoted text that starts here: {problem}"
        )
    hint = "; check the indentation" if "block" in problem or "mapping values" in problem else ""
    return _FaultError(line, "", f"not valid YAML: {problem}{hint}")


def _read(node: yaml.Node, path: FieldPath, lines: dict[FieldPath, int]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _read_mapping(node, path, lines)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for i, item in enumerate(node.value):
            lines[(*path, i)] = _line(item)
            items.append(_read(item, (*path, i), lines))
        return items
    return _read_scalar(node, path)


def _read_mapping(
    node: yaml.MappingNode, path: FieldPath, lines: dict[FieldPath, int]
) -> dict[str, Any]:
    mapping: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = _line(key_node)
        if not isinstance(key_node, yaml.ScalarNode):
            raise _FaultError(line, dotted_name(path), "a list or mapping as a key; keys are text")
        key = _text(str(key_node.value), line, path)
        here = (*path, key)
        if key in mapping:
            raise _FaultError(line, dotted_name(here), f"repeated key, first on line {lines[here]}")
        lines[here] = line
        mapping[key] = _read(value_node, here, lines)
    return mapping


def _read_scalar(node: yaml.Node, path: FieldPath) -> str | int | float | bool:
    text, line, field = str(node.value), _line(node), dotted_name(path)
    if node.tag == _NULL:
        space = " (a space is needed after the colon)" if ":" in field else ""
        raise _FaultError(line, field, f"no value; give one or leave the key out{space}")
    if node.tag == _BOOL:
        return text == "true"
    if node.tag in (_INT, _FLOAT) and len(text) > _LONGEST_NUMBER:
        raise _FaultError(
            line,
            field,
            f"{show(text)} is too long for a number; write at most {_LONGEST_NUMBER} characters",
        )
    if node.tag == _INT:
        return int(text)
    if node.tag == _FLOAT:
        return _read_float(text, line, field)
    return _text(text, line, path)


def _read_float(text: str, line: int, field: str) -> float:
    value = math.inf if "n" in text.lower() else float(text)  # .nan, .inf; digits have no n
    if math.isinf(value):
        raise _FaultError(line, field, f"{text} is not a finite number")
    return value


def _text(text: str, line: int, path: FieldPath) -> str:
    """Join surrogate pairs, as JSON writes them; half a pair cannot be written to any file."""
    try:
        return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        what = "text with half of a surrogate pair"
        raise _FaultError(line, dotted_name(path), what) from None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _lists(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_lists(item) for item in value]
    return value
