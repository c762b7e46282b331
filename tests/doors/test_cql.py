"""The library that `cbc_screen.cql` writes answers as `screen` does, in an engine that runs CQL."""

from __future__ import annotations

import base64
import datetime
import functools
import json
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from click.testing import CliRunner
from fhir.resources.library import Library
from fhir.resources.plandefinition import PlanDefinition
from fhir.resources.R4B.library import Library as LibraryR4B
from fhir.resources.R4B.plandefinition import PlanDefinition as PlanDefinitionR4B

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.exported.cql_text import decimal, in_quotes
from count_tables import LINES, Row, Tables
from cql_engine import Patient, answers
from effort import share
from strategies import AGE_EDGES, KNOWLEDGE, months_before

MOMENT = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
UCUM = {name: KNOWLEDGE.fhir.ucum[KNOWLEDGE.analytes[name].units.canonical] for name in LINES}
SHOWN = (
    *("pattern", "lines_low_min", "lines_low_max", "red_line", "white_line", "platelet_line", "white_line_basis"),
    *("severity", "severity_min", "hemoglobin_grade", "white_grade", "platelets_grade", "reasons"),
)
GENDERS = {"F": "female", "M": "male", None: "other"}
LIBRARY = functools.cache(lambda: cbc.cql())
LARGE = 1e6  # more than any count; FHIR has no infinity


def rows_of(seed: int, many: int) -> list[Row]:
    """Made-up counts as a FHIR server can have them: numbers of eight places, and a birth date."""
    source, pick, rows = Tables(seed), random.Random(seed), []
    while len(rows) < many:
        row = source.row()
        for name in LINES:
            value = row[name]
            if value is not None:
                row[name] = round(value, 8) if value == value and 0 <= value < LARGE else LARGE
        if all(row[name] is None for name in LINES):
            continue
        unit, edge = pick.choice(AGE_EDGES)
        months = pick.choice((edge if unit == "mo" else 0, pick.randrange(1_100)))
        born = months_before(MOMENT.date(), months) - datetime.timedelta(days=edge if unit == "d" else 0)
        born += datetime.timedelta(days=pick.choice((-1, 0, 0, 1)))
        row["birth_date"] = None if pick.random() < 0.04 else min(born, MOMENT.date()).isoformat()
        row["sex"] = pick.choice((*("F", "M") * 12, None))
        rows.append(row)
    return rows


def observation(name: str, value: float | None, sign: str | None = None, **changed: Any) -> dict[str, Any]:
    quantity: dict[str, Any] = {"system": "http://unitsofmeasure.org", "code": UCUM[name]}
    quantity |= {} if value is None else {"value": Decimal(repr(value))}
    quantity |= {} if sign in (None, "=") else {"comparator": sign}
    code = {"coding": [{"system": "http://loinc.org", "code": KNOWLEDGE.analytes[name].loinc[0]}]}
    own = {"status": "final", "code": code, "effectiveDateTime": MOMENT.isoformat(), "valueQuantity": quantity}
    return {**own, **changed}


def patient_of(row: Mapping[str, Any]) -> Patient:
    person = {"gender": GENDERS[row["sex"]]} | (
        {"birthDate": row["birth_date"]} if row["birth_date"] else {"birthDate": None}
    )
    given = [observation(name, row[name], row.get(f"{name}_comparator")) for name in LINES if row[name] is not None]
    return Patient(person, given)


def by_kernel(row: Mapping[str, Any], screener: cbc.Screener) -> dict[str, Any]:
    record: dict[str, Any] = {"birth_date": row["birth_date"], "collected_at": MOMENT.date(), "sex": row["sex"]}
    record["pregnancy"] = row["pregnancy"]
    for name in LINES:
        if row[name] is not None:
            unit, sign = KNOWLEDGE.analytes[name].units.canonical, row.get(f"{name}_comparator")
            record[name] = {"value": row[name], "unit": unit, "comparator": sign}
    return screener.screen(record, compact=True).flags(checklist=False)


def by_cql(row: Mapping[str, Any], text: str) -> dict[str, Any]:
    parameters = {"Pregnancy": row["pregnancy"]}
    found = answers(text, patient_of(row), SHOWN, parameters)
    return {**found, "reasons": ";".join(found["reasons"])}


def unequal(rows: Sequence[Row], **options: Any) -> list[str]:
    screener, text = cbc.Screener(**options), cbc.cql(**options).text
    wrong = []
    for row in rows:
        wanted, found = by_kernel(row, screener), by_cql(row, text)
        if names := [name for name in SHOWN if wanted[name] != found[name]]:
            wrong.append(f"(kernel, CQL) { {name: (wanted[name], found[name]) for name in names} }\n    of {row}")
    return wrong


