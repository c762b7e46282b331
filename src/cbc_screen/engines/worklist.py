"""The worklist: one self-contained page of flagged counts for review, most urgent first.

The list and the pages of the most urgent people are made here, once, from the result itself; the script
of the page only filters, pages and opens them. Whoever comes after those is shown by flags and cells as received, which
the script lays out: to screen and word a hundred thousand counts again took minutes, and nobody reads so many.
Everything lies in compressed pieces, so that a hundred thousand people open at once.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cbc_screen.arrays import rows_of
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.listed_rows import ListedRows, ListRow, columns_of, shown_columns
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.engines.urgent import FlagCounts, most_urgent
from cbc_screen.errors import UsageError, one_line_errors
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.received import RECEIVED
from cbc_screen.private_files import Lock
from cbc_screen.report.figures import UNKNOWN, Figure, age_group, by_age_and_sex, by_line, counted
from cbc_screen.report.html import forget_pieces, person_parts
from cbc_screen.report.page import Pieces, packed, page
from cbc_screen.report.wording import SEXES
from cbc_screen.report.words import GROUP_WORDS
from cbc_screen.report.writers import AtomicFile, check_output
from cbc_screen.spreadsheet import INSIDE, START
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Line, Pattern, Urgency

if TYPE_CHECKING:
    import pyarrow as pa

MOST_LISTED = 100_000
IN_FULL = 5_000  # the most urgent, each screened again and shown in full
IN_A_PIECE = 200  # people whose pages are unpacked together
IN_A_LIST = 2_000  # rows of the list that are unpacked together, of those shown by their flags
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
    in_full: int = IN_FULL,
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
            worklist = _Worklist(flags, _kept(listed.column_names), person, in_full)
            worklist.collect(listed, progress)
            del listed
            file.write_text(worklist.render(counts, _link(flags.path, out)))
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


class _Worklist:
    """Collects the list, then renders the page around it."""

    def __init__(self, flags: FlagFile, kept: list[str], person: str | None, in_full: int) -> None:
        self._flags, self._kept, self._in_full = flags, kept, in_full
        self._rows = ListedRows(flags, kept, person)
        self._listed = 0
        self._severities: dict[str, Counter[str]] = {}
        self._people: Counter[tuple[str, str]] = Counter()
        self._pages = Pieces()
        self.lists: list[str] = []
        self.pieces: list[str] = []
        self.cells: list[str] = []

    def collect(self, table: pa.Table, progress: Progress | None) -> None:
        """Collect the list, the pages of those shown in full, and the flags and cells of the others."""
        at, full = 0, min(self._in_full, table.num_rows) if self._flags.can_explain else 0
        self._in_full = full
        while at < table.num_rows:
            size = min(IN_A_PIECE, full - at) if at < full else IN_A_LIST
            part = table.slice(at, size)
            told = self._full(part) if at < full else self._flagged(part)
            self.lists.append(packed(json.dumps(columns_of(told), ensure_ascii=False)))
            at += part.num_rows
            self._listed = at
            if progress is not None:
                progress(at, at / table.num_rows)

    def _full(self, part: pa.Table) -> list[ListRow]:
        """Return what the list shows of some rows, each screened again, and keep their pages."""
        found = []
        for row in rows_of(part):
            result, whose = self._flags.screen(row)
            for line in result.lines:
                self._severities.setdefault(line.line, Counter())[line.severity] += 1
            self._people[age_group(result), SEXES.get(result.person.sex, UNKNOWN)] += 1
            self._pages.add(person_parts(result))
            found.append(self._rows.of_result(row, result, whose))
        self.pieces.append(self._pages.piece())
        return found

    def _flagged(self, part: pa.Table) -> list[ListRow]:
        """Return what the list shows of some rows by their flags, and keep flags and cells."""
        self.cells.append(packed(json.dumps(shown_columns(part), ensure_ascii=False)))
        return self._rows.of_flags(part)

    def render(self, counts: FlagCounts, link: str) -> str:
        """Return the whole page."""
        data = {
            "kept": self._kept,
            "names": self._names(),
            "listed": self._listed,
            "pieces": len(self.lists),
            "inPiece": IN_A_PIECE,
            "inFull": self._in_full,
            "inCells": IN_A_LIST,
            "formula": [START, INSIDE],
            "notice": NOTICE,
            "schema_version": SCHEMA_VERSION,
            "source": self._flags.path.name,
            "id": _digest(self._flags.path),  # answers to this page belong to these flags alone
            "explained": self._flags.can_explain,
            "versions": self._flags.versions,
            "order": {"urgency": _reversed(Urgency), "pattern": _reversed(Pattern)},
            "lines": [str(line) for line in Line],
        }
        return page(
            data,
            self,
            self._pages.shared(),
            name=self._flags.path.name,
            link=link,
            versions=self._flags.versions,
            counts=counts,
            listed=self._listed,
            in_full=self._in_full,
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
            conditions, guards, triggers, ordering = rules.conditions, rules.guards, rules.triggers, rules.ordering
        else:
            knowledge = load_knowledge()
            conditions, guards, triggers = knowledge.conditions, knowledge.checks.guards, knowledge.checks.active
            ordering = knowledge.ordering
        return {
            "condition": {entry.id: entry.name for entry in conditions},
            "guard": {rule.id: rule.text for rule in guards},
            "trigger": {rule.id: rule.text for rule in triggers},
            "group": {str(group): text for group, text in GROUP_WORDS.items()},
            "test": {name: question.text for name, question in ordering.questions.items()},
        }

    def _figures(self, counts: FlagCounts) -> list[Figure]:
        found = [
            counted("Patterns, all rows screened", counts.columns["pattern"], _reversed(Pattern)),
            counted("Urgency, all rows screened", counts.columns["urgency"], _reversed(Urgency)),
        ]
        if self._severities:
            rules = self._flags.screener.kernel.rules
            which = "counts listed" if self._in_full == self._listed else f"the first {self._in_full:,} counts"
            scheme = f"{rules.scheme.id} {rules.scheme.version}"
            found.append(by_line(f"Severity by line, {which} ({scheme})", self._severities))
            found.append(by_age_and_sex(f"Age and sex, {which}", self._people))
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
