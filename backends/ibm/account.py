"""The account: found by the client where it keeps it, opened once, asked for tokens.

Tokens come from the client's own file or from `QISKIT_IBM_TOKEN`, and are passed on to nobody.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts import management
from qiskit_ibm_runtime.api.client import RuntimeClient
from requests.adapters import HTTPAdapter

from ..redaction import one_line
from .errors import Failure, NoTokenError, failure_of
from .settings import IbmSettings

HOW_TO = (
    "save one with QiskitRuntimeService.save_account(token=..., instance=...), "
    "or set QISKIT_IBM_TOKEN and QISKIT_IBM_INSTANCE"
)
_CONNECT_SECONDS = 10.0
_LOG_LEVEL = "QISKIT_IBM_RUNTIME_LOG_LEVEL"
_LOGGERS = ("qiskit_ibm_runtime", "ibm-cloud-sdk-core")
_FIELDS = ("instance", "account")
_VARIABLES = ("QISKIT_IBM_INSTANCE", "QISKIT_IBM_CHANNEL", "QISKIT_IBM_URL")
_PUBLIC = ("https://", "http://", "ibm_quantum_platform", "ibm_cloud")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An account in use.

    Attributes:
        service: the client's.
        instance: CRN.
        tokens: shared by all connections.
        connect: makes the client's REST interface over new connections; it never repeats a request.
    """

    service: QiskitRuntimeService
    instance: str
    tokens: Tokens
    connect: Callable[[], RuntimeClient]


