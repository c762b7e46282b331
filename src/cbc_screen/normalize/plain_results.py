"""A table of one result a row that no profile knows: what its columns are, from their names or as declared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.person_codes import GESTATION, PRETERM
from cbc_screen.knowledge.profiles import LONG_FIELDS, PERSON_FIELDS, Profile, Shape
from cbc_screen.normalize.names import Role, name_reader
from cbc_screen.normalize.quoted import QuotedNames

NAME = "plain_results"
_OF_PERSON = ("birth_date", "sex", "age", "age_unit", "pregnancy")
# What only a table of results has: declared by name, they say that a table is one.
RESULT_FIELDS = frozenset(("code", "name", "value", "number", "unit"))
_TELL_AGES = ("birth_date", "birth_year", "birth_year_parts", "age")
_NEEDED = "a table of one result a row needs a column of results and one of their names or codes"


def declares_results(columns: Mapping[str, str]) -> bool:
    """Tell whether columns that a caller names are those of a table of one result a row."""
    return not RESULT_FIELDS.isdisjoint(columns)


def plain_results(knowledge: Knowledge, headers: Sequence[str], columns: Mapping[str, str]) -> Profile | None:
    """Return what the columns of a table of one result a row hold, or None where it does not look like one.

    `columns` are those that the caller names; the others are found by their names.
    """
    for name, column in columns.items():
        if name not in LONG_FIELDS:
            raise UsageError(f"columns: {name!r} is no part of a result; there are {', '.join(LONG_FIELDS)}")
        if column not in headers:
            near = did_you_mean(column, QuotedNames(knowledge, headers).told())
            raise UsageError(f"columns: {name}={column}: there is no such column{near}")
    free = [header for header in headers if header and header not in columns.values()]
    people, age_unit = _of_person(knowledge, free)
    births, units = _of_birth(knowledge, free)
    people |= births
    found: dict[str, tuple[str, ...]] = {name: (column,) for name, column in people.items()}
    found |= knowledge.result_tables.find([header for header in free if header not in people.values()])
    found |= {name: (column,) for name, column in columns.items()}
    if "value" not in found or not {"name", "code"} & found.keys():
        if declares_results(columns):
            raise UsageError(f"columns: {_NEEDED}; name them with value= and name= (or code=)")
        return None
    shown = {part: found[part] for part in LONG_FIELDS if part in found}
    title = "a table of one result a row"
    return Profile(NAME, title, Shape.LONG, shown, units=units, header_age_unit=age_unit, same_value=True)


def with_persons(knowledge: Knowledge, profile: Profile, headers: Sequence[str], called: str) -> Profile:
    """Return a profile that says nothing of a table of persons with what the names of its columns say."""
    people, age_unit = _of_person(knowledge, headers)
    person = knowledge.result_tables.find([header for header in headers if header not in people.values()]).get("person")
    if person is None:
        raise UsageError(
            f"{called}: no column says who each row is of; name its columns in a profile (persons: {{person: ..., birth_date: ..., "
            "sex: ...})"
        )
    births, units = _of_birth(knowledge, headers)
    found = {name: (column,) for name, column in {**people, **births}.items() if name in PERSON_FIELDS}
    units = {**profile.units, **units}
    return replace(profile, persons={"person": person, **found}, persons_age_unit=age_unit, units=units)


def with_names_of_persons(knowledge: Knowledge, profile: Profile, headers: Sequence[str]) -> Profile:
    """Return a shipped profile with what the table of persons has under names that are known, and the profile has not."""
    there = set(map(fold_word, headers))
    told = {field for field, columns in profile.persons.items() if not there.isdisjoint(map(fold_word, columns))}
    if not told.isdisjoint(_TELL_AGES):
        told |= {"birth_date", "age", "age_unit"}
    people, age_unit = _of_person(knowledge, headers)
    births, units = _of_birth(knowledge, headers)
    every = {**people, **births}
    more = {name: (column,) for name, column in every.items() if name in PERSON_FIELDS and name not in told}
    own_unit = age_unit if "age" in more else profile.persons_age_unit
    persons, units = {**profile.persons, **more}, {**units, **profile.units}
    return replace(profile, persons=persons, persons_age_unit=own_unit, units=units)


def _of_person(knowledge: Knowledge, headers: Sequence[str]) -> tuple[dict[str, str], str | None]:
    """Return the columns about the person, and the unit of the age where its name states it."""
    reader, found, unit = name_reader(knowledge), dict[str, str](), None
    for header in headers:
        meaning = reader.read(header)
        if meaning.role is Role.PERSON and meaning.name in _OF_PERSON and meaning.name not in found:
            found[meaning.name] = header
            unit = meaning.unit if meaning.name == "age" else unit
    return found, unit


def _of_birth(knowledge: Knowledge, headers: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns of the gestation at birth and of a birth before term, and the unit that the first one's name states."""
    reader, words = name_reader(knowledge), knowledge.words
    meant = {(Role.ANALYTE, words.gestation): GESTATION, (Role.FINDING, words.preterm_finding): PRETERM}
    found, units = dict[str, str](), dict[str, str]()
    for header in headers:
        meaning = reader.read(header)
        field = meant.get((meaning.role, meaning.name))
        if field is not None and field not in found:
            found[field] = header
            unit = (meaning.unit or reader.unit_in_name(header, words.gestation)) if field == GESTATION else None
            units |= {words.gestation: unit} if unit else {}
    return found, units
