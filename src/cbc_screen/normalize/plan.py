"""Which column is what: worked out once for a file or a frame, before any row is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cbc_screen.errors import UsageError
from cbc_screen.knowledge import Knowledge
from cbc_screen.knowledge.profiles import Profile
from cbc_screen.knowledge.quantities import Analyte, Factor
from cbc_screen.normalize.names import Meaning, NameReader, Role
from cbc_screen.normalize.person import parse_age_unit
from cbc_screen.normalize.value import POINT, NumberFormat, ResultReader
from cbc_screen.vocabulary import Adjust, Group

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
MMOL = "hemoglobin_mmol"
CONVENTIONS = ("monomer", "tetramer")
_SETTINGS = {Adjust.ELEVATION: "elevation", Adjust.SMOKING: "cigarettes_per_day"}


@dataclass(frozen=True)
class Declared:
    """What the caller declares about a source; nothing of it is ever guessed."""

    units: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    convention: str | None = None
    number_format: NumberFormat = POINT
    age_unit: str | None = None
    date_format: str | None = None
    sex_codes: Mapping[str, str] | None = None
    pregnancy_codes: Mapping[str, str] | None = None
    settings: frozenset[str] = frozenset()

    def reads(self, analyte: Analyte) -> bool:
        """Tell whether a quantity is read: a setting only where something is adjusted for it."""
        return analyte.group is not Group.SETTING or analyte.id in self.settings

    def unit(self, knowledge: Knowledge, analyte: str) -> str | None:
        """Return the declared unit of an analyte, or None."""
        known = knowledge.analytes[analyte]
        return self.units.get(analyte) or self.system.get(known.units.dimension) or known.named_unit


def declare_units(
    knowledge: Knowledge, units: str | Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str], str | None]:
    """Check `units=`: "us", "si", a mapping of analytes, or a mapping with "system"."""
    if units is None:
        return {}, {}, None
    choices = {"system": units} if isinstance(units, str) else dict(units)
    system_name = choices.pop("system", None)
    system: Mapping[str, str] = {}
    if system_name is not None:
        if system_name not in knowledge.unit_systems:
            raise UsageError(
                f"units: must be one of {', '.join(sorted(knowledge.unit_systems))}, or a mapping of analyte to unit"
            )
        system = knowledge.unit_systems[system_name]
    convention = choices.pop(MMOL, None)
    if convention is not None and convention not in CONVENTIONS:
        raise UsageError(f"units: {MMOL} must be one of {', '.join(CONVENTIONS)}")
    for analyte, unit in choices.items():
        if analyte not in knowledge.analytes:
            raise UsageError(f"units: no analyte is named {analyte!r}")
        outcome = knowledge.analytes[analyte].units.find(unit, convention)
        if not isinstance(outcome, Factor):
            raise UsageError(f"units: {analyte}={unit}: {outcome[1]}")
    return choices, dict(system), convention


@dataclass(frozen=True)
class AnalyteColumn:
    """The columns of one analyte."""

    column: str
    unit: str | None = None
    unit_column: str | None = None
    lower_column: str | None = None
    upper_column: str | None = None
    status_column: str | None = None


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

    def together(self, other: Plan) -> Plan:
        """Return what two files' plans read, refuse and ignore between them, for an account of both."""
        return replace(
            self,
            analytes={**other.analytes, **self.analytes},
            people={**other.people, **self.people},
            refused={**other.refused, **self.refused},
            ignored=tuple(dict.fromkeys([*self.ignored, *other.ignored])),
        )

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
            beside = (entry.unit_column, entry.lower_column, entry.upper_column, entry.status_column)
            names += [entry.column, *(column for column in beside if column)]
        return tuple(dict.fromkeys([*names, *self.people.values(), *self.findings.values()]))


def make_plan(
    knowledge: Knowledge, headers: Sequence[str], declared: Declared, columns: Mapping[str, str] | None = None
) -> Plan:
    """Work out a plan from header texts and the caller's own mapping (`field: column`)."""
    chosen = dict(columns or {})
    _check_mapping(knowledge, headers, chosen)
    reader = NameReader(knowledge)
    taken = set(chosen.values())
    meanings = {header: reader.read(header) for header in headers if header not in taken}
    fields: dict[tuple[Role, str], list[str]] = {}
    for header, meaning in meanings.items():
        fields.setdefault((meaning.role, meaning.name), []).append(header)
    refused = {header: meaning.why for header, meaning in meanings.items() if meaning.role is Role.REFUSED}

    def one(role: Role, name: str) -> str | None:
        if role in (Role.ANALYTE, Role.PERSON, Role.FINDING) and name in chosen:
            return chosen[name]
        found = fields.get((role, name), [])
        if len(found) > 1:
            raise UsageError(
                f"columns {' and '.join(map(repr, found))} both read as {name}: choose one with columns= (--columns {name}=...)"
            )
        return found[0] if found else None

    analytes: dict[str, AnalyteColumn] = {}
    for analyte in knowledge.analytes:
        column = one(Role.ANALYTE, analyte) if declared.reads(knowledge.analytes[analyte]) else None
        if column is None:
            continue
        meaning = meanings.get(column) or reader.read(column)
        unit = meaning.unit if meaning.name == analyte else None
        _check_unit(knowledge, declared, analyte, column, unit)
        beside = (one(role, analyte) for role in (Role.UNIT, Role.LOWER, Role.UPPER, Role.STATUS))
        analytes[analyte] = AnalyteColumn(column, unit, *beside)
    people = {name: column for name in PERSON_FIELDS if (column := one(Role.PERSON, name)) is not None}
    findings = {name: column for name in knowledge.findings if (column := one(Role.FINDING, name)) is not None}
    age_meaning = reader.read(people["age"]) if "age" in people else Meaning(Role.OTHER)
    own_age_unit = age_meaning.unit if age_meaning.name == "age" else None
    if own_age_unit and declared.age_unit and own_age_unit != declared.age_unit:
        raise UsageError(f"column {people['age']!r} states its unit, and age_unit= declares another")
    return Plan(
        analytes=analytes,
        people=people,
        findings=findings,
        age_unit=own_age_unit or declared.age_unit,
        refused=refused,
        ignored=tuple(header for header, meaning in meanings.items() if meaning.role is Role.OTHER),
        declared=declared,
    )


