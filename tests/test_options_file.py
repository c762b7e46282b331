"""The configuration file of the command: its keys are the options themselves, the command line wins, and faults are named."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from cbc_screen.cli import main
from cbc_screen.commands.options_file import options_file_of
from cbc_screen.errors import UsageError
from cbc_screen.vocabulary import DefinitionId, ExitCode
from test_terminal import COMMANDS

TABLE = "age,sex,Hb,PLT,Sample\n61 y,F,7.9,31,s1\n45 y,M,15.3,238,s2\n"


@pytest.fixture(autouse=True)
def _a_nightly_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export.csv").write_text(TABLE)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def write(text: str, name: str = "cbc-screen.toml") -> None:
    Path(name).write_text(text)


JOB = """
[scan]
source = ["export.csv"]
units = {hemoglobin = "g/dL", platelets = "10^9/L"}
columns = {hemoglobin = "Hb"}
keep = "Sample"
out = "flags.csv"
summary = "summary.json"
max-rejects = 0.5
workers = 1
force = true
"""


def test_a_nightly_job_is_one_word() -> None:
    write(JOB)
    done = run("scan")
    assert done.exit_code == 0, done.output
    assert "cbc-screen: options from cbc-screen.toml" in done.stderr
    told = json.loads(Path("summary.json").read_text())
    assert (told["analytes"]["hemoglobin"]["used"], told["analytes"]["platelets"]["used"]) == (2, 2)
    assert told["options_file"] == "cbc-screen.toml"
    assert json.loads(Path("flags.csv.manifest.json").read_text())["options_file"] == "cbc-screen.toml"
    assert "s1" in Path("flags.csv").read_text()


def test_the_same_typed_gives_the_same_flags() -> None:
    write(JOB)
    assert run("scan").exit_code == 0
    typed = [
        "export.csv", "--units", "hemoglobin=g/dL", "--units", "platelets=10^9/L", "--columns", "hemoglobin=Hb",
        "--keep", "Sample", "-o", "typed.csv", "--no-config",
    ]  # fmt: skip
    done = run("scan", *typed)
    assert (done.exit_code, done.stderr) == (0, "")
    assert Path("typed.csv").read_bytes() == Path("flags.csv").read_bytes()
    manifests = [json.loads(Path(f"{name}.csv.manifest.json").read_text()) for name in ("typed", "flags")]
    assert manifests[0]["options_file"] is None
    assert manifests[0]["options"] == manifests[1]["options"]


def test_the_command_line_wins() -> None:
    write('[scan]\nsource = "nowhere.csv"\ndefinition = "mds"\ngrading = "who_2011"\n')
    told = json.loads(run("scan", "export.csv", "--definition", "strict", "--units", "si", "--json").stdout)
    assert (told["definition"], told["grading"]) == ("strict", "who_2011")


def test_no_config_leaves_it_out_and_config_names_another() -> None:
    write('[scan]\ndefinition = "mds"\n')
    write('[scan]\ndefinition = "strict"\n', "other.toml")
    for more, definition, file in (
        ((), "mds", "cbc-screen.toml"),
        (("--no-config",), "reference", None),
        (("--config", "other.toml"), "strict", "other.toml"),
    ):
        told = json.loads(run("scan", "export.csv", "--json", *more).stdout)
        assert (told["definition"], told["options_file"]) == (definition, file)
    done = run("scan", "export.csv", "--config", "other.toml", "--no-config")
    assert (done.exit_code, "not both" in done.output) == (2, True)
    done = run("scan", "export.csv", "--config", "nowhere.toml")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "nowhere.toml cannot be read" in done.output


def test_a_file_of_a_folder_above_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sees it: it would change answers in silence."""
    write('[scan]\ndefinition = "mds"\n')
    Path("below").mkdir()
    monkeypatch.chdir("below")
    told = json.loads(run("scan", "../export.csv", "--json").stdout)
    assert (told["definition"], told["options_file"]) == ("reference", None)


def test_a_file_that_says_nothing_of_the_command_is_not_named() -> None:
    write('[scan]\ndefinition = "mds"\n')
    done = run("version")
    assert (done.exit_code, done.stderr) == (0, "")


