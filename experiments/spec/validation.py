"""From a YAML document to an Experiment, and from pydantic's complaints to ours."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .conditions import Bounds, Budget, Expect, Gates
from .device import DeviceSpec
from .errors import (
    FieldError,
    FieldPath,
    Problem,
    Source,
    dotted_name,
    kind_of,
    make_one_error,
    make_spec_error,
    nearest_name,
    show,
    suggest,
    unknown_value,
)
from .schedule import Schedule
from .types import Accept, Experiment, Protocol

SECTIONS: Mapping[FieldPath, type] = {
    (): Experiment,
    ("protocol",): Protocol,
    ("device",): DeviceSpec,
    ("accept",): Accept,
    ("gates",): Gates,
    ("budget",): Budget,
    ("expect",): Expect,
    ("schedule",): Schedule,
    ("expect", "fidelity"): Bounds,
    ("expect", "infidelity"): Bounds,
    ("expect", "acceptance"): Bounds,
}
"""What each mapping of a file describes, by its path."""

_UNKNOWN = "unexpected_keyword_argument"
_INTERNAL = ("auto_rounds", "swept", "source")
_NEEDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text; put it in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list in [ ]",
    "dataclass_type": "a mapping of fields",
    "mapping_type": "a mapping of fields",
    "dict_type": "a mapping of fields",
}
_NUMBERS = ("int_type", "float_type")
_LIKE_BOOLEANS = ("yes", "no", "on", "off", "true", "false")


def build_experiment(document: Any, source: Source) -> Experiment:
    """Return the experiment that a document (plain YAML values) describes.

    Raises:
        SpecError: it does not describe one. The message tells the first problem in the file and
            how many more there are; unknown fields come first, missing ones last.
    """
    if not isinstance(document, dict):
        what = f"the file is {kind_of(document)}; needs fields, such as name: my-experiment"
        raise make_one_error(source.file, what, line=source.lines.get(()))
    faults = [_fault(_UNKNOWN, (key,)) for key in document if key in _INTERNAL]
    try:
        experiment = _adapter().validate_python(
            {key: value for key, value in document.items() if key not in _INTERNAL}
        )
    except ValidationError as error:
        faults += error.errors(include_url=False)
    if faults:
        raise make_spec_error(source.file, _problems(faults, source))
    return replace(experiment, source=source)


@cache
def _adapter() -> TypeAdapter[Experiment]:
    return TypeAdapter(Experiment)


def _fault(kind: str, path: FieldPath) -> ErrorDetails:
    return {"type": kind, "loc": path, "msg": "", "input": None}


def _known_fields(section: FieldPath) -> tuple[str, ...]:
    """Return the names of the fields of a section, `()` being the top level."""
    return tuple(f.name for f in fields(SECTIONS[section]) if f.name not in _INTERNAL)


def _problems(faults: Sequence[ErrorDetails], source: Source) -> list[Problem]:
    misspelt = {
        (*fault["loc"][:-1], nearest_name(str(fault["loc"][-1]), _known_fields(fault["loc"][:-1])))
        for fault in faults
        if fault["type"] == _UNKNOWN
    }
    below = {fault["loc"][:-1] for fault in faults}
    told = [
        fault
        for fault in faults
        if not (fault["type"] == "missing" and fault["loc"] in misspelt)
        and not (fault["type"] == "too_short" and fault["loc"] in below)
    ]

    def rank(fault: ErrorDetails) -> tuple[int, float]:
        order = {_UNKNOWN: 0, "missing": 2}.get(fault["type"], 1)
        return order, source.line(fault["loc"]) or math.inf

    return [_problem(fault, source) for fault in sorted(told, key=rank)]


def _problem(fault: ErrorDetails, source: Source) -> Problem:
    path, value = fault["loc"], fault["input"]
    cause = fault.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        path = (*path, *cause.field.split(".")) if cause.field else path
        what = cause.what
    elif cause is not None:
        what = str(cause)
    elif fault["type"] == _UNKNOWN:
        what = _unknown_field(path)
    elif fault["type"] == "missing":
        what = f"missing; {dotted_name(path[:-1]) or 'every experiment'} needs it"
    elif fault["type"] == "literal_error":
        what = _no_literal(value, re.findall(r"'([^']*)'", fault["ctx"]["expected"]))
    elif fault["type"] in _NEEDS:
        what = _wrong_type(value, fault["type"])
    else:
        what = _out_of_bounds(fault)
    return Problem(line=source.line(path), field=dotted_name(path), what=what)


def _unknown_field(path: FieldPath) -> str:
    name, here = str(path[-1]), _known_fields(path[:-1])
    everywhere = [
        dotted_name((*section, other)) for section in SECTIONS for other in _known_fields(section)
    ]
    elsewhere = [other for other in everywhere if name in (other, other.rpartition(".")[2])]
    if "." in name and elsewhere:
        section, _, leaf = name.rpartition(".")
        return f"unknown field; write {leaf} as a field of {section}"
    if elsewhere:
        return f"unknown field; did you mean {elsewhere[0]!r}?"
    return f"unknown field; {suggest(name, here)}"


def _no_literal(value: Any, known: list[str]) -> str:
    needs = " or ".join(filter(None, (", ".join(known[:-1]), known[-1])))
    if not isinstance(value, str):
        return f"{show(value)} is {kind_of(value)}; needs {needs}"
    return unknown_value(value, known, needs)


def _wrong_type(value: Any, kind: str) -> str:
    hint = ""
    if isinstance(value, str):
        if kind == "bool_type" and value.lower() in _LIKE_BOOLEANS:
            hint = ", in small letters and without quotes"
        elif kind in _NUMBERS and re.fullmatch(r"[-+.]*[0-9][-+.\w]*", value):
            hint = ", in plain digits without quotes, underscores or leading zeros"
    return f"{show(value)} is {kind_of(value)}; needs {_NEEDS[kind]}{hint}"


def _out_of_bounds(fault: ErrorDetails) -> str:
    bounds, value = fault.get("ctx", {}), show(fault["input"])
    match fault["type"]:
        case "greater_than_equal":
            return f"{value} is too small; needs at least {_plain(bounds['ge'])}"
        case "less_than_equal":
            return f"{value} is too large; needs at most {_plain(bounds['le'])}"
        case "too_short":
            return "empty; needs at least one"
        case "string_too_short":
            return "empty; give a name"
        case "string_too_long":
            return f"{value} is too long; needs at most {bounds['max_length']} characters"
        case "finite_number":
            return f"{value} is not a finite number"
        case _:
            return f"{value}: {fault['msg']}"


def _plain(bound: float) -> float:
    return int(bound) if bound == int(bound) else bound
