"""What goes out as FHIR: valid, preliminary, never a normal for an unknown, and read in again to the same answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from fhir.resources.bundle import Bundle as BundleR5
from fhir.resources.observation import Observation as ObservationR5
from fhir.resources.R4B.bundle import Bundle as BundleR4B
from fhir.resources.R4B.observation import Observation as ObservationR4B

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.demo import write_demo
from cbc_screen.errors import KnowledgeError, UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.fhir_names import load_fhir_names
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.vocabulary import SCHEMA_VERSION
from effort import share
from test_cases import CASES, NAMES, screener_of

NOTICE = "For clinician review. Not a diagnosis."
SEVERE = {
    "age": "54 y",
    "sex": "F",
    "hemoglobin": "9.1 g/dL",
    "neutrophils": "0.9 10^9/L",
    "platelets": "<10 10^9/L",
}
# What a count and its person hold; findings of the film and the history are not among the Observations.
OF_THE_COUNT = {"age", "birth_date", "collected_at", "sex", "pregnancy", "gestation_at_birth"}
NOT_OF_THE_COUNT = {
    "film", "context", "reticulocyte_method", "wbc_uncorrected", "elevation", "cigarettes_per_day", "specimen", "ferritin",
}  # fmt: skip
ANSWERS = (
    "pattern", "red_line", "white_line", "platelet_line", "severity", "severity_min", "lines_low_min", "lines_low_max",
    "hemoglobin_grade", "white_grade", "platelets_grade",
)  # fmt: skip
# Texts of a result that FHIR has no place for: a mark of doubt and a remark.
LOSES_A_CHECK = ("guards", "urgency", "urgency_reasons")


def resources(bundle: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == kind]


def derived(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one Observation that holds the answers."""
    [found] = [one for one in resources(bundle, "Observation") if "derivedFrom" in one]
    return found


def component(observation: Mapping[str, Any], code: str) -> dict[str, Any]:
    [found] = [one for one in observation["component"] if one["code"]["coding"][0]["code"] == code]
    return found


def word(part: Mapping[str, Any]) -> str | None:
    """Return the word of our own system; None where there is no value."""
    return part["valueCodeableConcept"]["coding"][0]["code"] if "valueCodeableConcept" in part else None