def test_pyproject_has_it_under_tool() -> None:
    write('[project]\nname = "x"\n[tool.cbc-screen.scan]\ndefinition = "mds"\n', "pyproject.toml")
    told = json.loads(run("scan", "export.csv", "--json").stdout)
    assert (told["definition"], told["options_file"]) == ("mds", "pyproject.toml")
    assert json.loads(run("scan", "export.csv", "--json", "--config", "pyproject.toml").stdout)["definition"] == "mds"


@pytest.mark.parametrize(
    "text", ['[project]\nname = "x"\n', "not = [toml", "tool = 3\n", '[tool]\ncbc-screen = "no"\n']
)
def test_a_pyproject_of_others_is_not_ours_to_find_faults_in(text: str) -> None:
    write(text, "pyproject.toml")
    assert run("version").exit_code == 0
    assert run("version", "--config", "pyproject.toml").exit_code == 2


def test_two_files_are_one_too_many() -> None:
    write('[scan]\ndefinition = "mds"\n')
    write('[tool.cbc-screen.scan]\ndefinition = "strict"\n', "pyproject.toml")
    done = run("scan", "export.csv")
    assert (done.exit_code, done.output.count("\n")) == (2, 1)
    assert "cbc-screen.toml" in done.output
    assert "pyproject.toml" in done.output
    told = json.loads(run("scan", "export.csv", "--json", "--config", "pyproject.toml").stdout)
    assert told["definition"] == "strict"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[scan]\nunitz = 'us'\n", "cbc-screen.toml: [scan] 'unitz' is no option of scan; did you mean units?"),
        ("[scan]\nage_unit = 'y'\n", "[scan] 'age_unit' is no option of scan; did you mean age-unit?"),
        ("[scan]\n--age-unit = 'y'\n", "[scan] '--age-unit' is no option of scan; did you mean age-unit?"),
        ("[scna]\nunits = 'us'\n", "[scna] is no command; did you mean [scan]? (cbc-screen --help"),
        ("[ranges.verfy]\nset = 'mayo'\n", "[ranges.verfy] is no command; did you mean [verify]? (cbc-screen ranges --help"),
        ("[follow]\nresume = true\n", "[follow] 'resume' is no option of follow"),
        ("units = 'us'\n", "'units' stands under no command; write it under one, such as [scan]"),
        ("[ranges]\nset = 'mayo'\n", "'ranges.set' stands under no command; write it under one, such as [ranges.list]"),
        ("scan = 'export.csv'\n", "'scan' is a command; write its options under [scan]"),
        ("[scan]\nforce = 'yes'\n", "[scan] force: must be true or false"),
        ("[scan]\nforce = 1\n", "[scan] force: must be true or false"),
        ("[scan]\nworkers = '2'\n", "[scan] workers: must be a whole number"),
        ("[scan]\nworkers = true\n", "[scan] workers: must be a whole number"),
        ("[scan]\nmax-rejects = '0.1'\n", "[scan] max-rejects: must be a number"),
        ("[scan]\nage-unit = 3\n", "[scan] age-unit: must be a text in quotes"),
        ("[scan]\nage-unit = ['y']\n", "[scan] age-unit: must be a text in quotes"),
        ("[scan]\nkeep = 3\n", "[scan] keep: must be a text, or a list of texts"),
        ("[scan]\nkeep = {a = 'b'}\n", "[scan] keep: must be a text, or a list of texts"),
        ("[scan]\nunits = {a = 3}\n", 'or a table of NAME = "VALUE"'),
        ("[scan]\nconfig = 'x.toml'\n", "[scan] 'config' is no option of scan"),
        ("[scan]\nmax-rejects = 7\n", "[scan] max-rejects: 7.0 is not in the range"),
        ("[scan]\nformat = 'cvs'\n", "[scan] format: 'cvs' is not one of"),
        ("[scan\n", "cbc-screen.toml: not TOML at line 1, column 6; write KEY = VALUE under [COMMAND]"),
        ("[scan]\nforce = true\nforce = true\n", "cbc-screen.toml: not TOML at line 3"),
        ("x = " + "[" * 5_000, "cbc-screen.toml: not TOML"),
    ],
)  # fmt: skip
def test_what_no_command_has_is_refused_with_file_key_and_the_nearest_word(text: str, says: str) -> None:
    """Also where another command is run: what is wrong at night should be seen at once."""
    write(text)
    done = run("scan", "export.csv")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr
    if "[scan] max-rejects: 7.0" not in says and "[scan] format" not in says:
        assert says in run("version").stderr


