"""Which column is what: worked out once for a file or a frame, before any row is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.fold import plain_name
from cbc_screen.knowledge.profiles import Profile
from cbc_screen.knowledge.specimens import ANY
from cbc_screen.normalize.age import parse_age_unit
from cbc_screen.normalize.declared import Declared, declare_units
from cbc_screen.normalize.names import Meaning, NameReader, Role, name_reader
from cbc_screen.normalize.quoted import QuotedNames
from cbc_screen.normalize.settled_names import prefer_first_names, refuse_limits_in_another_unit, settle_ambiguous
from cbc_screen.normalize.value import POINT, NumberFormat, ResultReader
from cbc_screen.vocabulary import Reason

PERSON_FIELDS = (
    "age",
    "age_unit",
    "sex",
    "birth_date",
    "collected_at",
    "pregnancy",
    "reticulocyte_method",
    "wbc_uncorrected",
)
ROW_STATUS = "status"  # of all results of a row, as a caller declares its column
ROW_NOTE = "note"  # remarks on all results of a row, likewise
_NOT_USED = (Role.REFUSED, Role.POSSIBLE, Role.AGAIN)
# In the order of the fields of an AnalyteColumn.
_BESIDE = (Role.UNIT, Role.LOWER, Role.UPPER, Role.STATUS, Role.FLAG, Role.COMPARATOR, Role.RANGE)


@dataclass(frozen=True)
class AnalyteColumn:
    """The columns of one analyte."""

    column: str
    unit: str | None = None
    unit_column: str | None = None
    lower_column: str | None = None
    upper_column: str | None = None
    status_column: str | None = None
    flag_column: str | None = None
    comparator_column: str | None = None
    range_column: str | None = None  # both limits in one text
    row_status_column: str | None = None  # of the whole row, beside a status of its own
    note_columns: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column of the analyte."""
        one = (
            self.column, self.unit_column, self.lower_column, self.upper_column, self.status_column, self.flag_column,
            self.comparator_column, self.range_column, self.row_status_column,
        )  # fmt: skip
        return (*(column for column in one if column is not None), *self.note_columns)

    @property
    def has_limits(self) -> bool:
        """Whether limits may come with the results."""
        return bool(self.lower_column or self.upper_column or self.range_column)

    @property
    def remark_columns(self) -> tuple[str, ...]:
        """The columns that may take a result back: remarks, and the sender's flags ("Cancelled" is no flag)."""
        return self.note_columns if self.flag_column is None else (*self.note_columns, self.flag_column)

    def with_status(self, column: str | None) -> AnalyteColumn:
        """Return the column with the status of the whole row; beside one of its own, the less final of the two holds."""
        if column is None or column == self.status_column:
            return self
        if self.status_column is None:
            return replace(self, status_column=column)
        return replace(self, row_status_column=column)


@dataclass(frozen=True)
class PossibleColumn:
    """A column that may hold results of an analyte, and why they cannot be used.

    One that is `again` holds a further result of it, in `unit`: beside another result the two must say the same.
    """

    column: str
    reason: Reason
    again: bool = False
    unit: str | None = None
    called: str = ""  # what a message may call it


