"""The rules of the screen as plans for polars, DuckDB and pandas, to compare the kernel with (one file: one body of rules).

The body of each plan is rulebook.py; here is how each engine says its primitives, how it
finds the limits (a join on an integer key, or as of an age), and how it is run. Results
that are used again are named, and named results become layers: columns added to a lazy
frame, or nested SELECTs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from rows import JOINED, PEOPLE, STAGES, band_limits, key_limits
from rulebook import Flags, Nulls, Number, Pairs, RuleBook

from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge

SLICE = 131_072  # rows of a pandas plan at a time: smaller arrays stay nearer
Run = Callable[[], pa.Table]
Limits = Mapping[str, Any]


@dataclass(frozen=True)
class Node:
    """An expression of a layered engine, and the layer whose names it uses."""

    raw: Any
    layer: int = 0


@dataclass
class Layered:
    """What polars and SQL share: named results, in layers."""

    layers: list[dict[str, Any]] = field(default_factory=list)
    _names: int = 0

    def define(self, node: Node) -> Node:
        while len(self.layers) <= node.layer:
            self.layers.append({})
        name = f"d{self._names}"
        self._names += 1
        self.layers[node.layer][name] = node.raw
        return Node(self._reference(name), node.layer + 1)

    def column(self, name: str) -> Node:
        return Node(self._reference(name))

    def _reference(self, name: str) -> Any:
        raise NotImplementedError

    @staticmethod
    def _join(raw: Any, *nodes: Node) -> Node:
        return Node(raw, max(node.layer for node in nodes))


class Polars(Layered):
    """Expressions of polars."""

    def __init__(self) -> None:
        super().__init__()
        import polars as pl

        self.pl = pl
        self._signs: dict[str, Callable[[Any, Any], Any]] = {
            "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
            "==": lambda a, b: a == b, "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
            "/": lambda a, b: a / b,
        }  # fmt: skip

    def _reference(self, name: str) -> Any:
        return self.pl.col(name)

    def number(self, value: float) -> Node:
        return Node(self.pl.lit(value))

    def code(self, value: int) -> Node:
        return Node(self.pl.lit(int(value), dtype=self.pl.Int8))

    def wide_code(self, value: int) -> Node:
        return Node(self.pl.lit(value, dtype=self.pl.Int16))

    def wide(self, a: Node) -> Node:
        return self._join(a.raw.cast(self.pl.Int16), a)

    def flag(self, value: bool | None) -> Node:
        return Node(self.pl.lit(value, dtype=self.pl.Boolean))

    def compare(self, sign: str, a: Node, b: Node) -> Node:
        return self._join(self._signs[sign](a.raw, b.raw), a, b)

    def opposite_compare(self, compared: Node, sign: str, a: Node, b: Node) -> Node:
        return self.surely(self.negate(compared))

    def surely(self, flag: Node) -> Node:
        return self._join(flag.raw.fill_null(False), flag)

    def arithmetic(self, sign: str, a: Node, b: Node) -> Node:
        if sign == "/" and b.raw.meta.is_literal():
            # polars multiplies by the reciprocal of a constant: 513 / 10 is then more than 51.3.
            b = self._join(a.raw * 0.0 + b.raw, a)
        return self.compare(sign, a, b)

    def absolute(self, a: Node) -> Node:
        return self._join(a.raw.abs(), a)

    def present(self, a: Node) -> Node:
        return self._join(a.raw.is_not_null(), a)

    def coalesce(self, a: Node, b: Node) -> Node:
        return self._join(self.pl.coalesce(a.raw, b.raw), a, b)

    def both(self, a: Node, b: Node) -> Node:
        return self._join(a.raw & b.raw, a, b)

    def either(self, a: Node, b: Node) -> Node:
        return self._join(a.raw | b.raw, a, b)

    def negate(self, a: Node) -> Node:
        return self._join(~a.raw, a)

    def count(self, flags: Sequence[Node]) -> Node:
        total = flags[0].raw.cast(self.pl.Int8)
        for flag in flags[1:]:
            total = total + flag.raw.cast(self.pl.Int8)
        return self._join(total, *flags)

    def pick(self, condition: Node, a: Node, b: Node) -> Node:
        return self._join(self.pl.when(condition.raw).then(a.raw).otherwise(b.raw), condition, a, b)

    def larger(self, a: Node, b: Node) -> Node:
        return self.pick(self.compare(">", a, b), a, b)


class Sql(Layered):
    """Texts of SQL, as DuckDB reads it."""

    def _reference(self, name: str) -> str:
        return f'"{name}"'

    def number(self, value: float) -> Node:
        return Node(f"'{value!r}'::DOUBLE")

    def code(self, value: int) -> Node:
        return Node(f"{int(value)}::TINYINT")

    def wide_code(self, value: int) -> Node:
        return Node(f"{value}::SMALLINT")

    def wide(self, a: Node) -> Node:
        return self._join(f"({a.raw})::SMALLINT", a)

    def flag(self, value: bool | None) -> Node:
        return Node(f"{'NULL' if value is None else value}::BOOLEAN")

    def compare(self, sign: str, a: Node, b: Node) -> Node:
        return self._join(f"({a.raw} {'=' if sign == '==' else sign} {b.raw})", a, b)

    def opposite_compare(self, compared: Node, sign: str, a: Node, b: Node) -> Node:
        return self.surely(self.negate(compared))

    def surely(self, flag: Node) -> Node:
        return self._join(f"coalesce({flag.raw}, false)", flag)

    def arithmetic(self, sign: str, a: Node, b: Node) -> Node:
        return self._join(f"({a.raw} {sign} {b.raw})", a, b)

    def absolute(self, a: Node) -> Node:
        return self._join(f"abs({a.raw})", a)

    def present(self, a: Node) -> Node:
        return self._join(f"({a.raw} IS NOT NULL)", a)

    def coalesce(self, a: Node, b: Node) -> Node:
        return self._join(f"coalesce({a.raw}, {b.raw})", a, b)

    def both(self, a: Node, b: Node) -> Node:
        return self._join(f"({a.raw} AND {b.raw})", a, b)

    def either(self, a: Node, b: Node) -> Node:
        return self._join(f"({a.raw} OR {b.raw})", a, b)

    def negate(self, a: Node) -> Node:
        return self._join(f"(NOT {a.raw})", a)

    def count(self, flags: Sequence[Node]) -> Node:
        return self._join("(" + " + ".join(f"{flag.raw}::TINYINT" for flag in flags) + ")", *flags)

    def pick(self, condition: Node, a: Node, b: Node) -> Node:
        return self._join(f"(CASE WHEN {condition.raw} THEN {a.raw} ELSE {b.raw} END)", condition, a, b)

    def larger(self, a: Node, b: Node) -> Node:
        return self._join(f"greatest({a.raw}, {b.raw})", a, b)


class Lazy:
    """A column of a frame that is worked out when it is asked for, once."""

    def __init__(self, work: Callable[..., Any], *needs: Lazy) -> None:
        self._work, self._needs = work, needs

    def get(self, known: dict[Lazy, Any]) -> Any:
        """Work it out, or return what is known."""
        if self not in known:
            known[self] = self._work(*(need.get(known) for need in self._needs))
        return known[self]


class Pandas:
    """Arrays of a pandas frame; NaN is an absent number, and every comparison with it is false."""

    def __init__(self) -> None:
        self.frame: pd.DataFrame | None = None
        self._columns: dict[str, Lazy] = {}

    def define(self, expr: Lazy) -> Lazy:
        return expr

    def column(self, name: str) -> Lazy:
        if name not in self._columns:
            self._columns[name] = Lazy(lambda: self.frame[name].to_numpy())
        return self._columns[name]

    def number(self, value: float) -> Lazy:
        return Lazy(lambda: value)

    def code(self, value: int) -> Lazy:
        return Lazy(lambda: np.int8(value))

    def wide_code(self, value: int) -> Lazy:
        return Lazy(lambda: np.int16(value))

    def wide(self, a: Lazy) -> Lazy:
        return Lazy(lambda x: x.astype(np.int16), a)

    def flag(self, value: bool | None) -> Lazy:
        return Lazy(lambda: np.bool_(value))

    _SIGNS: Mapping[str, Any] = {
        "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal, "==": np.equal,
        "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide,
    }  # fmt: skip
    _OPPOSITE: Mapping[str, str] = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "==": "!="}

    def compare(self, sign: str, a: Lazy, b: Lazy) -> Lazy:
        return Lazy(self._SIGNS[sign], a, b)

    arithmetic = compare

    def opposite_compare(self, compared: Lazy, sign: str, a: Lazy, b: Lazy) -> Lazy:
        if sign == "==":  # a finding: 1, 0 or NaN
            return Lazy(lambda x: x == 0, a)
        return self.compare(self._OPPOSITE[sign], a, b)

    def surely(self, flag: Lazy) -> Lazy:
        return flag

    def absolute(self, a: Lazy) -> Lazy:
        return Lazy(np.abs, a)

    def present(self, a: Lazy) -> Lazy:
        return Lazy(lambda x: x == x, a)

    def coalesce(self, a: Lazy, b: Lazy) -> Lazy:
        return Lazy(lambda x, y: np.where(x == x, x, y), a, b)

    def both(self, a: Lazy, b: Lazy) -> Lazy:
        return Lazy(np.logical_and, a, b)

    def either(self, a: Lazy, b: Lazy) -> Lazy:
        return Lazy(np.logical_or, a, b)

    def negate(self, a: Lazy) -> Lazy:
        return Lazy(np.logical_not, a)

    def count(self, flags: Sequence[Lazy]) -> Lazy:
        def total(first: Any, *others: Any) -> Any:
            result = first.astype(np.int8)
            for other in others:
                result += other.view(np.int8)
            return result

        return Lazy(total, *flags)

    def pick(self, condition: Lazy, a: Lazy, b: Lazy) -> Lazy:
        return Lazy(np.where, condition, a, b)

    def larger(self, a: Lazy, b: Lazy) -> Lazy:
        return Lazy(np.maximum, a, b)


# Plans -----------------------------------------------------------------------------------


def _limit_numbers(engine: Any, limits: Limits) -> dict[str, Number]:
    """Return each limit: absent, one number for everybody, or a column of the joined table."""
    found: dict[str, Number] = {}
    for name, column in limits.items():
        there = ~np.isnan(column)
        if name in (*PEOPLE, "key") or not there.any():
            continue
        if there.all() and (column == column[0]).all():
            found[name] = Number(float(column[0]), True)
        elif there.all():
            found[name] = Number(engine.column(name), True)
        else:
            expr = engine.column(name)
            found[name] = Number(expr, engine.define(engine.present(expr)))
    return found


def _write(
    kernel: Kernel, knowledge: Knowledge, names: Sequence[str], engine: Any, logic: Any, limits: Limits
) -> dict[str, Any]:
    numbers = _limit_numbers(engine, limits)
    given = frozenset(name for name in names if name in knowledge.analytes)
    findings = frozenset(name for name in names if name in knowledge.findings)
    return RuleBook(kernel, engine, logic(Flags(engine)), given, findings, numbers).write()


def _joined_columns(limits: Limits) -> list[str]:
    """Return the limits that differ between people, which alone are joined."""
    return [
        n for n, c in limits.items() if n not in (*PEOPLE, "key") and not np.isnan(c).all() and not (c == c[0]).all()
    ]


def limit_table(limits: Limits, keys: Sequence[str]) -> pa.Table:
    names = [*keys, *_joined_columns(limits)]
    return pa.table({name: pa.array(limits[name], from_pandas=True) for name in names})


def polars_lazy(
    source: Any, names: Sequence[str], kernel: Kernel, knowledge: Knowledge, *, asof: bool = False, pairs: bool = False
) -> Any:
    """Return a polars LazyFrame with `row` and every output, from one with rows as rows.py makes them."""
    import polars as pl

    engine = Polars()
    limits = band_limits(kernel) if asof else key_limits(kernel)
    outputs = _write(kernel, knowledge, names, engine, Pairs if pairs else Nulls, limits)
    if asof:
        table = pl.from_arrow(limit_table(limits, JOINED)).lazy().sort("months")
        frame = source.sort("months").join_asof(table, on="months", by=["male", "stage"], check_sortedness=False)
    else:
        table = pl.from_arrow(limit_table(limits, ("key",))).lazy()
        last = int(limits["months"].max())
        person = pl.min_horizontal("months", pl.lit(last, dtype=pl.Int32)) * 2 + pl.col("male").cast(pl.Int32)
        key = person * len(STAGES) + pl.col("stage").cast(pl.Int32)
        frame = source.with_columns(key=key).join(table, on="key", how="left", maintain_order="left")
    for layer in engine.layers:
        frame = frame.with_columns(**layer)
    return frame.select("row", **{name: node.raw for name, node in outputs.items()})


def polars_plan(
    rows: pa.Table,
    kernel: Kernel,
    knowledge: Knowledge,
    *,
    asof: bool = False,
    pairs: bool = False,
    stream: bool = True,
) -> Run:
    """Return the polars plan over rows in memory."""
    import polars as pl

    source = pl.from_arrow(rows).lazy()
    lazy = polars_lazy(source, rows.column_names, kernel, knowledge, asof=asof, pairs=pairs)
    return lambda: lazy.collect(engine="streaming" if stream else "in-memory").to_arrow()


def duckdb_query(
    names: Sequence[str], kernel: Kernel, knowledge: Knowledge, *, asof: bool, pairs: bool
) -> tuple[str, pa.Table]:
    """Return the SQL over a table `rows`, and the table `limits` that it joins."""
    engine = Sql()
    limits = band_limits(kernel) if asof else key_limits(kernel)
    outputs = _write(kernel, knowledge, names, engine, Pairs if pairs else Nulls, limits)
    wanted = "".join(f', l."{name}"' for name in _joined_columns(limits))
    if asof:
        table = limit_table(limits, JOINED)
        join = "ASOF LEFT JOIN limits l ON r.male = l.male AND r.stage = l.stage AND r.months >= l.months"
    else:
        table = limit_table(limits, ("key",))
        person = f"(least(r.months, {int(limits['months'].max())}) * 2 + r.male)"
        join = f"LEFT JOIN limits l ON {person} * {len(STAGES)} + r.stage = l.key"
    query = f"SELECT r.*{wanted} FROM rows r {join}"
    for layer in engine.layers:
        query = "SELECT *, " + ", ".join(f'{text} AS "{name}"' for name, text in layer.items()) + f"\nFROM ({query})"
    named = ", ".join(f'{node.raw} AS "{name}"' for name, node in outputs.items())
    return f"SELECT row, {named}\nFROM ({query})", table


def duckdb_plan(
    rows: pa.Table,
    kernel: Kernel,
    knowledge: Knowledge,
    *,
    asof: bool = False,
    pairs: bool = False,
    threads: int | None = None,
) -> Run:
    """Return the DuckDB plan over rows in memory, in a table of DuckDB's own."""
    import duckdb

    connection = duckdb.connect()
    if threads is not None:
        connection.execute(f"SET threads = {threads}")
    query, limits = duckdb_query(rows.column_names, kernel, knowledge, asof=asof, pairs=pairs)
    for name, table in (("rows", rows), ("limits", limits)):
        connection.register("given", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given")
    return lambda: connection.sql(query).to_arrow_table()


def pandas_plan(rows: pa.Table, kernel: Kernel, knowledge: Knowledge) -> Run:
    """Return the pandas plan: merge_asof by age and sex, then arrays."""
    engine, limits = Pandas(), band_limits(kernel)
    outputs = _write(kernel, knowledge, rows.column_names, engine, Pairs, limits)
    frame = rows.to_pandas()
    table = limit_table(limits, JOINED).to_pandas().sort_values("months")

    def run() -> pa.Table:
        joined = pd.merge_asof(frame.sort_values("months"), table, on="months", by=["male", "stage"])
        return pa.concat_tables([_screen(joined.iloc[start : start + SLICE]) for start in range(0, len(joined), SLICE)])

    def _screen(part: pd.DataFrame) -> pa.Table:
        engine.frame = part
        known: dict[Lazy, Any] = {}
        columns = {name: np.broadcast_to(node.get(known), len(part)) for name, node in outputs.items()}
        return pa.table({"row": part["row"].to_numpy(), **columns})

    return run
