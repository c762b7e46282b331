"""The gestation at birth as a result of its own: in a message, a Bundle or a table of one result a row, it is true of every count of the infant.

At 29 weeks no range of infants born at term is used, so that no line is told; at 39 weeks a hemoglobin of 120 g/L on the first day is low
(from 140 g/L at term), as it is where nothing says at which gestation the infant was born.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc
from cbc_screen.engines import collected

COUNTS = (
    ("718-7", "Hemoglobin", "120", "g/L"),
    ("777-3", "Platelets", "90", "10*3/uL"),
    ("751-8", "Neutrophils", "1.9", "10*3/uL"),
)
AT_TERM, PRETERM = ("low", "low", "low"), ("cannot_tell", "cannot_tell", "cannot_tell")


def lines(path: Path, **options: Any) -> list[tuple[str, ...]]:
    """Return the lines of each count of a file, with every result accounted for."""
    summary = cbc.scan(path, path.with_suffix(".flags.ndjson"), force=True, **options)
    results = summary.to_dict()["results"]
    rest = results["superseded"] + results["not_count"] + sum(results["rejected"].values())
    assert results["read"] == results["used"] + results["unusable"] + rest
    rows = [json.loads(line) for line in path.with_suffix(".flags.ndjson").read_text().splitlines()]
    return [(row["red_line"], row["white_line"], row["platelet_line"]) for row in rows]


def message(person: str, at: str, *others: str, counts: bool = True) -> str:
    """Return a message of HL7 with a count of an infant born on 2026-01-01, and other results."""
    own = [f"NM|{code}^{name}^LN||{value}|{unit}|||||F" for code, name, value, unit in COUNTS if counts]
    results = [f"OBX|{place}|{text}" for place, text in enumerate((*own, *others), start=1)]
    header = "MSH|^~\\&|LAB|H|X|Y|20260101101010||ORU^R01|{}|P|2.5.1"
    person_line = f"PID|1||{person}||Doe^J||20260101|F" if person else "PID|1||||Doe^J||20260101|F"
    return "\r".join([header.format(f"{person}{at}"), person_line, f"OBR|1||{at}|CBC|||{at}", *results])


def bundle(*others: dict[str, Any]) -> dict[str, Any]:
    """Return a Bundle with a count of an infant of one day, and other Observations of the same infant."""
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "2026-01-01", "gender": "female"}
    loinc = "http://loinc.org"
    own = [
        {"code": {"coding": [{"system": loinc, "code": code}]}, "valueQuantity": {"value": float(value), "unit": unit}}
        for code, _, value, unit in COUNTS
    ]
    at_birth = {"code": {"coding": [{"system": loinc, "code": "76516-4"}]}, "effectiveDateTime": "2026-01-01T02:00:00Z"}
    about = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-01-01T12:00:00Z",
    }
    found = [patient, *({**about, **one} for one in own), *({**about, **at_birth, **one} for one in others)]
    urls = ["http://x/Patient/p", *(f"http://x/Observation/{place}" for place in range(1, len(found)))]
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": url, "resource": one} for url, one in zip(urls, found, strict=True)],
    }


def long_table(*others: tuple[str, str, str, str], person: str = "1") -> str:
    """Return a table of one result a row: a count of an infant of the first day, and other results (moment, name, value, unit)."""
    rows = [("2026-01-01 12:00", name, value, unit) for _, name, value, unit in COUNTS]
    return "\n".join(
        ["patient_id,collected,sex,dob,test,value,unit"]
        + [f"{person},{at},F,2026-01-01,{name},{value},{unit}" for at, name, value, unit in (*rows, *others)]
    )


@pytest.mark.parametrize(
    ("result", "told"),
    [
        ("NM|76516-4^GA^LN||29|wk|||||F", PRETERM),
        ("NM|76516-4^GA^LN||203|d|||||F", PRETERM),
        ("ST|76516-4^GA^LN||29+3||||||F", PRETERM),
        ("NM|GAB^Gestational age at birth^L||29|weeks|||||F", PRETERM),
        ("NM|GAB^Gestational age at delivery of the infant^L||29|weeks|||||F", PRETERM),
        ("NM|GAB^Gestationsalter bei Geburt^L||29|weeks|||||F", PRETERM),
        ("NM|76516-4^GA^LN||39|wk|||||F", AT_TERM),
        ("NM|76516-4^GA^LN||273|d|||||F", AT_TERM),
        # What was sent and cannot be used is not what was not sent.
        ("NM|76516-4^GA^LN||39||||||F", PRETERM),  # weeks, or what?
        ("ST|76516-4^GA^LN||pending||||||F", PRETERM),
        ("NM|76516-4^GA^LN||39|wk|||||P", PRETERM),  # preliminary
        ("NM|76516-4^GA^LN||39|wk|||||X", PRETERM),  # it could not be had
        ("NM|76516-4^GA^LN|||wk|||||F", AT_TERM),  # an empty field of a form
        # Of a pregnancy, which may be the mother's or a birth to come.
        ("NM|11884-4^Gestational age Estimated^LN||29|wk|||||F", AT_TERM),
        ("NM|GA^Gestational age^L||29|wk|||||F", AT_TERM),
    ],
)  # fmt: skip
def test_a_result_of_a_message(tmp_path: Path, result: str, told: tuple[str, ...]) -> None:
    path = tmp_path / "feed.hl7"
    path.write_text(message("7", "20260101120000", result))
    assert lines(path) == [told]


@pytest.mark.parametrize(
    ("observations", "told"),
    [
        ([{"valueQuantity": {"value": 29, "unit": "weeks", "system": "http://unitsofmeasure.org", "code": "wk"}}], PRETERM),
        ([{"valueString": "29 3/7"}], PRETERM),
        ([{"valueQuantity": {"value": 39, "unit": "wk"}}], AT_TERM),
        ([{"valueQuantity": {"value": 39, "unit": "wk"}}, {"valueQuantity": {"value": 273, "unit": "d"}}], AT_TERM),
        ([{"valueQuantity": {"value": 39, "unit": "wk"}}, {"valueQuantity": {"value": 29, "unit": "wk"}}], PRETERM),  # which of them?
        ([{"valueQuantity": {"value": 29, "unit": "wk"}}, {"valueQuantity": {"value": 39, "unit": "wk"}, "status": "corrected"}], AT_TERM),
        ([{"valueQuantity": {"value": 39, "unit": "wk"}, "status": "preliminary"}], PRETERM),
        ([{"valueQuantity": {"value": 39, "unit": "wk", "code": "d"}}], PRETERM),  # weeks or days
        ([], AT_TERM),
    ],
)  # fmt: skip
def test_an_observation_of_another_moment(
    tmp_path: Path, observations: list[dict[str, Any]], told: tuple[str, ...]
) -> None:
    path = tmp_path / "bundle.json"
    path.write_text(json.dumps(bundle(*observations)))
    assert lines(path) == [told]


@pytest.mark.parametrize("in_columns", [True, False])
@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([("2026-01-01 12:00", "Gestational age at birth", "29", "wk")], PRETERM),
        ([("2026-01-01 03:00", "Gestational age at birth", "29", "wk")], PRETERM),
        ([("2026-01-05 03:00", "gestational age at birth", "29 wk", "")], PRETERM),
        ([("2026-01-01 12:00", "Gestational age at birth", "39", "wk")], AT_TERM),
        ([("2026-01-01 12:00", "Gestational age at birth", "39", "wk"), ("2026-01-02 12:00", "Birth gestation", "38", "wk")], AT_TERM),
        ([("2026-01-01 12:00", "Gestational age", "29", "wk")], AT_TERM),
    ],
)  # fmt: skip
def test_a_row_of_a_table(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rows: list[tuple[str, str, str, str]],
    told: tuple[str, ...],
    in_columns: bool,
) -> None:
    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    path = tmp_path / "results.csv"
    path.write_text(long_table(*rows))
    assert lines(path) == [told]


@pytest.mark.parametrize("in_columns", [True, False])
@pytest.mark.parametrize(
    ("header", "cells", "told"),
    [
        ("GA at birth (weeks)", ("29", "29", "29"), PRETERM),
        ("Gestational age at birth (weeks)", ("", "29+3", ""), PRETERM),
        ("GA at birth (weeks)", ("39", "", "39"), AT_TERM),
        ("gestation_at_birth", ("39 wk", "39 wk", "273 d"), AT_TERM),
        ("gestation_at_birth", ("39", "39", "39"), PRETERM),  # in no unit
        ("GA at birth (weeks)", ("39", "29", "39"), PRETERM),
        ("GA at birth (weeks)", ("", "", ""), AT_TERM),
        ("Gestational age (weeks)", ("29", "29", "29"), AT_TERM),
    ],
)
def test_a_column_of_a_table_of_results(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    header: str,
    cells: tuple[str, ...],
    told: tuple[str, ...],
    in_columns: bool,
) -> None:
    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    first, *rows = long_table().splitlines()
    path = tmp_path / "results.csv"
    path.write_text("\n".join([f"{first},{header}", *(f"{row},{cell}" for row, cell in zip(rows, cells, strict=True))]))
    assert lines(path) == [told]


@pytest.mark.parametrize("in_columns", [True, False])
def test_it_is_told_once_and_true_of_every_count_of_that_infant_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_columns: bool
) -> None:
    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    path = tmp_path / "feed.hl7"
    others = ("NM|76516-4^Gestational age at birth^LN||29|wk|||||F",)
    path.write_text(
        "\r".join(
            [
                message("7", "20260101120000"), message("8", "20260101130000"), message("7", "20260101010000", *others, counts=False),
                message("7", "20260101180000"),
            ]
        )
    )  # fmt: skip
    assert lines(path) == [PRETERM, AT_TERM, PRETERM]


def test_a_message_that_says_of_nobody_is_true_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "feed.hl7"
    path.write_text(
        "\r".join([message("", "20260101120000", "NM|76516-4^GA^LN||29|wk|||||F"), message("", "20260101130000")])
    )
    assert lines(path) == [PRETERM, AT_TERM]


def test_from_one_year_on_it_changes_nothing(tmp_path: Path) -> None:
    """A mother's record may hold it too: at which gestation her child was born."""
    path = tmp_path / "feed.hl7"
    path.write_text(
        message("7", "20260101120000", "NM|76516-4^GA^LN||29|wk|||||F").replace("|20260101|F", "|19900101|F")
    )
    assert lines(path) == [("not_low", "not_low", "low")]


