"""A wall clock for calls that may hang or drip."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable


class OutOfTimeError(Exception):
    """The call had not come back when its time was over; it goes on without anyone listening."""


class Permit:
    """Leave to do a thing once, which may be taken or withdrawn, whichever comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Return whether the thing may be done; False once it was withdrawn."""
        return self._lock.acquire(blocking=False)

    def withdraw(self) -> bool:
        """Return whether it was in time, so that the thing was not and will not be done."""
        return self._lock.acquire(blocking=False)


def within[T](seconds: float, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises, if it does so in time.

    `work` runs in a thread of its own, which does not keep the process alive: socket time-outs
    count from byte to byte, so that a server that sends one now and then would hold its caller.

    Raises:
        OutOfTimeError: it did not.
    """
    answers: queue.SimpleQueue[tuple[T | None, BaseException | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except BaseException as error:  # whatever it is, it belongs to the caller
            answers.put((None, error))

    threading.Thread(target=run, name="within", daemon=True).start()
    late = False
    try:
        value, error = answers.get(timeout=max(0.0, seconds))
    except queue.Empty:
        late = True
    if late:
        raise OutOfTimeError
    if error is not None:
        raise error
    return value  # type: ignore[return-value] # without an error it is what work returned