@dataclass(frozen=True)
class Plan:
    """Which columns are read, which were refused and why, and what was declared."""

    analytes: Mapping[str, AnalyteColumn]
    people: Mapping[str, str]
    findings: Mapping[str, str]
    age_unit: str | None
    refused: Mapping[str, str]
    ignored: tuple[str, ...]
    declared: Declared
    possible: Mapping[str, tuple[PossibleColumn, ...]] = field(default_factory=dict)  # by analyte
    # Analytes whose unit is not believed, with the files of a collection that are meant: none is every row.
    suspect: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    specimens: tuple[tuple[str, str], ...] = ()  # columns that tell what kind a specimen is: field and column
    languages: tuple[str, ...] = ()  # that the names of the columns may be in, or the declared one
    notes: tuple[str, ...] = ()  # columns of remarks on whole rows
    channels: str | None = None  # the column of the channels of an analyzer that were ordered

    def together(self, other: Plan) -> Plan:
        """Return what two files' plans read, refuse and ignore between them, for an account of both."""
        return replace(
            self,
            analytes={**other.analytes, **self.analytes},
            people={**other.people, **self.people},
            refused={**other.refused, **self.refused},
            ignored=tuple(dict.fromkeys([*self.ignored, *other.ignored])),
            possible={**other.possible, **self.possible},
            specimens=tuple(dict.fromkeys([*self.specimens, *other.specimens])),
            languages=tuple(dict.fromkeys([*self.languages, *other.languages])),
            notes=tuple(dict.fromkeys([*self.notes, *other.notes])),
        )

    def names_counts(self, knowledge: Knowledge) -> bool:
        """Tell whether some column is of an analyte; a birth may be told beside every result of a person."""
        return bool(self.analytes.keys() - {knowledge.words.gestation})

    def reader(self, knowledge: Knowledge, analyte: str) -> ResultReader:
        """Return the reader of one analyte's column."""
        unit = self.analytes[analyte].unit or self.declared.unit(knowledge, analyte)
        return ResultReader(
            knowledge.analytes[analyte], knowledge.words, unit, self.declared.number_format, self.declared.convention
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is read."""
        names: list[str] = []
        for entry in self.analytes.values():
            names += entry.columns
        names += [one.column for own in self.possible.values() for one in own]
        kinds = (column for _, column in self.specimens)
        return tuple(
            dict.fromkeys(
                [
                    *names,
                    *self.people.values(),
                    *self.findings.values(),
                    *kinds,
                    *self.notes,
                    *([self.channels] if self.channels else []),
                ]
            )
        )


@dataclass(frozen=True)
class _Found:
    """The columns of each role and name, and those that the caller chose."""

    knowledge: Knowledge
    chosen: Mapping[str, str]
    quoted: QuotedNames
    headers: dict[tuple[Role, str], list[str]] = field(default_factory=dict)

    def one(self, role: Role, name: str) -> str | None:
        """Return the one column of a role and name."""
        if role in (Role.ANALYTE, Role.PERSON, Role.FINDING) and name in self.chosen:
            return self.chosen[name]
        found = self.headers.get((role, name), [])
        if len(found) > 1:
            raise UsageError(
                f"columns {self.quoted.both(found)} both read as {name}: choose one with columns= (--columns {name}=...)"
            )
        return found[0] if found else None

    def beside(self, role: Role, analyte: str) -> str | None:
        """Return the column of a role beside that of an analyte."""
        names = self._said_of(analyte) if role is Role.FLAG else [analyte]
        return next(filter(None, (self.one(role, name) for name in names)), None)

    def notes(self, analyte: str) -> tuple[str, ...]:
        """Return the columns of remarks on an analyte."""
        return tuple(column for name in self._said_of(analyte) for column in self.headers.get((Role.NOTE, name), ()))

    def _said_of(self, analyte: str) -> list[str]:
        """Return of what its flags and remarks may be: those of a count that has no column are of its percentage."""
        counts = (own.id for own in self.knowledge.analytes.values() if own.percent == analyte)
        return [analyte, *(count for count in counts if self.one(Role.ANALYTE, count) is None)]


def make_plan(
    knowledge: Knowledge, headers: Sequence[str], declared: Declared, columns: Mapping[str, str] | None = None
) -> Plan:
    """Work out a plan from header texts and the caller's own mapping (`field: column`); an empty one has a place only."""
    chosen, quoted = dict(columns or {}), QuotedNames(knowledge, headers)
    headers = [header for header in headers if header]
    _check_mapping(knowledge, headers, chosen, quoted)
    reader = name_reader(knowledge)
    taken = set(chosen.values())
    meanings = {header: reader.of_header(header) for header in headers if header not in taken}
    settle_ambiguous(knowledge, meanings, declared)
    prefer_first_names(meanings, reader)
    refuse_limits_in_another_unit(knowledge, meanings, declared, chosen)
    found = _Found(knowledge, chosen, quoted)
    for header, meaning in meanings.items():
        found.headers.setdefault((meaning.role, meaning.name), []).append(header)
    one = found.one
    refused = {header: meaning.why for header, meaning in meanings.items() if meaning.role in _NOT_USED}
    analytes: dict[str, AnalyteColumn] = {}
    for analyte in knowledge.analytes:
        column = one(Role.ANALYTE, analyte) if declared.reads(knowledge.analytes[analyte]) else None
        if column is None:
            continue
        meaning = meanings.get(column) or reader.of_header(column)
        unit = meaning.unit if meaning.name == analyte else None
        if unit is None and analyte in chosen:
            unit = reader.unit_in_name(column, analyte)
        _check_unit(knowledge, declared, analyte, column, unit)
        own = (found.beside(role, analyte) for role in _BESIDE)
        analytes[analyte] = replace(AnalyteColumn(column, unit, *own), note_columns=found.notes(analyte))
    people = {name: column for name in PERSON_FIELDS if (column := one(Role.PERSON, name)) is not None}
    findings = {name: column for name in knowledge.findings if (column := one(Role.FINDING, name)) is not None}
    others = [header for header, meaning in meanings.items() if meaning.role is Role.OTHER]
    specimens, twice = _specimen_columns(knowledge, headers, others)
    notes, notes_twice = _row_notes(knowledge, headers, others, chosen.get(ROW_NOTE)) if analytes else ((), {})
    status = chosen.get(ROW_STATUS) or (_row_status(knowledge, headers, others, quoted) if analytes else None)
    analytes = {name: own.with_status(status) for name, own in analytes.items()}
    channels = _channels(knowledge, headers, others) if analytes else None
    told = (*(((ANY, chosen[ANY]),) if ANY in chosen else ()), *specimens)
    read = {*notes, *(column for _, column in specimens), channels, status if analytes else None}
    return Plan(
        analytes=analytes,
        people=people,
        findings=findings,
        age_unit=_age_unit(people.get("age"), reader, declared),
        refused=quoted.by_name({**refused, **twice, **notes_twice}),
        ignored=tuple(quoted.name(own) for own in others if own not in {*read, *twice, *notes_twice}),
        declared=declared,
        possible=_possible(meanings, chosen, quoted),
        specimens=told,
        languages=languages_of(knowledge, headers, declared),
        notes=tuple(dict.fromkeys([*notes, *_remarking(knowledge, told)])) if analytes else (),
        channels=channels,
    )


def _age_unit(column: str | None, reader: NameReader, declared: Declared) -> str | None:
    """Return the unit of age, as its column states it or as it is declared; the two must not differ."""
    meaning = reader.of_header(column) if column is not None else Meaning(Role.OTHER)
    own = meaning.unit if meaning.name == "age" else None
    if own and declared.age_unit and own != declared.age_unit:
        raise UsageError(f"column {column!r} states its unit, and age_unit= declares another")
    return own or declared.age_unit


def languages_of(knowledge: Knowledge, headers: Sequence[str], declared: Declared) -> tuple[str, ...]:
    """Return the language that is declared, else those that the names of the columns may be in."""
    return (declared.language,) if declared.language is not None else knowledge.languages.of(headers)


def _possible(
    meanings: Mapping[str, Meaning], chosen: Mapping[str, str], quoted: QuotedNames
) -> dict[str, tuple[PossibleColumn, ...]]:
    """Return the columns that may hold an analyte, where the caller has not said which column does."""
    found: dict[str, tuple[PossibleColumn, ...]] = {}
    for header, meaning in meanings.items():
        again = meaning.role is Role.AGAIN
        if (again or meaning.role is Role.POSSIBLE) and meaning.reason is not None and meaning.name not in chosen:
            one = PossibleColumn(header, meaning.reason, again, meaning.unit, quoted.name(header))
            found[meaning.name] = (*found.get(meaning.name, ()), one)
    return found


def _channels(knowledge: Knowledge, headers: Sequence[str], others: Sequence[str]) -> str | None:
    """Find the column that lists the ordered channels; one that appears twice cannot be read."""
    found = [own for own in others if plain_name(own) in knowledge.beside.ordered.columns]
    return found[0] if len(found) == 1 and headers.count(found[0]) == 1 else None


def _row_notes(
    knowledge: Knowledge, headers: Sequence[str], others: Sequence[str], named: str | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Find the columns of remarks on whole rows, the one that is named first; also those that stand twice, which cannot be read."""
    times, names = Counter(headers), knowledge.beside.row_notes | knowledge.beside.row_flags
    found = [header for header in others if plain_name(header) in names]
    why = "holds remarks on the results of a row, and stands twice: remove or rename one of them"
    own = [named] if named is not None else []
    return (*own, *(one for one in found if times[one] == 1)), {one: why for one in found if times[one] > 1}


def _remarking(knowledge: Knowledge, specimens: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the columns of what was taken: "clotted" stands there in place of blood."""
    return (column for field, column in specimens if knowledge.specimens.is_of_what_was_taken(field))


def _row_status(knowledge: Knowledge, headers: Sequence[str], others: Sequence[str], quoted: QuotedNames) -> str | None:
    """Find the column that says how far all results of a row have come; of several none is known to."""
    names = knowledge.beside.row_status
    found = [header for header in others if plain_name(header) in names]
    if len(found) > 1 or any(headers.count(header) > 1 for header in found):
        raise UsageError(
            f"columns {quoted.both(found)} may each say how far the results of a row have come: choose one with "
            f"columns= (--columns {ROW_STATUS}=...)"
        )
    return found[0] if found else None


def _specimen_columns(
    knowledge: Knowledge, headers: Sequence[str], others: Sequence[str]
) -> tuple[list[tuple[str, str]], dict[str, str]]:
    """Find the columns that tell what a specimen is; also those that stand twice, which cannot be read."""
    found = [(field, header) for header in others if (field := knowledge.specimens.field_of(header)) is not None]
    times = Counter(headers)
    once = [(field, header) for field, header in found if times[header] == 1]
    why = "tells what kind of specimen a row is of, and stands twice: remove or rename one of them"
    return once, {header: why for _, header in found if times[header] > 1}


def _check_mapping(
    knowledge: Knowledge, headers: Sequence[str], chosen: Mapping[str, str], quoted: QuotedNames
) -> None:
    known = {*knowledge.analytes, *PERSON_FIELDS, *knowledge.findings, ANY, ROW_STATUS, ROW_NOTE}
    for name, column in chosen.items():
        if name not in known:
            raise UsageError(
                f"columns: {name!r} is not an analyte, a field of the person or a finding{did_you_mean(name, known)}"
            )
        if column not in headers:
            read = f"; {name!r} is there, as read() writes it: leave it out of columns" if name in headers else ""
            near = did_you_mean(column, quoted.told()) if not read else ""
            raise UsageError(f"columns: {name}={column}: there is no such column{near}{read}")


def _check_unit(knowledge: Knowledge, declared: Declared, analyte: str, column: str, unit: str | None) -> None:
    own = declared.units.get(analyte)
    if unit is None or own is None:
        return
    units = knowledge.analytes[analyte].units
    if units.find(unit, declared.convention) != units.find(own, declared.convention):
        raise UsageError(f"column {column!r} states its unit, and units= declares another for {analyte}")


def with_profile(knowledge: Knowledge, declared: Declared, profile: Profile) -> Declared:
    """Fill in what the caller did not declare from a profile."""
    units, system, convention = declare_units(knowledge, dict(profile.units) or None)
    marks = NumberFormat(profile.decimal or POINT.decimal, profile.thousands or POINT.thousands)
    return replace(
        declared,
        # A system that the caller declares stands against single units of the profile.
        units={**({} if declared.system else units), **declared.units},
        system=declared.system or system,
        convention=declared.convention or convention,
        number_format=declared.number_format if declared.number_format != POINT else marks,
        age_unit=declared.age_unit or parse_age_unit(profile.age_unit),
        date_format=declared.date_format or profile.date_format,
        date_formats=declared.date_formats or ({} if declared.date_format else profile.date_formats),
        language=declared.language or profile.language,
        sex_codes=declared.sex_codes or dict(profile.sex_codes) or None,
        pregnancy_codes=declared.pregnancy_codes or dict(profile.pregnancy_codes) or None,
    )
