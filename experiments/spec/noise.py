"""The noise of an emulated device, as an experiment writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, WithJsonSchema

from .errors import FieldError, kind_of, show, suggest, unknown_value

NoiseKind = Literal["none", "uniform", "paper", "calibration"]

LARGEST_NOISE_RATE = 0.5
LARGEST_NOISE_SCALE = 10

NOISE_FIELDS = ("device.noise.uniform", "device.noise.paper", "device.noise.calibration.scale")
"""Dotted names below `device.noise`; each of them sets the whole noise."""

_RATED = ("uniform", "paper")


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseSpec:
    """Noise of an emulated device.

    Attributes:
        kind: none; uniform (gates, preparation, reset and readout err with one rate); paper (the
            same in time steps, in each of which a waiting qubit errs too); calibration (the
            device's snapshot).
        p: error rate in [0, 0.5] per location for uniform and paper noise, None otherwise.
        scale: calibration: factor in [0, 10] on gate errors, 1/T1, 1/T2, readout and reset
            errors; 1 is the snapshot as it is, 0 no noise at all.
    """

    kind: NoiseKind
    p: float | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        """Check that there is a rate or a scale only where the noise has one."""
        if self.kind in _RATED:
            if self.p is None or not 0 <= self.p <= LARGEST_NOISE_RATE:
                what = f"{self.p} is not an error rate; needs 0 to {LARGEST_NOISE_RATE}"
                raise FieldError(self.kind, what)
            object.__setattr__(self, "p", float(self.p))
        elif self.p is not None:
            raise FieldError("uniform", f"{self.kind} noise takes no error rate")
        if not 0 <= self.scale <= LARGEST_NOISE_SCALE:
            what = f"{self.scale} is no scale of noise; needs 0 to {LARGEST_NOISE_SCALE}"
            raise FieldError("calibration.scale", what)
        if self.kind != "calibration" and self.scale != 1:
            raise FieldError("calibration.scale", f"{self.kind} noise takes no scale")
        object.__setattr__(self, "scale", float(self.scale))

    def __str__(self) -> str:
        """Return `none`, `calibration`, `calibration x 0.5`, `uniform 0.001` or `paper 0.001`."""
        if self.p is not None:
            return f"{self.kind} {self.p!r}"
        return self.kind if self.scale == 1 else f"{self.kind} x {self.scale!r}"

    @property
    def swept_value(self) -> float:
        """The number that a sweep over one of NOISE_FIELDS sets."""
        return self.scale if self.p is None else self.p

    def to_document(self) -> str | dict[str, Any]:
        """Return it as a YAML file writes it."""
        if self.p is not None:
            return {self.kind: self.p}
        return self.kind if self.scale == 1 else {self.kind: {"scale": self.scale}}

    def to_json(self) -> dict[str, Any]:
        """Return what the constructor takes, a scale only where it is not 1."""
        scale = {} if self.scale == 1 else {"scale": self.scale}
        return {"kind": self.kind, "p": self.p} | scale


def noise_document(name: str, value: Any) -> dict[str, Any]:
    """Return, as a YAML file writes it, the noise with one of NOISE_FIELDS set."""
    for step in reversed(name.removeprefix("device.noise.").split(".")):
        value = {step: value}
    document: dict[str, Any] = value
    return document


_CHOICES = "none, calibration, {calibration: {scale: 0.5}}, {uniform: 1e-3} or {paper: 1e-3}"


def _noise(value: Any) -> Any:
    if isinstance(value, NoiseSpec):
        return value
    if isinstance(value, str):
        return _plain_noise(value)
    if not isinstance(value, dict):
        raise ValueError(f"{show(value)} is {kind_of(value)}; needs {_CHOICES}")
    if not value:
        raise ValueError(f"an empty mapping; needs {_CHOICES}")
    known = (*_RATED, "calibration")
    for key in value:
        if key not in known:
            raise FieldError(str(key), f"unknown field; {suggest(str(key), known)}")
    if len(value) > 1:
        raise ValueError(f"{' and '.join(value)} are two kinds of noise; write one of them")
    ((kind, given),) = value.items()
    return _scaled_noise(given) if kind == "calibration" else _rated_noise(kind, given)


def _plain_noise(kind: str) -> NoiseSpec:
    if kind == "none":
        return NoiseSpec(kind="none")
    if kind == "calibration":
        return NoiseSpec(kind="calibration")
    if kind in _RATED:
        raise ValueError(f"{kind} noise needs its error rate; write {{{kind}: 1e-3}}")
    raise ValueError(unknown_value(kind, get_args(NoiseKind), _CHOICES))


def _rated_noise(kind: Literal["uniform", "paper"], rate: Any) -> NoiseSpec:
    if isinstance(rate, bool) or not isinstance(rate, int | float):
        what = f"{show(rate)} is {kind_of(rate)}; needs an error rate such as 1e-3"
        raise FieldError(kind, what)
    return NoiseSpec(kind=kind, p=rate)


def _scaled_noise(options: Any) -> NoiseSpec:
    if not isinstance(options, dict) or not options:
        what = f"{show(options)} is {kind_of(options)}; write {{scale: 0.5}}"
        raise FieldError("calibration", what)
    for key in options:
        if key != "scale":
            raise FieldError(f"calibration.{key}", f"unknown field; {suggest(str(key), ['scale'])}")
    scale = options["scale"]
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        what = f"{show(scale)} is {kind_of(scale)}; needs a factor such as 0.5"
        raise FieldError("calibration.scale", what)
    return NoiseSpec(kind="calibration", scale=scale)


def _number_schema(maximum: float, description: str) -> dict[str, Any]:
    return {"type": "number", "minimum": 0, "maximum": maximum, "description": description}


def _option_schema(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: value},
        "required": [name],
        "additionalProperties": False,
    }


_RATE = "Error rate p of each location"
_UNIFORM = _number_schema(LARGEST_NOISE_RATE, f"{_RATE} in the uniform depolarising model.")
_PAPER = _number_schema(LARGEST_NOISE_RATE, f"{_RATE} in the paper's model, idle steps included.")
_FACTOR = "Factor on gate errors, 1/T1, 1/T2, readout and reset errors."
_SCALE = _option_schema("scale", _number_schema(LARGEST_NOISE_SCALE, _FACTOR))
_SCHEMA = {
    "anyOf": [
        {"enum": ["none", "calibration"]},
        _option_schema("uniform", _UNIFORM),
        _option_schema("paper", _PAPER),
        _option_schema("calibration", _SCALE | {"description": "The device's snapshot, scaled."}),
    ]
}

Noise = Annotated[NoiseSpec, BeforeValidator(_noise), WithJsonSchema(_SCHEMA)]
