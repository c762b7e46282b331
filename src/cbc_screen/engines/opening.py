"""How a source is opened: what is declared of it, how its files are read, and with which tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.ingest.source import ReadOptions
from cbc_screen.knowledge import Knowledge
from cbc_screen.normalize.declared import Declared, make_declared, with_spellings
from cbc_screen.normalize.suspect import parse_accepted
from cbc_screen.normalize.value import POINT
from cbc_screen.source import Source
from cbc_screen.vocabulary import AUTO, Adjust


@dataclass(frozen=True)
class Opening:
    """What a source is opened with.

    `spellings` are those of units that the source and its profile add; `knowledge` has them.
    """

    knowledge: Knowledge
    declared: Declared
    reading: ReadOptions = field(default_factory=ReadOptions)
    columns: Mapping[str, str] = field(default_factory=dict)
    accept_units: frozenset[str] = frozenset()
    spellings: Mapping[str, str] = field(default_factory=dict)


def opening_of(
    source: Source,
    knowledge: Knowledge,
    *,
    units: str | Mapping[str, str] | None = None,
    adjust: Iterable[Adjust] = (),
) -> Opening:
    """Check the description of a source, and fill in what its profile says.

    `units` stand where the source has none.
    """
    spellings = dict(source.unit_spellings or {})
    accepted = parse_accepted(knowledge, source.accept_units)
    reading = ReadOptions(
        encoding=source.encoding,
        delimiter=source.delimiter,
        sheet=source.sheet,
        format=source.format,
        profile=source.profile,
        persons=str(source.persons) if source.persons is not None else None,
        skip_lines=source.skip_lines,
        query=source.query,
        table=source.table,
    )
    mark: str | None = None
    if source.profile is not None:
        from cbc_screen.knowledge.profiles import find_profile  # YAML is read only where a profile is named

        own = find_profile(source.profile, knowledge)
        spellings = {**own.unit_spellings, **spellings}
        accepted |= parse_accepted(knowledge, own.accept_units)
        beside = {**own.reading, **_persons(own.reading, source.profile)}
        given: dict[str, Any] = {name: own for name, own in beside.items() if getattr(reading, name) in (None, AUTO)}
        reading = replace(reading, **given)
        mark = own.decimal
    knowledge = with_spellings(knowledge, spellings)
    declared = declared_of(source, knowledge, units=units, adjust=adjust)
    own_mark = declared.number_format.decimal if declared.number_format != POINT else mark or POINT.decimal
    reading = replace(reading, decimal=own_mark)
    return Opening(knowledge, declared, reading, dict(source.columns or {}), accepted, spellings)


def declared_of(
    source: Source,
    knowledge: Knowledge,
    *,
    units: str | Mapping[str, str] | None = None,
    adjust: Iterable[Adjust] = (),
) -> Declared:
    """Return what a source is declared to be."""
    if source.language is not None and source.language not in knowledge.languages.known:
        near = did_you_mean(source.language, knowledge.languages.known) or ";"
        raise UsageError(
            f"language: {source.language!r} is none{near} it must be one of {', '.join(knowledge.languages.known)}"
        )
    declared = make_declared(
        knowledge,
        units=source.units if source.units is not None else units,
        adjust=adjust,
        age_unit=source.age_unit,
        sex_codes=source.sex_codes,
        pregnancy_codes=source.pregnancy_codes,
        decimal=source.decimal,
        thousands=source.thousands,
        date_format=source.date_format,
    )
    return replace(declared, language=source.language)


def _persons(reading: Mapping[str, Any], profile: str) -> dict[str, str]:
    """Return where the table of persons lies that a profile names: beside the profile."""
    named = reading.get("persons")
    return {"persons": str(Path(profile).parent / named)} if named is not None else {}
