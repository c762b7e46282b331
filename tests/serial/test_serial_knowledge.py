"""Faults planted in reference_ranges/serial/: each names file, line and key."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.courses import CHANGE, PERSISTENCE
from cbc_screen.knowledge.serial import VARIATION, load_serial, read_serial
from cbc_screen.vocabulary import SerialReason

TABLES = Path(__file__).resolve().parents[2] / "reference_ranges"


@dataclass(frozen=True)
class Fault:
    name: str
    file: str
    old: str
    new: str
    key: str


FAULTS = [
    Fault("an analyte that is not known", VARIATION, "platelets,7.22", "plts,7.22", "analyte"),
    Fault("an analyte twice", VARIATION, "mpv,2.24", "platelets,2.24", "analyte"),
    Fault("a variation of nothing", VARIATION, "wbc,10.01", "wbc,0", "cvi_percent"),
    Fault("a variation that is no number", VARIATION, ",5.0,half", ",five,half", "cva_percent"),
    Fault("a variation without a source", VARIATION, "coskun_2020,5.0", "nobody,5.0", "cvi_source"),
    Fault("a variation without a basis", VARIATION, "meta-analysis of 7 papers and 12 subgroups", "", "cvi_basis"),
    Fault("an unknown mark", VARIATION, "sandberg_2024,verified", "sandberg_2024,believed", "verification"),
    Fault("a duration of no name", PERSISTENCE, "id: persistent_6_months", "id: persistent_9_months", "id"),
    Fault("durations out of order", PERSISTENCE, "persistent_4_months, days: 120", "persistent_4_months, days: 200", "durations"),
    Fault("a duration of no day", PERSISTENCE, "days: 365, threshold", "days: 0, threshold", "days"),
    Fault("a duration without a source", PERSISTENCE, "threshold: sourced, source: itp_iwg_2009", "threshold: sourced, source: nobody", "source"),
    Fault("a definition that is not known", PERSISTENCE, "definition: mds\n    days: 120", "definition: mdx\n    days: 120", "definition"),
    Fault("definition and limits", PERSISTENCE, "    definition: mds\n    days: 120", "    definition: mds\n    limits: {red: {below: 1, unit: g/L}}\n    days: 120", "definition"),
    Fault("a limit in a unit of another quantity", PERSISTENCE, "red: {below: 110, unit: g/L}", "red: {below: 110, unit: fL}", "unit"),
    Fault("a limit without a unit", PERSISTENCE, "red: {below: 110, unit: g/L}", "red: {below: 110}", "unit"),
    Fault("a limit below nothing", PERSISTENCE, "red: {below: 110, unit: g/L}", "red: {below: 0, unit: g/L}", "below"),
    Fault("limits of no line", PERSISTENCE, "limits:\n      white: {below: 1.5, unit: 10^9/L}\n", "limits: {}\n", "limits"),
    Fault("a line without its limit", PERSISTENCE, "limits:\n      white: {", "lines: [white, red]\n    limits:\n      white: {", "lines"),
    Fault("a definition twice", PERSISTENCE, "id: mds_counts_6_months", "id: mds_counts_4_months", "id"),
    Fault("a line that is none", PERSISTENCE, "lines: [platelet]", "lines: [platelets]", "lines"),
    Fault("an unknown key", PERSISTENCE, "lines: [red]", "line: [red]", "line"),
    Fault("elapsed time that goes down", PERSISTENCE, "id: days_91_to_365, days: 365", "id: days_91_to_365, days: 30", "up_to"),
    Fault("a band without a width", PERSISTENCE, "at_least: 0.8", "at_least: 1.5", "below"),
    Fault("a quantile of another probability", CHANGE, "z: 1.96\n  probability: 0.95", "z: 1.64\n  probability: 0.95", "z"),
    Fault("a one-sided quantile", CHANGE, "z: 2.326348", "z: 1.96", "z"),
    Fault("a guard of an unknown analyte", CHANGE, "- id: mcv_differs\n    analyte: mcv", "- id: mcv_differs\n    analyte: mcx", "analyte"),
    Fault("more analytes than are named", CHANGE, "at_least: 2", "at_least: 5", "at_least"),
    Fault("an analyte without variation", CHANGE, "platelets, mchc]", "platelets, ferritin]", "changes"),
    Fault("a suppression of two kinds", CHANGE, "pregnancy: true,", "pregnancy: true, finding: fever,", "id"),
    Fault("a suppression of a finding and an age", CHANGE, "finding: recent_transfusion,", "finding: recent_transfusion, below_age: {value: 1, unit: y},", "id"),
    Fault("a suppression by an unknown finding", CHANGE, "finding: recent_chemotherapy", "finding: chemo", "finding"),
    Fault("a slope of two points", CHANGE, "counts: 3\n  robust", "counts: 2\n  robust", "counts"),
    Fault("a share above one", CHANGE, "share: 0.30", "share: 30", "share"),
    Fault("a reason without a sentence", CHANGE, "  ONE_COUNT: there is one count only\n", "", "ONE_COUNT"),
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_names_its_place(tmp_path: Path, fault: Fault) -> None:
    shutil.copytree(TABLES / "serial", tmp_path / "serial")
    path = tmp_path / fault.file
    text = path.read_text(encoding="utf-8")
    assert fault.old in text
    path.write_text(text.replace(fault.old, fault.new, 1), encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        read_serial(tmp_path, load_knowledge())
    assert str(caught.value).startswith(f"{fault.file}:")
    assert f" {fault.key}:" in str(caught.value)


def test_what_is_shipped_stands() -> None:
    rules = load_serial()
    assert rules.data_version == load_knowledge().data_version
    assert [own.days for own in rules.durations] == [90, 120, 180, 365]
    assert set(rules.reasons) == set(SerialReason)
    assert [rule.id for rule in rules.suppressions] == ["infancy", "pregnancy", "chemotherapy", "transfusion"]


def test_no_name_of_a_rule_is_a_diagnosis() -> None:
    """Counts and time are told; ICUS and CCUS need marrow and molecular data."""
    rules = load_serial()
    for rule in rules.count_sets:
        assert rule.id.endswith("months")
        assert "below" in rule.label
    for word in ("ICUS", "CCUS", "diagnos", "purpura"):
        assert all(word not in rule.label for rule in rules.count_sets)
