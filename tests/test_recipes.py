"""Each recipe of CONTRIBUTING.md, followed step by step in a copy of the data."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge.library import Knowledge
from cbc_screen.knowledge.load import build_knowledge

ROOT = Path(__file__).resolve().parents[1]
RECIPES = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.M | re.S))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "reference_ranges", tmp_path / "reference_ranges"))


def block(recipe: str, kind: str) -> str:
    (found,) = re.findall(rf"```{kind}\n(.*?)```", RECIPES[recipe], flags=re.S)
    return found


def line(recipe: str, starts: str) -> str:
    """Return the text in backticks that begins so."""
    (found,) = (text for text in re.findall(r"`([^`\n]+)`", RECIPES[recipe]) if text.startswith(starts))
    return found


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + f"\n{text}\n", encoding="utf-8")


def header(path: Path) -> str:
    return path.read_text(encoding="utf-8").partition("\n")[0]


def built(data: Path) -> Knowledge:
    return build_knowledge(data, check_hashes=False)


def test_a_set_of_reference_ranges(data: Path) -> None:
    recipe = "A set of reference ranges"
    append(data / "sources.csv", line(recipe, "my_paper,"))
    append(data / "intervals/sets.yaml", f"  {line(recipe, '- {id: my_set')}")
    text = f"{header(data / 'intervals/ummc.csv')}\n{block(recipe, 'csv')}"
    (data / "intervals/my_set.csv").write_text(text, encoding="utf-8")
    assert [(row.sex, row.lower, row.upper) for row in built(data).interval_sets["my_set"].rows] == [
        ("F", 118, 152),
        ("M", 133, 168),
    ]


def test_a_condition(data: Path) -> None:
    recipe = "A condition of the checklist"
    (data / "checklist/my_condition.yaml").write_text(block(recipe, "yaml"), encoding="utf-8")
    append(data / "starting_tiers.csv", line(recipe, "my_condition,"))
    assert "my_condition" in {condition.id for condition in built(data).conditions}


def test_the_check_of_one_condition(tmp_path: Path) -> None:
    text = block("A condition of the checklist", "yaml")
    own = tmp_path / "my_condition.yaml"
    own.write_text(text, encoding="utf-8")
    found = CliRunner().invoke(main, ["ranges", "check", str(own)])
    assert (found.exit_code, "known_for_months +2" in found.output, "starting_tiers.csv" in found.output) == (
        0,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("finding: cytopenia_under_4_weeks", "finding: cytopenia_for_a_while", "my_condition.yaml:17: finding"),
        ("rank: 1\n", "rank: 58\n", "my_condition.yaml:5: rank"),
        ("source: project}\nnext", "source: nowhere}\nnext", "my_condition.yaml:24: source"),
        ("points: 2", "points: 2.5", "my_condition.yaml:10: points"),
    ],
)
def test_a_fault_of_one_condition_has_its_line_and_key(tmp_path: Path, right: str, wrong: str, said: str) -> None:
    text = block("A condition of the checklist", "yaml")
    assert right in text
    (tmp_path / "my_condition.yaml").write_text(text.replace(right, wrong, 1), encoding="utf-8")
    found = CliRunner().invoke(main, ["ranges", "check", str(tmp_path / "my_condition.yaml")])
    assert (found.exit_code, said in found.output) == (2, True), found.output


def test_a_scheme(data: Path) -> None:
    recipe = "A grading scheme"
    text = f"{header(data / 'grading/daids_v2_1.csv')}\n{block(recipe, 'csv')}"
    (data / "grading/my_scheme.csv").write_text(text, encoding="utf-8")
    append(data / "grading/schemes.yaml", f"  {line(recipe, '- {id: my_scheme')}")
    assert built(data).scheme("my_scheme").version == "1"


def test_a_language(data: Path) -> None:
    recipe = "A language"
    (data / "names/xx.yaml").write_text(block(recipe, "yaml"), encoding="utf-8")
    with pytest.raises(KnowledgeError, match="languages: are not those of names/: xx"):
        built(data)
    append(data / "languages.yaml", f"  {line(recipe, 'xx: {')}")
    knowledge = built(data)
    assert knowledge.languages.of(["Sekso XX", "Hemoglobinu XX"]) == ("xx",)
    assert knowledge.names.analytes["hemoglobinu xx"] == {"hemoglobin"}


COUNTER = """#counter
age ; sex ; HGB (g/dL) ; NEUT# (10^9/L) ; PLT (10^9/L)
61 y ; F ; 7.93 ; 0.647 ; 31
61 y ; F ; 7.93
45 y ; M ; 15.31 ; 4.17 ; CLUMPED
45 y ; M ; - ; - ; -
"""
READ_BACK = """
import json, sys
import cbc_screen as cbc
from click.testing import CliRunner
from cbc_screen.cli import main
from cbc_screen.source import FileFormat
whole, damaged, flags, rejects = sys.argv[1:]
summary = cbc.scan(whole, flags, rejects)
found = cbc.read_flags(flags)
try:
    cbc.read(damaged)
