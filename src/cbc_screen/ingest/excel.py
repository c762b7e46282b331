"""Excel workbooks (.xlsx), read row by row with openpyxl."""

from __future__ import annotations

import datetime
import json
import weakref
import zipfile
from collections.abc import Container, Iterator, Sequence
from contextlib import suppress
from itertools import islice, zip_longest
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from cbc_screen.errors import UsageError
from cbc_screen.ingest.number_formats import as_shown, number_text, shown_by
from cbc_screen.ingest.preamble import LOOKED_AT, rows_above
from cbc_screen.ingest.source import SourceBatch, check_headers

BATCH_ROWS = 50_000
LARGEST_UNPACKED = 1 << 31
_FEW_ALIKE = 4  # twice as many columns as sheets must share
_FIRST_OWN_FORMAT = 164  # lower numbers are formats that every workbook knows


class ExcelSource:
    """One sheet of a workbook; the header is its first row that is no title and not empty."""

    def __init__(self, path: Path, sheet: str | None, skip_lines: int | None = None, decimal: str = ".") -> None:
        try:
            import openpyxl
        except ImportError:
            raise UsageError("reading .xlsx needs openpyxl: pip install 'cbc-screen[excel]'") from None
        _check_packing(path)
        book: Any = None
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except Exception as problem:  # openpyxl raises many kinds for a damaged workbook
            kind = type(problem).__name__
        if book is None:
            raise UsageError(f"the workbook cannot be read ({kind})")
        if sheet is not None and sheet not in book.sheetnames:
            names = ", ".join(map(repr, book.sheetnames))
            book.close()
            raise UsageError(f"sheet: the workbook has no sheet of that name; it has {names}")
        self._decimal = decimal
        self._book, self._has_telling_formats = book, _has_telling_formats(book)
        weakref.finalize(self, book.close)  # it stays open as long as a scan may read it again
        self._sheet = book[sheet] if sheet is not None else book.worksheets[0]
        # A formula whose result was not saved reads as an empty cell; what is written there says that it is none.
        self._written = None
        if _has_formulas(path):
            written = openpyxl.load_workbook(path, read_only=True, data_only=False)
            weakref.finalize(self, written.close)
            self._written = written[self._sheet.title]
        first = list(islice(self._rows(), LOOKED_AT))
        if not first:
            book.close()
            raise UsageError("the sheet is empty")
        texts = [[_text(cell, decimal) or "" for cell in row] for _, row in first]
        place = rows_above(texts) if skip_lines is None else 0
        if skip_lines is not None:
            below = [place for place, (number, _) in enumerate(first) if number > skip_lines]
            if not below:
                book.close()
                raise UsageError(
                    f"skip_lines: there is no row behind row {skip_lines} among the first {LOOKED_AT} with content"
                )
            place = below[0]
        self._header_row, header = first[place]
        self.first_cells = texts[place + 1] if len(texts) > place + 1 else []
        # What the file has besides is said: the results may be there.
        self.unread = tuple(name for name in book.sheetnames if name != self._sheet.title)
        self.headers = ["" if cell is None else str(cell).strip() for cell in header]
        # A month in each sheet: the others hold counts too. Whoever names a sheet has chosen.
        self.alike = () if sheet is not None else tuple(one for one in self.unread if self._is_alike(book[one]))

    def _is_alike(self, sheet: Any) -> bool:
        """Tell whether most columns of this sheet are there too: another month may have one more, or one by another name."""
        own = {name for name in self.headers if name}
        with suppress(Exception):  # a chart is a sheet without rows, and a damaged one is met when it is named
            for row in islice(sheet.iter_rows(values_only=True), LOOKED_AT):
                if 2 * len(own & {"" if cell is None else str(cell).strip() for cell in row}) >= max(
                    len(own), _FEW_ALIKE
                ):
                    return True
        return False

    def _rows(self) -> Iterator[tuple[int, tuple[Any, ...]]]:
        rows, number = self._cells(), 0
        while True:
            kind = None
            try:
                row = next(rows, None)
            except Exception as problem:  # many kinds, and some quote a cell
                kind = type(problem).__name__
            if kind is not None:
                raise UsageError(f"the workbook cannot be read after row {number} ({kind})")
            if row is None:
                return
            number += 1
            if any(cell is not None and str(cell).strip() for cell in row):
                yield number, row

    def _cells(self) -> Iterator[tuple[Any, ...]]:
        # Cells with their formats take half as long again to read as their values alone (measured).
        rows = self._sheet.iter_rows(values_only=True)
        if self._has_telling_formats:
            rows = (tuple(_shown(cell, self._decimal) for cell in row) for row in self._sheet.iter_rows())
        if self._written is None:
            yield from rows
            return
        for row, written in zip(rows, self._written.iter_rows(values_only=True), strict=False):
            pairs = zip_longest(row, written[: len(row)])
            yield tuple(text if cell is None and _is_formula(text) else cell for cell, text in pairs)

    def batches(
        self, columns: Sequence[str], plain: Container[str] = (), numbers: Container[str] = ()
    ) -> Iterator[SourceBatch]:
        """Yield the wanted columns in batches; see `SourceBatch`."""
        check_headers(self.headers, columns)
        places = [self.headers.index(name) for name in columns]
        total = self._sheet.max_row or 1
        rows: list[tuple[int, tuple[Any, ...]]] = []
        for number, row in self._rows():
            if number <= self._header_row:
                continue
            rows.append((number, row))
            if len(rows) >= BATCH_ROWS:
                yield _batch(columns, places, rows, number / total, self._decimal)
                rows = []
        # The workbook stays open: a scan may read it again.
        yield _batch(columns, places, rows, 1.0, self._decimal)


