"""A block of plain lines is parted by Arrow, any other by the careful reader: nobody can tell which (one file: one subject, whose cases share what they build).

Files are drawn with everything that exports hold. The answers must not depend on who read a
block, nor on where a block ends, nor on gzip; and Python's own csv module gives the same rows.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cbc_screen.errors import UsageError
from cbc_screen.ingest import csv as reader
from cbc_screen.ingest.csv import CSVSource
from cbc_screen.ingest.fastlane import FastLane
from cbc_screen.ingest.source import ReadOptions

BLOCKS = (16, 100, 4096, reader.BLOCK_BYTES)
WIDTH = 3
HEADERS = ("h0", "h1", "h2")


class Reading(NamedTuple):
    """All that a source says of a file, whatever its batches."""

    headers: list[str]
    cells: dict[str, list[str]]
    lines: list[int]
    contents: list[str]
    rejected: list[tuple[int, str, str]]


@contextmanager
def blocks_of(size: int, *, careful: bool = False) -> Any:
    """Read in blocks of so many bytes, and by the careful reader only if asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "BLOCK_BYTES", size)
        if careful:
            patch.setattr(FastLane, "read", lambda *_: None)
        yield


def reading(path: Path, size: int, *, careful: bool = False, **options: Any) -> Reading | str:
    """Read a whole file; an error of use is an answer too."""
    with blocks_of(size, careful=careful):
        try:
            source = CSVSource(path, ReadOptions(**options))
            names = [name for name in dict.fromkeys(source.headers) if source.headers.count(name) == 1]
            found = Reading(source.headers, {name: [] for name in names}, [], [], [])
            # Nobody reads a file of which no column is wanted.
            for batch in source.batches(names[::-1]) if names else ():
                assert set(batch.columns) == set(names)
                for name, column in batch.columns.items():
                    assert len(column) == len(batch.lines)
                    found.cells[name].extend(column.to_pylist())
                found.lines.extend(batch.lines.tolist())
                found.contents.extend(batch.content(row) for row in range(len(batch.lines)))
                found.rejected.extend((row.line, row.reason.value, row.content) for row in batch.rejected)
        except UsageError as problem:
            return str(problem)
    return found


def all_readings(content: bytes, sizes: tuple[int, ...] = BLOCKS, **options: Any) -> dict[str, Reading | str]:
    """Read a file in every way there is."""
    found: dict[str, Reading | str] = {}
    with TemporaryDirectory() as folder:
        plain, zipped = Path(folder, "a.csv"), Path(folder, "a.csv.gz")
        plain.write_bytes(content)
        zipped.write_bytes(gzip.compress(content, compresslevel=1))
        for size in sizes:
            found[f"plain {size}"] = reading(plain, size, **options)
            found[f"plain {size} careful"] = reading(plain, size, careful=True, **options)
        for size in sizes[::2]:
            found[f"gzip {size}"] = reading(zipped, size, **options)
    return found


def assert_one_reading(content: bytes, sizes: tuple[int, ...] = BLOCKS, **options: Any) -> Reading | str:
    """Hold all ways of reading a file to one answer, and return it."""
    found = all_readings(content, sizes, **options)
    first = found[f"plain {sizes[-1]} careful"]
    for way, other in found.items():
        assert other == first, (way, content)
    return first


# Files -------------------------------------------------------------------------------------

CELLS = st.sampled_from(
    ["", "", "a", "7.1", "<10", " ", "  x ", "54 y", "10^9/L", "é", "μ", "💉", "\u2028", "\x85", "\x0b", "\x1c", "NaN",
     "null", "NA", "true", "1e999", "a\ufeff", "\x00", "'", "\\", "\\n", "a\\", "=1+1", "x" * 40, "0123456789" * 11]
)  # fmt: skip
BROKEN = st.sampled_from([b"\xff", b"\xc3", b"\xed\xa0\x80", b"a\x80b"])
QUOTED = st.sampled_from(
    ['""', '"a"', '"a,b"', '"a;b"', '"a""b"', '"two\nlines"', '"two\r\nlines"', '"two\rlines"', '"\n\n"', '"a"b',
     'a"b', '"é\n💉"', '"' + "long " * 30 + '\n"']
)  # fmt: skip
STRAY = st.sampled_from(['"', '"open', 'a"', '"a""', '""x"'])
PLAIN_ENDS = ("\n", "\r\n")
ODD_ENDS = ("\n", "\r\n", "\r", "\n\n", "\r\r\n", "\n\r")


