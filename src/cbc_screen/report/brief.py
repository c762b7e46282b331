"""One result on a terminal: short, aligned, colored where it is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cbc_screen.printable import clean
from cbc_screen.report.asking import asked
from cbc_screen.report.bars import WIDTH, Bar, bar_of
from cbc_screen.report.history import history_words
from cbc_screen.report.terminal import print_hanging
from cbc_screen.report.wording import (
    analyte_words,
    line_words,
    severity_words,
    test_words,
    units_of,
    urgency_words,
    words,
)
from cbc_screen.report.words import GROUP_WORDS
from cbc_screen.result import ConditionResult, ScreeningResult
from cbc_screen.vocabulary import Criteria, LineState, State, Support, Urgency

_STATES = {
    State.LOW: "bold red",
    State.HIGH: "bold blue",
    State.CANNOT_TELL: "magenta",
    LineState.LOW: "bold red",
    LineState.CANNOT_TELL: "magenta",
}
_SUPPORTS = {Support.SUPPORTED: "bold red", Support.CONSIDER: "yellow"}
_URGENCIES = {Urgency.IMMEDIATE: "bold red", Urgency.PROMPT: "red"}
_BAR, _SHORT_BAR = 24, 10  # characters
_NARROW = 110  # columns of a terminal: below it bars are short, and a condition is two lines


def print_brief(console: Console, result: ScreeningResult) -> None:
    """Print the flags of one result; `explain` gives the chain behind each."""
    console.print(Text(result.notice, style="bold"))
    console.print()
    if result.summary:
        console.print(Text(clean(result.summary)))
        console.print()
    console.print(Text(clean(result.pattern_text), style="bold"))
    severity = severity_words(result.severity, result.severity_min)
    console.print(
        Text(f"severity {severity}; urgency {urgency_words(result)}", style=_URGENCIES.get(result.urgency, ""))
    )
    person = result.person
    console.print(Text(clean(f"age {person.age}, sex {person.sex}, pregnancy {words(person.pregnancy)}"), style="dim"))
    console.print()
    console.print(_lines(result))
    console.print()
    console.print(_results(result, _BAR if console.width >= _NARROW else _SHORT_BAR))
    if result.history is not None:
        over_time = history_words(result.history, units_of(result))
        _listing(console, "earlier", [over_time.summary, *over_time.lines])
    _listing(console, "ask about", list(filter(None, map(asked, result.lines))))
    if result.blood_criteria.answer is Criteria.MET:
        met = f"blood items of the aplastic anemia criteria: {words(result.blood_criteria.answer)}"
        _listing(console, "criteria", [met, result.blood_criteria.missing])
    _listing(console, "sets", [f"{found.line} line: {found.text}" for found in result.published_sets])
    _listing(console, "spurious?", [finding.text for finding in result.guards])
    _listing(console, "review", [finding.text for finding in result.review_triggers])
    _listing(console, "remarks", list(result.remarks))
    if any(line.state is LineState.CANNOT_TELL for line in result.lines):
        _listing(console, "notes", list(result.notes))
    _conditions(console, result)
    versions = result.versions
    console.print()
    console.print(
        Text(
            f'lines under "{versions.definition}", graded by {versions.grading} {versions.grading_version}, '
            f"ranges {versions.ranges}, data {versions.data}, cbc-screen {versions.cbc_screen}",
            style="dim",
        )
    )


def _table(*columns: str, whole: tuple[str, ...] = ()) -> Table:
    """Return a table whose cells are folded between words; those of `whole` stay on one line."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in whole)
    return table


def _lines(result: ScreeningResult) -> Table:
    units, by_name = units_of(result), {analyte.analyte: analyte for analyte in result.analytes}
    table = _table("line", "state", "judged on", "value", "limit", "grade")
    for line in result.lines:
        row = line_words(line, by_name.get(line.analyte), units)
        style = _STATES.get(line.state, "")
        cells = (row.line, row.state, row.analyte, row.value, row.against, row.grade)
        table.add_row(*(Text(clean(cell), style=style if place in (1, 3) else "") for place, cell in enumerate(cells)))
    return table