except cbc.UsageError as problem:
    refused = str(problem)
commands = [CliRunner().invoke(main, ["scan", path, "--format", "counter"]) for path in (whole, damaged)]
print(json.dumps({
    "account": [summary.rows_in, summary.screened, summary.rejects], "refused": refused,
    "patterns": list(found["pattern"]), "reasons": list(found["reasons"]), "rows": [int(row) for row in found["row"]],
    "read": len(cbc.read(whole)), "exits": [done.exit_code for done in commands],
    "said": commands[1].output, "code": cbc.__file__,
}))
"""


def above(path: Path, anchor: str, text: str) -> None:
    """Write lines above the one line that holds the anchor, as far in as that."""
    lines = path.read_text(encoding="utf-8").splitlines()
    (place,) = (number for number, own in enumerate(lines) if anchor in own)
    blanks = lines[place][: len(lines[place]) - len(lines[place].lstrip())]
    lines[place:place] = [blanks + own for own in text.splitlines()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_a_reader(tmp_path: Path) -> None:
    """Followed in a copy of the code, and run there as a user would."""
    recipe = "A reader"
    shutil.copytree(ROOT / "reference_ranges", tmp_path / "reference_ranges")
    code = Path(shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__")))
    package = code / "cbc_screen"
    (package / "ingest/counter.py").write_text(block(recipe, "python"), encoding="utf-8")
    above(package / "vocabulary.py", 'CCDA = "ccda"', line(recipe, "COUNTER = "))
    source = package / "source.py"
    text = source.read_text(encoding="utf-8")
    (formats,) = re.findall(r"^FileFormat = Literal\[[^\]]*\]", text, re.MULTILINE)
    source.write_text(text.replace(formats, formats.removesuffix("]") + ', "counter"]'), encoding="utf-8")
    above(package / "ingest/detect.py", "if start.startswith(_FOREIGN)", line(recipe, "if start.startswith("))
    above(package / "ingest/open.py", "case Format.CSV:", line(recipe, "case Format.COUNTER:"))
    above(package / "ingest/open.py", "import CSVSource", "from cbc_screen.ingest.counter import CounterSource")
    whole, damaged = tmp_path / "list.txt", tmp_path / "cut.txt"
    whole.write_text(COUNTER, encoding="utf-8")
    damaged.write_text(COUNTER[:9], encoding="utf-8")
    files = [str(path) for path in (whole, damaged, tmp_path / "flags.parquet", tmp_path / "rejects.csv")]
    done = subprocess.run(
        [sys.executable, "-c", READ_BACK, *files],
        cwd=tmp_path,
        env={"PYTHONPATH": str(code), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["code"].startswith(str(code))
    assert found["account"] == [4, 2, {"ROW_RAGGED": 1, "NO_RESULT": 1}]
    assert (found["patterns"], found["rows"]) == (["pancytopenia", "cannot_tell"], [3, 5])
    assert found["reasons"] == ["", "platelets:SPECIMEN_SUSPECT"]
    assert found["read"] == 3
    assert "61 y ; F ; 7.93" in (tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines()[1]
    # What is damaged is one line that says what to do, and nothing of a person is in it.
    assert found["refused"] == "cut.txt: the file of the counter is cut short or not UTF-8; export it again"
    assert found["exits"] == [0, 2]
    assert found["said"].count("\n") == 1
    assert not {"7.93", "0.647"} & set(re.findall(r"[\d.]+", found["said"]))


def test_every_file_that_a_recipe_names_is_there() -> None:
    named = re.findall(
        r"`((?:src|tests|tools|docs|ingest|intervals|grading|names|checklist)/[\w./*]+)`", "".join(RECIPES.values())
    )
    made = {
        "intervals/my_set.csv",
        "checklist/my_condition.yaml",
        "grading/my_scheme.csv",
        "names/xx.yaml",
        "ingest/counter.py",
    }
    for name in set(named) - made:
        assert any((root / name).exists() for root in (ROOT, ROOT / "src/cbc_screen", ROOT / "reference_ranges")), name
    assert yaml.safe_load(block("A language", "yaml"))["language"] == "xx"
