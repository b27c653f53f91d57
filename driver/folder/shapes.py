"""Shapes of a run folder's files: what is read is what the program wrote, or it is told as damaged.

JSON that is whole may still not be what was written: an editor, a merge, a disk. Every file is
compared with its shape where it is read, so that nothing behind has to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from ...experiments.errors import HexmagicError
from ...experiments.spec import Accept, Budget, Expect, Gates, Protocol
from .files import StorageError

_LONGEST = 200


class _Job(TypedDict):
    job: str
    circuit: str
    seed: int
    shots: int
    state: str


class _Provenance(TypedDict):
    """What `driver.provenance` writes, as far as anybody reads it; there is more."""

    run: str
    created: datetime
    engine: str
    state: str
    rewrites: list[str]
    versions: dict[str, str]
    circuits: dict[str, dict[str, Any]]
    overrides: NotRequired[dict[str, Any]]
    jobs: NotRequired[list[_Job]]
    problems: NotRequired[list[str]]
    resumed: NotRequired[list[dict[str, Any]]]


class _Operation(TypedDict):
    error: float | None
    seconds: float


class _Qubit(TypedDict):
    one_qubit: _Operation
    prob_0_given_1: float | None
    prob_1_given_0: float | None
    readout_seconds: float
    reset_seconds: float | None
    t1_seconds: float | None
    t2_seconds: float | None


class _Gate(_Operation):
    control: int
    target: int


class _Calibration(TypedDict):
    """What `driver.folder.circuit_files` writes of a device."""

    name: str
    qubits: list[_Qubit]
    two_qubit: list[_Gate]
    faulty_qubits: NotRequired[list[int]]
    faulty_edges: NotRequired[list[tuple[int, int]]]


class _Point(TypedDict):
    protocol: Protocol
    accept: Accept


class _Plan(TypedDict):
    """The sections of a plan that an experiment has too."""

    created: NotRequired[datetime]
    description: str
    points: list[_Point]
    gates: Gates | None
    budget: Budget | None
    expect: Expect | None


def check_file(name: str, document: Any, path: Path) -> None:
    """Check that a file of a run folder, named relative to it, has its shape.

    A file without a known shape is taken as it is.

    Raises:
        StorageError: it has not.
    """
    with damage_told(path):
        if name == "provenance.json":
            _validator(_Provenance).validate_python(document)
        elif name == "plan.json":
            _validator(_Plan).validate_python(document)
        elif name.startswith("calibration/"):
            _check_calibration(document)


def _check_calibration(document: Any) -> None:
    found = _validator(_Calibration).validate_python(document)
    last = len(found["qubits"]) - 1
    ends = [end for gate in found["two_qubit"] for end in (gate["control"], gate["target"])]
    if not all(0 <= qubit <= last for qubit in ends):
        raise ValueError("two_qubit: a gate on a qubit that there is not")


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    """Turn what goes wrong when a document is not as it was written into one line.

    Raises:
        StorageError: in the place of what Python raises; hexmagic's own errors go through.
    """
    try:
        yield
    except HexmagicError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        words = " ".join(_words(error).split())
        short = words if len(words) <= _LONGEST else f"{words[:_LONGEST]}..."
        raise StorageError(f"{path}: damaged: {short}") from error


def _words(error: Exception) -> str:
    """Return what is wrong, and with pydantic where."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"]))
        return f"{where}: {first['msg']}" if where else first["msg"]
    if isinstance(error, KeyError):
        return f"{error} is not there"
    return f"{error}" or type(error).__name__


@cache
def _validator(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)
