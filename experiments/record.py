"""The record map: what every classical bit of a program is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

from .colour_code import Basis
from .measures import Measure
from .strict_values import all_of

BitKey = tuple[str, int]
Role = Literal["hadamard", "flag", "syndrome", "data"]
Stage = Literal["encode", "hadamard", "detection", "readout"]


def faces_of(face: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """Return the faces that `Bit.face` names: none, one or several."""
    if face is None:
        return ()
    return face if isinstance(face, tuple) else (face,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bit:
    """One recorded bit, named by (register, index), never by qubit.

    Attributes:
        role: what the bit tells: the outcome of H_m, a flag, a syndrome or a data qubit's value.
        stage: the protocol stage whose outcome it is.
        round: 1-based round of H_m and ED; 0 for encode and readout.
        face: index of the code's face, for a syndrome, or for a flag of that check alone; several
            for the parity of their product.
        qubit: patch qubit that was measured (for tables and drawings only).
        basis: Pauli basis of the check that the bit reports (data: the readout basis).
        expected: value of a noiseless run, 0 or 1; None for data, whose values are random, and for
            the outcome of an H_m that is the readout, which is the result.
        xor: earlier bits; the bit's value is its raw outcome XOR theirs (reuse without reset).
    """

    register: str
    index: int
    role: Role
    stage: Stage
    round: int
    face: int | tuple[int, ...] | None
    qubit: int
    basis: Basis
    expected: int | None
    xor: tuple[BitKey, ...] = ()

    @property
    def key(self) -> BitKey:
        """(register, index)."""
        return (self.register, self.index)

    @property
    def faces(self) -> tuple[int, ...]:
        """Faces that `face` names."""
        return faces_of(self.face)


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceParity:
    """A face of the code that the readout tells for free: the parity of `bits` is `expected`."""

    basis: Basis
    bits: tuple[BitKey, ...]
    expected: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Logical:
    """What the readout tells, +1 or -1: `sign` times the product of (-1)^bit.

    A logical Pauli, or logical H for `basis` H. Of H_ideal nothing is recorded: no bits.
    """

    basis: Measure
    sign: int
    bits: tuple[BitKey, ...]


@dataclass(frozen=True, kw_only=True)
class RecordMap:
    """Every recorded bit of a program, its readout faces and its logical operator.

    The order of `bits` is the column order of every shot matrix.
    """

    bits: tuple[Bit, ...]
    faces: tuple[FaceParity, ...]
    logical: Logical

    def __post_init__(self) -> None:
        if len(self.column) != len(self.bits):
            raise ValueError("record map: two bits share a (register, index)")
        earlier: set[BitKey] = set()
        for bit in self.bits:
            if not earlier.issuperset(bit.xor):
                raise ValueError(f"record map: {bit.key} is XORed with a bit that is not earlier")
            earlier.add(bit.key)
        readout = {bit.key for bit in self.bits if bit.stage == "readout"}
        data = {bit.key for bit in self.bits if bit.role == "data"}
        for key in (key for face in self.faces for key in face.bits):
            if key not in data:
                raise ValueError(f"record map: a face uses {key}, which is not a data bit")
        for key in self.logical.bits:
            if key not in readout:
                raise ValueError(f"record map: the result uses {key}, which no readout records")

    @cached_property
    def column(self) -> Mapping[BitKey, int]:
        """Column of each bit in a shot matrix."""
        return {bit.key: i for i, bit in enumerate(self.bits)}

    @cached_property
    def expected_raw(self) -> Mapping[BitKey, int | None]:
        """Raw outcome of each bit in a noiseless run: without its `xor` partners.

        None for a bit without an expected value and for one that is XORed with such a bit.
        """
        raw: dict[BitKey, int | None] = {}
        for bit in self.bits:
            value = bit.expected
            for key in bit.xor:
                partner = raw[key]
                value = None if value is None or partner is None else value ^ partner
            raw[bit.key] = value
        return raw

    def columns(self, keys: Iterable[BitKey]) -> list[int]:
        """Columns of several bits, in their order."""
        return [self.column[key] for key in keys]

    def registers(self) -> dict[str, int]:
        """Size of each classical register, in order of first use."""
        sizes: dict[str, int] = {}
        for bit in self.bits:
            sizes[bit.register] = max(sizes.get(bit.register, 0), bit.index + 1)
        return sizes

    def to_json(self) -> dict[str, Any]:
        """Return the record file's content: JSON types only."""
        return {
            "bits": [_jsonable(asdict(bit)) for bit in self.bits],
            "faces": [_jsonable(asdict(face)) for face in self.faces],
            "logical": _jsonable(asdict(self.logical)),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> RecordMap:
        """Return the record map that `to_json` wrote.

        Raises:
            ValueError: a field is missing or unknown, or holds what it cannot; one line.
        """
        try:
            record = cls(
                bits=tuple(_bit(bit) for bit in document["bits"]),
                faces=tuple(
                    FaceParity(**(dict(face) | {"bits": _keys(face["bits"])}))
                    for face in document["faces"]
                ),
                logical=Logical(
                    **(dict(document["logical"]) | {"bits": _keys(document["logical"]["bits"])})
                ),
            )
            _check_values(record)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"not a record map: {_reason(error)}") from error
        return record


def _check_values(record: RecordMap) -> None:
    """Check that every field holds what its annotation and its docstring say.

    Raises:
        ValueError: one does not; of pydantic for a wrong type.
    """
    all_of(Bit, record.bits)
    all_of(FaceParity, record.faces)
    all_of(Logical, (record.logical,))
    for bit in record.bits:
        if min(bit.index, bit.qubit, bit.round) < 0 or bit.expected not in (0, 1, None):
            raise ValueError(f"bit {bit.key}: a number that cannot be")
    if record.logical.sign not in (1, -1) or any(f.expected not in (0, 1) for f in record.faces):
        raise ValueError("a face's expected value is 0 or 1, the result's sign 1 or -1")


def _reason(error: Exception) -> str:
    """Return what is wrong in one line; pydantic writes several."""
    return " ".join(str(error).split())


def _bit(document: Mapping[str, Any]) -> Bit:
    face = document["face"]
    parts = {"face": tuple(face) if isinstance(face, list) else face}
    return Bit(**(dict(document) | parts | {"xor": _keys(document["xor"])}))


def _keys(pairs: Iterable[Iterable[Any]]) -> tuple[BitKey, ...]:
    return tuple((register, index) for register, index in pairs)


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_jsonable(item) for item in value]
    return value
