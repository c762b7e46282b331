"""What docs/follow.md shows is what happens."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import yaml

import cbc_screen as cbc
from cbc_screen.knowledge.serial import load_serial
from cbc_screen.serial.formulas import reference_change
from cbc_screen.vocabulary import NOTICE

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "follow.md").read_text(encoding="utf-8")


def test_every_value_shown_is_true() -> None:
    block = "".join(re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL))
    names: dict[str, object] = {}
    exec(compile(block, "follow.md", "exec"), names)  # noqa: S102 - our own page
    shown = re.findall(r"^(\S.*?)  # (.+)$", block, flags=re.MULTILINE)
    assert len(shown) == 10
    for expression, value in shown:
        assert eval(expression, names) == ast.literal_eval(value), expression


def test_the_change_values_shown_are_those_of_the_rules() -> None:
    rules = load_serial()
    for analyte, digits in (("hemoglobin", 1), ("platelets", 1), ("wbc", 1), ("neutrophils", 0)):
        own = rules.variation[analyte]
        up, down = reference_change(own.within, own.measurement, rules.change_z)
        assert f"{100 * up:+.{digits}f}/{100 * down:.{digits}f} %" in PAGE, analyte


def test_the_columns_are_named() -> None:
    """Every column of a person's row is on the page, by itself or behind the name of its line."""
    case = yaml.safe_load((ROOT / "tests" / "cases" / "serial" / "course.yaml").read_text(encoding="utf-8"))["cases"][
        12
    ]
    frame = [{"person": "p", "age": "40 y", "sex": "F", "collected_at": str(count["at"])} for count in case["counts"]]
    import pandas as pd

    table = pd.DataFrame(frame).assign(**{"platelets (10^9/L)": [count["platelets"] for count in case["counts"]]})
    names = {re.sub(r"^(red|white|platelet)_", "", name) for name in cbc.follow(table).columns}
    names -= {"person", "notice", "first_at", "last_at", "followed_on"}
    assert {name for name in names if f"`{name}`" not in PAGE} == {"grade_2_since", "grade_3_since", "grade_4_since"}
    assert NOTICE in PAGE
