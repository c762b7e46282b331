"""Shares of low lines by age and sex: counted from a frame of flags, and written as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from cbc_screen.ages import MONTHS_IN_YEAR
from cbc_screen.agreement import wilson
from cbc_screen.errors import UsageError
from cbc_screen.ingest.frames import headers, plain_frame
from cbc_screen.knowledge import Knowledge, load_knowledge
from cbc_screen.knowledge.validation import load_validation
from cbc_screen.normalize.age import parse_age, parse_age_unit
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.people import with_letters
from cbc_screen.normalize.person import parse_sex, sex_letters
from cbc_screen.report.figures import AGES, UNKNOWN, age_groups
from cbc_screen.report.wording import SEXES
from cbc_screen.shares import LineShare, Prevalence
from cbc_screen.vocabulary import NOTICE, Line, LineState

ALL = "all"
_SMALLEST = 5
_SUPPRESSED = "suppressed"
_HEADS = ("age", "sex", "line", "n", "low", "unknown", "low, %", "interval, %", "unknown, %")


@dataclass
class _Cell:
    """What was counted of one line in one group."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, LineState), 0))
    weights: dict[str, list[float]] = field(default_factory=lambda: {str(state): [] for state in LineState})


def prevalence(
    flags: Any,
    *,
    age: Any = None,
    sex: Any = None,
    age_unit: str | None = None,
    sex_codes: Mapping[str, str] | None = None,
    weights: Any = None,
    ages: Sequence[int] = AGES,
    smallest_cell: int = _SMALLEST,
) -> Prevalence:
    """Count how common low lines are by age and sex, from a frame of flags.

    A line that is unknown is a share of its own and never counted as not low: the share of low lines is what is surely
    low, and its interval reaches up to what may be low. Groups with a small number are suppressed.

    Parameters
    ----------
    flags : a frame as `screen_frame` gives it
        What `screen_frame` or `read_flags` returned, one count of blood a person.
    age : column, optional
        Ages in the order of the flags, as texts with their unit ("54 y") or numbers with `age_unit`. Not by age by default.
    sex : column, optional
        Sexes in the order of the flags, as a record may have them ("F", "male"). Not by sex by default.
    age_unit : str, optional
        The unit of ages without one: "y", "mo", "wk", "d".
    sex_codes : mapping, optional
        What codes for sex mean, as `Source` takes it: {"1": "M", "2": "F"}. Undeclared codes are unknown.
    weights : column of numbers, optional
        A survey's weights. Shares are weighted then, and have no interval: one needs the survey's design.
    ages : sequence of int
        Completed years at which groups begin, in rising order; years below the first are a group too.
    smallest_cell : int
        The smallest number of people that is shown; 1 shows every number.

    Returns
    -------
    Prevalence, which shows itself in a notebook.

    Raises
    ------
    UsageError
        If the frame does not hold flags, or columns do not fit to it.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> frame = pd.DataFrame({"age": ["54 y", "30 y"], "sex": ["F", "F"], "HGB (g/dL)": [9.1, 15.0]})
    >>> found = cbc.prevalence(cbc.screen_frame(frame), sex=frame["sex"], smallest_cell=1)
    >>> found.rows[0].share
    0.5

    Notes
    -----
    Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-12.
    """
    knowledge, flags = load_knowledge(), plain_frame(flags)
    names = {line: f"{line}_line" for line in Line}
    if not set(names.values()) <= set(headers(flags)):
        raise UsageError("prevalence: these are no flags: give what screen_frame or read_flags returned")
    states = {line: [str(state) for state in _cells(flags[name])] for line, name in names.items()}
    rows = len(states[Line.RED])
    given = list(zip(_by_age(rows, age, age_unit, ages), _by_sex(rows, sex, sex_codes, knowledge), strict=True))
    own_weights = _weights(weights, rows)
    if smallest_cell < 1:
        raise UsageError("prevalence: smallest_cell is the smallest number that is shown, 1 or more")
    cells: dict[tuple[str, str, Line], _Cell] = {}
    for line, column in states.items():
        for state, group, weight in zip(column, given, own_weights, strict=True):
            for key in dict.fromkeys((group, (ALL, ALL))):
                cell = cells.setdefault((*key, line), _Cell())
                cell.counts[state] += 1
                cell.weights[state].append(weight)
    limits = load_validation()
    every = _in_order(cells, ages)
    shown = [_share(key, cells[key], smallest_cell, limits.z, weighted=weights is not None) for key in every]
    return Prevalence(
        rows=tuple(_without_sums(shown)),
        people=rows,
        smallest_cell=smallest_cell,
        weighted=weights is not None,
        confidence=limits.confidence,
        data_version=knowledge.data_version,
        remarks=_remarks(smallest_cell, limits.confidence, weighted=weights is not None),
    )


