"""The kinds of value that fields of an experiment hold, and what pydantic checks of each."""

from __future__ import annotations

import re
import shlex
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ..colour_code import Basis
from .backends import BackendSchema, check_backend
from .errors import show

SCHEMA_VERSION = 1
LARGEST_DISTANCE = 31
LARGEST_SEED = 2**63 - 1
MOST_ROUNDS = 100
MOST_SHOTS = 10**9
_MOST_JOBS = 10**6
_NAME = r"[a-z0-9][a-z0-9._-]{0,63}"
_LARGEST_QUBIT = 10**6 - 1


def no_repeats[T](values: tuple[T, ...]) -> tuple[T, ...]:
    """Return the values, all different.

    Raises:
        ValueError: one is there twice.
    """
    for i, value in enumerate(values):
        if value in values[:i]:
            raise ValueError(f"{value!r} is there twice; name it once")
    return values


def _whole(value: Any) -> Any:
    """Take `1e5` where a whole number is meant, as JSON Schema does."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _version(value: int) -> int:
    if value != SCHEMA_VERSION:
        raise ValueError(f"{value} is not a version this hexmagic reads; write {SCHEMA_VERSION}")
    return value


def _name(value: str) -> str:
    if re.fullmatch(_NAME, value) is None:
        slug = re.sub(r"[^a-z0-9._-]+", "-", value.lower()).strip("-._")[:64]
        hint = f"; did you mean {slug!r}?" if slug else ""
        rule = "1 to 64 of a-z 0-9 . _ -, the first a letter or a digit"
        raise ValueError(f"{show(value)} cannot be part of a folder's name: {rule}{hint}")
    return value


def _rounds(value: Any) -> Any:
    if value == "auto":
        return None
    if isinstance(value, str):
        raise ValueError(f"{show(value)} is text; needs auto or a whole number")
    return _whole(value)


def _embedding(value: Any) -> Any:
    if value == "best":
        return value
    if not isinstance(value, list | tuple) or not value:
        needs = "needs best, or a list with the physical qubit of each patch qubit"
        raise ValueError(f"{show(value)} is no embedding; {needs}")
    qubits = tuple(_whole(qubit) for qubit in value)
    for qubit in qubits:
        if type(qubit) is not int or not 0 <= qubit <= _LARGEST_QUBIT:
            raise ValueError(f"{show(qubit)} is no physical qubit; they are numbered from 0")
    return no_repeats(qubits)


def _command(value: str) -> str:
    if not value.isprintable():
        raise ValueError(f"{show(value)} is not one line of plain text; write one command")
    try:
        words = shlex.split(value)
    except ValueError as error:
        what = f"{show(value)} cannot be split into words: {error}; close every quote"
        raise ValueError(what) from None
    if not words or not words[0]:
        raise ValueError(f"{show(value)} names no program; write a command or leave it out")
    return value


_ROUNDS_SCHEMA = {
    "anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": MOST_ROUNDS}]
}
_QUBIT_SCHEMA = {"type": "integer", "minimum": 0, "maximum": _LARGEST_QUBIT}
_EMBEDDING_SCHEMA = {
    "anyOf": [
        {"const": "best"},
        {"type": "array", "minItems": 1, "uniqueItems": True, "items": _QUBIT_SCHEMA},
    ]
}
_UNIQUE = Field(json_schema_extra={"uniqueItems": True})

Baseline = Literal["bare", "encoded", "routed"]

Text = Annotated[str, Field(strict=True)]
Flag = Annotated[bool, Field(strict=True)]
Amount = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Rate = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]

Command = Annotated[Text, AfterValidator(_command), Field(json_schema_extra={"minLength": 1})]

# The bounds stand inside, next to `int`: outside the validator the JSON Schema would lose them.
Version = Annotated[
    Annotated[int, Field(strict=True, json_schema_extra={"const": SCHEMA_VERSION})],
    BeforeValidator(_whole),
    AfterValidator(_version),
]
ShotCount = Annotated[int, Field(strict=True, ge=1, le=MOST_SHOTS), BeforeValidator(_whole)]
JobCount = Annotated[int, Field(strict=True, ge=0, le=_MOST_JOBS), BeforeValidator(_whole)]
Seed = Annotated[int, Field(strict=True, ge=0, le=LARGEST_SEED), BeforeValidator(_whole)]
Distance = Annotated[int, Field(strict=True, ge=3, le=LARGEST_DISTANCE), BeforeValidator(_whole)]
Rounds = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MOST_ROUNDS)] | None,
    BeforeValidator(_rounds),
    WithJsonSchema(_ROUNDS_SCHEMA),
]
Name = Annotated[Text, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME}$"})]
Backend = Annotated[str, BeforeValidator(check_backend), BackendSchema()]
DeviceName = Annotated[str, Field(strict=True, min_length=1, max_length=100)]
Embedding = Annotated[
    Literal["best"] | tuple[int, ...],
    BeforeValidator(_embedding),
    WithJsonSchema(_EMBEDDING_SCHEMA),
]
Bases = Annotated[tuple[Basis, ...], Field(min_length=1), AfterValidator(no_repeats), _UNIQUE]
Baselines = Annotated[tuple[Baseline, ...], AfterValidator(no_repeats), _UNIQUE]
SweptValues = Annotated[tuple[Any, ...], Field(min_length=1)]
