"""Rows that say what became of each row of a source: the columns carried, the flags, or why there are none.

For frames that others filter (of Spark, of polars): a rejected row is a row too, and none disappears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from cbc_screen.arrays import from_texts
from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.vocabulary import NOTICE

if TYPE_CHECKING:
    import pyarrow as pa

OUTCOME, REASON, CONTENT, NOTICED = "outcome", "rejected_reason", "rejected_content", "notice"


class RowOutcome(StrEnum):
    """What a row of the output is."""

    SCREENED = "screened"
    REJECTED = "rejected"  # a row of the input that could not be screened
    SET_ASIDE = "set_aside"  # a single result that belongs to no count
    ACCOUNT = "account"  # what became of every row of one partition


def schema_of(
    kept: pa.Schema, flags: pa.Schema, wanted: Sequence[str] | None = None, beside: Sequence[str] = (REASON, CONTENT)
) -> pa.Schema:
    """Return the columns of the output; words are plain texts, so that every partition has the same types.

    Of the flags those that are `wanted`, or all; the notice always. `beside` are texts that stand behind them.
    """
    import pyarrow as pa

    if wanted is not None:
        for name in wanted:
            if name not in flags.names:
                raise UsageError(f"flags: {name!r} is no column of flags{did_you_mean(name, flags.names)}")
        flags = pa.schema([field for field in flags if field.name in (*wanted, NOTICED)])
    fields = [pa.field(OUTCOME, pa.string(), nullable=False), *(field.with_nullable(True) for field in kept)]
    fields += [pa.field(field.name, plain_type(field.type)) for field in flags]
    fields += [pa.field(name, pa.string()) for name in beside]
    names = [field.name for field in fields]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"keep: {twice!r} is the name of a column of the output; rename it in the source")
    return pa.schema(fields)


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the words of a dictionary, or the type itself."""
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def screened_rows(schema: pa.Schema, table: pa.Table) -> pa.Table:
    """Return counts with their flags as rows of the output."""
    return rows_as(schema, RowOutcome.SCREENED, {name: table.column(name) for name in table.column_names}, len(table))


def rejected_rows(
    schema: pa.Schema, outcome: RowOutcome, rows: Sequence[RejectedRow], kept: Mapping[str, pa.Array] | None = None
) -> pa.Table:
    """Return what could not be screened as rows of the output, with what is kept of them."""
    beside = {
        REASON: from_texts([row.reason.value for row in rows]),
        CONTENT: from_texts([row.content for row in rows]),
    }
    return rows_as(schema, outcome, {**(kept or {}), **beside}, len(rows))


def rows_as(schema: pa.Schema, outcome: RowOutcome, columns: Mapping[str, Any], rows: int) -> pa.Table:
    """Return rows of one outcome; a column that they do not have is null."""
    import pyarrow as pa

    own = {OUTCOME: pa.repeat(outcome.value, rows), NOTICED: pa.repeat(NOTICE, rows), **columns}
    arrays = [own[field.name].cast(field.type) if field.name in own else pa.nulls(rows, field.type) for field in schema]
    return pa.Table.from_arrays(arrays, schema=schema)
