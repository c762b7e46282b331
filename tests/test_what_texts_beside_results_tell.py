"""Texts beside results: the film, the kind of a specimen, the sender's flags, remarks on clumps, and names of what was measured."""

from __future__ import annotations

import pytest

from cbc_screen.ingest.results import LabResult, ResultCode
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.film import FilmReader
from cbc_screen.normalize.identify import NOT_A_COUNT, Identifier, ResultIdentity
from cbc_screen.normalize.remarks import mentions_clumps, platelet_clumps
from cbc_screen.normalize.sender_flags import finding_of
from cbc_screen.normalize.specimen import SpecimenReader
from cbc_screen.vocabulary import Presence, Reason, SpecimenKind

KNOWLEDGE = load_knowledge()
PRESENT, ABSENT = Presence.PRESENT, Presence.ABSENT


def result(code: ResultCode, value: str, unit: str = "") -> LabResult:
    return LabResult(1, "p", "order 1", "2024-01-02", (code,), value, unit=unit)


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("Fragmented RBCs", "3", ("schistocytes_on_film", PRESENT)),  # these are counted
        ("Fragmented RBCs", "0", ("schistocytes_on_film", ABSENT)),
        ("Abnormal promyelocytes", "3", None),  # and these only seen: a number says nothing
        ("Abnormal promyelocytes", "present", ("promyelocytes_on_film", PRESENT)),
    ],
)
def test_a_number_tells_of_the_film_only_what_is_counted(
    name: str, value: str, found: tuple[str, Presence] | None
) -> None:
    assert FilmReader(KNOWLEDGE).read(result(ResultCode("", name, ""), value)) == found


@pytest.mark.parametrize(("width", "found"), [(80, ("promyelocytes_on_film", PRESENT)), (81, None)])
def test_a_finding_of_the_film_is_known_by_a_name_of_at_most_eighty_characters(
    width: int, found: tuple[str, Presence] | None
) -> None:
    assert (
        FilmReader(KNOWLEDGE).read(result(ResultCode("", "Abnormal promyelocytes".ljust(width), ""), "present"))
        == found
    )


@pytest.mark.parametrize(
    ("field", "text", "kind"),
    [
        ("no such field", "dog", None),
        ("species", "", None),
        ("species", "dog", SpecimenKind.ANIMAL),
        ("species", "dog".ljust(256), SpecimenKind.ANIMAL),
        ("species", "dog".ljust(257), None),  # longer than what is looked at
        ("animal", "quokka", SpecimenKind.ANIMAL),  # a name that nobody knows is one of an animal all the same
        ("animal", "human", SpecimenKind.BLOOD),
        ("role", "Q", SpecimenKind.CONTROL),
    ],
)
def test_what_a_field_says_of_the_kind_of_a_specimen(field: str, text: str, kind: SpecimenKind | None) -> None:
    assert SpecimenReader(KNOWLEDGE.specimens).kind(field, text) is kind


@pytest.mark.parametrize(
    ("analyte", "flag", "finding"),
    [
        ("platelets", "LL", "platelets_flagged_low"),
        ("platelets", "LL".ljust(256), "platelets_flagged_low"),
        ("platelets", "LL".ljust(257), None),  # longer than a cell may be
        ("ferritin", "LL", None),  # no line is judged on it
    ],
)
def test_a_critical_flag_is_held_against_what_a_line_is_judged_on(analyte: str, flag: str, finding: str | None) -> None:
    assert finding_of(analyte, flag, KNOWLEDGE.words, ranged=False) == finding


@pytest.mark.parametrize(
    ("remark", "mentions", "seen"),
    [
        ("low", False, Presence.UNKNOWN),
        ("250", False, Presence.UNKNOWN),
        ("agrégats plaquettaires", True, PRESENT),
        ("pas d'agrégats plaquettaires", True, ABSENT),  # no blank behind the apostrophe
        ("keine Thrombozytenaggregate", True, ABSENT),
    ],
)
def test_a_remark_on_clumps_and_its_denial(remark: str, mentions: bool, seen: Presence) -> None:
    assert (mentions_clumps(remark), platelet_clumps(remark)) == (mentions, seen)


def test_a_result_in_the_unit_of_another_quantity_is_not_of_its_code() -> None:
    found = Identifier(KNOWLEDGE, {}).identify(result(ResultCode("718-7", "", "LN"), "90", "fL"))
    assert found == ResultIdentity(None, Reason.UNIT_CONFUSABLE, ("hemoglobin",))


@pytest.mark.parametrize(
    ("width", "found"),
    [
        (256, ResultIdentity(None, Reason.CODE_UNKNOWN, ("neutrophils",), again=True)),
        (257, NOT_A_COUNT),
    ],
)
def test_a_name_of_at_most_256_characters_is_looked_at(width: int, found: ResultIdentity) -> None:
    named = ResultCode("", "Neutrophils manual".ljust(width), "")
    assert Identifier(KNOWLEDGE, {}).identify(result(named, "2.1")) == found
