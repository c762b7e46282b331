"""The command as a process of its own, with its memory capped: what is tested here is meant to fill it."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

HEADER = "id,age,sex,HGB (g/dL),WBC (10^9/L),PLT (10^9/L)\n"
SICK = "a,54 y,F,7.1,2.3,<10\n"
WELL = "b,30 y,M,15.0,6.0,250\n"
COMMAND = [sys.executable, "-m", "cbc_screen.cli"]
_MEMORY = 4 << 30


def table(path: Path, rows: int = 2) -> Path:
    """Write a table of sick and well people in turn."""
    path.write_text(HEADER + "".join((SICK, WELL)[row % 2] for row in range(rows)), encoding="utf-8")
    return path


def capped(more: Callable[[], None] | None = None) -> Callable[[], None]:
    """Return what a process does before it begins."""

    def before() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        if more is not None:
            more()

    return before


def run(
    *arguments: str | Path, before: Callable[[], None] | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end. What is compiled on the way is not kept: a limit on the size of files would cut it short, unseen."""
    own = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    given = {
        "env": own,
        "stdin": subprocess.DEVNULL,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "timeout": 60,
        **more,
    }
    return subprocess.run([*COMMAND, *map(str, arguments)], preexec_fn=capped(before), text=True, check=False, **given)


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """Return the only line of standard error."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("cbc-screen: ")
    return lines[0]


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(os.listdir(folder))
