"""Every command of the README and of docs/ is run by a test, or parses and is listed with a reason.

A new command in a fenced block is run here, in a folder with the shipped experiments and one small
finished run; if that is too much for a test, `ELSEWHERE` says which test runs it, or why none can.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from fakes.page import ROOT

from hexmagic.driver.cli.main import cli

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
EXAMPLES, HARDWARE = "tests/test_docs_examples.py", "tests/test_hardware_docs.py"
WHOLE: Mapping[str, str] = {
    "tutorial.md": EXAMPLES,
    "dataframes.md": EXAMPLES,
    "extending_device.md": EXAMPLES,
    "extending_scheme.md": EXAMPLES,
    "extending_engine.md": "tests/test_extending_engine.py",
    "hardware.md": HARDWARE,
}
"""Pages of which a test runs every command, one after the other: the test."""
SCRIPTED = "ci.md"
"""Its script is run as a whole by tests/test_workflow.py."""
ENDS = {"hexmagic certify my.yaml --order 2": 5}
"""Exit codes other than 0: at distance 3 there are pairs of faults that defeat detection."""

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PROGRAMS = ("hexmagic", "make", "pip", "dask", "python", "pytest", "git", "source")

ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "make demo": ("tests/test_docs_commands.py", "the experiment: test_the_demos_experiment_runs"),
    "make test": ("Makefile", "it runs this test"),
    "make family": ("tests/test_family.py", "the same tables, in parts"),
    "hexmagic run experiments/hardware_h.yaml --dry-run": (HARDWARE, "needs the service"),
    "hexmagic run experiments/hardware_h.yaml --no-wait": (HARDWARE, "needs the service"),
    "hexmagic explore latest": ("tests/test_explorer_browser.py", "it serves a page until ^C"),
    "hexmagic synthesise": ("tests/test_synthesise.py", "a search of minutes"),
    "hexmagic synthesise --start first --objective gates --hot 0.8 --steps 60000 --seed 1": (
        "tests/test_synthesise.py",
        "a search of minutes",
    ),
    "hexmagic certify experiments/family_d3.yaml --kind correction": (
        "tests/test_family.py",
        "many circuits; the verb runs here on one",
    ),
    "hexmagic certify experiments/fold_d5.yaml --order 2 --budget-seconds 3600": (
        "tests/test_certify_pairs.py",
        "an hour",
    ),
    "hexmagic run experiments/paper_d5.yaml": ("tests/test_physics_runs.py", "minutes"),
    "hexmagic overhead RUN_OF_D3 RUN_OF_D5 --format markdown": (
        "tests/test_cli_overhead.py",
        "needs the run of paper_d5.yaml",
    ),
    "pip install 'hexmagic[dask]'": ("tests/test_wheel.py", "the extra is in the wheel"),
    "dask scheduler --port 8786": ("tests/test_dask_pool.py", "a cluster of its own"),
    "dask worker tcp://scheduler.example.org:8786 --nworkers 16 --nthreads 1": (
        "tests/test_dask_pool.py",
        "a cluster of its own",
    ),
    "hexmagic run experiments/steane_h.yaml --executor tcp://scheduler.example.org:8786": (
        "tests/test_dask_pool.py",
        "a cluster of its own",
    ),
}
"""Commands that are not run here: the file that runs them, or what it is about, and why."""

SMALL = """\
schema_version: 1
name: {name}
protocol: {{state: H, distance: 3, scheme: fold13}}
device: {{backend: clifft, name: fake_boston, noise: calibration}}
shots: 400
seed: 3
"""
FEWER_SHOTS = 400


def told() -> Iterator[tuple[str, str]]:
    """Yield (page, command) for every command in a fenced block."""
    for page in PAGES:
        for command in told_in(page.read_text(encoding="utf-8"), script=page.name == SCRIPTED):
            yield page.name, command


def told_in(text: str, *, script: bool = False) -> Iterator[str]:
    """Yield the commands of a page: lines of `sh`, those after $, and calls of a known program.

    script: whether blocks of `sh` are scripts, of which only the calls of a known program count.
    """
    for kind, block in BLOCK.findall(text):
        for line in (
            block.replace("\\\n", " ").splitlines() if kind in ("", "sh", "console") else []
        ):
            command = re.sub(r"\s+#.*", "", line.strip().removeprefix("$ "))
            command = re.sub(r"^(?:[A-Z_]+=\S+ )+", "", command)  # variables
            known = command.split(" ")[0].rpartition("/")[2] in PROGRAMS
            typed = line.startswith("$ ") or (kind == "sh" and not script and line[:1] not in "# ")
            if command and (known or typed):
                yield command


def script(command: str) -> bool:
    """Tell whether a line is part of a shell script: it has variables."""
    return "$" in command


COMMANDS = sorted(
    {command for page, command in told() if page not in WHOLE}
    - {command for _, command in told() if script(command)}
)
RUN_HERE = [command for command in COMMANDS if command not in ELSEWHERE]


def test_there_are_commands_and_the_list_has_only_such() -> None:
    assert len(COMMANDS) > 30
    assert set(ELSEWHERE) - set(COMMANDS) == set()
    assert [path for path, _ in ELSEWHERE.values() if not (ROOT / path).is_file()] == []
    assert all(len(why) > 5 for _, why in ELSEWHERE.values())


def test_a_new_command_is_seen_and_must_be_run_or_listed() -> None:
    blocks = {"sh": "curl x  # y", "console": "$ A=b hexmagic list\nshown", "": "make it\nz"}
    page = "".join(f"```{kind}\n{text}\n```\n" for kind, text in blocks.items())
    assert list(told_in(page)) == ["curl x", "hexmagic list", "make it"]
    assert [command for command in RUN_HERE if not command.startswith("hexmagic ")] == []


def test_a_page_that_is_run_as_a_whole_is_named_by_its_test() -> None:
    assert set(WHOLE) <= {page.name for page in PAGES}
    for page, test in WHOLE.items():
        assert f'"{page.removesuffix(".md")}' in (ROOT / test).read_text(encoding="utf-8"), page


def test_a_line_of_a_script_is_in_the_page_whose_script_is_run() -> None:
    pages = {page for page, command in told() if script(command)}
    assert pages - set(WHOLE) == {SCRIPTED}


def options_of(command: click.Command) -> dict[str, click.Option]:
    known = [one for one in command.params if isinstance(one, click.Option)]
    return {flag: one for one in known for flag in (*one.opts, *one.secondary_opts)}


def parse(words: list[str]) -> None:
    """Fail unless the verb is there and knows every option and each choice among its values."""
    if words[0].startswith("-"):
        assert words[0] in ("--version", "--help", "--debug", "-h"), words
        return
    command = cli.commands[words[0]]
    options = options_of(command)
    rest = iter(words[1:])
    for word in rest:
        if not word.startswith("-") or word == "-":
            continue
        flag, _, value = word.partition("=")
        assert flag in options or flag in ("-h", "--help", "--debug"), f"{flag} of {words}"
        option = options.get(flag)
        if option is None or option.is_flag:
            continue
        value = value or next(rest, "")
        if value and isinstance(option.type, click.Choice):
            choices = {str(choice) for choice in option.type.choices}
            assert set(value.split("|")) <= choices, words


@pytest.mark.parametrize("command", [c for _, c in told() if c.startswith("hexmagic ")])
def test_a_command_parses(command: str) -> None:
    parse(shlex.split(command)[1:])


def test_what_is_named_within_a_sentence_parses_too() -> None:
    found = 0
    for page in PAGES:
        text = BLOCK.sub("", page.read_text(encoding="utf-8"))
        for command in re.findall(r"`hexmagic ([^`]+)`", text):
            parse([word for word in re.split(r"\s+", command) if word not in ("...", "PATH")])
            found += 1
    assert found > 40


def test_the_examples_of_every_verbs_help_parse() -> None:
    for name, command in cli.commands.items():
        examples = re.findall(r"^ *hexmagic (.+)$", command.help or "", re.MULTILINE)
        assert examples, name
        for example in examples:
            parse(shlex.split(example, comments=True))


# --- running them ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the shipped experiments, my.yaml and two finished runs."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "experiments", folder / "experiments", ignore=not_yaml)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("my", "other"):
            (folder / f"{name}.yaml").write_text(SMALL.format(name=name))
        for name in ("other", "my"):  # my run is the latest
            result = CliRunner().invoke(cli, ["run", f"{name}.yaml"])
            assert result.exit_code == 0, result.output
    return folder


def not_yaml(folder: str, names: list[str]) -> set[str]:
    return {name for name in names if not name.endswith(".yaml") or Path(folder, name).is_dir()}


def made_small(words: list[str], folder: Path) -> list[str]:
    """Return a command line with runs that are there, and with few shots."""
    other = next((folder / "runs").glob("other-*")).name
    words = [{"OTHER": other, "RUN": "latest"}.get(word, word) for word in words]
    if words[0] != "run" or "--resume" in words or "paper" in words[1]:
        return words
    if "--shots" in words:
        words[words.index("--shots") + 1] = str(FEWER_SHOTS)
        return words
    return [*words, "--shots", str(FEWER_SHOTS)]


@pytest.mark.slow
def test_each_command_is_run(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    ended = {}
    for command in RUN_HERE:
        program, *words = shlex.split(command)
        assert program == "hexmagic", f"{command}: run it here, or list it in ELSEWHERE"
        result = CliRunner().invoke(cli, made_small(words, folder))
        ended[command] = (result.exit_code, result.output[-300:] if result.exit_code else "")
    wrong = {c: end for c, end in ended.items() if end[0] != ENDS.get(c, 0)}
    assert wrong == {}
    assert len(ended) > 15


@pytest.mark.slow
def test_the_demos_experiment_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "$(BIN)/hexmagic run experiments/steane_h.yaml --runs runs" in makefile
    monkeypatch.chdir(folder)
    words = "run experiments/steane_h.yaml --runs runs --shots 100"
    result = CliRunner().invoke(cli, words.split())
    assert result.exit_code == 0, result.output
    assert list((folder / "runs").glob("steane-h-*/report.html"))
