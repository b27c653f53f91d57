"""The systemd units and the crontab in docs/examples: valid, and their command drives a run."""

from __future__ import annotations

import configparser
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fakes.page import ROOT, clean_environment
from service import API_KEY, LoopbackService, ServiceConfig

from hexmagic.driver.site import SITE_NAME

EXAMPLES = ROOT / "docs" / "examples"
COMMAND = "/opt/hexmagic/.venv/bin/hexmagic"
STATE = "/var/lib/hexmagic"
HERE = Path(sys.executable).parent / "hexmagic"
MINUTES = 12
"""Ticks that are waited for a run at most; a job needs two."""

SPEC = """\
schema_version: 1
name: tiny
protocol: {state: H, distance: 3, scheme: fold14}
device: {backend: ibm, name: ibm_boston}
measure: [Z]
shots: 100
seed: 7
on_done: sh -c 'echo $HEXMAGIC_STATE >> ../ended.log'
"""


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys as they are written
    parser.read_string((EXAMPLES / name).read_text(encoding="utf-8"))
    return parser


def crontab() -> tuple[str, str]:
    """Return the schedule and the command of the crontab's one line."""
    lines = (EXAMPLES / "crontab").read_text(encoding="utf-8").splitlines()
    (line,) = [one for one in lines if one and one[0] != "#" and "MAILTO" not in one]
    *times, command = line.split(None, 5)
    return " ".join(times), command


def placed(text: str, folder: Path) -> str:
    """Return a command with this hexmagic, and a directory in the place of the state's."""
    assert COMMAND in text and STATE in text
    return text.replace(COMMAND, str(HERE)).replace(STATE, str(folder))


@contextmanager
def a_run_in_the_queue(folder: Path) -> Iterator[tuple[LoopbackService, dict[str, str]]]:
    """Submit a run to a service that holds its jobs; yield it and the account's variables."""
    with LoopbackService(ServiceConfig(devices=("boston",), hold=True)) as service:
        (folder / "runs").mkdir()
        (folder / "runs" / SITE_NAME).write_text(f'[ibm]\nurl = "{service.url}"\n')
        (folder / "tiny.yaml").write_text(SPEC)
        account = service.environment()
        begun = subprocess.run(
            [HERE, "run", "tiny.yaml", "--no-wait"],
            cwd=folder,
            env=clean_environment(folder) | account,
            capture_output=True,
            text=True,
            check=False,
        )
        assert begun.returncode == 0, begun.stderr
        yield service, account


# --- the files ---------------------------------------------------------------------------------


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here; the keys are compared by the next test only")
    for name in ("hexmagic.service", "hexmagic.timer"):
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(COMMAND, str(HERE)))
    verified = subprocess.run(
        [tool, "verify", *sorted(tmp_path.iterdir())], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_systemd_finds_little_that_the_service_may_do(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not here")
    words = ["security", "--offline=true", "--threshold=40", str(EXAMPLES / "hexmagic.service")]
    done = subprocess.run([tool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-200:]


def test_the_units_say_what_matters() -> None:
    service, timer = unit("hexmagic.service")["Service"], unit("hexmagic.timer")
    assert service["Type"] == "oneshot"
    assert service["SuccessExitStatus"] == "75"
    assert service["User"] != "root"
    assert service["ProtectSystem"] == "strict"
    assert f"/var/lib/{service['StateDirectory']}" == STATE == service["WorkingDirectory"]
    assert service["Environment"] == f"HEXMAGIC_CACHE=/var/cache/{service['CacheDirectory']}"
    assert service["EnvironmentFile"].startswith("-/etc/")  # it may be missing
    assert timer["Timer"]["OnCalendar"] == "minutely"
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


@pytest.mark.parametrize("path", sorted(EXAMPLES.iterdir()), ids=lambda path: path.name)
def test_no_example_sets_a_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8").upper()
    assert "TOKEN=" not in text.replace(" ", "")
    assert API_KEY.upper() not in text


def test_cron_and_systemd_run_the_same_command() -> None:
    times, command = crontab()
    assert times == "* * * * *"
    assert command.partition(" >> ")[0] == unit("hexmagic.service")["Service"]["ExecStart"]
    assert "%" not in command  # cron reads it as the end of the line


# --- a minimal cron ----------------------------------------------------------------------------


@pytest.mark.slow
def test_the_service_of_the_timer_drives_a_run_to_its_end(tmp_path: Path) -> None:
    section = unit("hexmagic.service")["Service"]
    words = shlex.split(placed(section["ExecStart"], tmp_path))
    with a_run_in_the_queue(tmp_path) as (service, account):
        # what systemd would read from EnvironmentFile, besides the address of this service
        environment = clean_environment(tmp_path) | account
        codes, documents = [], []
        for minute in range(MINUTES):
            done = subprocess.run(
                words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
            )
            codes.append(done.returncode)
            documents.append(json.loads(done.stdout))
            if done.returncode != int(section["SuccessExitStatus"]):
                break
            if minute == 1:
                service.release()
                service.wait()
        assert len(service.jobs) == 1
    assert codes == [75, 75, 0]
    assert [one["runs"][0]["state"] for one in documents] == ["waiting", "waiting", "done"]
    assert [one["exit_code"] for one in documents] == codes
    assert (tmp_path / "runs" / "ended.log").read_text() == "done\n"


@pytest.mark.slow
def test_the_line_of_the_crontab_drives_a_run_and_mails_only_what_needs_a_person(
    tmp_path: Path,
) -> None:
    line = placed(crontab()[1], tmp_path)
    with a_run_in_the_queue(tmp_path) as (service, account):
        environment = clean_environment(tmp_path) | account

        def minute() -> str:
            """Return what cron would mail."""
            done = subprocess.run(
                ["/bin/sh", "-c", line], env=environment, capture_output=True, text=True, check=True
            )
            return done.stdout + done.stderr

        assert minute() == ""
        service.release()
        service.wait()
        assert minute() == ""
        assert len(service.jobs) == 1
        assert (tmp_path / "runs" / "ended.log").read_text() == "done\n"
        (tmp_path / "runs" / SITE_NAME).write_text("[ibm]\nno = 1\n")
        assert "hexmagic tick failed or needs a person" in minute()
    assert (tmp_path / "tick.log").read_text().count('"schema_version"') == 3
    assert "hexmagic.toml:2" in (tmp_path / "tick.err").read_text()
