"""The summary of a scan: what was read, used, rejected and left out, and what that says of each analyte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from cbc_screen._version import __version__
from cbc_screen.engines.account import Account
from cbc_screen.engines.alarms import Reach, alarms
from cbc_screen.engines.collected import CollectedSource
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.inputs import Input, sheets_left
from cbc_screen.engines.monitor import vanished
from cbc_screen.engines.request import ScanRequest
from cbc_screen.engines.sex_watch import doubts
from cbc_screen.engines.unit_watch import UnitWatch
from cbc_screen.errors import CBCScreenError
from cbc_screen.knowledge.specimens import PATIENT
from cbc_screen.normalize.gathered import ResultCounts
from cbc_screen.normalize.plan import Plan
from cbc_screen.summary import AnalyteCount, ScanSummary
from cbc_screen.vocabulary import SpecimenKind

_NAMED = 100  # names that a summary lists, the most frequent ones


def collected_source(entry: Input) -> CollectedSource | None:
    """Return the results that an input collects, or None for a table of counts."""
    return entry.source if isinstance(entry.source, CollectedSource) else None


def _most(counters: Iterable[Counter[str]]) -> dict[str, int]:
    """Return the most frequent names of all, and how many results the others have together."""
    every = sum(counters, Counter[str]())
    found = dict(every.most_common(_NAMED))
    if rest := len(every) - len(found):
        found[f"({rest} other names)"] = every.total() - sum(found.values())
    return found


def _results(inputs: list[Input], account: Account) -> dict[str, Any]:
    """Return the account of single results: those of tables are the filled cells of their columns."""
    collected = [source.result_counts for source in map(collected_source, inputs) if source is not None]
    counts = collected[0] if collected else ResultCounts()
    cells = sum(account.cells[entry.name] for entry in inputs if collected_source(entry) is None)
    # What is told of a birth stands in every count of the person, and is a result of none.
    births = sum(account.used_of(source.names, source.births) for source in filter(None, map(collected_source, inputs)))
    used = account.results.total() - account.unused.total() - births
    found = {"read": counts.read + cells, "used": used, "unusable": counts.used + cells - used}
    if min(found.values()) < 0:
        raise CBCScreenError("results in are not results used plus those that were not; nothing was written")
    return {**counts.to_dict(), **found}


def _reach(inputs: list[Input], account: Account) -> Reach:
    """Say how far the scan came; of messages and single results what was read are analytes."""
    tables = [entry for entry in inputs if collected_source(entry) is None]
    columns = {header for entry in tables for header in entry.source.headers if header}
    read = {own.column for entry in tables for own in entry.plan.analytes.values()}
    for source in filter(None, map(collected_source, inputs)):
        read |= set(source.analyte_counts)
        columns |= {*source.analyte_counts, *source.left_out, *source.possible}
    reasons = dict(account.reasons.most_common())
    others = _named_otherwise(inputs)
    otherwise = (*account.otherwise(inputs), *account.worse_files(inputs), *sheets_left(inputs))
    counts = [source.result_counts for source in filter(None, map(collected_source, inputs))]
    return Reach(
        screened=account.screened,
        judged=account.judged,
        read=tuple(sorted(read)),
        columns=len(columns),
        reasons=reasons,
        others=others,
        rejects=account.rejects,
        sent=account.rows_in > 0 or any(own.read or own.rejected or own.without_results for own in counts),
        otherwise=otherwise,
    )


def _named_otherwise(inputs: list[Input]) -> tuple[str, ...]:
    """Return the results of messages and single results that are of no known name, the most frequent ones."""
    sources = list(filter(None, map(collected_source, inputs)))
    if any(source.result_counts.rejected for source in sources):
        return ()  # they were found, and are of no patient's blood
    return tuple(_most(source.left_out for source in sources))


def _specimens(*rejected: Mapping[str, int]) -> dict[str, int]:
    """Count what is no patient's blood by kind: rows of tables, and results of messages."""
    counts = {kind.value: sum(own.get(kind.reason, 0) for own in rejected) for kind in SpecimenKind if kind.reason}
    return {kind: many for kind, many in counts.items() if many}


def summary_of(
    engine: Engine, request: ScanRequest, inputs: list[Input], account: Account, watch: UnitWatch, seconds: float
) -> ScanSummary:
    """Return the summary of a scan that has come to its end."""
    plan = inputs[0].plan
    for entry in inputs[1:]:
        plan = plan.together(entry.plan)
    expected = {analyte for entry in inputs for analyte in entry.expected}
    sources = [source for source in map(collected_source, inputs) if source is not None]
    grouping = sources[0].grouping if sources else {}
    persons = sources[0].people if any(entry.persons for entry in inputs) else {}
    results = _results(inputs, account)
    return ScanSummary(
        source=", ".join(file.name for entry in inputs for file in entry.files),
        out=request.out_table.called if request.out_table else request.file.name if request.file else None,
        rejects_file=request.rejects.name if request.rejects else None,
        rows_in=account.rows_in,
        screened=account.screened,
        rejected=account.rejected,
        patterns=dict(account.patterns),
        severities=dict(account.severities),
        urgencies=dict(account.urgencies),
        reasons=dict(account.reasons.most_common()),
        rejects=dict(account.rejects.most_common()),
        analytes=_analyte_counts(engine, plan, account),
        results=results,
        specimens=_specimens(account.rejects, results["rejected"]),
        specimen_columns=tuple(column for field, column in plan.specimens if field != PATIENT),
        unit_suspect=watch.sentences(accepted=False),
        unit_accepted=watch.sentences(accepted=True),
        undeclared=doubts(inputs),
        vanished=vanished(expected, account.results, account.used, request.previous),
        set_aside=_most(source.possible for source in sources),
        left_out=_most(source.left_out for source in sources),
        grouping=grouping,
        persons=persons,
        alarms=alarms(grouping, persons, _reach(inputs, account), engine.knowledge.analytes),
        people=dict(plan.people),
        refused_columns=dict(plan.refused),
        ignored_columns=plan.ignored,
        languages=tuple(dict.fromkeys(" or ".join(entry.plan.languages) for entry in inputs if entry.plan.languages)),
        unread_sheets=tuple(sheet for entry in inputs for sheet in getattr(entry.source, "unread", ())),
        definition=engine.kernel.rules.definition,
        setting=() if (moved := engine.kernel.rules.moved) is None else tuple(map(str, moved.setting)),
        grading=engine.kernel.rules.scheme.id,
        ranges=engine.ranges,
        data_version=engine.knowledge.data_version,
        code_version=__version__,
        seconds=seconds,
        options_file=request.options_file,
    )


def _analyte_counts(engine: Engine, plan: Plan, account: Account) -> dict[str, AnalyteCount]:
    """Count the results of each analyte by its column."""

    def counted(analyte: str, column: str, unit: str) -> AnalyteCount:
        results, unused = account.results[analyte], account.unused[analyte]
        return AnalyteCount(column=column, unit=unit, results=results, used=results - unused, not_used=unused)

    found = {}
    for analyte, entry in plan.analytes.items():
        beside = f"in column {entry.unit_column}" if entry.unit_column else None
        unit = entry.unit or beside or plan.declared.unit(engine.knowledge, analyte) or "in the cell, or missing"
        found[analyte] = counted(analyte, entry.column, unit)
    for analyte, possible in plan.possible.items():
        columns = ", ".join(one.called for one in possible)
        found.setdefault(analyte, counted(analyte, columns, "not known"))
    return found
