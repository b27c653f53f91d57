"""A secret put in the configuration appears nowhere: the real client, whatever goes wrong."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from fakes.loopback import SNAPSHOT, SPEC
from service import LoopbackService, Rule, ServiceConfig

KEY = "s3cr3t/Key+that=nobody_may-see.31415"
HEXMAGIC = "from hexmagic.driver.cli.main import main; main()"
TALKATIVE = f"import logging; logging.basicConfig(level=logging.DEBUG); {HEXMAGIC}"
NO_ACCOUNT = ("QISKIT_IBM_TOKEN", "QISKIT_IBM_INSTANCE", "QISKIT_IBM_CHANNEL")


def forms(secret: str) -> list[bytes]:
    """Return how a secret may be written: plain, quoted, escaped, in base64 at any offset."""
    plain = [secret, quote(secret, safe=""), quote(secret), quote_plus(secret), repr(secret)[1:-1]]
    plain += [json.dumps(secret)[1:-1], secret[:16], secret[-16:]]
    found = [text.encode() for text in plain]
    for offset in range(3):
        encoded = base64.b64encode(b"x" * offset + secret.encode())
        found += [encoded[4:-4], base64.urlsafe_b64encode(b"x" * offset + secret.encode())[4:-4]]
    return found


@dataclass(kw_only=True)
class Shell:
    """Command lines in processes of their own; all that they print is kept.

    Attributes:
        folder: that they are run in.
        home: where the client keeps its account.
        service: that they ask.
        environment: of the processes.
        said: what each printed.
    """

    folder: Path
    home: Path
    service: LoopbackService
    environment: Mapping[str, str]
    said: list[bytes] = field(default_factory=list)

    def __call__(self, *words: str, code: int, talk: bool = False) -> str:
        """Run a command line; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-c", TALKATIVE if talk else HEXMAGIC, *words],
            cwd=self.folder,
            env=dict(self.environment)
            | ({"QISKIT_IBM_RUNTIME_LOG_LEVEL": "DEBUG"} if talk else {}),
            capture_output=True,
            check=False,
            timeout=120,
        )
        self.said.append(done.stdout + done.stderr)
        shown = self.said[-1].decode()
        assert done.returncode == code, shown
        return shown

    def inject(self, *paths: str, status: int, method: str = "*") -> None:
        """Let the service fail from now on, and repeat what it was told."""
        for path in paths:
            self.service.rules.append(
                Rule(
                    kind="status",
                    status=status,
                    body=self.echo(),
                    method=method,
                    path=path,
                    times=None,
                    when="before",
                )
            )

    def echo(self) -> str:
        """Return the body of an answer that repeats key and token."""
        token = ([KEY, *self.service.state.accounts._ends])[-1]
        said = f"bad {KEY} or {quote(KEY, safe='')} in Authorization: Bearer {token}, apikey={KEY}"
        return json.dumps({"errors": [{"message": said, "code": 1}]})

    def leaks(self) -> list[str]:
        """Return where a secret is: in a file of the folder or in what was printed."""
        secrets = [KEY, *self.service.state.accounts._ends]
        wanted = [form for secret in secrets for form in forms(secret)]
        files = {str(p): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}
        assert any(name.endswith("hexmagic.sqlite") for name in files)
        printed = {f"printed {i}": text for i, text in enumerate(self.said)}
        return [
            f"{name}: {form!r}"
            for name, content in (files | printed).items()
            for form in wanted
            if form in content
        ]


