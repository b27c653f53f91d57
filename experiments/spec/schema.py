"""The JSON Schema of an experiment file, for editors that complete and check as one types."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import TypeAdapter

from .sweep import SWEEPABLE
from .types import Experiment
from .validation import SECTIONS


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of an experiment file; JSON types only.

    It tells an editor the fields, their types, bounds and meanings. What it cannot say (which
    scheme needs which distance, say) is checked when the file is read.
    """
    schema: dict[str, Any] = _without_null(TypeAdapter(Experiment).json_schema())
    _describe(schema, Experiment)
    for section in {*SECTIONS.values()} - {Experiment}:
        _describe(schema["$defs"][section.__name__], section)
    sweep = schema["properties"]["sweep"]
    values = sweep["additionalProperties"] | {"uniqueItems": True}
    sweep["properties"] = {name: values | _swept(schema, name) for name in SWEEPABLE}
    sweep["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema


def _describe(schema: dict[str, Any], section: type) -> None:
    summary, meanings = _read_docstring(section)
    schema["description"] = summary
    for name, field in schema["properties"].items():
        field["description"] = meanings[name]
        field.pop("title", None)


def _read_docstring(section: type) -> tuple[str, dict[str, str]]:
    """Return the first line of a docstring and the text of each entry under "Attributes"."""
    summary, _, attributes = inspect.cleandoc(section.__doc__ or "").partition("Attributes:\n")
    entries = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", attributes, flags=re.MULTILINE)
    return summary.strip(), {name: " ".join(text.split()) for name, text in entries}


def _swept(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a sweep over a field adds to the schema of a list: its items and meaning."""
    field = schema
    for step in name.split("."):
        section = schema["$defs"][field["$ref"].rpartition("/")[2]] if "$ref" in field else field
        options = [section, *section.get("anyOf", [])]
        field = next(o["properties"][step] for o in options if step in o.get("properties", {}))
    items = {key: field[key] for key in field if key not in ("description", "default")}
    return {"items": items, "description": f"Values of {name} to run: {field['description']}"}


def _without_null(schema: Any) -> Any:
    """Drop the null alternatives: a field that is absent is left out of the file."""
    if isinstance(schema, list):
        return [_without_null(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        key: _without_null(value)
        for key, value in schema.items()
        if not (key == "default" and value is None)
    }
    options = [option for option in kept.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        del kept["anyOf"]
        return kept | options[0]
    return kept | ({"anyOf": options} if options else {})
