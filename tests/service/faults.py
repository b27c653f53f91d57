"""Faults: rules that say which request goes wrong, how, and before or after it takes effect."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args

from .programs import Outcome, encode
from .state import State
from .wire import Answer, Manner, Request, error_answer, json_answer

Kind = Literal[
    "status",
    "reset",
    "close",
    "truncate",
    "hang",
    "slow",
    "empty",
    "invalid_json",
    "drop_key",
    "wrong_count",
    "unknown_status",
    "job_failed",
    "job_cancelled",
    "results_truncated",
    "results_empty",
    "results_shots",
    "results_register",
    "token_expired",
    "recalibrate",
    "usage_exhausted",
    "not_operational",
]
_NEEDS_THE_EFFECT = {
    "drop_key",
    "wrong_count",
    "unknown_status",
    "job_failed",
    "job_cancelled",
    "results_truncated",
    "results_empty",
    "results_shots",
    "results_register",
}


@dataclass(kw_only=True)
class Rule:
    """A rule: the first one that matches a request acts on it.

    Attributes:
        kind: what goes wrong.
        method: of the request, `*` for any.
        path: regular expression, searched in the path without the query.
        when: before the request takes effect (it never does) or after it.
        times: how often, None for always; counts down.
        skip: so many matching requests get through first; counts down.
        probability: of acting on a matching request.
        status, body, retry_after: of `status`; an empty body is the service's own form.
        seconds: of `hang` (0: until the client gives up) and `slow`.
        key: that `drop_key` removes, or the register that `results_register` removes (empty: the
            first of each circuit).
        count: added by `wrong_count`; shots that are left by `results_shots`.
        word: of `unknown_status`.
        reason, code: of `job_failed` and `job_cancelled`.
        device: of `recalibrate` and `not_operational`; empty for all.
        factor: of `recalibrate`.
    """

    kind: Kind
    method: str = "*"
    path: str = ""
    when: Literal["before", "after"] = "after"
    times: int | None = 1
    skip: int = 0
    probability: float = 1.0
    status: int = 500
    body: str = ""
    retry_after: float | None = None
    seconds: float = 0.0
    key: str = ""
    count: int = 1
    word: str = "Meditating"
    reason: str = "Injected by the loopback service"
    code: int | None = 9999
    device: str = ""
    factor: float = 1.1

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"kind: {self.kind!r}; there are {', '.join(get_args(Kind))}")
        if self.when not in {"before", "after"}:
            raise ValueError(f"when: {self.when!r}; write before or after")
        if self.when == "before" and self.kind in _NEEDS_THE_EFFECT:
            raise ValueError(f"{self.kind}: acts on an answer or a job; write when: after")
        re.compile(self.path)

    def matches(self, request: Request) -> bool:
        """Return whether the rule is about this request, and is not used up."""
        return (
            self.times != 0
            and self.method in {"*", request.method}
            and re.search(self.path, request.path) is not None
        )


def read_rules(text: str) -> list[Rule]:
    """Return the rules in a JSON list of objects, or in one object.

    Raises:
        ValueError: not JSON, a field that a rule does not have, or a wrong value.
    """
    given = json.loads(text)
    known = {field.name for field in fields(Rule)}
    rules = []
    for entry in given if isinstance(given, list) else [given]:
        if unknown := set(entry) - known:
            raise ValueError(f"rule: no field {sorted(unknown)}; there are {sorted(known)}")
        if "kind" not in entry:
            raise ValueError(f"rule: {entry} has no kind")
        rules.append(Rule(**entry))
    return rules


def choose(rules: list[Rule], request: Request, dice: random.Random) -> Rule | None:
    """Return the rule that acts on a request, counted down; None if there is none."""
    for rule in rules:
        if not rule.matches(request):
            continue
        if rule.skip:
            rule.skip -= 1
        elif dice.random() < rule.probability:
            if rule.times is not None:
                rule.times -= 1
            return rule
    return None


def act(
    rule: Rule, request: Request, state: State, answer_to: Callable[[Request], Answer]
) -> Answer:
    """Return the answer to a request on which a rule acts; `answer_to` lets it take effect."""
    if change := _CHANGES.get(rule.kind):
        if rule.when == "before":
            change(rule, state)
            return answer_to(request)
        answer = answer_to(request)
        change(rule, state)
        return answer
    answer = answer_to(request) if rule.when == "after" else json_answer({"loopback": "no effect"})
    edited: Answer = _EDITS[rule.kind](rule, request, state, answer)
    return edited


def _status(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del request, state, answer
    headers = () if rule.retry_after is None else (("Retry-After", f"{rule.retry_after:g}"),)
    made = error_answer(rule.status, rule.status, rule.reason)
    return replace(made, headers=headers, body=rule.body.encode() or made.body)


def _manner(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del request, state
    return replace(answer, manner=cast("Manner", rule.kind), seconds=rule.seconds)


def _empty(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del rule, request, state
    return replace(answer, body=b"")


def _half(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del rule, request, state
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _drop_key(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del request, state
    kept = {key: value for key, value in answer.json().items() if key != rule.key}
    return replace(answer, body=json.dumps(kept).encode())


def _wrong_count(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del request, state
    listing = answer.json()
    return replace(
        answer, body=json.dumps(listing | {"count": listing["count"] + rule.count}).encode()
    )


def _unknown_status(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del request, state
    told = answer.json() | {"status": rule.word, "state": {"status": rule.word}}
    return replace(answer, body=json.dumps(told).encode())


def _fate(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    del request
    if answer.status < 400:
        word = "Failed" if rule.kind == "job_failed" else "Cancelled"
        state.job(answer.json()["id"]).fate = (word, rule.reason, rule.code)
    return answer


def _outcome(rule: Rule, request: Request, state: State, answer: Answer) -> Answer:
    job = state.job(request.path.split("/jobs/")[1].split("/")[0])
    if job.outcome is None or job.word != "Completed":
        return answer
    outcome = job.outcome
    changed: Outcome = (
        outcome.with_shots(rule.count)
        if rule.kind == "results_shots"
        else outcome.without_register(rule.key)
    )
    return replace(answer, body=encode(changed).encode())


def _revoke(rule: Rule, state: State) -> None:
    del rule
    state.accounts.revoke()


def _recalibrate(rule: Rule, state: State) -> None:
    for device in state.devices.values():
        if rule.device in {"", device.name}:
            device.recalibrate(rule.factor)


def _exhaust(rule: Rule, state: State) -> None:
    del rule
    for instance in state.accounts.instances:
        instance.limit_seconds = state.consumed_seconds(instance)


def _close_device(rule: Rule, state: State) -> None:
    for device in state.devices.values():
        if rule.device in {"", device.name}:
            device.operational, device.message = False, "maintenance"


_CHANGES: dict[str, Callable[[Rule, State], None]] = {
    "token_expired": _revoke,
    "recalibrate": _recalibrate,
    "usage_exhausted": _exhaust,
    "not_operational": _close_device,
}
_EDITS: dict[str, Callable[[Rule, Request, State, Answer], Any]] = {
    "status": _status,
    **dict.fromkeys(("reset", "close", "truncate", "hang", "slow"), _manner),
    "empty": _empty,
    "invalid_json": _half,
    "drop_key": _drop_key,
    "wrong_count": _wrong_count,
    "unknown_status": _unknown_status,
    **dict.fromkeys(("job_failed", "job_cancelled"), _fate),
    "results_truncated": _half,
    "results_empty": _empty,
    **dict.fromkeys(("results_shots", "results_register"), _outcome),
}