@pytest.fixture(params=["environment", "saved account"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    config = ServiceConfig(devices=(SNAPSHOT,), api_keys=(KEY,))
    with LoopbackService(config) as service:
        home, folder = tmp_path / "home", tmp_path / "work"
        (home / ".qiskit").mkdir(parents=True)
        (folder / "runs").mkdir(parents=True)
        (folder / "tiny.yaml").write_text(SPEC)
        (folder / "runs" / "hexmagic.toml").write_text(f'[ibm]\nurl = "{service.url}"\n')
        environment = os.environ | service.environment() | {"HOME": str(home)}
        if request.param == "saved account":
            environment = {k: v for k, v in environment.items() if k not in NO_ACCOUNT}
            account = {
                "auth_type": None,
                "channel": "ibm_quantum_platform",
                "instance": service.instance,
                "private_endpoint": False,
                "token": KEY,
                "url": "https://cloud.ibm.com",
            }
            saved = {"default-ibm-quantum-platform": account}
            (home / ".qiskit" / "qiskit-ibm.json").write_text(json.dumps(saved))
        yield Shell(folder=folder, home=home, service=service, environment=environment)


@pytest.mark.slow
def test_a_run_with_faults_that_repeat_the_secret_tells_it_nowhere(shell: Shell) -> None:
    shell.inject("/identity/token", status=400)
    assert "[redacted]" in shell("run", "tiny.yaml", "--no-wait", code=3)
    shell("--debug", "check", "tiny.yaml", code=1, talk=True)
    shell.service.rules.clear()
    shell.inject("/backends", status=401)
    shell("run", "tiny.yaml", "--dry-run", code=3, talk=True)
    shell.service.rules.clear()
    shell.inject("/jobs$", status=500, method="POST")
    assert "fate is not known" in shell("run", "tiny.yaml", "--no-wait", code=0, talk=True)
    shell.service.rules.clear()
    shell.inject("/jobs$", status=500)
    assert "[redacted]" in shell("tick", "--json", code=75)
    shell.service.rules.clear()
    shell.inject("/jobs$", status=401)
    assert "[redacted]" in shell("--debug", "tick", code=3)
    shell("status", "--format", "json", code=0)
    shell("cancel", "latest", code=3, talk=True)
    assert shell.leaks() == []


@pytest.mark.slow
def test_a_run_that_succeeds_tells_it_nowhere(shell: Shell) -> None:
    shell("run", "tiny.yaml", "--no-wait", code=0, talk=True)
    shell.service.wait()
    shell("--debug", "tick", "--json", code=0, talk=True)
    shell("table", "latest", "--kind", "jobs", "--format", "json", code=0)
    shell("report", "latest", code=0)
    assert shell.leaks() == []


@pytest.mark.slow
def test_a_reason_that_repeats_the_secret_is_kept_without_it(shell: Shell) -> None:
    shell.service.rules.append(
        Rule(kind="job_failed", reason=f"cannot log in with {KEY}", method="POST", path="/jobs$")
    )
    shell("run", "tiny.yaml", "--no-wait", code=0)
    shell.service.wait()
    assert "cannot log in with [redacted]" in shell("tick", code=4)
    assert shell.leaks() == []


@pytest.mark.slow
def test_a_key_in_the_place_of_the_instance_is_told_nowhere(shell: Shell) -> None:
    shell("run", "tiny.yaml", "--no-wait", code=0)
    saved = shell.home / ".qiskit" / "qiskit-ibm.json"
    if saved.exists():
        saved.write_text(saved.read_text().replace(shell.service.instance, KEY))
        words = "[redacted]"
    else:
        shell.environment = {**shell.environment, "QISKIT_IBM_INSTANCE": KEY}
        words = "[QISKIT_IBM_INSTANCE]"
    assert words in shell("tick", "--json", code=3)
    assert words in shell("--debug", "tick", code=3, talk=True)
    assert words in shell("run", "tiny.yaml", "--no-wait", code=3)
    shell("check", "tiny.yaml", code=3)
    assert shell.leaks() == []


@pytest.mark.parametrize(
    "line", [f"token = '{KEY}'", f"api_key = {KEY}", f"url = 'https://me:{KEY}@host.example'"]
)
@pytest.mark.parametrize("verb", ["tick", "run", "check"])
def test_a_secret_in_the_settings_is_refused_and_not_repeated(
    tmp_path: Path, line: str, verb: str
) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "hexmagic.toml").write_text(f"[ibm]\n{line}\n")
    (tmp_path / "tiny.yaml").write_text(SPEC)
    words = [verb] if verb == "tick" else [verb, "tiny.yaml"]
    for debug in ([], ["--debug"]):
        done = subprocess.run(
            [sys.executable, "-c", HEXMAGIC, *debug, *words],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == (1 if debug else 2), done.stderr.decode()
        assert not [form for form in forms(KEY) if form in done.stdout + done.stderr]
    assert {path.name for path in (tmp_path / "runs").iterdir()} <= {
        "hexmagic.toml",
        ".hexmagic.lock",
    }