@st.composite
def files(draw: st.DrawFn, *, quotes: bool = True, broken: bool = True, odd: bool = True) -> tuple[bytes, str]:
    """Draw a file and its delimiter: mostly plain lines, with some of everything else."""
    delimiter = draw(st.sampled_from([",", ",", ";", "\t", "|"]))
    mark = delimiter.encode()
    usual = draw(st.sampled_from(PLAIN_ENDS)).encode()
    kinds = ["plain"] * 8 + ["short", "long", "trailing", "blank", "spaces"]
    kinds += ["quoted"] * 2 + ["stray"] if quotes else []
    kinds += ["broken"] if broken else []
    kinds += ["odd end"] if odd else []
    lines = [mark.join(name.encode() for name in HEADERS) + usual]
    for kind in draw(st.lists(st.sampled_from(kinds), max_size=25)):
        cells = [draw(CELLS).encode() for _ in range(WIDTH)]
        end = usual
        place = draw(st.integers(0, WIDTH - 1))
        if kind == "short":
            cells = cells[:place]
        elif kind == "long":
            cells += [draw(CELLS).encode() for _ in range(draw(st.integers(1, 3)))]
        elif kind == "trailing":
            cells += [b""] * draw(st.integers(1, 3))
        elif kind == "blank":
            cells = [b""]
        elif kind == "spaces":
            cells = [draw(st.sampled_from([" ", "   ", "\x0b", "\u2003"])).encode()]
        elif kind == "quoted":
            cells[place] = draw(QUOTED).encode()
        elif kind == "stray":
            cells[place] = draw(STRAY).encode()
        elif kind == "broken":
            cells[place] = draw(BROKEN)
        elif kind == "odd end":
            end = draw(st.sampled_from(ODD_ENDS)).encode()
        lines.append(mark.join(cells) + end)
    content = b"".join(lines)
    if draw(st.booleans()):
        content = content.removesuffix(usual)
    before = draw(st.sampled_from([b"", b"", b"", b"\xef\xbb\xbf", b"\n", b" \r\n\n"]))
    return before + content, delimiter


@given(files())
def test_the_reader_the_block_and_gzip_make_no_difference(drawn: tuple[bytes, str]) -> None:
    content, _ = drawn
    found = assert_one_reading(content)
    assert not isinstance(found, str)
    assert found.headers == list(HEADERS)
    assert found.lines == sorted(set(found.lines))
    rejected = [line for line, _, _ in found.rejected]
    assert rejected == sorted(set(rejected))
    assert not set(rejected) & set(found.lines)


@given(files(quotes=False))
def test_files_without_quotation_marks_are_read_alike(drawn: tuple[bytes, str]) -> None:
    content, delimiter = drawn
    assert_one_reading(content, delimiter=delimiter)


@given(st.binary(max_size=200), st.sampled_from([b"", b"h0,h1\n", b"h0,h1\r\n", b"h0\n", b"\xef\xbb\xbfh0,h1\n"]))
@example(b"\r\n1,2\r\n", b"h0,h1\n")
@example(b"1,2,\r\n3,4,,\n5", b"h0,h1\r\n")
@example(b"", b"h0,h1\n")
def test_any_bytes_after_a_header_are_read_alike(rest: bytes, header: bytes) -> None:
    assert_one_reading(header + rest, (1, 16, reader.BLOCK_BYTES))


@given(st.text(st.sampled_from('a,;"\r\n \x00é'), max_size=60))
@example('h0,h1\n1,2\n"')
@example('\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nh0,h1\n"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"')
def test_any_short_text_is_read_alike(text: str) -> None:
    assert_one_reading(text.encode(), (1, 7, 16, reader.BLOCK_BYTES))


# Python's own csv module as the judge ------------------------------------------------------


