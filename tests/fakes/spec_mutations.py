"""Experiment files with things done to them: by a number, the same file every time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from hexmagic.experiments.spec import SWEEPABLE

from .spec_values import KEYS, PLAUSIBLE, VALUES

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
FILES = sorted(EXPERIMENTS.glob("*.yaml"))
Document = dict[str, Any]
Place = tuple[Any, Any]  # a dict or a list, and the key or the position in it


def mutated(number: int) -> bytes:
    """Return an experiment file with one, two or three things done to it."""
    dice = random.Random(f"spec {number}")
    source = dice.choice(FILES)
    document = yaml.safe_load(source.read_bytes())
    times = dice.choice((1, 1, 2, 3))
    of_text = sum(dice.random() < 0.4 for _ in range(times))
    for _ in range(times - of_text):
        dice.choice(STRUCTURAL)(document, dice)
    keeps = of_text == times and dice.random() < 0.7
    content = source.read_bytes() if keeps else _written(document, dice)
    for _ in range(of_text):
        content = dice.choice(TEXTUAL)(content, dice)
    return content


# --- what is done to the document --------------------------------------------------------------


def _places(value: Any) -> Iterator[Place]:
    steps: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        steps = list(value.items())
    elif isinstance(value, list):
        steps = list(enumerate(value[:5]))
    for step, item in steps:
        yield value, step
        yield from _places(item)


def _place(document: Document, dice: random.Random) -> Place:
    return dice.choice(list(_places(document)) or [(document, "name")])


def _mapping(document: Document, dice: random.Random) -> Document:
    inner = [home[step] for home, step in _places(document) if isinstance(home[step], dict)]
    return dice.choice([document, *inner])


def _drop(document: Document, dice: random.Random) -> None:
    home, step = _place(document, dice)
    if isinstance(home, list) or step in home:
        del home[step]


def _replace(document: Document, dice: random.Random) -> None:
    home, step = _place(document, dice)
    home[step] = deepcopy(dice.choice(VALUES))


def _nudge(document: Document, dice: random.Random) -> None:
    """Change a value to a near one of its kind, so that some files stay experiments."""
    home, step = _place(document, dice)
    value = home[step] if isinstance(home, list) else home.get(step)
    if isinstance(value, bool):
        home[step] = not value
    elif isinstance(value, int | float):
        home[step] = dice.choice((value + 1, value - 1, -value, value * 10, value / 10, value * 2))
    elif isinstance(value, str) and value:
        i = dice.randrange(len(value))
        home[step] = value[:i] + dice.choice("xX0-_ é") + value[i + 1 :]
    elif isinstance(value, list):
        dice.shuffle(value)


def _plausible(document: Document, dice: random.Random) -> None:
    """Set a field to a value that some file may have."""
    name, values = dice.choice(PLAUSIBLE)
    section, _, leaf = name.rpartition(".")
    home = document.setdefault(section, {}) if section else document
    if isinstance(home, dict):
        home[leaf] = deepcopy(dice.choice(values))


def _rename(document: Document, dice: random.Random) -> None:
    home = _mapping(document, dice)
    if home:
        key = dice.choice(list(home))
        text = str(key)
        i = dice.randrange(len(text) + 1)
        typo = dice.choice(
            (text[:i] + text[i + 1 :], text.upper(), text + "s", text[::-1], f" {text}")
        )
        home[dice.choice((typo, dice.choice(KEYS)))] = home.pop(key)


def _add(document: Document, dice: random.Random) -> None:
    _mapping(document, dice)[dice.choice(KEYS)] = deepcopy(dice.choice(VALUES))


def _swap(document: Document, dice: random.Random) -> None:
    (home, step), (other, second) = _place(document, dice), _place(document, dice)
    if any(isinstance(h, dict) and s not in h for h, s in ((home, step), (other, second))):
        return
    home[step], other[second] = deepcopy(other[second]), deepcopy(home[step])


def _wrap(document: Document, dice: random.Random) -> None:
    home, step = _place(document, dice)
    if isinstance(home, list) or step in home:
        value = home[step]
        home[step] = dice.choice(([value], {"value": value}, [value, value], str(value)))


def _sweep(document: Document, dice: random.Random) -> None:
    """Sweep anything, mostly what can be."""
    names = [*SWEEPABLE, *SWEEPABLE, "sweep", "name", "measure", "device", "protocol.auto_rounds"]
    sweep = document.get("sweep")
    sweep = sweep if isinstance(sweep, dict) else {}
    for _ in range(dice.choice((1, 1, 2, 4))):
        values = deepcopy(dice.sample(VALUES, dice.randint(1, 3)))
        many = dice.choice(([1, 2], list(range(200)), [3, 5], ["fold13", "fold14"], [True, False]))
        sweep[dice.choice(names)] = dice.choice((values, many, many, dice.choice(VALUES)))
    document["sweep"] = sweep


def _nest(document: Document, dice: random.Random) -> None:
    home, step = _place(document, dice)
    value: Any = 1
    for _ in range(dice.choice((5, 23, 24, 25, 60))):
        value = {"a": value} if dice.random() < 0.5 else [value]
    home[step] = value


STRUCTURAL: tuple[Callable[[Document, random.Random], None], ...] = (
    *(_drop, _replace, _replace, _replace, _nudge, _nudge, _nudge),
    *(_plausible, _plausible, _plausible, _plausible, _plausible),
    *(_rename, _add, _swap, _wrap, _sweep, _sweep, _nest),
)


def _written(document: Document, dice: random.Random) -> bytes:
    kind = dice.randrange(4)
    if kind == 0:
        text = json.dumps(document, default=str)
    else:
        text = yaml.safe_dump(
            document,
            allow_unicode=kind == 1,
            default_flow_style=dice.choice((True, False, None)),
            sort_keys=dice.random() < 0.5,
            width=dice.choice((20, 80, 10_000)),
        )
    return text.encode("utf-8", "surrogatepass")


# --- what is done to the text ------------------------------------------------------------------


def _line_at(content: bytes, dice: random.Random) -> tuple[list[bytes], int]:
    lines = content.split(b"\n")
    return lines, dice.randrange(len(lines))


def _in_a_line(content: bytes, dice: random.Random) -> bytes:
    """Double, drop, move, indent or cut a line."""
    lines, i = _line_at(content, dice)
    line = lines.pop(i)
    changed = dice.choice(
        ([line, line], [], [b"  " + line], [b"\t" + line], [line[: len(line) // 2]], [line, b"---"])
    )
    lines[i:i] = changed
    if dice.random() < 0.2:
        lines.insert(dice.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


_SNIPPETS = (
    *(
        b"&a ",
        b"*a",
        b"<<: *a",
        b"!!python/object/apply:os.system ['true']",
        b"!!binary aGk=",
        b"!x ",
    ),
    *(
        b"!!int ",
        b"!!set {a, b}",
        b"%YAML 1.1\n---\n",
        b"%TAG ! tag:x,2000:\n---\n",
        b"...\n",
        b"---\n",
    ),
    *(
        b"? a\n: b\n",
        b"? [a, b]\n: c\n",
        b"|\n  a\n",
        b">-\n",
        b"{",
        b"}",
        b"[",
        b"]",
        b": ",
        b", ",
    ),
    *(
        b"\x00",
        b"\x07",
        b"\x7f",
        b"\xff",
        b"\xc3\x28",
        b"\xed\xa0\xbd",
        b"\xe2\x80\xa8",
        b"\xc2\x85",
    ),
    *(b"\r", b"\t", b"'", b'"', b"#", b"@", b"`", b"%", b'"\\U00110000"', b'"\\ud83d"', b'"\\x"'),
    *(b"1" * 5000, b"[" * 3000, b"{a: " * 500, b"- " * 1000, b"\n" * 5000, b"-\n" * 3000),
    *(b"a: &a [*a]\n", b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", b"? " * 300),
)


def _insert(content: bytes, dice: random.Random) -> bytes:
    i = dice.choice((0, len(content), dice.randrange(len(content) + 1)))
    if dice.random() < 0.5:
        i = content.rfind(b"\n", 0, i) + 1
    if dice.random() < 0.5:
        i = content.find(b": ", i) + 2
    return content[:i] + dice.choice(_SNIPPETS) + content[i:]


def _bytes(content: bytes, dice: random.Random) -> bytes:
    """Flip, drop or add bytes, or cut the file."""
    damaged = bytearray(content)
    for _ in range(dice.choice((1, 1, 5))):
        i = dice.randrange(len(damaged) + 1)
        match dice.randrange(4):
            case 0:
                damaged[i : i + 1] = bytes([dice.randrange(256)])
            case 1:
                del damaged[i : i + dice.randint(1, 20)]
            case 2:
                damaged[i:i] = dice.randbytes(dice.randint(1, 8))
            case _:
                damaged = damaged[: max(i, 1)]
    return bytes(damaged)


def _encoding(content: bytes, dice: random.Random) -> bytes:
    """Write the file in another encoding or with other line ends, or put a mark before it."""
    text = content.decode("utf-8", "replace")
    name = dice.choice(
        ("utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "crlf", "cr", "bom2")
    )
    if name == "crlf":
        return content.replace(b"\n", b"\r\n")
    if name == "cr":
        return content.replace(b"\n", b"\r")
    if name == "bom2":
        return "\ufeff\ufeff".encode() + content
    return text.encode(name, "replace")


def _other(content: bytes, dice: random.Random) -> bytes:
    """Return something that is hardly the file any more."""
    return dice.choice(
        (
            b"",
            b"\n\n# nothing\n",
            b"null\n",
            content + content,
            content + b"---\n" + content,
            content + b"# " + b"x" * 1_000_000,
            b" " * 999_990,
            dice.randbytes(300),
            b"PAR1" + dice.randbytes(50),
            b"SQLite format 3\x00" + dice.randbytes(50),
            json.dumps([content.decode("utf-8", "replace")]).encode(),
            content[::-1],
        )
    )


TEXTUAL: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_in_a_line, _in_a_line, _in_a_line, _insert, _insert, _insert),
    *(_bytes, _bytes, _encoding, _other),
)
