"""What an experiment wants to know: what is measured, what is kept, and how it is estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from ..measures import Measure
from .errors import FieldError, kind_of, show, suggest, unknown_value
from .fields import no_repeats

Keep = Literal["auto", "shots", "tallies"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateSpec:
    """How rates are estimated.

    Attributes:
        kind: direct (shots with faults as they come) or stratified (shots with a given number of
            faults each, weighted by how likely that number is).
        relative_error: stratified: goal for the standard error of the infidelity, as a fraction
            of it, at every point.
    """

    kind: Literal["direct", "stratified"] = "direct"
    relative_error: float = 0.05

    def __post_init__(self) -> None:
        """Check that the goal can be reached."""
        if not 0 < self.relative_error < 1:
            what = (
                f"{self.relative_error} is no goal for a relative error; needs one between 0 and 1"
            )
            raise FieldError("stratified.relative_error", what)
        object.__setattr__(self, "relative_error", float(self.relative_error))

    def to_document(self) -> str | dict[str, dict[str, float]]:
        """Return it as a YAML file writes it."""
        if self == EstimateSpec(kind=self.kind):
            return self.kind
        return {self.kind: {"relative_error": self.relative_error}}


def _estimate(value: Any) -> Any:
    if isinstance(value, EstimateSpec):
        return value
    if value == "direct" or value == "stratified":
        return EstimateSpec(kind=value)
    choices = "direct, stratified or {stratified: {relative_error: 0.05}}"
    if isinstance(value, dict) and value:
        for key in value:
            if key != "stratified":
                raise FieldError(str(key), f"unknown field; {suggest(str(key), ['stratified'])}")
        return _stratified(value["stratified"])
    if isinstance(value, str):
        raise ValueError(unknown_value(value, ["direct", "stratified"], choices))
    raise ValueError(f"{show(value)} is {kind_of(value)}; needs {choices}")


def _stratified(options: Any) -> EstimateSpec:
    if not isinstance(options, dict):
        what = f"{show(options)} is {kind_of(options)}; needs {{relative_error: 0.05}}"
        raise FieldError("stratified", what)
    for key in options:
        if key != "relative_error":
            what = f"unknown field; {suggest(str(key), ['relative_error'])}"
            raise FieldError(f"stratified.{key}", what)
    goal = options.get("relative_error", 0.05)
    if isinstance(goal, bool) or not isinstance(goal, int | float):
        what = f"{show(goal)} is {kind_of(goal)}; needs a number such as 0.05"
        raise FieldError("stratified.relative_error", what)
    return EstimateSpec(kind="stratified", relative_error=goal)


_GOAL_SCHEMA = {
    "type": "number",
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 1,
    "description": "Goal for the standard error of the infidelity, as a fraction of it.",
}
_ESTIMATE_SCHEMA = {
    "anyOf": [
        {"enum": ["direct", "stratified"]},
        {
            "type": "object",
            "properties": {
                "stratified": {
                    "type": "object",
                    "description": "Shots by their number of faults, for rare errors.",
                    "properties": {"relative_error": _GOAL_SCHEMA},
                    "additionalProperties": False,
                }
            },
            "required": ["stratified"],
            "additionalProperties": False,
        },
    ]
}

Estimate = Annotated[EstimateSpec, BeforeValidator(_estimate), WithJsonSchema(_ESTIMATE_SCHEMA)]
Measures = Annotated[
    tuple[Measure, ...],
    Field(min_length=1, json_schema_extra={"uniqueItems": True}),
    AfterValidator(no_repeats),
]
