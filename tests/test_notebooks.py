"""The notebooks under examples/ run, and show what they were committed with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "examples"
SURVEY = "6_nhanes_prevalence.ipynb"  # needs the survey's files
NOTEBOOKS = sorted(path.name for path in FOLDER.glob("*.ipynb"))
# Runs a notebook and prints it, in a process of its own: a kernel and its sockets are none of this one's.
RUN = (
    "import sys, nbformat, nbclient\n"
    "book = nbformat.read(sys.argv[1], as_version=4)\n"
    "resources = {'metadata': {'path': sys.argv[2]}}\n"
    "nbclient.NotebookClient(book, timeout=120, kernel_name='python3', resources=resources).execute()\n"
    "print(nbformat.writes(book))\n"
)
# What is another one each time: where a file lies, and which port is free.
CHANGING = re.compile(r"/tmp/\S+|127\.0\.0\.1:\d+|<style.*?</style>", re.DOTALL)


def run(name: str, folder: Path, **environment: str) -> dict[str, Any]:
    """Run a notebook in a folder of its own, and return it."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(FOLDER / name), str(folder)],
        capture_output=True, text=True, env={**os.environ, **environment}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def texts(book: dict[str, Any]) -> list[str]:
    """Return what the cells print and give back, as plain text."""
    found = []
    for cell in book["cells"]:
        for output in cell.get("outputs", ()):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            found.append(CHANGING.sub("...", "".join(text)))
    return found


@pytest.mark.parametrize("name", [name for name in NOTEBOOKS if name != SURVEY])
def test_a_notebook_shows_what_it_was_committed_with(name: str, tmp_path: Path) -> None:
    committed = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    assert texts(run(name, tmp_path)) == texts(committed)


def test_the_survey_gives_the_published_prevalence(shared: Path, tmp_path: Path) -> None:
    committed = json.loads((FOLDER / SURVEY).read_text(encoding="utf-8"))
    shown = texts(run(SURVEY, tmp_path, NHANES=str(shared / "data" / "nhanes_cbc")))
    assert shown == texts(committed)
    assert any("grade 1 or more: 5.60 % of 41,803 people" in text for text in shown)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_says_what_to_doubt_and_that_it_is_no_diagnosis(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert "What to doubt" in text
    assert len(NOTEBOOKS) >= 6
    assert "/work" not in text
    assert "shared" not in text
