"""The JSON Schema tells editors what the reader of experiment files accepts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hexmagic.experiments.spec import SWEEPABLE
from hexmagic.experiments.spec.schema import json_schema
from hexmagic.experiments.spec.strict_yaml import read_strict_yaml

SCHEMA = json_schema()
SHIPPED = sorted((Path(__file__).parent.parent / "experiments").glob("*.yaml"))
MALFORMED = Path(__file__).parent / "malformed"
TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def faults(value: Any, schema: dict[str, Any], path: str = "") -> Iterator[str]:
    """Check the few keywords of JSON Schema that ours uses."""
    if "$ref" in schema:
        schema = SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]] | schema
    if "anyOf" in schema and all(list(faults(value, s, path)) for s in schema["anyOf"]):
        yield f"{path}: none of anyOf"
    kind = schema.get("type", "object" if {"required", "properties"} & {*schema} else None)
    if kind and (type(value) not in TYPES[kind]):
        yield f"{path}: not {kind}"
        return
    if ("const" in schema and value != schema["const"]) or value not in schema.get("enum", [value]):
        yield f"{path}: not the value or one of them"
    if kind in CHECKS:
        yield from CHECKS[kind](value, schema, path)


def number_faults(value: float, schema: dict[str, Any], path: str) -> Iterator[str]:
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{path}: out of bounds"


def string_faults(value: str, schema: dict[str, Any], path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: too short"
    if not re.search(schema.get("pattern", ""), value):
        yield f"{path}: pattern"


def array_faults(value: list[Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: too few"
    for i, item in enumerate(value):
        yield from faults(item, schema["items"], f"{path}[{i}]")


def object_faults(value: dict[str, Any], schema: dict[str, Any], path: str) -> Iterator[str]:
    yield from (
        f"{path}.{name}: missing" for name in schema.get("required", []) if name not in value
    )
    for name, item in value.items():
        if name in schema.get("properties", {}):
            yield from faults(item, schema["properties"][name], f"{path}.{name}")
        elif not schema.get("additionalProperties", True):
            yield f"{path}.{name}: unknown"


CHECKS: dict[str, Callable[[Any, dict[str, Any], str], Iterator[str]]] = {
    "array": array_faults,
    "object": object_faults,
    "string": string_faults,
    "integer": number_faults,
    "number": number_faults,
}


def fields(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            yield f"{path}.{name}", field
        for key, part in schema.items():
            yield from fields(part, f"{path}/{key}")
    if isinstance(schema, list):
        for part in schema:
            yield from fields(part, path)


def document(path: Path) -> Any:
    return read_strict_yaml(path.read_text(encoding="utf-8"), file=path.name).value


def test_every_field_has_a_description() -> None:
    assert [name for name, field in fields(SCHEMA) if not field.get("description")] == []


def test_every_field_of_a_file_is_in_the_schema() -> None:
    assert set(SCHEMA["properties"]) == {
        *("schema_version", "name", "description", "protocol", "device", "measure", "accept"),
        *("shots", "seed", "keep", "estimate", "sweep", "baselines", "gates", "budget", "expect"),
        *("schedule", "on_done"),
    }
    assert set(SCHEMA["properties"]["sweep"]["properties"]) == set(SWEEPABLE)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_experiments_fit_the_schema(path: Path) -> None:
    assert list(faults(document(path), SCHEMA)) == []


@pytest.mark.parametrize(
    "name",
    [
        "unknown_key_top",
        "misspelt_key_bounds",
        "protocol_missing",
        "shots_boolean",
        "shots_negative",
        "name_slash",
        "version_2",
        "scheme_unknown",
        "uniform_too_large",
        "paper_too_large",
        "scale_negative",
        "scale_text",
        "misspelt_key_scale",
        "noise_two_kinds",
        "embedding_negative",
        "measure_empty",
        "budget_negative",
        "expect_percent",
        "sweep_unknown",
        "sweep_empty_list",
        "sweep_wrong_type",
        "noise_missing",
        "decoupling_unknown",
        "queue_negative",
        "queue_fraction",
        "schedule_text",
        "schedule_without_unit",
        "schedule_order_of_units",
        "schedule_without_zone",
        "schedule_date_only",
        "schedule_on_unknown",
        "misspelt_key_schedule",
        "on_done_empty",
    ],
)
def test_an_editor_sees_what_the_schema_can_say_is_wrong(name: str) -> None:
    assert list(faults(document(MALFORMED / f"{name}.yaml"), SCHEMA))


def test_the_schema_is_json_without_null_and_the_same_each_time() -> None:
    text = json.dumps(SCHEMA)
    assert "null" not in text
    assert json.dumps(json_schema()) == text
