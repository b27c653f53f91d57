"""What was sent: every submission that was begun, in the run folder, beside what the ledger says.

A ledger may be lost, or come back from a backup, and the service's listing may lag: then neither
tells that a job was sent already. This file does. It has no secret in it.
"""

from __future__ import annotations

from typing import Any, TypedDict

from ...experiments.errors import RefusedError
from ..folder.run_folder import RunFolder
from ..folder.shapes import damage_told
from ..ledger.hardware import HardwareLedger
from ..ledger.jobs import JobRow
from ..ledger.submissions import SubmissionRow
from ..site import SITE_NAME

SUBMITTED = "submitted.json"
SCHEMA_VERSION = 1


class _Sent(TypedDict):
    """A submission: of which attempt at which shard, and when it was last begun, UTC."""

    shard: str
    attempt: int
    intended: str


class _Document(TypedDict):
    """The file: to which address, and the submissions by their tags."""

    schema_version: int
    url: str | None
    submissions: dict[str, _Sent]


def was_begun(folder: RunFolder) -> bool:
    """Return whether anything of a run was ever about to be sent, whatever the ledger says."""
    return (folder.path / SUBMITTED).exists()


def note_submission(folder: RunFolder, asked: SubmissionRow, url: str | None, now: str) -> None:
    """Write that a submission is about to be sent; durable when this returns.

    Raises:
        StorageError: the file system refuses; then nothing may be sent.
    """
    document = _read(folder) or _Document(schema_version=SCHEMA_VERSION, url=url, submissions={})
    sent = _Sent(shard=asked.shard, attempt=asked.attempt, intended=now)
    document["submissions"][asked.tag] = sent
    folder.write_json(SUBMITTED, document)


def withdraw_submission(folder: RunFolder, before: SubmissionRow) -> None:
    """Write that nothing was sent after all.

    Args:
        folder: the run.
        before: the submission as it was before `note_submission`.
    """
    document = _read(folder)
    if document is not None and before.intended is None:
        document["submissions"].pop(before.tag, None)
        folder.write_json(SUBMITTED, document)


def check_address(folder: RunFolder, url: str | None) -> None:
    """Check that the service's address is the one that a run was sent to: another lacks its jobs.

    Raises:
        RefusedError: it is not.
    """
    document = _read(folder)
    if document is None or _same(document["url"]) == _same(url):
        return
    raise RefusedError(
        f"run {folder.run_id}: its jobs were sent to {_words(document['url'])}, and {SITE_NAME} "
        f"has {_words(url)} now; nothing is asked of another one: put it back ({SITE_NAME}, "
        f"ibm.url), or, if the service itself has moved, change url in {folder.path / SUBMITTED}"
    )


def catch_up(folder: RunFolder, ledger: HardwareLedger, job: JobRow) -> str:
    """Let a ledger that is older than the folder know that a planned job was sent before.

    Returns what was done in words; empty: the ledger is right.
    """
    asked, document = ledger.submission(job), _read(folder)
    if asked is None or asked.intended is not None or document is None:
        return ""
    sent = [
        (one["intended"], tag)
        for tag, one in document["submissions"].items()
        if (one["shard"], one["attempt"]) == job.key[1:]
    ]
    if not sent:
        return ""
    intended, tag = max(sent)
    detail = f"{SUBMITTED} has it as sent at {intended}: this ledger is an older one"
    ledger.was_sent(job, tag=tag, intended=intended, detail=detail)
    return detail


def _read(folder: RunFolder) -> _Document | None:
    """Return the file's content; None if there is none.

    Raises:
        StorageError: it is damaged.
    """
    if not was_begun(folder):
        return None
    document: Any = folder.read_json(SUBMITTED)
    with damage_told(folder.path / SUBMITTED):
        url = document["url"]
        found = {
            str(tag): _Sent(
                shard=str(one["shard"]),
                attempt=int(one["attempt"]),
                intended=str(one["intended"]),
            )
            for tag, one in document["submissions"].items()
        }
        if url is not None and not isinstance(url, str):
            raise TypeError("url is no text")
    return _Document(schema_version=SCHEMA_VERSION, url=url, submissions=found)


def _same(url: str | None) -> str | None:
    return None if url is None else url.rstrip("/")


def _words(url: str | None) -> str:
    return "the account's own address" if url is None else url
