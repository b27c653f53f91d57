import threading
import time

import pytest

from hexmagic.backends.ibm.wall_clock import OutOfTimeError, Permit, within


def test_what_is_in_time_is_returned() -> None:
    assert within(5.0, lambda: 7) == 7


def test_what_is_raised_in_time_is_raised() -> None:
    with pytest.raises(KeyError, match="seven"):
        within(5.0, lambda: dict[str, int]()["seven"])


def test_what_is_late_is_left_alone() -> None:
    over = threading.Event()
    began = time.monotonic()
    with pytest.raises(OutOfTimeError):
        within(0.1, over.wait)
    over.set()
    assert time.monotonic() - began < 20.0


def test_a_permit_is_taken_or_withdrawn_but_not_both() -> None:
    taken, withdrawn = Permit(), Permit()
    assert (taken.take(), taken.withdraw()) == (True, False)
    assert (withdrawn.withdraw(), withdrawn.take()) == (True, False)
