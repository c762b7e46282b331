"""The rules as one writes them by hand for polars, DuckDB and pandas, beside the plans of plans.py.

As the manuals of the engines have it: an as-of join for each analyte, to the bands of its own
ages by sex and stage of pregnancy; one step for each group of columns (states, lines, grades,
rules, conditions); three-valued logic by null; and every rule written out, so that what two
rules share is left to the engine. Numbers and rules come from the knowledge tables.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from plans import Lazy, Polars, Run, Sql
from rows import JOINED, analyte_limits, finding_names, result_names
from rulebook import Flags, Nulls, Number, RuleBook

from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge

PERSON = ["male", "stage"]


class PandasSeries:
    """Series of pandas' nullable types, whose logic is three-valued."""

    _OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
        "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq,
        "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    }  # fmt: skip

    def __init__(self) -> None:
        self.frame = pd.DataFrame()

    def define(self, expr: Lazy) -> Lazy:
        return Lazy(lambda series: series, expr)

    def column(self, name: str) -> Lazy:
        return Inline(lambda: self.frame[name])

    def number(self, value: float) -> Lazy:
        return Inline(lambda: value)

    def code(self, value: int) -> Lazy:
        return Inline(lambda: int(value))

    def wide_code(self, value: int) -> Lazy:
        return Inline(lambda: np.int16(value))

    def wide(self, a: Lazy) -> Lazy:
        return Inline(lambda x: np.int16(x) if isinstance(x, int) else x.astype("Int16"), a)

    def flag(self, value: bool | None) -> Lazy:
        return Inline(lambda: pd.NA if value is None else value)

    def compare(self, sign: str, a: Lazy, b: Lazy) -> Lazy:
        return Inline(lambda x, y: _nullable(self._OPERATORS[sign](x, y)), a, b)

    arithmetic = compare

    def surely(self, flag: Lazy) -> Lazy:
        return Inline(lambda x: x.fillna(False), flag)

    def absolute(self, a: Lazy) -> Lazy:
        return Inline(lambda x: x.abs(), a)

    def present(self, a: Lazy) -> Lazy:
        return Inline(lambda x: x.notna(), a)

    def coalesce(self, a: Lazy, b: Lazy) -> Lazy:
        return Inline(lambda x, y: x.fillna(y), a, b)

    def both(self, a: Lazy, b: Lazy) -> Lazy:
        return Inline(operator.and_, a, b)

    def either(self, a: Lazy, b: Lazy) -> Lazy:
        return Inline(operator.or_, a, b)

    def negate(self, a: Lazy) -> Lazy:
        return Inline(operator.invert, a)

    def count(self, flags: Sequence[Lazy]) -> Lazy:
        return Inline(lambda *found: sum(flag.astype("Int8") for flag in found), *flags)

    def pick(self, condition: Lazy, a: Lazy, b: Lazy) -> Lazy:
        return Inline(_picked, condition, a, b)

    def larger(self, a: Lazy, b: Lazy) -> Lazy:
        return Inline(lambda x, y: x.where(x > y, y), a, b)


class Inline(Lazy):
    """A piece of an expression: worked out wherever it stands."""

    def get(self, known: dict[Lazy, Any]) -> Any:
        """Work it out."""
        return self._work(*(need.get(known) for need in self._needs))


def _nullable(result: Any) -> Any:
    """Return a flag whose logic is three-valued: that of ages, which are plain numbers, is not."""
    return result.astype("boolean") if getattr(result, "dtype", None) == np.bool_ else result


def _picked(condition: pd.Series[bool], a: Any, b: Any) -> Any:
    if not isinstance(b, pd.Series):
        kinds = ((bool, "boolean"), (np.int16, "Int16"), (float, "Float64"))
        own = next((kind for of, kind in kinds if isinstance(b, of)), "Int8")
        kind = "boolean" if b is pd.NA else own
        b = pd.Series(b, index=condition.index, dtype=kind)
    return b.mask(condition, a)


# Plans -----------------------------------------------------------------------------------


def _tables(kernel: Kernel, names: Sequence[str]) -> dict[str, pa.Table]:
    """Return the limits of each analyte there is, as a table to be joined."""
    return {
        analyte: pa.table({name: pa.array(column, from_pandas=True) for name, column in limits.items()})
        for analyte, limits in analyte_limits(kernel, [name for name in names if name in kernel.rules.analytes]).items()
    }


