"""Programs: what `sampler` and `executor` jobs ask for, and results as the client decodes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qiskit import QuantumCircuit

PROGRAMS = ("sampler", "executor")
Bits = dict[str, "NDArray[np.bool_]"]
"""For each register an array (..., shots, bits), bit 0 first."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One circuit of a job with all its parameter values.

    Attributes:
        circuit: may have free parameters.
        shots: of each set of values.
        values: shape (..., parameters), in the order of `circuit.parameters`.
        samplex: draws the values instead (executor with twirling), with `arguments` and `shape`.
    """

    circuit: QuantumCircuit
    shots: int
    values: NDArray[np.float64]
    samplex: Any = None
    arguments: Any = None
    shape: tuple[int, ...] = ()

    def drawn(self, rng: np.random.Generator) -> tuple[Item, dict[str, NDArray[Any]]]:
        """Return the item with its values drawn, and what else the draw gives: flips to undo."""
        if self.samplex is None:
            return self, {}
        from qiskit_ibm_runtime.fake_provider.executor.broadcast_sample import broadcast_sample

        drawn = broadcast_sample(self.samplex.finalize(), self.arguments, self.shape, rng)
        empty = np.zeros((*self.shape, 0))
        return replace(self, values=drawn.pop("parameter_values", empty), samplex=None), drawn

    def bound(self) -> Iterator[QuantumCircuit]:
        """Yield the circuit for each set of values, in C order."""
        *outer, width = self.values.shape
        for row in self.values.reshape(math.prod(outer), width):
            yield self.circuit.assign_parameters(row) if len(row) else self.circuit


@dataclass(frozen=True, kw_only=True)
class Program:
    """A decoded job: its items, and what the result has to echo.

    Attributes:
        kind: sampler or executor.
        items: in order.
        repetition_delay_seconds: asked for, None for the device's own.
        passthrough, role: the executor's `passthrough_data` and `semantic_role`.
    """

    kind: Literal["sampler", "executor"]
    items: tuple[Item, ...]
    repetition_delay_seconds: float | None = None
    passthrough: Any = None
    role: str | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came out, to be encoded again and again, also with parts missing.

    Attributes:
        program: without its items' values.
        bits: for each item.
        others: for each item what the executor adds: measurement flips.
        started, finished: UTC.
    """

    program: Program
    bits: tuple[Bits, ...]
    others: tuple[dict[str, NDArray[Any]], ...]
    started: datetime
    finished: datetime

    def with_shots(self, shots: int) -> Outcome:
        """Return an outcome that has only so many shots."""
        cut = tuple({name: array[..., :shots, :] for name, array in b.items()} for b in self.bits)
        return replace(self, bits=cut)

    def without_register(self, name: str) -> Outcome:
        """Return an outcome in which a register is missing; empty name: the first of each item."""
        cut = tuple(
            {key: array for i, (key, array) in enumerate(b.items()) if key != name and (name or i)}
            for b in self.bits
        )
        return replace(self, bits=cut)


def decode(kind: str, params: bytes) -> Program:
    """Return a job's program from its parameters, JSON as posted.

    Raises:
        ValueError: a program or version that is not known.
    """
    if kind == "sampler":
        return _decode_sampler(params)
    if kind == "executor":
        return _decode_executor(json.loads(params))
    raise ValueError(f"program {kind!r} is not known; there are {', '.join(PROGRAMS)}")


def _decode_sampler(params: bytes) -> Program:
    from qiskit_ibm_runtime import RuntimeDecoder

    inputs = json.loads(params, cls=RuntimeDecoder)
    options = inputs.get("options") or {}
    standard = options.get("default_shots") or 4096
    items = []
    for circuit, values, *rest in inputs["pubs"]:
        shots = rest[0] if rest and rest[0] else standard
        array = np.zeros(0) if values is None else np.asarray(values, dtype=float)
        items.append(Item(circuit=circuit, shots=shots, values=array))
    delay = (options.get("execution") or {}).get("rep_delay")
    return Program(kind="sampler", items=tuple(items), repetition_delay_seconds=delay)


def _decode_executor(inputs: dict[str, Any]) -> Program:
    from qiskit_ibm_runtime.quantum_program.params_converters import (
        QUANTUM_PROGRAM_PARAMS_CONVERTERS,
    )

    version = inputs["schema_version"]
    if version != "v2.0":
        raise ValueError(f"executor: schema {version} is not known; this service speaks v2.0")
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[version]
    model = converter.model(**inputs)
    program, options = converter.decoder(model)
    items = []
    for item in program.items:
        given = getattr(item, "circuit_arguments", None)
        items.append(
            Item(
                circuit=item.circuit,
                shots=program.shots,
                values=np.zeros(0) if given is None else np.asarray(given, dtype=float),
                samplex=getattr(item, "samplex", None),
                arguments=getattr(item, "samplex_arguments", None),
                shape=tuple(item.shape),
            )
        )
    return Program(
        kind="executor",
        items=tuple(items),
        repetition_delay_seconds=options.execution.rep_delay,
        passthrough=model.quantum_program.passthrough_data,
        role=model.quantum_program.semantic_role,
    )


def encode(outcome: Outcome) -> str:
    """Return the text of a job's results, as the client's decoders read it."""
    return (_encode_sampler if outcome.program.kind == "sampler" else _encode_executor)(outcome)


def _encode_sampler(outcome: Outcome) -> str:
    from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
    from qiskit_ibm_runtime import RuntimeEncoder

    results = []
    for bits in outcome.bits:
        shape = next(iter(bits.values())).shape[:-2] if bits else ()
        arrays = {name: BitArray.from_bool_array(a, order="little") for name, a in bits.items()}
        results.append(SamplerPubResult(DataBin(**arrays, shape=shape), {"circuit_metadata": {}}))
    return json.dumps(PrimitiveResult(results, metadata={"version": 2}), cls=RuntimeEncoder)


def _encode_executor(outcome: Outcome) -> str:
    # The package comes with the client and has no annotations for type checkers.
    from ibm_quantum_schemas.common import CompressedTensorModel  # type: ignore[import-untyped]
    from ibm_quantum_schemas.executor import version_2_0 as models  # type: ignore[import-untyped]

    data, parts = [], []
    for index, (bits, others) in enumerate(zip(outcome.bits, outcome.others, strict=True)):
        tensors = {
            name: CompressedTensorModel.from_numpy(np.asarray(array))
            for name, array in {**others, **bits}.items()
        }
        metadata = models.ItemMetadataModel()
        data.append(models.QuantumProgramResultItemModel(results=tensors, metadata=metadata))
        shape = next(iter(bits.values())).shape[:-2] if bits else ()
        size = math.prod(shape)
        parts.append(
            models.ChunkPart(
                idx_item=index,
                size=size,
                permutation=list(range(len(shape))),
                element_range=(0, size, 1),
            )
        )
    span = models.ChunkSpan(start=outcome.started, stop=outcome.finished, parts=parts)
    text: str = models.QuantumProgramResultModel(
        data=data,
        metadata=models.MetadataModel(chunk_timing=[span]),
        passthrough_data=outcome.program.passthrough,
        semantic_role=outcome.program.role,
    ).model_dump_json()
    return text
