"""Progress for people, on standard error: a bar on a terminal, a plain line now and then else."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from .engine import Progress
from .shards import Shard

SECONDS_BETWEEN_LINES = 5.0


class NoProgress:
    """Says nothing."""

    def advance(self, shard: Shard) -> None:
        """Ignore it."""


class PlainProgress:
    """Writes a line at most every five seconds, and one at the end."""

    def __init__(
        self, total: int, stream: TextIO, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._total = total
        self._stream = stream
        self._clock = clock
        self._taken = 0
        self._started = self._last = clock()

    def advance(self, shard: Shard) -> None:
        """Count a shard's shots and perhaps write a line."""
        self._taken += shard.shots
        now = self._clock()
        if now - self._last >= SECONDS_BETWEEN_LINES or self._taken == self._total:
            self._last = now
            seconds = now - self._started
            text = f"{self._taken} of {self._total} shots after {seconds:.0f} s"
            print(text, file=self._stream, flush=True)


@contextmanager
def show_progress(total: int, stream: TextIO) -> Iterator[Progress]:
    """Yield what to tell of every finished shard of a run of `total` shots."""
    if not stream.isatty():
        yield PlainProgress(total, stream)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("shots"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("shots", total=total)

        class RichProgress:
            def advance(self, shard: Shard) -> None:
                bar.advance(task, shard.shots)

        yield RichProgress()


@contextmanager
def share_progress(title: str) -> Iterator[Callable[[float], None]]:
    """Yield what to tell, on standard error, the share of the work that is done, in [0, 1]."""
    if not sys.stderr.isatty():
        yield _share_lines(title)
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(title), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=1.0)
        yield lambda share: bar.update(task, completed=share)


def _share_lines(title: str) -> Callable[[float], None]:
    last = time.monotonic()

    def tell(share: float) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            print(f"{title}: {share:.0%}", file=sys.stderr, flush=True)

    return tell
