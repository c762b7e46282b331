"""Columns of a table: what their names say, which of them are read, and what their cells come to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.arrow import plain_numbers
from cbc_screen.normalize.codes import CODE, NO_REASON
from cbc_screen.normalize.columns import normalize_table
from cbc_screen.normalize.compound import agreed
from cbc_screen.normalize.declared import Declared
from cbc_screen.normalize.names import Role, name_reader
from cbc_screen.normalize.plan import AnalyteColumn, Plan, make_plan
from cbc_screen.normalize.received import declared_of, received_rows
from cbc_screen.vocabulary import Reason

KNOWLEDGE = load_knowledge()
PLATELETS = "PLT (10^9/L)"


def plan_of(*headers: str, declared: Declared | None = None) -> Plan:
    return make_plan(KNOWLEDGE, headers, declared or Declared())


def test_a_name_of_several_parts_needs_a_name_among_them() -> None:
    wbc, platelets = frozenset({"wbc"}), frozenset({"platelets"})
    named, agreeing = {"wbc": wbc, "leukocytes": wbc, "plt": platelets}, {"white cells": wbc, "blood": wbc | platelets}
    assert agreed("leukocytes wbc", named, agreeing) == wbc
    assert agreed("white cells wbc", named, agreeing) == wbc
    assert agreed("white cells blood", named, agreeing) == frozenset()  # words beside a name, and no name
    assert agreed("wbc plt", named, agreeing) == frozenset()  # two names that disagree


@pytest.mark.parametrize(
    ("header", "role", "name"),
    [
        ("Neutrophils (%)", Role.ANALYTE, "neutrophils_percent"),
        ("Neutrophils (10^9/L)", Role.ANALYTE, "neutrophils"),
        ("Bas count (%)", Role.ANALYTE, "basophils_percent"),  # the unit says more than the name
        ("Bas count (10^9/L)", Role.ANALYTE, "basophils"),
        ("Neutrophils station", Role.POSSIBLE, "neutrophils"),
        ("Station neutrophils", Role.POSSIBLE, "neutrophils"),
        ("Station", Role.OTHER, ""),
    ],
)
def test_what_the_name_of_a_column_says(header: str, role: Role, name: str) -> None:
    meaning = name_reader(KNOWLEDGE).read(header)
    assert (meaning.role, meaning.name) == (role, name)


def test_a_longer_name_steps_back_behind_the_first_one() -> None:
    """ "Hemoglobin" begins the longer name, and what stands behind it is no unit alone."""
    reader = name_reader(KNOWLEDGE)
    first = {
        header: reader.is_first_name(header, reader.read(header)) for header in ("Hgb (g/dL)", "Hemoglobin Hgb (g/dL)")
    }
    assert first == {"Hgb (g/dL)": True, "Hemoglobin Hgb (g/dL)": False}
    plan = plan_of("Hemoglobin Hgb (g/dL)", "Hgb (g/dL)")
    assert plan.analytes["hemoglobin"].column == "Hgb (g/dL)"


def test_a_status_of_the_whole_row_stands_beside_one_of_its_own() -> None:
    plain, own = AnalyteColumn("PLT"), AnalyteColumn("PLT", status_column="PLT status")
    assert plain.with_status("row status").status_column == "row status"
    assert plain.with_status(None) == plain
    assert own.with_status("PLT status") == own
    assert own.with_status("row status").row_status_column == "row status"


def test_the_column_of_ordered_channels_is_read_where_it_stands_once() -> None:
    assert plan_of(PLATELETS, "Discrete").channels == "Discrete"
    assert plan_of(PLATELETS, "Discrete", "Test type").channels is None
    assert plan_of(PLATELETS, "Discrete", "Discrete").channels is None


def test_a_row_is_kept_with_its_person_where_the_source_names_one() -> None:
    columns = {PLATELETS: pa.array([9.0, None]), "person": pa.array(["p", "q"])}
    assert received_rows(columns, plan_of(PLATELETS)) == ['{"platelets": 9.0, "person": "p"}', '{"person": "q"}']
    assert received_rows({PLATELETS: columns[PLATELETS]}, plan_of(PLATELETS)) == ['{"platelets": 9.0}', "{}"]


@pytest.mark.parametrize(
    ("header", "declared", "unit"),
    [("Age (years)", None, "y"), ("Age", "mo", "mo"), ("Age (years)", "y", "y"), ("Age", None, None)],
)
def test_the_unit_of_ages_is_kept_as_the_column_or_the_caller_states_it(
    header: str, declared: str | None, unit: str | None
) -> None:
    plan = plan_of(PLATELETS, header, declared=Declared(age_unit=declared))
    assert declared_of(plan)["age_unit"] == unit


@pytest.mark.parametrize(("length", "plain"), [(24, True), (25, False)])
def test_a_plain_number_has_at_most_24_characters(length: int, plain: bool) -> None:
    values, which = plain_numbers(pa.array(["250".rjust(length, "0")]))
    assert which.tolist() == [plain]
    assert np.array_equal(values, [250.0] if plain else [np.nan], equal_nan=True)


def test_a_flag_in_the_cell_of_its_number_is_of_that_row_alone() -> None:
    columns = {PLATELETS: pa.array(["250 LL", "9", None])}
    found = normalize_table(columns, 3, plan_of(PLATELETS), KNOWLEDGE, use_reported=False)
    present, absent = found.batch.findings["platelets_flagged_low"]
    assert (present.tolist(), absent.tolist()) == ([True, False, False], [False, False, False])
    assert found.reasons["platelets"].tolist() == [CODE[Reason.TEXT_ATTACHED], NO_REASON, NO_REASON]


def test_a_table_of_which_one_row_is_a_control() -> None:
    columns = {PLATELETS: pa.array([9.0, 9.0]), "Specimen type": pa.array(["control", None])}
    found = normalize_table(columns, 2, plan_of(*columns), KNOWLEDGE, use_reported=False)
    assert found.specimens is not None
    assert found.specimens.tolist() == [CODE[Reason.SPECIMEN_CONTROL], NO_REASON]
    assert found.batch.high["platelets"].tolist() == [np.inf, 9.0]


def test_a_row_without_a_reason_stands_beside_one_with_it() -> None:
    frame = pd.DataFrame({PLATELETS: ["250", "clotted"], "Age": ["40 y", "40 y"], "Sex": ["F", "F"]})
    of_platelets = ["platelets:" in reasons for reasons in cbc.screen_frame(frame)["reasons"]]
    assert of_platelets == [False, True]
