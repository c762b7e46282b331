"""What local results say of a set of reference ranges: limit by limit, with the numbers that show it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cbc_screen.views import views
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, NotVerified, RangeReason, RangeVerdict, ResultsOf


@dataclass(frozen=True, slots=True)
class Chance:
    """With this true share outside, the chance that the rule adopts a range, and that it asks for new samples.

    What is left is the chance that it refuses the range.
    """

    share: float
    adopt: float
    repeat: float

    @property
    def refuse(self) -> float:
        """The chance that the rule refuses the range."""
        return max(0.0, 1 - self.adopt - self.repeat)


@dataclass(frozen=True, slots=True)
class SampleRule:
    """The rule of samples for this number of people, and how many lie outside.

    `outside_least` and `outside_most` differ where a bound may lie on both sides of a limit.
    The first of the `chances` is that of a range that is right.
    """

    people: int
    adopt_at_most: int
    repeat_at_most: int
    outside_least: int
    outside_most: int
    chances: tuple[Chance, ...]


@dataclass(frozen=True, slots=True)
class ShareOutside:
    """Results beyond one limit: at least and at most, the share of all with its exact and its Wilson interval.

    The intervals reach from the lower end of the least to the upper end of the most.
    """

    least: int
    most: int
    of: int
    expected: float
    exact: tuple[float, float]
    wilson: tuple[float, float]


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """One limit of one band.

    Attributes
    ----------
    limit : float or None
        As the set has it, in the unit of the band.
    uncertainty : float or None
        The permissible uncertainty: how far off a limit may be.
    known_to : pair of float or None
        In which interval the set says its own limit to lie, or about which, from the people it was made of.
    outside : ShareOutside or None
    estimate : float or None
        The limit estimated from these results; None where it is not told.
    interval : pair of float or None
        Of the estimate.
    verdict : RangeVerdict
    reasons : tuple of RangeReason
        The first one decided.
    """

    limit: float | None
    uncertainty: float | None
    known_to: tuple[float, float] | None
    outside: ShareOutside | None
    estimate: float | None
    interval: tuple[float, float] | None
    verdict: RangeVerdict
    reasons: tuple[RangeReason, ...]

    @property
    def tolerance(self) -> tuple[float, float] | None:
        """The limit with its permissible uncertainty."""
        if self.limit is None or self.uncertainty is None:
            return None
        return self.limit - self.uncertainty, self.limit + self.uncertainty


@dataclass(frozen=True, slots=True)
class HealthyShare:
    """Estimated shares of the results: sick below, healthy, sick above; stray results are what is left."""

    sick_below: float
    healthy: float
    sick_above: float


@dataclass(frozen=True, slots=True)
class BandCheck:
    """One analyte, sex and band of ages of the set.

    `gestation` are the weeks at birth, of a set that goes by them. `basis` is what the set says its limits are, in its own
    words, and `basis_note` what has to be known of them besides (a limit that was worked out and not published).
    `pregnancy_not_stated` are results of women of an age for it who are read as not pregnant.

    `results` are those compared, `bounds` of them are no exact numbers. `histogram` has the edges of bins and the counts
    in them, for a figure; nothing in it is of one person.
    """

    analyte: str
    label: str
    unit: str
    set: str
    sex: str
    age: str
    pregnancy: str
    gestation: str
    basis: str
    basis_note: str
    percentiles: tuple[float, float] | None
    people: int | None
    stated_by_user: tuple[str, ...]
    source: str
    results: int
    bounds: int
    rule: SampleRule | None
    healthy: HealthyShare | None
    lower: LimitCheck
    upper: LimitCheck
    histogram: tuple[tuple[float, ...], tuple[int, ...]]
    pregnancy_not_stated: int = 0


@dataclass(frozen=True, slots=True)
class ResultAccount:
    """What became of the results of one analyte: `rows == used + the sum of set_aside`.

    `pregnancy_not_stated` are those of `used` that are of women of an age for a pregnancy who are read as not pregnant.
    """

    rows: int
    used: int
    set_aside: Mapping[str, int]
    pregnancy_not_stated: int = 0


@dataclass(frozen=True)
class RangeVerification:
    """What local results say of a set of reference ranges.

    Attributes
    ----------
    set : str
        The set as it was asked for.
    results_of : ResultsOf
        Whose results they are: of routine patients, or of reference individuals.
    rows : int
        Rows that were read; `rows == rows_used + the sum of rows_set_aside`.
    rule : SampleRule
        The rule of samples as it is published, with its chances; nobody lies outside in it.
    bands : tuple of BandCheck
        One for each analyte, sex and band of ages of the set that the results reach.
    accounts : mapping of analyte to ResultAccount
        Of the rows used.
    not_verified : mapping of analyte to NotVerified
        What was asked for, or where nothing was what was sent, and is not verified, with the reason.
    confidence : float
        Of the intervals of shares.
    interval_confidence : float
        Of the intervals of estimated limits.
    text_units : str
        The units of texts and pages, "si" or "us"; every number here is in the unit of its band.
    sources : tuple of str
        The publications behind the method.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> people = pd.DataFrame({"age": ["40 y"] * 20, "sex": ["F"] * 20, "HGB (g/L)": [116, *range(121, 140)]})
    >>> found = cbc.verify_ranges(people, "nhanes_dxh800", results_of="reference")
    >>> found.rows == found.rows_used + sum(found.rows_set_aside.values()), len(found.to_frame())
    (True, 2)
    """

    set: str
    results_of: ResultsOf
    rows: int
    rows_used: int
    rows_set_aside: Mapping[str, int]
    rule: SampleRule
    bands: tuple[BandCheck, ...]
    accounts: Mapping[str, ResultAccount]
    not_verified: Mapping[str, NotVerified]
    confidence: float
    interval_confidence: float
    sources: tuple[str, ...]
    data_version: str
    code_version: str
    text_units: str = "si"
    notice: str = NOTICE
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return asdict(self)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with one row a limit."""
        import pandas as pd

        return pd.DataFrame(views().verification_rows(self))

    def write(self, path: str | Path, *, force: bool = False) -> None:
        """Write the limits, one a row (.csv), everything (.json), or the page to sign (.html).

        Raises
        ------
        UsageError
            If the file exists or has another ending.
        """
        views().write_verification(self, Path(path), force=force)

    def _repr_html_(self) -> str:
        return views().verification_html(self)
