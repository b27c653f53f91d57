"""Strict values: dataclasses whose fields hold what their annotations say, and nothing like it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


def all_of[T](kind: Callable[..., T], values: tuple[T, ...]) -> tuple[T, ...]:
    """Return values of one dataclass, each field checked without any conversion.

    Raises:
        pydantic.ValidationError: a field holds what it cannot; a ValueError.
    """
    _validator(kind).validate_python(values)
    return values


@cache
def _validator(kind: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter

    config = ConfigDict(strict=True, revalidate_instances="always")
    return TypeAdapter(tuple[kind, ...], config=config)
