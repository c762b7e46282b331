"""MEDS event streams: results, births and sexes are events of one table."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest

import cbc_screen as cbc

BORN, TAKEN = datetime.datetime(1970, 5, 4), datetime.datetime(2024, 3, 1, 9, 30)
Event = tuple[int, datetime.datetime | None, str, float | None, str | None]
PERSON: list[Event] = [(7, None, "GENDER//F", None, None), (7, BORN, "MEDS_BIRTH", None, None)]


def results(*codes: str) -> list[Event]:
    return [(7, TAKEN, code, value, None) for code, value in zip(codes, (7.9, 0.4, 12.0), strict=True)]


def written(folder: Path, events: list[Event], **columns: list[str | None]) -> Path:
    path = folder / "train" / "0.parquet"
    path.parent.mkdir()
    names = ("subject_id", "time", "code", "numeric_value", "text_value")
    types = {"subject_id": pl.Int64, "time": pl.Datetime("us"), "numeric_value": pl.Float32, "text_value": pl.String}
    frame = pl.DataFrame(events, schema=list(names), orient="row", schema_overrides=types)
    frame.with_columns(**{name: pl.Series(cells, dtype=pl.String) for name, cells in columns.items()}).write_parquet(
        path
    )
    return folder / "**" / "*.parquet"


MIMIC = results("LAB//51222//g/dL", "LAB//52075//K/uL", "LAB//51265//K/uL")
NAMED = results("LAB//Hgb//g/dL", "LAB//ANC//K/mcL", "LAB//platelets x 1000//K/mcL")
OTHERS: list[Event] = [
    (7, TAKEN, "LAB//50912//mg/dL", 1.1, None),
    (7, TAKEN, "DIAGNOSIS//ICD//10//D61.9", None, None),
    (7, TAKEN, "MEDICATION//Platelets//Administered", 300.0, None),
    (7, TAKEN, "PROCEDURE//WBC", 3.0, None),
]


@pytest.mark.parametrize("events", [MIMIC, NAMED])
def test_a_stream_of_events_is_read_as_it_is(tmp_path: Path, events: list[Event]) -> None:
    source, flags = written(tmp_path, [*PERSON, *OTHERS, *events]), tmp_path / "flags.parquet"
    summary = cbc.scan(source, flags, received=True)
    (row,) = cbc.read_flags(flags).to_dict("records")
    assert (row["pattern"], row["reasons"], summary.alarms) == ("pancytopenia", "", ())
    assert summary.results["used"] == 3
    assert cbc.screen_again(flags, int(row["row"])).flags()["pattern"] == "pancytopenia"


def test_codes_of_loinc_with_the_unit_beside_them(tmp_path: Path) -> None:
    events = [*PERSON, *results("LOINC/718-7", "LOINC/751-8", "LOINC/777-3")]
    source = written(tmp_path, events, unit=[None, None, "g/dL", "10*9/L", "10*9/L"])
    assert cbc.scan(source).patterns["pancytopenia"] == 1


def test_a_unit_that_is_not_stated_is_never_guessed(tmp_path: Path) -> None:
    source = written(tmp_path, [*PERSON, *results("LAB//51222//UNK", "LAB//52075//UNK", "LAB//51265//UNK")])
    summary = cbc.scan(source)
    assert summary.patterns["cannot_tell"] == 1
    assert summary.alarms


def test_narrow_numbers_are_the_decimals_they_stand_for(tmp_path: Path) -> None:
    """7.9 of 32 bits is 7.9, and not a little more."""
    source = written(tmp_path, [*PERSON, *MIMIC])
    assert cbc.read(source)["hemoglobin"].to_list() == [7.9]


def test_a_birth_or_a_sex_that_contradicts_is_not_chosen(tmp_path: Path) -> None:
    source, flags = written(tmp_path, [*PERSON, (7, None, "GENDER//M", None, None), *MIMIC]), tmp_path / "f.parquet"
    cbc.scan(source, flags)
    assert "sex:" in cbc.read_flags(flags)["reasons"][0]
