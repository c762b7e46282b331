"""What a caller declares of a source: units, marks, codes. Nothing of it is ever guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cbc_screen.errors import UsageError
from cbc_screen.knowledge.fold import fold_word
from cbc_screen.knowledge.measures import Measures
from cbc_screen.knowledge.nearest import no_analyte
from cbc_screen.knowledge.quantities import CIGARETTES, Analyte, Factor, UnitTable, normalize_unit
from cbc_screen.normalize.age import parse_age_unit
from cbc_screen.normalize.value import POINT, NumberFormat
from cbc_screen.vocabulary import Adjust, AnalyteGroup, Reason, Setting

MMOL = "hemoglobin_mmol"
DATE_FIELDS = ("birth_date", "collected_at")
CONVENTIONS = ("monomer", "tetramer")
_YEAR = re.compile("%[YyGcxDF]")  # without it no date is read: "dd/mm/yyyy"
_SETTINGS = {Adjust.ELEVATION: "elevation", Adjust.SMOKING: CIGARETTES}


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
    date_formats: Mapping[str, str] = field(default_factory=dict)  # of one field: birth_date, collected_at
    settings: frozenset[str] = frozenset()
    language: str | None = None
    # Found, and not declared: what letters for sex mean in the language of this source, and which are not to be read.
    sex_read: Mapping[str, str] = field(default_factory=dict)
    sex_doubt: tuple[str, ...] = ()

    def reads(self, analyte: Analyte) -> bool:
        """Tell whether a quantity is read: a setting only where something is adjusted for it."""
        return analyte.group is not AnalyteGroup.SETTING or analyte.id in self.settings

    @property
    def sexes(self) -> dict[str, str] | None:
        """What codes for sex mean: those declared, and the letters of the source's language; None where nothing is said."""
        return {**self.sex_read, **(self.sex_codes or {})} or None

    def date_format_of(self, name: str) -> str | None:
        """Return the declared format of the dates of a field, or None."""
        return self.date_formats.get(name, self.date_format)

    def unit(self, measures: Measures, analyte: str) -> str | None:
        """Return the declared unit of an analyte, or None."""
        known = measures.analytes[analyte]
        return self.units.get(analyte) or self.system.get(known.units.dimension) or known.named_unit


Tables = TypeVar("Tables", bound=Measures)


def with_spellings(tables: Tables, own: Mapping[str, str]) -> Tables:
    """Return the tables with further spellings of units, each with one that they know.

    A spelling that some table knows already keeps its meaning, and is refused here with another one. With the same it may be
    said again: the command says it of the screen and of the source.
    """
    if not own:
        return tables
    for spelling, known in own.items():
        knowing = [table for table in tables.units.values() if not _is_unknown(table, spelling)]
        if any(table.find(spelling) != table.find(known) for table in knowing):
            raise UsageError(f"unit_spellings: {spelling!r} is known already")
        if not any(isinstance(table.find(known), Factor) for table in tables.units.values()):
            raise UsageError(f"unit_spellings: {spelling}={known}: the unit is in no table")
    added = {normalize_unit(spelling): known for spelling, known in own.items()}
    units = {
        name: replace(table, spellings=replace(table.spellings, known={**table.spellings.known, **added}))
        for name, table in tables.units.items()
    }
    analytes = {
        name: replace(analyte, units=units[analyte.units.dimension]) for name, analyte in tables.analytes.items()
    }
    return replace(tables, units=units, analytes=analytes)


def _is_unknown(table: UnitTable, spelling: str) -> bool:
    found = table.find(spelling)
    return not isinstance(found, Factor) and found[0] is Reason.UNIT_UNKNOWN


