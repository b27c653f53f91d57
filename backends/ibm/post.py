"""Which of the service's programs samples, and how a job is posted: the only file that knows both.

The request is built by the client's own code and kept instead of sent (`encode_job`); what was kept
is sent later, once (`post_job`).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from qiskit_ibm_runtime import Batch, SamplerV2
from qiskit_ibm_runtime.api.rest.runtime import Runtime
from qiskit_ibm_runtime.executor_sampler import Sampler
from qiskit_ibm_runtime.options_models import SamplerOptions
from qiskit_ibm_runtime.runtime_options import RuntimeOptions

from ..remote import Submission
from .settings import Program


def encode_job(submission: Submission, backend: Any, program: Program) -> bytes:
    """Return the body of the request that the client would post; nothing is sent.

    Args:
        backend: the client's, whose properties and target are known.

    Raises:
        Exception: any of the client's, which says why the circuits are impossible.
    """
    draft = _Draft(backend, submission.batch)
    sampler = _SAMPLERS[program](draft, submission)
    with warnings.catch_warnings():
        # a job's circuits have their own shots; the client wants one number (since 0.48)
        warnings.filterwarnings("ignore", "Specifying different 'shots'", DeprecationWarning)
        sampler.run([(circuit, None, shots) for circuit, shots in submission.circuits])
    return draft.body.encode()


def post_job(client: Any, body: bytes) -> str:
    """Send a body once and return the id of the job that was made.

    Raises:
        Exception: any of the client's, or ValueError; not told apart here.
    """
    response = client._session.post(
        Runtime.URL_MAP["jobs"],
        data=body,
        headers=Runtime._HEADER_JSON_CONTENT,
        allow_redirects=False,  # a redirect of some kinds sends the body again
    )
    answer = response.json()
    job_id = answer.get("id") if isinstance(answer, dict) else None
    if not (isinstance(job_id, str) and job_id):
        raise ValueError(f"HTTP {response.status_code} without the id of a job")
    return job_id


class _Draft(Batch):  # type: ignore[misc] # the client has no annotations
    """A batch that keeps what it is to run: the client's checks are over, and nothing is sent."""

    def __init__(self, backend: Any, session_id: str | None) -> None:
        super().__init__(backend, create_new=False)
        self._session_id = session_id
        self.body = ""

    def _run(
        self,
        program_id: str,
        inputs: dict[str, Any],
        options: dict[str, Any] | None = None,
        calibration_id: str | None = None,
        **rest: Any,
    ) -> None:
        if any(rest.values()):
            raise TypeError(f"the client wants more of a job than is known here: {rest}")
        wanted = RuntimeOptions(**{**(options or {}), "backend": self._backend})
        wanted.validate(channel=self._service.channel)
        paper = _Paper()
        Runtime(paper).program_run(
            program_id=program_id,
            backend_name=self._backend.name,
            params=inputs,
            image=wanted.image,
            log_level=wanted.log_level,
            session_id=self._session_id,
            job_tags=wanted.job_tags,
            max_execution_time=wanted.max_execution_time,
            private=wanted.private,
            calibration_id=calibration_id,
        )
        self.body = paper.body


class _Paper:
    """Stands for the client's session: writes down the one request, and has no way to send it."""

    def __init__(self) -> None:
        self.headers: Any = None
        self.body = ""

    def post(self, url: str, *, data: str, **rest: Any) -> _Paper:
        del url, rest
        self.body = data
        return self

    def json(self) -> dict[str, Any]:
        return {}


def _make_sampler(draft: _Draft, submission: Submission) -> Any:
    options = {
        "max_execution_time": submission.max_seconds,
        "environment": {"job_tags": list(submission.tags), "private": False},
        "dynamical_decoupling": {"enable": False},  # ours is in the circuits
        "twirling": {"enable_gates": False, "enable_measure": False},
    }
    with warnings.catch_warnings():
        # deprecated since 0.50 for `executor`, which has failed after paid runs
        warnings.filterwarnings("ignore", "The SamplerV2 class is deprecated", DeprecationWarning)
        return SamplerV2(mode=draft, options=options)


def _make_executor_sampler(draft: _Draft, submission: Submission) -> Any:
    options = SamplerOptions(
        max_execution_time=submission.max_seconds,
        environment={"job_tags": list(submission.tags), "private": False},
        dynamical_decoupling={"enable": False},
        twirling={"enable_gates": False, "enable_measure": False},
    )
    return Sampler(mode=draft, options=options)


_SAMPLERS: dict[Program, Callable[[_Draft, Submission], Any]] = {
    "sampler": _make_sampler,
    "executor": _make_executor_sampler,
}
