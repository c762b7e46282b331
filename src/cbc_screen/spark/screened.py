"""What Spark gives back: one frame with every row, and its parts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from cbc_screen.engines.outcomes import CONTENT, NOTICED, OUTCOME, REASON, RowOutcome
from cbc_screen.errors import CBCScreenError
from cbc_screen.spark.columns import ACCOUNT, BESIDE, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_COUNTED = ("patterns", "severities", "urgencies", "reasons", "rejects")
_RESULTS = ("read", "used", "superseded", "not_count", "duplicates")
Mode = Literal["append", "error", "errorifexists", "ignore", "overwrite"]


@dataclass(frozen=True)
class SparkAccount:
    """What became of every row of every partition.

    Attributes
    ----------
    rows_in, screened, rejected : int
        Rows, or collected counts; `rows_in == screened + rejected`.
    patterns, severities, urgencies, reasons, rejects : mapping of word to rows
    results : mapping
        Of `collect`: results read, used, superseded (duplicates among them), no part of a count, and `rejected` by reason.
    """

    rows_in: int
    screened: int
    rejected: int
    patterns: Mapping[str, int]
    severities: Mapping[str, int]
    urgencies: Mapping[str, int]
    reasons: Mapping[str, int]
    rejects: Mapping[str, int]
    results: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> SparkAccount:
        """Refuse to go on where a row or a result is not accounted for, and return the account.

        Raises
        ------
        CBCScreenError
            If rows in are not rows screened and rejected, or results read not those used, superseded, left out and rejected.
        """
        told = self.results
        results = not told or told["read"] == sum(told[name] for name in _RESULTS[1:4]) + sum(told["rejected"].values())
        if self.rows_in != self.screened + self.rejected or self.rejected != sum(self.rejects.values()) or not results:
            raise CBCScreenError("rows in are not rows screened plus rows rejected; do not use the output")
        return self


@dataclass(frozen=True)
class SparkScreened:
    """A Spark frame with every row and what became of it, and its parts. Spark works when a part is asked for.

    Each part that is asked for is worked out anew: `write` does all in one pass, or cache `everything`.

    Attributes
    ----------
    everything : pyspark.sql.DataFrame
        `outcome` ("screened", "rejected", "set_aside", "account"), the columns kept, the flags, `rejected_reason`,
        `rejected_content`, `account` and `notice`.
    kept : tuple of column names
        What is carried beside the flags.
    """

    everything: DataFrame
    kept: tuple[str, ...] = ()

    @property
    def flags(self) -> DataFrame:
        """The rows that were screened: the columns kept and the flags."""
        return self._of(RowOutcome.SCREENED).drop(OUTCOME, *BESIDE)

    @property
    def rejected(self) -> DataFrame:
        """Rows that could not be screened and results that belong to no count, with why and as they were received."""
        from pyspark.sql import functions

        some = self.everything.where(functions.col(OUTCOME).isin(RowOutcome.REJECTED.value, RowOutcome.SET_ASIDE.value))
        return some.select(OUTCOME, *(functions.col(quoted(name)) for name in self.kept), REASON, CONTENT, NOTICED)

    def account(self) -> SparkAccount:
        """Work everything out, and return what became of every row."""
        return account_of(self.everything)

    def write(self, folder: str, mode: Mode = "errorifexists") -> SparkAccount:
        """Write everything as Parquet in one pass, in folders by `outcome`, and return the account of what was written.

        Parameters
        ----------
        folder : str
            Where; any path that Spark writes to. `outcome=screened` in it has the flags.
        mode : str
            As `DataFrameWriter.mode`.

        Returns
        -------
        SparkAccount
            Read back from what was written, and checked.

        Raises
        ------
        CBCScreenError
            If a row is not accounted for.
        """
        self.everything.write.mode(mode).partitionBy(OUTCOME).parquet(folder)
        written = self.everything.sparkSession.read.schema(self.everything.schema).parquet(folder)
        return account_of(written).check()

    def _of(self, outcome: RowOutcome) -> DataFrame:
        from pyspark.sql import functions

        return self.everything.where(functions.col(OUTCOME) == outcome.value)


def account_of(everything: DataFrame) -> SparkAccount:
    """Return the sum of the accounts of all partitions."""
    from pyspark.sql import functions

    rows = everything.where(functions.col(OUTCOME) == RowOutcome.ACCOUNT.value).select(ACCOUNT).collect()
    return added(json.loads(row[ACCOUNT]) for row in rows)


def added(accounts: Iterable[Mapping[str, Any]]) -> SparkAccount:
    """Add the accounts of partitions."""
    rows: Counter[str] = Counter()
    counted: dict[str, Counter[str]] = {name: Counter() for name in _COUNTED}
    results: Counter[str] = Counter()
    rejected: Counter[str] = Counter()
    for account in accounts:
        rows.update({name: account[name] for name in ("rows_in", "screened", "rejected")})
        for name, counter in counted.items():
            counter.update(account[name])
        told = account["results"]
        results.update({name: told[name] for name in _RESULTS if name in told})
        rejected.update(told.get("rejected", {}))
    whole = {**results, "rejected": dict(rejected)} if results else {}
    plain = {name: {word: many for word, many in counter.items() if many} for name, counter in counted.items()}
    return SparkAccount(rows["rows_in"], rows["screened"], rows["rejected"], **plain, results=whole)
