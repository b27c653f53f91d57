"""IBM's results: the text of a job's answer as registers of bits, and those as shots.

Text is decoded by the client's own decoders. Bits are addressed by (register, index) from there on:
column k of a register's array is bit k, for both programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...experiments.errors import HexmagicError
from ...experiments.record import RecordMap
from ...experiments.shots import Shots, pack_shots

Registers = Mapping[str, NDArray[np.bool_]]
"""Bool (shots, size) for each register of one circuit."""

_FLIPS = "measurement_flips."
"""What the executor puts in front of a register's name for the flips of twirled measurements."""


class ResultError(HexmagicError):
    """What a job gave is not the result that was asked for."""


def decode_result(raw: bytes, program: str) -> tuple[Registers, ...]:
    """Return the registers of each circuit of a job, in order.

    Args:
        raw: the result as the service sent it.
        program: `sampler` or `executor`, as submitted.

    Raises:
        ResultError: not a result of that program, an incomplete one, or one with parameters,
            twirling or outcomes that are not bits.
    """
    decoders = {"sampler": _decode_sampler, "executor": _decode_executor}
    if program not in decoders:
        raise ResultError(f"program {program!r} has no decoder; there are {', '.join(decoders)}")
    try:
        parts = decoders[program](raw.decode())
    except ResultError:
        raise
    except Exception as error:
        # whatever a damaged text makes the client's decoders raise
        said = " ".join(str(error).split())[:120]
        raise ResultError(
            f"{program} result of {len(raw)} bytes cannot be read: {type(error).__name__}: {said}"
        ) from error
    if not parts:
        raise ResultError(f"{program} result of {len(raw)} bytes has no circuits")
    return tuple(_registers(part, i) for i, part in enumerate(parts))


def to_shots(registers: Registers, record: RecordMap, shots: int) -> Shots:
    """Return one circuit's registers as shots, each bit by its (register, index).

    Args:
        registers: all those of the record map and no other.
        record: what each bit is.
        shots: how many were asked for.

    Raises:
        ResultError: a register is missing, too many or of another size, or shots are.
    """
    sizes = record.registers()
    missing, more = sizes.keys() - registers.keys(), registers.keys() - sizes.keys()
    if missing or more:
        raise ResultError(
            f"registers {sorted(registers)} came back, {sorted(sizes)} are recorded: "
            f"{len(missing)} missing, {len(more)} too many"
        )
    for name, size in sizes.items():
        array = registers[name]
        if array.dtype != np.bool_ or array.shape != (shots, size):
            raise ResultError(
                f"register {name!r} came back as {array.dtype} {array.shape}, "
                f"need bool {(shots, size)} for {shots} shots of {size} bits"
            )
    bits = np.empty((shots, len(record.bits)), dtype=np.bool_)
    for column, bit in enumerate(record.bits):
        bits[:, column] = registers[bit.register][:, bit.index]
    return pack_shots(bits, record)


def _decode_sampler(text: str) -> list[dict[str, Any]]:
    """Return the registers of each circuit from a V2 primitive result."""
    import json

    from qiskit.primitives.containers import BitArray, PrimitiveResult
    from qiskit_ibm_runtime import RuntimeDecoder

    result = json.loads(text, cls=RuntimeDecoder)
    if not isinstance(result, PrimitiveResult):
        raise ResultError(f"sampler result is a {type(result).__name__}, not a primitive result")
    return [
        {
            name: value.to_bool_array(order="little") if isinstance(value, BitArray) else value
            for name, value in circuit.data.items()
        }
        for circuit in result
    ]


def _decode_executor(text: str) -> list[dict[str, Any]]:
    """Return the registers of each circuit from a quantum program result.

    The client's post-processing for its sampler is left out: it needs what was passed through the
    service, and turned registers round in 2026 (issue 2904).
    """
    from qiskit_ibm_runtime.decoders.executor.decoder import ExecutorResultDecoder

    return [dict(item.items()) for item in ExecutorResultDecoder.decode(text)]


def _registers(part: Mapping[str, Any], index: int) -> Registers:
    """Return a circuit's registers if they are bits of the same shots."""
    if not part:
        raise ResultError(f"circuit {index} of the result has no registers")
    _require_bits(part.items(), index)
    shots = {name: len(array) for name, array in part.items()}
    if len(set(shots.values())) != 1:
        raise ResultError(f"circuit {index} of the result has different shots: {shots}")
    return MappingProxyType(dict(part))


def _require_bits(items: Iterable[tuple[str, Any]], index: int) -> None:
    for name, array in items:
        if name.startswith(_FLIPS):
            raise ResultError(
                f"circuit {index}, {name!r}: measurements were twirled; hexmagic asks for none"
            )
        is_array = isinstance(array, np.ndarray)
        if not is_array or array.dtype != np.bool_ or array.ndim != 2:
            what = f"{array.dtype} {array.shape}" if is_array else type(array).__name__
            raise ResultError(
                f"circuit {index}, register {name!r}: {what}, need bool (shots, size)"
            )
