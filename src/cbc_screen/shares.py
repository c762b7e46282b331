"""How common low lines are among the people of a study: shares by age and sex, a table and a figure of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cbc_screen.views import views
from cbc_screen.vocabulary import NOTICE, Line


@dataclass(frozen=True, slots=True)
class LineShare:
    """One line in one group of people; nothing but the group where it is suppressed.

    Attributes
    ----------
    age, sex : str
        The group: "18 to 39 y", "unknown", or "all"; "female", "male", "unknown", or "all".
    line : Line
    people : int or None
        Counts of blood in the group.
    low, unknown, not_low : int or None
        What the line is in them; they add up to `people`. Unknown is never counted as not low.
    share : float or None
        Of low among all in the group, by weight where there are weights: what is surely low.
    unknown_share : float or None
        Of unknown among all: so much higher the share may be.
    interval : pair of float or None
        From the lower Wilson limit of what is surely low to the upper one of what may be low. None with weights.
    suppressed : bool
        Whether some number of it is smaller than the smallest that is shown.
    """

    age: str
    sex: str
    line: Line
    people: int | None
    low: int | None
    unknown: int | None
    not_low: int | None
    share: float | None
    unknown_share: float | None
    interval: tuple[float, float] | None
    suppressed: bool


@dataclass(frozen=True)
class Prevalence:
    """How common low lines are, group by group; it shows itself in a notebook.

    Attributes
    ----------
    rows : tuple of LineShare
        By age, sex and line.
    people : int
        Counts of blood in all groups.
    smallest_cell : int
        A group in which a number from 1 to below this one stands is suppressed.
    weighted : bool
    confidence : float
        Of the intervals.
    data_version : str
    remarks : tuple of str
        How the numbers are to be read, for the foot of a table.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> counts = cbc.sample()
    >>> found = cbc.prevalence(cbc.screen_frame(counts), sex=counts["Sex"], smallest_cell=1)
    >>> found.people, found.rows[0].sex, found.rows[0].line.value, found.rows[0].low, found.rows[0].unknown
    (142, 'female', 'red', 13, 4)
    """

    rows: tuple[LineShare, ...]
    people: int
    smallest_cell: int
    weighted: bool
    confidence: float
    data_version: str
    remarks: tuple[str, ...]
    notice: str = NOTICE

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python types, ready for JSON."""
        return asdict(self)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame, a row for each group and line."""
        import pandas as pd

        rows = []
        for row in self.rows:
            own = {**asdict(row), "line": str(row.line)}
            low, high = own.pop("interval") or (None, None)
            rows.append({**own, "interval_low": low, "interval_high": high})
        frame = pd.DataFrame(rows)
        counts = ["people", "low", "unknown", "not_low"]
        return frame.astype(dict.fromkeys(counts, "Int64"))

    def to_markdown(self) -> str:
        """Return the table as Markdown, with its remarks."""
        return views().prevalence_markdown(self)

    def to_html(self) -> str:
        """Return the table as HTML without style, for a page or a document of one's own."""
        return views().prevalence_html(self, styled=False)

    def great_table(self) -> Any:
        """Return the table as `great_tables.GT`, to be styled further or saved (`tables` extra).

        Raises
        ------
        UsageError
            If great_tables is not installed; `to_html` and `to_markdown` need nothing.
        """
        return views().prevalence_table(self)

    def plot(self, axes: Sequence[Any] | None = None) -> Any:
        """Draw the shares by age and sex, a panel for each line; needs matplotlib (`plots` extra).

        Parameters
        ----------
        axes : three matplotlib Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib Figure

        Raises
        ------
        UsageError
            If matplotlib is not installed.
        """
        return views().prevalence_figure(self, axes)

    def _repr_html_(self) -> str:
        return views().prevalence_html(self, styled=True)
