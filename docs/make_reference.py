"""Write docs/reference/ from the code: the experiment file, the command line, the exit codes.

`make docs` runs this, and a test compares the pages with what it would write.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

FOLDER = Path(__file__).parent / "reference"
PACKAGES = ("experiments", "backends", "driver", "analysis")
NOTE = "<!-- written by docs/make_reference.py from the code: change it there -->\n\n"


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return the text of each page, by file name."""
    made = {
        "experiment.md": experiment_page(),
        "commands.md": commands_page(),
        "exit_codes.md": exit_codes_page(),
    }
    return {name: NOTE + text.strip() + "\n" for name, text in made.items()}


# --- the experiment file -----------------------------------------------------------------------


def experiment_page() -> str:
    """Return every field of an experiment file: from the JSON Schema that editors get."""
    from hexmagic.experiments.spec.schema import json_schema

    schema = json_schema()
    parts = [
        "# The experiment file",
        "Every field of the YAML file, from the JSON Schema that "
        "`hexmagic.experiments.spec.schema.json_schema()` gives to editors. **Bold**: must be "
        "there. The file is read strictly: an unknown or repeated field is an error that names "
        "its line. The [tutorial](../tutorial.md) writes one from nothing.",
        _section("The file", schema),
        *(
            _section(", ".join(f"`{path}`" for path in paths), schema["$defs"][name])
            for name, paths in _sections(schema).items()
        ),
    ]
    return "\n\n".join(parts)


