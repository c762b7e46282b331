"""Flags into a new table of a database, in the steps of a file of flags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from cbc_screen.arrays import release_unused, without_dictionaries
from cbc_screen.databases.address import Address
from cbc_screen.databases.writing import FlagTable
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

if TYPE_CHECKING:
    import pyarrow as pa


class TableWriter:
    """Writes flag tables; nobody sees them before `commit`."""

    def __init__(self, address: Address, metadata: Mapping[str, str], words: Callable[[pa.Table], pa.Table]) -> None:
        self._words = words
        self._said = (
            f"{NOTICE} cbc-screen {metadata['cbc_screen']}, data {metadata['data_version']}, schema {SCHEMA_VERSION}."
        )
        self._table = FlagTable(address)

    def write(self, table: pa.Table, share: float = 0.0) -> None:
        """Write some rows, the lists of them worded."""
        self._table.append(_plain(self._words(table)))
        release_unused()

    def note(self, metadata: Mapping[str, str]) -> None:
        """Leave out what a Parquet file says of itself at the end: the manifest, which lies beside the table, says it."""

    def write_manifest(self, text: str) -> None:
        """Write the manifest beside the flags."""
        self._table.finish(text, self._said)

    def close(self) -> None:
        """Do nothing: every row is with the database."""

    @property
    def file(self) -> TableWriter:
        """What is given its name when all outputs are whole."""
        return self

    def finish(self) -> None:
        """Do nothing: the database makes the rows durable as it commits."""

    def commit(self) -> None:
        """Let others see the table."""
        self._table.commit()

    def discard(self) -> None:
        """Let go of the database; what was not committed is gone."""
        self._table.close()


def _plain(table: pa.Table) -> pa.Table:
    """Return columns of types that every database has: words as texts, and a column of nothing as texts."""
    import pyarrow as pa

    table = without_dictionaries(table)
    fields = [pa.field(f.name, pa.string() if pa.types.is_null(f.type) else f.type) for f in table.schema]
    return table.cast(pa.schema(fields))
