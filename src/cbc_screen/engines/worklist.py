"""The worklist: one self-contained page of flagged counts for review, most urgent first.

The list and the page of each person are made here, once, from the result itself; the script
of the page only filters, pages and opens them. Pages lie in compressed pieces, so that a
hundred thousand people open at once.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cbc_screen.arrays import rows_of
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.engines.urgent import FlagCounts, most_urgent
from cbc_screen.errors import UsageError, one_line_errors
from cbc_screen.knowledge import load_knowledge
from cbc_screen.labels import Told
from cbc_screen.normalize.received import RECEIVED
from cbc_screen.printable import clean
from cbc_screen.private_files import Lock
from cbc_screen.report.checklist import SEPARATOR
from cbc_screen.report.figures import UNKNOWN, Figure, age_group, by_age_and_sex, by_line, counted
from cbc_screen.report.html import LISTED, flags_html, forget_pieces, person_parts
from cbc_screen.report.page import Pieces, page
from cbc_screen.report.wording import SEXES, line_words, severity_words, units_of, words
from cbc_screen.report.writers import AtomicFile, check_output
from cbc_screen.result import ScreeningResult
from cbc_screen.spreadsheet import INSIDE, START
from cbc_screen.vocabulary import NOTICE, Line, Pattern, Severity, Urgency

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LISTED = 100_000
IN_A_PIECE = 200  # people whose pages are unpacked together
MOST_REASONS = 12
Progress = Callable[[int, float], None]
_FIRST_FLAG = "pattern"


@one_line_errors("the worklist")
def write_worklist(
    flags: FlagFile,
    out: Path,
    *,
    force: bool = False,
    most: int = MOST_LISTED,
    person: str | None = None,
    progress: Progress | None = None,
) -> FlagCounts:
    """Write the worklist of a flags file; see `cbc_screen.worklist`."""
    check_worklist(out, force=force)
    if most < 1:
        raise UsageError("most: a worklist lists at least one count")
    if out.resolve() == flags.path.resolve():
        raise UsageError("the flags and the worklist must be different files")
    if flags.can_explain:
        flags.require_received()
    with Lock(out), closing(AtomicFile(out, force=force)) as file:
        try:
            counts = FlagCounts()
            listed = most_urgent(flags, counts, most)
            if person is not None and person not in listed.column_names:
                raise UsageError(f"person: there is no column {person!r} in the flags; keep it with keep= (--keep)")
            worklist = _Worklist(flags, _kept(listed.column_names), person)
            pieces = list(worklist.pieces(listed, progress))
            file.write_text(worklist.render(counts, pieces, _link(flags.path, out)))
            file.finish()
            file.commit()
        finally:
            forget_pieces()  # they hold results
    return counts


def check_worklist(out: Path, *, force: bool) -> None:
    """Refuse a page that could not be written, before the work is done."""
    if out.suffix.lower() not in (".html", ".htm"):
        raise UsageError("a worklist must end in .html")
    check_output(out, force=force)


def _kept(names: list[str]) -> list[str]:
    """Return the columns of the source that stand before the flags."""
    return [name for name in names[: names.index(_FIRST_FLAG)] if name not in (FILE, ROW, RECEIVED)]


@dataclass(frozen=True)
class _Told:
    """What the list shows of a row, and what it is filtered by; its fields are those of the script."""

    file: str
    row: int
    kept: list[str]
    person: str
    collected: str
    taken: str
    about: str
    urgency: str
    why: list[str]
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


class _Worklist:
    """Collects the list, then renders the page around it."""

    def __init__(self, flags: FlagFile, kept: list[str], person: str | None) -> None:
        self._flags, self._kept, self._person = flags, kept, person
        self._rows: list[_Told] = []
        self._severities: dict[str, Counter[str]] = {}
        self._people: Counter[tuple[str, str]] = Counter()
        self._pages = Pieces()

    def pieces(self, table: pa.Table, progress: Progress | None) -> Iterator[str]:
        """Yield the pages of the people listed, in compressed pieces, and collect the list."""
        for start in range(0, table.num_rows, IN_A_PIECE):
            for row in rows_of(table.slice(start, IN_A_PIECE)):
                self._pages.add(self._one(row))
            if progress is not None:
                progress(len(self._rows), len(self._rows) / table.num_rows)
            yield self._pages.piece()

    def _one(self, row: Mapping[str, Any]) -> list[str]:
        """Add a row to the list; return its page."""
        if not self._flags.can_explain:
            self._rows.append(self._told(row, None, ""))
            return [flags_html(row)]
        result, whose = self._flags.screen(row)
        for line in result.lines:
            self._severities.setdefault(line.line, Counter())[line.severity] += 1
        self._people[age_group(result), SEXES.get(result.person.sex, UNKNOWN)] += 1
        self._rows.append(self._told(row, result, whose))
        return person_parts(result)

    def _told(self, row: Mapping[str, Any], result: ScreeningResult | None, whose: str) -> _Told:
        states = [row[f"{line}_line"] for line in Line]
        values, about, collected, taken = [words(state) for state in states], "", "", ""
        conditions, untold = _parts(row, "checklist"), list[str]()
        if result is not None:
            units, by_name = units_of(result), {analyte.analyte: analyte for analyte in result.analytes}
            values = [line_words(line, by_name.get(line.analyte), units).value for line in result.lines]
            conditions = [entry.id for entry in result.checklist if LISTED[entry.support] is Told.YES]
            unsure = [entry.id for entry in result.checklist if LISTED[entry.support] is Told.CANNOT_TELL]
            untold = [*result.untold, *(f"condition:{name}" for name in unsure)]
            about = f"{result.person.age}, {SEXES.get(result.person.sex, 'sex unknown')}"
            collected = result.person.collected_at or ""
            taken = self._flags.day(row.get(FILE), result.person.collected_at)
        return _Told(
            file=row.get(FILE) or "",
            row=row[ROW],
            kept=[_cell(row, name) for name in self._kept],
            person=clean(whose) if self._person is None else _cell(row, self._person),
            collected=clean(collected),
            taken=taken,
            about=about,
            urgency=row["urgency"],
            why=self._why(row, result),
            pattern=row["pattern"],
            states=states,
            values=values,
            severity=severity_words(Severity(row["severity"]), Severity(row["severity_min"])),
            low_min=row["lines_low_min"],
            low_max=row["lines_low_max"],
            conditions=conditions,
            untold=untold,
            guards=_parts(row, "guards"),
            triggers=_parts(row, "review_triggers"),
            reasons=_parts(row, "reasons"),
        )

    def _why(self, row: Mapping[str, Any], result: ScreeningResult | None) -> list[str]:
        """Return what the urgency rests on, in words; flags of older versions do not say."""
        if result is not None:
            return list(result.urgency_reasons)
        return [words(name) for name in str(row.get("urgency_reasons") or "").split(SEPARATOR) if name]

    def render(self, counts: FlagCounts, pieces: list[str], link: str) -> str:
        """Return the whole page."""
        data = {
            "fields": [entry.name for entry in fields(_Told)],
            "rows": [list(vars(told).values()) for told in self._rows],
            "kept": self._kept,
            "names": self._names(),
            "inPiece": IN_A_PIECE,
            "formula": [START, INSIDE],
            "notice": NOTICE,
            "source": self._flags.path.name,
            "id": _digest(self._flags.path),  # answers to this page belong to these flags alone
            "explained": self._flags.can_explain,
            "versions": self._flags.versions,
            "order": {"urgency": _reversed(Urgency), "pattern": _reversed(Pattern)},
            "lines": [str(line) for line in Line],
        }
        return page(
            data,
            pieces,
            self._pages.shared(),
            name=self._flags.path.name,
            link=link,
            versions=self._flags.versions,
            counts=counts,
            listed=len(self._rows),
            figures=self._figures(counts),
            account=self._account(counts),
            explained=self._flags.can_explain,
            setting=self._flags.setting,
        )

    def _account(self, counts: FlagCounts) -> dict[str, Any]:
        """Return what the scan counted, where the manifest beside the flags is theirs."""
        account = self._flags.manifest.get("counts", {})
        own = isinstance(account, dict) and account.get("screened") == counts.rows
        return account if own else {}

    def _names(self) -> dict[str, dict[str, str]]:
        """Return what the ids of rules mean, for filters and for answers about what is not flagged."""
        if self._flags.can_explain:
            rules = self._flags.screener.kernel.rules
            conditions, guards, triggers = rules.conditions, rules.guards, rules.triggers
        else:
            knowledge = load_knowledge()
            conditions, guards, triggers = knowledge.conditions, knowledge.checks.guards, knowledge.checks.active
        return {
            "condition": {entry.id: entry.name for entry in conditions},
            "guard": {rule.id: rule.text for rule in guards},
            "trigger": {rule.id: rule.text for rule in triggers},
        }

    def _figures(self, counts: FlagCounts) -> list[Figure]:
        found = [
            counted("Patterns, all rows screened", counts.columns["pattern"], _reversed(Pattern)),
            counted("Urgency, all rows screened", counts.columns["urgency"], _reversed(Urgency)),
        ]
        if self._severities:
            rules = self._flags.screener.kernel.rules
            found.append(
                by_line(f"Severity by line, counts listed ({rules.scheme.id} {rules.scheme.version})", self._severities)
            )
            found.append(by_age_and_sex("Age and sex, counts listed", self._people))
        common = dict(counts.reasons.most_common(MOST_REASONS))
        rejects = self._account(counts).get("rejects", {})
        if common:
            found.append(counted("Why something is unknown, all rows screened", common, common))
        if rejects:
            found.append(counted("Rejected rows", rejects, rejects))
        return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link(flags: Path, page: Path) -> str:
    """Return how a page links to the flags, wherever they lie."""
    try:
        return quote(Path(os.path.relpath(flags.resolve(), page.resolve().parent)).as_posix())
    except ValueError:  # on another drive
        return flags.resolve().as_uri()


def _reversed(choices: type[Urgency] | type[Pattern]) -> list[str]:
    return [str(choice) for choice in reversed(choices)]


def _parts(row: Mapping[str, Any], name: str) -> list[str]:
    return [part for part in row[name].split(SEPARATOR) if part]


def _cell(row: Mapping[str, Any], name: str) -> str:
    return "" if row[name] is None else clean(str(row[name]))
