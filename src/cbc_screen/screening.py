"""Each question in one call: a `Screener` is made for it, or the default one is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast, overload

from cbc_screen.record import CBCRecord
from cbc_screen.result import ScreeningResult
from cbc_screen.screener import Screener
from cbc_screen.screener_options import (
    CONFIGURATION,
    OF_A_SCAN,
    ArrowStream,
    EveryOption,
    Frame,
    ScanOptions,
    ScreenerOptions,
)
from cbc_screen.source import Files, Source, SourceOptions, require_options, source_of

if TYPE_CHECKING:
    import pandas as pd

    from cbc_screen.report.audit import Audit
    from cbc_screen.summary import ScanSummary
    from cbc_screen.time_course import Timeline


def read(source: Files | Source, *, as_received: bool = False, **options: Unpack[SourceOptions]) -> pd.DataFrame:
    """Read any supported file as one blood count a row, before screening.

    Parameters
    ----------
    source
        As in `Screener.scan`.
    as_received : bool
        Leave every cell as the text it was. Else a column is of numbers or of dates where all of its cells say
        nothing else; one that holds "<10" or "CLOTTED" stays text, and what is missing is missing as in pandas.
    options
        Fields of `Source` by their names. Units and codes that are declared stand beside the
        values, nothing is converted. How texts are written (`decimal`, `date_format`) and what mmol/L means is to be
        declared to `screen_frame` too.

    Returns
    -------
    pandas.DataFrame
        `row` (the line of the source), the person's fields, each analyte with its
        unit in `<analyte>_unit`, reported limits, and the columns that are not known. Made to
        be given to `screen_frame`. `attrs["rejected"]` lists what could not be read, with
        line, reason and content; `attrs["results"]` is the account of single results.

    Raises
    ------
    UsageError
        As in `Screener.scan`.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> from cbc_screen.demo import write_demo
    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "export.csv"
    >>> write_demo(file, ordinary=3)
    >>> "hemoglobin_unit" in cbc.read(file).columns
    True
    """
    from cbc_screen.engines.inputs import names_of
    from cbc_screen.engines.opening import opening_of
    from cbc_screen.engines.read import read_counts
    from cbc_screen.knowledge import load_knowledge

    described = source_of(source, options)
    found: pd.DataFrame = read_counts(
        names_of(described), opening_of(described, load_knowledge()), as_received=as_received
    )
    return found


def screen(
    record: CBCRecord | Mapping[str, Any],
    *,
    compact: bool = False,
    history: Sequence[CBCRecord | Mapping[str, Any]] = (),
    **configuration: Unpack[ScreenerOptions],
) -> ScreeningResult:
    """Screen one record with a default `Screener`, or one of this configuration; see `Screener.screen`.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> result = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"})
    >>> result.pattern.value, result.lines[0].state.value, result.urgency.value
    ('cannot_tell', 'low', 'routine')
    """
    require_options(configuration, CONFIGURATION)
    return _configured(configuration).screen(record, compact=compact, history=history)


@overload
def screen_frame(
    frame: Frame, source: Source | None = None, *, detail: bool = False, **options: Unpack[EveryOption]
) -> Frame: ...
@overload
def screen_frame(
    frame: ArrowStream, source: Source | None = None, *, detail: bool = False, **options: Unpack[EveryOption]
) -> Any: ...
def screen_frame(
    frame: Any, source: Source | None = None, *, detail: bool = False, **options: Unpack[EveryOption]
) -> Any:
    """Screen a frame with a default `Screener`, or one of these options; see `Screener.screen_frame`.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> flags = cbc.screen_frame(cbc.sample(), definition="clinical")
    >>> int((flags["pattern"] == "pancytopenia").sum())
    4
    """
    configuration, described = _parted(options)
    return _configured(configuration).screen_frame(frame, source, detail=detail, **described)


def explain(
    frame: Any,
    row: int,
    source: Source | None = None,
    *,
    history: bool = False,
    person: str | None = None,
    **options: Unpack[EveryOption],
) -> ScreeningResult:
    """Return the whole result of one row of a frame; see `Screener.explain`.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> counts = cbc.sample()
    >>> result = cbc.explain(counts, list(counts["Sample"]).index("T01"))
    >>> [(line.line.value, line.severity.value) for line in result.lines]
    [('red', 'severe'), ('white', 'severe'), ('platelet', 'very_severe')]
    """
    configuration, described = _parted(options)
    screener = _configured(configuration)
    return screener.explain(frame, row, source, history=history, person=person, **described)


def scan(
    source: Files | Source,
    out: str | Path | None = None,
    rejects: str | Path | None = None,
    **options: Unpack[ScanOptions],
) -> ScanSummary:
    """Screen a file with a default `Screener`, or one of these options; see `Screener.scan`.

    Examples
    --------
    >>> import tempfile
    >>> import cbc_screen as cbc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = cbc.sample().to_csv(f"{folder}/counts.csv", index=False)
    ...     summary = cbc.scan(f"{folder}/counts.csv", f"{folder}/flags.parquet")
    >>> summary.patterns["pancytopenia"], dict(summary.rejects)
    (4, {'NO_RESULT': 1})
    """
    configuration, described = _parted(options, OF_A_SCAN)
    return _configured(configuration).scan(source, out, rejects, **described)


def follow(
    source: Any,
    *,
    person: str | None = None,
    laboratory: str | None = None,
    each_count: bool = False,
    **options: Unpack[EveryOption],
) -> Any:
    """Follow the counts of each person with a default `Screener`, or one of these options; see `Screener.follow`.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"person": ["a", "a"], "age": ["54 y"] * 2, "sex": ["F"] * 2,
    ...     "collected_at": ["2024-01-05", "2024-06-20"], "PLT (10^9/L)": [250, 90]})
    >>> list(cbc.follow(counts, each_count=True)["platelets_change"])
    ['not_assessed', 'down']
    """
    configuration, described = _parted(options)
    screener = _configured(configuration)
    return screener.follow(source, person=person, laboratory=laboratory, each_count=each_count, **described)


def timeline(
    frame: Any,
    key: object,
    analyte: str,
    *,
    person: str | None = None,
    laboratory: str | None = None,
    **options: Unpack[EveryOption],
) -> Timeline:
    """Return one analyte of one person over time; see `Screener.timeline`.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"person": ["a", "a"], "age": ["54 y"] * 2, "sex": ["F"] * 2,
    ...     "collected_at": ["2024-01-05", "2024-06-20"], "PLT (10^9/L)": [250, 90]})
    >>> [point.low for point in cbc.timeline(counts, "a", "platelets").points]
    [250.0, 90.0]
    """
    configuration, described = _parted(options)
    screener = _configured(configuration)
    return screener.timeline(frame, key, analyte, person=person, laboratory=laboratory, **described)


def audit(source: Any, **options: Unpack[EveryOption]) -> Audit:
    """Audit files or a frame with a default `Screener`, or one of these options; see `Screener.audit`.

    Examples
    --------
    >>> import pandas as pd
    >>> import cbc_screen as cbc
    >>> counts = pd.DataFrame({"age": ["54 y"], "sex": ["F"], "HGB (g/dL)": [9.1], "hemoglobin_flag": ["H"],
    ...     "hemoglobin_lower": [11.7], "hemoglobin_upper": [15.3]})
    >>> list(cbc.audit(counts).findings["finding"])
    ['flag_high_not_high']
    """
    configuration, described = _parted(options)
    return _configured(configuration).audit(source, **described)


def _parted(options: Mapping[str, Any], also: Sequence[str] = ()) -> tuple[ScreenerOptions, dict[str, Any]]:
    """Part the options of a call: the configuration of a screener, and what is said of the source."""
    require_options(options, (*CONFIGURATION, *also))
    configuration = {name: given for name, given in options.items() if name in CONFIGURATION}
    rest = {name: given for name, given in options.items() if name not in CONFIGURATION}
    return cast(ScreenerOptions, configuration), rest


def _configured(configuration: ScreenerOptions) -> Screener:
    return Screener(**configuration) if configuration else _default()


@lru_cache(maxsize=1)
def _default() -> Screener:
    return Screener()
