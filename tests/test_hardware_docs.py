"""docs/hardware.md: its commands run as it says, against the loopback service, and its words hold.

Numbers, ids and widths of columns of what it shows may be others.

`HEXMAGIC_REWRITE=1 pytest tests/test_hardware_docs.py -m slow` renews what it shows.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
from fakes.page import (
    ROOT,
    Outcome,
    blocks,
    clean_environment,
    commands,
    rewritten,
    same_words,
    shown_part,
    walk,
)
from service import API_KEY, LoopbackService, ServiceConfig

from hexmagic.driver.ledger.jobs import JobState, RunState
from hexmagic.driver.site import SITE_NAME, IbmSite, Site, SiteBudget, load_site
from hexmagic.experiments.spec import parse_experiment

PAGE = ROOT / "docs" / "hardware.md"
EXAMPLE = ROOT / "docs" / "examples" / "hexmagic.toml"
SPEC = "experiments/hardware_h.yaml"


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


def first_column(heading: str) -> set[str]:
    """Return what stands in code quotes in the first column of the table with such a heading."""
    table = text().split(f"\n| {heading} |", 1)[1].split("\n\n", 1)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, flags=re.MULTILINE))


def reader(folder: Path) -> Path:
    """Return a working directory with the shipped experiment."""
    (folder / "experiments").mkdir()
    (folder / SPEC).write_bytes((ROOT / SPEC).read_bytes())
    return folder


# --- its commands ------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path) -> None:
    outcomes = walk(text(), reader(tmp_path))  # once, as it takes a minute
    ends = [(one.command.text, one.code, one.output) for one in outcomes]
    assert ends == [(one.command.text, one.command.code, one.output) for one in outcomes]
    assert len(outcomes) == len(re.findall(r"^\$ hexmagic ", text(), flags=re.MULTILINE)) > 20
    check_jobs_table(outcomes)
    if os.environ.get("HEXMAGIC_REWRITE"):
        PAGE.write_text(rewritten(text(), outcomes), encoding="utf-8")
        pytest.skip("the page was rewritten, not compared")
    shown = [one for one in outcomes if one.command.shown]
    assert len(shown) > 10
    for one in shown:
        assert same_words(one.command.shown) == same_words(shown_part(one)), one.command.text


def check_jobs_table(outcomes: list[Outcome]) -> None:
    """Hold the table of jobs that was printed against docs/tables.md."""
    (one,) = [one for one in outcomes if "--kind jobs" in one.command.text]
    tables = (ROOT / "docs" / "tables.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", tables, flags=re.MULTILINE)
    (jobs,) = [section for section in sections if section.startswith("jobs: one row")]
    columns = re.findall(r"^\| (\w+) \| \w+ \|", jobs, flags=re.MULTILINE)[1:]
    header, *lines = one.output.splitlines()
    assert header.split(",") == columns
    rows = [dict(zip(columns, line.split(","), strict=True)) for line in lines]
    assert len({row["remote_id"] for row in rows}) == len(rows) == 9
    assert all(float(row["charged_seconds"]) > 2 for row in rows)


@pytest.mark.slow
def test_the_saved_account_is_found_without_a_variable(tmp_path: Path) -> None:
    (block,) = blocks(text(), "python")
    prelude = f"import getpass\ngetpass.getpass = lambda _: {API_KEY!r}\n"
    with LoopbackService(ServiceConfig(devices=("boston",))) as service:
        names = ("IAM_URL", "GLOBAL_SEARCH_URL", "GLOBAL_CATALOG_URL", "NO_PROXY", "no_proxy")
        exports = {name: service.environment()[name] for name in names}
        environment = clean_environment(tmp_path) | exports
        (reader(tmp_path) / "runs").mkdir()
        (tmp_path / "runs" / SITE_NAME).write_text(f'[ibm]\nurl = "{service.url}"\n')

        def done(*words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                words,
                cwd=tmp_path,
                env=environment,
                input=typed,
                capture_output=True,
                text=True,
                check=False,
            )

        without = done("hexmagic", "check", SPEC)
        assert without.returncode == 3
        assert "save_account" in without.stderr
        saved = done(sys.executable, "-c", prelude + block, typed=service.instance + "\n")
        assert (saved.returncode, saved.stderr) == (0, "")
        assert (tmp_path / ".qiskit" / "qiskit-ibm.json").is_file()
        found = done("hexmagic", "check", SPEC)
        assert (found.returncode, found.stderr) == (0, "")
        assert API_KEY not in found.stdout


def test_only_commands_for_root_and_the_account_are_not_run() -> None:
    lines = [line for block in blocks(text(), "sh") for line in block.splitlines()]
    assert {shlex.split(line, comments=True)[0] for line in lines} == {
        *("chmod", "useradd", "install", "systemctl", "journalctl")
    }
    told = [one for block in blocks(text(), "console") for one in commands(block)]
    assert {one.text.split()[0] for one in told} == {"hexmagic", "curl", "python"}
    assert "```\n$" not in text()


# --- its settings and experiments --------------------------------------------------------------


def test_the_page_shows_the_example_of_the_settings() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") in blocks(text(), "toml")


def test_every_settings_block_is_read(tmp_path: Path) -> None:
    found = blocks(text(), "toml")
    for number, block in enumerate(found):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / SITE_NAME).write_text(block, encoding="utf-8")
        assert load_site(folder) != Site()
    assert len(found) == 2


def test_the_example_has_every_key_and_the_defaults(tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    keys = [match[1] for line in lines if (match := re.match(r"(?:# )?(\w+) = ", line))]
    assert keys == [one.name for kind in (IbmSite, SiteBudget) for one in fields(kind)]
    (tmp_path / SITE_NAME).write_text("\n".join(lines))
    site = load_site(tmp_path)
    assert site.ibm == IbmSite()
    assert None not in (site.budget.qpu_seconds_per_day, site.budget.qpu_seconds_per_month)


@pytest.mark.parametrize("key", ["account", "instance", "channel", "url"])
def test_a_key_of_the_example_that_is_uncommented_is_taken(tmp_path: Path, key: str) -> None:
    example = EXAMPLE.read_text(encoding="utf-8")
    changed = re.sub(rf"^# ({key} = )", r"\1", example, flags=re.MULTILINE)
    assert changed != example
    (tmp_path / SITE_NAME).write_text(changed)
    assert getattr(load_site(tmp_path).ibm, key) is not None


def test_every_experiment_is_one() -> None:
    found = [parse_experiment(block, source="hardware.md") for block in blocks(text(), "yaml")]
    assert [one.device.backend for one in found] == ["ibm"]
    assert all(one.schedule is not None and one.on_done for one in found)


# --- its words ---------------------------------------------------------------------------------


def test_every_state_of_a_job_and_of_a_run_is_told() -> None:
    assert first_column("job") == set(get_args(JobState))
    assert first_column("run") == set(get_args(RunState))


def test_every_file_and_heading_that_the_page_names_is_there() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", text())
    headings = re.findall(r"^## (.+)$", text(), flags=re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}
    assert {one[1:] for one in targets if one.startswith("#")} <= anchors
    files = [one for one in targets if not one.startswith("#")]
    assert files
    assert all((PAGE.parent / one).exists() for one in files)


def test_the_variables_are_those_that_the_client_reads() -> None:
    from qiskit_ibm_runtime.accounts import management

    source = Path(management.__file__).read_text(encoding="utf-8")
    assert first_column("variable") == set(re.findall(r'getenv\("(QISKIT_IBM_\w+)"\)', source))
