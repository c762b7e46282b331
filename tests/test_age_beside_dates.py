"""A stated age beside a date of birth: where the two are more apart than rounding, whose age it is is not known."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.normalize.age import parse_age

CONFLICT = "age:PERSON_CONFLICT"
PERSON = {"sex": "M", "hemoglobin": "12.5 g/dL"}
# Age as stated, born, collected, whether the two contradict each other.
AGES = [
    ("40 y", "2024-01-01", "2024-05-01", True),
    ("54 y", "1970-03-01", "2024-03-01", False),  # 54 on the day
    ("54 y", "1969-03-02", "2024-03-01", False),  # 54 years and eleven months
    ("54 y", "1968-04-01", "2024-03-01", False),  # 55 years and eleven months: told a year before
    ("54 y", "1968-03-01", "2024-03-01", True),  # 56
    ("54 y", "1971-03-01", "2024-03-01", False),  # 53: rounded up
    ("54 y", "1971-03-02", "2024-03-01", True),  # 52
    ("54", "1968-03-01", "2024-03-01", False),  # in no unit: it says nothing
    ("1 y", "2023-11-01", "2024-03-01", False),  # four months, rounded up
    ("1 y", "2024-03-15", "2024-03-20", False),  # the first year of life is the first
    ("0 y", "2022-03-02", "2024-03-01", False),  # 23 months
    ("0 y", "2022-02-01", "2024-03-01", True),  # two years
    ("7 mo", "2023-07-01", "2024-03-01", False),  # eight months
    ("7 mo", "2023-06-01", "2024-03-01", True),  # nine
    ("7 mo", "1984-03-01", "2024-03-01", True),
    ("480 mo", "1983-05-01", "2024-03-01", False),  # a man of forty, in months: a year is rounding
    ("480 mo", "1982-03-01", "2024-03-01", True),
    ("0 mo", "2024-02-01", "2024-03-01", False),  # one month
    ("0 mo", "2023-12-01", "2024-03-01", True),  # three
    ("3 wk", "2024-02-02", "2024-03-01", False),  # 28 days
    ("3 wk", "2024-01-20", "2024-03-01", True),  # 41 days
    ("3 d", "2024-02-26", "2024-03-01", False),  # 4 days
    ("3 d", "2024-02-25", "2024-03-01", True),  # 5 days
    ("36 h", "2024-02-28", "2024-03-01", False),  # two days
    ("36 h", "2024-02-20", "2024-03-01", True),
    ("14610 d", "1983-06-01", "2024-03-01", False),  # forty years and some months
    ("> 89 y", "1930-03-01", "2024-03-01", False),
    ("> 89 y", "1984-03-01", "2024-03-01", True),
    ("< 1 y", "1984-03-01", "2024-03-01", True),
    ("40-49 y", "1980", "2024-03-01", False),
    ("40-49 y", "1960", "2024-03-01", True),
    ("63 y", "1960", "2024-03-01", False),
]


def said(age: str, born: str, taken: str) -> dict[str, str]:
    return {"age": age, "birth_date": born, "collected_at": taken, **PERSON}


@pytest.mark.parametrize(("age", "born", "taken", "conflict"), AGES)
def test_a_record_and_a_frame(age: str, born: str, taken: str, conflict: bool) -> None:
    result = cbc.screen(said(age, born, taken))
    assert (CONFLICT in result.flags()["reasons"]) is conflict
    [row] = cbc.screen_frame(pd.DataFrame([said(age, born, taken)])).to_dict("records")
    assert (CONFLICT in row["reasons"]) is conflict
    assert row["red_line"] == result.flags()["red_line"]


def test_an_age_at_export_keeps_the_answers_of_an_adult() -> None:
    """He was 40 at collection and is 49 now: 100 g/L is low at every age between."""
    record = {**said("49 y", "1984-03-01", "2024-05-01"), "hemoglobin": "100 g/L"}
    result = cbc.screen(record)
    assert (result.flags()["red_line"], result.person.years) == ("low", (40, 49))
    [row] = cbc.screen_frame(pd.DataFrame([record])).to_dict("records")
    assert (row["red_line"], row["reasons"]) == ("low", result.flags()["reasons"])


def test_a_man_of_forty_who_was_born_this_year_may_be_low() -> None:
    result = cbc.screen(said("40 y", "2024-01-01", "2024-05-01"))
    assert result.flags()["red_line"] == "cannot_tell"
    assert cbc.screen(said("40 y", "1984-01-01", "2024-05-01")).flags()["red_line"] == "low"
    assert cbc.screen(said("", "2024-01-01", "2024-05-01")).flags()["red_line"] == "not_low"


@given(
    st.one_of(
        st.builds("{} {}".format, st.integers(0, 110), st.sampled_from(["y", "mo", "wk", "d", "h"])),
        st.builds("{}-{} y".format, st.integers(0, 50), st.integers(50, 60)),
    ),
    st.integers(0, 40_000),
)
def test_columns_say_what_a_record_says(age: str, days: int) -> None:
    taken = datetime.date(2024, 3, 1)
    one = said(age, (taken - datetime.timedelta(days=days)).isoformat(), taken.isoformat())
    [row] = cbc.screen_frame(pd.DataFrame([one])).to_dict("records")
    assert (CONFLICT in row["reasons"]) is (CONFLICT in cbc.screen(one).flags()["reasons"])
    span, _ = parse_age(age, None, 130)
    assert span is not None


HL7 = (
    "MSH|^~\\&|A|B|C|D|20240501||ORU^R01|1|P|2.5.1\rPID|1||77^^^S^MR||X^Y||{born}|M\rOBR|1|o|f|CBC^Blood count|||20240501\r"
    "OBX|1|NM|718-7^Hemoglobin^LN||12.5|g/dL|||||F\rOBX|2|NM|30525-0^Age^LN||{age}|a|||||F\r"
)
TABLES = {
    "wide.csv": "age,birth_date,collected_at,sex,HGB (g/dL)\n{age} y,{born},2024-05-01,M,12.5\n",
    "long.csv": "person,birth_date,age,sex,test,value,unit,collected\n1,{born},{age} y,M,HGB,12.5,g/dL,2024-05-01\n",
    "count.hl7": HL7,
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(("age", "line"), [("40", "cannot_tell"), ("0", "not_low"), ("1", "not_low")])
def test_files_of_every_kind(tmp_path: Path, name: str, age: str, line: str) -> None:
    born = "20240101" if name.endswith("hl7") else "2024-01-01"
    path = tmp_path / name
    path.write_text(TABLES[name].format(age=age, born=born), encoding="utf-8")
    cbc.scan(path, tmp_path / "flags.csv")
    [row] = pd.read_csv(tmp_path / "flags.csv").to_dict("records")
    assert row["red_line"] == line
    assert (CONFLICT in str(row["reasons"])) is (line == "cannot_tell")


def test_a_table_of_persons_with_an_age_of_another_year(tmp_path: Path) -> None:
    """Results over two years, and the age that a person has once: no conflict within a year of it."""
    results = "person,test,value,unit,collected\n" + "".join(
        f"1,HGB,12.5,g/dL,{day}\n" for day in ("2023-07-01", "2024-05-01", "2027-05-01")
    )
    (tmp_path / "results.csv").write_text(results, encoding="utf-8")
    (tmp_path / "persons.csv").write_text("person,birth_date,age,sex\n1,1984-01-01,39 y,M\n", encoding="utf-8")
    cbc.scan(tmp_path / "results.csv", tmp_path / "flags.csv", persons=tmp_path / "persons.csv")
    rows = pd.read_csv(tmp_path / "flags.csv")
    assert [CONFLICT in str(own) for own in rows["reasons"]] == [False, False, True]
