"""What the programs of a configuration are made of: their inputs, their outputs, and what is chosen for them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.facts import FactBuilder
from cbc_screen.kernel.program import Builder, Op
from cbc_screen.kernel.rules import Given
from cbc_screen.kernel.scalar import compile_scalar
from cbc_screen.knowledge.intervals import COLUMNS
from cbc_screen.vocabulary import Adjust, Setting
from kernel_parts.counts import given_exactly, kernel_of

ELEVATION = (Adjust.ELEVATION,)
# A laboratory's own set with one row: platelets of the first day, born in the weeks 28 to 31.
OWN_SET = dict.fromkeys(COLUMNS, "") | {
    "set": "made_up_preterm", "analyte": "platelets", "sex": "any", "pregnancy": "none", "age_low": "0",
    "age_low_unit": "d", "age_high": "1", "age_high_unit": "d", "lower": "100", "upper": "400", "unit": "10^9/L",
    "percentile_basis": "made up", "source": "own_laboratory", "verification": "C",
    "gestation_low": "28", "gestation_high": "32",
}  # fmt: skip


def test_nothing_chosen_is_the_shipped_screen_without_earlier_counts() -> None:
    chosen = Configuration()
    assert (chosen.ranges, chosen.definition, chosen.grading, chosen.rules) == (
        "default",
        "reference",
        "clinical",
        "default",
    )
    assert (chosen.adjust, chosen.stamp, chosen.history, chosen.setting) == ((), "", False, ())


# Numbers for the explanation ----------------------------------------------------------------------


def test_only_numbers_that_may_differ_from_those_sent_are_explained() -> None:
    values = kernel_of().programs(given_exactly("hemoglobin", "wbc", "neutrophils", "neutrophils_percent")).values
    assert set(values.outputs) == {"wbc.low", "wbc.high", "neutrophils.low", "neutrophils.high", "neutrophils_room"}


def test_lowered_hemoglobin_is_explained_where_the_grading_or_the_definition_lowers_it() -> None:
    given = given_exactly("hemoglobin", "elevation")
    lowered = {"hemoglobin_adjusted.low", "hemoglobin_adjusted.high"}
    by_grading = Configuration(grading="who_2024", adjust=ELEVATION)
    by_definition = Configuration(definition="clinical", grading="ctcae_v5", adjust=ELEVATION)
    assert lowered <= set(kernel_of(by_grading).programs(given).values.outputs)
    assert lowered <= set(kernel_of(by_definition).programs(given).values.outputs)
    assert not lowered & set(kernel_of().programs(given).values.outputs)


def test_without_a_checklist_the_lists_tell_what_is_borderline_and_what_the_urgency_rests_on() -> None:
    unlisted = set(kernel_of().programs(given_exactly("hemoglobin")).unlisted.outputs)
    assert {"borderline", "reason.notify_hemoglobin", "reason.not_judged"} <= unlisted
    assert all(name == "borderline" or name.startswith("reason.") for name in unlisted)


def test_white_cells_are_corrected_only_where_it_was_said_that_they_are_not() -> None:
    def flags(given: Given) -> set[object]:
        return {step.value for step in kernel_of().programs(given).fused.steps if step.op is Op.FLAG}

    given = given_exactly("wbc", "nrbc")
    assert flags(given) == set()
    assert flags(replace(given, uncorrected=True)) == {"wbc_uncorrected"}


@pytest.mark.parametrize("inexact", [{"wbc"}, {"wbc", "lymphocytes"}])
def test_the_least_that_other_cells_leave_is_of_the_fewest_white_cells(inexact: set[str]) -> None:
    """White cells of 2 to 8 with lymphocytes of 1.5 leave 0.5 to 6.5, where nothing is allowed for."""
    rules = kernel_of().rules
    rules = replace(rules, white_parts=replace(rules.white_parts, allowance=0.0))
    given = replace(given_exactly("wbc", "lymphocytes"), inexact=frozenset(inexact))
    b = Builder()
    writer = FactBuilder(b, rules, given)
    program = b.program({"least": writer.least_room(), "most": writer.room()})
    call, names = compile_scalar(program, {})
    record = {"wbc.low": 2.0, "wbc.high": 8.0, "lymphocytes.low": 1.5, "lymphocytes.high": 1.5}
    assert dict(zip(names, call(record, ()), strict=True)) == {"least": 0.5, "most": 6.5}


# What is chosen -----------------------------------------------------------------------------------


def test_hemoglobin_is_lowered_only_where_that_is_asked_for() -> None:
    assert kernel_of().rules.adjustments == {}
    assert not kernel_of().rules.adjusts_line
    by_grading = kernel_of(Configuration(grading="who_2024", adjust=ELEVATION)).rules
    assert set(by_grading.adjustments) == {"who_2024"}
    assert (by_grading.adjusts_grade, by_grading.adjusts_line) == (True, False)
    by_definition = kernel_of(Configuration(definition="clinical", grading="ctcae_v5", adjust=ELEVATION)).rules
    assert (by_definition.adjusts_grade, by_definition.adjusts_line) == (False, True)


def test_a_stated_setting_moves_tiers_and_none_moves_none() -> None:
    assert kernel_of().rules.moved is None
    setting = next(iter(Setting))
    moved = kernel_of(Configuration(setting=(setting,))).rules.moved
    assert moved is not None
    assert moved.setting == (setting,)
    assert moved.without == kernel_of().rules.ordering


def test_an_own_set_by_gestation_may_have_one_row(tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text("\n".join([",".join(OWN_SET), ",".join(OWN_SET.values())]))
    rules = kernel_of(Configuration(ranges=str(own))).rules
    assert rules.preterm_set == "made_up_preterm"
    assert {name: [(span.low, span.high) for span in spans] for name, spans in rules.by_gestation.items()} == {
        "platelets": [(28.0, 32.0)]
    }
