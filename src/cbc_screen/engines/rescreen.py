"""Rows of a flags file, screened again from the cells that lie beside their flags.

What a scan with `received` writes is enough to redo every answer: the configuration, how
the source's texts are read, and the cells of each row. The answer must be that of the file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cbc_screen._version import __version__
from cbc_screen.arrays import rows_of
from cbc_screen.engines.batch import FILE, ROW
from cbc_screen.engines.monitor import LARGEST_MANIFEST
from cbc_screen.engines.screened_with import CONFIGURATION, UNIT_SUSPECT
from cbc_screen.errors import CBCScreenError, UsageError, did_you_mean
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.dates import parse_date
from cbc_screen.normalize.declared import with_spellings
from cbc_screen.normalize.received import RECEIVED, SOURCE_FILE, declared_again, record_of
from cbc_screen.normalize.record import RecordNormalizer
from cbc_screen.regular import read_regular
from cbc_screen.report.packed import read_batches, read_metadata
from cbc_screen.report.setting import setting_words
from cbc_screen.result import ScreeningResult
from cbc_screen.vocabulary import TextUnitSystem

if TYPE_CHECKING:
    import pyarrow as pa

    from cbc_screen.kernel.screen import Kernel
    from cbc_screen.record import CBCRecord

_LONGEST_ROW = 18  # digits of a number that 64 bits hold


class Screening(Protocol):
    """A screener, as far as rows are screened again with it; its own module stands above this one."""

    @property
    def kernel(self) -> Kernel:
        """The compiled kernel of its configuration."""

    def screen_declared(self, record: CBCRecord, normalizer: RecordNormalizer) -> ScreeningResult:
        """Screen a record whose texts are read as a source declares them."""


class FlagFile:
    """A Parquet file of flags, with the means to screen its rows again.

    Parameters
    ----------
    path : path
        What `scan` wrote, packed or not.
    make : class or function
        `Screener`, or what makes one of the same keyword arguments.
    ranges, rules : str, optional
        Where your own files lie now, if the scan used some; their content must be the same.
    text_units : "si" or "us"
        Units of the texts.
    """

    def __init__(
        self,
        path: str | Path,
        make: Callable[..., Screening],
        *,
        ranges: str | None = None,
        rules: str | None = None,
        text_units: TextUnitSystem = "si",
    ) -> None:
        self.path, self.knowledge = Path(path), load_knowledge()
        metadata = read_metadata(self.path)
        self.versions = {name: metadata.get(name, "") for name in ("cbc_screen", "data_version")}
        self.setting = setting_words(self.knowledge.settings, metadata.get("setting", ""))
        self.can_explain = CONFIGURATION in metadata
        written = json.loads(metadata[CONFIGURATION]) if self.can_explain else {"configuration": {}, "sources": {}}
        own = {name: given for name, given in (("ranges", ranges), ("rules", rules)) if given is not None}
        for name, given in own.items():
            used = written["configuration"].get(name, given)
            if given != used and not Path(used).suffix:
                raise UsageError(f"the scan used the shipped {name} {used!r}: {name} says where your own file lies now")
            if given != used and not Path(given).is_file():
                raise UsageError(f"{name}: there is no such file")
        self._configuration = {**written["configuration"], **own}
        self._sources: dict[str, Any] = written["sources"]
        self._suspect: dict[str, dict[str, list[str]]] = json.loads(metadata.get(UNIT_SUSPECT, "{}"))
        self._normalizers: dict[tuple[str, frozenset[str]], RecordNormalizer] = {}
        self._text_units = text_units
        self._make = make
        self._made: Screening | None = None

    @property
    def sources(self) -> frozenset[str]:
        """The names of the sources screened, where the file says them."""
        return frozenset(self._sources)

    def day(self, file: str | None, collected_at: str | None) -> str:
        """Return when a count was collected so that texts sort by time; "" where it cannot be read."""
        declared = declared_again(self._sources[file if file is not None else next(iter(self._sources))])
        span, _ = parse_date(collected_at, declared.date_format_of("collected_at"))
        if span is None or collected_at is None:
            return ""
        day = span.first.isoformat()
        # An ISO text with a time of day sorts by itself.
        return collected_at.replace(" ", "T") if collected_at.startswith(day) else day

    def declared_unit(self, file: str | None, analyte: str) -> str:
        """Return the unit that a source declares for an analyte, or that its column states; "" where none does."""
        source = self._sources[file if file is not None else next(iter(self._sources))]
        return str(source["units"].get(analyte, ""))

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest that lies beside the file; empty where there is none."""
        path = self.path.with_name(self.path.name + ".manifest.json")
        try:
            found = json.loads(read_regular(path, LARGEST_MANIFEST))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def require_received(self) -> None:
        """Refuse a file whose rows cannot be screened again."""
        if not self.can_explain:
            raise UsageError(
                f"{self.path.name} does not hold the cells as received; scan again with --received (received=True)"
            )
        _ = self.screener

    @property
    def screener(self) -> Screening:
        """The screener that made the file."""
        if self._made is None:
            self._made = self._screener()
        return self._made

    def _screener(self) -> Screening:
        now = {"cbc_screen": __version__, "data_version": self.knowledge.data_version}
        if self.versions != now:
            raise UsageError(
                f"{self.path.name} was written by cbc-screen {self.versions['cbc_screen']} with data "
                f"{self.versions['data_version']}; this is {now['cbc_screen']} with {now['data_version']}: "
                "use that version, or scan again"
            )
        chosen = dict(self._configuration)
        stamp = chosen.pop("own_files")
        for name in ("ranges", "rules"):
            if stamp and Path(chosen[name]).suffix and not Path(chosen[name]).is_file():
                raise UsageError(f"the scan used your own {name}; say where the file lies with {name}= (--{name})")
        if self.knowledge.stamp(chosen["ranges"], chosen["rules"]) != stamp:
            raise UsageError("your own ranges or rules are not the files that the scan used")
        chosen["adjust_hemoglobin"] = tuple(chosen["adjust_hemoglobin"])
        chosen["setting"] = tuple(chosen.get("setting", ()))
        return self._make(**chosen, text_units=self._text_units)

    def batches(self) -> Iterator[pa.Table]:
        """Yield the readable flags, batch by batch."""
        return read_batches(self.path, threads=False)

    def screen(self, row: Mapping[str, Any]) -> tuple[ScreeningResult, str]:
        """Screen a row of the file again; return the result, and whose it is ("" where nothing says so)."""
        found = None
        # Raised after the block: the first error holds the cells.
        with suppress(ValueError, TypeError, KeyError, AttributeError, CBCScreenError):
            found = record_of(row[RECEIVED], self.knowledge)
        if found is None:
            raise CBCScreenError(f"row {row[ROW]}: its cells as received cannot be read back; scan again")
        record, person = found
        result = self.screener.screen_declared(record, self._normalizer(row.get(FILE), row.get(SOURCE_FILE)))
        different = [name for name, flag in result.flags().items() if row.get(name) != flag]
        if different:
            raise CBCScreenError(
                f"row {row[ROW]}: screened again, {', '.join(different)} is not that of the file; please report this"
            )
        return result, person

    def _normalizer(self, file: str | None, source_file: str | None) -> RecordNormalizer:
        name = file if file is not None else next(iter(self._sources))
        files = self._suspect.get(name, {}).items()
        suspect = frozenset(analyte for analyte, own in files if not own or source_file in own)
        if (name, suspect) not in self._normalizers:
            declared = declared_again(self._sources[name])
            spelled = with_spellings(self.knowledge, self._configuration["unit_spellings"])
            self._normalizers[name, suspect] = RecordNormalizer(spelled, declared, suspect)
        return self._normalizers[name, suspect]


