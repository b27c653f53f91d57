"""Where an experiment runs, and with what noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import ConfigDict, with_config

from . import fields as kinds
from .errors import FieldError
from .noise import Noise, NoiseSpec

Decoupling = Literal["none", "xx", "xy4"]
"""Pulses in an idle: `xx` refocuses phases, `xy4` (X Y X Y) pulse errors too; evenly spaced."""

DECOUPLINGS: tuple[Decoupling, ...] = get_args(Decoupling)

HARDWARE = "ibm"
"""The backend that is no emulator: it costs money and has a queue and its own noise."""

# Compared by identity: the same noise written out is not left out.
_LEFT_OUT = NoiseSpec(kind="calibration")


def _noise_unless_hardware(schema: dict[str, Any]) -> None:
    """Say in the JSON Schema that only hardware goes without noise."""
    hardware = {"const": HARDWARE, "description": "Hardware, which has its own noise."}
    schema["properties"]["noise"].pop("default", None)
    schema["anyOf"] = [{"required": ["noise"]}, {"properties": {"backend": hardware}}]


@with_config(ConfigDict(extra="forbid", json_schema_extra=_noise_unless_hardware))
@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """Where it runs. The device's name is looked up by the backends, not here.

    Attributes:
        backend: engine; aer is Qiskit's noisy emulator on this machine (small circuits, the full
            noise), clifft an exact near-Clifford sampler on this machine (any size, thousands of
            times faster, T1 and T2 as their Pauli twirl), ibm the quantum computer itself through
            an IBM account, which costs money; or the name of an engine that an installed package
            offers.
        name: heavy-hex device, for example fake_boston; `hexmagic devices` lists them.
        noise: none, calibration (the device's gates, readout, reset, T1 and T2, idles included),
            {calibration: {scale: s}} (all of it s times as strong), {uniform: p} (gates,
            preparation, reset and readout, no idles) or {paper: p} (the same in time steps, with
            idles); left out with backend ibm, whose predictions use the calibration.
        embedding: best (the highest predicted acceptance) or the physical qubit of each patch
            qubit, of which a baseline uses the first (encoded beside tree16 finds its own); best
            with scheme routed, whose qubits the transpiler chooses.
        decoupling: pulses on a qubit while it waits, so that slow noise cancels; none, xx (two X
            in each wait) or xy4 (X Y X Y).
    """

    backend: kinds.Backend
    name: kinds.DeviceName
    noise: Noise = _LEFT_OUT
    embedding: kinds.Embedding = "best"
    decoupling: Decoupling = "none"

    def __post_init__(self) -> None:
        """Check that an emulator has a noise and that hardware is given none."""
        if self.backend != HARDWARE:
            if self.noise is _LEFT_OUT:
                raise FieldError("noise", "missing; device needs it")
            return
        own = NoiseSpec(kind="calibration")
        if self.noise != own:
            raise FieldError("noise", f"{self.noise}: hardware has its own noise; leave it out")
        object.__setattr__(self, "noise", own)