def test_a_set_by_gestation_is_used_for_the_weeks_of_a_result(tmp_path: Path) -> None:
    path = tmp_path / "feed.hl7"
    path.write_text(message("7", "20260101120000", "NM|76516-4^GA^LN||27|wk|||||F"))
    assert lines(path, ranges="preterm_ochiai2016") == [("low", "not_low", "low")]


@pytest.mark.parametrize("code", ["GAB01", "gab01 "])
@pytest.mark.parametrize(("weeks", "told"), [("29", PRETERM), ("39", AT_TERM)])
def test_a_code_of_a_profile(tmp_path: Path, code: str, weeks: str, told: tuple[str, ...]) -> None:
    profile = tmp_path / "lab.yaml"
    profile.write_text("id: lab\ntitle: lab\nshape: messages\nsource: a list\ncodes: {GAB01: gestation_at_birth}\n")
    path = tmp_path / "feed.hl7"
    path.write_text(message("7", "20260101120000", f"NM|{code}^x^L||{weeks}|wk|||||F"))
    assert lines(path, profile=str(profile)) == [told]


@pytest.mark.parametrize(
    ("remark", "told"),
    [
        ("No platelet clumps seen", ("cannot_tell", "cannot_tell", "cannot_tell")),
        ("Platelet clumps seen", ("cannot_tell", "cannot_tell", "cannot_tell")),
    ],
)
def test_a_remark_on_clumps_beside_it_takes_nothing_away(tmp_path: Path, remark: str, told: tuple[str, ...]) -> None:
    """A remark behind the last result of a message stands beside that result, whatever it is of."""
    path = tmp_path / "feed.hl7"
    path.write_text(message("7", "20260101120000", "NM|76516-4^GA^LN||29|wk|||||F") + f"\rNTE|1||{remark}")
    assert lines(path) == [told]
    rows = [json.loads(line) for line in path.with_suffix(".flags.ndjson").read_text().splitlines()]
    assert ("platelet_clumps" in rows[0]["guards"] or "clump" in rows[0]["guards"]) is (
        remark == "Platelet clumps seen"
    )


