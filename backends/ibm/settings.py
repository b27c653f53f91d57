"""Which account of IBM's service is used, and how; imports no client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...experiments.errors import UsageError

Program = Literal["sampler", "executor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IbmSettings:
    """Which account is used, and how.

    Attributes:
        account: name of an account saved by the client; None for the client's default.
        instance: name or CRN of the instance; None for the account's.
        channel: whose default account is used, if no account is named.
        url: base URL of the API, for a private endpoint; None for the public one.
        program: which of the service's programs samples.
        timeout_seconds: wall clock of each call.

    Raises:
        UsageError: a time-out that is not positive, or a channel besides an account.
    """

    account: str | None = None
    instance: str | None = None
    channel: str | None = None
    url: str | None = None
    program: Program = "sampler"
    timeout_seconds: float = 60.0

    def __post_init__(self) -> None:
        if not self.timeout_seconds > 0:
            raise UsageError(f"ibm: timeout_seconds {self.timeout_seconds} is not positive")
        if self.account is not None and self.channel is not None:
            raise UsageError(
                "ibm: the saved account that account names has its own channel; leave channel out"
            )