def declare_units(
    measures: Measures, units: str | Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str], str | None]:
    """Check `units=`: "us", "si", a mapping of analytes, or a mapping with "system"."""
    if units is None:
        return {}, {}, None
    choices = {"system": units} if isinstance(units, str) else dict(units)
    system_name = choices.pop("system", None)
    system: Mapping[str, str] = {}
    if system_name is not None:
        if system_name not in measures.unit_systems:
            raise UsageError(
                f"units: must be one of {', '.join(sorted(measures.unit_systems))}, or a mapping of analyte to unit"
            )
        system = measures.unit_systems[system_name]
    convention = choices.pop(MMOL, None)
    if convention is not None and convention not in CONVENTIONS:
        raise UsageError(f"units: {MMOL} must be one of {', '.join(CONVENTIONS)}")
    for analyte, unit in choices.items():
        if analyte not in measures.analytes:
            raise UsageError(f"units: {no_analyte(analyte, measures.analytes)}")
        outcome = measures.analytes[analyte].units.find(unit, convention)
        if not isinstance(outcome, Factor):
            raise UsageError(f"units: {analyte}={unit}: {outcome[1]}")
    return choices, dict(system), convention


def make_declared(
    measures: Measures,
    *,
    units: str | Mapping[str, str] | None = None,
    decimal: str = ".",
    thousands: str = "",
    age_unit: str | None = None,
    date_format: str | Mapping[str, str] | None = None,
    sex_codes: Mapping[str, str] | None = None,
    pregnancy_codes: Mapping[str, str] | None = None,
    adjust: Iterable[Adjust] = (),
) -> Declared:
    """Check what the caller declares about a source."""
    by_analyte, system, convention = declare_units(measures, units)
    if decimal not in (".", ",") or thousands not in ("", ",", ".", " ", "'") or decimal == thousands:
        raise UsageError("decimal must be '.' or ',', and thousands another mark")
    chosen_age_unit = parse_age_unit(age_unit)
    if age_unit is not None and chosen_age_unit is None:
        raise UsageError("age_unit must be y, mo, wk, d or h")
    sexes = {fold_word(str(code)): str(sex) for code, sex in (sex_codes or {}).items()}
    if not set(sexes.values()) <= {"F", "M", "unknown"}:
        raise UsageError("sex_codes must map each code to F, M or unknown")
    stages = {fold_word(str(code)): str(stage) for code, stage in (pregnancy_codes or {}).items()}
    if not set(stages.values()) <= set(measures.words.pregnancy.values()):
        raise UsageError(
            f"pregnancy_codes must map each code to one of {', '.join(sorted(set(measures.words.pregnancy.values())))}"
        )
    by_field = dict(date_format) if isinstance(date_format, Mapping) else {}
    if unknown := by_field.keys() - set(DATE_FIELDS):
        raise UsageError(f"date_format: {min(unknown)!r} is not one of {', '.join(DATE_FIELDS)}")
    for written in by_field.values() if by_field else filter(None, [date_format]):
        if _YEAR.search(str(written)) is None:
            raise UsageError(f"date_format: {written!r} names no year; write it for datetime.strptime: %d/%m/%Y")
    return Declared(
        units=by_analyte,
        system=system,
        convention=convention,
        number_format=NumberFormat(decimal, thousands),
        age_unit=chosen_age_unit,
        date_format=date_format if isinstance(date_format, str) else None,
        date_formats=by_field,
        sex_codes=sexes or None,
        pregnancy_codes=stages or None,
        settings=frozenset(_SETTINGS[kind] for kind in adjust),
    )


def declared_units(measures: Measures, declared: Declared) -> dict[str, str]:
    """Return the declared unit of every analyte that has one."""
    units = ((name, declared.unit(measures, name)) for name in measures.analytes)
    return {name: unit for name, unit in units if unit is not None}


def parse_setting(given: Iterable[str]) -> tuple[Setting, ...]:
    """Check the words of a setting; which of them exclude each other, the tables say."""
    words = (given,) if isinstance(given, str) else tuple(given)
    if not set(words) <= set(Setting):
        raise UsageError(f"setting must be some of {', '.join(Setting)}")
    return tuple(name for name in Setting if name in words)


def parse_adjust(given: Iterable[str]) -> tuple[Adjust, ...]:
    """Check what hemoglobin is to be adjusted for."""
    words = (given,) if isinstance(given, str) else tuple(given)
    if not set(words) <= set(Adjust):
        raise UsageError(f"adjust_hemoglobin must be some of {', '.join(Adjust)}")
    return tuple(kind for kind in Adjust if kind in words)