def test_a_code_with_blanks_around_it(tmp_path: Path) -> None:
    path = tmp_path / "feed.hl7"
    path.write_text(message("7", "20260101120000", "NM| 76516-4 ^GA^LN||29|wk|||||F"))
    assert lines(path) == [PRETERM]


@pytest.mark.parametrize(
    ("columns", "cells", "told"),
    [
        ("GA at birth (weeks)", "29", PRETERM), ("GA at birth (weeks)", "39", AT_TERM), ("GA at birth (weeks)", "", AT_TERM),
        ("gestation_at_birth", "29+3", PRETERM), ("born_preterm", "yes", PRETERM), ("born_preterm", "no", AT_TERM), ("born_preterm", "", AT_TERM),
    ],
)  # fmt: skip
def test_a_table_of_persons(tmp_path: Path, columns: str, cells: str, told: tuple[str, ...]) -> None:
    path, persons = tmp_path / "results.csv", tmp_path / "persons.csv"
    path.write_text(
        "patient_id,collected,test,value,unit\n" + "\n".join(f"1,2026-01-01 12:00,{n},{v},{u}" for _, n, v, u in COUNTS)
    )
    persons.write_text(f"patient_id,birth_date,sex,{columns}\n1,2026-01-01,F,{cells}\n")
    assert lines(path, persons=str(persons)) == [told]


