"""The account: what is found, what is refused, and that its secrets stay where they are."""

import json
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from fakes.ibm import remote_of, serving, submission_of
from service import LoopbackService, Rule

from hexmagic.backends.ibm.errors import read_retry_after
from hexmagic.backends.redaction import one_line
from hexmagic.backends.remote import AccountError, NotAcceptedError, RemoteError

KEY = "key-that-nobody/may+see=1"
CONFIG = "qiskit_ibm_runtime.accounts.management._DEFAULT_ACCOUNT_CONFIG_JSON_FILE"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopbackService]:
    with serving(monkeypatch, api_keys=(KEY,)) as running:
        yield running


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The client's own file, somewhere else, and no account in the environment."""
    path = tmp_path / "qiskit-ibm.json"
    monkeypatch.setattr(CONFIG, str(path))
    for name in ("TOKEN", "INSTANCE", "CHANNEL"):
        monkeypatch.delenv(f"QISKIT_IBM_{name}", raising=False)
    return path


def save(config: Path, service: LoopbackService, **accounts: dict[str, Any]) -> None:
    known = {"channel": "ibm_quantum_platform", "token": KEY, "instance": service.instance}
    config.write_text(json.dumps({name: known | own for name, own in accounts.items()}))


def test_without_an_account_it_is_said_how_to_get_one(
    service: LoopbackService, config: Path
) -> None:
    with pytest.raises(AccountError, match=r"none found .*save_account.*QISKIT_IBM_TOKEN"):
        remote_of(service).usage()
    assert not config.exists() or config.read_text() == "{}"


def test_a_saved_account_is_found_by_its_name(service: LoopbackService, config: Path) -> None:
    save(config, service, mine={}, other={"token": "wrong"})
    assert remote_of(service, account="mine").usage().used_seconds == 0
    with pytest.raises(AccountError, match="API key could not be found"):
        remote_of(service, account="other").usage()
    with pytest.raises(AccountError, match="theirs does not exist"):
        remote_of(service, account="theirs").usage()


def test_the_default_account_of_a_channel_is_found(service: LoopbackService, config: Path) -> None:
    save(config, service, one={"token": "wrong"}, two={"channel": "ibm_cloud"})
    assert remote_of(service, channel="ibm_cloud").usage().used_seconds == 0
    with pytest.raises(AccountError):
        remote_of(service, channel="ibm_quantum_platform").usage()


def test_a_damaged_file_is_an_account_error(service: LoopbackService, config: Path) -> None:
    config.write_text("{oh")
    with pytest.raises(AccountError, match="IBM account: JSONDecodeError"):
        remote_of(service).usage()


def test_an_instance_is_taken_by_name(service: LoopbackService) -> None:
    assert remote_of(service, instance="loopback-paid").usage().used_seconds == 0
    with pytest.raises(AccountError, match="nowhere"):
        remote_of(service, instance="nowhere").usage()


def test_several_instances_need_a_choice(
    service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QISKIT_IBM_INSTANCE")
    with pytest.raises(AccountError, match=r"2 instances: loopback-open \(crn:.*name one"):
        remote_of(service).usage()


@pytest.mark.parametrize("path", ["/identity/token", "/search"])
@pytest.mark.parametrize("fault", [{"kind": "status", "status": 500}, {"kind": "reset"}], ids=str)
def test_an_account_server_that_fails_is_asked_again(
    service: LoopbackService, path: str, fault: dict[str, Any]
) -> None:
    service.rules.append(Rule(path=path, times=2, **fault))
    assert remote_of(service).usage().used_seconds == 0
    service.rules.append(Rule(path=path, times=None, **fault))
    with pytest.raises(RemoteError, match="usage"):
        remote_of(service).usage()


def test_no_token_means_nothing_is_sent(service: LoopbackService) -> None:
    """The client would send the API key in its place."""
    remote = remote_of(service)
    body = remote.encode(submission_of())
    service.revoke_tokens()
    with pytest.raises(NotAcceptedError, match="401"):
        remote.post(body)
    rule = Rule(kind="status", status=429, retry_after=5, path="/identity/token", times=None)
    service.rules.append(rule)
    before = len([one for one in service.requests if "/jobs" in one.path])
    with pytest.raises(NotAcceptedError, match="no access token") as caught:
        remote.post(body)
    assert caught.value.retry_after == 5
    assert len([one for one in service.requests if "/jobs" in one.path]) == before
    service.rules.clear()
    remote.post(body)  # at once: the client's token manager would sleep for a minute


def test_an_early_renewal_that_fails_leaves_the_token_that_is_still_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(monkeypatch) as running:
        remote = remote_of(running)
        remote.usage()
        remote._link._opened.tokens._manager.refresh_time = 0
        running.rules.append(Rule(kind="status", status=500, path="/identity/token", times=None))
        assert remote.usage().used_seconds == 0


SECRET = "put-in-the-wrong-field/1"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"instance": SECRET}, r"specified \(\[ibm.instance in hexmagic.toml\]\) is not a valid"),
        ({"instance": f"crn:v1:{SECRET}"}, r"instance \[ibm.instance in hexmagic.toml\]\. "),
        ({"account": SECRET}, r"name \[ibm.account in hexmagic.toml\] does not exist"),
    ],
    ids=str,
)
def test_a_secret_in_the_wrong_setting_is_not_repeated(
    service: LoopbackService, settings: dict[str, str], words: str
) -> None:
    with pytest.raises(AccountError, match=words) as caught:
        remote_of(service, **settings).usage()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", ["INSTANCE", "CHANNEL"])