def _shown(cell: Any, decimal: str) -> Any:
    """Return what a cell shows: a number with the sign, the unit or the percentage that its format writes."""
    value = cell.value
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return as_shown(value, cell.number_format or "", decimal)
    return value


def _has_telling_formats(book: Any) -> bool:
    """Tell whether some format of a workbook may show more than a number; where that cannot be seen, it may."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS

    styles, own = getattr(book, "_cell_styles", None), getattr(book, "_number_formats", None)
    if styles is None or own is None:
        return True
    numbers = {style.numFmtId for style in styles}
    named = dict(BUILTIN_FORMATS) | dict(enumerate(own, _FIRST_OWN_FORMAT))
    return any(shown_by(named.get(number, "")) is not None for number in numbers)


def _is_formula(text: object) -> bool:
    return isinstance(text, str) and text.startswith("=")


def _has_formulas(path: Path) -> bool:
    """Tell whether a sheet of a workbook holds a formula."""
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with packed.open(name) as file:
                    before = b""
                    while part := file.read(1 << 20):
                        if b"<f" in before + part:
                            return True
                        before = part[-1:]
    return False


def _check_packing(path: Path) -> None:
    """Refuse a workbook that is damaged, or would fill the memory when it is unpacked.

    openpyxl may stop before the end of a sheet, where its checksum is looked at: a changed
    digit would go unnoticed.
    """
    size, sound = 0, False
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(entry.file_size for entry in packed.infolist())
            sound = size > LARGEST_UNPACKED or packed.testzip() is None
    except Exception as problem:  # zipfile and zlib raise many kinds for a damaged file
        kind = type(problem).__name__
    else:
        kind = "checksum"
    if size > LARGEST_UNPACKED:
        raise UsageError("the workbook is too large when unpacked; export the sheet as CSV")
    if not sound:
        raise UsageError(f"the workbook cannot be read ({kind})")


def _batch(
    columns: Sequence[str],
    places: Sequence[int],
    rows: list[tuple[int, tuple[Any, ...]]],
    share: float,
    decimal: str,
) -> SourceBatch:
    import pyarrow as pa

    arrays = {
        name: pa.array([_text(row[place] if place < len(row) else None, decimal) for _, row in rows], type=pa.string())
        for name, place in zip(columns, places, strict=True)
    }

    def content(index: int) -> str:
        return json.dumps([_text(cell, decimal) for cell in rows[index][1]], ensure_ascii=False)

    return SourceBatch(arrays, np.array([number for number, _ in rows], dtype=np.int64), content, (), share)


def _text(cell: Any, decimal: str) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, datetime.datetime | datetime.date):
        return cell.isoformat()
    # A number has no decimal mark: it is written with that of the texts.
    return number_text(cell, decimal) if isinstance(cell, float) else str(cell)
