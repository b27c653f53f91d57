"""What goes wrong with the service, in our words: one line, without a secret."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3.exceptions import NewConnectionError

from ..redaction import one_line
from ..remote import AccountError, NotAcceptedError, RejectedError, RemoteError, UnclearError

_MAYBE_DONE = {408, 409, 425, 460, 463, 499}  # of proxies and conflicts: may come after
_TRY_AGAIN = {408, 425, 429}


class ServiceError(RemoteError):
    """RemoteError with the HTTP status that came, None if none did.

    `own_words`: whether the service itself said it.
    """

    def __init__(self, message: str, status: int | None, *, own_words: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.own_words = own_words


class NoTokenError(Exception):
    """There is no token for a request, which therefore was not sent.

    `refused`: the account was not taken; otherwise asking again may help, after `retry_after`
    seconds if there is such a wish.
    """

    def __init__(self, message: str, *, refused: bool, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.refused = refused
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that failed.

    Attributes:
        text: one line, without secrets.
        status: of HTTP; None if no whole answer came.
        retry_after: seconds that the service asks to wait, None if it does not.
        unsent: certainly nothing reached the service.
        refused: there is no token because the account is not taken.
        own_words: whether the service itself says it, in its form; a page of a proxy does not.
    """

    text: str
    status: int | None = None
    retry_after: float | None = None
    unsent: bool = False
    refused: bool = False
    own_words: bool = False

    @property
    def may_pass(self) -> bool:
        """Whether asking again may help."""
        if self.status is None:
            return not self.refused
        return self.status in _TRY_AGAIN or self.status >= 500


def failure_of(error: BaseException, secrets: Iterable[str]) -> Failure:
    """Return what an exception of the client, or below it, says."""
    chain = tuple(_chain(error))
    for one in chain:
        if isinstance(one, NoTokenError):
            return Failure(
                text=one_line(str(one), secrets),
                retry_after=one.retry_after,
                unsent=True,
                refused=one.refused,
            )
    for one in chain:
        response = getattr(one, "response", None)
        if response is None:  # a response with an error status is false
            response = getattr(one, "http_response", None)  # of IBM's library below the client
        if isinstance(response, requests.Response):
            said = _own_words(response)
            told = said or response.text.strip() or response.reason or "no text"
            return Failure(
                text=one_line(f"HTTP {response.status_code}: {told}", secrets),
                status=response.status_code,
                own_words=said is not None,
                retry_after=read_retry_after(response.headers.get("Retry-After")),
            )
    for one in chain:
        if isinstance(one, NewConnectionError):
            reason = str(one).partition("Failed to ")[2] or str(one)
            return Failure(
                text=one_line(f"no connection: failed to {reason}", secrets), unsent=True
            )
    kind = "" if type(error) is ValueError else f"{type(error).__name__}: "
    text = one_line(f"{kind}{error}", secrets)
    return Failure(text=text, unsent=any(_is_before_sending(one) for one in chain))


def read_retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header, given as such or as a date; None if neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            then = parsedate_to_datetime(value)
        except ValueError:
            return None
        then = then if then.tzinfo else then.replace(tzinfo=UTC)
        seconds = (then - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def error_of_question(failure: Failure, what: str) -> RemoteError | AccountError:
    """Return the error of a call that changes nothing."""
    if failure.refused:
        return AccountError(f"IBM account: {failure.text}")
    if failure.status in {401, 403}:
        return AccountError(f"{what}: the service does not take the account ({failure.text})")
    return ServiceError(f"{what}: {failure.text}", failure.status, own_words=failure.own_words)


def error_of_submission(failure: Failure) -> RemoteError | AccountError:
    """Return the error of a submission; whether it may have been accepted decides its class."""
    status, text = failure.status, failure.text
    if failure.refused:
        return AccountError(f"not submitted; IBM account: {text}")
    if status == 401 or (status == 403 and failure.own_words):
        return AccountError(f"not submitted: the service does not take the account ({text})")
    if failure.unsent:
        return NotAcceptedError(
            f"not submitted: {text}", retry_after=failure.retry_after, sent=False
        )
    if status == 429:
        return NotAcceptedError(f"not accepted: {text}", retry_after=failure.retry_after)
    verdict = status is not None and 400 <= status < 500 and status not in _MAYBE_DONE
    if verdict and failure.own_words:
        return RejectedError(f"rejected: {text}")
    return UnclearError(f"submitted, but whether it was accepted is not known: {text}")


def _own_words(response: requests.Response) -> str | None:
    """Return what the service says of an error; None if it is not the service that says it."""
    try:
        body: Any = response.json()
        first = body["errors"][0] if "errors" in body else body["error"]
        said = first if isinstance(first, str) else first["message"]
    except (ValueError, LookupError, TypeError):
        return None
    return str(said).strip() or None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it was made from, outermost first."""
    todo, seen = [error], set[int]()
    while todo:
        one = todo.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
        todo += [other for other in inner if isinstance(other, BaseException)]


def _is_before_sending(error: BaseException) -> bool:
    """Whether it is one that only making the connection raises."""
    return isinstance(
        error,
        requests.exceptions.ConnectTimeout
        | NewConnectionError
        | ConnectionRefusedError
        | socket.gaierror
        | ssl.SSLCertVerificationError,
    )