def find_row(file: FlagFile, key: str) -> dict[str, Any]:
    """Return the one row of a key: a row number, FILE:ROW, or COLUMN=VALUE of a kept column.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    import pyarrow.compute as pc

    column, sign, wanted = key.partition("=")
    found: list[dict[str, Any]] = []
    for table in file.batches():
        if sign:
            if column not in table.column_names:
                near = did_you_mean(column, table.column_names)
                # What was given is not quoted: it may be a value and a column the wrong way round.
                raise UsageError(
                    f"--row COLUMN=VALUE: there is no such column in the flags{near or ';'} keep it with --keep"
                )
            mask = pc.equal(pc.cast(table.column(column), "string"), wanted)
        else:
            name, _, number = key.rpartition(":")
            if not number.isdecimal() or len(number) > _LONGEST_ROW:
                raise UsageError("--row takes a row number, FILE:ROW, or COLUMN=VALUE of a kept column")
            mask = pc.equal(table.column(ROW), int(number))
            if name and FILE in table.column_names:
                mask = pc.and_(mask, pc.equal(pc.cast(table.column(FILE), "string"), name))
            elif name and name not in file.sources:
                raise UsageError("--row FILE:ROW: the flags are not of this file")
        found += rows_of(table.filter(mask))
        if len(found) > 1:
            raise UsageError("--row: more than one row has this key; give FILE:ROW, or a column that tells them apart")
    if not found:
        raise UsageError("--row: no row has this key (rejected rows are in the rejects file)")
    return found[0]
