"""How units are written: case, scripts, remarks in braces, languages, and spellings of one's own."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen import KnowledgeError
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.knowledge.unit_forms import load_forms
from cbc_screen.normalize.names import Role, name_reader
from cbc_screen.normalize.value import ResultReader
from cbc_screen.vocabulary import Reason

KNOWN = load_knowledge().analytes


def factor(analyte: str, unit: str) -> Fraction | Reason:
    found = KNOWN[analyte].units.find(unit)
    return Fraction(found.numerator, found.denominator) if isinstance(found, Factor) else found[0]


@pytest.mark.parametrize(
    ("analyte", "unit", "expected"),
    [
        ("hemoglobin", "G/DL", 10), ("hemoglobin", "г/л", 1), ("hemoglobin", "g{Hb}/L", 1), ("hemoglobin", "gr/dL", 10),
        ("wbc", "10^9/л", 1), ("wbc", "×10⁹/л", 1), ("wbc", "тыс/мкл", 1), ("wbc", "10*3{cells}/uL", 1), ("wbc", "10*3/UL", 1),
        ("wbc", "K/CMM", 1), ("wbc", "thousand per cu mm", 1), ("wbc", "cells/cu.mm", Fraction(1, 1000)), ("platelets", "Tsd./µl", 1),
        ("rbc", "млн/мкл", 1), ("rbc", "Millions/cu.mm", 1), ("rbc", "MIO/UL", 1), ("mcv", "фл", 1), ("mch", "пг", 1),
        ("neutrophils_percent", "%{WBCs}", 1),
    ],
)  # fmt: skip
def test_a_spelling_is_read(analyte: str, unit: str, expected: int | Fraction) -> None:
    assert factor(analyte, unit) == expected


@pytest.mark.parametrize(
    ("analyte", "unit", "reason"),
    [
        ("wbc", "г/л", Reason.UNIT_CONFUSABLE),  # gram or giga
        ("wbc", "M/UL", Reason.UNIT_CONFUSABLE),  # mega, million or milli
        ("wbc", "g/l", Reason.UNIT_UNKNOWN),  # G/l is known and g/L is another quantity: lower case is neither
        ("wbc", "mil/mm3", Reason.UNIT_UNKNOWN),  # a thousand in Spanish, a million in English
        ("wbc", "тыс", Reason.UNIT_CONFUSABLE),  # no volume
        ("hemoglobin", "ммоль/л", Reason.UNIT_CONFUSABLE),  # monomer or tetramer
        ("wbc", "{}", Reason.UNIT_UNKNOWN),
    ],
)
def test_what_could_mean_two_things_is_not(analyte: str, unit: str, reason: Reason) -> None:
    assert factor(analyte, unit) is reason


def test_every_spelling_that_was_seen_is_read(shared: Path) -> None:
    with (shared / "field/reports/units_seen_open.csv").open(encoding="utf-8", newline="") as file:
        rows = [list(row.values())[:3] for row in csv.DictReader(file)]
    wrong = [row for row in rows if factor(row[1], row[0]) != Fraction(row[2]).limit_denominator(10**6)]
    assert (len(rows), wrong) == (42, [])


def test_a_spelling_of_ones_own(tmp_path: Path) -> None:
    own = {"tausendstel": "10^9/L"}
    record = {
        "age": "40 y",
        "sex": "F",
        "hemoglobin": "130 g/L",
        "neutrophils": "0.4 tausendstel",
        "platelets": "250 10^9/L",
    }
    assert cbc.screen(record).flags()["white_line"] == "cannot_tell"
    screener = cbc.Screener(unit_spellings=own)
    assert screener.screen(record).flags()["white_line"] == "low"
    frame = pd.DataFrame([{"age": "40 y", "sex": "F", "HGB (g/L)": 130, "ANC (tausendstel)": 0.4, "PLT (10^9/L)": 250}])
    assert list(screener.screen_frame(frame)["white_line"]) == ["low"]
    frame.to_csv(tmp_path / "in.csv", index=False)
    profile = tmp_path / "own.yaml"
    profile.write_text(
        "id: own\ntitle: own\nshape: wide\nsource: synthetic\nunit_spellings: {tausendstel: 10^9/L}\n", encoding="utf-8"
    )
    cbc.scan(tmp_path / "in.csv", tmp_path / "out.csv", profile=str(profile))
    assert list(pd.read_csv(tmp_path / "out.csv")["white_line"]) == ["low"]
    (tmp_path / "in.hl7").write_text(
        "MSH|^~\\&|LAB|H|||20240301||ORU^R01|1|P|2.5.1\rPID|1||7||||19840101|F\rOBR|1||1|58410-2^CBC^LN|||20240301\r"
        "OBX|1|NM|751-8^Neutrophils^LN||0.4|tausendstel|||||F\r",
        encoding="utf-8", newline="",
    )  # fmt: skip
    screener.scan(tmp_path / "in.hl7", tmp_path / "messages.csv")
    assert list(pd.read_csv(tmp_path / "messages.csv")["white_line"]) == ["low"]


def test_the_same_may_be_said_of_the_screen_and_of_the_source(tmp_path: Path) -> None:
    """As the command says it: of both."""
    (tmp_path / "in.csv").write_text("age,sex,ANC (tausendstel)\n40 y,F,0.4\n", encoding="utf-8")
    own = {"tausendstel": "10^9/L"}
    cbc.Screener(unit_spellings=own).scan(tmp_path / "in.csv", tmp_path / "out.csv", unit_spellings=own)
    assert list(pd.read_csv(tmp_path / "out.csv")["white_line"]) == ["low"]
    with pytest.raises(UsageError, match="'tausendstel' is known already"):
        cbc.Screener(unit_spellings=own).scan(tmp_path / "in.csv", unit_spellings={"tausendstel": "/uL"})
    known = {"age": "40 y", "sex": "F", "hemoglobin": "9 g/dl"}
    assert cbc.Screener(unit_spellings={"g/dl": "g/dL"}).screen(known).flags() == cbc.screen(known).flags()


@pytest.mark.parametrize(("spelling", "unit"), [("g/dL", "g/L"), ("K/uL", "/uL"), ("abc", "zzz")])
def test_a_known_spelling_keeps_its_meaning(spelling: str, unit: str) -> None:
    with pytest.raises(UsageError, match="unit_spellings"):
        cbc.Screener(unit_spellings={spelling: unit})


@pytest.mark.parametrize(
    "unit",
    ["{K}/uL", "{10*3}/uL", "{thou}/uL", "{Tsd}/µL", "{1000}/uL", "{x10E3}/uL", "/uL{K}", "{万}/µL"],
)
def test_a_scale_in_braces_is_no_remark(unit: str) -> None:
    """UCUM leaves out what stands in braces; a scale there contradicts the unit without it, by a thousand."""
    found = load_knowledge().analytes["platelets"].units.find(unit)
    assert not isinstance(found, Factor)
    assert found[0] is Reason.UNIT_CONFUSABLE


@pytest.mark.parametrize("unit", ["{cells}/uL", "{Cells}/uL", "{#}/uL", "/uL{platelets}"])
def test_a_remark_in_braces_changes_nothing(unit: str) -> None:
    units = load_knowledge().analytes["platelets"].units
    assert units.find(unit) == units.find("/uL")


def test_a_unit_in_letters_of_another_script_may_have_a_remark_in_braces() -> None:
    cells = load_knowledge().units["cells"]
    assert cells.find("10*3{клетки}/мкл") == cells.find("10*3/uL") == Factor(1, 1)


def test_a_unit_that_a_convention_declares_may_be_written_in_another_case() -> None:
    hemoglobin = load_knowledge().units["hemoglobin"]
    assert isinstance(hemoglobin.find("mmol/L", "monomer"), Factor)
    assert hemoglobin.find("MMOL/L", "monomer") == hemoglobin.find("mmol/L", "monomer")
    assert not isinstance(hemoglobin.find("MMOL/L"), Factor)


# A scale and a volume, each in another form ------------------------------------------------------

THOUSANDTH = Fraction(1, 1000)


@pytest.mark.parametrize(
    ("analyte", "expected", "units"),
    [
        ("platelets", 1, ["10^9 L-1", "10⁹ L⁻¹", "10^9·L⁻¹", "10^9/liter", "10^9 / litre", "Mrd/L", "Mrd./l", "mld/L", "10 exp 9/L", "10exp9/litre"]),
        ("platelets", 1, ["10X3/UL", "10X9/L", "X10E3/MM3", "10^3/mmc", "1E9/L", "1e3/µL", "10 9/L", "x 10 3/uL", "10^3 µL-1", "k per microlitre", "10^9/L (auto)"]),
        ("platelets", 100, ["×10^5/µL", "Lakh/mm3", "lac/cmm", "LACS/CU.MM", "lakhs per cmm", "10^5/mm3"]),
        ("platelets", THOUSANDTH, ["n/µl", "N/uL", "n/mm3", "No./cmm", "µL⁻¹", "cells/mmc"]),
        ("hemoglobin", 1, ["g/litre", "gr/L", "g L-1", "grams/liter", "г/литр"]),
        ("hemoglobin", 10, ["g dl-1", "g·dL⁻¹", "grams/dL", "g/dL (calc)", "g per dL", "g / 100 ml", "gm/dL [calculated]"]),
        ("rbc", 1, ["10^12 L-1", "10^6·mm⁻³", "10^12/litre", "10 12/L", "Mio/mmc"]),
        ("rbc", Fraction(1, 10), ["lakhs/cmm", "10^5/µL"]),
        ("hematocrit", 1, ["L·L⁻¹", "l/litre"]),
    ],
)  # fmt: skip
def test_a_scale_and_a_volume_are_read_in_any_form(analyte: str, expected: int | Fraction, units: list[str]) -> None:
    """In a unit column or a header, and behind the number of a cell."""
    reader = ResultReader(KNOWN[analyte], load_knowledge().words)
    for unit in units:
        assert factor(analyte, unit) == expected, unit
        read = [reader.read_text(text, own) for text, own in ((f"5 {unit}", None), ("5", unit))]
        assert {(one.factor, one.reason) for one in read if one.factor} <= {(KNOWN[analyte].units.find(unit), None)}, (
            unit
        )
        assert read[0] == read[1], unit


@pytest.mark.parametrize(
    ("analyte", "unit", "reason"),
    [
        ("wbc", "109/L", Reason.UNIT_UNKNOWN),  # "7 109/L" may be 7,109 a liter
        ("wbc", "103/uL", Reason.UNIT_UNKNOWN),
        ("wbc", "L-1", Reason.UNIT_UNKNOWN),  # a level, a lot
        ("wbc", "N/L", Reason.UNIT_UNKNOWN),  # normal or low
        ("wbc", "g/litre", Reason.UNIT_CONFUSABLE), ("wbc", "GR/L", Reason.UNIT_CONFUSABLE), ("wbc", "g/l (auto)", Reason.UNIT_UNKNOWN),
        ("wbc", "m/microliter", Reason.UNIT_CONFUSABLE), ("wbc", "Mrd/µL", Reason.UNIT_CONFUSABLE), ("wbc", "{Mrd}/L", Reason.UNIT_CONFUSABLE),
        ("wbc", "10-9/L", Reason.UNIT_UNKNOWN), ("wbc", "10^9 L-3", Reason.UNIT_UNKNOWN), ("wbc", "Mrd", Reason.UNIT_UNKNOWN),
        ("wbc", "10^6 mm-3", Reason.UNIT_UNKNOWN), ("hemoglobin", "gdl-1", Reason.UNIT_UNKNOWN), ("hemoglobin", "g/l-1", Reason.UNIT_CONFUSABLE),
        ("hemoglobin", "g/litre (estimate)", Reason.UNIT_UNKNOWN), ("hemoglobin", "1/L", Reason.UNIT_UNKNOWN), ("hemoglobin", "mmol/litre", Reason.UNIT_CONFUSABLE),
    ],
)  # fmt: skip
def test_a_form_is_no_other_unit(analyte: str, unit: str, reason: Reason) -> None:
    assert factor(analyte, unit) is reason


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("neutrophils_k_per_ul", "neutrophils", "k per ul"), ("ANC/µL", "neutrophils", "/µL"), ("hemoglobin_g_per_dl", "hemoglobin", "g per dl"),
        ("plt_lakhs_per_cmm", "platelets", "lakhs per cmm"), ("WBC/mm3", "wbc", "/mm3"), ("Neut/µL", "neutrophils", "/µL"),
        ("WBC 10⁹ L⁻¹", "wbc", "10⁹ L⁻¹"), ("HGB g/dL (calc)", "hemoglobin", "g/dL (calc)"), ("PLT 10 9/L", "platelets", "10 9/L"),
    ],
)  # fmt: skip
def test_a_header_states_a_unit_in_any_form(header: str, name: str, unit: str) -> None:
    found = name_reader(load_knowledge()).read(header)
    assert (found.role, found.name, found.unit) == (Role.ANALYTE, name, unit)


@pytest.mark.parametrize(
    "header", ["WBC/HPF", "NEUT/LYMPH", "Neutrophils/Lymphocytes ratio", "RETIC/1000", "HGB/L", "platelets_per_patient"]
)
def test_a_slash_alone_makes_no_unit(header: str) -> None:
    assert name_reader(load_knowledge()).read(header).role is not Role.ANALYTE


def test_a_word_for_two_scales_is_a_fault_of_the_table() -> None:
    forms = "scales: {g: [gr], K: [gr]}\nvolumes: {L: [litre]}\npowers: [e]\nremarks: [calc]\n"
    with pytest.raises(KnowledgeError, match=r"units\.yaml:1: K: 'gr' stands for two things"):
        load_forms(parse_yaml(forms, "units.yaml"))


@pytest.mark.parametrize("analyte", ["reticulocytes", "neutrophils", "platelets", "wbc"])
@pytest.mark.parametrize("unit", ["g/L", "gr/L", "grams/L", "g/litre", "g/dL"])
def test_grams_are_no_unit_of_cells(analyte: str, unit: str) -> None:
    found = load_knowledge().analytes[analyte].units.find(unit)
    assert not isinstance(found, Factor)
    assert found[0] is Reason.UNIT_CONFUSABLE