@pytest.mark.parametrize(
    ("definition", "grading", "many"),
    [
        ("reference", "clinical", 1_000),
        ("clinical", "ctcae_v5", 600),
        ("reference", "ctcae_v6", 400),
        ("mds", "who_2024", 400),
        ("strict", "who_2011", 400),
        ("aplastic", "daids_v2_1", 400),
    ],
)
def test_records_row_by_row(definition, grading, many):
    wrong = unequal(rows_of(len(grading), share(many)), definition=definition, grading=grading)
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:3])


@pytest.mark.parametrize(
    ("definition", "grading"), [("reference", "clinical"), ("clinical", "ctcae_v5"), ("mds", "who_2024")]
)
def test_white_cells_with_a_sign_and_no_neutrophils(definition, grading):
    """The library reads no other white cells: the most that neutrophils can be is the white cells themselves."""
    pick, rows = random.Random(5), rows_of(77, share(200))
    for row in rows:
        row["neutrophils"] = row["neutrophils_comparator"] = None
        row["wbc"] = pick.choice((0.3, 0.5, 1.0, 1.5, 1.79, 1.8, 2.0, 3.0, 3.9, 4.0, 4.01, 11.0))
        row["wbc_comparator"] = pick.choice((None, "<", "<=", ">", ">="))
    wrong = unequal(rows, definition=definition, grading=grading)
    assert not wrong, f"{len(wrong)} differ:\n" + "\n".join(wrong[:3])


@pytest.mark.parametrize(("sign", "number", "line"), [(None, 1.78, "low"), (None, 4.5, "not_low"), ("<", 1.79, "low"),
                                                      (">", 1.78, "cannot_tell"), (">", 4.5, "not_low")])  # fmt: skip
def test_white_cells_alone_bound_the_neutrophils(sign, number, line):
    """The lower limit of neutrophils of a woman of 54 is 1.79."""
    found = asked([observation("wbc", number, sign)], "white_line", "white_line_basis")
    assert found == {"white_line": line, "white_line_basis": "wbc"}


WOMAN = {"gender": "female", "birthDate": "1970-01-01"}


def asked(
    observations: Sequence[Mapping[str, Any]], *names: str, person: Mapping[str, Any] = WOMAN, **parameters: Any
) -> Any:
    found = answers(LIBRARY().text, Patient(person, observations), names, {"Pregnancy": None, **parameters})
    return found[names[0]] if len(names) == 1 else found


@pytest.mark.parametrize(("number", "line"), [(116.9, "low"), (117.0, "not_low"), (117.1, "not_low")])
def test_a_woman_of_54_has_low_hemoglobin_below_117(number, line):
    assert asked([observation("hemoglobin", number)], "red_line") == line


def test_hemoglobin_in_g_per_dl_is_the_same():
    quantity = {"value": Decimal("11.7"), "system": "http://unitsofmeasure.org", "code": "g/dL"}
    assert asked([observation("hemoglobin", None, valueQuantity=quantity)], "red_line") == "not_low"
    quantity["value"] = Decimal("11.6")
    assert asked([observation("hemoglobin", None, valueQuantity=quantity)], "red_line") == "low"


def _in(unit: str, system: str = "http://unitsofmeasure.org", **more: Any) -> dict[str, Any]:
    return {"value": Decimal(150), "system": system, "code": unit, **more}


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "preliminary"},
        {"status": "entered-in-error"},
        {"valueQuantity": _in("mmol/L")},
        {"valueQuantity": _in("g/L", "urn:own")},
        {"valueQuantity": _in("g/L", comparator="ad")},
        {"valueQuantity": {"system": "http://unitsofmeasure.org", "code": "g/L"}},
    ],
    ids=["preliminary", "error", "unit", "system", "comparator", "no_value"],
)
def test_a_result_that_cannot_be_used_is_unknown(changed):
    """150 g/L would be a normal hemoglobin."""
    sent = [observation("hemoglobin", 150.0, **changed), observation("platelets", 200.0)]
    found = asked(sent, "red_line", "pattern", "reasons", "some line unknown")
    assert (found["red_line"], found["pattern"], found["some line unknown"]) == ("cannot_tell", "cannot_tell", True)
    assert "hemoglobin:VALUE_MISSING" in found["reasons"]


def test_two_results_of_one_moment_and_a_result_without_one_are_unknown():
    twice = [observation("hemoglobin", 150.0), observation("hemoglobin", 149.0)]
    assert asked(twice, "red_line") == "cannot_tell"
    without = observation("hemoglobin", 150.0)
    del without["effectiveDateTime"]
    assert asked([{**without, "effectiveDateTime": None}, observation("platelets", 200.0)], "red_line") == "cannot_tell"


