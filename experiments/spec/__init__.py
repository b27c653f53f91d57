"""Experiment files: read, check, change and write them.

The format is described field by field in `types` and, for editors, by `schema`. Every error
is a `SpecError`, one line: `file:line: field: what, and the nearest valid name`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .conditions import Bounds, Budget, Expect, Gates
from .device import HARDWARE, DeviceSpec
from .errors import FieldError, Source, SpecError, make_one_error, nearest_name, suggest
from .noise import NoiseSpec
from .results import EstimateSpec, Keep
from .schedule import Schedule
from .strict_yaml import read_strict_yaml, write_strict_yaml
from .sweep import SWEEPABLE, expand_sweep, overlap, set_field
from .types import Accept, Experiment, Protocol, Scalar
from .validation import build_experiment

__all__ = [
    "HARDWARE",
    "SWEEPABLE",
    "Accept",
    "Bounds",
    "Budget",
    "DeviceSpec",
    "EstimateSpec",
    "Expect",
    "Experiment",
    "FieldError",
    "Gates",
    "Keep",
    "NoiseSpec",
    "Protocol",
    "Scalar",
    "Schedule",
    "Source",
    "SpecError",
    "expand_sweep",
    "load_experiment",
    "parse_experiment",
    "with_fields",
    "write_experiment",
]

_LARGEST_FILE = 1_000_000


def load_experiment(path: str | os.PathLike[str]) -> Experiment:
    """Return the experiment in a YAML file (UTF-8, at most 1 MB).

    Raises:
        SpecError: the file cannot be read, or `parse_experiment` refuses it.
    """
    file = os.fspath(path)
    try:
        with Path(file).open("rb") as stream:
            data = stream.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise make_one_error(file, f"no such file{_nearest_file(Path(file))}") from None
    except IsADirectoryError:
        raise make_one_error(file, "a directory; name an experiment file in it") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise make_one_error(file, f"cannot be read: {reason}") from None
    if len(data) > _LARGEST_FILE:
        raise make_one_error(file, f"larger than {_LARGEST_FILE} bytes; not an experiment file")
    return parse_experiment(_decode(data, file), source=file)


def parse_experiment(text: str, *, source: str) -> Experiment:
    """Return the experiment in a YAML text; `source` names it in messages.

    Every point of its sweep is checked too.

    Raises:
        SpecError: it is not strict YAML, a field is missing, unknown or out of bounds, or
            fields contradict each other.
    """
    document = read_strict_yaml(text, file=source)
    where = Source(file=source, lines=document.lines, text=text)
    experiment = build_experiment(document.value, where)
    expand_sweep(experiment)
    return experiment


def with_fields(experiment: Experiment, values: Mapping[str, Any], *, origin: str) -> Experiment:
    """Return the experiment with some fields changed, checked as a whole like a file.

    An experiment that goes from hardware to an emulator leaves `gates.max_queue` behind, which is
    about the machine alone.

    Args:
        experiment: the experiment to change; the copy keeps its source.
        values: new plain values by dotted name; any field that can be swept.
        origin: where they come from, named in messages in the place of a file ("command line").

    Raises:
        SpecError: a name or a value that is not valid, or a field that the sweep sets.
    """
    document = experiment.to_document()
    for name, value in values.items():
        if name not in SWEEPABLE:
            what = f"cannot be changed; {suggest(name, SWEEPABLE)}"
            raise make_one_error(origin, what, field=name)
        for swept in experiment.sweep:
            if overlap(name, swept):
                where = experiment.where(f"sweep.{swept}")
                what = f"set by the sweep ({where}); change that"
                raise make_one_error(origin, what, field=name)
        set_field(document, name, value)
    if values.get("device.backend", HARDWARE) != HARDWARE:
        _drop_queue(document)
    changed = build_experiment(document, Source(file=origin))
    changed = replace(changed, source=experiment.source)
    expand_sweep(changed)
    return changed


def write_experiment(experiment: Experiment) -> str:
    """Return YAML text that `parse_experiment` reads back as an equal experiment."""
    return write_strict_yaml(experiment.to_document())


def _drop_queue(document: dict[str, Any]) -> None:
    gates = {key: value for key, value in document.pop("gates", {}).items() if key != "max_queue"}
    if gates:
        document["gates"] = gates


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"not a text file in UTF-8: byte {data[error.start]:#04x}"
        raise make_one_error(file, what, line=line) from None


def _nearest_file(path: Path) -> str:
    try:
        names = sorted(p.name for p in path.parent.iterdir() if p.suffix in (".yaml", ".yml"))
    except (OSError, ValueError):
        return ""
    near = nearest_name(path.name, names)
    return f"; did you mean {str(path.parent / near)!r}?" if near else ""