def _share(key: tuple[str, str, Line], cell: _Cell, smallest: int, z: float, *, weighted: bool) -> LineShare:
    low, unknown, not_low = (cell.counts[state] for state in (LineState.LOW, LineState.CANNOT_TELL, LineState.NOT_LOW))
    people = low + unknown + not_low
    if any(0 < count < smallest for count in (low, unknown, not_low)):
        return LineShare(*key, None, None, None, None, None, None, None, suppressed=True)
    sums = {state: math.fsum(own) for state, own in cell.weights.items()}
    whole = math.fsum(sums.values())
    interval = None if weighted else (wilson(low, people, z)[0], wilson(low + unknown, people, z)[1])
    return LineShare(
        *key,
        people=people,
        low=low,
        unknown=unknown,
        not_low=not_low,
        share=sums[LineState.LOW] / whole if whole else None,
        unknown_share=sums[LineState.CANNOT_TELL] / whole if whole else None,
        interval=interval,
        suppressed=False,
    )


def _without_sums(rows: Sequence[LineShare]) -> list[LineShare]:
    """Suppress the sum of a line over all groups where a single one of them is: it would be their difference."""
    found = []
    for row in rows:
        parts = [own for own in rows if own.line is row.line and (own.age, own.sex) != (ALL, ALL)]
        if (row.age, row.sex) == (ALL, ALL) and sum(part.suppressed for part in parts) == 1:
            row = LineShare(row.age, row.sex, row.line, None, None, None, None, None, None, None, suppressed=True)
        found.append(row)
    return found


def _in_order(cells: Mapping[tuple[str, str, Line], _Cell], ages: Sequence[int]) -> list[tuple[str, str, Line]]:
    groups, sexes = [*age_groups(ages), UNKNOWN, ALL], [*SEXES.values(), UNKNOWN, ALL]
    return sorted(cells, key=lambda key: (groups.index(key[0]), sexes.index(key[1]), list(Line).index(key[2])))


