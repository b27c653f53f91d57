"""Asking the service: opened when first needed, within a wall clock, repeated if that may help."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...experiments.errors import HexmagicError
from ..redaction import one_line, without_secrets
from ..remote import NotAcceptedError
from .account import Opened, failure_of_opening, open_account
from .errors import (
    Failure,
    NoTokenError,
    ServiceError,
    error_of_question,
    error_of_submission,
    failure_of,
)
from .settings import IbmSettings
from .wall_clock import OutOfTimeError, Permit, within

TRIES = 4
"""How often a question is asked, at most."""

FIRST_PAUSE_SECONDS = 0.5
"""Before the second time; twice as long before each later one."""


class IbmLink:
    """The way to the service: an account, connections, a wall clock on each call."""

    def __init__(
        self, settings: IbmSettings, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._opened: Opened | None = None
        self._client: Any = None
        self._doubted: set[bool] = set()

    def ask[T](self, what: str, question: Callable[[Opened, Any], T], *, tries: int = TRIES) -> T:
        """Return the answer to a question, which may be asked several times.

        Args:
            what: for messages.
            question: given the account and the client's REST interface; changes nothing, or
                nothing more when it is repeated.

        Raises:
            RemoteError: no answer, or none that makes sense (ServiceError has its status).
            AccountError: the service does not take the account.
        """
        end = time.monotonic() + self._settings.timeout_seconds
        try:
            return within(
                self._settings.timeout_seconds, lambda: self._ask(what, question, tries, end)
            )
        except OutOfTimeError:
            self._forget()
        raise ServiceError(f"{what}: no answer in {self._settings.timeout_seconds:g} s", None)

    def submit[T](self, submission: Callable[[Any], T]) -> T:
        """Return the answer to a submission, which is sent once, over a connection of its own.

        Raises:
            NotAcceptedError, RejectedError, UnclearError, AccountError: as `Remote.post`.
        """
        permit = Permit()
        try:
            return within(self._settings.timeout_seconds, lambda: self._submit(submission, permit))
        except OutOfTimeError:
            self._forget()
        except BaseException:  # an interrupt: what was not sent yet never is
            permit.withdraw()
            raise
        late = f"no answer in {self._settings.timeout_seconds:g} s"
        if permit.withdraw():
            what = f"not submitted: {late} from the account's servers"
            raise NotAcceptedError(what, sent=False)
        raise error_of_submission(Failure(text=late))

    def redact(self, text: str) -> str:
        """Return a text on one line, without secrets."""
        return one_line(text, self._secrets)

    def without_secrets(self, text: str) -> str:
        """Return a text as it is, but for secrets."""
        return without_secrets(text, self._secrets)

    @property
    def _secrets(self) -> tuple[str, ...]:
        return self._opened.tokens.secrets if self._opened else ()

    def _ask[T](self, what: str, question: Callable[[Opened, Any], T], tries: int, end: float) -> T:
        pause, left = FIRST_PAUSE_SECONDS, tries
        while True:
            opened = self._open()
            outcome = opened if isinstance(opened, Failure) else self._once(question, opened)
            if not isinstance(outcome, Failure):
                self._doubted.discard(False)
                return outcome
            if self._renews(outcome, posting=False):
                continue
            left -= 1
            wait = max(pause, outcome.retry_after or 0.0)
            if not (left and outcome.may_pass and time.monotonic() + wait < end):
                raise error_of_question(outcome, what)
            self._sleep(wait)
            pause *= 2

    def _once[T](self, question: Callable[[Opened, Any], T], opened: Opened) -> T | Failure:
        self._client = self._client or opened.connect()
        return self._try(question, opened, self._client)

    def _try[T](self, call: Callable[[Opened, Any], T], opened: Opened, client: Any) -> T | Failure:
        try:
            answer = call(opened, client)
        except HexmagicError:
            raise
        except Exception as error:  # the client raises those of five libraries, and KeyError
            return failure_of(error, opened.tokens.secrets)
        return answer

    def _submit[T](self, submission: Callable[[Any], T], permit: Permit) -> T:
        opened = self._open()
        if isinstance(opened, Failure):
            raise error_of_submission(opened)

        def send(opened: Opened, client: Any) -> T:
            opened.tokens.fetch()
            if not permit.take():
                raise NoTokenError("the wall clock ran out before there was one", refused=False)
            return submission(client)

        client = opened.connect()  # no old connection, which the service might just be closing
        outcome = self._try(send, opened, client)
        client._session.close()
        if not isinstance(outcome, Failure):
            self._doubted.discard(True)
            return outcome
        if self._renews(outcome, posting=True):
            raise NotAcceptedError(f"not accepted: the token was not taken ({outcome.text})")
        raise error_of_submission(outcome)

    def _renews(self, failure: Failure, *, posting: bool) -> bool:
        """Whether a new token may help; the one that was not taken is dropped then.

        Once in a row for questions and once for submissions.
        """
        if failure.status != 401 or posting in self._doubted or self._opened is None:
            return False
        self._doubted.add(posting)
        self._opened.tokens.drop()
        return True

    def _open(self) -> Opened | Failure:
        if self._opened is None:
            try:
                self._opened = open_account(self._settings)
            except Exception as error:  # as in _once, and the errors of a damaged file
                return failure_of_opening(error, self._settings)
        return self._opened

    def _forget(self) -> None:
        """Begin anew: a call that is still on its way may hold a connection or wait for a token."""
        self._opened = self._client = None
