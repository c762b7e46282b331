"""Signs of progress in a notebook and on a terminal (on standard error), and none elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

_BETWEEN = 0.25  # seconds: each sign is a message to the browser


def _in_notebook() -> bool:
    """Tell whether a kernel runs this: only where IPython is loaded already."""
    found = sys.modules.get("IPython")
    shell = found.get_ipython() if found is not None else None
    return shell is not None and hasattr(shell, "kernel")


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


class ProgressBar:
    """A progress bar in a notebook and on a terminal, and nothing elsewhere.

    Parameters
    ----------
    what : str
        What is counted.
    shown : bool
        Whether it is to be shown at all.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> from cbc_screen.demo import write_demo
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> write_demo(folder / "export.csv", ordinary=3)
    >>> with cbc.ProgressBar() as progress:
    ...     _ = cbc.scan(folder / "export.csv", folder / "flags.parquet", progress=progress)
    """

    def __init__(self, what: str = "rows", *, shown: bool = True) -> None:
        self._what, self._wanted = what, shown
        self._bar: Any = None
        self._shown: Any = None

    def __enter__(self) -> Callable[[int, float], None] | None:
        """Show the bar; return what tells it how far the work is, None where nothing is shown."""
        if not self._wanted:
            return None
        if _in_notebook():
            return self._in_cell()
        return self._on_terminal() if _is_terminal() else None

    def _on_terminal(self) -> Callable[[int, float], None]:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        bar = self._bar = Progress(
            TextColumn("{task.fields[rows]:,} " + self._what),
            BarColumn(),
            TextColumn("{task.fields[rate]:,.0f} " + self._what + "/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.start()
        task = bar.add_task("scan", total=1.0, rows=0, rate=0.0)
        return _with_rate(lambda rows, share, rate: bar.update(task, completed=share, rows=rows, rate=rate))

    def _in_cell(self) -> Callable[[int, float], None]:
        ipython: Any = import_module("IPython.display")
        shown = self._shown = ipython.display(ipython.HTML(""), display_id=True)
        last = 0.0

        def update(rows: int, share: float, rate: float) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= _BETWEEN:
                last = now
                told = f"{rows:,} {self._what}, {100 * share:.0f} %, {rate:,.0f} {self._what}/s"
                shown.update(ipython.HTML(f'<progress max="1" value="{share:.3f}"></progress> {told}'))

        return _with_rate(update)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        if self._shown is not None:
            ipython: Any = import_module("IPython.display")
            self._shown.update(ipython.HTML(""))  # a notebook that is kept holds results, and no time of one run


def _with_rate(update: Callable[[int, float, float], None]) -> Callable[[int, float], None]:
    """Return what counts rows a second, anew for a second task: the worklist after the scan."""
    began, last = time.monotonic(), 0.0

    def told(rows: int, share: float) -> None:
        nonlocal began, last
        if share < last:
            began = time.monotonic()
        last = share
        update(rows, share, rows / max(time.monotonic() - began, 1e-6))

    return told


@contextmanager
def waiting(what: str, *, shown: bool = True) -> Iterator[None]:
    """Show on a terminal that something of unknown length is under way."""
    if not shown or not _is_terminal():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield
