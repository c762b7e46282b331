"""A laboratory's own order of the checklist: points, starting tiers and the sizes of the groups, in a file of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from strategies import answers

# A man of 74 with a macrocytic pancytopenia: MDS is one of several that fit.
MAN = {
    "age": "74 y", "sex": "M", "hemoglobin": "92 g/L", "mcv": "108 fL", "wbc": "2.8 10^9/L",
    "neutrophils": "1.2 10^9/L", "platelets": "85 10^9/L",
}  # fmt: skip


def own(folder: Path, text: str) -> str:
    (folder / "ours.yaml").write_text(text, encoding="utf-8")
    return str(folder / "ours.yaml")


def names(result: Any) -> list[str]:
    return [entry.id for entry in result.checklist]


def test_points_of_ones_own_move_a_condition(tmp_path: Path) -> None:
    shipped = names(cbc.screen(MAN))
    heavy = cbc.Screener(rules=own(tmp_path, "checklist: {points: {lymphoma_marrow: {older_age: 8}}}\n"))
    assert shipped.index("mds") < shipped.index("lymphoma_marrow")
    assert names(heavy.screen(MAN))[0] == "lymphoma_marrow"


def test_a_starting_tier_of_ones_own_lists_and_unlists_a_condition(tmp_path: Path) -> None:
    assert "mds" in names(cbc.screen(MAN))
    more = own(tmp_path, "checklist: {tiers: {mds: {any: {pancytopenia: 5}}}}\n")
    assert names(cbc.Screener(rules=more).screen(MAN)).index("mds") <= names(cbc.screen(MAN)).index("mds")
    young = {**MAN, "age": "30 y", "mcv": "90 fL"}
    none = own(tmp_path, "checklist: {tiers: {mds: {any: {pancytopenia: null}}}}\n")
    assert "mds" in names(cbc.screen(young))
    assert "mds" not in names(cbc.Screener(rules=none).screen(young))


@pytest.mark.parametrize("tier", [0, 5])
def test_a_starting_tier_is_any_from_0_to_5(tmp_path: Path, tier: int) -> None:
    rules = own(tmp_path, f"checklist: {{tiers: {{mds: {{any: {{pancytopenia: {tier}}}}}}}}}\n")
    assert "mds" in names(cbc.Screener(rules=rules).screen(MAN))


def test_a_setting_shifts_what_ones_own_order_says_nothing_of(tmp_path: Path) -> None:
    young = {**MAN, "age": "30 y"}  # points from 70 years on change nothing
    rules = own(tmp_path, "checklist: {points: {mds: {age_70_or_more: 1}}}\n")
    for setting in ("primary_care", "marrow_clinic"):
        shipped = names(cbc.Screener(setting=setting).screen(young))
        assert names(cbc.Screener(rules=rules, setting=setting).screen(young)) == shipped != names(cbc.screen(young))


def test_the_sizes_of_the_groups_are_ones_own(tmp_path: Path) -> None:
    few = own(tmp_path, "checklist: {groups: {fits: {most: 2}, not_to_miss: {most: 1}}}\n")
    flags = cbc.Screener(rules=few).screen(MAN).flags()
    groups = flags["checklist_groups"].split(";")
    assert (groups.count("fits"), groups.count("not_to_miss"), flags["checklist_shown"]) == (2, 1, 3)


def test_a_group_may_be_left_empty(tmp_path: Path) -> None:
    none = own(tmp_path, "checklist: {groups: {fits: {most: 0}}}\n")
    assert "fits" not in cbc.Screener(rules=none).screen(MAN).flags()["checklist_groups"].split(";")


def test_every_door_has_the_order(tmp_path: Path) -> None:
    rules = own(tmp_path, "checklist: {points: {lymphoma_marrow: {older_age: 8}}, groups: {fits: {most: 3}}}\n")
    screener = cbc.Screener(rules=rules)
    rows = [MAN, {**MAN, "age": "30 y"}, {**MAN, "mcv": "90 fL"}]
    alone = [screener.screen(row, compact=True).flags() for row in rows]
    assert answers(screener.screen_frame(pd.DataFrame(rows))) == alone
    assert alone[0]["checklist"] != cbc.screen(MAN).flags()["checklist"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{points: {nothing: {a: 1}}}", "nothing: is not a condition of the checklist"),
        ("{points: {mds: {nothing: 1}}}", "nothing: is not a finding of mds"),
        ("{points: {mds: {age_70_or_more: -1}}}", "age_70_or_more: must be above 0 for a finding for"),
        ("{points: {mds: {age_below_40: 1}}}", "below 0 for one against"),
        ("{points: {mds: {age_70_or_more: 1.5}}}", "must be a whole number"),
        ("{points: {mds: {age_70_or_more: 100}}}", "must lie between"),
        ("{tiers: {mds: {newborn: {white: 1}}}}", "newborn: is none of the classes of ages it has"),
        ("{tiers: {mds: {any: {everything: 1}}}}", "everything: is none of red_microcytic"),
        ("{tiers: {mds: {any: {white: 6}}}}", "white: must lie between 0 and 5, or be null"),
        ("{groups: {fits: {most: 6}}}", "groups: more than 8 lines would stand before the fold"),
        ("{groups: {fits: {most: -1}}}", "most: must not be below 0"),
        ("{groups: {fits: {many: 6}}}", "many: is not a known key here"),
        ("{order: {}}", "order: is not a known key here"),
    ],
)
def test_a_fault_names_file_line_and_key(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(cbc.CBCScreenError) as caught:
        cbc.Screener(rules=own(tmp_path, f"checklist:\n  {text}\n"))
    assert str(caught.value).startswith("ours.yaml:2: ")
    assert problem in str(caught.value)


def test_the_check_says_for_whom_the_order_is_ones_own(tmp_path: Path) -> None:
    rules = own(tmp_path, "checklist: {points: {mds: {age_70_or_more: 1}}, groups: {fits: {most: 3}}}\n")
    done = CliRunner().invoke(main, ["ranges", "check", rules])
    assert "order of the checklist: own for mds, the sizes of the groups" in done.output
    plain = CliRunner().invoke(main, ["ranges", "check", own(tmp_path, "off: [rule_of_three]\n")])
    assert "order of the checklist: as shipped" in plain.output
