"""An option of another type than it takes is refused where it is given: its name, what it takes, and never the value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.vocabulary import Adjust, Sex
from test_ranges import own_set

FRAME = pd.DataFrame({"age": [40], "sex": ["1"], "hemoglobin (g/L)": [150.0]})

SCREENERS = [
    ({"units": 5}, "units takes a text, or a mapping to texts, not an int"),
    (
        {"units": {"hemoglobin": 5}},
        "units takes a text, or a mapping to texts, not a mapping with something else in it",
    ),
    ({"definition": None}, "definition takes a text, not None"),
    ({"grading": 7}, "grading takes a text, not an int"),
    ({"ranges": 3}, "ranges takes a name or the path of a file, not an int"),
    ({"rules": ["a"]}, "rules takes a name or the path of a file, not a list"),
    ({"prefer_reported_ranges": "no"}, "prefer_reported_ranges takes True or False, not a str"),
    ({"prefer_reported_ranges": 0}, "prefer_reported_ranges takes True or False, not an int"),
    ({"published_sets": "false"}, "published_sets takes True or False, not a str"),
    ({"unit_spellings": "x10(3)"}, "unit_spellings takes a mapping to texts, not a str"),
    ({"adjust_hemoglobin": 5}, "adjust_hemoglobin takes a text, or a list of texts, not an int"),
    ({"setting": [5]}, "setting takes a text, or a list of texts, not a list with something else in it"),
]
SOURCES = [
    ({"age_unit": 3}, "age_unit takes a text, not an int"),
    ({"sex_codes": "M"}, "sex_codes takes a mapping to texts, not a str"),
    ({"sex_codes": {"1": 5}}, "sex_codes takes a mapping to texts, not a mapping with something else in it"),
    ({"pregnancy_codes": [1]}, "pregnancy_codes takes a mapping to texts, not a list"),
    ({"columns": ["age"]}, "columns takes a mapping to texts, not a list"),
    ({"profile": 5}, "profile takes a name or the path of a file, not an int"),
    ({"date_format": 5}, "date_format takes a text, or a mapping to texts, not an int"),
    ({"decimal": None}, "decimal takes a text, not None"),
    ({"accept_units": 5}, "accept_units takes a text, or a list of texts, not an int"),
    ({"skip_lines": "3"}, "skip_lines takes a whole number, not a str"),
    ({"skip_lines": True}, "skip_lines takes a whole number, not a bool"),
]


@pytest.mark.parametrize(("options", "said"), SCREENERS)
def test_an_option_of_a_screener(options: dict[str, Any], said: str) -> None:
    with pytest.raises(cbc.UsageError) as caught:
        cbc.Screener(**options)
    assert str(caught.value) == said


@pytest.mark.parametrize(("options", "said"), SOURCES)
def test_an_option_of_a_source(options: dict[str, Any], said: str) -> None:
    for give in (lambda: cbc.Source("x.csv", **options), lambda: cbc.screen_frame(FRAME, **options)):
        with pytest.raises(cbc.UsageError) as caught:
            give()
        assert str(caught.value) == said


def test_a_path_is_a_path(tmp_path: Path) -> None:
    own = own_set(tmp_path, "own,hemoglobin,M,none,18,y,,,151,180,g/L")
    record = {"age": "40 y", "sex": "M", "hemoglobin": "150 g/L"}
    assert [cbc.Screener(ranges=given).screen(record).lines[0].state.value for given in (own, Path(own))] == ["low"] * 2
    with pytest.raises(cbc.KnowledgeError, match="does not exist"):
        cbc.screen_frame(FRAME, profile=tmp_path / "none.yaml")


def test_codes_may_be_numbers_and_words_may_be_enumerated() -> None:
    flags = cbc.screen_frame(FRAME, age_unit="y", sex_codes={1: Sex.MALE})
    assert "sex" not in flags["reasons"].astype(str)[0]
    assert cbc.Screener(adjust_hemoglobin=("smoking",)).adjust_hemoglobin == (Adjust.SMOKING,)
