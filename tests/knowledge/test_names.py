"""Names of many languages: what was seen is read, what contradicts is not, and a unit decides where it must."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from faulty import copy_tables

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.load import build_knowledge
from cbc_screen.normalize.names import NameReader, Role
from cbc_screen.vocabulary import Reason

KNOWLEDGE = load_knowledge()
READER = NameReader(KNOWLEDGE)


def rows(shared: Path, kind: str) -> list[dict[str, str]]:
    found = []
    for path in sorted((shared / "knowledge/names").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += [row for row in csv.DictReader(file) if row["kind"] == kind]
    return found


def is_read(row: dict[str, str]) -> bool:
    """Tell whether a name is read as what it is, or waits for the unit that tells a count from a percentage."""
    meaning = READER.read(row["name"])
    by_unit = meaning.role is Role.POSSIBLE and meaning.reason is Reason.UNIT_MISSING
    return meaning.role in (Role.ANALYTE, Role.POSSIBLE) and (meaning.name == row["id"] or by_unit)


def test_names_that_were_seen_are_read(shared: Path) -> None:
    known = [row for row in rows(shared, "analyte") if row["id"] in KNOWLEDGE.analytes]
    seen = Counter(is_read(row) for row in known if row["verification"] == "seen")
    remembered = Counter(is_read(row) for row in known if row["verification"] == "memory")
    assert seen[True] > 0.95 * seen.total() > 1_000
    assert remembered[True] > 0.85 * remembered.total() > 800


def test_the_shipped_names_are_those_of_the_lists(shared: Path) -> None:
    """No name of an analyte stands in a file that the list of its language has for another analyte alone."""
    listed: dict[str, set[str]] = {}
    for row in rows(shared, "analyte"):
        own = row["id"].removesuffix("_percent")
        listed.setdefault(row["name"], set()).add("segmented" if own == "neutrophils_segmented" else own)
    wrong = {
        (name, meaning.name)
        for name, ids in listed.items()
        if (meaning := READER.read(name)).role is Role.ANALYTE and meaning.name.removesuffix("_percent") not in ids
    }
    assert wrong == set()


@pytest.mark.parametrize(
    ("header", "analyte", "unit"),
    [
        ("Leukozyten (G/L)", "wbc", "G/L"), ("Hémoglobine (g/dL)", "hemoglobin", "g/dL"),
        ("Neutrófilos (%)", "neutrophils_percent", "%"), ("Neutrófilos (10^3/µL)", "neutrophils", "10^3/µL"),
        ("血小板数(10^9/L)", "platelets", "10^9/L"), ("Bạch cầu (K/µL)", "wbc", "K/µL"), ("hgb_gdl", "hemoglobin", "g/dl"),
        ("hemoglobin_g_dl", "hemoglobin", "g/dl"), ("WBC_G_L", "wbc", "G/L"), ("Haemoglobin level", "hemoglobin", None),
        ("Leukocytes [#/volume] in Blood by Automated count", "wbc", None),
        ("Neutrophils/100 leukocytes in Blood by Automated count", "neutrophils_percent", None),
    ],
)  # fmt: skip
def test_a_header_with_its_unit(header: str, analyte: str, unit: str | None) -> None:
    meaning = READER.read(header)
    assert (meaning.role, meaning.name, meaning.unit) == (Role.ANALYTE, analyte, unit)


@pytest.mark.parametrize(
    "header",
    ["platelet volume", "MCH concentration", "Leukosit urin", "Leucócitos (EAS)", "Hồng cầu niệu", "GB (urine)", "Total bilirubin", "M", "E", "N"],
)  # fmt: skip
def test_what_is_another_thing_is_not_read(header: str) -> None:
    assert READER.read(header).role not in (Role.ANALYTE, Role.POSSIBLE)


@pytest.mark.parametrize(
    ("headers", "sex"),
    [
        (("Alter (Jahre)", "Geschlecht", "Hämoglobin (g/dl)", "Leukozyten (G/l)", "Neutrophile (G/l)", "Thrombozyten (G/l)"), "weiblich"),
        (("Edad (años)", "Sexo", "Hemoglobina (g/dl)", "Leucocitos (10^3/µl)", "Neutrófilos (10^3/µl)", "Plaquetas (10^3/µl)"), "femenino"),
        (("年龄(岁)", "性别", "血红蛋白(g/dL)", "白细胞计数(10^9/L)", "中性粒细胞绝对值(10^9/L)", "血小板计数(10^9/L)"), "女"),
    ],
)  # fmt: skip
def test_a_pancytopenia_in_the_language_of_its_table(headers: tuple[str, ...], sex: str) -> None:
    frame = pd.DataFrame([dict(zip(headers, ("54", sex, "7.1", "1.2", "0.3", "12"), strict=True))])
    flags = cbc.screen_frame(frame)
    assert flags.loc[0, "pattern"] == "pancytopenia"
    assert flags.loc[0, "reasons"] == ""


def test_a_longer_name_beside_the_first_one_is_left_aside() -> None:
    """A table with "Hemoglobin (g/dL)" and "hemoglobin_lab" is read, and by the first of the two."""
    frame = pd.DataFrame({
        "age": ["40 y"], "sex": ["F"], "hemoglobin_lab": ["Quest"], "Hemoglobin (g/dL)": [9.0], "Total WBC": ["x"],
        "WBC (10^9/L)": [6.0], "Neutrophils (10^9/L)": [4.0], "PLT (10^9/L)": [250.0], "Thrombozyten": [250],
    })  # fmt: skip
    flags = cbc.screen_frame(frame)
    assert flags.loc[0, ["pattern", "red_line", "platelet_line", "reasons"]].tolist() == [
        "single_line",
        "low",
        "not_low",
        "",
    ]
    with pytest.raises(cbc.UsageError, match="both read as wbc"):
        cbc.screen_frame(pd.DataFrame({"WBC (10^9/L)": [6.0], "Leukocytes (10^9/L)": [5.0]}))


@pytest.mark.parametrize("header", ["Age (SA)", "Age (th)", "UR"])
def test_a_short_word_of_another_language_is_no_unit_of_age_and_no_field(header: str) -> None:
    meaning = READER.read(header)
    assert meaning.role is not Role.PERSON or meaning.unit is None


@pytest.mark.parametrize(
    "header",
    [
        "AbsoluteNeutrophilCount (10^9/L)", "neutrophilCount (10^9/L)", "AbsNeut (10^9/L)", "Neutr. abs. (G/L)", "Neutros (10^9/L)", "NÖT#", "НЕЙ# (10^9/л)", "호중구수 (10^3/uL)", "26499-4", "751-8",
    ],
)  # fmt: skip
def test_names_that_programs_and_analyzers_give_neutrophils(header: str) -> None:
    found = NameReader(load_knowledge()).read(header)
    assert (found.role, found.name) == (Role.ANALYTE, "neutrophils")


@pytest.mark.parametrize(
    "header",
    [
        "NEUTROP",
        "NEUTROF",
        "Neutroph.",
        "Neutrophills",
        "Nuetrophils",
        "Neutrohils",
        "Neutrophyls",
        "Нейтрф",
        "Poly",
        "Polymorph",
        "Polymorphonuclear",
        "N abs",
        "Granulocyte count",
        "多核球",
        "中性粒",
        "Neutrofilai",
        "Neutrofiilid",
        "Neitrofīli",
        "Nevtrofilci",
        "Неутрофили",
        "নিউট্রোফিল",
        "Neutrophils normal",
        "min ANC",
        "Neutrophils (normal 2-7)",
        "ANC (normal > 1.5)",
        "Neutrophils (2.0 - 7.5)",
        "PMNs",
        "AGC",
        "Absolute Granulocyte Count",
        "Last ANC",
        "nadir_anc",
    ],
)
def test_names_that_may_be_neutrophils_count_as_sent(header: str) -> None:
    found = NameReader(load_knowledge()).read(header)
    assert (found.role, found.name) == (Role.POSSIBLE, "neutrophils")


@pytest.mark.parametrize("header", ["AT", "AT (10^9/L)"])
def test_a_name_that_means_different_things_is_no_column_of_an_analyte(header: str) -> None:
    """The platelets to one language, and antithrombin to others: sent, and not usable."""
    meaning = NameReader(load_knowledge()).read(header)
    assert (meaning.role, meaning.name, meaning.reason) == (Role.POSSIBLE, "platelets", Reason.CODE_UNKNOWN)


def test_a_name_of_two_columns_in_two_languages_is_a_name_of_neither(tmp_path: Path) -> None:
    root = copy_tables(tmp_path)
    for language, part in (("pl", "flag"), ("cs", "name")):
        path = root / "names" / f"{language}.yaml"
        before, table, after = path.read_text(encoding="utf-8").partition("\ntable:\n")
        changed = re.sub(
            rf"(\n?  {part}:\n    (?:seen|memory):\n)",
            r"\1    - Výsledkow\n    - Jedině " + language + r"\n",
            after,
            count=1,
        )
        path.write_text(f"{before}{table}{changed}", encoding="utf-8")
    names = build_knowledge(root, check_hashes=False).result_tables.names
    assert [part for part, own in names.items() if "vysledkow" in own] == []
    assert [part for part, own in names.items() if "jedine pl" in own] == ["flag"]
    assert [part for part, own in names.items() if "jedine cs" in own] == ["name"]


@pytest.mark.parametrize(
    "header",
    [
        "Polynucléaires éosinophiles",
        "Polynuclear eosinophils",
        "中性粒细胞碱性磷酸酶",
        "Neutrocytopenia",
        "Neutron dose",
        "Нейтропения",
        "中性脂肪",
        "Granulocyte colony stimulating factor",
        "Neutropenia",
        "neutropenic fever",
        "Neutropénie",
        "Neutrophilia",
        "Neutrophils range",
        "ANC lower limit",
    ],
)
def test_names_of_what_follows_from_neutrophils_are_no_result_of_them(header: str) -> None:
    assert NameReader(load_knowledge()).read(header).role not in (Role.ANALYTE, Role.POSSIBLE)