def every_key(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for entry in value.values():
            yield from every_key(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from every_key(entry)


# One result --------------------------------------------------------------------------------------


def test_a_severe_count_as_a_bundle() -> None:
    bundle = cbc.fhir_bundle(cbc.screen(SEVERE), subject="Patient/7", effective="2026-03-01")
    BundleR4B.model_validate(bundle)
    BundleR5.model_validate(bundle)
    answer = derived(bundle)
    assert (answer["status"], answer["subject"], answer["effectiveDateTime"]) == (
        "preliminary",
        {"reference": "Patient/7"},
        "2026-03-01",
    )
    assert word(answer) == "pancytopenia"
    assert {"system": "http://human-phenotype-ontology.org", "code": "HP:0001876"} in answer["valueCodeableConcept"][
        "coding"
    ]
    assert [word(component(answer, f"{line}_line")) for line in ("red", "white", "platelet")] == ["low"] * 3
    assert component(answer, "platelets_grade")["valueInteger"] == 4
    assert word(component(answer, "urgency")) == "immediate"
    assert answer["note"][0] == {"text": NOTICE}
    assert resources(bundle, "Patient") == []
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert {reference["reference"] for reference in answer["derivedFrom"]} <= urls
    [platelets] = [one for one in resources(bundle, "Observation") if one["code"]["text"] == "Platelets"]
    quantity = {
        "value": 10,
        "comparator": "<",
        "unit": "10^9/L",
        "system": "http://unitsofmeasure.org",
        "code": "10*9/L",
    }
    assert platelets["valueQuantity"] == quantity


def test_what_cannot_be_told_has_no_value_and_asks_for_what_is_missing() -> None:
    bundle = cbc.fhir_bundle(cbc.screen({"hemoglobin": "8.8 g/dL", "platelets": "CLUMPED"}))
    BundleR4B.model_validate(bundle)
    answer = derived(bundle)
    for part in (answer, component(answer, "white_line"), component(answer, "platelet_line")):
        assert "valueCodeableConcept" not in part
        assert part["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert component(answer, "lines_low_max")["valueInteger"] == 3
    [guidance] = resources(bundle, "GuidanceResponse")
    assert guidance["status"] == "data-required"
    asked = [code["code"] for one in guidance["dataRequirement"][:2] for code in one["codeFilter"][0]["code"]]
    assert {"751-8", "777-3"} <= set(asked)
    assert guidance["dataRequirement"][-1] == {"type": "Patient", "mustSupport": ["birthDate", "gender"]}


def test_a_count_in_which_all_is_known_asks_for_nothing() -> None:
    [guidance] = resources(cbc.fhir_bundle(cbc.screen(SEVERE)), "GuidanceResponse")
    assert (guidance["status"], "dataRequirement" in guidance) == ("success", False)


def test_the_report_says_it_in_words_and_is_no_diagnosis() -> None:
    result = cbc.screen(SEVERE)
    [report] = resources(cbc.fhir_bundle(result), "DiagnosticReport")
    assert report["status"] == "preliminary"
    assert report["conclusion"].startswith(result.summary)
    assert report["conclusion"].endswith(NOTICE)
    assert "conclusionCode" not in report
    div = report["text"]["div"]
    assert div.startswith('<div xmlns="http://www.w3.org/1999/xhtml">')
    for text in (NOTICE, result.checklist[0].name, result.next_tests[0].text):
        assert text in div


def test_no_condition_no_order_and_no_interpretation_ever_goes_out() -> None:
    for name in NAMES[:: max(1, len(NAMES) // share(1000))]:
        bundle = cbc.fhir_bundle(screener_of(CASES[name]).screen(CASES[name]["record"]))
        kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
        assert kinds <= {"Patient", "Observation", "DiagnosticReport", "GuidanceResponse"}, name
        assert not {"interpretation", "prediction", "conclusionCode"} & set(every_key(bundle)), name


def test_entries_of_two_bundles_never_meet() -> None:
    one, other = (cbc.fhir_bundle(cbc.screen(SEVERE)) for _ in range(2))
    assert not {entry["fullUrl"] for entry in one["entry"]} & {entry["fullUrl"] for entry in other["entry"]}


def test_a_text_that_looks_like_markup_is_a_text() -> None:
    result = cbc.screen({**SEVERE, "neutrophils": "<script>alert(1)</script>"})
    [report] = resources(cbc.fhir_bundle(result), "DiagnosticReport")
    assert "<script>" not in report["text"]["div"]


@pytest.mark.parametrize(
    ("received", "value"),
    [
        ("9.10 g/dL", 91.0),  # a trailing zero is not in a JSON number: the canonical one, with the original text
        ("9.1 g/dL (L)", 91.0),
        ("91 g/L", 91),
    ],
)
def test_a_number_is_one_that_was_received_or_understood(received: str, value: float) -> None:
    bundle = cbc.fhir_bundle(cbc.screen({**SEVERE, "hemoglobin": received}))
    [own] = [one for one in resources(bundle, "Observation") if one["code"]["text"] == "Hemoglobin"]
    assert own["valueQuantity"]["value"] == value
    original = [one["valueString"] for one in own["valueQuantity"].get("extension", ())]
    assert original == ([] if received == "91 g/L" else [received])


@pytest.mark.parametrize(
    ("value", "status"),
    [({"value": 130, "unit": "g/L", "status": "Preliminary"}, "preliminary"), ("1,300 g/L", "final"), ("13.0 g/dL", "final")],
)  # fmt: skip
def test_a_number_that_was_not_used_is_not_given_as_final(value: object, status: str) -> None:
    bundle = cbc.fhir_bundle(cbc.screen({**SEVERE, "hemoglobin": value}))
    [own] = [one for one in resources(bundle, "Observation") if one["code"]["text"] == "Hemoglobin"]
    assert own["status"] == status


def test_a_number_of_two_readings_is_not_final() -> None:
    """ "1.5L" beside single cells may be 1.5 lakh, and another reader must not take it for 1.5."""
    bundle = cbc.fhir_bundle(cbc.screen({**SEVERE, "platelets": {"value": "1.5L", "unit": "cells/cumm"}}))
    [own] = [one for one in resources(bundle, "Observation") if one["code"]["text"] == "Platelets"]
    assert (own["status"], own["valueString"]) == ("unknown", "1.5L cells/cumm")


@pytest.mark.parametrize(
    ("options", "said"),
    [({"effective": "01.03.2026"}, "effective must be"), ({"effective": "2026-02-30"}, "effective must be")],
)  # fmt: skip
def test_an_option_that_is_none_is_refused(options: Mapping[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cbc.fhir_bundle(cbc.screen(SEVERE), **options)


# Read in again -----------------------------------------------------------------------------------


def of_the_count() -> list[str]:
    """Return the cases that an Observation can hold, some of them here and all in the long form."""
    names = [name for name in NAMES if not set(CASES[name]["record"]) & NOT_OF_THE_COUNT]
    names = [name for name in names if set(CASES[name]["record"]) - OF_THE_COUNT]
    return names[:: max(1, len(names) // share(1000))]


def test_what_goes_out_is_read_in_again_to_the_same_answers(tmp_path: Path) -> None:
    """Every case of a count: its lines, grades and severity are the same, or unknown; never another definite answer."""
    file, same, names = tmp_path / "bundle.json", 0, of_the_count()
    for name in names:
        screener = screener_of(CASES[name])
        result = screener.screen(CASES[name]["record"])
        bundle = cbc.fhir_bundle(result)
        BundleR4B.model_validate(bundle)
        file.write_text(json.dumps(bundle), encoding="utf-8")
        [count] = screener.screen_each(file).counts
        flags, again = result.flags(), count.result.flags()
        same += all(flags[key] == again[key] for key in ANSWERS)
        differing = {key for key in ANSWERS if flags[key] != again[key]}
        assert all(again[key] in ("cannot_tell", None, "none", 0, 3) for key in differing), name
        if "cannot_tell" in (flags["pattern"], flags["severity"]):
            assert not differing & {"pattern", "severity"}, name
    assert same >= 0.98 * len(names)


def test_answers_that_come_back_are_no_results(tmp_path: Path) -> None:
    """A derived Observation names the lines; read as a result, "Platelet line" would be platelets in no unit."""
    bundle = cbc.fhir_bundle(cbc.screen({"age": "40 y", "sex": "F", "hemoglobin": "80 g/L"}))
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle), encoding="utf-8")
    found = cbc.Screener().screen_each(file)
    [count] = found.counts
    assert count.result.flags()["reasons"] == "neutrophils:NO_RESULT;platelets:NO_RESULT"
    assert found.results["without_results"]["answer"] == 1


def test_the_example_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "fhir.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("```python\n")
    code, _, shown = rest.partition("```\n\n```\n")
    exec(code, {})  # noqa: S102
    assert capsys.readouterr().out == shown.partition("```")[0]


def test_a_result_with_a_code_of_ours_beside_its_own_is_a_result(tmp_path: Path) -> None:
    """Only what has no other code is an answer of ours: nothing that was sent disappears."""
    bundle = cbc.fhir_bundle(cbc.screen({"age": "40 y", "sex": "F", "hemoglobin": "80 g/L"}))
    [own] = [one for one in resources(bundle, "Observation") if one["code"]["text"] == "Hemoglobin"]
    own["code"]["coding"].append({"system": "urn:cbc-screen:code", "code": "red_line"})
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps(bundle), encoding="utf-8")
    [count] = cbc.Screener().screen_each(file).counts
    assert count.result.flags()["red_line"] == "low"


# A scan ------------------------------------------------------------------------------------------


@pytest.fixture
def export(tmp_path: Path) -> Path:
    write_demo(tmp_path / "export.csv", ordinary=40)
    return tmp_path / "export.csv"


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_scan_writes_one_observation_a_line(export: Path, tmp_path: Path) -> None:
    out, flags = tmp_path / "answers.ndjson", tmp_path / "flags.ndjson"
    summary = cbc.scan(export, out, out_format="fhir", keep=["Sample"])
    cbc.scan(export, flags, keep=["Sample"])
    observations, rows = lines_of(out), lines_of(flags)
    assert len(observations) == summary.screened == len(rows)
    for observation, row in zip(observations, rows, strict=True):
        ObservationR4B.model_validate(observation)
        ObservationR5.model_validate(observation)
        assert word(observation) == (None if row["pattern"] == "cannot_tell" else row["pattern"])
        for code in ("red_line", "white_line", "platelet_line", "severity", "urgency"):
            assert word(component(observation, code)) == (None if row[code] == "cannot_tell" else row[code]), code
        assert observation["id"] == f"count-{row['row']}"
        assert observation["identifier"] == [{"system": "urn:cbc-screen:column:Sample", "value": row["Sample"]}]
        assert observation["note"] == [{"text": NOTICE}]
        assert observation["status"] == "preliminary"


def test_person_and_moment_are_subject_and_time(tmp_path: Path) -> None:
    rows = ["person,collected_at,code,value,unit"]
    rows += [f"p1,2026-03-0{day} 08:00,718-7,{value},g/dL" for day, value in ((1, 9.1), (2, 9.0))]
    (tmp_path / "long.csv").write_text("\n".join(rows), encoding="utf-8")
    cbc.scan(tmp_path / "long.csv", tmp_path / "out.ndjson", out_format="fhir", keep=["person", "collected_at"])
    first, second = lines_of(tmp_path / "out.ndjson")
    assert first["subject"] == second["subject"] == {"identifier": {"value": "p1"}}
    assert [one["effectiveDateTime"] for one in (first, second)] == ["2026-03-01", "2026-03-02"]
    assert first["identifier"] == [{"system": "urn:cbc-screen:column:collected_at", "value": "2026-03-01 08:00"}]


def test_a_grade_names_its_scheme(export: Path, tmp_path: Path) -> None:
    """Grade 2 of one scheme is grade 1 of another."""
    told = set()
    for scheme in ("ctcae_v5", "who_2011"):
        cbc.Screener(grading=scheme).scan(export, tmp_path / f"{scheme}.ndjson", out_format="fhir")
        line = json.loads((tmp_path / f"{scheme}.ndjson").read_text(encoding="utf-8").splitlines()[0])
        for code in ("hemoglobin_grade", "white_grade", "platelets_grade", "severity", "severity_min"):
            (part,) = [one for one in line["component"] if one["code"]["coding"][0]["code"] == code]
            own = part["code"]["coding"][1]
            assert (own["system"], own["code"]) == ("urn:cbc-screen:scheme", scheme)
            told.add(own["version"])
        assert f"grading {scheme}" in line["method"]["text"]
        assert line["meta"]["tag"] == [{"system": "urn:cbc-screen:schema-version", "code": SCHEMA_VERSION}]
    assert len(told) == 2


def test_no_two_rows_have_one_id(tmp_path: Path) -> None:
    """Letters outside ASCII are no part of an id, and 64 signs are the most: a receiver would overwrite one answer by another."""
    table = "sample,age,sex,HGB (g/dL)\n1,50 y,F,9.1\n2,50 y,F,13.1\n"
    names = ["ä.csv", "ö.csv", "a" * 70 + ".csv", "b" * 70 + ".csv", "plain.csv"]
    for name in names:
        (tmp_path / name).write_text(table, encoding="utf-8")
    cbc.scan([tmp_path / name for name in names], tmp_path / "out.ndjson", out_format="fhir")
    ids = [json.loads(line)["id"] for line in (tmp_path / "out.ndjson").read_text(encoding="utf-8").splitlines()]
    assert len(set(ids)) == 2 * len(names)
    assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", one) for one in ids)
    assert "count-plain.csv-2" in ids


def test_a_kept_column_is_written_as_fhir_can_hold_it(tmp_path: Path) -> None:
    """A blank in its name, a blank cell, a sign that no XML has, and 0, which is a value."""
    table = pa.table({"age": ["50 y"] * 3, "sex": ["F"] * 3, "HGB (g/dL)": [9.1] * 3, "Lab Nö": ["A\x001", "  ", "0"]})
    pq.write_table(table, tmp_path / "export.parquet")
    cbc.scan(tmp_path / "export.parquet", tmp_path / "out.ndjson", out_format="fhir", keep=["Lab Nö"])
    found = [json.loads(line) for line in (tmp_path / "out.ndjson").read_text(encoding="utf-8").splitlines()]
    system = "urn:cbc-screen:column:Lab%20N%C3%B6"
    assert [one.get("identifier") for one in found] == [
        [{"system": system, "value": "A1"}], None, [{"system": system, "value": "0"}],
    ]  # fmt: skip


@pytest.mark.parametrize("moment", ["2024-06-20T25:61:61Z", "2024-06-20T08:00:00+99:00"])
def test_a_moment_that_there_is_not_is_refused(moment: str) -> None:
    with pytest.raises(cbc.UsageError, match="effective must be a day"):
        cbc.fhir_bundle(cbc.screen(SEVERE), effective=moment)


def test_the_command_writes_it_to_standard_output(export: Path) -> None:
    done = CliRunner().invoke(main, ["scan", str(export), "-o", "-", "--out-format", "fhir"])
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["resourceType"], first["status"]) == ("Observation", "preliminary")


def test_fhir_goes_to_a_file_of_lines(export: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"out must end in \.ndjson"):
        cbc.scan(export, tmp_path / "out.parquet", out_format="fhir")


@pytest.mark.parametrize("option", ["detail", "received"])
def test_columns_that_fhir_cannot_hold_are_refused_and_not_dropped(export: Path, tmp_path: Path, option: str) -> None:
    with pytest.raises(UsageError, match="no place for detail and received"):
        cbc.scan(export, tmp_path / "out.ndjson", out_format="fhir", **{option: True})


@pytest.mark.parametrize(
    ("wrong", "key"),
    [("code: nothing", "code"), ("source: nobody", "source"), ("basis: [monocytes]", "basis")],
)
def test_a_table_with_a_fault_is_refused_with_its_place(wrong: str, key: str) -> None:
    entry = {"code": "pattern", "word": "pancytopenia", "system": "http://x", "term": "T:1", "source": "hpo"}
    name, value = wrong.split(": ")
    entry[name] = value
    lines = "".join(f"    {own}: {text}\n" for own, text in entry.items())
    text = f"module: urn:m\ntexts: {{pattern: Pattern}}\nucum: {{}}\nalso:\n  -\n{lines}"
    with pytest.raises(KnowledgeError) as caught:
        load_fhir_names(parse_yaml(text, "fhir.yaml"), {"hpo"})
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("code", "word", "basis", "terms"),
    [
        ("pattern", "pancytopenia", "", ["HP:0001876"]), ("pattern", "single_line", "", []), ("red_line", "low", "wbc", ["HP:0020062"]),
        # neutropenia, leukopenia
        ("white_line", "low", "neutrophils", ["HP:0001875"]), ("white_line", "low", "wbc", ["HP:0001882"]),
    ],
)  # fmt: skip
def test_a_published_term_is_of_what_was_judged(code: str, word: str, basis: str, terms: list[str]) -> None:
    assert [one.term for one in load_knowledge().fhir.terms(code, word, basis)] == terms
