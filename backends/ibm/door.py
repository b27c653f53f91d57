"""The door to IBM's service; the client is imported when it is opened (about a second)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from .settings import IbmSettings

if TYPE_CHECKING:
    from ..remote import Remote

__all__ = ["IbmSettings", "open_remote"]


def open_remote(settings: IbmSettings, *, sleep: Callable[[float], None] = time.sleep) -> Remote:
    """Return the service as a `Remote`; the account is looked for at the first call.

    Args:
        sleep: waits between two tries of a question.
    """
    from .link import IbmLink
    from .remote import IbmRemote

    return IbmRemote(IbmLink(settings, sleep=sleep), settings.program)
