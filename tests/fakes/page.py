"""A page of the documentation as a list of steps, and its walk against the loopback service."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_IDS = (
    r"[0-9a-f]{8}(-\s*[0-9a-f]{4}){3}-\s*[0-9a-f]{12}",
    r"-\s*\d{8}-\s*\d{6}-\s*[0-9a-f]{4}",
    r"[0-9a-f]{20}",
    r"-?\d+(\.\d+)?",
)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command of a page.

    Attributes:
        text: as it is typed.
        code: exit code that the page tells; 0 if it tells none.
        shown: its output as the page shows it; empty if it shows none.
    """

    text: str
    code: int
    shown: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a command: its exit code, and standard output and error together."""

    command: Command
    code: int
    output: str


@dataclass(kw_only=True)
class Shell:
    """The reader's second terminal: a directory, an environment, and the service in the first one.

    Attributes:
        folder: working directory.
        environment: of the commands.
        root: address of the service, `page` the one that the page has.
        holding: whether the service holds its jobs, so that there is nothing to wait for.
    """

    folder: Path
    environment: dict[str, str]
    root: str
    page: str
    holding: bool
    outcomes: list[Outcome] = field(default_factory=list)

    def run(self, command: Command) -> None:
        """Do a command when the service has nothing to do, and note what became of it."""
        words = shlex.split(command.text.replace(self.page, self.root))
        if words[0] == "curl":
            self._curl(words[1:])
            return
        assert words[0] == "hexmagic", command.text
        self._wait()
        done = subprocess.run(
            words,
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        output = done.stdout.replace(self.root, self.page)
        self.outcomes.append(Outcome(command=command, code=done.returncode, output=output))

    def write(self, text: str) -> None:
        """Write a file that the page shows, whose first line is a comment with its path."""
        path = self.folder / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(self.page, self.root))

    def _curl(self, words: list[str]) -> None:
        (url,) = [word for word in words if word.startswith("http")]
        data = words[words.index("-d") + 1] if "-d" in words else ""
        assert set(words) <= {"-s", "-X", "POST", "-d", url, data}
        with urllib.request.urlopen(url, data=data.encode(), timeout=30) as answer:
            assert answer.status == 200
        self.holding = self.holding and not url.endswith("/release")

    def _wait(self) -> None:
        for _ in range(0 if self.holding else 600):
            with urllib.request.urlopen(f"{self.root}/_control/jobs", timeout=30) as answer:
                jobs = json.load(answer)
            if all(job["state"]["status"] not in ("Queued", "Running") for job in jobs):
                return
            time.sleep(0.2)
        assert self.holding, f"the service is still busy: {jobs}"


def blocks(page: str, kind: str) -> list[str]:
    """Return the fenced blocks of a kind."""
    return [text for found, text in _BLOCK.findall(page) if found == kind]


def commands(block: str) -> list[Command]:
    """Return the commands of a block of kind `console`."""
    found = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        line, _, shown = part.partition("\n")
        text, _, comment = line.partition("  # exit code ")
        found.append(Command(text=text, code=int(comment or 0), shown=shown.strip()))
    return found


def same_words(text: str) -> str:
    """Return a text without ids, numbers, spaces and the widths of columns."""
    for pattern in _IDS:
        text = re.sub(pattern, "#", text)
    return re.sub(r"-{3,}", "=", "".join(text.split()))


def shown_part(outcome: Outcome) -> str:
    """Return the part of an output that its page shows; after `...` in its first line, the rest."""
    shown, output = outcome.command.shown, outcome.output.strip()
    if not shown.startswith("...\n"):
        return output
    first = shown.splitlines()[1]
    return "...\n" + output[output.index(first) :]


def walk(page: str, folder: Path) -> list[Outcome]:
    """Do what a page says, from the first block to the last, and return what became of it."""
    (start,) = [
        one.text
        for block in blocks(page, "console")
        for one in commands(block)
        if one.text.startswith("python -m tests.service")
    ]
    held = "--hold" in start.split()
    (port,) = re.findall(r"--port (\d+)", start)
    with _service(start.replace(f"--port {port}", "--port 0")) as (root, exports):
        environment = clean_environment(folder) | exports
        at = f"http://127.0.0.1:{port}"
        shell = Shell(folder=folder, environment=environment, root=root, page=at, holding=held)
        for kind, text in _BLOCK.findall(page):
            if kind in ("toml", "yaml") and re.match(r"# \S+\.(toml|yaml)\n", text):
                shell.write(text)
            elif kind == "console":
                for command in commands(text):
                    if command.text != start:
                        shell.run(command)
    return shell.outcomes


def rewritten(page: str, outcomes: list[Outcome]) -> str:
    """Return a page with what the commands really print, wherever it shows something."""
    parts = iter(outcomes)

    def renew(match: re.Match[str]) -> str:
        if match[1] != "console":
            return match[0]
        lines = []
        for command in commands(match[2]):
            code = f"  # exit code {command.code}" if command.code else ""
            lines.append(f"$ {command.text}{code}")
            outcome = next(parts) if command.text.startswith("hexmagic ") else None
            if outcome is not None and command.shown:
                lines.append(shown_part(outcome))
        return "```console\n" + "\n".join(lines) + "\n```"

    return _BLOCK.sub(renew, page)


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment of a person without an account, whose `hexmagic` is this one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QISKIT_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return kept | {"HOME": str(home), "PATH": path, "OMP_NUM_THREADS": "1"}


@contextmanager
def _service(command: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Run the service; yield its address and the variables that it says to export."""
    words = [sys.executable, *shlex.split(command)[1:]]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said: list[str] = []
            while not (said and said[-1].startswith("# What it knows: ")):
                line = process.stdout.readline()
                assert line, "the service ended"
                said.append(line)
            exports = [shlex.split(line)[1].split("=", 1) for line in said if line[:7] == "export "]
            (root,) = re.findall(r"http://127\.0\.0\.1:\d+", said[-1])
            yield root, {name: value for name, value in exports}
        finally:
            process.kill()