def test_not_utf8_a_folder_and_a_pipe_are_one_line(tmp_path: Path) -> None:
    Path("cbc-screen.toml").write_bytes(b"[scan]\nkeep = '\xff'\n")
    assert "not UTF-8" in run("version").stderr
    Path("cbc-screen.toml").unlink()
    Path("cbc-screen.toml").mkdir()
    assert "cannot be read" in run("version").stderr
    Path("cbc-screen.toml").rmdir()
    os.mkfifo("cbc-screen.toml")
    done = run("version")
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)


def test_every_option_and_argument_of_every_command_may_stand_in_it() -> None:
    """Derived from the commands: there is no second list that could lack one."""
    for name, command in COMMANDS.items():
        lines = [f"[{name.replace(' ', '.')}]"]
        for param in command.params:
            if param.name in ("config", "no_config"):
                continue
            words = [word[2:] for word in param.opts if word.startswith("--")]
            key = words[0] if isinstance(param, click.Option) else param.name
            number = isinstance(param.type, click.types.IntParamType | click.types.FloatParamType)
            several = param.multiple or param.nargs == -1
            flag = isinstance(param, click.Option) and param.is_flag
            value = "true" if flag else "1" if number else '["x"]' if several else '"x"'
            lines.append(f"{key} = {value}")
        write("\n".join(lines))
        found = options_file_of(main, None)
        assert found is not None
        assert found.values[name].keys() == {p.name for p in command.params} - {"config", "no_config"}


def test_help_shows_what_the_command_has_whatever_the_file_says() -> None:
    write("[scan]\nunitz = 1\n")
    assert run("scan", "--help").exit_code == 0


def test_what_a_file_lacks_is_asked_for_as_ever() -> None:
    write("[compare]\nold = 'flags.parquet'\n")
    done = run("compare")
    assert (done.exit_code, "Missing argument 'NEW'" in done.output) == (2, True)
    write("[grade]\nanalyte = 'platelets'\nvalue = '24'\nunit = '10^9/L'\n")
    assert json.loads(run("grade", "--json").stdout)["analyte"] == "platelets"
    assert json.loads(run("grade", "hemoglobin", "79", "g/L", "--json").stdout)["analyte"] == "hemoglobin"


def test_a_broken_off_scan_goes_on_whether_its_options_were_typed_or_read() -> None:
    """They are the same options: the journal knows them, and not where they stood."""
    write(JOB)
    assert run("scan").exit_code == 0
    flags = Path("flags.csv").read_bytes()
    assert run("scan", "--resume").exit_code == 0
    assert Path("flags.csv").read_bytes() == flags


def test_python_reads_no_file(tmp_path: Path) -> None:
    import cbc_screen as cbc

    write('[scan]\ndefinition = "mds"\n')
    assert cbc.scan("export.csv").definition == "reference"


def test_a_file_is_read_for_a_command_of_a_group(tmp_path: Path) -> None:
    write('[ranges.show]\nanalyte = "hemoglobin"\nsex = "F"\n')
    rows = json.loads(run("ranges", "show", "--json").stdout)["rows"]
    assert {row["sex"] for row in rows} <= {"F", "any"}


def test_a_value_that_no_scheme_has_is_refused_as_on_the_command_line() -> None:
    write('[scan]\ndefinition = "strictest"\n')
    done = run("scan", "export.csv")
    assert done.exit_code == 2
    assert "did you mean strict?" in done.stderr
    assert "strict" in DefinitionId.__args__


def test_unknown_group_is_an_error_of_the_file() -> None:
    write("[nothing.at.all]\nx = 1\n")
    with pytest.raises(UsageError, match="no command"):
        options_file_of(main, None)


PAGE = Path(__file__).resolve().parents[1] / "docs" / "command.md"


def test_the_page_shows_a_file_that_is_taken() -> None:
    (shown,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    write(shown)
    found = options_file_of(main, None)
    assert found is not None
    assert found.values.keys() == {"scan", "follow", "ranges verify"}
    assert found.values["scan"]["max_cannot_tell"] == 0.2


def test_the_page_has_every_exit_code() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)}
    assert told == {int(code) for code in ExitCode}
