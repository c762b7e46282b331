"""Which results are one count: by moments, words, offsets, months, encounters and specimens (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.moment import MomentReader, Placing, instant

READER = MomentReader(load_knowledge().moments)
MOMENT, RELATIVE, PERIOD, NONE = Placing.MOMENT, Placing.RELATIVE, Placing.PERIOD, Placing.NONE
# Two persons with pancytopenia, and nothing that says otherwise.
SICK = (("Hemoglobin", "70", "g/L"), ("WBC", "1.1", "10^9/L"), ("Neutrophils", "0.3", "10^9/L"), ("Platelets", "9", "10^9/L"))  # fmt: skip
WELL = (("Hemoglobin", "140", "g/L"), ("WBC", "6", "10^9/L"), ("Neutrophils", "4", "10^9/L"), ("Platelets", "250", "10^9/L"))  # fmt: skip
PROFILE = (
    "id: own\ntitle: t\nshape: long\nsource: s\nage_unit: y\n"
    "columns: {person: id, name: test, value: value, unit: unit, collected_at: COLUMN, age: age, sex: sex, "
    "encounter: stay, specimen_key: tube}\n"
)


# When a result was taken, in words


@pytest.mark.parametrize(
    ("text", "key", "placing"),
    [
        ("2024-01-02", "2024-01-02T00:00:00", MOMENT), ("20240102", "2024-01-02T00:00:00", MOMENT),
        ("2024-01-02T08:00:00+01:00", "2024-01-02T07:00:00+00:00", MOMENT), ("20240102070000+0000", "2024-01-02T07:00:00+00:00", MOMENT),
        ("2024-01-02 07:00:00 UTC", "2024-01-02T07:00:00+00:00", MOMENT), ("202401020700", "2024-01-02T07:00:00", MOMENT),
        ("02/01/2024", "02/01/2024", MOMENT), ("2/1/24", "2/1/24", MOMENT), ("2024/01/02", "2024-01-02T00:00:00", MOMENT),
        ("02-JAN-24", "02-jan-24", MOMENT), ("15.01.2024 08:30", "15.01.2024 08:30:00", MOMENT),
        ("Jan 15, 2024", "2024-01-15T00:00:00", MOMENT), ("15JAN2024:08:30:00", "15jan2024:08:30:00", MOMENT),
        ("Visit 1", "visit 1", RELATIVE), (" VISIT  1 ", "visit 1", RELATIVE), ("Day 14", "day 14", RELATIVE),
        ("Day -1", "day -1", RELATIVE), ("C1D8", "c1d8", RELATIVE), ("Visit 1 Day 14", "visit 1 day 14", RELATIVE),
        ("T0", "t0", RELATIVE), ("Week 4", "week 4", RELATIVE), ("Baseline", "baseline", RELATIVE), ("Pre-op", "pre-op", RELATIVE),
        ("Besuch 3", "besuch 3", RELATIVE), ("第3回", "第3回", RELATIVE), ("UNSCHEDULED 3.1", "unscheduled 3.1", RELATIVE),
        ("-419", "-419", RELATIVE), ("60", "60", RELATIVE), ("60.0", "60", RELATIVE), ("1.5", "1.5", RELATIVE), ("0", "0", RELATIVE),
        ("120 min", "120 min", RELATIVE), ("+3 h", "+3 h", RELATIVE), ("3 days after admission", "3 days after admission", RELATIVE),
        ("2024-03", "2024-03", PERIOD), ("Mar 2024", "mar 2024", PERIOD), ("March 2024", "march 2024", PERIOD),
        ("03/2024", "03/2024", PERIOD), ("202403", "202403", PERIOD), ("Mar-24", "mar-24", PERIOD), ("2024年3月", "2024年3月", PERIOD),
        ("Q1 2024", "q1 2024", PERIOD), ("2024-W05", "2024-w05", PERIOD), ("Week 5 2024", "week 5 2024", PERIOD), ("08:30", "08:30", PERIOD),
        ("Spring 2024", "spring 2024", PERIOD), ("2024-01-01/2024-01-31", "2024-01-01/2024-01-31", PERIOD),
        ("2024-01-15 to 2030-01-01", "2024-01-15 to 2030-01-01", PERIOD), ("still to be told", "still to be told", PERIOD),
        ("2024", "", NONE), ("2024.0", "", NONE), ("", "", NONE), ("  ", "", NONE), ("NA", "", NONE), ("-", "", NONE),
        ("unknown", "", NONE), ("Unscheduled", "", NONE), ("???", "", NONE), ("desconocido", "", NONE), ("NaT", "", NONE),
        ("1900-01-01", "", NONE), ("01/01/1900", "", NONE), ("1900-01-01 00:00:00", "", NONE), ("0001-01-01T00:00:00", "", NONE),
        ("9999-12-31T23:59:59-05:00", "", NONE), ("31.12.9999", "", NONE),
        ("2024 Visit 3", "2024 visit 3", RELATIVE), ("x" * 300, "x" * 300, PERIOD),
    ],
)  # fmt: skip
def test_what_words_for_a_moment_are_worth(text: str, key: str, placing: Placing) -> None:
    assert READER.read(text) == (key, placing)


@pytest.mark.parametrize("number", ["2024", "-30", "202403", "20240102", "5.5"])
def test_a_column_of_offsets_holds_no_years(number: str) -> None:
    assert READER.read(number, True) == (number, RELATIVE)
    assert READER.read(f"{number}.0" if "." not in number else number, True) == (number, RELATIVE)


@pytest.mark.parametrize(
    ("key", "texts"),
    [
        ("2024-01-01T08:00:00", ["2024-01-01 8:00 AM", "2024-01-01 08:00", "2024-01-01 8:00", "2024-01-01T08:00:00", "20240101 8:00 a.m.", "01-Jan-2024 8:00 AM"]),
        ("2024-01-01T20:05:30", ["2024-01-01 8:05:30 PM", "2024-01-01 08:05:30 pm", "2024-01-01 20:05:30", "2024/01/01 8:05:30 PM"]),
        ("2024-01-01T00:30:00", ["2024-01-01 12:30 AM", "2024-01-01 00:30", "2024-01-01 0:30"]),
        ("2024-01-01T12:30:00", ["2024-01-01 12:30 PM", "2024-01-01 12:30"]),
        ("2024-01-01T20:00:00.250000", ["2024-01-01 8:00:00.25 PM", "2024-01-01 20:00:00.250"]),
        ("2024-01-01T13:00:00+00:00", ["2024-01-01 8:00 AM -05:00", "2024-01-01 08:00-05:00", "2024-01-01 1:00 PM UTC", "2024-01-01 13:00Z", "2024-01-01 2:00 PM GMT+01:00"]),
        ("2024-01-01t08:00:00 est", ["2024-01-01 8:00 AM EST", "2024-01-01 08:00 EST"]),
        ("01/15/2024 20:00:00", ["01/15/2024 8:00 PM", "01/15/2024 20:00", "01/15/2024 20:00:00"]),
        ("03/04/2024 08:00:00 est", ["03/04/2024 8:00 AM EST", "03/04/2024 08:00 EST"]),
    ],
)  # fmt: skip
def test_a_clock_of_twelve_hours_tells_the_same_moment(key: str, texts: list[str]) -> None:
    assert {READER.read(text) for text in texts} == {(key, MOMENT)}


@pytest.mark.parametrize(
    "text", ["2024-01-01 13:00 PM", "2024-01-01 0:00 AM", "2024-01-01 25:00", "2024-01-01 08:60", "2024-01-01 08:59:60"]
)
def test_what_is_no_time_of_a_clock_stays_as_it_is(text: str) -> None:
    assert READER.read(text) == (text.lower(), MOMENT)


@pytest.mark.parametrize(
    ("column", "counts"),
    [
        ("labresultoffset", True), ("chartoffset", True), ("offset_min", True), ("hours_since_admission", True), ("VISITNUM", True),
        ("DayOfStudy", True), ("ADY", True), ("LBDY", True), ("Visit", True), ("timepoint", True), ("MinutesFromAdmission", True),
        ("charttime", False), ("LBDTC", False), ("draw date", False), ("visit_date", False), ("Day of birth", False), ("time", False),
        ("collected_at", False), ("YearMonth", False),
    ],
)  # fmt: skip
def test_the_name_of_a_column_says_whether_it_counts_from_a_beginning(column: str, counts: bool) -> None:
    assert load_knowledge().moments.counts_from_a_beginning(column) is counts


@given(st.text(max_size=30))
def test_any_text_has_a_place_and_its_spelling_of_blanks_and_case_changes_nothing(text: str) -> None:
    moment = READER.read(text)
    assert (moment.key == "") is (moment.placing is NONE)
    assert READER.read(f"  {text} ").placing is moment.placing
    assert isinstance(instant(text), str)


# Long tables


def write(
    folder: Path, rows: Sequence[tuple[str, ...]], column: str = "at", people: str = "54,F"
) -> tuple[Path, dict[str, Any]]:
    """Write rows of person, moment, stay, tube, test, value, unit; say how they are read."""
    header = ["id", column, "stay", "tube", "test", "value", "unit", "age", "sex"]
    with (folder / "long.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *([*row, *people.split(",")] for row in rows)])
    (folder / "own.yaml").write_text(PROFILE.replace("COLUMN", column), encoding="utf-8")
    return folder / "long.csv", {"profile": str(folder / "own.yaml")}


def flags(
    folder: Path, rows: Sequence[tuple[str, ...]], column: str = "at"
) -> tuple[cbc.ScanSummary, list[dict[str, Any]]]:
    source, options = write(folder, rows, column)
    summary = cbc.scan(source, folder / "flags.ndjson", force=True, keep=["person"], **options)
    lines = (folder / "flags.ndjson").read_text(encoding="utf-8").splitlines()
    return summary, [json.loads(line) for line in lines]


def count(
    person: str, at: str, results: Sequence[tuple[str, str, str]], stay: str = "", tube: str = ""
) -> list[tuple[str, ...]]:
    return [(person, at, stay, tube, *result) for result in results]


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [
        ("Visit 1", "Visit 2", "at"), ("Day 1", "Day 14", "at"), ("2024-03", "2024-04", "at"), ("Mar 2024", "Apr 2024", "at"),
        ("-419", "60", "labresultoffset"), ("2024", "2025", "minutes"), ("1.5", "26.25", "hours"), ("0", "3", "study_day"),
        ("Baseline", "Week 4", "at"), ("C1D1", "C1D8", "at"), ("01/02/2024", "02/01/2024", "at"), ("pre-op", "post-op", "at"),
        ("T0", "T1", "at"), ("V1", "v2", "at"), ("120 min", "24 h", "at"), ("03/2024", "04/2024", "at"), ("1", "2", "VISITNUM"),
        ("2024Q1", "2024Q2", "at"), ("2024-01-02", "2024-01-03", "at"), ("aufnahme", "entlassung", "at"),
    ],
)  # fmt: skip
def test_results_of_one_person_with_the_same_words_are_one_count(
    tmp_path: Path, first: str, second: str, column: str
) -> None:
    """Four analytes of two persons at two moments each, their rows mixed: four counts, two of them low in three lines."""
    each = [
        count("a", first, SICK),
        count("a", second, WELL),
        count("b", first, WELL),
        count("b", second.upper(), SICK),
    ]
    summary, rows = flags(tmp_path, [row for results in zip(*each, strict=True) for row in results], column)
    assert [(row["person"], row["pattern"]) for row in rows] == [
        ("a", "pancytopenia"), ("a", "none"), ("b", "none"), ("b", "pancytopenia"),
    ]  # fmt: skip
    assert (summary.grouping["counts"], summary.grouping["not_placed"], summary.alarms) == (4, 0, ())
    assert summary.grouping["of_one_result"] == 0


@pytest.mark.parametrize("at", ["Visit 1", "Day 14", "Baseline", "-419", "2024-01-02", "01/02/2024"])
def test_two_draws_under_the_same_words_are_a_conflict_and_no_answer(tmp_path: Path, at: str) -> None:
    _, (row,) = flags(tmp_path, [*count("a", at, SICK), *count("a", at, WELL)])
    assert (row["pattern"], row["red_line"], row["platelet_line"]) == ("cannot_tell", "cannot_tell", "cannot_tell")
    assert {"hemoglobin:RESULT_CONFLICT", "platelets:RESULT_CONFLICT"} <= set(row["reasons"].split(";"))


@pytest.mark.parametrize("at", ["2024-03", "Mar 2024", "Q1 2024", "some time ago", "2024-01-01/2024-01-31"])
def test_two_draws_of_one_month_never_come_together(tmp_path: Path, at: str) -> None:
    """Low hemoglobin of one draw and low platelets of another: each stands alone, and no row has two low lines."""
    first = [("Hemoglobin", "70", "g/L"), ("Platelets", "250", "10^9/L")]
    second = [("Hemoglobin", "140", "g/L"), ("Platelets", "9", "10^9/L")]
    summary, rows = flags(tmp_path, [*count("a", at, first), *count("a", at, second)])
    assert len(rows) == 4
    assert all(row["lines_low_min"] <= 1 and row["pattern"] == "cannot_tell" for row in rows)
    assert [(row["red_line"], row["platelet_line"]) for row in rows] == [
        ("low", "cannot_tell"), ("not_low", "cannot_tell"), ("cannot_tell", "not_low"), ("cannot_tell", "low"),
    ]  # fmt: skip
    assert all("MOMENT_UNKNOWN" in row["reasons"] for row in rows)
    assert sorted(row["row"] for row in rows) == [2, 3, 4, 5]
    assert (summary.grouping["not_placed"], len(summary.alarms)) == (4, 1)


def test_a_month_beside_what_repeats_and_what_was_corrected_is_one_count(tmp_path: Path) -> None:
    rows = [*count("a", "2024-03", SICK), *count("a", "2024-03", [("Platelets", "9.0", "10^9/L")])]
    summary, (row,) = flags(tmp_path, rows)
    assert (row["pattern"], summary.results["duplicates"]) == ("pancytopenia", 1)


@pytest.mark.parametrize("at", ["2024", "", "unknown", "1900-01-01", "2024-03"])
@pytest.mark.parametrize("beside", ["stay", "tube"])
def test_without_a_day_an_encounter_or_a_specimen_holds_results_together(tmp_path: Path, at: str, beside: str) -> None:
    rows = [*count("a", at, SICK, **{beside: "1"}), *count("a", at, WELL, **{beside: "2"})]
    summary, found = flags(tmp_path, rows)
    assert [row["pattern"] for row in found] == ["pancytopenia", "none"]
    assert summary.grouping["not_placed"] == 0


def test_an_encounter_of_two_draws_is_told_apart_and_a_specimen_of_two_values_is_a_conflict(tmp_path: Path) -> None:
    twice = [("Hemoglobin", "70", "g/L"), ("Hemoglobin", "140", "g/L"), ("Platelets", "9", "10^9/L")]
    _, by_stay = flags(tmp_path, count("a", "", twice, stay="1"))
    assert [row["red_line"] for row in by_stay] == ["low", "not_low", "cannot_tell"]
    _, (by_tube,) = flags(tmp_path, count("a", "", twice, tube="1"))
    assert "hemoglobin:RESULT_CONFLICT" in by_tube["reasons"]


def test_a_day_of_one_stay_is_not_that_of_another(tmp_path: Path) -> None:
    rows = [*count("a", "Day 2", SICK, stay="1"), *count("a", "Day 2", WELL, stay="2")]
    _, found = flags(tmp_path, rows)
    assert [row["pattern"] for row in found] == ["pancytopenia", "none"]


@pytest.mark.parametrize("at", ["2024", "", "NA", "unknown", "1900-01-01", "9999-12-31"])
def test_results_that_nothing_places_stand_alone_with_a_reason(tmp_path: Path, at: str) -> None:
    summary, rows = flags(tmp_path, [*count("a", at, SICK), *count("b", "2024-01-02", WELL)])
    alone = [row for row in rows if row["person"] == "a"]
    assert len(alone) == 4
    assert all(row["pattern"] == "cannot_tell" and "MOMENT_UNKNOWN" in row["reasons"] for row in alone)
    # Neutrophils were sent: the white line of the row that holds WBC does not stand on WBC alone.
    by_wbc = next(row for row in alone if row["wbc_state"] == "low")
    assert "neutrophils:MOMENT_UNKNOWN" in by_wbc["reasons"].split(";")
    assert (summary.grouping["not_placed"], summary.grouping["results"]) == (4, 8)
    assert summary.grouping["of_one_result"] == 4
    assert summary.alarms == ()  # half of the results, and not most


def test_a_healthy_wbc_does_not_stand_for_neutrophils_that_cannot_be_placed(tmp_path: Path) -> None:
    rows = count("a", "", [("WBC", "6", "10^9/L"), ("Neutrophils", "0.3", "10^9/L")])
    _, (by_wbc, by_neutrophils) = flags(tmp_path, rows)
    assert (by_wbc["white_line"], by_neutrophils["white_line"]) == ("cannot_tell", "low")


def test_the_command_says_how_many_could_not_be_placed_and_ends_with_3(tmp_path: Path) -> None:
    source, options = write(tmp_path, count("a", "2024", SICK))
    done = CliRunner().invoke(
        main, ["scan", str(source), "--profile", options["profile"], "-o", str(tmp_path / "f.csv")]
    )
    assert done.exit_code == 3
    assert "4 of 4 results could not be placed" in done.stderr
    assert "4 results not placed" in done.stdout
    manifest = json.loads((tmp_path / "f.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["grouping"]["not_placed"] == 4


def test_counts_of_one_result_are_said_only_where_a_person_has_several_analytes(tmp_path: Path) -> None:
    one = [
        ("a", "2024-01-02", "", "", "Hemoglobin", "140", "g/L"),
        ("b", "2024-01-02", "", "", "Hemoglobin", "70", "g/L"),
    ]
    summary, _ = flags(tmp_path, one)
    assert "of_one_result" not in summary.grouping
    summary, _ = flags(tmp_path, [*one, ("a", "2024-01-03", "", "", "Platelets", "9", "10^9/L")])
    assert summary.grouping["of_one_result"] == 3


def test_rows_that_stand_alone_are_explained_by_their_own_number(tmp_path: Path) -> None:
    source, options = write(tmp_path, count("a", "2024", SICK))
    cbc.scan(source, tmp_path / "flags.parquet", received=True, **options)
    result = cbc.screen_again(tmp_path / "flags.parquet", 5)
    assert [line.state.value for line in result.lines] == ["cannot_tell", "cannot_tell", "low"]
    assert ("hemoglobin", cbc.Reason.MOMENT_UNKNOWN) in result.reasons


@given(st.lists(st.tuples(st.sampled_from(["Visit 1", "2024-03", "2024", "", "2024-01-02", "some words", "-5"]),
                          st.sampled_from(["", "s"]), st.sampled_from(["", "t"]), st.sampled_from(SICK + WELL)), max_size=12))  # fmt: skip
def test_wherever_results_come_from_all_are_accounted_for(
    drawn: list[tuple[str, str, str, tuple[str, str, str]]],
) -> None:
    from cbc_screen.ingest.results import LabResult, ResultCode
    from cbc_screen.normalize.collect import Collection
    from cbc_screen.normalize.identify import Identifier

    knowledge = load_knowledge()
    collection = Collection(knowledge)
    collection.add(
        (
            LabResult(line, "p", tube, at, (ResultCode("", test, ""),), value, unit=unit, encounter=stay, content="c")
            for line, (at, stay, tube, (test, value, unit)) in enumerate(drawn)
        ),
        Identifier(knowledge, {}),
        ordered=False,
    )
    counts = list(collection.each())
    assert collection.counts.balanced()
    assert collection.counts.read == len(drawn)
    assert collection.grouping.counts.total() == len(counts)
    lines = [one.line for one in counts]
    assert len(lines) == len(set(lines))


# HL7 and FHIR


MSH = "MSH|^~\\&|L|H|||20240102||ORU^R01|1|P|2.5"
PID = "PID|1||900^^^H||X||19700102|F"


def obx(number: int, code: str, value: str, unit: str, observed: str = "") -> str:
    return f"OBX|{number}|NM|{code}^^LN||{value}|{unit}|||||F|||{observed}"


COUNT = (("718-7", "70", "g/L"), ("6690-2", "6", "10*9/L"), ("777-3", "9", "10*9/L"))
DIFFERENTIAL = (("751-8", "0.3", "10*9/L"),)


def of_messages(folder: Path, *segments: str) -> list[dict[str, Any]]:
    (folder / "a.hl7").write_text("\r".join(segments) + "\r", encoding="utf-8")
    cbc.scan(folder / "a.hl7", folder / "flags.ndjson", force=True)
    return [json.loads(line) for line in (folder / "flags.ndjson").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("ordered", "sampled", "observed"),
    [
        ("20240102080000", "", ""), ("2024", "20240102", ""), ("202401", "", "202401020800"), ("", "20240102", ""), ("", "", "20240102"),
        ("", "2024", "20240102"), ("2024", "", ""), ("", "", ""), ("202401", "", ""), ("02/01/2024 08:00", "", ""), ("unknown", "", ""),
    ],
)  # fmt: skip
def test_a_count_and_its_differential_in_two_orders_of_a_message_are_one_count(
    tmp_path: Path, ordered: str, sampled: str, observed: str
) -> None:
    """WBC 6 and neutrophils 0.3: apart, the white line would stand on WBC and be not low."""
    orders: list[str] = []
    for number, results in enumerate((COUNT, DIFFERENTIAL), start=1):
        orders.append(f"OBR|{number}||{number}|CBC|||{ordered}")
        orders += [obx(place, *result, observed) for place, result in enumerate(results, start=1)]
        orders.append(f"SPM|{number}|||BLD|||||||||||||{sampled}")
    rows = of_messages(tmp_path, MSH, PID, *orders)
    assert [(row["pattern"], row["white_line_basis"]) for row in rows] == [("pancytopenia", "neutrophils")]


def test_two_counts_in_a_message_without_times_stay_apart(tmp_path: Path) -> None:
    well = (("718-7", "140", "g/L"), ("6690-2", "6", "10*9/L"), ("777-3", "250", "10*9/L"))
    segments = [
        part
        for number, results in enumerate((COUNT, well), start=1)
        for part in (f"OBR|{number}||{number}|CBC", *(obx(place, *one) for place, one in enumerate(results, start=1)))
    ]
    rows = of_messages(tmp_path, MSH, PID, *segments)
    assert [(row["red_line"], row["platelet_line"]) for row in rows] == [
        ("low", "low"), ("cannot_tell", "not_low"),  # without a day of collection there is no age
    ]  # fmt: skip


def test_the_time_that_is_told_to_the_day_stands_whichever_segment_has_it(tmp_path: Path) -> None:
    first = [MSH, PID, "OBR|1||1|CBC|||2024", *(obx(n, *one, "20240102") for n, one in enumerate(COUNT, 1))]
    second = [MSH, PID, "OBR|1||2|DIFF|||20240102", *(obx(n, *one) for n, one in enumerate(DIFFERENTIAL, 1))]
    rows = of_messages(tmp_path, *first, *second)
    assert [row["pattern"] for row in rows] == ["pancytopenia"]
    assert "age:DATE_UNREADABLE" not in rows[0]["reasons"]


def observation(code: str, value: str, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p"}, "valueQuantity": {"value": float(value), "unit": unit}, **more,
    }  # fmt: skip


def of_bundle(folder: Path, *resources: dict[str, Any]) -> tuple[cbc.ScanSummary, list[dict[str, Any]]]:
    person = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-01-02"}
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in (person, *resources)]}
    (folder / "bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    summary = cbc.scan(folder / "bundle.json", folder / "flags.ndjson", force=True)
    return summary, [json.loads(line) for line in (folder / "flags.ndjson").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    "time",
    [
        {"effectiveDateTime": "2024-01-02"},
        {"effectivePeriod": {"start": "2024-01-02T23:50:00Z", "end": "2024-01-03T00:10:00Z"}},
        {"effectivePeriod": {"start": "2024-01-02"}},
        {"effectivePeriod": {"start": "2024-01-01", "end": "2024-01-31"}},
        {"effectivePeriod": {"end": "2024-01-31T00:00:00Z"}},
        {"effectiveTiming": {"event": ["2024-01-02T08:00:00Z"]}},
        {"effectiveInstant": "2024-01-02T08:00:00Z"},
        {"effectiveDateTime": "2024-01"},
        {"effectiveDateTime": "2024", "encounter": {"reference": "Encounter/e"}},
        {"encounter": {"reference": "Encounter/e"}},
        {"context": {"reference": "Encounter/e"}},
        {"issued": "2024-01-02T09:00:00Z"},
        {"effectiveDateTime": "2024", "issued": "2024-01-02T09:00:00Z"},
        {"specimen": {"reference": "Specimen/s"}},
    ],
)
def test_observations_of_one_draw_are_one_count(tmp_path: Path, time: dict[str, Any]) -> None:
    summary, rows = of_bundle(tmp_path, *(observation(*one, **time) for one in (*COUNT, *DIFFERENTIAL)))
    assert [row["pattern"] for row in rows] == ["pancytopenia"]
    assert (summary.grouping["not_placed"], summary.alarms) == (0, ())


@pytest.mark.parametrize("time", [{}, {"effectiveDateTime": "2024"}])
def test_observations_without_a_moment_are_one_count_where_a_report_lists_them(
    tmp_path: Path, time: dict[str, Any]
) -> None:
    results = [observation(*one, id=f"o{place}", **time) for place, one in enumerate((*COUNT, *DIFFERENTIAL))]
    report = {
        "resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "CBC"},
        "result": [{"reference": f"Observation/{one['id']}"} for one in results],
    }  # fmt: skip
    _, rows = of_bundle(tmp_path, *results, report)
    assert [row["pattern"] for row in rows] == ["pancytopenia"]
    summary, alone = of_bundle(tmp_path, *results)
    assert (len(alone), summary.grouping["not_placed"]) == (4, 4)
    assert all("MOMENT_UNKNOWN" in row["reasons"] for row in alone)


def test_two_draws_within_one_period_are_told_apart(tmp_path: Path) -> None:
    month = {"effectivePeriod": {"start": "2024-01-01", "end": "2024-01-31"}}
    twice = (COUNT[0], ("718-7", "140", "g/L"), COUNT[2])
    _, rows = of_bundle(tmp_path, *(observation(*one, **month) for one in twice))
    assert [row["lines_low_min"] for row in rows] == [1, 0, 1]
    assert not any("age:DATE_UNREADABLE" in row["reasons"] for row in rows)  # the age is that of its begin


# One specimen in several files -------------------------------------------------------------------

OF_A_SAMPLE = "ACCESSION,MRN,SEX,AGE,TEST_CODE,RESULT,UNITS,RESULT_STATUS\n"
FIRST_DAY = OF_A_SAMPLE + "".join(
    f"A1,1,F,45 y,{test},{value},{unit},F\n"
    for test, value, unit in (("HGB", 139, "g/L"), ("ANC", 3.9, "10^9/L"), ("PLT", 240, "10^9/L"))
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("A1,1,F,45 y,PLT,42,10^9/L,C", {"single_line": 1}),  # the correction stands
        ("A1,1,F,45 y,PLT,42,10^9/L,F", {"cannot_tell": 1}),  # which of the two stands nobody knows
        ("A1,1,F,45 y,PLT,240,10^9/L,F", {"none": 1}),
        ("A2,1,F,45 y,PLT,42,10^9/L,C", {"none": 1, "cannot_tell": 1}),  # of another specimen
        ("A1,2,F,45 y,PLT,42,10^9/L,C", {"none": 1, "cannot_tell": 1}),  # of another person
    ],
)
def test_a_specimen_without_a_time_is_the_same_in_every_file(
    tmp_path: Path, row: str, expected: dict[str, int]
) -> None:
    (tmp_path / "monday.csv").write_text(FIRST_DAY, encoding="utf-8")
    (tmp_path / "tuesday.csv").write_text(f"{OF_A_SAMPLE}{row}\n", encoding="utf-8")
    summary = cbc.scan([tmp_path / "monday.csv", tmp_path / "tuesday.csv"])
    assert {name: many for name, many in summary.patterns.items() if many} == expected
