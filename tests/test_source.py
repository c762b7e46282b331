"""One description of a source: the same in Python, in the options of the command and in a profile file."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import get_args

import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge
from cbc_screen.source import FileFormat, SourceOptions
from cbc_screen.vocabulary import AUTO, DefinitionId, Format, SchemeId

EXPORT = "# laboratory\nAlter;SX;HB;WBC;PLT\n54;2;9,1;2,0;20\n30;1;15,0;6,0;250\n"
FIELDS: SourceOptions = {
    "columns": {"hemoglobin": "HB", "sex": "SX"},
    "units": "us",
    "age_unit": "y",
    "sex_codes": {"1": "M", "2": "F"},
    "decimal": ",",
    "delimiter": ";",
    "encoding": "latin-1",
    "language": "de",
    "skip_lines": 1,
}  # fmt: skip
PROFILE = (
    "id: own\ntitle: own\nshape: wide\nsource: a list\ncolumns: {hemoglobin: HB, sex: SX}\nunits: {system: us}\nage_unit: y\n"
    'sex_codes: {"1": M, "2": F}\ndecimal: ","\ndelimiter: ";"\nencoding: latin-1\nlanguage: de\nskip_lines: 1\n'
    "format: csv\naccept_units: [platelets]\n"
)
OPTIONS = [
    "--columns", "hemoglobin=HB", "--columns", "sex=SX", "--units", "us", "--age-unit", "y", "--sex-codes", "1=M",
    "--sex-codes", "2=F", "--decimal", ",", "--delimiter", ";", "--encoding", "latin-1", "--language", "de",
    "--skip-lines", "1",
]  # fmt: skip


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_text(EXPORT, encoding="latin-1")
    return path


def test_options_a_description_a_profile_and_the_command_say_the_same(export: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PROFILE, encoding="utf-8")
    flags = [tmp_path / f"{name}.csv" for name in ("options", "source", "profile", "command")]
    cbc.scan(export, flags[0], **FIELDS)
    cbc.scan(cbc.Source(export, **FIELDS), flags[1])
    cbc.scan(export, flags[2], profile=str(tmp_path / "own.yaml"))
    done = CliRunner().invoke(main, ["scan", str(export), "-o", str(flags[3]), *OPTIONS])
    assert done.exit_code == 0
    texts = {path.read_text(encoding="utf-8") for path in flags}
    assert len(texts) == 1
    assert list(pd.read_csv(flags[0])["red_line"]) == ["low", "not_low"]


def test_what_the_caller_says_stands_before_what_the_profile_says(export: Path, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PROFILE.replace("skip_lines: 1", "skip_lines: 0"), encoding="utf-8")
    profile = str(tmp_path / "own.yaml")
    with pytest.raises(cbc.UsageError, match="no column reads"):
        cbc.scan(export, profile=profile)
    assert cbc.scan(export, profile=profile, skip_lines=1).screened == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("decimal: x", "decimal"), ("thousands: x", "thousands"), ("language: german", "language"),
        ("format: doc", "format"), ("accept_units: [plt]", "accept_units"), ("skip_lines: 1.5", "skip_lines"),
    ],
)  # fmt: skip
def test_a_fault_of_a_profile_names_file_and_key(export: Path, tmp_path: Path, line: str, says: str) -> None:
    key = line.partition(":")[0]
    kept = "\n".join(own for own in PROFILE.splitlines() if not own.startswith(f"{key}:"))
    (tmp_path / "own.yaml").write_text(f"{kept}\n{line}\n", encoding="utf-8")
    with pytest.raises(cbc.KnowledgeError, match=says) as caught:
        cbc.scan(export, profile=str(tmp_path / "own.yaml"))
    assert "own.yaml" in str(caught.value)


def test_a_table_of_persons_lies_beside_the_profile_that_names_it(tmp_path: Path) -> None:
    folder = tmp_path / "profiles"
    folder.mkdir()
    (folder / "own.yaml").write_text(
        "id: own\ntitle: own\nshape: long\nsource: s\npersons_file: persons.csv\npersons: {person: id, birth_date: born, sex: sex}\n"
        "columns: {person: id, name: test, value: value, unit: unit, collected_at: time}\n",
        encoding="utf-8",
    )
    (folder / "persons.csv").write_text("id,born,sex\n1,1970-01-01,F\n", encoding="utf-8")
    (tmp_path / "results.csv").write_text("id,test,value,unit,time\n1,HGB,70,g/L,2024-01-01\n", encoding="utf-8")
    summary = cbc.scan(tmp_path / "results.csv", profile=str(folder / "own.yaml"))
    assert (summary.persons, summary.reasons.get("sex:SEX_MISSING")) == ({"in_results": 1, "found": 1}, None)


def test_an_option_that_is_none_is_refused_and_the_one_meant_is_named(export: Path) -> None:
    frame = pd.DataFrame({"HGB (g/dL)": [9]})
    for call in (
        lambda: cbc.scan(export, sex_code={"1": "M"}),
        lambda: cbc.read(export, sex_code={"1": "M"}),
        lambda: cbc.audit(frame, sex_code={"1": "M"}),
        lambda: cbc.screen_frame(frame, sex_code={"1": "M"}),
        lambda: cbc.Screener().scan(export, sex_code={"1": "M"}),
        lambda: cbc.Source().with_options(sex_code={"1": "M"}),
    ):
        with pytest.raises(cbc.UsageError, match="'sex_code' is not an option; did you mean sex_codes"):
            call()
    with pytest.raises(cbc.UsageError, match="did you mean definition"):
        cbc.screen({}, definitions="mds")


def test_the_frame_that_goes_in_is_the_kind_that_comes_out() -> None:
    lab = cbc.Source(units="us", age_unit="y", columns={"hemoglobin": "X"})
    data = {"age": [54], "sex": ["F"], "X": [7.0]}
    for frame in (pd.DataFrame(data), pl.DataFrame(data), pl.DataFrame(data).to_arrow()):
        flags = cbc.screen_frame(frame, lab)
        assert type(flags) is type(frame)
        assert str(flags["red_line"][0]) == "low"


def test_spellings_and_units_of_a_source_stand_before_those_of_a_screener() -> None:
    screener = cbc.Screener(units="si", unit_spellings={"je Feld": "10^9/L"})
    frame = pd.DataFrame({"age": ["54 y"], "sex": ["F"], "HGB": [9.1], "PLT": [20], "platelets_unit": ["im Feld"]})
    flags = screener.screen_frame(frame, units="us", unit_spellings={"im Feld": "10^9/L"})
    assert list(flags[["red_line", "platelet_line"]].iloc[0]) == ["low", "low"]


def test_a_frame_is_described_and_has_no_file() -> None:
    with pytest.raises(cbc.UsageError, match="no file is named"):
        cbc.scan(cbc.Source(units="us"))


def test_words_of_the_types_are_those_of_the_data() -> None:
    knowledge = load_knowledge()
    assert set(get_args(DefinitionId)) == knowledge.definitions.keys()
    assert set(get_args(SchemeId)) == knowledge.schemes.keys()
    assert get_args(FileFormat) == (AUTO, *(kind.value for kind in Format))
    assert set(SourceOptions.__annotations__) == {own.name for own in fields(cbc.Source)} - {"files"}


def test_columns_of_the_file_are_left_out_of_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("age,sex,Ery [T/l],HGB (g/dL)\n40 y,F,4.5,13.1\n", encoding="utf-8")
    lab = cbc.Source(str(tmp_path / "e.csv"), columns={"rbc": "Ery [T/l]"})
    read = cbc.read(lab)
    assert list(cbc.screen_frame(read, lab)["rbc_state"]) == ["within"]  # the same description holds of both
    with pytest.raises(
        cbc.UsageError, match=r"rbc=Ery \[T/l\]: there is no such column; 'rbc' is there, as read\(\) writes it"
    ):
        cbc.screen_frame(pd.DataFrame(read.to_dict("list")), lab)  # a frame that read() did not return
