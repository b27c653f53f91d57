"""What the contract suite of engines needs: the engines, and circuits whose results are known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint
from math import sqrt

from hexmagic.backends.compilation import Compiled, compile_program
from hexmagic.backends.device import load_device
from hexmagic.backends.embedding import choose_embedding
from hexmagic.driver.adapters import Engine, load_engine, make_engine
from hexmagic.experiments.block import Block, Read
from hexmagic.experiments.patch import Patch
from hexmagic.experiments.program import Program, assemble, make_program
from hexmagic.experiments.record import BitKey
from hexmagic.experiments.spec import NoiseSpec
from hexmagic.experiments.spec.backends import ENGINES

VARIABLE = "HEXMAGIC_BACKEND"
NONE = NoiseSpec(kind="none")
OURS = ("aer", "clifft")
VALUES: Mapping[str, float] = {"X": 1 / sqrt(2), "Y": 0.0, "Z": 1 / sqrt(2)}
"""Expectation values of |H>."""

WORD = (1, 0, 0, 1, 1, 0, 1)
"""No bit order but its own gives this word: it is not its reverse."""


def engine_names() -> tuple[str, ...]:
    """Return what is asked: the engine of the environment variable, or else ours."""
    own = os.environ.get(VARIABLE)
    return OURS if own is None else (own,)


@cache
def find_engine(name: str) -> Engine:
    """Return an engine by its name, or by `module:factory`."""
    if name in OURS:
        return load_engine(name)
    # what the factory returns tells the name that its package would give it
    module, _, factory = name.partition(":")
    made: Engine = getattr(__import__(module, fromlist=[factory]), factory)()
    return make_engine(EntryPoint(name=made.name, value=name, group=ENGINES))


@cache
def protocol(scheme: str, basis: str = "Z", distance: int = 3) -> Compiled:
    """Return a scheme on its best qubits of a calibrated device."""
    program = make_program(
        scheme=scheme,
        distance=None if scheme == "bare" else distance,
        rounds=None if scheme in ("bare", "encoded") else (distance - 1) // 2,
        basis=basis,  # type: ignore[arg-type]  # one of the letters of VALUES
    )
    device = load_device("fake_boston")
    return compile_program(program, device, choose_embedding(program, device))


@cache
def word_circuit(*, twice: bool = False) -> tuple[Compiled, Mapping[BitKey, int]]:
    """Return a circuit every bit of which is known, and the bits: flags, then data.

    Args:
        twice: whether a flag's qubit is read, reset and read again.
    """
    count = len(WORD)
    patch = Patch(
        name="word",
        code=None,
        data=tuple(range(1, count)),
        ancillas=(0,),
        edges=tuple((i, i + 1) for i in range(count - 1)),
        positions=tuple((float(i), 0.0) for i in range(count)),
    )
    program = assemble("word", patch, _blocks(twice), "Z")
    device = load_device("heavy_hex_5")
    compiled = compile_program(program, device, choose_embedding(program, device))
    return compiled, _known(program)


def _blocks(twice: bool) -> list[Block]:
    raised = tuple(("x", qubit) for qubit, bit in enumerate(WORD) if bit)
    flag = Read(qubit=0, role="flag", basis="Z", expected=1)
    # in falling order, so that the bits are not simply those of the qubits
    data = tuple(
        Read(qubit=q, role="data", basis="Z", expected=None) for q in range(len(WORD) - 1, 0, -1)
    )
    low = Read(qubit=0, role="flag", basis="Z", expected=0)  # reset, and qubit 1 is 0
    again = Block(label="again", stage="detection", round=1, gates=(("cx", 1, 0),), reads=(low,))
    return [
        Block(label="encode", stage="encode", round=0, gates=raised),
        Block(label="flag", stage="hadamard", round=1, gates=(), reads=(flag,)),
        *([again] if twice else []),
        Block(label="readout", stage="readout", round=0, gates=(), reads=data),
    ]


def _known(program: Program) -> dict[BitKey, int]:
    """Return the value of each bit: of a flag the one expected, of the data those of the word."""
    return {
        bit.key: WORD[bit.qubit] if bit.expected is None else bit.expected
        for bit in program.record.bits
    }
