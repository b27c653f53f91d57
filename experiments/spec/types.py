"""The experiment: what a YAML file says, as frozen values.

The annotations are what pydantic checks when a file is read, and the text under "Attributes" is
what the JSON Schema tells editors. The rules that tie fields to each other are in `__post_init__`,
so they also hold for an experiment that is built in Python (ValueError there).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from pydantic import ConfigDict, with_config
from pydantic.json_schema import SkipJsonSchema

from ..colour_code import BASES
from ..counts import Readout
from ..reuse import Reuse
from ..schemes import ONE_DISTANCE, WITHOUT_H, WITHOUT_ROUNDS, Scheme
from . import fields as kinds
from . import results
from .conditions import Budget, Expect, Gates
from .device import HARDWARE, DeviceSpec
from .errors import FieldError, Source, field_path
from .noise import NoiseSpec
from .results import EstimateSpec
from .schedule import Schedule

Scalar = str | int | float | bool

_STRICT = ConfigDict(extra="forbid")


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """What is prepared, and how.

    Attributes:
        scheme: fold (any distance), fold13, fold14 and tree16 (distance 3) and fold40 (distance
            5), each on as many qubits,
            routed (distance 3, a circuit without a layout that the stock transpiler routes),
            encoded (the encoder alone) or bare (one physical qubit).
        state: magic state; H is cos(pi/8)|0> + sin(pi/8)|1>.
        distance: odd code distance; 3 for fold13, fold14, tree16 and routed, 5 for fold40, left out
            for bare.
        rounds: rounds of H measurement and error detection; auto is (distance - 1) / 2;
            left out (None) for encoded and bare.
        reuse: what happens to an ancilla between two measurements; reset, xor (no reset: an outcome
            counts as XOR with the one before), deferred (as xor, and a flag is not read where its
            qubit is read again later) or best (the highest predicted acceptance of those that
            are certified as well as reset); left out for encoded and bare.
        auto_rounds: whether the rounds follow the distance instead of being given.
    """

    scheme: Scheme
    state: Literal["H"] = "H"
    distance: kinds.Distance | None = None
    rounds: kinds.Rounds = None
    reuse: Literal[Reuse, "best"] = "reset"
    auto_rounds: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check distance and rounds against the scheme, and resolve automatic rounds."""
        self._check_distance()
        repeats = self.scheme not in WITHOUT_ROUNDS
        if not repeats and self.rounds is not None:
            what = f"{self.rounds}: scheme {self.scheme} has no rounds; leave it out"
            raise FieldError("rounds", what)
        if not repeats and self.reuse != "reset":
            what = f"{self.reuse}: scheme {self.scheme} reads no ancilla; leave it out"
            raise FieldError("reuse", what)
        object.__setattr__(self, "auto_rounds", repeats and self.rounds is None)
        if self.auto_rounds and self.distance is not None:
            object.__setattr__(self, "rounds", (self.distance - 1) // 2)

    def _check_distance(self) -> None:
        d, scheme = self.distance, self.scheme
        if scheme == "bare":
            if d is None:
                return
            what = f"{d}: scheme bare is one physical qubit and has no distance; leave it out"
        elif d is None:
            what = f"missing; scheme {scheme} needs one, such as 3"
        elif d < 3 or d % 2 == 0:
            what = f"{d} is not an odd number of at least 3; the nearest is {max(3, d + 1)}"
        elif d != (only := ONE_DISTANCE.get(scheme, d)):
            what = f"{d}: {scheme} has distance {only} only; write distance: {only} or scheme: fold"
        else:
            return
        raise FieldError("distance", what)


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """Which shots are kept.

    Attributes:
        hadamard: every H measurement must read +1.
        flags: no flag may be raised.
        syndromes: every syndrome must be trivial.
        readout: face parities of the readout; detect discards a shot that violates one, correct
            decodes it.
    """

    hadamard: kinds.Flag = True
    flags: kinds.Flag = True
    syndromes: kinds.Flag = True
    readout: Readout = "detect"


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """One experiment: a protocol on a device, what is measured, and what is wanted of it.

    Attributes:
        schema_version: version of this format; 1.
        name: short name, part of the run folder's name; 1 to 64 of a-z 0-9 . _ -.
        description: what it is for, in your words.
        protocol: what is prepared, and how.
        device: where it runs, and with what noise.
        measure: what is measured of the prepared state; X, Y and Z read the data in that basis (the
            fidelity needs X and Z), H measures the logical Hadamard once more, H_ideal (clifft)
            is the emulator's ideal judgement of the state as it would be used.
        accept: which shots are kept.
        shots: shots per measure and point; with estimate stratified the most shots per measure of
            all points that share their strata.
        seed: seed that every random number of the run is derived from.
        keep: what is kept of the shots; shots (every raw bit of each), tallies (only counts), or
            auto (shots where there is a record, tallies for H_ideal and estimate stratified);
            not tallies with backend ibm, of which every raw shot is archived.
        estimate: direct, stratified (clifft: shots by their number of faults, for rare errors), or
            stratified with its goal, {stratified: {relative_error: 0.05}}.
        sweep: lists of values by dotted field name; several fields make a grid in the order
            written, the last varies fastest.
        baselines: what is run beside it; bare (one physical qubit), encoded (the encoder alone),
            routed (distance 3, the same protocol as the stock transpiler routes it).
        gates: conditions that are checked before anything is submitted.
        budget: what the run may cost.
        expect: what the run must show; exit code 5 when it does not.
        schedule: when `hexmagic tick` runs it again; other commands do not look at it.
        on_done: command that is run when a run ends, for a message to you, say; words as in a
            shell, but no shell runs it. It is kept in the run folder: write no secret in it.
        swept: the values chosen at a point of an expanded sweep; empty otherwise.
        source: where it was read; not part of its value.
    """

    schema_version: kinds.Version
    name: kinds.Name
    description: kinds.Text = ""
    protocol: Protocol
    device: DeviceSpec
    measure: results.Measures = BASES
    accept: Accept = Accept()
    shots: kinds.ShotCount
    seed: kinds.Seed
    keep: results.Keep = "auto"
    estimate: results.Estimate = field(default_factory=EstimateSpec)
    sweep: Mapping[str, kinds.SweptValues] = field(default_factory=dict)
    baselines: kinds.Baselines = ()
    gates: Gates | None = None
    budget: Budget | None = None
    expect: Expect | None = None
    schedule: Schedule | None = None
    on_done: kinds.Command | None = None
    swept: SkipJsonSchema[Mapping[str, Scalar]] = field(default_factory=dict)
    source: SkipJsonSchema[Source] = field(default=Source(), compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check what ties the sections to each other."""
        scheme, distance = self.protocol.scheme, self.protocol.distance
        if scheme in self.baselines:
            raise FieldError("baselines", f"{scheme} is the protocol itself; leave it out")
        if distance is None and "encoded" in self.baselines:
            what = f"encoded needs a distance, and scheme {scheme} has none; leave it out"
            raise FieldError("baselines", what)
        if distance != 3 and "routed" in self.baselines:
            have = "none" if distance is None else str(distance)
            what = f"routed needs distance 3, and scheme {scheme} has {have}; leave it out"
            raise FieldError("baselines", what)
        if "routed" in (scheme, *self.baselines) and self.device.embedding != "best":
            what = "a list of qubits, but the transpiler chooses those of routed; write best"
            raise FieldError("device.embedding", what)
        self._check_reuse()
        self._check_measure()
        self._check_estimate()
        self._check_hardware()

    def _check_reuse(self) -> None:
        """Check that shots with a wrong ancilla are discarded where it is not reset."""
        off = [n for n in ("hadamard", "flags", "syndromes") if not getattr(self.accept, n)]
        if self.protocol.reuse != "reset" and off:
            what = (
                f"false, but with reuse {self.protocol.reuse} a wrong ancilla goes on and puts an "
                "error on the data that the record does not tell; write reuse: reset or true"
            )
            raise FieldError(f"accept.{off[0]}", what)

    def _check_measure(self) -> None:
        """Check that every protocol of the experiment has what is measured."""
        for scheme in (self.protocol.scheme, *self.baselines):
            for measure in self.measure:
                if measure not in BASES and scheme in WITHOUT_H:
                    what = f"{measure} is not there for scheme {scheme}; measure X and Z, or leave "
                    raise FieldError("measure", what + f"{scheme} out")
        if "H_ideal" in self.measure and self.device.backend != "clifft":
            what = f"H_ideal needs backend clifft, not {self.device.backend}"
            raise FieldError("measure", what)
        if self.keep == "shots" and "H_ideal" in self.measure:
            raise FieldError("keep", "shots, but H_ideal records none; write auto or tallies")
        for name in ("fidelity", "infidelity"):
            asked = self.expect is not None and getattr(self.expect, name) is not None
            known = {"X", "Z"} <= {*self.measure} or {"H", "H_ideal"} & {*self.measure}
            if asked and not known:
                have = ", ".join(self.measure)
                what = f"the fidelity needs X and Z, H or H_ideal, and only {have} is measured"
                raise FieldError(f"expect.{name}", what)

    def _check_estimate(self) -> None:
        """Check that there is something to stratify by, and an engine that can."""
        if self.estimate.kind == "direct":
            return
        if self.device.backend != "clifft":
            what = f"stratified needs backend clifft, not {self.device.backend}"
            raise FieldError("estimate", what)
        if self.keep == "shots":
            raise FieldError("keep", "shots, but estimate stratified keeps tallies; write auto")
        if self.device.noise.kind == "none":
            what = "stratified sorts shots by their faults, and noise none has none; write direct"
            raise FieldError("estimate", what)

    def _check_hardware(self) -> None:
        """Check what is asked of hardware only, and what cannot be asked of it."""
        backend = self.device.backend
        if backend == HARDWARE and self.keep == "tallies":
            what = "tallies, but every raw shot of hardware is archived; write auto or shots"
            raise FieldError("keep", what)
        queue = None if self.gates is None else self.gates.max_queue
        if backend != HARDWARE and queue is not None:
            what = f"{queue}, but backend {backend} has no queue; leave it out"
            raise FieldError("gates.max_queue", what)

    def where(self, name: str) -> str:
        """Return `file:line: field` for a dotted field name, for messages about its value."""
        return f"{self.source.place(field_path(name))}: {name}"

    def to_document(self) -> dict[str, Any]:
        """Return it as plain YAML values, without the fields that are absent or empty."""
        document: dict[str, Any] = _plain(self)
        return {key: value for key, value in document.items() if value not in ("", [], {})}


def _plain(value: Any) -> Any:
    if isinstance(value, NoiseSpec | EstimateSpec | Schedule):
        return value.to_document()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if not is_dataclass(value):
        return value
    plain = {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if plain.pop("auto_rounds", False):
        plain["rounds"] = "auto"
    hidden = ("swept", "source")
    return {key: item for key, item in plain.items() if item is not None and key not in hidden}
