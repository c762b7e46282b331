"""Files or a frame, batch by batch, and what the sender's flags, ranges and units say of each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cbc_screen.engines.batch import ROW
from cbc_screen.engines.frames import Engine, read_frame, refused_rows, rows_of
from cbc_screen.engines.inputs import expand, open_inputs
from cbc_screen.engines.opening import Opening
from cbc_screen.engines.unchanged import require_unchanged
from cbc_screen.errors import one_line_errors
from cbc_screen.kernel.fact_table import least, most
from cbc_screen.kernel_inputs import SEXES
from cbc_screen.normalize.arrow import as_text
from cbc_screen.normalize.codes import CODE, NO_REASON, RANGE_FIELD
from cbc_screen.normalize.columns import Normalized
from cbc_screen.normalize.plan import AnalyteColumn, Plan
from cbc_screen.normalize.value import LONGEST_CELL, fold
from cbc_screen.verify.claims import Claims, Finding, FoundClaims, contradictions
from cbc_screen.vocabulary import Reason, SenderFlag

if TYPE_CHECKING:
    import pyarrow as pa

    from cbc_screen.knowledge.quantities import Factor

LISTED = 100_000  # findings that are listed; all of them are counted
_LOW = (SenderFlag.LOW, SenderFlag.CRITICAL_LOW)
Key = tuple[str, str]  # file and analyte


@dataclass
class Audited:
    """What was found, and counted over everything that was read."""

    rows: int = 0
    findings: list[dict[str, Any]] = field(default_factory=list)
    results: Counter[Key] = field(default_factory=Counter)
    ranged: Counter[Key] = field(default_factory=Counter)
    flagged: Counter[Key] = field(default_factory=Counter)
    found: Counter[tuple[str, str, Finding]] = field(default_factory=Counter)
    contradicted: Counter[Key] = field(default_factory=Counter)  # results with a finding, a missing flag apart
    unflagged: Counter[Key] = field(default_factory=Counter)  # those with nothing but a missing flag
    ranges: Counter[tuple[str, str, str, float, float]] = field(default_factory=Counter)
    lowest: dict[tuple[str, str, str], float] = field(default_factory=dict)  # that is not flagged low
    highest: dict[tuple[str, str, str], float] = field(default_factory=dict)  # that is flagged low

    def settle(self) -> None:
        """Take back that a flag is missing where the sender flags nothing of an analyte."""
        silent = {key for key in self.results if not self.flagged[key]}
        for key, many in self.unflagged.items():
            self.contradicted[key] += 0 if key in silent else many
        for key in silent:
            self.found.pop((*key, Finding.FLAG_MISSING_OUTSIDE), None)
        self.findings = [
            one
            for one in self.findings
            if one["finding"] != Finding.FLAG_MISSING_OUTSIDE or (one["file"], one["analyte"]) not in silent
        ]


@one_line_errors("the audit")
def audit_files(engine: Engine, sources: Sequence[str], opening: Opening) -> Audited:
    """Audit files; see `cbc_screen.audit`."""
    engine, audited = engine.of(opening), Audited()
    with ExitStack() as undo:
        for entry in open_inputs(expand(sources), None, undo, opening):
            for batch in entry.source.batches(entry.wanted):
                require_unchanged(entry.files)
                _add(audited, engine, entry.plan, entry.name, batch.columns, batch.lines)
    audited.settle()
    return audited


def audit_frame(engine: Engine, frame: Any, opening: Opening) -> Audited:
    """Audit a frame of one count a row; see `cbc_screen.audit`."""
    audited = Audited()
    plan, arrays = read_frame(frame, opening)
    _add(audited, engine.of(opening), plan, "", arrays, np.arange(rows_of(arrays), dtype=np.int64))
    audited.settle()
    return audited


def _add(
    audited: Audited, engine: Engine, plan: Plan, file: str, columns: Mapping[str, pa.Array], lines: NDArray[np.int64]
) -> None:
    """Hold the claims of a batch against each other, and count."""
    rows = len(lines)
    stated = {name: own for name, own in plan.analytes.items() if own.flag_column or own.has_limits}
    if not rows:
        return
    audited.rows += rows
    normalized = replace(engine, use_reported=True).normalize(columns, rows, plan)
    refused = refused_rows(normalized)
    used = np.ones(rows, dtype=np.bool_) if refused is None else refused == NO_REASON
    plain = replace(engine, use_reported=False).normalize(columns, rows, plan)
    own = engine.kernel.numbers_used(plain.batch)
    for analyte, entry in plan.analytes.items():
        low = normalized.batch.low[analyte]
        audited.results[file, analyte] += int(((low == low) & used).sum())
        if analyte in stated:
            claims = _claims(engine, analyte, entry, columns, normalized, own, plan)
            _count(audited, file, analyte, claims, used, normalized)
            _list(
                audited,
                file,
                analyte,
                claims,
                used,
                lines,
                contradictions(claims, engine.knowledge.printed_limits.of(analyte)),
            )


def _claims(
    engine: Engine,
    analyte: str,
    entry: AnalyteColumn,
    columns: Mapping[str, pa.Array],
    normalized: Normalized,
    own: Mapping[str, NDArray[Any]],
    plan: Plan,
) -> Claims:
    batch, rows = normalized.batch, normalized.batch.rows
    none = np.full(rows, np.nan)
    lower, upper = batch.reported.get(analyte, (none, none))
    unreadable = normalized.reasons.get(f"{analyte}{RANGE_FIELD}")
    texts = as_text(columns[entry.flag_column]).to_pylist() if entry.flag_column is not None else [""] * rows
    plain = [fold(text) if text and len(text) <= LONGEST_CELL else "" for text in texts]
    known, words = engine.knowledge.analytes[analyte], engine.knowledge.words.sender_flags
    low, high = batch.low[analyte].copy(), batch.high[analyte].copy()
    wide = (low == 0) & np.isinf(high)  # nothing is known of it
    low[wide], high[wide] = np.nan, np.nan
    return Claims(
        analyte=known,
        low=low,
        high=high,
        lower=lower,
        upper=upper,
        unreadable=np.zeros(rows, dtype=np.bool_)
        if unreadable is None
        else unreadable == CODE[Reason.RANGE_UNREADABLE],
        own_lower=_agreed(own, analyte, "lower", rows),
        own_upper=_agreed(own, analyte, "upper", rows),
        flags=[words.get(text.casefold()) for text in plain],
        flagged=np.array([bool(text) for text in plain], dtype=np.bool_),
        units=_units(engine, analyte, entry, columns, rows, plan),
    )


def _agreed(own: Mapping[str, NDArray[Any]], analyte: str, side: str, rows: int) -> NDArray[np.float64]:
    """Return a limit of the set where one is known for the person."""
    low, high = own.get(least(f"{analyte}.{side}")), own.get(most(f"{analyte}.{side}"))
    if low is None or high is None:
        return np.full(rows, np.nan)
    agreed: NDArray[np.float64] = np.where(low == high, low, np.nan).astype(np.float64)
    return agreed


def _units(
    engine: Engine, analyte: str, entry: AnalyteColumn, columns: Mapping[str, pa.Array], rows: int, plan: Plan
) -> list[Factor | None]:
    """Return the factor of the stated unit of each row; None where none is stated beside the value."""
    from cbc_screen.knowledge.quantities import Factor

    table = engine.knowledge.analytes[analyte].units
    one = entry.unit or plan.declared.unit(engine.knowledge, analyte)
    texts = as_text(columns[entry.unit_column]).to_pylist() if entry.unit_column is not None else [None] * rows
    known: dict[str | None, Factor | None] = {}
    for text in {*texts}:
        found = table.find(text if text and text.strip() else one, plan.declared.convention)
        known[text] = found if isinstance(found, Factor) else None
    return [known[text] for text in texts]


def _count(
    audited: Audited, file: str, analyte: str, claims: Claims, used: NDArray[np.bool_], normalized: Normalized
) -> None:
    """Count flags and ranges, and keep between which values the sender's own lower limit must lie."""
    ranged = ((claims.lower == claims.lower) | (claims.upper == claims.upper)) & used
    audited.ranged[file, analyte] += int(ranged.sum())
    audited.flagged[file, analyte] += int((claims.flagged & used).sum())
    for row in np.flatnonzero(ranged).tolist():
        sex = SEXES[normalized.batch.sex[row]].value
        audited.ranges[file, analyte, sex, float(claims.lower[row]), float(claims.upper[row])] += 1
    if not claims.flagged.any():
        return
    exact = used & (claims.low == claims.high)
    flagged_low = np.array([flag in _LOW for flag in claims.flags], dtype=np.bool_)
    for place, sex in enumerate(SEXES):
        key = (file, analyte, sex.value)
        own = exact & (normalized.batch.sex == place)
        if (own & flagged_low).any():
            audited.highest[key] = max(audited.highest.get(key, -np.inf), float(claims.low[own & flagged_low].max()))
        if (own & ~flagged_low).any():
            audited.lowest[key] = min(audited.lowest.get(key, np.inf), float(claims.low[own & ~flagged_low].min()))


