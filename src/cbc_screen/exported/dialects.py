"""What databases write differently."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class Dialect(StrEnum):
    """The databases that statements are written for."""

    DUCKDB = "duckdb"
    POSTGRESQL = "postgresql"
    SPARK = "spark"


@dataclass(frozen=True)
class DialectWords:
    """How one database writes types, names, numbers and what keeps parts of a statement apart."""

    number_type: str
    text_type: str
    quote: str
    number: str  # of a literal
    row_number: str
    apart: str  # at the end of a part: it is worked out once, and not written into what reads it

    def literal(self, value: float) -> str:
        """Write a number so that it is the same number in the database."""
        if value in (inf, -inf):
            return f"CAST('{'-' if value < 0 else ''}Infinity' AS {self.number_type})"
        text = repr(value)
        if self.number.endswith("e0") and "e" in text:
            return text
        written = self.number.format(text)
        return written if value >= 0 else f"({written})"

    def select(self, columns: Iterable[tuple[str, str]], origin: str, *, distinct: bool = False) -> str:
        """Write a part that selects expressions, each under a name."""
        listed = ",\n  ".join(own if own == name else f"{own} AS {name}" for name, own in columns)
        return f"SELECT{' DISTINCT' if distinct else ''}\n  {listed}\nFROM {origin}{self.apart}"

    def as_number(self, column: str) -> str:
        """Read a number through its text: a column of single precision means what it shows. NaN is NULL."""
        read = f"CAST(CAST({column} AS {self.text_type}) AS {self.number_type})"
        return f"NULLIF({read}, CAST('NaN' AS {self.number_type}))"

    def as_text(self, column: str) -> str:
        """Read a text; an empty one is NULL."""
        return f"NULLIF(TRIM(CAST({column} AS {self.text_type})), '')"

    @property
    def absent(self) -> str:
        """The absent number."""
        return f"CAST(NULL AS {self.number_type})"

    def identifier(self, name: str) -> str:
        """Write a name: plain ones as they are, so that the database folds them as it does elsewhere."""
        if _PLAIN.fullmatch(name):
            return name
        if len(name) > 2 and name[0] == name[-1] == self.quote and self.quote not in name[1:-1]:
            return name
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def table(self, name: str) -> str:
        """Write the name of a table, with its schema where it has one."""
        return ".".join(self.identifier(part) for part in _parts(name, self.quote))


def quoted(text: str) -> str:
    """Write a text.

    >>> quoted("ward's")
    "'ward''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def _parts(name: str, quote: str) -> list[str]:
    """Split a name at its points, but not within quotes."""
    parts, own, quoted = [], "", False
    for character in name:
        quoted ^= character == quote
        if character == "." and not quoted:
            parts.append(own)
            own = ""
        else:
            own += character
    return [*parts, own]


DIALECTS = {
    Dialect.DUCKDB: DialectWords("DOUBLE", "VARCHAR", '"', "{0}e0", "ROW_NUMBER() OVER ()", ""),
    Dialect.POSTGRESQL: DialectWords(
        "DOUBLE PRECISION", "TEXT", '"', "float8 '{0}'", "ROW_NUMBER() OVER ()", "\nOFFSET 0"
    ),
    Dialect.SPARK: DialectWords("DOUBLE", "STRING", "`", "{0}D", "MONOTONICALLY_INCREASING_ID()", ""),
}
