"""The settings of a runs directory, for every experiment in it: `hexmagic.toml`.

No message repeats a text from that file: whatever somebody puts there by mistake is not told again.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic_core import ErrorDetails

from ..experiments.errors import UsageError
from ..experiments.spec.errors import FieldPath, dotted_name, nearest_name, suggest

SITE_NAME = "hexmagic.toml"

_STRICT = ConfigDict(extra="forbid")
_SECRETS = re.compile(r"token|api_?key|access_?key|passw|passphrase|secret|credential|authoriz")
_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#.*)?")
_KEY = re.compile(r"\s*([\w\-.\"' ]+?)\s*=")


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:  # whose text would tell the value
        parts = urlsplit("")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("no address; needs one that starts with https://")
    if "@" in value or parts.query or parts.fragment:
        raise ValueError("an address with a user, a password or a query in it; leave them out")
    return value


Text = Annotated[str, Field(strict=True, min_length=1)]
Seconds = Annotated[float, Field(strict=True, gt=0, le=86400, allow_inf_nan=False)]
QpuSeconds = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class IbmSite:
    """How IBM's service is reached. The token is not here: the client has its own place for it.

    Attributes:
        account: name of an account that the client has saved; None: its default.
        instance: name or CRN of the instance that pays; None: the account's.
        channel: ibm_quantum_platform or ibm_cloud; None: the account's.
        url: address of the service; None: the account's.
        program: which of the service's job programs runs the circuits.
        timeout_seconds: most seconds of one call over the network.
        listing_wait_seconds: how long a submission whose fate is not clear is looked for in the
            service's list of jobs before it is parked for a person.
        posts_per_minute: most submissions a minute.
        poll_seconds: how often a run that waits for its jobs asks for them.
    """

    account: Text | None = None
    instance: Text | None = None
    channel: Literal["ibm_quantum_platform", "ibm_cloud"] | None = None
    url: Annotated[Text, AfterValidator(_url)] | None = None
    program: Literal["sampler", "executor"] = "sampler"
    timeout_seconds: Seconds = 60.0
    listing_wait_seconds: Seconds = 120.0
    posts_per_minute: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] = 5
    poll_seconds: Seconds = 10.0


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class SiteBudget:
    """What all runs of the directory together may cost; None is no limit.

    Attributes:
        qpu_seconds_per_day: most QPU seconds charged in a calendar day, UTC.
        qpu_seconds_per_month: most QPU seconds charged in a calendar month, UTC.
    """

    qpu_seconds_per_day: QpuSeconds | None = None
    qpu_seconds_per_month: QpuSeconds | None = None


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The settings of a runs directory.

    Attributes:
        ibm: how IBM's service is reached.
        budget: what all runs together may cost.
    """

    ibm: IbmSite = IbmSite()
    budget: SiteBudget = SiteBudget()


_SECTIONS: Mapping[FieldPath, type] = {(): Site, ("ibm",): IbmSite, ("budget",): SiteBudget}
_NEEDS = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text in quotes",
    "dataclass_type": "a table of keys",
}
_KINDS: Mapping[type, str] = {
    bool: "true or false",
    str: "text",
    int: "a whole number",
    float: "a number",
    dict: "a table",
    list: "a list",
}


def load_site(runs: Path) -> Site:
    """Return what `hexmagic.toml` in a runs directory says, the defaults where there is none.

    Raises:
        UsageError: it cannot be read, is no TOML, has an unknown key or a value that cannot be,
            or holds a secret. One line with file, line and key.
    """
    path = runs / SITE_NAME
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError) as error:
        if path.is_symlink():
            raise UsageError(f"{path}: cannot be read: a link to no file") from error
        return Site()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text file in UTF-8; save it as that") from None
    return _parse(text.replace("\r\n", "\n"), path)


