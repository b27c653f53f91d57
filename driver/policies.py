"""Reuse policies of a point: what each makes of its circuit, and which is the best."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..experiments.errors import UsageError
from ..experiments.reuse import Reuse


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a reuse policy makes of a point's circuit in its first basis.

    Attributes:
        reuse: the policy.
        same_circuit: later policies that give the identical circuit.
        measurement_layers: measurements that follow one another, the readout's included.
        duration_seconds: of one shot.
        predicted_acceptance: in [0, 1].
        prediction_method: how it was predicted, in words.
        faults: single faults that were enumerated; None where there is no certificate.
        detection_failures: counterexamples to the detection certificate, if there is one.
        correction_failures: counterexamples to the correction certificate, if there is one.
    """

    reuse: Reuse
    same_circuit: tuple[Reuse, ...]
    measurement_layers: int
    duration_seconds: float
    predicted_acceptance: float
    prediction_method: str
    faults: int | None
    detection_failures: int | None
    correction_failures: int | None

    def to_json(self) -> dict[str, Any]:
        """Return JSON types only."""
        return asdict(self) | {"same_circuit": list(self.same_circuit)}


_HEADS = ("layers", "duration", "acceptance", "detection", "correction")
_WIDTHS = (10, 8, 11, 12, 11, 12)


PairFailures = Callable[[Policy], int]
"""Counterexamples to detection among the pairs of faults of a policy's circuit."""


def best_policy(policies: Sequence[Policy], pair_failures: PairFailures | None = None) -> Policy:
    """Return the policy with the highest predicted acceptance that is as safe as `reset`.

    As safe: no more counterexamples to either certificate. Among equals, as all are without noise,
    the shortest; then the first.

    Args:
        policies: of one point, `reset` first.
        pair_failures: judges pairs too, where the distance claims them; asked only as far as
            needed, since it takes minutes.

    Raises:
        UsageError: circuits differ and cannot be certified.
    """
    if len(policies) == 1:
        return policies[0]
    limits = _failures(policies[0])
    safe = [
        policy
        for policy in policies
        if all(n <= limit for n, limit in zip(_failures(policy), limits, strict=True))
    ]
    safe.sort(key=lambda policy: (-policy.predicted_acceptance, policy.duration_seconds))
    for policy in safe:
        if policy is policies[0] or pair_failures is None:
            break
        found = pair_failures(policy)
        if not found or found <= pair_failures(policies[0]):
            break
    return policy


def _failures(policy: Policy) -> tuple[int, int]:
    if policy.detection_failures is None or policy.correction_failures is None:
        raise UsageError(
            "best needs the certificate of every policy, and a circuit has none that can be "
            "computed; write reset, xor or deferred"
        )
    return policy.detection_failures, policy.correction_failures


def reuse_words(
    chosen: str, asked: str, policies: Sequence[Mapping[str, Any]], distance: int
) -> str:
    """Return in words which policy a point has, and which policies make no difference."""
    words = [f"{chosen}, the best" if asked == "best" else chosen]
    if asked == "best" and distance > 3 and len(policies) > 1:
        words.append("policies that let more pairs of faults through are passed over")
    for policy in policies:
        if policy["same_circuit"]:
            names = [policy["reuse"], *policy["same_circuit"]]
            words.append(f"{', '.join(names[:-1])} and {names[-1]} give the same circuit")
    return "; ".join(words)


def render_policies(policies: Sequence[Mapping[str, Any]], *, indent: int) -> list[str]:
    """Return the policies of `Policy.to_json` as a table; no line if there is no choice.

    detection and correction: counterexamples to the certificates, "-" where there is none.
    """
    if len(policies) < 2:
        return []
    rows = [("policy", *_HEADS), *(_cells(policy) for policy in policies)]
    return [
        " " * indent
        + row[0].ljust(_WIDTHS[0])
        + "".join(cell.rjust(width) for cell, width in zip(row[1:], _WIDTHS[1:], strict=True))
        for row in rows
    ]


def _cells(policy: Mapping[str, Any]) -> tuple[str, ...]:
    failures = (policy[f"{kind}_failures"] for kind in ("detection", "correction"))
    return (
        policy["reuse"],
        str(policy["measurement_layers"]),
        f"{1e6 * policy['duration_seconds']:.1f} us",
        f"{policy['predicted_acceptance']:.3g}",
        *("-" if count is None else str(count) for count in failures),
    )
