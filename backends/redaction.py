"""Taking secrets out of texts: what a service, its client or a command says is told again so."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

LONGEST = 300
"""Characters of a message of somebody else's that are repeated."""

SHORTEST_SECRET = 8
"""Characters; what is shorter is no secret, and would be found in too many words."""

_SECRET_NAME = re.compile(r"TOKEN|KEY|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_BEARER = re.compile(r"\b(bearer|apikey)(\s+|=|%20)[^\s'\",;&)]+", re.IGNORECASE)
_WEB_TOKEN = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]+)?")
_REDACTED = "[redacted]"


def one_line(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text on one line, not too long, without secrets."""
    text = " ".join(without_secrets(text, secrets).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without secrets.

    What counts as one: those given, the values of environment variables with names such as TOKEN or
    KEY, and whatever has the form of a bearer token.

    Args:
        text: somebody else's.
        secrets: what is taken out besides; a mapping tells what stands in the place of each.
    """
    named = [value for name, value in os.environ.items() if _SECRET_NAME.search(name)]
    shown = dict.fromkeys(named, _REDACTED)
    shown |= secrets if isinstance(secrets, Mapping) else dict.fromkeys(secrets, _REDACTED)
    for secret in sorted(shown, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            for form in (secret, quote(secret, safe=""), repr(secret)[1:-1]):
                text = text.replace(form, shown[secret])
    return _WEB_TOKEN.sub(_REDACTED, _BEARER.sub(rf"\1 {_REDACTED}", text))
