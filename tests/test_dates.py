"""Dates: one reader at every door; a text that only begins with a date is none."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.normalize.dates import DateSpan, in_iso, parse_date
from cbc_screen.vocabulary import Reason

DAY = datetime.date(2024, 1, 15)
# Read as 15 January 2024: the day, with or without a time of day and its zone.
READ = (
    "2024-01-15", "20240115", " 2024-01-15 ", "2024-01-15T08:30", "2024-01-15 08:30:00", "2024-01-15T08:30:00.123456789Z",
    "2024-01-15T08:30:00+05:30", "2024-01-15T23:59:60Z", "2024-01-15 08:30:00 UTC", "2024-01-15 08:30 EST",
    "2024-01-15T08:30+01:00[Europe/Berlin]", "2024-01-15 8:30:00 AM", "2024-01-15 12:05 p.m.", "2024-01-15T08", "2024-01-15Z",
    "2024-01-15+01:00", "2024-01-14T24:00:00", "2024011508", "202401150830", "20240115083000.0000-0500", "20240115083000-500",
    "20240115T083000Z", "20240115 08:30", "20240115.0", "２０２４-01-15",
)  # fmt: skip
# A date with something else, no date of the calendar, or one whose meaning depends on who wrote it.
REFUSED = (
    "2024-01-15 to 2030-01-01", "2024-01-15 (approx)", "2024-01-15?", "2024-01-15/2024-02-01", "20240115 20250101", "2024-01-15 or 16",
    "2024-01-15T99:99", "2024-01-15T08:60", "2024-01-15T25:00", "2024-01-15T24:01", "2024-01-15T08:30:00 approx", "2024-01-15 2030",
    "2024-01-15T08:30:00+25:00", "2024-01-15 13:30 PM", "2024-01-15 -", "2024-01-15T", "2024-01-15-16", "2024-01-15-2030",
    "2024-13-01", "2024-02-30", "2023-02-29", "2024-00-10", "2024-01-00", "0000-00-00", "2024-0115", "202401-15", "2024-1-15",
    "45306", "45306.0", "45306.5", "240115", "150124", "202401", "01/15/24", "15.01.24", "15/01/2024", "1705276800", "1612121212",
    "circa 2024-01-15", "~2024-01-15", "-2024-01-15", "2024-01-15x", "2024-01-15 2024-01-15", "Jan 2024", "2024-015", "2024-W03-1",
    "1900-01-01", "1900-01-01 00:00:00", "19000101", "1899-12-30", "1753-01-01T00:00:00", "0001-01-01", "0001", "9999-12-31", "9999",
    "99991231235959", "x" * 300, "2024-01-15" + " " * 5 + "x",
)  # fmt: skip


# The year first, or a month by its name in whatever language: the order of day and month can be told.
TOLD = (
    "15-Jan-2024", "15 January 2024", "15JAN2024", "Jan 15, 2024", "January 15 2024 10:30 PM", "2024-Jan-15", "2024/01/15", "2024/1/15",
    "2024.01.15", "2024. 1. 15.", "2024/01/15 08:30:00", "2024年1月15日", "2024년 1월 15일 08:30", "15 января 2024 г.", "15. Januar 2024",
    "15 de enero de 2024", "15-janv.-2024", "15-Jan-2024 08:30", "Mon, 15 Jan 2024 08:30:00 GMT", "15 ocak 2024",
)  # fmt: skip
# A year of another calendar, a month that is November in one language and October in another, two digits for a year.
NOT_TOLD = (
    "15-Jan-24",
    "15/01/2024",
    "01/15/2024",
    "2567/01/15",
    "1402/10/25",
    "32-Jan-2024",
    "15 foo 2024",
    "15 Jan",
    "2024-Jan",
    "15 lis 2024",
    "15 listopad 2024",
    "15 lip 2024",
    "15-srp-2024",
)


@pytest.mark.parametrize("text", TOLD)
def test_a_day_whose_month_can_be_told(text: str) -> None:
    assert parse_date(text) == (DateSpan(DAY, DAY), None)


@pytest.mark.parametrize("text", NOT_TOLD)
def test_a_day_that_cannot_be_told(text: str) -> None:
    assert parse_date(text) == (None, Reason.DATE_UNREADABLE)


def test_a_format_for_each_column(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(
        "birth date,collection date,sex,HGB (g/L)\n03/04/2020,2024-04-02 09:15,F,112\n03/04/2020,2024-04-03 09:15,F,112\n",
        encoding="utf-8",
    )
    formats = {"birth_date": "%d/%m/%Y"}
    frame = pd.read_csv(tmp_path / "in.csv")
    for own in (formats, {**formats, "collected_at": "%Y-%m-%d"}):  # a time may stand behind a declared day
        cbc.scan(tmp_path / "in.csv", tmp_path / "out.csv", date_format=own, detail=True, force=True)
        flags = pd.read_csv(tmp_path / "out.csv")
        assert not flags["reasons"].str.contains("age|DATE").any()
        assert list(cbc.screen_frame(frame, date_format=own)["red_line"]) == list(flags["red_line"])
    with pytest.raises(UsageError, match="date_format"):
        cbc.screen_frame(frame, date_format={"date": "%d/%m/%Y"})


@pytest.mark.parametrize("text", READ)
def test_a_day_may_have_a_time_of_day_and_a_zone_behind_it(text: str) -> None:
    assert parse_date(text) == (DateSpan(DAY, DAY), None)


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_unreadable(text: str) -> None:
    assert parse_date(text) == (None, Reason.DATE_UNREADABLE)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024", "2024-01-01", "2024-12-31"), ("1941.0", "1941-01-01", "1941-12-31"), ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-12", "2023-12-01", "2023-12-31"),
    ],
)  # fmt: skip
def test_a_month_or_a_year_is_a_span(text: str, first: str, last: str) -> None:
    span = DateSpan(datetime.date.fromisoformat(first), datetime.date.fromisoformat(last))
    assert parse_date(text) == (span, None)


@pytest.mark.parametrize("text", [None, "", " ", "-", "NA", "n/a", "NaT", "null", "None", "<NA>", "\\N", pd.NaT])
def test_nothing_is_no_date_and_no_fault(text: Any) -> None:
    assert parse_date(text) == (None, None)


@pytest.mark.parametrize(
    ("text", "given", "day"),
    [
        ("15/01/2024", "%d/%m/%Y", DAY), ("15/01/24", "%d/%m/%y", DAY), ("15/01/2024 to 2030", "%d/%m/%Y", None), ("01/01/1900", "%d/%m/%Y", None),
        ("2024-01-15", "%d/%m/%Y", None), ("30/02/2024", "%d/%m/%Y", None),
    ],
)  # fmt: skip
def test_a_declared_format_is_all_of_the_text(text: str, given: str, day: datetime.date | None) -> None:
    assert parse_date(text, given) == (
        (DateSpan(day, day, short_year="%y" in given), None) if day else (None, Reason.DATE_UNREADABLE)
    )


@pytest.mark.parametrize(
    "value",
    [
        DAY, datetime.datetime(2024, 1, 15, 23, 59), pd.Timestamp("2024-01-15 08:30"), pd.Timestamp("2024-01-15 00:30", tz="Asia/Tokyo"),
        np.datetime64("2024-01-15"), np.datetime64("2024-01-15T08:30:00.000000001"), 20240115, 20240115.0,
    ],
)  # fmt: skip
def test_a_date_that_is_no_text(value: Any) -> None:
    assert parse_date(value) == (DateSpan(DAY, DAY), None)


@pytest.mark.parametrize(
    "value",
    [
        datetime.date(1900, 1, 1),
        datetime.datetime(1, 1, 1),
        pd.Timestamp("1900-01-01"),
        45306,
        45306.5,
        True,
        datetime.date.max,
    ],
)
def test_a_placeholder_or_a_day_number_is_unreadable_whatever_its_type(value: Any) -> None:
    assert parse_date(value) == (None, Reason.DATE_UNREADABLE)


@given(st.text(max_size=40) | st.integers() | st.floats() | st.datetimes() | st.dates())
def test_any_value_is_a_span_or_a_reason(value: Any) -> None:
    span, reason = parse_date(value)
    assert span is None or (reason is None and span.first <= span.last)


@given(
    st.dates(datetime.date(1800, 1, 2), datetime.date(2300, 1, 1)),
    st.text(alphabet=" tTzZ0123456789:/-?().+abc", max_size=12),
)
def test_what_stands_behind_a_day_never_moves_it(day: datetime.date, behind: str) -> None:
    span, _ = parse_date(f"{day}{behind}")
    assert span is None or span.first in (day, day + datetime.timedelta(days=1))  # hour 24 is the next day


# The same at every door: born 1970-01-02, so 54 y; where the date cannot be read, no age


BORN = "1970-01-02"
PERSON = {"sex": "F", "hemoglobin": "119 g/L"}


def reasons_at_every_door(collected: str, folder: Path) -> list[str]:
    """Return the reasons of one count of 15 January 2024 as record, frame, CSV, messages and resources."""
    record = {**PERSON, "birth_date": BORN, "collected_at": collected}
    found = [str(cbc.screen(record).flags()["reasons"])]
    frame = pd.DataFrame({"birth date": [BORN], "collection date": [collected], "sex": ["F"], "HGB (g/L)": [119]})
    found.append(str(cbc.screen_frame(frame)["reasons"][0]))
    frame.to_csv(folder / "export.csv", index=False)
    obx = "OBX|1|NM|718-7^Hb^LN||119|g/L|||||F"
    message = (
        f"MSH|^~\\&|L|H|||20240102||ORU^R01|1|P|2.5\rPID|1||900^^^H||X||{BORN}|F\rOBR|1||1|CBC|||{collected}\r{obx}\r"
    )
    (folder / "a.hl7").write_text(message, encoding="utf-8")
    resources: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": BORN},
        {
            "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
            "subject": {"reference": "Patient/p"}, "effectiveDateTime": collected, "valueQuantity": {"value": 119, "unit": "g/L"},
        },
    ]  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in resources]}
    (folder / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    for name in ("export.csv", "a.hl7", "bundle.json"):
        cbc.scan(folder / name, folder / "flags.ndjson", force=True)
        (line,) = (folder / "flags.ndjson").read_text(encoding="utf-8").splitlines()
        found.append(str(json.loads(line)["reasons"]))
    return found


@pytest.mark.parametrize("text", READ[:12])
def test_a_date_is_read_alike_at_every_door(text: str, tmp_path: Path) -> None:
    assert not any("age:" in reasons for reasons in reasons_at_every_door(text.strip(), tmp_path))


@pytest.mark.parametrize(
    "text",
    ["2024-01-15 to 2030-01-01", "2024-01-15?", "2024-13-01", "45306", "240115", "1900-01-01", "2024-01-15T99:99"],
)
def test_what_is_no_date_is_unreadable_at_every_door(text: str, tmp_path: Path) -> None:
    assert all("age:DATE_UNREADABLE" in reasons for reasons in reasons_at_every_door(text, tmp_path))


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.date64(), pa.timestamp("s"), pa.timestamp("ms", tz="America/New_York"), pa.timestamp("us", tz="UTC"), pa.timestamp("ns"),
     pa.timestamp("ns", tz="Asia/Tokyo")],
    ids=str,
)  # fmt: skip
def test_typed_columns_of_dates_with_and_without_a_zone(tmp_path: Path, kind: pa.DataType) -> None:
    """Turned 18 on 15 January 2024 in the zone of the column: 17 y the day before."""
    zone = getattr(kind, "tz", None)
    taken = [pd.Timestamp("2024-01-14 23:30", tz=zone), pd.Timestamp("2024-01-15 00:30", tz=zone)]
    days = pa.array([one.date() for one in taken]) if pa.types.is_date(kind) else pa.array(taken, type=kind)
    born = pa.array(["2006-01-15"] * 2)
    table = pa.table({"birth_date": born, "collected_at": days, "sex": ["F"] * 2, "hemoglobin": ["119 g/L"] * 2})
    pq.write_table(table, tmp_path / "export.parquet")
    cbc.scan(tmp_path / "export.parquet", tmp_path / "flags.parquet", received=True)
    years = [cbc.screen_again(tmp_path / "flags.parquet", row).person.years for row in (1, 2)]
    assert years == [(17, 17), (18, 18)]
    frame = pl_frame(table)
    assert not any("age:" in reasons for reasons in cbc.screen_frame(frame)["reasons"])


def pl_frame(table: pa.Table) -> Any:
    import polars as pl

    return pl.from_arrow(table)


def test_nanoseconds_in_a_zone_do_not_move_the_day(tmp_path: Path) -> None:
    moment = pa.array(
        [pd.Timestamp("2024-01-15 00:30:00.000000001", tz="Asia/Tokyo")], type=pa.timestamp("ns", tz="Asia/Tokyo")
    )
    table = pa.table({"birth_date": ["2006-01-15"], "collected_at": moment, "sex": ["F"], "hemoglobin": ["119 g/L"]})
    pq.write_table(table, tmp_path / "export.parquet")
    cbc.scan(tmp_path / "export.parquet", tmp_path / "flags.parquet", received=True)
    assert cbc.screen_again(tmp_path / "flags.parquet", 1).person.years == (18, 18)


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("01-Mar-2024", "2024-03-01"), ("2024/03/01 21:05", "2024-03-01T21:05:00"), ("2024/03/01 9:05 PM", "2024-03-01T21:05:00"),
        ("2024/03/01 12:05 AM", "2024-03-01T00:05:00"), ("01-Mar-2024 9:05:07", "2024-03-01T09:05:07"),
        ("01-Mar-2024 9:05 p.m.", "2024-03-01T21:05:00"), ("01-Mar-2024 9:05pm", "2024-03-01T21:05:00"),
        # a zone, no time of day, no day
        ("01-Mar-2024 09:05Z", None), ("01-Mar-2024 09:05 EST", None), ("01-Mar-2024 09:05 AM EST", None), ("01-Mar-2024 09:05 PM UTC", None), ("2024/03/01 9:05+01:00", None), ("2024/03/01 24:00", None), ("30-Feb-2024", None),
        ("2024/13/01", None), ("03/04/2024", None),
    ],
)  # fmt: skip
def test_a_day_in_words_has_one_text_for_one_moment(text: str, iso: str | None) -> None:
    assert in_iso(text) == iso
