"""The ledger of paid hardware: what may have been asked of a service, and what it has charged."""

from __future__ import annotations

import uuid

from ...backends.remote import REMOTE_ENDED, RemoteJob
from .jobs import JobRow
from .runs import IllegalTransitionError, Ledger
from .submissions import Claim, RemoteRow, SubmissionRow, make_claim

_THIS_JOB = "run_id = ? AND shard = ? AND attempt = ?"


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
            asked = self.submission(job)
            intended = asked.intended if asked else None
            now = self._clock()
            last_sent = max(now, intended or now) if sent else before.intended
            self._db.execute(
                f"UPDATE submissions SET intended = ?, looks = ?, unclear = ? WHERE {_THIS_JOB}",
                (last_sent, before.looks, before.unclear, *job.key),
            )
            return self._step(self._step(job, "unknown", detail), "planned", detail)

    def plan_again(self, job: JobRow, *, intended: str, detail: str) -> JobRow:
        """Write a person's word that a parked job, sent at a time, is to be submitted again."""
        with self._transaction():
            self._db.execute(
                f"UPDATE submissions SET intended = ? WHERE {_THIS_JOB}", (intended, *job.key)
            )
            return self._step(job, "planned", detail)

    def was_sent(
        self, job: JobRow, *, tag: str, intended: str, unclear: int, detail: str
    ) -> JobRow:
        """Write that a job was sent, under a tag; what became of it is unknown.

        Args:
            job: one that is not finished.
            tag: of the submission.
            intended: when it was begun, UTC.
            unclear: how often it was sent before that, with a fate that never became clear.
            detail: of the events.
        """
        with self._transaction():
            self._db.execute(
                "UPDATE submissions SET tag = ?, intended = ?, unclear = MAX(unclear, ?), "
                f"looks = 0 WHERE {_THIS_JOB}",
                (tag, intended, unclear, *job.key),
            )
            if job.state in ("unknown", "submitted"):
                self._event(*job.key, from_state=job.state, to_state=job.state, detail=detail)
                return job
            if job.state == "parked":
                job = self._step(job, "planned", detail)
            if job.state == "planned":
                job = self._step(job, "intended", detail)
            return self._step(job, "unknown", detail)

    def take_back(self, job: JobRow, *, detail: str) -> JobRow:
        """Write that a job which the service had no longer is there again; it is submitted still.

        The only way out of `failed`: it was us who took it for that, not the service.

        Raises:
            IllegalTransitionError: the job is not failed.
        """
        if job.state != "failed":
            raise IllegalTransitionError(f"shard {job.shard}: {job.state}, so it was not gone")
        with self._transaction():
            self._db.execute(
                f"UPDATE jobs SET state = 'submitted', changed = ?, detail = ? WHERE {_THIS_JOB}",
                (self._clock(), detail, *job.key),
            )
            self._event(*job.key, from_state=job.state, to_state="submitted", detail=detail)
            return self._job(job.key)

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
            if remote.state in REMOTE_ENDED:
                self._db.execute(
                    "UPDATE remote_jobs SET ended_at = ? WHERE remote_id = ? AND ended_at IS NULL",
                    (self._clock(), remote.id),
                )
            if remote.charged_seconds is not None and remote.state in REMOTE_ENDED:
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
        (row,) = self._all(
            "SELECT COUNT(*) AS posts FROM events JOIN submissions USING (run_id, shard, attempt) "
            "WHERE to_state = 'intended' AND time BETWEEN ? AND ?",
            time,
            now,
        )
        return int(row["posts"])

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
            make_claim(row, remotes.get((row["run_id"], row["shard"], row["attempt"]), []))
            for row in rows
        ]

    def _write_remote(self, job: JobRow, remote: RemoteJob, *, kept: int) -> None:
        now = self._clock()
        ended = now if remote.state in REMOTE_ENDED else None
        self._db.execute(
            "INSERT INTO remote_jobs (remote_id, run_id, shard, attempt, kept, state, found, "
            "ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (remote.id, *job.key, kept, remote.state, now, ended),
        )
