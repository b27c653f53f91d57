"""Control: the paths below /_control, by which a person looks in and changes things at run time."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from .faults import Rule, read_rules
from .state import State
from .wire import Answer, Exchange, Request, ServiceError, json_answer

PREFIX = "/_control/"


@dataclass(kw_only=True)
class Desk:
    """What the service holds besides its state.

    Attributes:
        state: of the service.
        rules: that act on requests, in order.
        requests: what was asked, the oldest first.
        dice: for the rules' probabilities.
    """

    state: State
    rules: list[Rule] = field(default_factory=list)
    requests: list[Exchange] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(0))


def control(desk: Desk, request: Request) -> Answer:
    """Return the answer to a request below /_control; no token is asked for.

    Raises:
        ServiceError: 404 for an unknown path, 400 for a body that makes no sense.
    """
    route = _ROUTES.get((request.method, request.path.removeprefix(PREFIX)))
    if route is None:
        known = ", ".join(f"{method} {PREFIX}{path}" for method, path in _ROUTES)
        raise ServiceError(404, 404, f"no {request.method} {request.path}; there are {known}")
    try:
        return route(desk, request)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ServiceError(400, 400, f"{type(error).__name__}: {error}") from None


def _jobs(desk: Desk, request: Request) -> Answer:
    del request
    return json_answer([job.recorded() for job in desk.state.jobs])


def _requests(desk: Desk, request: Request) -> Answer:
    del request
    return json_answer([asdict(exchange) for exchange in desk.requests])


def _rules(desk: Desk, request: Request) -> Answer:
    del request
    return json_answer([asdict(rule) for rule in desk.rules])


def _add_rules(desk: Desk, request: Request) -> Answer:
    desk.rules.extend(read_rules(request.body.decode()))
    return _rules(desk, request)


def _clear_rules(desk: Desk, request: Request) -> Answer:
    desk.rules.clear()
    return _rules(desk, request)


def _hold(desk: Desk, request: Request) -> Answer:
    del request
    desk.state.holding = True
    return json_answer({"holding": True})


def _release(desk: Desk, request: Request) -> Answer:
    desk.state.release(request.json().get("id"))
    return json_answer({"holding": desk.state.holding})


def _revoke(desk: Desk, request: Request) -> Answer:
    del request
    desk.state.accounts.revoke()
    return json_answer({})


def _recalibrate(desk: Desk, request: Request) -> Answer:
    wish = request.json()
    device = desk.state.device(wish["device"])
    device.recalibrate(float(wish.get("factor", 1.1)))
    return json_answer({"device": device.name, "calibrated_at": device.calibrated_at})


def _device(desk: Desk, request: Request) -> Answer:
    wish = request.json()
    device = desk.state.device(wish.pop("device"))
    allowed = {"operational", "message", "extra_queue", "max_shots"}
    if unknown := set(wish) - allowed:
        raise ValueError(f"{sorted(unknown)}: a device has {sorted(allowed)}")
    for name, value in wish.items():
        setattr(device, name, value)
    with desk.state.changed:
        desk.state.changed.notify_all()
    return json_answer({"device": device.name, **{name: getattr(device, name) for name in allowed}})


_ROUTES: dict[tuple[str, str], Callable[[Desk, Request], Answer]] = {
    ("GET", "jobs"): _jobs,
    ("GET", "requests"): _requests,
    ("GET", "rules"): _rules,
    ("POST", "rules"): _add_rules,
    ("DELETE", "rules"): _clear_rules,
    ("POST", "hold"): _hold,
    ("POST", "release"): _release,
    ("POST", "revoke"): _revoke,
    ("POST", "recalibrate"): _recalibrate,
    ("POST", "device"): _device,
}