def _by_age(rows: int, age: Any, age_unit: str | None, ages: Sequence[int]) -> list[str]:
    """Return the age group of each row; an age that may lie in several groups is unknown."""
    if not ages or list(ages) != sorted(set(ages)) or ages[0] < 1:
        raise UsageError("prevalence: ages are completed years in rising order, from 1 on, as (18, 40, 65)")
    if age_unit is not None and parse_age_unit(age_unit) is None:
        raise UsageError('prevalence: age_unit is "y", "mo", "wk" or "d"')
    if age is None:
        return [ALL] * rows
    names, oldest = age_groups(ages), load_knowledge().age_implausible_from

    def group(cell: Any) -> str:
        span, _ = parse_age(_text(cell), age_unit, oldest)
        if span is None:
            return UNKNOWN
        places = {sum(end // MONTHS_IN_YEAR >= start for start in ages) for end in (span.months_low, span.months_high)}
        return names[places.pop()] if len(places) == 1 else UNKNOWN

    return [group(cell) for cell in _column(age, rows, "age")]


def _by_sex(rows: int, sex: Any, codes: Mapping[str, str] | None, knowledge: Knowledge) -> list[str]:
    """Return the sex of each row, as a frame of these cells is read."""
    if sex is None:
        return [ALL] * rows
    cells = [_text(cell) for cell in _column(sex, rows, "sex")]
    declared = with_letters(Declared(sex_codes=codes), sex_letters(cells, knowledge.words), (), knowledge)
    read = {
        cell: SEXES.get(parse_sex(cell, knowledge.words, declared.sexes, declared.sex_doubt)[0], UNKNOWN)
        for cell in set(cells)
    }
    return [read[cell] for cell in cells]


def _weights(weights: Any, rows: int) -> list[float]:
    if weights is None:
        return [1.0] * rows
    found = []
    for place, cell in enumerate(_column(weights, rows, "weights")):
        if isinstance(cell, bool | str) or cell is None or not 0 <= cell < math.inf:
            raise UsageError(
                f"prevalence: weights: row {place} (from 0) has no number of 0 or more; leave the row out of flags and columns"
            )
        found.append(float(cell))
    return found


def _column(column: Any, rows: int, name: str) -> list[Any]:
    cells = _cells(column)
    if len(cells) != rows:
        raise UsageError(f"prevalence: {name} has {len(cells):,} cells for {rows:,} rows of flags; give one a row")
    return cells


def _cells(column: Any) -> list[Any]:
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, name):
            return list(getattr(column, name)())
    return list(column)


def _text(cell: Any) -> str | None:
    return None if cell is None or cell != cell else str(cell)


def _remarks(smallest: int, confidence: float, *, weighted: bool) -> tuple[str, ...]:
    sure = f"{100 * confidence:g} %"
    return (
        "Low: below the range of age and sex in every case that is possible. Unknown: cannot be told, and not counted as not "
        "low; the share of low may be higher by so much.",
        "Shares are weighted by the survey's weights. Intervals need the survey's design and are not given."
        if weighted
        else f"Interval: from the lower {sure} Wilson limit of what is low to the upper one of what is low or unknown.",
        *([f"Suppressed: a number from 1 to {smallest - 1} people."] if smallest > 1 else []),
    )


# As a table ------------------------------------------------------------------------------


def table_rows(found: Prevalence) -> list[tuple[str, ...]]:
    """Return the table as texts."""
    return [(row.age, row.sex, str(row.line), *_numbers(row)) for row in found.rows]


def _numbers(row: LineShare) -> tuple[str, ...]:
    if row.suppressed:
        return (_SUPPRESSED, *("" for _ in _HEADS[4:]))
    ends = "not given" if row.interval is None else f"{_percent(row.interval[0])} to {_percent(row.interval[1])}"
    counts = (f"{count:,}" for count in (row.people, row.low, row.unknown))
    return (*counts, _percent(row.share), ends, _percent(row.unknown_share))


def _percent(share: float | None) -> str:
    return "none" if share is None else f"{100 * share:.1f}"


def title_of(found: Prevalence) -> str:
    """Return the title of table and figure."""
    return f"Low lines among {found.people:,} blood counts"


def prevalence_markdown(found: Prevalence) -> str:
    """Return the table as Markdown."""
    lines = [_line(_HEADS), _line(["---"] * 3 + ["---:"] * (len(_HEADS) - 3)), *map(_line, table_rows(found))]
    return "\n".join([f"**{title_of(found)}**", "", *lines, "", *_foot(found)]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _foot(found: Prevalence) -> list[str]:
    return [*found.remarks, f"cbc-screen, data {found.data_version}.", found.notice]


def table_html(found: Prevalence) -> str:
    """Return the table as HTML without style; a suppressed row is one cell."""
    from cbc_screen.report.html import environment

    rows = [(row[:3], row[3:], own.suppressed) for row, own in zip(table_rows(found), found.rows, strict=True)]
    template = environment().get_template("prevalence.html.j2")
    return template.render(title=title_of(found), heads=_HEADS, rows=rows, foot=_foot(found))


def great_table(found: Prevalence) -> Any:
    """Return the table as great_tables has it."""
    try:
        great_tables = import_module("great_tables")
    except ImportError:
        great_tables = None
    if great_tables is None:
        raise UsageError(
            "great_table needs great_tables: pip install 'cbc-screen[tables]'; to_html and to_markdown do not"
        )
    import pandas as pd

    frame = pd.DataFrame(table_rows(found), columns=list(_HEADS))
    frame.insert(0, "group", [f"{age}, {sex}" for age, sex in zip(frame.pop("age"), frame.pop("sex"), strict=True)])
    made = great_tables.GT(frame, rowname_col="line", groupname_col="group")
    made = made.tab_header(title=title_of(found), subtitle=NOTICE)
    made = made.cols_align(align="right", columns=list(_HEADS[3:]))
    for remark in _foot(found)[:-1]:
        made = made.tab_source_note(remark)
    return made
