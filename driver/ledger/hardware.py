"""The ledger of paid hardware: what may have been asked of a service, and what it has charged."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from ...backends.remote import RemoteJob
from .jobs import JobRow
from .runs import Ledger

_THIS_JOB = "run_id = ? AND shard = ? AND attempt = ?"
_ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionRow:
    """What an attempt at a shard asks of a service; written when the attempt is planned.

    Attributes:
        run_id, shard, attempt: the job.
        tag: unique to it in the whole world; a second submission under it is found by it.
        device: the machine.
        estimated_seconds: of quantum processor time.
        most_seconds: the service stops it after so many.
        batch: that it was last submitted in.
        payload: SHA-256 of what was sent last.
        intended: when its submission was last intended, UTC; None: never.
        looks: how often the service's listing was searched for it in vain since then.
        unclear: how often it was submitted, before that, with a fate that never became clear.
    """

    run_id: str
    shard: str
    attempt: int
    tag: str
    device: str
    estimated_seconds: float
    most_seconds: int
    batch: str | None
    payload: str | None
    intended: str | None
    looks: int
    unclear: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRow:
    """A job that the service has.

    Attributes:
        remote_id: the service's id.
        run_id, shard, attempt: what it was submitted for.
        kept: 1 for the one whose result counts; 0 for a double, which is cancelled.
        state: as the service last told, in our words.
        charged_seconds: None until the service tells.
        found: when we got to know it, UTC.
        ended_at: when we got to know that it ended, UTC.
        settled: when we got to know what it is charged, UTC.
        fetches: results that could not be used.
    """

    remote_id: str
    run_id: str
    shard: str
    attempt: int
    kept: int
    state: str
    charged_seconds: float | None
    found: str
    ended_at: str | None
    settled: str | None
    fetches: int

    @property
    def ended(self) -> bool:
        """Whether the service is done with it."""
        return self.state in _ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Processor time that a submission has cost or may yet cost.

    Attributes:
        run_id: its run.
        state: of its job.
        charged: (seconds, when it became known) of each job that the service has charged.
        open_seconds: the most that may be charged on top of it.
        planned_seconds: as much of that as is for a submission that is yet to be made.
    """

    run_id: str
    state: str
    charged: tuple[tuple[float, str], ...]
    open_seconds: float
    planned_seconds: float


