"""What was sent: every submission that was begun, in the run folder, beside what the ledger says.

A ledger may be lost, or come back from a backup, and the service's listing may lag: then neither
tells that a job was sent already. This file does. It has no secret in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypedDict

from ...experiments.errors import RefusedError
from ..folder.files import StorageError
from ..folder.run_folder import RunFolder
from ..folder.shapes import damage_told
from ..ledger.submissions import SubmissionRow
from ..site import SITE_NAME

SUBMITTED = "submitted.json"
SCHEMA_VERSION = 2
MOST_ATTEMPTS = 1000
"""A later attempt at a shard is no attempt of a person's."""


class Sent(TypedDict):
    """A submission.

    shard, attempt: what it is of. intended: when it was last begun, UTC. unclear: how often it was
    sent before that with a fate that never became clear. id: the service's, once it has accepted.
    """

    shard: str
    attempt: int
    intended: str
    unclear: int
    id: str | None


class Document(TypedDict):
    """The file: to which address, and the submissions by their tags."""

    schema_version: int
    url: str | None
    submissions: dict[str, Sent]


def was_begun(folder: RunFolder) -> bool:
    """Return whether anything of a run was ever about to be sent, whatever the ledger says."""
    return (folder.path / SUBMITTED).exists()


def note_submission(folder: RunFolder, asked: SubmissionRow, url: str | None) -> None:
    """Write that a submission is about to be sent; durable when this returns.

    Args:
        folder: the run.
        asked: the submission as the ledger has it, its intent included.
        url: the service's address.

    Raises:
        StorageError: the file system refuses; then nothing may be sent.
    """
    document = read_submitted(folder) or Document(
        schema_version=SCHEMA_VERSION, url=url, submissions={}
    )
    document["submissions"][asked.tag] = Sent(
        shard=asked.shard,
        attempt=asked.attempt,
        intended=str(asked.intended),
        unclear=asked.unclear,
        id=None,
    )
    folder.write_json(SUBMITTED, document)


def note_accepted(folder: RunFolder, tag: str, remote_id: str) -> None:
    """Write which job a submission has become.

    Raises:
        StorageError: the file system refuses; an older ledger will have to look for it then.
    """
    document = read_submitted(folder)
    if document is not None and tag in document["submissions"]:
        document["submissions"][tag]["id"] = remote_id
        folder.write_json(SUBMITTED, document)


def withdraw_submission(folder: RunFolder, before: SubmissionRow) -> None:
    """Write that nothing was sent after all.

    Args:
        folder: the run.
        before: the submission as it was before `note_submission`.
    """
    document = read_submitted(folder)
    if document is None or before.tag not in document["submissions"]:
        return
    if before.intended is None:
        del document["submissions"][before.tag]
    else:
        document["submissions"][before.tag] |= {
            "intended": before.intended,
            "unclear": before.unclear,
        }
    folder.write_json(SUBMITTED, document)


def check_address(folder: RunFolder, url: str | None) -> None:
    """Check that the service's address is the one that a run was sent to: another lacks its jobs.

    Raises:
        RefusedError: it is not.
    """
    document = read_submitted(folder)
    if document is None or _same(document["url"]) == _same(url):
        return
    raise RefusedError(
        f"run {folder.run_id}: its jobs were sent to {_words(document['url'])}, and {SITE_NAME} "
        f"has {_words(url)} now; nothing is asked of another one: put it back ({SITE_NAME}, "
        f"ibm.url), or, if the service itself has moved, change url in {folder.path / SUBMITTED}"
    )


def read_submitted(folder: RunFolder) -> Document | None:
    """Return the file's content; None if there is none.

    Raises:
        StorageError: it is damaged.
    """
    if not was_begun(folder):
        return None
    with _advised(), damage_told(folder.path / SUBMITTED):
        document: Any = folder.read_json(SUBMITTED)
        if document["schema_version"] not in (1, SCHEMA_VERSION):
            raise ValueError(f"schema_version {document['schema_version']}, not {SCHEMA_VERSION}")
        url = document["url"]
        found = {str(tag): _sent(one) for tag, one in document["submissions"].items()}
        if url is not None and not isinstance(url, str):
            raise TypeError("url is no text")
    return Document(schema_version=SCHEMA_VERSION, url=url, submissions=found)


def _sent(one: Any) -> Sent:
    """Return a submission as it was written; version 1 had neither `unclear` nor `id`."""
    sent = Sent(
        shard=str(one["shard"]),
        attempt=int(one["attempt"]),
        intended=str(one["intended"]),
        unclear=int(one.get("unclear", 0)),
        id=one.get("id"),
    )
    if datetime.fromisoformat(sent["intended"]).tzinfo is None:
        raise ValueError(f"intended: {sent['intended']} has no time zone")
    if not 1 <= sent["attempt"] <= MOST_ATTEMPTS or sent["unclear"] < 0:
        raise ValueError(f"attempt {sent['attempt']}, unclear {sent['unclear']}: cannot be")
    if sent["id"] is not None and not isinstance(sent["id"], str):
        raise TypeError("id is no text")
    return sent


@contextmanager
def _advised() -> Iterator[None]:
    """Say what to do about a file that cannot be used."""
    try:
        yield
    except StorageError as error:
        raise StorageError(
            f"{error}; nothing is asked of the service for this run: bring the file back, or "
            "remove it if the ledger is none from a backup"
        ) from error


def _same(url: str | None) -> str | None:
    return None if url is None else url.rstrip("/")


def _words(url: str | None) -> str:
    return "the account's own address" if url is None else url
