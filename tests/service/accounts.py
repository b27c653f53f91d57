"""Accounts: API keys, tokens that expire, instances with their usage."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from .wire import Answer, Request, ServiceError, json_answer

API_KEY = "loopback-api-key"
"""The key that the service takes unless told otherwise."""


def make_crn(number: int) -> str:
    """Return the cloud resource name of an instance that this service makes up."""
    return (
        "crn:v1:bluemix:public:quantum-computing:us-east:a/loopback:"
        f"00000000-0000-4000-8000-{number:012d}::"
    )


@dataclass(kw_only=True)
class Instance:
    """An instance of an account.

    Attributes:
        crn: its cloud resource name.
        name: its name in the account.
        plan: name of its plan.
        pricing_type: free, trial, paygo, paid or subscription; free ones are preferred.
        limit_seconds: of quantum processor time, None for no limit.
        consumed_seconds: used before the service started.
    """

    crn: str
    name: str
    plan: str = "Open"
    pricing_type: str = "free"
    limit_seconds: float | None = None
    consumed_seconds: float = 0.0

    @property
    def plan_id(self) -> str:
        """Id of the plan in the catalogue."""
        return f"plan-{self.name}"


def default_instances() -> tuple[Instance, ...]:
    """Return two instances; the first is the default one."""
    return (
        Instance(crn=make_crn(1), name="loopback-open"),
        Instance(crn=make_crn(2), name="loopback-paid", plan="Flex", pricing_type="paygo"),
    )


class Accounts:
    """The identity service, the search for instances, and the catalogue of plans."""

    def __init__(self, keys: Sequence[str], instances: Sequence[Instance], lifetime: float) -> None:
        self.keys = tuple(keys)
        self.instances = tuple(instances)
        self.lifetime = lifetime
        self._ends: dict[str, float] = {}

    def token(self, request: Request) -> Answer:
        """Exchange an API key for a token (POST /identity/token)."""
        form = parse_qs(request.body.decode())
        if form.get("apikey", [""])[0] not in self.keys:
            refusal = {
                "errorCode": "BXNIM0415E",
                "errorMessage": "Provided API key could not be found.",
            }
            return json_answer(refusal, 400)
        now = time.time()
        token = _jwt(
            {"iat": int(now), "exp": int(now + self.lifetime), "jti": secrets.token_hex(8)}
        )
        self._ends[token] = now + self.lifetime
        return json_answer(
            {
                "access_token": token,
                "refresh_token": "not_supported",
                "token_type": "Bearer",
                "expires_in": int(self.lifetime),
                "expiration": int(now + self.lifetime),
                "scope": "ibm openid",
            }
        )

    def revoke(self) -> None:
        """Make every token that was given out invalid."""
        self._ends.clear()

    def check(self, request: Request) -> Instance:
        """Return the instance that a request is for.

        Raises:
            ServiceError: 401 without a valid token, 403 for somebody else's instance.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or self._ends.get(token, 0.0) < time.time():
            raise ServiceError(401, 1201, "Invalid credentials: the token is not valid or expired.")
        crn = request.headers.get("service-crn", "")
        for instance in self.instances:
            if instance.crn == crn:
                return instance
        raise ServiceError(403, 1200, f"You are not authorized to use the instance {crn!r}.")

    def search(self, request: Request) -> Answer:
        """List the account's instances (POST /v3/resources/search)."""
        del request  # one account: the same list for every query
        items = [
            {
                "crn": instance.crn,
                "name": instance.name,
                "service_plan_unique_id": instance.plan_id,
                "tags": [],
                "doc": {"extensions": {"allocation": {"backends": "all"}}},
            }
            for instance in self.instances
        ]
        return json_answer({"items": items, "limit": 100})

    def catalogue(self, request: Request) -> Answer:
        """Describe an instance's plan (GET /{plan})."""
        plan = request.path.rpartition("/")[2]
        for instance in self.instances:
            if instance.plan_id == plan:
                return json_answer(
                    {
                        "id": plan,
                        "overview_ui": {"en": {"display_name": instance.plan}},
                        "metadata": {"pricing": {"type": instance.pricing_type}},
                    }
                )
        raise ServiceError(404, 404, f"no plan {plan!r}")


def _jwt(claims: dict[str, Any]) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    head = ".".join(_base64(json.dumps(part).encode()) for part in parts)
    return f"{head}.{_base64(secrets.token_bytes(32))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