class HardwareLedger(Ledger):
    """The ledger with what submissions to a service need; the same file.

    Every change is one durable transaction that also writes its event.
    """

    def plan_submission(
        self, job: JobRow, *, device: str, estimated_seconds: float, most_seconds: int
    ) -> None:
        """Write what a planned job will ask for, with a tag of its own; nothing if it is there."""
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO submissions (run_id, shard, attempt, tag, device, "
                "estimated_seconds, most_seconds) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*job.key, f"hexmagic:{uuid.uuid4()}", device, estimated_seconds, most_seconds),
            )

    def submission(self, job: JobRow) -> SubmissionRow | None:
        """Return what a job asks for."""
        row = self._one(f"SELECT * FROM submissions WHERE {_THIS_JOB}", *job.key)
        return None if row is None else SubmissionRow(**row)

    def submissions(self, run_id: str) -> list[SubmissionRow]:
        """Return what the jobs of a run ask for."""
        rows = self._all("SELECT * FROM submissions WHERE run_id = ? ORDER BY rowid", run_id)
        return [SubmissionRow(**row) for row in rows]

    def intend(self, job: JobRow, *, batch: str | None, payload: str, detail: str) -> JobRow:
        """Write that a job is about to be submitted; durable when this returns."""
        with self._transaction():
            self._db.execute(
                f"UPDATE submissions SET batch = ?, payload = ?, intended = ?, "
                f"unclear = unclear + (looks > 0), looks = 0 WHERE {_THIS_JOB}",
                (batch, payload, self._clock(), *job.key),
            )
            return self._step(job, "intended", detail)

    def count_look(self, job: JobRow) -> int:
        """Write that the listing was searched in vain; return how often now."""
        with self._transaction():
            self._db.execute(f"UPDATE submissions SET looks = looks + 1 WHERE {_THIS_JOB}", job.key)
        row = self.submission(job)
        return row.looks if row else 0

    def was_not_accepted(
        self, job: JobRow, *, before: SubmissionRow, sent: bool, detail: str
    ) -> JobRow:
        """Write that a submission was not accepted: what was known before its intent holds again.

        Args:
            job: as it was intended.
            before: what it asked for before the intent.
            sent: whether anything was sent, so that it is waited for as if it were listed late.
            detail: of the event.
        """
        with self._transaction():
            last_sent = self._clock() if sent else before.intended
            self._db.execute(
                f"UPDATE submissions SET intended = ?, looks = ?, unclear = ? WHERE {_THIS_JOB}",
                (last_sent, before.looks, before.unclear, *job.key),
            )
            return self._step(self._step(job, "unknown", detail), "planned", detail)

    def plan_again(self, job: JobRow, *, detail: str) -> JobRow:
        """Write a person's word that a parked job is to be submitted again."""
        with self._transaction():
            return self._step(job, "planned", detail)

    def adopt(self, job: JobRow, remote: RemoteJob, *, detail: str) -> JobRow:
        """Write which of the service's jobs a job is; it is submitted then."""
        with self._transaction():
            self._write_remote(job, remote, kept=1)
            return self._step(job, "submitted", detail)

    def add_double(self, job: JobRow, remote: RemoteJob, *, detail: str) -> None:
        """Write that the service has one more job for the same submission."""
        with self._transaction():
            self._write_remote(job, remote, kept=0)
            self._event(*job.key, from_state=job.state, to_state=job.state, detail=detail)

    def keep(self, job: JobRow, remote_id: str, *, detail: str) -> None:
        """Write that another of the service's jobs for a submission is the one that counts."""
        with self._transaction():
            self._db.execute(
                f"UPDATE remote_jobs SET kept = (remote_id = ?) WHERE {_THIS_JOB}",
                (remote_id, *job.key),
            )
            self._event(*job.key, from_state=job.state, to_state=job.state, detail=detail)

    def unheard(self) -> list[JobRow]:
        """Return jobs that ended with more submissions than the service is known to have."""
        rows = self._all(
            "SELECT jobs.* FROM jobs JOIN submissions USING (run_id, shard, attempt) "
            "WHERE jobs.state IN ('done', 'failed', 'cancelled') AND intended IS NOT NULL "
            "AND 1 + unclear > (SELECT COUNT(*) FROM remote_jobs AS r WHERE r.run_id = jobs.run_id "
            "AND r.shard = jobs.shard AND r.attempt = jobs.attempt)"
        )
        return [JobRow(**row) for row in rows]

    def remotes(self, run_id: str) -> list[RemoteRow]:
        """Return every job that the service is known to have for a run."""
        rows = self._all("SELECT * FROM remote_jobs WHERE run_id = ? ORDER BY rowid", run_id)
        return [RemoteRow(**row) for row in rows]

    def remotes_of(self, job: JobRow) -> list[RemoteRow]:
        """Return every job that the service is known to have for one attempt."""
        return [r for r in self.remotes(job.run_id) if (r.shard, r.attempt) == job.key[1:]]

    def unsettled(self) -> list[RemoteRow]:
        """Return the jobs, of any run, whose charge is unknown and whose result nobody waits for.

        They ended, are doubles, or what they were submitted for has ended without them.
        """
        ended = "IN ('done', 'failed', 'cancelled')"
        rows = self._all(
            "SELECT remote_jobs.* FROM remote_jobs JOIN jobs USING (run_id, shard, attempt) "
            f"WHERE charged_seconds IS NULL AND (kept = 0 OR remote_jobs.state {ended} "
            f"OR jobs.state {ended}) ORDER BY remote_jobs.rowid"
        )
        return [RemoteRow(**row) for row in rows]

    def update_remote(self, remote: RemoteJob) -> None:
        """Write what the service tells of a job that it is known to have."""
        with self._transaction():
            self._db.execute(
                "UPDATE remote_jobs SET state = ? WHERE remote_id = ?", (remote.state, remote.id)
            )
            if remote.state in _ENDED:
                self._db.execute(
                    "UPDATE remote_jobs SET ended_at = ? WHERE remote_id = ? AND ended_at IS NULL",
                    (self._clock(), remote.id),
                )
            if remote.charged_seconds is not None and remote.state in _ENDED:
                self._db.execute(
                    "UPDATE remote_jobs SET charged_seconds = ?, settled = ? "
                    "WHERE remote_id = ? AND settled IS NULL",
                    (remote.charged_seconds, self._clock(), remote.id),
                )

    def most_seconds(self, row: RemoteRow) -> float:
        """Return after how many seconds the service was told to stop a job."""
        this = (row.run_id, row.shard, row.attempt)
        (asked,) = self._all(f"SELECT most_seconds FROM submissions WHERE {_THIS_JOB}", *this)
        return float(asked["most_seconds"])

    def charge_most(self, row: RemoteRow) -> float:
        """Count a job whose charge the service does not tell with the most; return it."""
        this = (row.run_id, row.shard, row.attempt)
        most = self.most_seconds(row)
        with self._transaction():
            self._db.execute(
                "UPDATE remote_jobs SET charged_seconds = ?, settled = ? WHERE remote_id = ?",
                (most, self._clock(), row.remote_id),
            )
            self._event(*this, to_state="", detail=f"charge not told; counted as {most:g} s")
        return most

    def count_fetch(self, remote_id: str) -> int:
        """Write that a result could not be used; return how often now."""
        with self._transaction():
            self._db.execute(
                "UPDATE remote_jobs SET fetches = fetches + 1 WHERE remote_id = ?", (remote_id,)
            )
        row = self._one("SELECT fetches FROM remote_jobs WHERE remote_id = ?", remote_id)
        return int(row["fetches"]) if row else 0

    def posts_since(self, time: str, now: str) -> int:
        """Return how many submissions were intended from a time until now, of all runs."""
        row = self._one(
            "SELECT COUNT(*) AS posts FROM events JOIN submissions USING (run_id, shard, attempt) "
            "WHERE to_state = 'intended' AND time BETWEEN ? AND ?",
            time,
            now,
        )
        return int(row["posts"]) if row else 0

    def claims(self) -> list[Claim]:
        """Return what every submission of every run has cost or may yet cost."""
        remotes: dict[tuple[str, str, int], list[RemoteRow]] = {}
        for row in self._all("SELECT * FROM remote_jobs"):
            remote = RemoteRow(**row)
            remotes.setdefault((remote.run_id, remote.shard, remote.attempt), []).append(remote)
        rows = self._all(
            "SELECT submissions.*, jobs.state, jobs.changed FROM submissions "
            "JOIN jobs USING (run_id, shard, attempt)"
        )
        return [
            _claim(row, remotes.get((row["run_id"], row["shard"], row["attempt"]), []))
            for row in rows
        ]

    def _write_remote(self, job: JobRow, remote: RemoteJob, *, kept: int) -> None:
        now = self._clock()
        ended = now if remote.state in _ENDED else None
        self._db.execute(
            "INSERT INTO remote_jobs (remote_id, run_id, shard, attempt, kept, state, found, "
            "ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (remote.id, *job.key, kept, remote.state, now, ended),
        )


def _claim(row: dict[str, object], remotes: Sequence[RemoteRow]) -> Claim:
    """Return the claim of a submission: one whose fate is unclear may cost its whole time.

    One whose fate was not known when its job ended counts with all of it, at that time.
    """
    most, state = float(str(row["most_seconds"])), str(row["state"])
    known = [r for r in remotes if r.charged_seconds is not None]
    pending = len(remotes) - len(known)
    unclear = int(str(row["unclear"])) + bool(state == "planned" and row["looks"])
    charged = tuple((r.charged_seconds or 0.0, r.settled or r.found) for r in known)
    if state not in _ENDED:
        pending += max(0, unclear - max(0, len(remotes) - 1)) + (not remotes)
    else:
        sent = unclear + bool(remotes or (state == "cancelled" and row["looks"]))
        charged += ((most, str(row["changed"])),) * max(0, sent - len(remotes))
    return Claim(
        run_id=str(row["run_id"]),
        state=state,
        charged=charged,
        open_seconds=pending * most,
        planned_seconds=most if state == "planned" and not remotes else 0.0,
    )