def judged(content: bytes, delimiter: str) -> Reading:
    """Part a file without stray quotation marks by the csv module alone."""
    text = content.decode("utf-8-sig")
    found = Reading(list(HEADERS), {name: [] for name in HEADERS}, [], [], [])
    received = list(io.StringIO(text, newline=""))
    parted = csv.reader(received, delimiter=delimiter)
    before, header = 0, True
    for cells in parted:
        first, before = before, parted.line_num
        whole = "".join(received[first:before]).rstrip("\r\n")
        if header:
            header = cells != list(HEADERS)
            continue
        if len(cells) > WIDTH and set(cells[WIDTH:]) == {""}:
            cells = cells[:WIDTH]
        if len(cells) == WIDTH:
            for name, cell in zip(HEADERS, cells, strict=True):
                found.cells[name].append(cell)
            found.lines.append(first + 1)
            found.contents.append(whole)
        elif whole.strip():
            found.rejected.append((first + 1, "ROW_RAGGED", whole))
    return found


@given(files(quotes=False, broken=False))
def test_rows_are_those_of_the_csv_module(drawn: tuple[bytes, str]) -> None:
    content, delimiter = drawn
    expected = judged(content, delimiter)
    assert assert_one_reading(content, (16, 4096)) == expected


@st.composite
def closed_files(draw: st.DrawFn) -> tuple[bytes, list[list[str]]]:
    """Draw rows of three cells and write them with the csv module, quoted where they must be."""
    cell = st.one_of(CELLS, st.text(st.sampled_from('ab,"\n\r é'), max_size=12))
    rows = draw(st.lists(st.lists(cell, min_size=WIDTH, max_size=WIDTH), max_size=20))
    rows = [row for row in rows if "".join(row).strip()]
    # A line inside a cell that looks like a row is taken for one: see the stray marks below.
    rows = [row for row in rows if all(part.count(",") < WIDTH - 1 for cell in row for part in cell.splitlines()[1:])]
    text = io.StringIO(newline="")
    # Ending lines with "\n" alone, the module would leave a lone "\r" without quotation marks.
    end, quoting = draw(st.sampled_from([("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL)]))
    writer = csv.writer(text, lineterminator=end, quoting=quoting)
    writer.writerows([HEADERS, *rows])
    return text.getvalue().encode(), rows


@given(closed_files())
def test_what_the_csv_module_wrote_is_read_back_whole(drawn: tuple[bytes, list[list[str]]]) -> None:
    content, rows = drawn
    found = assert_one_reading(content)
    assert isinstance(found, Reading)
    assert [list(row) for row in zip(*(found.cells[name] for name in HEADERS), strict=True)] == rows
    assert found.rejected == []


# In literals -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "rows", "lines", "rejected"),
    [
        (b"h0,h1,h2\n1,2,3\n4,5,6\n", ["1 2 3", "4 5 6"], [2, 3], []),
        (b"h0,h1,h2\r\n1,2,3\r\n4,5,6", ["1 2 3", "4 5 6"], [2, 3], []),
        (b"h0,h1,h2\r1,2,3\r4,5,6\r", ["1 2 3", "4 5 6"], [2, 3], []),
        (b"\xef\xbb\xbfh0,h1,h2\n1,2,3\n", ["1 2 3"], [2], []),
        (b"\n\nh0,h1,h2\n\n1,2,3\n", ["1 2 3"], [5], []),
        (b"h0,h1,h2\n1,2,3,\r\n4,5,6,,\n7,8,9,,x\n", ["1 2 3", "4 5 6"], [2, 3], [(4, "7,8,9,,x")]),
        (b"h0,h1,h2\r\n1,2\r\n3,4,5\r\n6\r\n", ["3 4 5"], [3], [(2, "1,2"), (4, "6")]),
        (b"h0,h1,h2\n1\n2\n3\n", [], [], [(2, "1"), (3, "2"), (4, "3")]),
        (b"h0,h1,h2\n   \n1,2,3\n\t \n", ["1 2 3"], [3], []),
        (b"h0,h1,h2\n,,\n1,2,3\n", ["  ", "1 2 3"], [2, 3], []),
        (b'h0,h1,h2\n1,"2\n2",3\n4,5,6\n', ["1 2\n2 3", "4 5 6"], [2, 4], []),
        (b'h0,"h\n1",h2\n1,2,3\n', ["1 2 3"], [3], []),
        (b'h0,h1,h2\n1,"2,3\n4,5,6\n7,8\n', ["4 5 6"], [3], [(2, '1,"2,3'), (4, "7,8")]),
        (b"h0,h1,h2\n1,\xff,3\n4,5,\xff,7\n", ["1 \ufffd 3"], [2], [(3, "4,5,\ufffd,7")]),
        (b"h0,h1,h2\n1,\x00,3\n", ["1 \x00 3"], [2], []),
        (b"h0,h1,h2\nNA,null,NaN\n", ["NA null NaN"], [2], []),
        (b"h0,h1,h2\n", [], [], []),
        (b"h0,h1,h2", [], [], []),
    ],
)
def test_lines_and_cells_are_these(content: bytes, rows: list[str], lines: list[int], rejected: list[Any]) -> None:
    found = assert_one_reading(content)
    assert isinstance(found, Reading)
    assert [" ".join(row) for row in zip(*found.cells.values(), strict=True)] == rows
    assert found.lines == lines
    assert found.rejected == [(line, "ROW_RAGGED", text) for line, text in rejected]


@pytest.mark.parametrize("length", [65_533, 65_536, 65_537, 70_000, 131_072])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_very_long_cell_on_one_line_is_a_cell(length: int, end: bytes) -> None:
    long = "x" * length
    content = end.join([b"h0,h1,h2", b"1,2,3", f"4,{long},6".encode(), b"7,8,9", b""])
    found = assert_one_reading(content)
    assert isinstance(found, Reading)
    assert found.cells["h1"] == ["2", long, "8"]
    assert found.lines == [2, 3, 4]


def test_a_cell_longer_than_the_csv_module_takes_costs_its_own_line() -> None:
    content = b"h0,h1,h2\n1,2,3\n4," + b"x" * 131_073 + b",6\n7,8,9\n"
    found = assert_one_reading(content)
    assert isinstance(found, Reading)
    assert found.lines == [2, 4]
    assert [(line, reason) for line, reason, _ in found.rejected] == [(3, "OVERSIZE")]


def test_a_quoted_record_that_never_closes_costs_its_own_line() -> None:
    # 2,000 lines of 41 characters: more than the 65,536 that a record may take.
    rest = f"{'x' * 36},b,c\n" * 2_000
    found = assert_one_reading(("h0,h1,h2\n" + '"open,b,c\n' + rest).encode(), (4096,))
    assert isinstance(found, Reading)
    assert [(line, reason) for line, reason, _ in found.rejected] == [(2, "OVERSIZE")]
    assert found.lines == list(range(3, 2_003))


@pytest.mark.parametrize("size", range(1, 40))
def test_a_block_may_end_anywhere(size: int) -> None:
    content = "h0,h1,h2\r\n1,é,3\r\n4,💉,6\r\n\r\n7,8\r\n".encode() + b'9,"x\r\ny",z\r\n10,11,12\r\n'
    found = assert_one_reading(content, (size,))
    assert isinstance(found, Reading)
    assert found.lines == [2, 3, 6, 8]
    assert found.cells["h1"] == ["é", "💉", "x\r\ny", "11"]
    assert found.rejected == [(5, "ROW_RAGGED", "7,8")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252", "UTF-8", "utf_8"])
def test_a_named_encoding_gives_the_same_rows(encoding: str) -> None:
    text = 'h0,h1,h2\r\n1,é,3\r\n4,"5\r\n5",6\r\n7,8\r\n'
    found = assert_one_reading(text.encode(encoding), (16, 4096), encoding=encoding)
    assert found == Reading(
        ["h0", "h1", "h2"],
        {"h0": ["1", "4"], "h1": ["é", "5\r\n5"], "h2": ["3", "6"]},
        [2, 3],
        ["1,é,3", '4,"5\r\n5",6'],
        [(5, "ROW_RAGGED", "7,8")],
    )


@pytest.mark.parametrize("mark", [" ", ":", "^", "~", "\\", "'", "\x1f"])
def test_a_named_delimiter_gives_the_same_rows(mark: str) -> None:
    rows = [["h0", "h1", "h2"], ["1", "", "x\u00e9"], ["4", "5"], ["7", "8", "9", ""]]
    found = assert_one_reading("".join(mark.join(row) + "\n" for row in rows).encode(), (16, 4096), delimiter=mark)
    assert isinstance(found, Reading)
    assert found.cells == {"h0": ["1", "7"], "h1": ["", "8"], "h2": ["x\u00e9", "9"]}
    assert found.rejected == [(3, "ROW_RAGGED", mark.join(["4", "5"]))]


# Which reader it was -----------------------------------------------------------------------


@pytest.fixture
def fast_lines(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note how many lines each block had that the fast lane took."""
    taken: list[int] = []
    read: Callable[..., Any] = FastLane.read

    def noted(*given_: Any) -> Any:
        found = read(*given_)
        taken.append(found.lines_read if found is not None else 0)
        return found

    monkeypatch.setattr(FastLane, "read", noted)
    return taken


def test_plain_blocks_do_take_the_fast_lane(tmp_path: Path, fast_lines: list[int]) -> None:
    path = tmp_path / "a.csv"
    path.write_text("h0,h1,h2\n" + "1,2,3\n" * 50 + "4,5\n" + "7,é,\n" * 50, encoding="utf-8")
    assert isinstance(reading(path, 4096), Reading)
    assert fast_lines == [102]


def test_marks_around_whole_cells_are_plain(tmp_path: Path, fast_lines: list[int]) -> None:
    """As exports that quote every field have them: with the delimiter inside, empty, at both ends."""
    path = tmp_path / "a.csv"
    path.write_text('"h0","h1","h2"\n' + '"1","2,5","3"\r\n' * 50 + '"4","5"\n' + '"",é,"x"\n' * 50, encoding="utf-8")
    found = reading(path, 8192)
    assert isinstance(found, Reading)
    assert fast_lines == [102]
    assert (found.cells["h1"][0], found.cells["h0"][50], [line for line, _, _ in found.rejected]) == ("2,5", "", [52])


@pytest.mark.parametrize(
    "odd",
    [
        b'"a""a",b,c\n',
        b'"a"b,b,c\n',
        b'a"b",b,c\n',
        b'"a,b\nc",b,c\n',
        b'"a,b,c\n',
        b"a,b,c\r",
        b"\n",
        b"a,\xff,c\n",
        b"a,b,c,\n",
    ],
)
def test_a_block_that_is_not_plain_is_left_to_the_careful_reader(
    tmp_path: Path, fast_lines: list[int], odd: bytes
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"h0,h1,h2\n1,2,3\n" + odd + b"4,5,6\n")
    assert isinstance(reading(path, 4096), Reading)
    assert fast_lines == [0]


def test_columns_named_plain_are_text_in_every_batch(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"h0,h1,h2\n" + b"1,2,3\n" * 6 + b'"4",5,6\n' + b"7,8,9\n" * 6)
    with blocks_of(16):
        batches = list(CSVSource(path, ReadOptions()).batches(["h0", "h1"], plain={"h1"}))
    assert len(batches) > 3
    assert {str(batch.columns["h1"].type) for batch in batches} == {"string"}
    cells = [cell for batch in batches for cell in batch.columns["h1"].to_pylist()]
    assert cells == ["2"] * 6 + ["5"] + ["8"] * 6


@pytest.mark.parametrize("content", [b"h0,h1,h2\n\xef\xbb\xbf1,2,3\n", b"h0,h1,h2\n1,2,3\n\xef\xbb\xbf4,5,6\n"])
def test_a_byte_order_mark_within_a_file_is_read_alike(content: bytes) -> None:
    assert_one_reading(content, (1, 16, 4096))


def test_a_delimiter_beyond_ascii_is_taken() -> None:
    found = assert_one_reading("h0\u00a7h1\n1\u00a72\n".encode(), delimiter="\u00a7")
    assert isinstance(found, Reading)


@pytest.mark.parametrize(
    ("content", "lines", "bad"),
    [
        (b'h0,h1\n1,"2\n3,4\n5,6\n', [3, 4], [2]),
        (b'h0,h1\n"1,2\n3,4\n"5,6\n7,8\n', [3, 5], [2, 4]),
    ],
)
def test_a_stray_quotation_mark_costs_its_own_line_wherever_it_stands(
    content: bytes, lines: list[int], bad: list[int]
) -> None:
    found = assert_one_reading(content)
    assert isinstance(found, Reading)
    assert found.lines == lines
    assert [line for line, _, _ in found.rejected] == bad
