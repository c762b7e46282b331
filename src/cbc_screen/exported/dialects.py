"""What databases write differently."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from cbc_screen.printable import clean_line

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# A text in a column of numbers never becomes NULL, which would say that nothing was sent. Databases differ in what
# else they make of one ("5d", "1_0", "0x10"), so what is a number is said here.
_NUMBER = "(?i)^ *([+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?|[+-]?inf(inity)?|nan) *$"
_NO_NUMBER = (
    "cbc-screen: column {} holds a text that is no number: make it NULL; "
    "of a result that was sent, say so by a comparator such as unreadable"
)
_TRUE, _FALSE = ("true", "t", "yes", "y", "1", "1.0"), ("false", "f", "no", "n", "0", "0.0")
_NO_TRUTH = "cbc-screen: column {} holds what is neither true nor false: make it NULL"


class Dialect(StrEnum):
    """The databases that statements are written for."""

    DUCKDB = "duckdb"
    POSTGRESQL = "postgresql"
    SPARK = "spark"


@dataclass(frozen=True)
class DialectWords:
    """How one database writes types, names, texts, numbers and what keeps parts of a statement apart."""

    number_type: str
    text_type: str
    quote: str
    escapes: Mapping[str, str]  # in a text
    number: str  # of a literal
    row_number: str
    apart: str  # at the end of a part: it is worked out once, and not written into what reads it
    matches: str  # whether a text fits a pattern
    stop: str  # ends the statement with a message that does not hold the cell

    def literal(self, value: float) -> str:
        """Write a number so that it is the same number in the database."""
        if value in (inf, -inf):
            return f"CAST('{'-' if value < 0 else ''}Infinity' AS {self.number_type})"
        text = repr(value)
        if self.number.endswith("e0") and "e" in text:
            return text
        written = self.number.format(text)
        return written if value >= 0 else f"({written})"

    def text(self, value: str) -> str:
        r"""Write a text.

        >>> print(DIALECTS[Dialect.DUCKDB].text("ward's"), DIALECTS[Dialect.SPARK].text("ward's"))
        'ward''s' 'ward\'s'
        """
        return "'" + "".join(self.escapes.get(letter, letter) for letter in value) + "'"

    def texts(self, values: Iterable[str]) -> str:
        """Write a list of texts."""
        return ", ".join(map(self.text, values))

    def select(self, columns: Iterable[tuple[str, str]], origin: str, *, distinct: bool = False) -> str:
        """Write a part that selects expressions, each under a name."""
        listed = ",\n  ".join(own if own == name else f"{own} AS {name}" for name, own in columns)
        return f"SELECT{' DISTINCT' if distinct else ''}\n  {listed}\nFROM {origin}{self.apart}"

    def as_number(self, column: str) -> str:
        """Read a number through its text: a column of single precision means what it shows. NaN is NULL."""
        text = f"CAST({column} AS {self.text_type})"
        fits = self.matches.format(text=text, pattern=self.text(_NUMBER))
        cases = f"WHEN {fits} THEN CAST({text} AS {self.number_type})"
        read = f"CASE {cases} {self._else(column, text, _NO_NUMBER, self.number_type)} END"
        return f"NULLIF({read}, CAST('NaN' AS {self.number_type}))"

    def as_truth(self, column: str) -> str:
        """Read true or false, NULL where there is neither; another code is not guessed."""
        text = self.as_word(column)
        cases = f"WHEN {text} IN ({self.texts(_TRUE)}) THEN TRUE WHEN {text} IN ({self.texts(_FALSE)}) THEN FALSE"
        return f"CASE {cases} WHEN {text} = 'nan' THEN NULL {self._else(column, text, _NO_TRUTH, 'BOOLEAN')} END"

    def _else(self, column: str, text: str, message: str, kind: str) -> str:
        said = message.format(clean_line(self.unquoted(column)))
        stop = self.stop.format(text=text, message=self.text(said), kind=kind)
        return f"WHEN {text} IS NOT NULL THEN {stop}"

    def as_text(self, column: str) -> str:
        """Read a text; an empty one is NULL."""
        return f"NULLIF(TRIM(CAST({column} AS {self.text_type})), '')"

    def as_word(self, column: str) -> str:
        """Read a word in lower case; an empty one is NULL."""
        return f"LOWER({self.as_text(column)})"

    @property
    def absent(self) -> str:
        """The absent number."""
        return f"CAST(NULL AS {self.number_type})"

    def identifier(self, name: str) -> str:
        """Write a name: plain ones as they are, so that the database folds them as it does elsewhere."""
        if _PLAIN.fullmatch(name) or self._is_quoted(name):
            return name
        return self.quote + name.replace(self.quote, self.quote * 2) + self.quote

    def unquoted(self, name: str) -> str:
        """Return a name without the quotes that it was given in."""
        return name[1:-1].replace(self.quote * 2, self.quote) if self._is_quoted(name) else name

    def _is_quoted(self, name: str) -> bool:
        inside = name[1:-1].replace(self.quote * 2, "")
        return len(name) > 1 and name[0] == name[-1] == self.quote and self.quote not in inside

    def table(self, name: str) -> str:
        """Write the name of a table, with its schema where it has one."""
        return ".".join(self.identifier(part) for part in self.parts(name))

    def parts(self, name: str) -> list[str]:
        """Split a name at its points, but not within quotes, which open a part."""
        parts, own, inside = [], "", False
        for character in name:
            inside ^= character == self.quote and own[:1] in ("", self.quote)
            if character == "." and not inside:
                parts.append(own)
                own = ""
            else:
                own += character
        return [*parts, own]


_STANDARD = {"'": "''"}
DIALECTS = {
    Dialect.DUCKDB: DialectWords(
        number_type="DOUBLE",
        text_type="VARCHAR",
        quote='"',
        escapes=_STANDARD,
        number="{0}e0",
        row_number="ROW_NUMBER() OVER ()",
        apart="",
        matches="regexp_matches({text}, {pattern})",
        stop="error({message})",
    ),
    Dialect.POSTGRESQL: DialectWords(
        number_type="DOUBLE PRECISION",
        text_type="TEXT",
        quote='"',
        escapes=_STANDARD,
        number="float8 '{0}'",
        row_number="ROW_NUMBER() OVER ()",
        apart="\nOFFSET 0",
        matches="({text} ~ {pattern})",
        # It has nothing that stops; a text with no letter of the cell is worked out row by row, and is no number.
        stop="CAST(CONCAT({message}, LEFT({text}, 0)) AS {kind})",
    ),
    Dialect.SPARK: DialectWords(
        number_type="DOUBLE",
        text_type="STRING",
        quote="`",
        escapes={"'": r"\'", "\\": r"\\"},
        number="{0}D",
        row_number="MONOTONICALLY_INCREASING_ID()",
        apart="",
        matches="({text} RLIKE {pattern})",
        stop="raise_error({message})",
    ),
}
