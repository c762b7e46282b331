"""Years of two digits: a birth is never after collection, and nobody is older than people become."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc

FORMAT = "%m/%d/%y"
# Born, collected, age as stated, the age in years that it may be, the reason.
BIRTHS = [
    ("01/13/30", "5/1/24", None, (94, 94), None),  # 1930: 2030 is after collection
    ("07/04/68", "5/1/24", None, (55, 55), None),
    ("07/04/69", "5/1/24", None, (54, 54), None),
    ("05/02/24", "5/1/24", None, (99, 99), None),  # the day after collection, a hundred years before
    ("05/02/74", "5/1/24", None, (49, 49), None),  # 1874 would be 149: nobody is
    ("05/01/14", "5/1/24", None, (10, 10), None),  # 1914 would be 110 on that day
    ("05/02/14", "5/1/24", None, (9, 109), "AGE_APPROXIMATE"),  # and 109 the day before the birthday
    ("05/02/14", "5/1/24", "9 y", (9, 9), None),
    ("01/13/24", "5/1/24", None, (0, 100), "AGE_APPROXIMATE"),
    ("01/13/24", "5/1/24", "100 y", (100, 100), None),
    ("01/13/24", "5/1/24", "3 mo", (0, 0), None),
    ("01/13/24", "5/1/24", "40 y", (0, 100), "PERSON_CONFLICT"),
    ("01/13/30", "5/1/24", "94 y", (94, 94), None),
    ("02/29/00", "5/1/24", None, (24, 24), None),  # 1900 had no such day
    ("01/13/30", "5/1/70", None, (40, 40), None),
    ("soon", "5/1/24", None, None, "DATE_UNREADABLE"),
]


def said(born: str, taken: str, age: str | None) -> dict[str, str | None]:
    return {"age": age, "birth_date": born, "collected_at": taken, "sex": "M", "hemoglobin": "12.5 g/dL"}


@pytest.mark.parametrize(("born", "taken", "age", "years", "reason"), BIRTHS)
def test_a_record_and_a_frame(
    born: str, taken: str, age: str | None, years: tuple[int, int] | None, reason: str | None
) -> None:
    frame = pd.DataFrame([said(born, taken, age)])
    result = cbc.explain(frame, 0, date_format=FORMAT)  # as a record, whose flags must be those of the row
    assert result.person.years == years
    told = [own for own in result.flags()["reasons"].split(";") if own.startswith("age:")]
    assert told == ([f"age:{reason}"] if reason is not None else [])
    [row] = cbc.screen_frame(frame, date_format=FORMAT).to_dict("records")
    assert (row["reasons"], row["red_line"]) == (result.flags()["reasons"], result.flags()["red_line"])


def test_a_man_of_a_hundred_is_no_infant_in_silence() -> None:
    """125 is low in a man (130) and within in an infant."""
    births = ["01/13/24", "01/13/30", "02/28/05"]
    frame = pd.DataFrame([said(born, "5/1/24", None) for born in births])
    flags = cbc.screen_frame(frame, date_format=FORMAT)
    assert list(flags["red_line"]) == ["cannot_tell", "low", "low"]


@pytest.mark.parametrize("written", ["%d.%m.%y", "%d%m%y", {"birth_date": "%d.%m.%y", "collected_at": "%Y-%m-%d"}])
def test_other_formats_in_files(tmp_path: Path, written: str | dict[str, str]) -> None:
    mark = "" if written == "%d%m%y" else "."
    taken = "2024-05-01" if isinstance(written, dict) else f"01{mark}05{mark}24"
    births = [f"13{mark}01{mark}{year}" for year in ("30", "24", "85")]
    rows = "".join(f"{born},{taken},M,12.5\n" for born in births)
    (tmp_path / "wide.csv").write_text(f"birth_date,collected_at,sex,HGB (g/dL)\n{rows}", encoding="utf-8")
    cbc.scan(tmp_path / "wide.csv", tmp_path / "flags.csv", date_format=written)
    assert list(pd.read_csv(tmp_path / "flags.csv")["red_line"]) == ["low", "cannot_tell", "low"]
    long = "".join(f"{n},{born},M,HGB,12.5,g/dL,{taken}\n" for n, born in enumerate(births))
    (tmp_path / "long.csv").write_text(f"person,birth_date,sex,test,value,unit,collected\n{long}", encoding="utf-8")
    profile = tmp_path / "own.yaml"
    formats = "\n".join(f"  {name}: '{own}'" for name, own in written.items()) if isinstance(written, dict) else ""
    profile.write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\ncolumns: {person: person, birth_date: birth_date, sex: sex, name: test, "
        "value: value, unit: unit, collected_at: collected}\n"
        + (f"date_format:\n{formats}\n" if formats else f"date_format: '{written}'\n"),
        encoding="utf-8",
    )
    cbc.scan(tmp_path / "long.csv", tmp_path / "flags.csv", profile=str(profile), force=True)
    assert list(pd.read_csv(tmp_path / "flags.csv")["red_line"]) == ["low", "cannot_tell", "low"]
    frame = cbc.read(tmp_path / "wide.csv", date_format=written)
    again = cbc.screen_frame(frame, date_format=written)
    assert list(again["red_line"]) == ["low", "cannot_tell", "low"]
    assert frame["birth_date"].dtype != "datetime64[us]"  # the century is not written into it
