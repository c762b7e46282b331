"""Strict readers: unknown keys, duplicate keys and wrong types name file, line and key."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from cbc_screen.errors import KnowledgeError

Word = TypeVar("Word", bound=StrEnum)


class YamlNode(dict[str, Any]):
    """A YAML mapping that remembers its file and the line of every key."""

    file: str = ""
    lines: dict[str, int]

    def line(self, key: str = "") -> int | None:
        """Line of `key`, or of the mapping itself."""
        return self.lines.get(key, self.lines.get(""))

    def error(self, key: str, problem: str) -> KnowledgeError:
        """Make the error for one key of this mapping."""
        return KnowledgeError(self.file, self.line(key), key, problem)

    def check_keys(self, required: Sequence[str], optional: Sequence[str] = ()) -> None:
        """Refuse a missing or an unknown key."""
        for key in required:
            if key not in self:
                raise self.error(key, "is required")
        for key in self:
            if key not in required and key not in optional:
                raise self.error(key, f"is not a known key here; known: {', '.join([*required, *optional])}")

    def text(self, key: str) -> str:
        """Return a non-empty text value."""
        value = self.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, "must be a text")
        return value

    def number(self, key: str) -> float:
        """Return a finite number."""
        value = self.get(key)
        number = math.nan
        if isinstance(value, int | float) and not isinstance(value, bool):
            with suppress(OverflowError):
                number = float(value)
        if not math.isfinite(number):
            raise self.error(key, "must be a finite number")
        return number

    def whole(self, key: str) -> int:
        """Return a whole number."""
        value = self.number(key)
        if value != int(value):
            raise self.error(key, "must be a whole number")
        return int(value)

    def flag(self, key: str) -> bool:
        """Return true or false (false when the key is absent)."""
        value = self.get(key, False)
        if not isinstance(value, bool):
            raise self.error(key, "must be true or false")
        return value

    def choice(self, key: str, words: type[Word]) -> Word:
        """Return a member of a closed list of words."""
        try:
            return words(self.text(key))
        except ValueError:
            raise self.error(key, f"must be one of {', '.join(words)}") from None

    def node(self, key: str) -> YamlNode:
        """Return a mapping value."""
        value = self.get(key)
        if not isinstance(value, YamlNode):
            raise self.error(key, "must be a mapping")
        return value

    def nodes(self, key: str) -> list[YamlNode]:
        """Return a list of mappings (empty when the key is absent)."""
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, YamlNode) for item in value):
            raise self.error(key, "must be a list of mappings")
        return list(value)

    def texts(self, key: str) -> list[str]:
        """Return a list of texts (empty when the key is absent)."""
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.error(key, "must be a list of texts")
        return list(value)


@dataclass(frozen=True, slots=True)
class Row:
    """One CSV row that remembers its file and line."""

    file: str
    line: int
    cells: Mapping[str, str]

    def error(self, key: str, problem: str) -> KnowledgeError:
        """Make the error for one cell of this row."""
        return KnowledgeError(self.file, self.line, key, problem)

    def text(self, key: str) -> str:
        """Return a cell that must not be empty."""
        value = self.cells[key].strip()
        if not value:
            raise self.error(key, "must not be empty")
        return value

    def number(self, key: str) -> float | None:
        """Return a number, or None for an empty cell."""
        value = self.cells[key].strip()
        if not value:
            return None
        try:
            number = float(value)
        except ValueError:
            raise self.error(key, "is not a number") from None
        if number != number or number in (float("inf"), float("-inf")):
            raise self.error(key, "is not a finite number")
        return number

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """Return a cell that must be one of `allowed`."""
        value = self.cells[key].strip()
        if value not in allowed:
            raise self.error(key, f"must be one of {', '.join(a or '(empty)' for a in allowed)}")
        return value


def parse_csv(text: str, file: str, columns: Sequence[str]) -> Iterator[Row]:
    """Parse a CSV file with exactly these columns."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        header = next(reader, [])
        if header != list(columns):
            wrong = [c for c in [*header, *columns] if (c in header) != (c in columns)]
            detail = f"wrong or missing: {', '.join(wrong)}" if wrong else "the order differs"
            raise KnowledgeError(file, 1, "header", f"columns must be {', '.join(columns)} ({detail})")
        for cells in reader:
            if len(cells) != len(columns):
                raise KnowledgeError(file, reader.line_num, "row", f"has {len(cells)} cells, expected {len(columns)}")
            yield Row(file, reader.line_num, dict(zip(columns, cells, strict=True)))
    except csv.Error:
        raise KnowledgeError(file, reader.line_num, "csv", "cannot be parsed") from None
