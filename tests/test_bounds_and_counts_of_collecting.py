"""Collecting single results: what is counted and up to how many, how results wait, and which of them come together."""

from __future__ import annotations

import sqlite3
from collections import Counter

import pytest

from cbc_screen.ingest.results import LabResult, ResultCode, StatedSpecimen
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.collected_texts import content_of, count_name
from cbc_screen.normalize.gathered import ResultCounts
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.kept_persons import KeptPersons
from cbc_screen.normalize.moment import MomentReader
from cbc_screen.normalize.placing import GroupKind, GroupPlace, PlainRow, place_of
from cbc_screen.normalize.result_base import open_base
from cbc_screen.normalize.specimen import SpecimenReader
from cbc_screen.normalize.standing import CONFLICTING, Received
from cbc_screen.normalize.value import unusable
from cbc_screen.vocabulary import Reason

KNOWLEDGE = load_knowledge()
LOINC = {"platelets": "777-3", "neutrophils": "751-8", "segmented": "768-2"}


def result(analyte: str, value: str, *, person: str = "p", group: str = "order 1", pregnancy: str = "") -> LabResult:
    code = ResultCode(LOINC[analyte], "", "LN")
    return LabResult(1, person, group, "2024-01-02", (code,), value, unit="10^9/L", pregnancy=pregnancy)


def collection_of(*items: LabResult | StatedSpecimen, by_line: bool = False) -> Collection:
    collection = Collection(KNOWLEDGE, by_line=by_line)
    collection.add(items, Identifier(KNOWLEDGE, {}))
    return collection


@pytest.fixture
def names() -> Counter[str]:
    """As many different names as are counted, each seen once."""
    return Counter(f"name {number}" for number in range(10_000))


def test_each_name_is_counted_as_often_as_it_comes() -> None:
    seen: Counter[str] = Counter()
    for name in ("fL", "g/L", "fL"):
        count_name(seen, name)
    assert seen == {"fL": 2, "g/L": 1}


def test_of_more_than_ten_thousand_names_the_known_ones_alone_are_counted(names: Counter[str]) -> None:
    count_name(names, "name 7")
    count_name(names, "one more")
    assert (names["name 7"], "one more" in names, len(names)) == (2, False, 10_000)


def test_the_last_of_ten_thousand_names_is_counted(names: Counter[str]) -> None:
    del names["name 7"]
    count_name(names, "one more")
    assert (names["one more"], len(names)) == (1, 10_000)


@pytest.mark.parametrize(("many", "kept"), [(9_999, True), (10_000, False)])
def test_ten_thousand_words_for_sex_are_noted_and_not_more(many: int, kept: bool) -> None:
    people = KeptPersons(sqlite3.connect(":memory:"), SpecimenReader(KNOWLEDGE.specimens))
    people.sexes.update(f"word {number}" for number in range(many))
    people.note_sex("F")
    assert ("F" in people.sexes, len(people.sexes)) == (kept, 10_000)


def test_what_a_count_was_made_of_is_written_as_it_came_up_to_4096_characters() -> None:
    assert content_of(["Hémoglobine 90", "血小板 9"]) == '["Hémoglobine 90", "血小板 9"]'
    assert content_of(["x" * 5_000]) == '["' + "x" * 4_094


def test_the_temporary_database_keeps_64_mib_in_memory() -> None:
    (pages,) = open_base().execute("PRAGMA cache_size").fetchone()
    assert pages == -65_536  # below 0 it is KiB


def test_nothing_is_counted_before_anything_came() -> None:
    nothing = ResultCounts()
    assert nothing.to_dict() == {
        "read": 0,
        "used": 0,
        "superseded": 0,
        "not_count": 0,
        "rejected": {},
        "duplicates": 0,
        "without_results": {},
    }
    assert nothing.balanced()


def test_a_received_result_has_no_flag_and_no_line_unless_they_are_said() -> None:
    plain = Received("9", "10^9/L", "", "", "F", "", -1, "", "", 0)
    assert (plain.flag, plain.line) == ("", 0)


def test_how_surely_results_are_of_one_draw_is_kept_as_five_numbers() -> None:
    kept = [(kind.name, kind.value) for kind in GroupKind]
    assert kept == [("MOMENT", 0), ("WORDS", 1), ("PERIOD", 2), ("ALONE", 3), ("NOBODY", 4)]


def test_a_plain_result_of_a_year_is_of_no_moment() -> None:
    """Its number counts from no beginning, unless its column is said to."""
    row = PlainRow(7, 0, 7, "p", "2024", "platelets", "9", "10^9/L", "", "", "", 0, "", "")
    moments = MomentReader(KNOWLEDGE.moments)
    assert place_of(row, "p", 0, 7, moments) == GroupPlace("\x1f0\x1f7", GroupKind.ALONE)
    assert place_of(row._replace(counted=True), "p", 0, 7, moments).group is GroupKind.WORDS


def test_a_collection_tells_whether_some_result_told_of_a_pregnancy() -> None:
    assert collection_of(result("platelets", "9")).pregnancies is False
    assert collection_of(result("platelets", "9"), result("platelets", "9", pregnancy="T2")).pregnancies is True


def test_two_persons_in_one_line_have_a_count_each() -> None:
    collection = collection_of(result("platelets", "9"), result("platelets", "200", person="q"), by_line=True)
    found = [(place, count.person.key, count.cells["platelets"].value) for place, count in collection.placed()]
    assert found == [(1, "p", "9"), (1, "q", "200")]


def test_the_results_of_a_specimen_that_is_a_control_are_set_aside_though_everybody_is_a_patient() -> None:
    control = StatedSpecimen("tube 1", (("specimen", "control"),))
    collection = collection_of(result("platelets", "9", group="tube 1"), control)
    assert list(collection.each()) == []
    assert collection.counts.rejected == {"SPECIMEN_CONTROL": 1}
    assert [row.reason for _, row in collection.aside(whole=False)] == [Reason.SPECIMEN_CONTROL]


@pytest.mark.parametrize(
    ("neutrophils", "segmented"),
    [
        (["1.2", "0.4"], unusable(Reason.RESULT_CONTRADICTED)),  # two results, and neither stands
        (["1.2"], "1.1"),
    ],
)
def test_segmented_cells_do_not_decide_alone_where_neutrophils_conflict(neutrophils: list[str], segmented: str) -> None:
    results = [result("neutrophils", value) for value in neutrophils]
    (count,) = collection_of(*results, result("segmented", "1.1")).each()
    assert count.cells["segmented"].value == segmented
    assert (count.cells["neutrophils"] == CONFLICTING) is (len(neutrophils) > 1)


def test_a_name_that_was_given_a_place_and_of_which_nothing_came_is_let_go() -> None:
    collection = collection_of(result("platelets", "9"))
    collection.analytes["mcv"] += 0
    collection.units["mcv"]["fL"] += 0
    collection.units["platelets"]["/uL"] += 0
    collection.forget_zeros()
    assert dict(collection.analytes) == {"platelets": 1}
    assert {analyte: dict(units) for analyte, units in collection.units.items()} == {"platelets": {"10^9/L": 1}}