def test_the_latest_count_is_screened():
    earlier = (MOMENT - datetime.timedelta(days=30)).isoformat()
    sent = [observation("hemoglobin", 60.0, effectiveDateTime=earlier), observation("hemoglobin", 130.0)]
    assert asked(sent, "red_line") == "not_low"
    alone = [observation("platelets", 20.0, effectiveDateTime=earlier), observation("hemoglobin", 130.0)]
    assert asked(alone, "platelet_line") == "cannot_tell"


def test_what_is_unknown_is_never_normal():
    """Hemoglobin of 125 is normal in a woman and low in a man."""
    sent = [observation("hemoglobin", 125.0)]
    assert asked(sent, "red_line") == "not_low"
    assert asked(sent, "red_line", person={**WOMAN, "gender": "male"}) == "low"
    for gender in ("other", "unknown", None):
        assert asked(sent, "red_line", person={**WOMAN, "gender": gender}) == "cannot_tell"
    nothing = asked([], "pattern", "severity", "hemoglobin_grade", "reasons", "some line low")
    assert (nothing["pattern"], nothing["severity"], nothing["hemoglobin_grade"]) == (
        "cannot_tell",
        "cannot_tell",
        None,
    )
    assert "record:NO_RESULT" in nothing["reasons"]
    assert nothing["some line low"] is False


@pytest.mark.parametrize(
    ("number", "text"),
    [(117.0, "117.0"), (0.5, "0.5"), (100.00000000000001, "100.00000001"), (1e-100, "0.00000001"), (-3.0, "(-3.0)")],
)
def test_numbers_are_decimals_of_eight_places(number, text):
    assert decimal(number) == text


def test_the_name_of_a_file_of_ranges_ends_no_text(ranges_of_own):
    made = cbc.cql(ranges=str(ranges_of_own))
    names = ("screened_with", "platelet_line", "summary")
    low = Patient(WOMAN, [observation("platelets", 171.4)])
    found = answers(made.text, low, names, {"Pregnancy": None})
    assert f"ranges {ranges_of_own.name}," in found["screened_with"]
    assert found["platelet_line"] == "low"
    assert found["summary"].startswith(cbc.NOTICE)
    assert f"ranges {ranges_of_own.name}," in made.library["description"]
    Library.model_validate_json(json.dumps(made.library))


@pytest.mark.parametrize("own", ["ward's", "a\\", "\\'b", 'say "so"', "'' + '", "`\u2028"])
def test_a_text_of_cql_stays_what_it_is(own):
    made = f"library Own version '1'\ndefine own:\n  {in_quotes(own)}\n"
    assert answers(made, Patient(WOMAN, []), ["own"], {}) == {"own": own}


def test_the_resources_are_valid_and_carry_the_text():
    made = cbc.cql(definition="clinical", grading="ctcae_v5")
    for model in (Library, LibraryR4B):
        model.model_validate_json(json.dumps(made.library))
    for model in (PlanDefinition, PlanDefinitionR4B):
        model.model_validate_json(json.dumps(made.plan_definition))
    assert base64.b64decode(made.library["content"][0]["data"]).decode() == made.text
    assert made.plan_definition["library"] == [f"{made.library['url']}|{made.library['version']}"]
    for resource in (made.library, made.plan_definition):
        assert cbc.NOTICE in resource["description"]
        assert f"data {cbc.__data_version__}" in resource["description"]
    used = [own["condition"][0]["expression"]["expression"] for own in made.plan_definition["action"]]
    assert all(f'define "{name}":' in made.text for name in used)
    assert made.text.startswith(f"// {cbc.NOTICE}")


def test_the_command_writes_the_library_and_its_resources(tmp_path):
    made = cbc.cql(definition="mds")
    printed = CliRunner().invoke(main, ["cql", "--definition", "mds"])
    assert (printed.exit_code, printed.output) == (0, made.text)
    folder = tmp_path / "cql"
    assert CliRunner().invoke(main, ["cql", "--definition", "mds", "-o", str(folder)]).exit_code == 0
    assert (folder / "CBCScreen.cql").read_text() == made.text
    assert json.loads((folder / "Library-CBCScreen.json").read_text()) == made.library
    assert json.loads((folder / "PlanDefinition-CBCScreenPlan.json").read_text()) == made.plan_definition
    assert CliRunner().invoke(main, ["cql", "-o", str(folder)]).exit_code == 2
