"""What the worklist's list shows of a count: from its result where it is screened again, else from its flags and cells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cbc_screen.arrays import cells_of
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.kernel.conclusions import NOT_JUDGED, urgency_rules
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.rules import Rule
from cbc_screen.labels import Told
from cbc_screen.normalize.received import PERSON, RECEIVED
from cbc_screen.printable import clean
from cbc_screen.report.checklist import SEPARATOR
from cbc_screen.report.html import LISTED
from cbc_screen.report.rule_texts import looked_at
from cbc_screen.report.units import readable
from cbc_screen.report.wording import SEXES, begun_low, line_words, severity_words, units_of, why_words, words
from cbc_screen.result import LineResult, ScreeningResult
from cbc_screen.vocabulary import CheckGroup, Line, LineState, Severity, WhiteBasis

if TYPE_CHECKING:
    import pyarrow as pa

_NOT_SHOWN = ("notice", "record")
_BY_WBC = (str(WhiteBasis.WBC), str(WhiteBasis.WBC_LESS_OTHERS))
LINES = tuple(str(line) for line in Line)
_READ = {
    *(
        FILE,
        ROW,
        RECEIVED,
        "pattern",
        "severity",
        "severity_min",
        "urgency",
        "urgency_reasons",
        "lines_low_min",
        "lines_low_max",
    ),
    *("white_line_basis", "checklist", "checklist_groups", "guards", "review_triggers", "reasons"),
    *(f"{line}_line" for line in LINES),
}
_UNLIKELY = str(CheckGroup.UNLIKELY)
Why = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ListRow:
    """What the list shows of a row, and what it is filtered by; its fields are those of the script."""

    file: str
    row: int
    kept: list[str]
    person: str
    collected: str
    taken: str
    about: str
    urgency: str
    why: Why  # values, and the reasons that they are
    pattern: str
    states: list[str]
    values: list[str]
    severity: str
    low_min: int
    low_max: int
    conditions: list[str]
    untold: list[str]
    guards: list[str]
    triggers: list[str]
    reasons: list[str]


_FIELDS = tuple(entry.name for entry in fields(ListRow))


def columns_of(rows: Sequence[ListRow]) -> dict[str, list[Any]]:
    """Return rows of the list as columns."""
    return {name: [getattr(row, name) for row in rows] for name in _FIELDS}


def shown_columns(part: pa.Table) -> dict[str, Any]:
    """Return the columns that the page of a count shows where it is shown by its flags: words, and which of them; or values."""
    found: dict[str, Any] = {}
    for name in part.column_names:
        column = part.column(name).combine_chunks()
        if name in _NOT_SHOWN:
            continue
        if name == RECEIVED:
            found[name] = cells_of(column)
            continue
        codes = column if hasattr(column, "indices") else column.dictionary_encode()
        used = codes.indices.unique()
        places = {old: place for place, old in enumerate(used.to_pylist())}
        words_of = [None if old is None else _shown(codes.dictionary[old].as_py()) for old in places]
        found[name] = [words_of, [places[old] for old in codes.indices.to_pylist()]]
    return found


def _shown(value: Any) -> Any:
    empty = value in (None, "", "not_assessed")
    return None if empty else value if isinstance(value, bool | int | float | str) else str(value)


class ListedRows:
    """Makes the rows of a list."""

    def __init__(self, flags: FlagFile, kept: Sequence[str], person: str | None) -> None:
        self._flags, self._kept, self._person = flags, kept, person
        self._rules: dict[tuple[str, str], list[Rule]] = {}  # by their name and how urgent they are
        self._labels: dict[str, str] = {}
        self._triggers: dict[str, str] = {}  # what reasons mean where no rule can be asked
        self._declared = lru_cache(maxsize=None)(flags.declared_unit)
        if flags.can_explain:
            rules = flags.screener.kernel.rules
            self._labels = {name: begun_low(analyte.label) for name, analyte in rules.analytes.items()}
            for name, own in urgency_rules(rules):
                for rule, _, _ in own:
                    self._rules.setdefault((name, rule.urgency), []).append(rule)
        else:
            self._triggers = {rule.id: rule.text for rule in load_knowledge().checks.active}

    def of_result(self, row: Mapping[str, Any], result: ScreeningResult, whose: str) -> ListRow:
        """Return what is shown of a row that was screened again."""
        units, by_name = units_of(result), {analyte.analyte: analyte for analyte in result.analytes}
        unsure = [entry.id for entry in result.checklist if LISTED[entry.support] is Told.CANNOT_TELL]
        return self._told(
            row,
            person=clean(whose) if self._person is None else _cell(row[self._person]),
            collected=clean(result.person.collected_at or ""),
            taken=self._flags.day(row.get(FILE), result.person.collected_at),
            about=f"{'age unknown' if result.person.age == 'unknown' else result.person.age}, {SEXES.get(result.person.sex, 'sex unknown')}",
            why=[(values, "; ".join(reasons)) for values, reasons in why_words(result)],
            values=[_value(line, line_words(line, by_name.get(line.analyte), units).value) for line in result.lines],
            conditions=[entry.id for entry in result.checklist if LISTED[entry.support] is Told.YES],
            untold=[*result.untold, *(f"condition:{name}" for name in unsure)],
        )

    def of_flags(self, part: pa.Table) -> list[ListRow]:
        """Return what is shown of rows that are shown by their flags, with values as received."""
        names = [name for name in part.column_names if name in _READ or name in self._kept or name == self._person]
        columns = [cells_of(part.column(name)) for name in names]
        return [self._of_row(dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]

    def _of_row(self, row: Mapping[str, Any]) -> ListRow:
        cells: dict[str, Any] = json.loads(row[RECEIVED]) if self._flags.can_explain else {}
        values = [words(row[f"{line}_line"]) for line in LINES]
        about, collected, taken = "", "", ""
        if cells:
            judged = _judged(row)
            values = [self._value(row, cells, analyte) or "no result" for analyte in judged.values()]
            collected = _text(cells.get("collected_at"))
            taken = self._flags.day(row.get(FILE), collected) if collected else ""
            about = ", ".join(filter(None, (_text(cells.get(name)) for name in ("age", "age_unit", "sex"))))
        return self._told(
            row,
            person=clean(_text(cells.get(PERSON))) if self._person is None else _cell(row[self._person]),
            collected=clean(collected),
            taken=taken,
            about=clean(about),
            why=self._why(row, cells),
            values=[clean(value) for value in values],
            conditions=_likely(row) if cells else _parts(row["checklist"]),
            untold=[],
        )

    def _told(self, row: Mapping[str, Any], **own: Any) -> ListRow:
        return ListRow(
            file=row.get(FILE) or "",
            row=row[ROW],
            kept=[_cell(row[name]) for name in self._kept],
            urgency=row["urgency"],
            pattern=row["pattern"],
            states=[row[f"{line}_line"] for line in LINES],
            severity=_severity(row["severity"], row["severity_min"]),
            low_min=row["lines_low_min"],
            low_max=row["lines_low_max"],
            guards=_parts(row["guards"]),
            triggers=_parts(row["review_triggers"]),
            reasons=_parts(row["reasons"]),
            **own,
        )

    def _why(self, row: Mapping[str, Any], cells: Mapping[str, Any]) -> Why:
        """Say why a count is urgent: values, and the reasons that they are.

        Flags of older versions name no reasons, and flags written without cells have no values.
        """
        found: dict[str, list[str]] = {}
        low = {line: own for line, own in _judged(row).items() if row[f"{line}_line"] == LineState.LOW} if cells else {}
        for name in _parts(row.get("urgency_reasons")):
            rules = self._rules.get((name, row["urgency"]), ())
            analytes = dict.fromkeys(one for rule in rules for one in looked_at(rule.when, self._labels, low))
            values = [f"{self._labels[one]} {value}" for one in analytes if (value := self._value(row, cells, one))]
            found.setdefault(clean(", ".join(values)), []).append(self._reason(name, rules))
        return [(values, "; ".join(texts)) for values, texts in found.items()]

    def _reason(self, name: str, rules: Sequence[Rule]) -> str:
        """Say a reason in words; which of several rules of one name was met is not in the flags."""
        if name == NOT_JUDGED and self._flags.can_explain:
            return self._flags.knowledge.urgency_unknown
        texts = list(dict.fromkeys(rule.text for rule in rules)) or [self._triggers.get(name, words(name))]
        return "; or ".join((texts[0], *map(begun_low, texts[1:])))

    def _value(self, row: Mapping[str, Any], cells: Mapping[str, Any], analyte: str) -> str:
        """Return a value as received, with the unit that stands beside it or was declared."""
        value = cells.get(analyte)
        if value is None:
            return ""
        unit = cells.get(f"{analyte}_unit") or self._declared(row.get(FILE), analyte)
        return _with_unit(_text(value), _text(cells.get(f"{analyte}_comparator")), _text(unit))


@lru_cache(maxsize=65_536)
def _with_unit(value: str, sign: str, unit: str) -> str:
    if not value or any(character.isalpha() or character == "%" for character in value):
        return value
    return " ".join(filter(None, (sign, value, readable(unit))))


def _judged(row: Mapping[str, Any]) -> dict[Line, str]:
    """Return what each line is judged on."""
    white = "wbc" if row["white_line_basis"] in _BY_WBC else "neutrophils"
    return {Line.RED: "hemoglobin", Line.WHITE: white, Line.PLATELET: "platelets"}


@lru_cache(maxsize=64)
def _severity(severity: str, least: str) -> str:
    return severity_words(Severity(severity), Severity(least))


def _likely(row: Mapping[str, Any]) -> list[str]:
    """Return the conditions listed for which more than little speaks."""
    groups = _parts(row["checklist_groups"])
    listed = zip(_parts(row["checklist"]), groups, strict=True)
    return [name for name, group in listed if group != _UNLIKELY]


def _text(value: Any) -> str:
    """Return a cell as received as text; numbers and dates that JSON has no word for lie in an object."""
    if isinstance(value, dict):
        value = next(iter(value.values()), "")
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value)


def _parts(text: str | None) -> list[str]:
    return text.split(SEPARATOR) if text else []


def _cell(value: Any) -> str:
    return "" if value is None else clean(str(value))


def _value(line: LineResult, value: str) -> str:
    """Name what a white line is judged on where it is not the neutrophils that stand beside it in the list."""
    return f"WBC {value}" if value and line.analyte == "wbc" else value
