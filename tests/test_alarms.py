"""What ends a scan with 3 although it ran: nothing judged, and results that were used before and are not now (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError, UsageError

CBC = ("hemoglobin (g/L)", "wbc (10^9/L)", "platelets (10^9/L)")


def wide(path: Path, columns: tuple[str, ...], cells: tuple[str, ...], rows: int = 3, others: int = 0) -> Path:
    names = ["age", "sex", *columns, *(f"question {number}" for number in range(others))]
    row = ["54 y", "F", *cells, *["x"] * others]
    path.write_text("\n".join([",".join(names), *[",".join(row)] * rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("columns", "cells", "others", "said"),
    [
        (("MCV (fL)",), ("85",), 99, "no line of any of 3 rows could be judged: 1 of 102 columns"),
        (("RDW (%)",), ("13",), 0, "1 of 3 columns"),
        (CBC, ("CLOTTED", "CLOTTED", "CLOTTED"), 0, "most often"),
        (("hemoglobin", "wbc", "platelets"), ("140", "6", "250"), 0, "UNIT_MISSING"),
    ],
)  # fmt: skip
def test_a_table_of_which_no_line_can_be_judged_ends_with_3(
    tmp_path: Path, columns: tuple[str, ...], cells: tuple[str, ...], others: int, said: str
) -> None:
    source = wide(tmp_path / "export.csv", columns, cells, others=others)
    (sentence,) = cbc.scan(source).alarms
    assert said in sentence
    done = CliRunner().invoke(main, ["scan", str(source)])
    assert (done.exit_code, done.stderr.count("no line of any of 3 rows")) == (3, 1)


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (
            "age;sex;hb;neutrophils;wbc;plt\n61;F;7,9;38;1.900;31.000\n45;M;15,3;61;6.900;238.000\n",
            {
                "age_unit": "y", "decimal": ",", "thousands": ".", "units": "per_ul",
                "columns": {"neutrophils_percent": "neutrophils"},
            },
        ),
        ("age,sex,hb,wbc,plt\n61,F,79,1.9,31\n45,M,153,6.9,238\n", {"age_unit": "y", "units": "si"}),
    ],
)  # fmt: skip
def test_all_that_a_table_without_units_needs_is_asked_at_once(
    tmp_path: Path, rows: str, options: dict[str, Any]
) -> None:
    """Whoever declares what the first scan asks for has an answer at the second."""
    (tmp_path / "export.csv").write_text(rows, encoding="utf-8")
    said = " ".join(cbc.scan(tmp_path / "export.csv").alarms)
    for name, value in options.items():
        if name == "columns":
            assert "--columns neutrophils_percent=COLUMN" in said
        elif name == "units":
            assert "--units us, si or per_ul" in said
            assert "no unit is given for" in said
        else:
            assert f'{name}="{value}"' in said
    assert "wbc" in said.partition("no unit is given")[2]
    answered = cbc.scan(tmp_path / "export.csv", **options)
    assert answered.alarms == ()
    assert (answered.patterns["pancytopenia"], answered.patterns["none"]) == (1, 1)


@pytest.mark.parametrize(
    ("columns", "cells", "said"),
    [
        (("hemoglobin (g/L)", "wbc (10^9/L)", "platelets"), ("140", "6", "250"), "platelets: no unit is stated"),
        (("hemoglobin", "wbc (10^9/L)", "platelets (10^9/L)"), ("140", "6", "250"), "hemoglobin: no unit is stated"),
        (("hemoglobin (g/L)", "neutrophils", "platelets (10^9/L)"), ("140", "4", "250"), "neutrophils: no unit is stated"),
        ((*CBC[:2], "platelets (foo/L)"), ("140", "6", "250"), "platelets: the unit of most results is written in a way"),
        ((*CBC, "MCV"), ("140", "6", "250", "85"), None),
        ((*CBC[:2], "platelets"), ("140", "6", "250 10^9/L"), None),
    ],
)  # fmt: skip
def test_a_line_that_is_unknown_in_every_row_for_want_of_a_unit_is_an_alarm(
    tmp_path: Path, columns: tuple[str, ...], cells: tuple[str, ...], said: str | None
) -> None:
    """The other lines are judged, so nothing else would tell it; a red cell index without a unit leaves no line unknown."""
    source = wide(tmp_path / "export.csv", columns, cells)
    found = cbc.scan(source).alarms
    assert [text.startswith(said or "") for text in found] == ([] if said is None else [True])
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        cbc.screen_frame(pd.read_csv(source))
    assert [str(one.message) for one in warned] == list(found)


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        (("hemoglobin (g/L)",), ("140",)), (("hemoglobin (g/L)",), ("70",)), (("platelets (10^9/L)",), ("250",)),
        (("neutrophils (10^9/L)",), ("4",)),
    ],
)  # fmt: skip
def test_one_line_is_enough(tmp_path: Path, columns: tuple[str, ...], cells: tuple[str, ...]) -> None:
    source = wide(tmp_path / "export.csv", columns, cells, others=99)
    assert cbc.scan(source).alarms == ()
    assert CliRunner().invoke(main, ["scan", str(source)]).exit_code == 0


def test_an_empty_table_has_nothing_to_judge(tmp_path: Path) -> None:
    assert cbc.scan(wide(tmp_path / "export.csv", CBC, ("", "", ""))).alarms == ()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("cut.json", '{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "Obs', "MESSAGE_UNREADABLE"),
        ("ragged.csv", "age,sex,HGB (g/dL)\n54 y\n54 y,F\n", "ROW_RAGGED"),
    ],
)  # fmt: skip
def test_a_source_of_which_everything_is_damaged_ends_with_3(tmp_path: Path, name: str, text: str, reason: str) -> None:
    """A nightly job would else take a file that was cut short for a day without counts."""
    (tmp_path / name).write_text(text, encoding="utf-8")
    summary = cbc.scan(tmp_path / name)
    assert (summary.screened, list(summary.rejects)) == (0, [reason])
    (sentence,) = summary.alarms
    assert sentence.startswith(f"nothing was screened: what was found could not be read ({reason}, ")
    assert CliRunner().invoke(main, ["scan", str(tmp_path / name)]).exit_code == 3


@pytest.mark.parametrize("row", ["54 y", "54 y,F,"])
def test_one_count_beside_rows_that_are_none_is_no_alarm(tmp_path: Path, row: str) -> None:
    (tmp_path / "export.csv").write_text(f"age,sex,HGB (g/dL)\n54 y,F,9.1\n{row}\n", encoding="utf-8")
    summary = cbc.scan(tmp_path / "export.csv")
    assert (summary.screened, summary.rejected, summary.alarms) == (1, 1, ())


# R32: results that were used


def scanned(
    folder: Path, columns: tuple[str, ...], cells: tuple[str, ...], rows: int = 100, **options: object
) -> cbc.ScanSummary:
    source = wide(folder / "export.csv", columns, cells, rows)
    return cbc.scan(source, folder / "flags.csv", force=True, **options)


@pytest.mark.parametrize(
    ("columns", "cells", "expected"),
    [
        # The unit was in the header, and is gone: the column is as full as before, and nothing of it is used.
        (("hemoglobin (g/L)", "wbc (10^9/L)", "platelets"), ("140", "6", "250"), "none of 100 results used (100 before)"),
        (("hemoglobin (g/L)", "wbc (10^9/L)", "platelets (10^9/gal)"), ("140", "6", "250"), "none of 100 results used (100 before)"),
        (("hemoglobin (g/L)", "wbc (10^9/L)", "platelets (10^9/L)"), ("140", "6", "PENDING"), "none of 100 results used (100 before)"),
        (("hemoglobin (g/L)", "wbc (10^9/L)", "something else"), ("140", "6", "250"), "no result (100 before)"),
    ],
)  # fmt: skip
def test_a_column_whose_results_cannot_be_used_any_more_is_as_good_as_gone(
    tmp_path: Path, columns: tuple[str, ...], cells: tuple[str, ...], expected: str
) -> None:
    scanned(tmp_path, CBC, ("140", "6", "250"))
    manifest = (tmp_path / "flags.csv.manifest.json").rename(tmp_path / "before.json")
    summary = scanned(tmp_path, columns, cells, previous=manifest)
    assert summary.vanished == {"platelets": expected}
    source = str(tmp_path / "export.csv")
    done = CliRunner().invoke(main, ["scan", source, "--previous", str(manifest)])
    assert (done.exit_code, "expected and missing: platelets" in done.stderr) == (3, True)


def test_half_of_the_results_used_is_told_with_how_many_were_sent(tmp_path: Path) -> None:
    scanned(tmp_path, CBC, ("140", "6", "250"))
    manifest = (tmp_path / "flags.csv.manifest.json").rename(tmp_path / "before.json")
    lines = wide(tmp_path / "export.csv", CBC, ("140", "6", "250"), 40).read_text(encoding="utf-8")
    (tmp_path / "export.csv").write_text(lines + "54 y,F,140,6,QNS\n" * 60, encoding="utf-8")
    summary = cbc.scan(tmp_path / "export.csv", previous=manifest)
    assert summary.vanished == {"platelets": "40 of 100 results used (100 before)"}


def test_an_expected_analyte_of_which_nothing_is_used_is_named_without_a_scan_before(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: wide\nsource: s\ncolumns: {hemoglobin: HB}\nexpected: [hemoglobin]\n",
        encoding="utf-8",
    )
    (tmp_path / "export.csv").write_text("age,sex,HB\n54 y,F,140\n", encoding="utf-8")
    summary = cbc.scan(tmp_path / "export.csv", profile=str(tmp_path / "own.yaml"))
    assert summary.vanished == {"hemoglobin": "none of 1 results used"}


# R19: messages of local codes
MESSAGE = (
    "MSH|^~\\&|LAB|H|||20240301||ORU^R01|1|P|2.5.1\rPID|1||7^^^H||X^Y||19840101|F\rOBR|1||1|CBC^CBC^L|||20240301\r"
    "OBX|1|NM|X101^Alpha^L||79|g/L|||||F\rOBX|2|NM|X102^Beta^L||300|je Feld|||||F\rOBX|3|NM|777-3^Platelets^LN||9|10*9/L|||||F\r"
)


def test_messages_of_local_codes_need_a_profile(tmp_path: Path) -> None:
    source, profile = tmp_path / "feed.hl7", tmp_path / "own.yaml"
    source.write_text(MESSAGE, encoding="utf-8", newline="")
    (alarm,) = cbc.scan(source).alarms
    assert alarm.startswith(
        "nothing was found for the red and white lines, while results were sent under names that are not known"
    )
    assert "X101 Alpha, X102 Beta" in alarm
    assert CliRunner().invoke(main, ["scan", str(source)]).exit_code == 3
    profile.write_text(
        "id: own\ntitle: own\nshape: messages\nsource: a list of codes\ncodes: {X101: hemoglobin}\nnames: {Beta: neutrophils}\n"
        "unit_spellings: {je Feld: /uL}\n",
        encoding="utf-8",
    )
    summary = cbc.scan(source, tmp_path / "flags.csv", profile=str(profile))
    assert summary.alarms == ()
    assert summary.patterns["pancytopenia"] == 1


def test_a_profile_of_messages_is_for_messages(tmp_path: Path) -> None:
    profile = tmp_path / "own.yaml"
    profile.write_text("id: own\ntitle: own\nshape: messages\nsource: none\ncodes: {X: hemoglobin}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="of messages, and the source is a table"):
        cbc.scan(wide(tmp_path / "export.csv", CBC, ("140", "6", "250")), profile=str(profile))
    profile.write_text(
        "id: own\ntitle: own\nshape: messages\nsource: none\nnames: {X: haemoglobin}\n", encoding="utf-8"
    )
    with pytest.raises(KnowledgeError, match="not an analyte"):
        cbc.scan(tmp_path / "export.csv", profile=str(profile))


def test_too_many_rows_of_which_nothing_can_be_told(tmp_path: Path) -> None:
    source = tmp_path / "export.csv"
    source.write_text(
        "age,sex,hemoglobin (g/L),neutrophils (10^9/L),platelets (10^9/L)\n40 y,F,140,4,250\n40 y,F,CLOTTED,CLOTTED,CLOTTED\n",
        encoding="utf-8",
    )
    run = CliRunner().invoke
    assert run(main, ["scan", str(source), "--max-cannot-tell", "0.5"]).exit_code == 0
    done = run(main, ["scan", str(source), "--max-cannot-tell", "0.4"])
    assert (done.exit_code, "pattern unknown in 1 of 2 rows, most often because of" in done.stderr) == (
        3,
        True,
    )


def test_the_sheets_of_a_workbook_that_are_not_read_are_named(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "counts"
    for row in (
        ["Report of the week"],
        [],
        ["age", "sex", "HGB (g/L)", "ANC (10^9/L)", "PLT (10^9/L)"],
        ["40 y", "F", 79, 0.3, 9],
    ):
        book.active.append(row)
    book.create_sheet("older counts")
    book.save(tmp_path / "book.xlsx")
    summary = cbc.scan(tmp_path / "book.xlsx", tmp_path / "flags.csv")
    assert summary.unread_sheets == ("older counts",)
    assert summary.patterns["pancytopenia"] == 1
    assert (
        "sheets not read (--sheet): older counts"
        in CliRunner().invoke(main, ["scan", str(tmp_path / "book.xlsx")]).output
    )


def test_a_row_of_units_hides_no_further_sheet(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["age", "sex", "HGB", "ANC", "PLT"], ["y", "", "g/L", "10^9/L", "10^9/L"], ["40", "F", 79, 0.3, 9]):
        book.active.append(row)
    book.create_sheet("older counts")
    book.save(tmp_path / "book.xlsx")
    summary = cbc.scan(tmp_path / "book.xlsx", tmp_path / "flags.csv", age_unit="y")
    assert (summary.unread_sheets, summary.patterns["pancytopenia"]) == (("older counts",), 1)


def test_lines_to_skip_in_a_workbook_must_be_there(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["Report"], ["age", "sex", "HGB (g/L)"], ["40 y", "F", 79]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    assert cbc.scan(tmp_path / "book.xlsx", skip_lines=1).screened == 1
    with pytest.raises(UsageError, match="no row behind row 3"):
        cbc.scan(tmp_path / "book.xlsx", skip_lines=3)


# Written otherwise than read ------------------------------------------------------------------

GERMAN = {
    "Geburtsdatum": ["03.02.1970"] * 4, "Geschlecht": ["w"] * 4,
    "Hämoglobin (g/dl)": ["9,1", "12,5", "13,1", "8,2"], "Thrombozyten (G/l)": ["250"] * 4,
}  # fmt: skip


def test_commas_and_days_of_a_whole_column_are_said_with_what_to_declare(tmp_path: Path) -> None:
    """Four of four: a warning at a frame, an alarm and 3 at a file."""
    with pytest.warns(cbc.CBCScreenWarning) as said:
        cbc.screen_frame(pd.DataFrame(GERMAN))
    told = " ".join(str(one.message) for one in said)
    assert "hemoglobin: the comma or point" in told
    assert "date_format=" in told
    file = tmp_path / "german.csv"
    pd.DataFrame(GERMAN).to_csv(file, index=False, sep=";")
    alarms = cbc.scan(file, tmp_path / "flags.csv").alarms
    assert any("--decimal ," in alarm for alarm in alarms)
    assert any("--date-format" in alarm for alarm in alarms)


def test_declared_they_say_nothing_and_one_odd_cell_of_four_says_nothing() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", cbc.CBCScreenWarning)
        taken = pd.DataFrame(GERMAN).assign(Entnahmedatum="03.02.2024")
        cbc.screen_frame(taken, decimal=",", date_format="%d.%m.%Y")
        cbc.screen_frame(
            pd.DataFrame({"age": ["40 y"] * 4, "sex": ["F"] * 4, "HGB (g/dL)": ["9.1", "12,5", "13.1", "8.2"]})
        )


# Of a hundred rows forty have hemoglobin, all of them with a comma; nothing else is wrong.
SPARSE = pd.DataFrame(
    {
        "patient_id": [f"p{number // 2}" for number in range(100)],
        "collected_at": [f"2024-{1 + number % 2:02d}-03" for number in range(100)],
        "age": ["40 y"] * 100,
        "sex": ["F"] * 100,
        "HGB (g/dL)": ["9,125"] * 40 + [None] * 60,
        "PLT (G/L)": ["250"] * 100,
    }
)
COMMAS = "hemoglobin: the comma or point in most numbers may be either mark"


def test_of_a_column_the_cells_that_were_sent_count_and_not_all_rows(tmp_path: Path) -> None:
    """Forty of forty, in a hundred rows: from a frame, followed, from a file, as a source of polars."""
    with pytest.warns(cbc.CBCScreenWarning, match=COMMAS):
        cbc.screen_frame(SPARSE)
    with pytest.warns(cbc.CBCScreenWarning, match=COMMAS):
        cbc.follow(SPARSE)
    with pytest.warns(cbc.CBCScreenWarning, match=COMMAS):
        cbc.follow(SPARSE, each_count=True)
    SPARSE.to_csv(tmp_path / "sparse.csv", index=False)
    assert any(COMMAS in alarm for alarm in cbc.scan(tmp_path / "sparse.csv").alarms)
    pytest.importorskip("polars")
    import cbc_screen.polars

    with pytest.warns(cbc.CBCScreenWarning, match=COMMAS):
        assert len(cbc_screen.polars.scan(tmp_path / "sparse.csv").collect()) == 100


def test_one_file_of_commas_is_named_among_files_that_can_be_read(tmp_path: Path) -> None:
    plain = SPARSE.assign(**{"HGB (g/dL)": "13.1"})
    plain.to_csv(tmp_path / "january.csv", index=False)
    SPARSE.head(10).rename(columns={"age": "Age"}).to_csv(tmp_path / "february.csv", index=False)
    alarms = cbc.scan([tmp_path / "january.csv", tmp_path / "february.csv"]).alarms
    assert [alarm.partition(":")[0] for alarm in alarms] == ["hemoglobin of february.csv"]


def test_collection_dates_that_nobody_can_read_are_said_where_persons_are_followed(tmp_path: Path) -> None:
    """03/04/2024 is March or April; a month alone is read, and is no slip."""
    days = SPARSE.assign(collected_at="03/04/2024", **{"HGB (g/dL)": "13.1"})
    with pytest.warns(cbc.CBCScreenWarning, match="collected_at: most dates cannot be read"):
        cbc.follow(days)
    days.to_csv(tmp_path / "days.csv", index=False)
    [alarm] = cbc.scan(tmp_path / "days.csv", follow=True).alarms
    assert alarm.startswith("collected_at: most dates cannot be read")
    assert not cbc.scan(tmp_path / "days.csv").alarms, "no answer of a count alone rests on the day"
    with warnings.catch_warnings():
        warnings.simplefilter("error", cbc.CBCScreenWarning)
        cbc.follow(days.assign(collected_at="2024-04"))
        cbc.follow(days, date_format="%d/%m/%Y")


# One file among others --------------------------------------------------------------------------

RESULTS = "patient_id,collected_at,test,result,unit,age,sex\n"


def daily(name: str, *, unit: str = "10^9/L", rows: int = 3, tests: str = "HGB PLT NEUT") -> str:
    units = {"HGB": "g/L", "PLT": unit, "NEUT": "10^9/L"}
    lines = (
        f"{name}{row},2026-03-01,{test},140,{units[test]},40 y,F\n" for row in range(rows) for test in tests.split()
    )
    return RESULTS + "".join(lines)


def alarms_of(folder: Path, files: dict[str, str], **options: object) -> list[str]:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    summary = cbc.scan([folder / name for name in files], folder / "flags.csv", force=True, **options)
    return list(summary.alarms)


def test_one_bad_file_among_good_ones_is_no_silence(tmp_path: Path) -> None:
    """An unknown unit in one of three days, and a day without a result; each alone would be an alarm."""
    good = {"monday.csv": daily("m"), "tuesday.csv": daily("t")}
    assert alarms_of(tmp_path, good) == []
    [unit] = alarms_of(tmp_path, {**good, "wednesday.csv": daily("w", unit="GIGA")})
    assert unit == (
        "platelets of wednesday.csv: the unit of most results is written in a way that is not known; say what it means: "
        'unit_spellings={"SPELLING": "UNIT"} (--unit-spelling SPELLING=UNIT)'
    )
    [taken_back] = alarms_of(tmp_path, {**good, "wednesday.csv": daily("w").replace("PLT,140,", "PLT,CLOTTED,")})
    assert taken_back == "platelets of wednesday.csv: none of 3 results used, while those of other files are"
    [empty] = alarms_of(tmp_path, {**good, "wednesday.csv": RESULTS})
    assert empty == "no result of a count was found in wednesday.csv, while other files have some"
    assert alarms_of(tmp_path, {**good, "wednesday.csv": daily("w", tests="HGB NEUT")}) == [], (
        "nothing says that it must be there"
    )


def test_results_of_one_count_may_lie_in_several_files(tmp_path: Path) -> None:
    """The platelets in a file of their own, and a correction on the next day: neither file is without results."""
    split = {"a.csv": daily("m", tests="HGB NEUT"), "b.csv": daily("m", tests="PLT")}
    assert alarms_of(tmp_path, split) == []
    corrected = RESULTS.replace("unit,", "unit,result status,") + "m0,2026-03-01,PLT,42,10^9/L,C,40 y,F\n"
    assert alarms_of(tmp_path, {"a.csv": daily("m"), "b.csv": corrected}) == []


def test_what_a_profile_expects_is_expected_of_each_file(tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(
        "id: lab\ntitle: t\nshape: long\nsource: s\nexpected: [hemoglobin, platelets]\ncolumns: {person: patient_id, name: test, value: result,"
        " unit: unit, collected_at: collected_at, age: age, sex: sex}\n",
        encoding="utf-8",
    )
    files = {"monday.csv": daily("m"), "tuesday.csv": daily("t", tests="HGB NEUT")}
    [gone] = alarms_of(tmp_path, files, profile=str(tmp_path / "lab.yaml"))
    assert gone == "platelets of tuesday.csv: no result, while other files have some"


def test_tables_of_counts_are_compared_as_well(tmp_path: Path) -> None:
    counts = "age,sex,HGB (g/L),PLT\n40 y,F,140,{0}\n40 y,F,140,{0}\n"
    files = {"a.csv": counts.format("250 10^9/L"), "b.csv": counts.replace(",PLT", ",plt").format("250 GIGA")}
    [alarm] = alarms_of(tmp_path, files)
    assert alarm.startswith("platelets of b.csv: the unit of most results is written in a way that is not known")


def test_a_file_of_persons_is_no_file_of_results(tmp_path: Path) -> None:
    patient = '{"resourceType": "Patient", "id": "a", "gender": "female", "birthDate": "1970-01-01"}\n'
    observation = (
        '{"resourceType": "Observation", "id": "o", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]}, '
        '"subject": {"reference": "Patient/a"}, "effectiveDateTime": "2024-01-01", "valueQuantity": {"value": 140, "unit": "g/L"}}\n'
    )
    assert alarms_of(tmp_path, {"Patient.ndjson": patient, "Observation.ndjson": observation}) == []


LONG = (
    "patient_id,collected_at,test,result,unit,age,sex\n"
    + "".join(f"{number},2026-01-02,Hemoglobin,{result},g/dL,40,F\n" for number, result in enumerate([13, 13, 13, 13]))
    + "".join(f"{number},2026-01-02,WBC,5,/HPF,40,F\n" for number in range(4))
)


def test_rejected_results_count_and_no_alarm_hides_another(tmp_path: Path) -> None:
    """Four of eight results are counts a microscope field, which are none of blood; every pattern is unknown."""
    file = tmp_path / "long.csv"
    file.write_text(LONG, encoding="utf-8")
    words = ["scan", str(file), "--age-unit", "y", "-o", str(tmp_path / "flags.csv"), "--force", "-q"]
    done = CliRunner().invoke(main, [*words, "--max-rejects", "0.1", "--max-cannot-tell", "0.1"])
    assert done.exit_code == 4, done.output
    assert "4 of 8 results were rejected" in done.output
    assert "pattern unknown in 4 of 4 rows" in done.output
    assert CliRunner().invoke(main, [*words, "--max-rejects", "0.5", "--max-cannot-tell", "0.1"]).exit_code == 3


PLAIN = {"sex": ["F"] * 3, "HGB (g/dL)": [13.1, 9.1, 12.5], "WBC (10^9/L)": [5, 1.2, 6], "PLT (10^9/L)": [250, 18, 199]}
TO_DECLARE = [
    ({"age": [40, 52, 7]}, 'age: nothing says what most ages are in; say it: age_unit="y"'),
    ({"birth_date": ["1980-05-01", "1971-02-03", "2000-12-24"]}, "age: there are dates of birth, and nothing says when"),
    ({"birth_date": ["01/05/1980", "03/02/1971", "12/04/2000"], "collected_at": "2024-05-06"}, "age: most dates cannot be read"),
    ({"age (y)": [40, 52, 7], "Hämoglobin [mmol/l]": [8.1, 5.6, 7.7]}, "hemoglobin: the unit of most results may be one of two"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "sentence"), TO_DECLARE, ids=[text.split(";")[0][:40] for _, text in TO_DECLARE])
def test_what_most_of_a_column_lacks_is_said_with_the_option_to_give(
    columns: dict[str, list[object]], sentence: str, tmp_path: Path
) -> None:
    """From a frame as a warning, from a file as an alarm, from an unknown file in its draft."""
    own = {name: cells for name, cells in PLAIN.items() if "Hämoglobin [mmol/l]" not in columns or name != "HGB (g/dL)"}
    table = pd.DataFrame({**own, **columns})
    with pytest.warns(cbc.CBCScreenWarning, match=re.escape(sentence)):
        cbc.screen_frame(table)
    table.to_csv(tmp_path / "export.csv", index=False)
    summary = cbc.scan(tmp_path / "export.csv")
    assert any(alarm.startswith(sentence) for alarm in summary.alarms)
    told = CliRunner().invoke(main, ["profile", str(tmp_path / "export.csv"), "--json"])
    assert any(text.startswith(sentence) for text in json.loads(told.output)["to_declare"])


def test_one_warning_names_every_field_of_which_it_is_true() -> None:
    commas = pd.DataFrame(
        {"age (y)": [40, 41], "sex": "F", "HGB (g/dL)": ["9,125", "8,125"], "WBC (10^9/L)": ["1,234", "4,567"]}
    )
    with pytest.warns(cbc.CBCScreenWarning) as found:
        cbc.screen_frame(commas)
    (text,) = [str(one.message) for one in found]
    assert text.startswith("hemoglobin, wbc: the comma or point")


def test_a_draft_says_all_at_once_what_a_german_export_needs(tmp_path: Path) -> None:
    lines = ["Geschlecht;Geburtsdatum;Entnahmedatum;Hämoglobin [mmol/l];Thrombozyten [Gpt/l]",
             "w;14.05.1962;03.02.2024;4,9;29", "m;02.11.1980;03.02.2024;9,3;255"]  # fmt: skip
    (tmp_path / "blut.csv").write_text("\n".join(lines), encoding="cp1252")
    draft = tmp_path / "blut.yaml"
    done = CliRunner().invoke(main, ["profile", str(tmp_path / "blut.csv"), "-o", str(draft)])
    assert done.exit_code == 0
    text = draft.read_text(encoding="utf-8")
    for words in ("fit cp1252", 'decimal=","', "date_format=", '"hemoglobin_mmol": "monomer"', "encoding: cp1252"):
        assert words in text


def test_sheets_with_the_same_columns_are_not_left_in_silence(tmp_path: Path) -> None:
    """Two of three months would be gone."""
    book = openpyxl.Workbook()
    sheets = [book.active, book.create_sheet("Februar"), book.create_sheet("März")]
    for place, sheet in enumerate(sheets):
        # Later months have one more column, or hemoglobin under another name.
        own = ["Age (y)", "Sex", "Hb (g/dL)" if place else "HGB (g/dL)", "PLT (10^9/L)"]
        sheet.append([*own, *["WBC (10^9/L)"] * (place == 2)])
        sheet.append([50, "F", 6.1, 12])
    book.create_sheet("Legende").append(["Kürzel", "Bedeutung"])
    book.save(tmp_path / "months.xlsx")
    with pytest.warns(
        cbc.CBCScreenWarning, match="'Februar', 'März' have the same or nearly the same columns and were not read"
    ):
        cbc.read(tmp_path / "months.xlsx")
    (alarm,) = cbc.scan(tmp_path / "months.xlsx").alarms
    assert alarm == (
        "months.xlsx: 'Februar', 'März' have the same or nearly the same columns and were not read; read each sheet by its name: sheet= (--sheet)"
    )
    # Whoever names a sheet has chosen.
    assert cbc.scan(tmp_path / "months.xlsx", sheet="Februar").alarms == ()
    with pytest.raises(cbc.CBCScreenError, match="it has 'Sheet', 'Februar', 'März', 'Legende'"):
        cbc.read(tmp_path / "months.xlsx", sheet="April")


def test_a_declaration_that_does_not_fit_is_not_advised_again() -> None:
    dates = pd.DataFrame(
        {"birth_date": ["01/05/1980"] * 2, "collected_at": "2024-05-01", "sex": "F", "HGB (g/dL)": [9, 8]}
    )
    with pytest.warns(cbc.CBCScreenWarning, match="most dates are not written as date_format="):
        cbc.screen_frame(dates, date_format={"birth_date": "%d.%m.%Y"})
    numbers = pd.DataFrame(
        {"age (y)": [50] * 2, "sex": "F", "WBC (/uL)": ["1.900", "2.300"], "PLT (10^9/L)": ["150,5", "200,5"]}
    )
    with pytest.warns(cbc.CBCScreenWarning, match='wbc: the other mark .* thousands="."'):
        cbc.screen_frame(numbers, decimal=",")
    with warnings.catch_warnings():
        warnings.simplefilter("error", cbc.CBCScreenWarning)
        cbc.screen_frame(numbers, decimal=",", thousands=".")


def test_a_printed_range_is_refused_only_where_it_is_so_at_every_age() -> None:
    """3.5 to 10.5 is a range of adults: of an unknown age it is not a fault of the range that nobody can tell."""
    sent = {"wbc": {"value": 2.5, "unit": "10^9/L", "range": [3.5, 10.5]}, "hemoglobin": "13 g/dL", "sex": "F"}
    assert ("wbc", "RANGE_INSANE") not in cbc.screen(sent).reasons
    upside = {**sent, "wbc": {"value": 2.5, "unit": "10^9/L", "range": [10.5, 3.5]}}
    assert ("wbc", "RANGE_INSANE") in cbc.screen(upside).reasons


def test_one_count_of_which_every_number_is_ambiguous_says_so() -> None:
    """One cell alone is a slip; every result of the one count that there is, is how the source writes."""
    one = {
        "age (y)": [50],
        "sex": ["F"],
        "HGB (g/dL)": ["9,125"],
        "WBC (10^9/L)": ["1,234"],
        "PLT (10^9/L)": ["12,345"],
    }
    with pytest.warns(cbc.CBCScreenWarning, match="hemoglobin, wbc, platelets: the comma or point"):
        cbc.screen_frame(pd.DataFrame(one))
    slip = {**one, "HGB (g/dL)": ["9.1"], "WBC (10^9/L)": ["1.2"]}
    with warnings.catch_warnings():
        warnings.simplefilter("error", cbc.CBCScreenWarning)
        cbc.screen_frame(pd.DataFrame(slip))


def test_the_alarm_of_a_scan_that_judged_nothing_says_what_would_help(tmp_path: Path) -> None:
    """Every column is read, and no unit is missing: it is the status that nobody here can mend."""
    rows = ["Age,Sex,Result status,HGB (g/dL),WBC (10^9/L),NEUT# (10^9/L),PLT (10^9/L)"]
    rows += ["54 y,F,preliminary,13.5,6.0,4.0,250"] * 3
    (tmp_path / "in.csv").write_text("\n".join(rows))
    (alarm,) = cbc.scan(tmp_path / "in.csv", tmp_path / "flags.csv", tmp_path / "rejects.csv").alarms
    assert "STATUS_NOT_FINAL; their sender calls them not final: scan again when they are" in alarm
    assert "--columns" not in alarm
    assert "--units" not in alarm