def _results(result: ScreeningResult, bar_width: int) -> Table:
    units, lines = units_of(result), {line.graded_on: line for line in result.lines}
    table = _table("result", "as received", "as used", "state", "= range, # value", "range", whole=("as used", "range"))
    for analyte in result.analytes:
        row, bar = analyte_words(analyte, units), bar_of(analyte, lines.get(analyte.analyte), units)
        style = _STATES.get(analyte.state, "")
        limits = " or ".join(dict.fromkeys(text.split(" (")[0] for text in row.ranges))
        cells = (row.label, row.received, row.used, row.state, _drawn(bar, bar_width), limits)
        table.add_row(*(Text(clean(cell), style=style if place in (2, 3) else "") for place, cell in enumerate(cells)))
    return table


def _drawn(bar: Bar | None, width: int) -> str:
    if bar is None:
        return ""
    cells = ["."] * width

    def place(thousandths: int) -> int:
        return min(width - 1, thousandths * width // WIDTH)

    for start, end in bar.ranges:
        for at in range(place(start), place(end) + 1):
            cells[at] = "="
    if bar.start is not None and bar.end is not None:
        for at in range(place(bar.start), place(bar.end) + 1):
            cells[at] = "#"
    return "".join(cells) + (">" if bar.beyond else "")


def _listing(console: Console, title: str, texts: list[str]) -> None:
    if not texts:
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(width=len("to consider"), style="dim")
    table.add_column(overflow="fold")
    for place, text in enumerate(texts):
        table.add_row(Text(title if place == 0 else ""), Text(clean(text)))
    console.print()
    console.print(table)


def _conditions(console: Console, result: ScreeningResult) -> None:
    shown = result.checklist[: result.checklist_shown]
    if result.checklist:
        console.print()
    if console.width < _NARROW:
        _conditions_below_each_other(console, shown)
    elif shown:
        console.print(_condition_table(shown))
    if result.setting is not None:
        console.print(Text(f"   {clean(result.setting.text)}", style="dim"))
    behind = Counter(GROUP_WORDS[entry.group] for entry in result.checklist[result.checklist_shown :])
    if behind:
        folded = ", ".join(f"{count} {group}" for group, count in behind.items())
        console.print(Text(f"   folded: {folded}", style="dim"))
    _listing(console, "next tests", [_test(text, settles) for text, settles in test_words(result)])


def _condition_table(shown: Sequence[ConditionResult]) -> Table:
    """Lay out the conditions before the fold, one a row."""
    table = _table("", "to consider", "", "support", "strongest finding for it", "settled by")
    for place, entry in enumerate(shown, start=1):
        support = Text(words(entry.support), style=_SUPPORTS.get(entry.support, ""))
        finding = entry.findings_for[0].text if entry.findings_for else ""
        cells = (entry.name, GROUP_WORDS[entry.group])
        table.add_row(Text(str(place)), *map(Text, cells), support, Text(finding), Text(entry.settled_by))
    return table


def _conditions_below_each_other(console: Console, shown: Sequence[ConditionResult]) -> None:
    """Print the same where a table would break words."""
    if shown:
        console.print(Text("   to consider", style="dim"))
    for place, entry in enumerate(shown, start=1):
        finding = f"strongest finding for it: {entry.findings_for[0].text}; " if entry.findings_for else ""
        print_hanging(console, f"{place}  ", entry.name, "bold")
        said = f"{GROUP_WORDS[entry.group]}; {words(entry.support)}; {finding}settled by: {entry.settled_by}"
        print_hanging(console, "   ", said, _SUPPORTS.get(entry.support, ""))


def _test(text: str, settles: list[str]) -> str:
    return f"{text} ({'; '.join(settles)})" if settles else text
