"""Plain results of messages are kept whole too: a little of them in memory, the rest in a file."""

from __future__ import annotations

import pytest
from no_files import FileWantedError

from cbc_screen.collect.plain_rows import KnownKind, PlainRows
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.moment import MomentReader

FOUR_MEGABYTES = 4_194_304


def rows_with(*contents: bytes) -> PlainRows:
    """Keep rows numbered from 1, of one person and moment."""
    rows = PlainRows(MomentReader(load_knowledge().moments))
    known = rows.number(KnownKind(0, 0, False), bytes.decode)
    for place, content in enumerate(contents, 1):
        rows.waiting.append((place, place, "A", "2024-01-02", "9.1", "", content, known, 0))
    return rows


@pytest.mark.usefixtures("no_file")
def test_few_rows_stay_in_memory() -> None:
    rows = rows_with(b"OBX|1", b"OBX|2")
    rows.flush(1.0)
    assert rows.contents({2}) == {2: "OBX|2"}


@pytest.mark.usefixtures("no_file")
def test_rows_of_more_than_four_megabytes_want_a_file() -> None:
    with pytest.raises(FileWantedError):
        rows_with(b"x" * FOUR_MEGABYTES).flush(1.0)


def test_rows_in_a_file_are_found_by_their_numbers() -> None:
    rows = rows_with(b"x" * FOUR_MEGABYTES, b"OBX|2")
    rows.flush(0.5)
    rows.waiting.append((3, 3, "B", "2024-01-02", "9.3", "", b"OBX|3", 0, 0))
    rows.flush(1.0)
    assert rows.contents({2, 3}) == {2: "OBX|2", 3: "OBX|3"}
    assert [chunk.column("place").to_pylist() for chunk in rows.chunks()] == [[1, 2], [3]]
    rows.close()
