"""The table of facts: the name of each, its kind, and how the facts of several keys become one.

A person of unknown age, sex or stage of pregnancy has several keys. A fact is worked out under each of them, and
joined here and nowhere else. There are three kinds:

- a truth has two columns, whether it surely holds and whether it surely does not; each must be so under every key;
- codes in order (a grade, a number of lines) have two columns, the least and the most of all keys;
- a mark says how an answer was reached, and is there if it is so under some key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from cbc_screen.kernel.program import Builder, Op, Truth

UNCOVERED = "preterm"  # the mark of a newborn whom no range is for


class Join(StrEnum):
    """How the columns of several keys become one."""

    EVERY = "every"
    SOME = "some"
    LEAST = "least"
    MOST = "most"

    @property
    def is_of_codes(self) -> bool:
        """Whether what is joined are codes, and not booleans."""
        return self in (Join.LEAST, Join.MOST)


_YES, _NO, _LEAST, _MOST, _MARK = ".yes", ".no", ".min", ".max", ".any"
_JOINS = {_YES: Join.EVERY, _NO: Join.EVERY, _LEAST: Join.LEAST, _MOST: Join.MOST, _MARK: Join.SOME}


def yes(fact: str) -> str:
    """Return the column that says that a truth surely holds."""
    return fact + _YES


def no(fact: str) -> str:
    """Return the column that says that a truth surely does not hold."""
    return fact + _NO


def least(fact: str) -> str:
    """Return the column of the least code."""
    return fact + _LEAST


def most(fact: str) -> str:
    """Return the column of the greatest code."""
    return fact + _MOST


def mark(fact: str) -> str:
    """Return the column of a mark."""
    return fact + _MARK


def join_of(column: str) -> Join:
    """Return how a column is joined; one that is no fact's is of every key."""
    return _JOINS.get(column[column.rfind(".") :], Join.EVERY)


class Facts:
    """Facts by name; what each column holds is a step of a program."""

    def __init__(self, columns: Mapping[str, int] | None = None) -> None:
        self._columns = dict(columns or {})

    @classmethod
    def coming_in(cls, builder: Builder, columns: Iterable[str]) -> Facts:
        """Return joined facts as what comes into a program."""
        return cls(
            {
                column: builder.step(Op.CODE_INPUT if join_of(column).is_of_codes else Op.FLAG, value=column)
                for column in columns
            }
        )

    @property
    def columns(self) -> Mapping[str, int]:
        """The steps by the name of their column."""
        return self._columns

    def put_truth(self, fact: str, truth: Truth) -> None:
        """Write a truth."""
        self._columns[yes(fact)], self._columns[no(fact)] = truth.yes, truth.no

    def put_codes(self, fact: str, low: int, high: int) -> None:
        """Write the least and the greatest code."""
        self._columns[least(fact)], self._columns[most(fact)] = low, high

    def put_mark(self, fact: str, node: int) -> None:
        """Write a mark."""
        self._columns[mark(fact)] = node

    def truth(self, fact: str) -> Truth:
        """Return a truth."""
        return Truth(self.yes(fact), self.no(fact))

    def codes(self, fact: str) -> tuple[int, int]:
        """Return the least and the greatest code."""
        return self._columns[least(fact)], self._columns[most(fact)]

    def yes(self, fact: str) -> int:
        """Return whether a truth surely holds."""
        return self._columns[yes(fact)]

    def no(self, fact: str) -> int:
        """Return whether a truth surely does not hold."""
        return self._columns[no(fact)]

    def mark(self, fact: str) -> int:
        """Return a mark."""
        return self._columns[mark(fact)]

    def other(self, column: str) -> int:
        """Return what comes in beside the facts, under its own name."""
        return self._columns[column]

    def has_truth(self, fact: str) -> bool:
        """Tell whether there is such a truth."""
        return yes(fact) in self._columns

    def has_mark(self, fact: str) -> bool:
        """Tell whether there is such a mark."""
        return mark(fact) in self._columns

    def marks(self) -> Iterator[tuple[str, int]]:
        """Yield every mark with its step."""
        for column, node in self._columns.items():
            if column.endswith(_MARK):
                yield column.removesuffix(_MARK), node

    def of(self, groups: tuple[str, ...]) -> Facts:
        """Return the facts whose names begin with one of these."""
        return Facts({column: node for column, node in self._columns.items() if column.startswith(groups)})

    def __or__(self, other: Facts) -> Facts:
        """Return the facts of both."""
        return Facts({**self._columns, **other.columns})