@pytest.mark.parametrize("secret", [SECRET, KEY], ids=["a secret", "the key"])
def test_a_secret_in_the_wrong_variable_is_not_repeated(
    service: LoopbackService, monkeypatch: pytest.MonkeyPatch, name: str, secret: str
) -> None:
    monkeypatch.setenv(f"QISKIT_IBM_{name}", secret)
    with pytest.raises((AccountError, RemoteError), match=rf"\[QISKIT_IBM_{name}\]") as caught:
        remote_of(service).usage()
    assert secret not in "".join(traceback.format_exception(caught.value))


def test_a_secret_as_the_address_is_not_repeated(
    service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QISKIT_IBM_URL", SECRET)
    monkeypatch.delenv("IAM_URL")
    with pytest.raises((AccountError, RemoteError)) as caught:
        remote_of(service).usage()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("key", ["instance", "channel", "region", "plans_preference"])
def test_a_secret_in_the_wrong_place_of_a_saved_account_is_not_repeated(
    service: LoopbackService, config: Path, key: str
) -> None:
    save(config, service, mine={key: SECRET})
    with pytest.raises(AccountError, match=rf"\[{key} of a saved account\]") as caught:
        remote_of(service, account="mine").usage()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_instances_that_the_account_lists_are_told_by_their_names(
    service: LoopbackService,
) -> None:
    listed = service.state.accounts.instances
    object.__setattr__(listed[0], "name", listed[1].name)
    with pytest.raises(AccountError, match=rf"2 instances: {listed[1].name} \(crn:.*name one"):
        remote_of(service, instance=listed[1].name).usage()


def bearer_tokens(service: LoopbackService) -> list[str]:
    return list(service.state.accounts._ends)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
@pytest.mark.parametrize("path", ["/identity/token", "/search", "/usage"])
def test_no_secret_is_in_an_error_or_what_it_was_made_from(
    service: LoopbackService, path: str, status: int
) -> None:
    remote = remote_of(service)
    remote.usage()
    (token,) = {*bearer_tokens(service)} - set(bearer_tokens(service)[:-1])
    text = f"bad {KEY}\\n Bearer {token} apikey={KEY} {token}"
    message = json.dumps({"errors": [{"message": text}]})
    service.rules.append(Rule(kind="status", status=status, body=message, path=path, times=None))
    with pytest.raises((AccountError, RemoteError)) as caught:
        (remote if path == "/usage" else remote_of(service)).usage()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value.args)
    assert caught.value.__context__ is caught.value.__cause__ is None
    assert not any(secret in shown for secret in (KEY, *bearer_tokens(service)))
    assert "bad [redacted]" in shown


def test_no_secret_is_in_a_submissions_error(service: LoopbackService) -> None:
    remote = remote_of(service)
    body = remote.encode(submission_of())
    service.rules.append(Rule(kind="status", status=500, body=f"key {KEY}", path="jobs$"))
    with pytest.raises(RemoteError, match=r"key \[redacted\]") as caught:
        remote.post(body)
    assert caught.value.__context__ is caught.value.__cause__ is None


SCRIPT = """
import logging, sys
if len(sys.argv) > 2:
    logging.basicConfig(level=logging.DEBUG)
from hexmagic.backends.ibm.door import open_remote
from hexmagic.backends.ibm.settings import IbmSettings
remote = open_remote(IbmSettings(url=sys.argv[1]), sleep=lambda _: None)
for job in remote.find("hexmagic:1"):
    remote.look(job.id), remote.look(job.id)
"""


def run_script(*words: str) -> str:
    """Return what the script prints, of a process that has loaded nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_no_secret_is_in_the_clients_log_at_its_most_talkative(
    service: LoopbackService, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = remote_of(service)
    remote.post(remote.encode(submission_of()))
    for word in (KEY, "/".join(bearer_tokens(service))):
        service.rules.append(Rule(kind="unknown_status", word=word, path="jobs/[^/]+$"))
    monkeypatch.setenv("QISKIT_IBM_RUNTIME_LOG_LEVEL", "DEBUG")
    shown = run_script(service.url, "talk")
    assert "ibm-cloud-sdk-core" in shown
    assert "job get response" in shown
    quoted = "key-that-nobody%2Fmay%2Bsee%3D1"
    assert not any(secret in shown for secret in (KEY, quoted, *bearer_tokens(service)))


def test_the_clients_log_says_nothing_unless_asked(service: LoopbackService) -> None:
    service.rules.append(Rule(kind="status", path="/catalog", times=None))
    assert run_script(service.url) == ""


def test_secrets_of_the_environment_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_API_KEY", "abcdefgh1234")
    monkeypatch.setenv("MY_PASSWORD", "short")
    assert one_line("a abcdefgh1234\n b short", ["own-secret"]) == "a [redacted] b short"
    assert one_line("x own-secret own%2Dsecret", ["own-secret"]) == "x [redacted] own%2Dsecret"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("{'Authorization': 'apikey xyz'}", "{'Authorization': 'apikey [redacted]'}"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJpYXQiOjE3.c2ln rest", "[redacted] rest"),
        ("the apikeys are gone", "the apikeys are gone"),
    ],
)
def test_what_looks_like_a_token_is_taken_out(text: str, clean: str) -> None:
    assert one_line(text) == clean


def test_a_long_message_is_cut() -> None:
    assert len(one_line("word " * 1000)) < 310


def test_a_wish_to_wait_is_read_as_seconds_or_as_a_date() -> None:
    then = datetime.now(UTC) + timedelta(seconds=60)
    assert read_retry_after(format_datetime(then, usegmt=True)) == pytest.approx(60, abs=3)
    assert read_retry_after("12.5") == 12.5
    assert read_retry_after("-3") == 0.0
    assert read_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0
    assert [read_retry_after(v) for v in (None, "soon", "nan", "inf")] == [None] * 4
