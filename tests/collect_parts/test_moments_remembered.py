"""Moments in words are remembered up to a bound; beyond it they are read anew, to the same numbers."""

from __future__ import annotations

import pyarrow as pa
import pytest

from cbc_screen.collect import moments
from cbc_screen.collect.moments import NO_MOMENT, MomentNumbers
from cbc_screen.ingest.texts import texts_of
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.moment import MomentReader


def test_more_words_than_are_remembered_have_their_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "_REMEMBERED", 2)
    numbers = MomentNumbers(MomentReader(load_knowledge().moments), counted=False)
    days = pa.array(["01-Mar-2024", "02-Mar-2024", "03-Mar-2024", "Mar-24", "2024-03-01", "2024-03-02"])
    found, _ = numbers.of(texts_of(days))
    again, _ = numbers.of(texts_of(days))
    assert found.tolist() == again.tolist()
    assert found[0] == found[4]
    assert found[1] == found[5]
    assert found[2] - found[1] == found[1] - found[0] == 2 * 86_400_000_000
    assert found[3] == NO_MOMENT