def _write(
    names: Sequence[str], kernel: Kernel, knowledge: Knowledge, engine: Any, tables: Mapping[str, pa.Table]
) -> dict[str, Any]:
    limits: dict[str, Number] = {}
    for table in tables.values():
        for name in set(table.column_names) - set(JOINED):
            column = engine.column(name)
            limits[name] = Number(column, engine.present(column) if table[name].null_count else True)
    given = frozenset(name for name in names if name in knowledge.analytes)
    findings = frozenset(name for name in names if name in knowledge.findings)
    return RuleBook(kernel, engine, Nulls(Flags(engine)), given, findings, limits, shared=False).write()


def polars_by_hand(rows: pa.Table, kernel: Kernel, knowledge: Knowledge, *, stream: bool = True) -> Run:
    """Return the plan for polars: `join_asof` for each analyte, `with_columns` for each group."""
    import polars as pl

    engine, tables = Polars(), _tables(kernel, rows.column_names)
    outputs = _write(rows.column_names, kernel, knowledge, engine, tables)
    frame = pl.from_arrow(rows).lazy().sort("months")
    for table in tables.values():
        limits = pl.from_arrow(table).lazy().sort("months")
        frame = frame.join_asof(limits, on="months", by=PERSON, check_sortedness=False)
    for layer in engine.layers:
        frame = frame.with_columns(**layer)
    lazy = frame.select("row", **{name: node.raw for name, node in outputs.items()})
    return lambda: lazy.collect(engine="streaming" if stream else "in-memory").to_arrow()


def duckdb_by_hand(rows: pa.Table, kernel: Kernel, knowledge: Knowledge, *, threads: int | None = None) -> Run:
    """Return the plan for DuckDB: an ASOF JOIN for each analyte, a SELECT for each group."""
    import duckdb

    engine, tables = Sql(), _tables(kernel, rows.column_names)
    outputs = _write(rows.column_names, kernel, knowledge, engine, tables)
    connection = duckdb.connect()
    if threads is not None:
        connection.execute(f"SET threads = {threads}")
    for name, table in {"rows": rows, **{f"of_{analyte}": table for analyte, table in tables.items()}}.items():
        connection.register("given", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    same = " AND ".join(f"r.{name} = l.{name}" for name in PERSON)
    query = "SELECT * FROM rows"
    for analyte in tables:
        join = f"ASOF LEFT JOIN of_{analyte} l ON {same} AND r.months >= l.months"
        query = f"SELECT r.*, l.* EXCLUDE ({', '.join(JOINED)})\nFROM ({query}) r {join}"
    for layer in engine.layers:
        query = "SELECT *, " + ", ".join(f'{text} AS "{name}"' for name, text in layer.items()) + f"\nFROM ({query})"
    named = ", ".join(f'{node.raw} AS "{name}"' for name, node in outputs.items())
    return lambda: connection.sql(f"SELECT row, {named}\nFROM ({query})").to_arrow_table()


def pandas_by_hand(rows: pa.Table, kernel: Kernel, knowledge: Knowledge) -> Run:
    """Return the plan for pandas: `merge_asof` for each analyte, a Series for each column."""
    engine, tables = PandasSeries(), _tables(kernel, rows.column_names)
    outputs = _write(rows.column_names, kernel, knowledge, engine, tables)
    numbers = dict.fromkeys(result_names(rows, knowledge), "Float64")
    frame = rows.to_pandas().astype({**numbers, **dict.fromkeys(finding_names(rows, knowledge), "Int8")})
    limits = []
    for table in tables.values():
        own = table.to_pandas().sort_values("months")
        limits.append(own.astype(dict.fromkeys(set(own.columns) - set(JOINED), "Float64")))

    def run() -> pa.Table:
        joined = frame.sort_values("months")
        for own in limits:
            joined = pd.merge_asof(joined, own, on="months", by=PERSON)
        engine.frame = joined
        known: dict[Lazy, Any] = {}
        columns = {"row": joined["row"], **{name: node.get(known) for name, node in outputs.items()}}
        return pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False)

    return run
