"""Names of backends: those that are here, and those that installed packages offer."""

from __future__ import annotations

import importlib.metadata
from typing import Any

from pydantic_core import PydanticKnownError

BUILT_IN = ("aer", "clifft", "ibm")
ENGINES = "hexmagic.engines"
"""Group of entry points; each names a function that returns a `driver.adapters.Engine`."""


def known_backends() -> tuple[str, ...]:
    """Return every name that `device.backend` may have, those that are here first."""
    offered = importlib.metadata.entry_points(group=ENGINES).names
    return (*BUILT_IN, *sorted(offered - {*BUILT_IN}))


def check_backend(value: Any) -> Any:
    """Return a backend's name; others are looked for only if it is none of those that are here.

    Raises:
        PydanticKnownError: nobody offers it; told as any other unknown value.
    """
    if value in BUILT_IN:
        return value
    known = known_backends()
    if value in known:
        return value
    quoted = [repr(name) for name in known]
    expected = f"{', '.join(quoted[:-1])} or {quoted[-1]}"
    raise PydanticKnownError("literal_error", {"expected": expected})


class BackendSchema:
    """What the JSON Schema says of the names."""

    def __get_pydantic_json_schema__(self, _core: Any, _handler: Any) -> dict[str, Any]:
        """Return the schema."""
        return {"enum": list(known_backends()), "type": "string"}
