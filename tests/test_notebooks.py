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
    # Le, PLoS One 2016;11(11):e0166635: 5.6 %; 4.0 % in 2003-2004. QuickStats, MMWR 2018;67(42): men and women of 65 to 74.
    for published in ("grade 1 or more: 5.60 % of 41,803 people", "2003-2004: 4.0 %", "men: 7.4 %", "women: 7.6 %"):
        assert any(published in text for text in shown), published


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_says_what_to_doubt_and_that_it_is_no_diagnosis(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert "What to doubt" in text
    assert len(NOTEBOOKS) >= 6
    assert "/work" not in text
    assert "shared" not in text


def outputs_of(cells: list[str], folder: Path) -> list[dict[str, Any]]:
    """Run cells in a kernel and return what they show."""
    import nbformat

    book = nbformat.v4.new_notebook()
    book.cells += [nbformat.v4.new_code_cell(cell) for cell in cells]
    nbformat.write(book, folder / "cells.ipynb")
    return [output for cell in run(str(folder / "cells.ipynb"), folder)["cells"] for output in cell["outputs"]]


def test_a_scan_shows_its_progress_in_a_cell_and_leaves_none(tmp_path: Path) -> None:
    """While it runs the cell has a bar; a notebook that is kept holds no time of one run."""
    cells = [
        "import IPython.display, cbc_screen as cbc\n"
        "seen = []\n"
        "update = IPython.display.DisplayHandle.update\n"
        "IPython.display.DisplayHandle.update = lambda self, shown: (seen.append(shown.data), update(self, shown))",
        "with open('export.csv', 'w') as file:\n"
        "    file.write('age,sex,HGB (g/dL)\\n' + '54 y,F,9.1\\n' * 20000)\n"
        "with cbc.ProgressBar() as progress:\n"
        "    cbc.scan('export.csv', 'flags.parquet', progress=progress)",
        "print(seen[0].split('>')[0].split(' value')[0], seen[-1] == '')",
    ]
    shown = outputs_of(cells, tmp_path)
    assert "".join(shown[-1]["text"]) == '<progress max="1" True\n'
    assert ["".join(output["data"]["text/html"]) for output in shown if "data" in output] == [""]


def test_a_figure_is_shown_once(tmp_path: Path) -> None:
    cells = [
        "import cbc_screen as cbc\nflags = cbc.screen_frame(cbc.sample())",
        "cbc.plot_cohort(flags)",
        "cbc.prevalence(flags).plot()",
        "cbc.plot_ranges('hemoglobin', sex='F');",
    ]
    pictures = [output for output in outputs_of(cells, tmp_path) if "image/png" in output.get("data", {})]
    assert len(pictures) == 3