class Tokens(requests.auth.AuthBase):
    """Puts the bearer token on each request, as the client does, with three differences.

    Without a token nothing is sent: the client would send the API key instead. A failed call does
    not make the next one wait a minute. A token that the service does not take can be dropped: the
    client keeps it until the local clock says that it has expired.
    """

    def __init__(self, manager: Any, instance: str, api_key: str) -> None:
        self._manager = manager
        self._instance = instance
        self._api_key = api_key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Return the request with its authentication headers.

        Raises:
            NoTokenError: there is no token.
        """
        request.headers["Service-CRN"] = self._instance
        request.headers["Authorization"] = f"Bearer {self._token()}"
        return request

    def fetch(self) -> None:
        """Make sure that there is a token.

        Raises:
            NoTokenError: there is none.
        """
        self._token()

    def drop(self) -> None:
        """Ask for a new token when one is needed next."""
        self._manager.access_token = None
        self._manager.expire_time = 0

    @property
    def secrets(self) -> tuple[str, ...]:
        """All that must not be shown."""
        known = (self._api_key, self._manager.access_token, self._manager.refresh_token)
        return tuple(secret for secret in known if secret)

    def _token(self) -> str:
        failed = None
        try:
            return str(self._manager.get_token())
        except Exception as error:  # of four libraries; each means that there is no new token
            failed = failure_of(error, self.secrets)
        self._manager.request_time = 0  # otherwise the manager sleeps until a minute is over
        if self._manager.access_token and not self._manager._is_token_expired():
            return str(self._manager.access_token)  # only its early renewal has failed
        refused = failed.status in {400, 401, 403}
        raise NoTokenError(
            f"no access token from IAM ({failed.text})",
            refused=refused,
            retry_after=failed.retry_after,
        )


class _Once(HTTPAdapter):
    """Sends a request once, and waits for its connection and for each byte so long at most."""

    def __init__(self, timeout_seconds: float) -> None:
        super().__init__(max_retries=0)
        self._seconds = timeout_seconds

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override] # options by name only, as requests gives them
        """Send it; the client gives no time-out of its own, or one of 15 minutes."""
        options["timeout"] = (min(_CONNECT_SECONDS, self._seconds / 3), self._seconds)
        return super().send(request, **options)


class _Service(QiskitRuntimeService):  # type: ignore[misc] # the client has no annotations
    """The client's, but it does not list the machines of each instance when it is made.

    It would do so without a time-out, and take no answer for an empty list.
    """

    def _discover_backends_from_instance(self, instance: str) -> list[tuple[str, bool]]:
        del instance
        return []


class _Redacting(logging.Filter):
    """Takes the secrets out of the client's log, and lets through what was asked for.

    Without its variable the client writes warnings to standard error; what matters of them is told
    by our errors.
    """

    def __init__(self, secrets: Callable[[], Iterable[str]]) -> None:
        super().__init__()
        self._secrets = secrets

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = one_line(record.getMessage(), self._secrets()), ()
        record.exc_info = record.exc_text = None
        return record.levelno >= logging.ERROR or _LOG_LEVEL in os.environ


def open_account(settings: IbmSettings) -> Opened:
    """Return the account in use; asks IAM and the instance search.

    Raises:
        Exception: any of the client's; `failure_of_opening` says what it means.
    """
    url = settings.url
    withheld = _withheld(settings)
    _guard_logs(_Redacting(lambda: withheld))
    service = _Service(
        name=settings.account,
        channel=settings.channel,
        instance=settings.instance,
        url_resolver=(lambda *_: url.rstrip("/")) if url else None,
    )
    instance = _only_instance(service)
    params = service._client_params
    first = RuntimeClient(params)
    manager = first._session.auth.tm
    manager.http_config = {"timeout": (_CONNECT_SECONDS, settings.timeout_seconds)}
    tokens = Tokens(manager, instance, params.token)
    _guard_logs(_Redacting(lambda: tokens.secrets))

    def connect() -> RuntimeClient:
        client = RuntimeClient(params)
        client._session.auth = tokens
        for scheme in ("http://", "https://"):
            client._session.mount(scheme, _Once(settings.timeout_seconds))
        return client

    return Opened(service=service, instance=instance, tokens=tokens, connect=connect)


def failure_of_opening(error: Exception, settings: IbmSettings) -> Failure:
    """Return why the account could not be opened.

    The client says "invalid account" also when it had no answer; what it was made from tells. It
    repeats what it was given as instance or account: somebody may have put the key there.
    """
    from qiskit_ibm_runtime.accounts import AccountNotFoundError
    from qiskit_ibm_runtime.exceptions import IBMError

    if isinstance(error, _SeveralError):  # names of the account's own list
        text = one_line(str(error), saved_tokens())
        return Failure(text=text, unsent=True, refused=True)
    failure = failure_of(error.__cause__ or error, _withheld(settings))
    if isinstance(error, AccountNotFoundError):
        return Failure(text=f"none found ({failure.text}); {HOW_TO}", unsent=True, refused=True)
    asked = error.__cause__ is not None
    wrong = isinstance(error, IBMError | ValueError | LookupError | TypeError) and not asked
    refused = wrong or isinstance(error, PermissionError) or failure.status in {400, 401, 403}
    return replace(failure, unsent=True, refused=refused)


def saved_tokens() -> tuple[str, ...]:
    """Return the tokens of the accounts that the client has saved, one of which may be in use."""
    return tuple(str(one["token"]) for one in _saved_accounts().values() if one.get("token"))


def _saved_accounts() -> dict[str, dict[str, Any]]:
    """Return the accounts of the client's own file.

    The client's reader makes the file if need be, and gives none if one of them is damaged.
    """
    try:
        text = Path(management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE).expanduser().read_text("utf-8")
        accounts = json.loads(text)
    except (OSError, ValueError, RuntimeError):  # none, or damaged: nothing of it is in use either
        return {}
    known = accounts.items() if isinstance(accounts, dict) else ()
    return {name: account for name, account in known if isinstance(account, dict)}


def _withheld(settings: IbmSettings) -> dict[str, str]:
    """Return what is not repeated while no account is open, and what is said in its place.

    Any text of the settings, the environment or a saved account may be a secret in the wrong
    field, until the service takes it for an instance.
    """
    accounts = _saved_accounts()
    told = {
        str(value): f"[{key} of a saved account]"
        for account in accounts.values()
        for key, value in account.items()
        if isinstance(value, str)
    }
    told |= {os.environ.get(name, ""): f"[{name}]" for name in _VARIABLES}
    told |= {
        getattr(settings, name) or "": f"[ibm.{name} in hexmagic.toml]"
        for name in _FIELDS
        if getattr(settings, name) not in accounts
    }
    told = {value: words for value, words in told.items() if not value.startswith(_PUBLIC)}
    return told | dict.fromkeys(saved_tokens(), "[redacted]")


class _SeveralError(ValueError):
    """The settings leave a choice between instances."""


def _only_instance(service: QiskitRuntimeService) -> str:
    """Return the CRN of the instance, if the settings leave no choice.

    Raises:
        _SeveralError: they do.
    """
    crns = list(service._saved_instances or service._get_api_clients())
    if len(crns) != 1:
        names = {known["crn"]: known["name"] for known in service.instances()}
        shown = ", ".join(f"{names.get(crn, '?')} ({crn})" for crn in crns)
        raise _SeveralError(f"the account has {len(crns)} instances: {shown}; name one by its CRN")
    return str(crns[0])


def _guard_logs(guard: _Redacting) -> None:
    """Put a filter, instead of an earlier one, where the client's log comes out."""
    for logger in map(logging.getLogger, _LOGGERS):
        for place in (logger, *logger.handlers):
            for old in [one for one in place.filters if isinstance(one, _Redacting)]:
                place.removeFilter(old)
            place.addFilter(guard)
