"""Tables of one result a row that no profile knows: found by their columns, or named by the caller."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.profiles import load_profiles
from cbc_screen.normalize.plain_results import plain_results, with_names_of_persons

RESULTS = [("Hemoglobin", "79", "g/L"), ("Neutrophils", "0.4", "10^9/L"), ("Platelets", "12", "10^9/L")]


def write(path: Path, header: str, rows: list[str], delimiter: str = ",") -> Path:
    path.write_text("\n".join([header, *rows]).replace(",", delimiter) + "\n", encoding="utf-8")
    return path


def flags(source: Path, **options: Any) -> list[dict[str, str]]:
    out = source.with_suffix(".flags.csv")
    cbc.scan(source, out, force=True, **options)
    with out.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "header",
    [
        "Patient ID,DOB,Sex,Collected,Test,Result,Units",
        "SUBJECT_ID,BIRTH_DATE,GENDER,TEST_DATE,ANALYTE,VALUE,UOM",
        "Patientennummer,Geburtsdatum,Geschlecht,Abnahmedatum,Untersuchung,Ergebnis,Einheit",
        "Historia clínica,Fecha de nacimiento,Sexo,Fecha de extracción,Prueba,Resultado,Unidad",
        "患者番号,生年月日,性別,採血日,検査項目,結果,単位",
    ],
)
def test_columns_are_found_in_several_languages(header: str, tmp_path: Path) -> None:
    rows = [f"A{n},19{n}0-05-01,F,2024-03-01,{name},{value},{unit}" for n in (5, 6) for name, value, unit in RESULTS]
    found = flags(write(tmp_path / "long.csv", header, rows))
    assert [(row["pattern"], row["reasons"]) for row in found] == [("pancytopenia", "")] * 2


def test_the_sheet_of_one_person_is_one_count(tmp_path: Path) -> None:
    rows = [f"{name},{value},{unit},," for name, value, unit in RESULTS]
    (row,) = flags(write(tmp_path / "sheet.csv", "Test,Result,Units,Min,Max", rows))
    assert (row["lines_low_min"], row["pattern"]) == ("3", "pancytopenia")


def test_the_history_of_one_person_is_a_count_for_each_day(tmp_path: Path) -> None:
    rows = [f"2024-0{month}-01,{name},{value},{unit}" for month in (3, 4) for name, value, unit in RESULTS]
    assert len(flags(write(tmp_path / "history.csv", "Date,Test,Result,Unit", rows))) == 2


def test_results_that_may_be_of_several_persons_are_refused(tmp_path: Path) -> None:
    rows = ["Hemoglobin,79,g/L", "Hemoglobin,135,g/L"]
    source = write(tmp_path / "mixed.csv", "Test,Result,Unit", rows)
    with pytest.raises(UsageError, match="no column says whose the results are"):
        flags(source)


def test_tables_without_persons_never_share_one(tmp_path: Path) -> None:
    """Two sheets of the same day are of two persons, and of each one result is known."""
    header = "Age,Sex,Date,Test,Result,Unit"
    write(tmp_path / "one.csv", header, ["40 y,F,2024-03-01,Hemoglobin,79,g/L"])
    write(tmp_path / "two.csv", header, ["40 y,F,2024-03-01,Platelets,12,10^9/L"])
    cbc.scan([tmp_path / "one.csv", tmp_path / "two.csv"], tmp_path / "flags.csv")
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        found = [(row["red_line"], row["platelet_line"]) for row in csv.DictReader(file)]
    assert found == [("low", "cannot_tell"), ("cannot_tell", "low")]


@pytest.mark.parametrize("name", ["Sample ID", "Accession Number", "Encounter"])
def test_samples_of_one_day_are_of_several_persons(name: str, tmp_path: Path) -> None:
    rows = ["S1,2024-03-01,F,40 y,Hemoglobin,79,g/L", "S2,2024-03-01,F,40 y,Platelets,12,10^9/L"]
    rows += [",2024-03-01,F,40 y,Neutrophils,0.4,10^9/L"]
    found = flags(write(tmp_path / "samples.csv", f"{name},Date,Sex,Age,Test,Result,Unit", rows))
    lines = [(row["red_line"], row["white_line"], row["platelet_line"]) for row in found]
    unknown = "cannot_tell"
    assert lines[:2] == [("low", unknown, unknown), (unknown, unknown, "low")]
    assert lines[2][0] == lines[2][2] == unknown
    assert len(lines) == 3


def test_the_results_of_one_sample_are_one_count(tmp_path: Path) -> None:
    rows = [f"S{n},2024-03-01,F,40 y,{name},{value},{unit}" for n in (1, 2) for name, value, unit in RESULTS]
    found = flags(write(tmp_path / "samples.csv", "Sample ID,Date,Sex,Age,Test,Result,Unit", rows))
    assert [row["pattern"] for row in found] == ["pancytopenia"] * 2


@pytest.mark.parametrize(("first", "second"), [("F,40 y", "M,40 y"), ("F,40 y", "F,80 y")])
def test_a_table_of_one_person_that_tells_of_two_is_refused(first: str, second: str, tmp_path: Path) -> None:
    rows = [f"2024-03-01,{first},Hemoglobin,79,g/L", f"2024-03-01,{second},Platelets,12,10^9/L"]
    source = write(tmp_path / "two.csv", "Date,Sex,Age,Test,Result,Unit", rows)
    with pytest.raises(UsageError, match="no column says whose the results are"):
        flags(source)


def test_results_of_a_person_without_a_moment_are_one_count_only_where_nothing_contradicts(tmp_path: Path) -> None:
    agreeing = [f"A,F,40 y,{name},{value},{unit}" for name, value, unit in RESULTS]
    header = "Patient,Sex,Age,Test,Result,Unit"
    assert [row["pattern"] for row in flags(write(tmp_path / "a.csv", header, agreeing))] == ["pancytopenia"]
    twice = [*agreeing, "A,F,40 y,Platelets,250,10^9/L"]
    found = flags(write(tmp_path / "b.csv", header, twice))
    assert all(row["pattern"] == "cannot_tell" for row in found)


def test_columns_may_be_named(tmp_path: Path) -> None:
    rows = [f"A,F,40 y,{name},{value},{unit}" for name, value, unit in RESULTS]
    source = write(tmp_path / "own.csv", "who,sex,age,what,how much,in", rows)
    with pytest.raises(UsageError, match="no column reads as a blood count result"):
        flags(source)
    columns = {"person": "who", "name": "what", "value": "how much", "unit": "in"}
    assert [row["pattern"] for row in flags(source, columns=columns)] == ["pancytopenia"]
    with pytest.raises(UsageError, match="needs a column of results"):
        flags(source, columns={"person": "who", "unit": "in"})
    with pytest.raises(UsageError, match="there is no such column"):
        flags(source, columns={**columns, "value": "amount"})


def test_a_table_of_counts_stays_one(tmp_path: Path) -> None:
    """A column called Result or Test beside columns of analytes is a column like any other."""
    source = write(
        tmp_path / "wide.csv", "Test,Result,age,sex,HGB (g/L),PLT (10^9/L),ANC (10^9/L)", ["1,ok,40 y,F,79,12,0.4"]
    )
    assert [row["pattern"] for row in flags(source)] == ["pancytopenia"]


def test_the_draft_of_a_profile_gives_the_same_answers(tmp_path: Path) -> None:
    rows = [f"A{n},19{n}0-05-01,F,2024-03-01,{name},{value},{unit}" for n in (5, 6) for name, value, unit in RESULTS]
    source = write(tmp_path / "long.csv", "Patient ID,DOB,Sex,Collected,Test,Result,Units", rows)
    draft = tmp_path / "draft.yaml"
    said = CliRunner().invoke(main, ["profile", str(source), "-o", str(draft)])
    assert said.exit_code == 0, said.output
    assert flags(source, profile=str(draft)) == flags(source)


def test_profile_takes_the_options_of_scan() -> None:
    options = {option for param in main.commands["profile"].params for option in param.opts}
    scanning = {option for param in main.commands["scan"].params for option in param.opts}
    of_the_source = {
        "--columns", "--age-unit", "--sex-codes", "--pregnancy-codes", "--decimal", "--thousands", "--date-format", "--encoding",
        "--delimiter", "--format", "--profile", "--persons", "--skip-lines", "--sheet", "--units", "--unit-spelling",
    }  # fmt: skip
    assert of_the_source <= options & scanning


@pytest.mark.parametrize("kind", ["csv", "ndjson", "hl7", "astm", "fhir"])
def test_format_takes_its_documented_values(kind: str, tmp_path: Path) -> None:
    said = CliRunner().invoke(main, ["scan", str(tmp_path / "nothing"), "--format", kind])
    assert "the source 'nothing' does not exist" in said.output


def test_a_column_of_what_is_no_part_of_a_result_is_refused() -> None:
    with pytest.raises(cbc.UsageError, match=r"^columns: 'analyte' is no part of a result; there are person, "):
        plain_results(load_knowledge(), ["Test", "Result"], {"analyte": "Test"})


@pytest.mark.parametrize(
    ("own", "header", "found"),
    [
        # A birth date is told: an age and its unit beside it are left to nobody.
        ({"birth_date": ("Born",)}, ["Who", "Born", "Age", "Gender"], {"sex": "Gender"}),
        # The column that the profile names for it is not there: the one that is, is taken.
        ({"birth_date": ("Born",)}, ["Who", "Age", "Gender"], {"age": "Age", "sex": "Gender"}),
        ({"sex": ("Sex coded",)}, ["Who", "DOB", "Sex coded", "Gender"], {"birth_date": "DOB"}),
        # What is no part of a person is not taken from a table of persons.
        ({}, ["Who", "DOB", "Gender", "Collected", "Hemoglobin"], {"birth_date": "DOB", "sex": "Gender"}),
    ],
)
def test_a_table_of_persons_adds_what_its_profile_has_not(
    own: dict[str, tuple[str, ...]], header: list[str], found: dict[str, str]
) -> None:
    knowledge = load_knowledge()
    profile = replace(load_profiles(knowledge)["omop_5_4"], persons={"person": ("Who",), **own})
    expected = {"person": ("Who",), **own, **{name: (column,) for name, column in found.items()}}
    assert with_names_of_persons(knowledge, profile, header).persons == expected
