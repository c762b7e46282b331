"""What is said of a person: sex and the codes for it, cells as words, and two sources that differ."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cbc_screen.ingest.results import LabResult, ResultCode, StatedPerson
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.about_person import AboutPerson
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.gathered import agreed
from cbc_screen.normalize.identify import Identifier
from cbc_screen.normalize.people import read_ages
from cbc_screen.normalize.person import CONTRADICTED, parse_sex, word_of
from cbc_screen.normalize.plan import make_plan
from cbc_screen.vocabulary import Reason, Sex

KNOWLEDGE = load_knowledge()
DOG = (("species", "dog"),)


def platelets(person: str) -> LabResult:
    return LabResult(1, person, "order 1", "2024-01-02", (ResultCode("777-3", "", "LN"),), "200", unit="10^9/L")


def collection_of(*items: LabResult | StatedPerson) -> Collection:
    collection = Collection(KNOWLEDGE)
    collection.add(items, Identifier(KNOWLEDGE, {}))
    return collection


def test_a_declared_code_is_read_and_another_word_as_ever() -> None:
    codes = {"1": "M", "2": "F"}
    assert parse_sex("1", KNOWLEDGE.words, codes) == (Sex.MALE, None)
    assert parse_sex("female", KNOWLEDGE.words, codes) == (Sex.FEMALE, None)
    assert parse_sex("3", KNOWLEDGE.words, codes) == (Sex.UNKNOWN, Reason.SEX_UNREADABLE)


def test_a_sex_that_two_sources_contradict_is_unknown() -> None:
    assert parse_sex(CONTRADICTED, KNOWLEDGE.words) == (Sex.UNKNOWN, Reason.PERSON_CONFLICT)


@pytest.mark.parametrize(
    ("cell", "word"),
    [(None, ""), (float("nan"), ""), (1.0, "1"), (2, "2"), (1.5, "1.5"), (True, "true"), (" Yes ", "yes")],
)
def test_a_cell_as_a_word(cell: object, word: str) -> None:
    assert word_of(cell) == word


@pytest.mark.parametrize(
    ("before", "now", "together"),
    [
        (None, "F", "F"),
        ("", "F", "F"),
        ("F", "", "F"),
        ("F", "F", "F"),
        ("F", "M", CONTRADICTED),
        (CONTRADICTED, "F", CONTRADICTED),
    ],
)
def test_what_two_sources_say_together(before: str | None, now: str, together: str) -> None:
    assert agreed(before, now) == together


@pytest.mark.parametrize(("width", "found"), [(3, ("age", "34 y")), (80, ("age", "34 y")), (81, None)])
def test_an_age_is_known_by_a_name_of_at_most_eighty_characters(width: int, found: tuple[str, str] | None) -> None:
    named = (ResultCode("", "Age".ljust(width), ""),)
    assert AboutPerson(KNOWLEDGE).read(LabResult(1, "p", "order 1", "2024-01-02", named, "34", unit="y")) == found


@pytest.mark.parametrize(
    "said",
    [(StatedPerson("p", stated=DOG), StatedPerson("p", sex="F")), (StatedPerson("p"), StatedPerson("p", stated=DOG))],
)
def test_who_is_once_called_an_animal_is_no_patient(said: tuple[StatedPerson, StatedPerson]) -> None:
    collection = collection_of(*said, platelets("p"))
    assert list(collection.each()) == []
    assert collection.counts.rejected == {"SPECIMEN_ANIMAL": 1}


def test_whom_one_source_calls_human_is_a_patient() -> None:
    human = StatedPerson("p", stated=(("species", "human"),))
    collection = collection_of(StatedPerson("p", stated=DOG), human, platelets("p"))
    assert [count.person.key for count in collection.each()] == ["p"]


def test_what_the_rows_of_a_source_tell_is_of_the_first_source_unless_said_otherwise() -> None:
    """A key that a reader made up means another person in every source."""
    collection = collection_of(platelets("message 1"))
    collection.people.tell([("message 1", "1950-02-03", "F", "")])
    (count,) = collection.each()
    assert (count.person.birth_date, count.person.sex) == ("1950-02-03", "F")


def test_a_month_is_complete_on_the_day_of_the_month_of_birth() -> None:
    plan = make_plan(KNOWLEDGE, ["birth_date", "collected_at", "PLT (10^9/L)"], Declared())
    columns = {
        "birth_date": pa.array(["2000-05-10"] * 3),
        "collected_at": pa.array(["2010-05-09", "2010-05-10", "2010-05-11"]),
    }
    ages = read_ages(columns, 3, plan, KNOWLEDGE, {})
    assert ages.months_low.tolist() == ages.months_high.tolist() == [119, 120, 120]
    assert ages.days_low.tolist() == [3651, 3652, 3653]
