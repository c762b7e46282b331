"""Signs of progress on a terminal, on standard error, and none elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


class ProgressBar:
    """A progress bar on a terminal, where it is to be shown, and nothing elsewhere."""

    def __init__(self, what: str = "rows", *, shown: bool = True) -> None:
        self._what, self._shown = what, shown

    def __enter__(self) -> Callable[[int, float], None] | None:
        self._bar: Any = None
        if not self._shown or not _is_terminal():
            return None
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("{task.fields[rows]:,} " + self._what),
            BarColumn(),
            TextColumn("{task.fields[rate]:,.0f} " + self._what + "/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()
        task = self._bar.add_task("scan", total=1.0, rows=0, rate=0.0)
        began, last = time.monotonic(), 0.0

        def update(rows: int, share: float) -> None:
            nonlocal began, last
            if share < last:  # a second task: the worklist after the scan
                began = time.monotonic()
            last = share
            rate = rows / max(time.monotonic() - began, 1e-6)
            self._bar.update(task, completed=share, rows=rows, rate=rate)

        return update

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()


@contextmanager
def waiting(what: str, *, shown: bool = True) -> Iterator[None]:
    """Show on a terminal that something of unknown length is under way."""
    if not shown or not _is_terminal():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