def _parse(text: str, path: Path) -> Site:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: a number of too many digits
        raise UsageError(_syntax_words(path, text, error)) from None
    for found in _paths(document):
        if _SECRETS.search(str(found[-1]).casefold().replace("-", "_")):
            what = (
                "secrets do not belong in this file; save the account with the client "
                "(QiskitRuntimeService.save_account) or set QISKIT_IBM_TOKEN, and delete it here"
            )
            raise UsageError(f"{_where(path, text, found)}: {what}")
    try:
        site = _adapter().validate_python(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    else:
        if site.ibm.account is not None and site.ibm.channel is not None:
            place = _where(path, text, ("ibm", "channel"))
            raise UsageError(f"{place}: the account of ibm.account has its own; leave one out")
        return site
    first = min(faults, key=lambda fault: _line(text, fault["loc"]) or 0)
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    raise UsageError(f"{_where(path, text, first['loc'])}: {_what(first)}{more}")


def _syntax_words(path: Path, text: str, error: Exception) -> str:
    """Return what is wrong with a text that is no TOML, with its line first.

    Where the parser names none, it is the line after as many as can be read by themselves.
    """
    what = str(error).replace("Cannot overwrite a value", "a key or table that is there already")
    place = re.search(r" \(at line (\d+), column (\d+)\)$", what)
    if place:
        return f"{path}:{place[1]}: not valid TOML: {what[: place.start()]} (column {place[2]})"
    what = what.removesuffix(" (at end of document)")
    lines = text.split("\n")
    good = (n for n in range(len(lines) - 1, 0, -1) if _is_toml("\n".join(lines[:n])))
    return f"{path}:{next(good, 0) + 1}: not valid TOML: {what}"


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


@cache
def _adapter() -> TypeAdapter[Site]:
    return TypeAdapter(Site)


def _paths(value: Any, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Yield the path of every key, at any depth."""
    pairs = value.items() if isinstance(value, dict) else ()
    for key, item in pairs:
        yield (*path, key)
        yield from _paths(item, (*path, key))
    if isinstance(value, list):
        for item in value:
            yield from _paths(item, path)


def _where(path: Path, text: str, found: FieldPath) -> str:
    line = _line(text, found)
    at = f"{path}" if line is None else f"{path}:{line}"
    return f"{at}: {dotted_name(found)}"


def _line(text: str, found: FieldPath) -> int | None:
    """Return the 1-based line of a key, or else of its table; None if neither stands alone."""
    table: FieldPath = ()
    lines: dict[FieldPath, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.fullmatch(line):
            table = _steps(header[1])
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            lines.setdefault((*table, *_steps(key[1])), number)
    return next((lines[p] for p in (found, found[:-1]) if p in lines), None)


def _steps(name: str) -> FieldPath:
    return tuple(step.strip(" \"'") for step in name.split("."))


def _what(fault: ErrorDetails) -> str:
    kind, value, told = fault["type"], fault["input"], fault.get("ctx", {})
    if kind == "unexpected_keyword_argument":
        return f"unknown key; {_known(fault['loc'])}"
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", told["expected"])
        near = nearest_name(value, known) if isinstance(value, str) else None
        return (
            f"unknown value; {f'did you mean {near!r}? ' if near else ''}needs {' or '.join(known)}"
        )
    if kind in _NEEDS:
        return f"{_KINDS.get(type(value), 'a date or a time')}; needs {_NEEDS[kind]}"
    if kind == "string_too_short":
        return "empty; write it or leave the key out"
    bounds = {
        "greater_than": ("too small; needs more than", "gt"),
        "greater_than_equal": ("too small; needs at least", "ge"),
        "less_than_equal": ("too large; needs at most", "le"),
    }
    if kind in bounds:
        words, bound = bounds[kind]
        return f"{value} is {words} {told[bound]:g}"
    return str(told["error"]) if "error" in told else f"{value}: not a finite number"


def _known(found: FieldPath) -> str:
    """Return the nearest name to an unknown key, also where it is a key of another table."""
    name = str(found[-1])
    for section, kind in _SECTIONS.items():
        if name in (f.name for f in fields(kind)):
            return f"did you mean {dotted_name((*section, name))!r}?"
    return suggest(name, [f.name for f in fields(_SECTIONS[found[:-1]])])