def _sections(schema: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the definition of each section of the file, with the paths at which it stands."""
    found: dict[str, list[str]] = {}
    queue: list[tuple[str, Mapping[str, Any]]] = [("", schema)]
    while queue:
        path, here = queue.pop(0)
        for name, field in here["properties"].items():
            for target in _targets(field):
                below = schema["$defs"][target]
                if "properties" in below:
                    found.setdefault(target, []).append(path + name)
                    queue.append((f"{path}{name}.", below))
    return found


def _targets(field: Any) -> list[str]:
    """Return the definitions that a field refers to, outermost first."""
    if isinstance(field, list):
        return [target for part in field for target in _targets(part)]
    if not isinstance(field, dict):
        return []
    own = [field["$ref"].rpartition("/")[2]] if "$ref" in field else []
    rest = (value for key, value in field.items() if key not in ("properties", "$defs"))
    return own + [target for value in rest for target in _targets(value)]


def _section(title: str, section: Mapping[str, Any]) -> str:
    required = set(section.get("required", ()))
    rows = []
    for name, field in section["properties"].items():
        shown = f"**`{name}`**" if name in required else f"`{name}`"
        default = f"`{_value(field['default'])}`" if "default" in field else ""
        kind = _swept(field) if name == "sweep" else _type(field)
        rows.append((shown, kind, default, field.get("description", "")))
    head = f"## {title}\n\n{_escaped(section.get('description', ''))}"
    return f"{head}\n\n{_table(('field', 'values', 'default', 'meaning'), rows)}"


def _swept(field: Mapping[str, Any]) -> str:
    names = ", ".join(f"`{name}`" for name in field["properties"])
    return f"for each of these fields that is named, a list of its values: {names}"


def _type(field: Mapping[str, Any]) -> str:
    """Return what a field may hold, in words."""
    if "$ref" in field:
        return "a section, below"
    if "enum" in field or "const" in field:
        return ", ".join(f"`{_value(v)}`" for v in field.get("enum", [field.get("const")]))
    for key in ("anyOf", "oneOf"):
        if key in field:
            return " or ".join(dict.fromkeys(_type(option) for option in field[key]))
    kind = str(field.get("type", "any"))
    if kind == "array":
        many = [_type(one) for one in field.get("prefixItems", [])] or [_type(field["items"])]
        return "list of " + ", ".join(many)
    if kind == "object" and "properties" in field:
        return "; ".join(f"`{name}:` {_type(one)}" for name, one in field["properties"].items())
    return " ".join([kind, *_bounds(field)])


def _bounds(field: Mapping[str, Any]) -> Iterator[str]:
    words = {
        "minimum": "≥",
        "exclusiveMinimum": ">",
        "maximum": "≤",
        "exclusiveMaximum": "<",
        "pattern": "like",
    }
    for key, sign in words.items():
        if key in field:
            yield f"{sign} `{_value(field[key])}`"


def _value(value: Any) -> str:
    """Return a value as YAML writes it on one line."""
    import yaml

    text: str = yaml.safe_dump(value, default_flow_style=True, width=10**6).strip()
    return text.removesuffix("...").strip()


# --- the command line --------------------------------------------------------------------------


def commands_page() -> str:
    """Return every verb with its arguments and options: from click's own commands."""
    from hexmagic.driver.cli.main import cli

    parts = [
        "# The command line",
        "`hexmagic VERB --help` says the same. `--debug` may stand anywhere and shows the "
        "traceback of an error. [Exit codes](exit_codes.md) are a page of their own.",
    ]
    root = cli.make_context("hexmagic", [], resilient_parsing=True)
    for name, command in sorted(cli.commands.items()):
        parts += [f"## hexmagic {name}", *_command(name, command, root)]
    return "\n\n".join(parts)


def _command(name: str, command: click.Command, root: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=root)
    yield f"    {' '.join([context.command_path, *command.collect_usage_pieces(context)])}"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if paragraph.startswith("\b\n"):
            lines = paragraph.removeprefix("\b\n").splitlines()
            yield "\n".join(f"    {line}".rstrip() for line in lines)
        else:
            yield _escaped(" ".join(paragraph.split()))
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [record for one in options if (record := one.get_help_record(context))]
    rows: list[tuple[str, ...]] = [(f"`{names}`", meaning) for names, meaning in records]
    yield _table(("option", "meaning"), rows)


# --- the exit codes ----------------------------------------------------------------------------


def exit_codes_page() -> str:
    """Return what each exit code means, and the errors that end with it: from the classes."""
    from hexmagic.driver.cli.main import cli

    told = re.findall(r"(\d+) ([^,.]+)", cli.epilog or "")
    errors = sorted(_errors(), key=lambda error: error.__name__)
    parts = [
        "# Exit codes",
        "What `hexmagic` ends with. [Experiments in CI](../ci.md) says what to do.",
        _table(("code", "means"), [(f"`{code}`", meaning) for code, meaning in told]),
        "An interrupt (Ctrl-C) ends with 130, a SIGTERM with 143; both leave a run that "
        "`hexmagic run --resume` goes on with.",
        "## The errors behind them",
        "In Python each is an exception; all are a `HexmagicError`, "
        "whose text is the line that the command line prints.",
        _table(
            ("error", "exit code", "when", "defined in"),
            [
                (
                    f"`{error.__name__}`",
                    f"`{error.exit_code}`",
                    inspect.cleandoc(error.__doc__ or "").split("\n\n")[0],
                    f"`{error.__module__}`",
                )
                for error in errors
            ],
        ),
    ]
    return "\n\n".join(parts)


def _errors() -> set[Any]:
    """Return HexmagicError and every error below it that the four packages define."""
    from hexmagic.experiments.errors import HexmagicError

    for name in modules():
        importlib.import_module(name)
    found, queue = set(), [HexmagicError]
    while queue:
        error = queue.pop()
        queue += error.__subclasses__()
        if error.__module__.startswith("hexmagic."):
            found.add(error)
    return found


def modules() -> Iterator[str]:
    """Yield the name of every module of the four packages; the explorer's app is a script."""
    for folder in PACKAGES:
        package = importlib.import_module(f"hexmagic.{folder}")
        yield package.__name__
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name != "hexmagic.driver.explorer.app":
                yield module.name


# --- Markdown ----------------------------------------------------------------------------------


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Return a text in which nothing outside of code quotes is read as HTML or emphasis."""
    parts = re.split(r"(`[^`]*`|\*\*)", text)
    plain = (re.sub(r"([<*_\[])", r"\\\1", part) for part in parts[::2])
    return "".join(one for pair in zip(plain, [*parts[1::2], ""], strict=True) for one in pair)


if __name__ == "__main__":
    main()
