"""Values of a table in columns: what of a text decides how it is judged, and a number beside a text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from collected_files import KNOWLEDGE, cells_of, collected, in_columns, table

from cbc_screen.arrays import from_texts
from cbc_screen.collect import values
from cbc_screen.collect.values import Kind, ValueReader
from cbc_screen.ingest.long import LongSource
from cbc_screen.ingest.texts import Texts, texts_of
from cbc_screen.normalize.standing import StandingRule


@pytest.fixture
def source(tmp_path: Path) -> LongSource:
    with collected(table(tmp_path / "t.csv", "A,2024-01-02 08:00,718-7,9.1,g/dL")) as found:
        return found.tables[0]


def reader_of(source: LongSource) -> ValueReader:
    """Return a reader to which one word says more than a value."""
    return ValueReader(source, StandingRule(KNOWLEDGE), lambda text: text == "clotted")


def fields_of(*cells: str) -> Mapping[str, Texts]:
    return {"value": texts_of(from_texts(cells))}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("9.1", Kind(empty=False, unit="", remark=False)),
        ("", Kind(empty=True, unit="", remark=False)),
        ("low", Kind(empty=False, unit="", remark=False)),
        ("clotted", Kind(empty=False, unit="", remark=True)),
    ],
)
def test_a_word_is_a_remark_only_where_it_says_more(text: str, kind: Kind, source: LongSource) -> None:
    reader = reader_of(source)
    reader.read(dict(fields_of(text)), 1)
    assert reader.kinds == [kind]


@pytest.mark.parametrize("limit", ["_REMEMBERED", "_MANY_KINDS"])
def test_either_many_texts_or_many_kinds_are_forgotten_before_a_batch(
    limit: str, source: LongSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(values, limit, 1)
    reader = reader_of(source)
    reader.read(dict(fields_of("9.1", "clotted")), 2)
    assert len(reader.kinds) == 2
    reader.begin()
    assert reader.kinds == []


def test_few_texts_are_remembered_from_batch_to_batch(source: LongSource) -> None:
    reader = reader_of(source)
    reader.read(dict(fields_of("9.1", "clotted")), 2)
    reader.begin()
    assert len(reader.kinds) == 2


NUMBERS = "person,collected_at,code,value,number,unit"


def platelets_of(path: Path) -> list[tuple[str, ...]]:
    with collected(path) as found:
        assert in_columns(found) is not None
        return cells_of(found, "person", "platelets")


def test_a_number_and_another_number_beside_it_stay_two(tmp_path: Path) -> None:
    rows = ["A,2024-01-02 08:00,777-3,250,8,10*3/uL", "B,2024-01-02 08:00,777-3,,9,10*3/uL"]
    assert platelets_of(table(tmp_path / "t.csv", *rows, header=NUMBERS)) == [("A", "8 | 250"), ("B", "9")]


def test_a_number_and_the_same_number_beside_it_are_one(tmp_path: Path) -> None:
    rows = ["A,2024-01-02 08:00,777-3,250,250.0,10*3/uL", "B,2024-01-02 08:00,777-3,9,9,10*3/uL"]
    assert platelets_of(table(tmp_path / "t.csv", *rows, header=NUMBERS)) == [("A", "250.0"), ("B", "9")]


def test_a_text_that_says_more_stands_over_the_number(tmp_path: Path) -> None:
    rows = ["A,2024-01-02 08:00,777-3,<9,9,10*3/uL", "B,2024-01-02 08:00,777-3,,9,10*3/uL"]
    assert platelets_of(table(tmp_path / "t.csv", *rows, header=NUMBERS)) == [("A", "<9"), ("B", "9")]
