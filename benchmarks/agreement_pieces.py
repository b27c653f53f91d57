"""The shots that `agreement.py` compares: which, and taken in pieces that are not lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # in the worker processes too, before Aer is loaded
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import numpy as np
from fakes.agreement import EngineName, Ints, circuit, classes, take

from hexmagic.driver.plan import derive_seed
from hexmagic.experiments.measures import Measure
from hexmagic.experiments.spec import NoiseSpec

Row = dict[str, Any]

AER_PIECE, CLIFFT_PIECE = 1_000, 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One circuit with its noise."""

    scheme: str
    device: str
    measure: Measure
    noise: NoiseSpec

    def __str__(self) -> str:
        return f"{self.scheme} {self.device} {self.measure} {self.noise}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some shots of a case by an engine; what they are follows from this alone."""

    case: Case
    engine: EngineName
    index: int
    shots: int

    @property
    def key(self) -> str:
        """Its name in the ledger."""
        return json.dumps([str(self.case), self.engine, self.index, self.shots])


def pieces(cases: Iterable[Case], engine: EngineName, shots: int) -> Iterator[Piece]:
    """Yield the pieces of so many shots of each case."""
    size = CLIFFT_PIECE if engine == "clifft" else AER_PIECE
    for case in cases:
        for index, start in enumerate(range(0, shots, size)):
            yield Piece(case=case, engine=engine, index=index, shots=min(size, shots - start))


def take_piece(piece: Piece) -> Row:
    """Return a piece's classes, with the time that it took."""
    case = piece.case
    compiled = circuit(case.scheme, case.device, case.measure)
    start, seed = time.perf_counter(), derive_seed("agreement", piece.key)
    found = classes(take(piece.engine, compiled, case.noise, piece.shots, seed))
    seconds = time.perf_counter() - start
    return {"key": piece.key, "classes": found.tolist(), "seconds": round(seconds, 2)}


def take_pieces(
    todo: Sequence[Piece], ledger: Path, processes: int
) -> dict[tuple[Case, str], Ints]:
    """Return the summed classes of each case and engine; what the ledger has is not taken again.

    Without a process nothing is taken, and what the ledger lacks is left out.
    """
    done = {}
    if ledger.is_file():
        lines = ledger.read_text().splitlines()
        done = {note["key"]: np.array(note["classes"]) for note in map(json.loads, lines)}
    missing = [piece for piece in todo if piece.key not in done]
    if missing and processes:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(processes, mp_context=context) as pool, ledger.open("a") as out:
            for future in as_completed([pool.submit(take_piece, piece) for piece in missing]):
                note = future.result()
                out.write(json.dumps(note) + "\n")
                out.flush()
                done[note["key"]] = np.array(note["classes"])
    total: dict[tuple[Case, str], Ints] = {}
    for piece in (piece for piece in todo if piece.key in done):
        place = (piece.case, piece.engine)
        total[place] = total.get(place, 0) + done[piece.key]
    return total
