"""Names that fit their room in a picture and still tell apart what they name."""

from __future__ import annotations

from collections.abc import Sequence

_CUT = "…"


def fitted_names(names: Sequence[str], lengths: Sequence[int]) -> tuple[str, ...]:
    """Return the names, each in its number of characters; different names stay different.

    A name that is too long loses its middle, as often both ends tell it apart. If that makes two
    the same, the words that all of them share go first; if that does not help, too long ones begin
    with their place among the names.

    Args:
        names: the names; one may occur several times.
        lengths: how many characters there is room for, of each name; at least 8.
    """
    for tried in (names, _without_shared(names)):
        shown = tuple(map(_cut, tried, lengths))
        if len(set(zip(names, shown, strict=True))) == len(set(shown)):
            return shown
    places = {name: i for i, name in enumerate(dict.fromkeys(names), start=1)}
    return tuple(
        name if len(name) <= length else _cut(f"{places[name]}{_CUT}{name[-length:]}", length)
        for name, length in zip(names, lengths, strict=True)
    )


def without_shared_run(names: Sequence[str]) -> tuple[str, ...]:
    """Return names such as "run 2: bare" without the run, if they all begin with the same one."""
    heads = {name.partition(": ")[0] if ": " in name else "" for name in names}
    if len(heads) != 1 or "" in heads:
        return tuple(names)
    return tuple(name.partition(": ")[2] for name in names)


def _cut(name: str, length: int) -> str:
    """Return the name without its middle if it is longer than that."""
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}{_CUT}{name[-tail:]}"


def _without_shared(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names without the words that all of them have."""
    words = [name.split(" ") for name in names]
    shared = set(words[0]).intersection(*words) if words else set()
    kept = (" ".join(word for word in own if word not in shared) for own in words)
    return tuple(short or name for short, name in zip(kept, names, strict=True))