@pytest.mark.parametrize("in_columns", [True, False])
@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (["39", "preterm", "39"], PRETERM),  # a word beside a number is no remark on it
        (["39", "39+3"], AT_TERM),  # two numbers, and both of term
        (["39", ">=37"], AT_TERM),
        (["29", "30+1"], PRETERM),
        (["36", "37"], PRETERM),  # which of them?
    ],
)
def test_several_that_are_not_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: list[str], expected: tuple[str, ...], in_columns: bool
) -> None:
    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    path = tmp_path / "results.csv"
    path.write_text(long_table(*(("2026-01-01 12:00", "Gestational age at birth", text, "wk") for text in told)))
    assert lines(path) == [expected]


@pytest.mark.parametrize("in_columns", [True, False])
@pytest.mark.parametrize(("cell", "told"), [("yes", PRETERM), ("no", AT_TERM), ("", AT_TERM)])
def test_that_a_birth_was_preterm_is_told_without_weeks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cell: str, told: tuple[str, ...], in_columns: bool
) -> None:
    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    first, *rows = long_table().splitlines()
    path = tmp_path / "column.csv"
    path.write_text("\n".join([f"{first},born_preterm", *(f"{row},{cell}" for row in rows)]))
    assert lines(path) == [told]
    path = tmp_path / "row.csv"
    path.write_text(long_table(("2026-01-01 12:00", "Born preterm", cell, "")))
    assert lines(path) == [told]


def test_a_pregnancy_that_is_not_final_is_unknown(tmp_path: Path) -> None:
    """Hemoglobin 110 g/L: low outside a pregnancy (from 117), and not in each trimester of one."""
    path = tmp_path / "feed.hl7"
    counts = message("7", "20260101120000", "CWE|82810-3^Pregnancy^LN||Pregnant||||||P").replace(
        "|20260101|F", "|19900101|F"
    )
    path.write_text(counts.replace("||120|g/L", "||110|g/L"))
    assert lines(path)[0][0] == "cannot_tell"
    path.write_text(counts.replace("||120|g/L", "||110|g/L").replace("||Pregnant||||||P", "||||||||P"))
    assert lines(path)[0][0] == "low"


@pytest.mark.parametrize("draft_of", ["GA at birth (weeks)"])
def test_the_draft_of_a_profile_scans_as_the_table_does(tmp_path: Path, draft_of: str) -> None:
    from click.testing import CliRunner

    from cbc_screen.cli import main

    first, *rows = long_table().splitlines()
    path, profile = tmp_path / "results.csv", tmp_path / "own.yaml"
    path.write_text("\n".join([f"{first},{draft_of}", *(f"{row},39" for row in rows)]))
    result = CliRunner().invoke(main, ["profile", str(path), "-o", str(profile)])
    assert result.exit_code == 0, result.output
    assert lines(path, profile=str(profile)) == [AT_TERM]


@pytest.mark.parametrize("in_columns", [True, False])
def test_what_is_told_of_nobody_is_true_of_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_columns: bool
) -> None:
    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    path = tmp_path / "results.csv"
    path.write_text(f"{long_table()}\n,2026-01-01 12:00,F,2026-01-01,Gestational age at birth,29,wk\n")
    assert lines(path) == [AT_TERM]
