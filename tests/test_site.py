"""`hexmagic.toml`: what it may say, how it is refused, and that no secret is told again."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from hexmagic.driver.site import SITE_NAME, IbmSite, Site, SiteBudget, load_site
from hexmagic.experiments.errors import UsageError

SECRET = "s3cr3t-vAlUe"


def load(tmp_path: Path, text: str) -> Site:
    (tmp_path / SITE_NAME).write_text(text, encoding="utf-8")
    return load_site(tmp_path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert caught.value.exit_code == 2
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{tmp_path / SITE_NAME}:")
    return message.removeprefix(f"{tmp_path / SITE_NAME}:")


@pytest.mark.parametrize("text", [None, "", "# nothing\n", "[ibm]\n[budget]\n"])
def test_what_is_left_out_takes_its_default(tmp_path: Path, text: str | None) -> None:
    site = load_site(tmp_path / "runs") if text is None else load(tmp_path, text)
    assert site == Site(ibm=IbmSite(), budget=SiteBudget())
    assert (site.ibm.program, site.ibm.timeout_seconds) == ("sampler", 60.0)
    assert (site.ibm.listing_wait_seconds, site.ibm.posts_per_minute) == (120.0, 5)
    assert (site.budget.qpu_seconds_per_day, site.budget.qpu_seconds_per_month) == (None, None)


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_key_is_read(tmp_path: Path, start: str, end: str) -> None:
    lines = [
        *("[ibm]", "instance = 'crn:v1:x'", "channel = 'ibm_cloud'"),
        *("url = 'https://host.example/api'", "program = 'executor'", "timeout_seconds = 7"),
        *("listing_wait_seconds = 0.5", "posts_per_minute = 3"),
        *("[budget]", "qpu_seconds_per_day = 60", "qpu_seconds_per_month = 600.5"),
    ]
    (tmp_path / SITE_NAME).write_bytes((start + end.join(lines)).encode())
    assert load_site(tmp_path) == Site(
        ibm=IbmSite(
            instance="crn:v1:x",
            channel="ibm_cloud",
            url="https://host.example/api",
            program="executor",
            timeout_seconds=7.0,
            listing_wait_seconds=0.5,
            posts_per_minute=3,
        ),
        budget=SiteBudget(qpu_seconds_per_day=60.0, qpu_seconds_per_month=600.5),
    )


def test_an_account_is_read_where_there_is_no_channel(tmp_path: Path) -> None:
    assert load(tmp_path, "[ibm]\naccount = 'lab'\n").ibm == IbmSite(account="lab")


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        load_site(tmp_path).ibm.posts_per_minute = 9  # type: ignore[misc]  # that is the point


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[imb]\n", "1: imb: unknown key; did you mean 'ibm'?"),
        ("[ibm]\n\nacount = 'x'\n", "3: ibm.acount: unknown key; did you mean 'account'?"),
        ("account = 'x'\n", "1: account: unknown key; did you mean 'ibm.account'?"),
        ("[budget]\nseconds = 1\n", "2: budget.seconds: unknown key; known: qpu_seconds_per_day"),
        ("budget = 3\n", "1: budget: a whole number; needs a table of keys"),
        ("[ibm]\naccount = 3\n", "2: ibm.account: a whole number; needs text in quotes"),
        ("[ibm]\naccount = ''\n", "2: ibm.account: empty; write it or leave the key out"),
        ("[ibm]\nprogram = 'samplr'\n", "2: ibm.program: unknown value; did you mean 'sampler'?"),
        ("[ibm]\nchannel = 'local'\n", "2: ibm.channel: unknown value; needs ibm_quantum_platform"),
        ("[ibm]\nurl = 'host.example'\n", "2: ibm.url: no address; needs one that starts with"),
        ("[ibm]\nurl = 'https://[x'\n", "2: ibm.url: no address"),
        ("[ibm]\ntimeout_seconds = 0\n", "2: ibm.timeout_seconds: 0 is too small; needs more"),
        ("[ibm]\ntimeout_seconds = '9'\n", "2: ibm.timeout_seconds: text; needs a number"),
        ("[ibm]\ntimeout_seconds = true\n", "2: ibm.timeout_seconds: true or false; needs a numb"),
        ("[ibm]\ntimeout_seconds = 1e6\n", "2: ibm.timeout_seconds: 1000000.0 is too large"),
        ("[ibm]\nposts_per_minute = 0\n", "2: ibm.posts_per_minute: 0 is too small; needs at lea"),
        ("[ibm]\nposts_per_minute = 1.5\n", "2: ibm.posts_per_minute: a number; needs a whole"),
        ("[budget]\nqpu_seconds_per_day = 0\n", "2: budget.qpu_seconds_per_day: 0 is too small"),
        ("[budget]\nqpu_seconds_per_day = nan\n", "2: budget.qpu_seconds_per_day: nan"),
        ("[budget]\nqpu_seconds_per_day = inf\n", "2: budget.qpu_seconds_per_day: inf"),
        ("budget.qpu_seconds_per_day = -1\n", "1: budget.qpu_seconds_per_day: -1 is too small"),
        ("budget = {qpu_seconds_per_day = -1}\n", "1: budget.qpu_seconds_per_day: -1 is too"),
        ("[ibm]\naccount = 2026-12-01\n", "2: ibm.account: a date or a time; needs text in"),
        ("[ibm]\nprogram = 1\nurl = 2\n", "2: ibm.program: unknown value; needs sampler or exec"),
        ("[ibm]\nprogram = sampler\n", "2: not valid TOML: Invalid value (column 11)"),
        ("[ibm]\n[ibm]\n", "2: not valid TOML: Cannot declare"),
        (
            "[ibm]\nurl = 'a'\nurl = 'b'\n",
            "3: not valid TOML: a key or table that is there already (column 10)",
        ),
        ("[ibm]\nurl = 'a\n\n[budget]\n", '2: not valid TOML: Expected "\'"'),
        ("[ibm]\nurl =", "2: not valid TOML: Invalid value"),
        ("[ibm]\nx = [\n1,\n\n", "2: not valid TOML: "),
        ("\nx = " + "9" * 5000, "2: not valid TOML: "),
        ("\nx = " + "[" * 5000, "2: not valid TOML: "),
        (
            "[ibm]\naccount = 'x'\nchannel = 'ibm_cloud'\n",
            "3: ibm.channel: the account of ibm.account has its own; leave one out",
        ),
    ],
)
def test_a_bad_file_is_refused_with_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    assert refusal(tmp_path, text).startswith(message)


def test_all_that_is_wrong_is_counted(tmp_path: Path) -> None:
    text = "[budget]\nqpu_seconds_per_day = 0\n[ibm]\nurl = 2\nprogram = 'x'\n"
    assert refusal(tmp_path, text).endswith("needs more than 0 (and 2 more)")


@pytest.mark.parametrize(
    "text",
    [
        f"token = '{SECRET}'\n",
        f"[ibm]\ntoken = '{SECRET}'\nprogram = 3\n",
        f"[ibm]\nAPI-Key = '{SECRET}'\n",
        f"[ibm]\nibm_apikey = '{SECRET}'\n",
        f"ibm = {{password = '{SECRET}'}}\n",
        f"[proxy.secret]\nx = '{SECRET}'\n",
        f"[[list]]\nclient_secret = '{SECRET}'\n",
    ],
)
def test_a_secret_is_sent_to_where_it_belongs_and_not_told(tmp_path: Path, text: str) -> None:
    message = refusal(tmp_path, text)
    assert "secrets do not belong in this file" in message
    assert "save_account" in message and "QISKIT_IBM_TOKEN" in message
    assert SECRET not in message


@pytest.mark.parametrize(
    "line",
    [
        f"program = '{SECRET}'",
        f"timeout_seconds = '{SECRET}'",
        f"url = '{SECRET}'",
        f"url = 'https://me:{SECRET}@host.example'",
        f"url = 'https://host.example/?t={SECRET}'",
        f"url = 'https://{SECRET}\u2100'",
        f"posts_per_minute = ['{SECRET}']",
        f"acount = '{SECRET}'",
        f"account = '{SECRET}",
        f"account = {SECRET}",
        f"account = '{SECRET}'\nchannel = 'ibm_cloud'",
    ],
)
def test_no_message_repeats_a_text_of_the_file(tmp_path: Path, line: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(tmp_path, f"[ibm]\n{line}\n")
    assert SECRET.casefold() not in str(caught.value).casefold()


def test_what_cannot_be_read_is_not_taken_for_no_settings(tmp_path: Path) -> None:
    path = tmp_path / SITE_NAME
    path.symlink_to(tmp_path / "gone.toml")
    with pytest.raises(UsageError, match="cannot be read: a link to no file"):
        load_site(tmp_path)
    path.unlink()
    path.mkdir()
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        load_site(tmp_path)
    path.rmdir()
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not a text file in UTF-8"):
        load_site(tmp_path)