def _list(
    audited: Audited,
    file: str,
    analyte: str,
    claims: Claims,
    used: NDArray[np.bool_],
    lines: NDArray[np.int64],
    found: FoundClaims,
) -> None:
    """Add the findings, a row each."""
    others = [truths & used for finding, truths in found.rows.items() if finding is not Finding.FLAG_MISSING_OUTSIDE]
    some = np.logical_or.reduce(others)
    audited.contradicted[file, analyte] += int(some.sum())
    audited.unflagged[file, analyte] += int((found.rows[Finding.FLAG_MISSING_OUTSIDE] & used & ~some).sum())
    for finding, truths in found.rows.items():
        for row in np.flatnonzero(truths & used).tolist():
            audited.found[file, analyte, finding] += 1
            if len(audited.findings) >= LISTED:
                continue
            flag = claims.flags[row]
            audited.findings.append(
                {
                    "file": file,
                    ROW: int(lines[row]),
                    "analyte": analyte,
                    "finding": finding,
                    "value_low": _number(claims.low[row]),
                    "value_high": _number(claims.high[row]),
                    "flag": flag.value if flag is not None else "",
                    "lower": _number(claims.lower[row]),
                    "upper": _number(claims.upper[row]),
                    "shipped_lower": _number(claims.own_lower[row]),
                    "shipped_upper": _number(claims.own_upper[row]),
                    "unit": claims.analyte.unit,
                    "other_unit": found.explained.get(row, ""),
                }
            )


def _number(value: float) -> float | None:
    return float(value) if value == value else None