def _check_mapping(knowledge: Knowledge, headers: Sequence[str], chosen: Mapping[str, str]) -> None:
    known = {*knowledge.analytes, *PERSON_FIELDS, *knowledge.findings}
    for name, column in chosen.items():
        if name not in known:
            raise UsageError(f"columns: {name!r} is not an analyte, a field of the person or a finding")
        if column not in headers:
            raise UsageError(f"columns: {name}={column}: there is no such column")


def _check_unit(knowledge: Knowledge, declared: Declared, analyte: str, column: str, unit: str | None) -> None:
    own = declared.units.get(analyte)
    if unit is None or own is None:
        return
    units = knowledge.analytes[analyte].units
    if units.find(unit, declared.convention) != units.find(own, declared.convention):
        raise UsageError(f"column {column!r} states its unit, and units= declares another for {analyte}")


def make_declared(
    knowledge: Knowledge,
    *,
    units: str | Mapping[str, str] | None = None,
    decimal: str = ".",
    thousands: str = "",
    age_unit: str | None = None,
    date_format: str | None = None,
    sex_codes: Mapping[str, str] | None = None,
    pregnancy_codes: Mapping[str, str] | None = None,
    adjust: Iterable[Adjust] = (),
) -> Declared:
    """Check what the caller declares about a source."""
    by_analyte, system, convention = declare_units(knowledge, units)
    if decimal not in (".", ",") or thousands not in ("", ",", ".", " ", "'") or decimal == thousands:
        raise UsageError("decimal must be '.' or ',', and thousands another mark")
    chosen_age_unit = parse_age_unit(age_unit)
    if age_unit is not None and chosen_age_unit is None:
        raise UsageError("age_unit must be y, mo, wk, d or h")
    sexes = {str(code).casefold(): str(sex) for code, sex in (sex_codes or {}).items()}
    if not set(sexes.values()) <= {"F", "M", "unknown"}:
        raise UsageError("sex_codes must map each code to F, M or unknown")
    stages = {str(code).casefold(): str(stage) for code, stage in (pregnancy_codes or {}).items()}
    if not set(stages.values()) <= set(knowledge.words.pregnancy.values()):
        raise UsageError(
            f"pregnancy_codes must map each code to one of {', '.join(sorted(set(knowledge.words.pregnancy.values())))}"
        )
    return Declared(
        by_analyte,
        system,
        convention,
        NumberFormat(decimal, thousands),
        chosen_age_unit,
        date_format,
        sexes or None,
        stages or None,
        frozenset(_SETTINGS[kind] for kind in adjust),
    )


def with_profile(knowledge: Knowledge, declared: Declared, profile: Profile) -> Declared:
    """Fill in what the caller did not declare from a profile."""
    units, system, convention = declare_units(knowledge, dict(profile.units) or None)
    marks = NumberFormat(profile.decimal, "") if profile.decimal is not None else POINT
    return replace(
        declared,
        # A system that the caller declares stands against single units of the profile.
        units={**({} if declared.system else units), **declared.units},
        system=declared.system or system,
        convention=declared.convention or convention,
        number_format=declared.number_format if declared.number_format != POINT else marks,
        age_unit=declared.age_unit or parse_age_unit(profile.age_unit),
        date_format=declared.date_format or profile.date_format,
        sex_codes=declared.sex_codes or _folded(profile.sex_codes),
        pregnancy_codes=declared.pregnancy_codes or _folded(profile.pregnancy_codes),
    )


def declared_units(knowledge: Knowledge, declared: Declared) -> dict[str, str]:
    """Return the declared unit of every analyte that has one."""
    units = ((name, declared.unit(knowledge, name)) for name in knowledge.analytes)
    return {name: unit for name, unit in units if unit is not None}


def _folded(codes: Mapping[str, str]) -> dict[str, str] | None:
    return {code.casefold(): word for code, word in codes.items()} or None


def parse_adjust(given: Iterable[str]) -> tuple[Adjust, ...]:
    """Check what hemoglobin is to be adjusted for."""
    words = (given,) if isinstance(given, str) else tuple(given)
    if not set(words) <= set(Adjust):
        raise UsageError(f"adjust_hemoglobin must be some of {', '.join(Adjust)}")
    return tuple(kind for kind in Adjust if kind in words)
