"""Certificates kept between runs, by the content of the circuit.

A directory of small files, one for each circuit and order; any of them may be deleted at any time.
The name is a hash of the circuit, its record map and code, and of the program text that judges
them, so a file never outlives what it says.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import asdict, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ... import experiments
from ...experiments.certificates.faults import single_faults
from ...experiments.certificates.pairs import PairCertificate, Progress, certify_pairs
from ...experiments.certificates.single import Certificate, certify
from ...experiments.instructions import Instruction
from ...experiments.program import Program
from .files import StorageError, canonical_json, write_bytes

_ARRAYS = ("accepted", "accepted_readout", "wrong_undetected", "wrong_corrected")
_RENAMED = {"failures", "weights", "examples"}  # by kind, or under another name, in JSON
DIRECTORY = "HEXMAGIC_CACHE"
"""Environment variable: directory of the files; by default `hexmagic` in the user's cache."""


def stored_certificate(program: Program, instructions: Sequence[Instruction]) -> Certificate:
    """Return the certificate of order 1, computed once for each circuit.

    Raises:
        RefusedError, HexmagicError: as `certify`.
    """
    path = cache_directory() / f"{content_hash(program, instructions)}-1.npz"
    faults = tuple(single_faults(instructions, program.patch.num_qubits))
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in _ARRAYS}
            if any(array.shape != (len(faults),) for array in arrays.values()):
                raise ValueError("of another number of faults")
            return Certificate(faults=faults, fidelity=float(kept["fidelity"]), **arrays)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        certificate = certify(program, instructions)  # not there, or damaged
    buffer = io.BytesIO()
    arrays = {name: getattr(certificate, name) for name in _ARRAYS}
    np.savez_compressed(buffer, fidelity=certificate.fidelity, **arrays)
    _keep(path, buffer.getvalue())
    return certificate


def stored_pairs(
    program: Program,
    instructions: Sequence[Instruction],
    *,
    budget_seconds: float,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Return the certificate of order 2 in JSON types, computed once for each circuit.

    A kept one of drawn pairs is used if it took at least this budget and the same seed.

    Raises:
        RefusedError, HexmagicError: as `certify_pairs`.
    """
    path = cache_directory() / f"{content_hash(program, instructions)}-2.json"
    try:
        kept: dict[str, Any] = json.loads(path.read_text())
        drawn_alike = kept["seed"] == seed and kept["budget_seconds"] >= budget_seconds
        complete = {field.name for field in fields(PairCertificate)} - _RENAMED <= kept.keys()
        if complete and (kept["exhaustive"] or drawn_alike):
            return kept
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not there, or damaged
    found: PairCertificate = certify_pairs(
        program, instructions, budget_seconds=budget_seconds, seed=seed, progress=progress
    )
    document = {**found.to_json(), "budget_seconds": budget_seconds}
    _keep(path, canonical_json(document).encode())
    return document


def cache_directory() -> Path:
    """Return the directory of the kept certificates."""
    named = os.environ.get(DIRECTORY)
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "hexmagic"


def content_hash(program: Program, instructions: Sequence[Instruction]) -> str:
    """Return SHA-256 of everything that a certificate depends on, the judging code included."""
    patch = program.patch
    content = {
        "instructions": [asdict(instruction) for instruction in instructions],
        "record": program.record.to_json(),
        "gadgets": [(g.label, g.stage, g.data) for g in program.gadgets],
        "qubits": patch.num_qubits,
        "data": patch.data,
        "distance": patch.code.distance if patch.code else None,
        "judge": _judge_hash(),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def _judge_hash() -> str:
    """SHA-256 of the folder `experiments`, where certificates are made."""
    digest = hashlib.sha256(np.__version__.encode())
    for path in sorted(Path(str(experiments.__file__)).parent.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _keep(path: Path, content: bytes) -> None:
    try:
        write_bytes(path, content)
    except StorageError:
        return  # the cache saves time; a home without room or permission costs only that
