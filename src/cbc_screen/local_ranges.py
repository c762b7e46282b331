"""`verify_ranges`: what local results say of a set of reference ranges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, Unpack

from cbc_screen.errors import UsageError
from cbc_screen.screener import Screener
from cbc_screen.source import Source, SourceOptions, source_of
from cbc_screen.verification import RangeVerification
from cbc_screen.vocabulary import ResultsOf, TextUnitSystem

_PERCENT = 100


def verify_ranges(
    source: Any,
    ranges: str = "default",
    *,
    results_of: ResultsOf | Literal["routine", "reference"] = "routine",
    analytes: Sequence[str] = (),
    person: str | None = None,
    stated_people: int | None = None,
    stated_percentiles: tuple[float, float] | None = None,
    text_units: TextUnitSystem = "si",
    progress: Callable[[int, float], None] | None = None,
    **options: Unpack[SourceOptions],
) -> RangeVerification:
    """Hold a set of reference ranges against local results, limit by limit.

    Every analyte, sex and band of ages of the set that the results reach gets a verdict on its lower and on its upper
    limit: adopt, investigate, or cannot tell, with the numbers that show it (docs/verify_ranges.md).

    Parameters
    ----------
    source : path, pattern, list of them, `Source`, or a frame of one count a row
    ranges : str
        A named set, "default", or the path of your own CSV.
    results_of : "routine" or "reference"
        Whose results they are: patients of every day, healthy and sick, from whom limits are estimated; or people
        chosen for their health, to whom the rule of samples is applied.
    analytes : sequence of str
        Only these; by default all that the set and the source have, derived results too (neutrophils from white cells
        and a percentage). What is not verified is named in `not_verified`.
    person : str, optional
        The column that says whose each row is, found by its name. Of one person the earliest count is used, or the
        first in the source where no time of collection is known.
    stated_people : int, optional
        Of how many people the ranges were made, where the set does not say it.
    stated_percentiles : pair of float, optional
        Which percentiles its limits are, where the set does not say it: (2.5, 97.5).
    text_units : "si" or "us"
        Units of the page and of what is printed.
    progress : function of (analytes, share), optional
    options
        Fields of `Source` by their names.

    Returns
    -------
    RangeVerification
        `to_frame()` has one row a limit; `write(path)` makes the page, JSON or CSV.

    Raises
    ------
    UsageError
        If the set states no number of people or no percentiles, no row has an age or a sex, no result a unit, results
        of one analyte are in several units, or no band has as many results as the rule needs.
    KnowledgeError
        If your own set has a fault; it names file, line and key.

    Examples
    --------
    >>> import pandas as pd
    >>> people = pd.DataFrame({"age": ["40 y"] * 20, "sex": ["F"] * 20, "HGB (g/L)": [116, *range(121, 140)]})
    >>> found = verify_ranges(people, "nhanes_dxh800", results_of="reference")
    >>> (band,) = found.bands
    >>> band.lower.limit, band.rule.outside_most, band.rule.adopt_at_most, band.lower.verdict.value
    (117.0, 1, 2, 'adopt')
    """
    from cbc_screen.engines.inputs import names_of
    from cbc_screen.engines.opening import opening_of
    from cbc_screen.verify.bands import VerificationRequest
    from cbc_screen.verify.local import verify_files, verify_frame

    if results_of not in tuple(ResultsOf):
        raise UsageError(f"results_of must be one of {', '.join(ResultsOf)}")
    if stated_people is not None and stated_people < 1:
        raise UsageError("stated_people must be 1 or more")
    if stated_percentiles is not None:
        low, high = stated_percentiles
        if not 0 < low < high < _PERCENT:
            raise UsageError("stated_percentiles must be two percentiles between 0 and 100, the lower one first")
    engine = Screener(ranges=ranges, text_units=text_units).engine
    request = VerificationRequest(
        ranges,
        ResultsOf(results_of),
        tuple(analytes),
        person,
        stated_people,
        stated_percentiles,
        text_units,
        progress,
    )
    files = isinstance(source, str | Path | list | tuple | Source)
    described = source_of(source if files else None, options)
    opening = opening_of(described, engine.knowledge)
    if files:
        return verify_files(engine, names_of(described), opening, request)
    return verify_frame(engine, source, opening, request)
