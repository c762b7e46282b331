"""Sets of reference ranges: named ones, a user's own, and the Duffy-null sets."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge

HEADER = (
    "set,analyte,sex,pregnancy,age_low,age_low_unit,age_high,age_high_unit,lower,upper,unit,lower_ci90_low,"
    "lower_ci90_high,upper_ci90_low,upper_ci90_high,percentile_basis,n,population,analyzer,source,locator,"
    "verification,confidence,derivation,notes\n"
)
TAIL = ",,,,,2.5-97.5,240,our staff,our counter,own_laboratory,,A,high,,\n"
ADULT = {"age": "40 y", "sex": "M", "hemoglobin": "131 g/L", "neutrophils": "1.4 10^9/L", "platelets": "142 10^9/L"}


def own_set(folder: Path, *rows: str) -> str:
    path = folder / "my_lab.csv"
    path.write_text(HEADER + "".join(row + TAIL for row in rows))
    return str(path)


def test_every_named_set_can_be_chosen_and_shows_its_name() -> None:
    for name, chosen in load_knowledge().interval_sets.items():
        screener = cbc.Screener(ranges=name)
        assert screener.screen(ADULT, compact=True).versions.ranges == name
        row = chosen.rows[0]
        person = {
            "age": row.age_text.split(" to ")[0].removesuffix(" and over"),
            "sex": "F" if row.sex == "any" else row.sex,
        }
        if row.pregnancy != "none":
            person |= {"pregnancy": row.pregnancy, "sex": "F", "age": "30 y"}
        limit = row.lower if row.lower is not None else row.upper
        context = {"duffy_null_phenotype": "present"} if chosen.kind == "duffy_null" else {}
        if row.gestation is not None:
            person |= {"gestation_at_birth": f"{max(row.gestation.low, 25):g} wk"}
        result = screener.screen({**person, row.analyte: {"value": limit, "unit": row.unit}, "context": context})
        used = next(analyte for analyte in result.analytes if analyte.analyte == row.analyte)
        assert name in {found.set for found in used.ranges}, name
        assert used.state == "within" or len(used.ranges) > 1


def test_a_set_of_your_own_is_laid_over_the_default(tmp_path: Path) -> None:
    ranges = own_set(tmp_path, "mine,hemoglobin,any,none,18,y,,,140,180,g/L")
    result = cbc.Screener(ranges=ranges).screen({**ADULT, "platelets": "145 10^9/L", "neutrophils": "3 10^9/L"})
    assert [(a.analyte, a.ranges[0].set) for a in result.analytes] == [
        ("hemoglobin", "mine"),
        ("neutrophils", "default_v1"),
        ("platelets", "default_v1"),
    ]
    assert result.lines[0].limits == (140.0,)
    assert result.pattern == "single_line"


def test_an_age_that_your_set_leaves_out_is_not_assessed_and_never_the_default(tmp_path: Path) -> None:
    ranges = own_set(tmp_path, "mine,hemoglobin,any,none,18,y,,,140,180,g/L")
    result = cbc.Screener(ranges=ranges).screen({**ADULT, "age": "10 y", "hemoglobin": "60 g/L"})
    assert result.lines[0].state == "cannot_tell"
    assert "hemoglobin" in result.not_assessed
    assert ("hemoglobin", "RANGE_ABSENT") in result.reasons
    frame = cbc.Screener(ranges=ranges).screen_frame(pd.DataFrame([{**ADULT, "age": "10 y", "hemoglobin": "60 g/L"}]))
    assert frame["reasons"].tolist() == ["hemoglobin:RANGE_ABSENT"]


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    low = cbc.Screener(ranges=own_set(tmp_path, "mine,hemoglobin,any,none,18,y,,,140,180,g/L")).screen(ADULT)
    not_low = cbc.Screener(ranges=own_set(tmp_path, "mine,hemoglobin,any,none,18,y,,,120,180,g/L")).screen(ADULT)
    assert (low.lines[0].state, not_low.lines[0].state) == ("low", "not_low")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("mine,hemoglobin,any,none,18,y,,,180,140,g/L", "my_lab.csv:2: lower"),
        ("mine,hemoglobin,any,none,18,y,,,14,18,mg/dL", "my_lab.csv:2: unit"),
        ("mine,hemogoblin,any,none,18,y,,,140,180,g/L", "my_lab.csv:2: analyte"),
        ("mine,hemoglobin,any,none,18,y,5,y,140,180,g/L", "my_lab.csv:2: age_high"),
        ("default_v1,hemoglobin,any,none,18,y,,,140,180,g/L", "my_lab.csv:2: set"),
    ],
)
def test_a_fault_in_your_set_names_file_line_and_key(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(cbc.KnowledgeError, match=says):
        cbc.Screener(ranges=own_set(tmp_path, row)).screen(ADULT)


def test_the_check_says_what_is_far_off_and_which_ages_are_left_out(tmp_path: Path) -> None:
    from cbc_screen.report.ranges import check_set

    rows, remarks = check_set(
        Path(own_set(tmp_path, "mine,rbc,any,none,18,y,60,y,3500,5500,10^9/L".replace("10^9/L", "10^12/L")))
    )
    assert rows == 1
    assert "line 2: rbc lower is more than 2 times off default_v1 (18 y and over)" in remarks
    assert "rbc, F: 0 d to under 18 y is not covered" in remarks
    assert "rbc, M: 60 y and over is not covered" in remarks


def test_a_duffy_null_set_applies_only_where_the_phenotype_is_stated() -> None:
    """Neutrophils 1.4: below the default limit (1.76), not below that of Duffy-null adults (1.21)."""
    screener = cbc.Screener(ranges="duffy_null_usa")
    answers = {
        stated: screener.screen({**ADULT, "context": {"duffy_null_phenotype": stated}})
        for stated in ("present", "absent", "unknown")
    }
    assert [answers[s].lines[1].state for s in ("present", "absent", "unknown")] == ["not_low", "low", "low"]
    assert answers["present"].flags()["white_line_unadjusted"] == "low"
    assert any("by the default range the white line is low" in note for note in answers["present"].notes)
    assert answers["present"].lines[1].limits == (1.21,)
    assert cbc.screen({**ADULT, "context": {"duffy_null_phenotype": "present"}}).lines[1].state == "low"
    frame = screener.screen_frame(
        pd.DataFrame([{**ADULT, "duffy_null_phenotype": word} for word in ("present", "absent", "")])
    )
    assert frame["white_line"].tolist() == ["not_low", "low", "low"]
    assert frame["white_line_unadjusted"].tolist() == ["low", "low", "low"]


def test_where_sets_differ_each_quantity_may_follow_either_by_itself() -> None:
    """A boy of 15 days: hemoglobin and white cells each lie between two sets of the same grade.

    Under one set the hemoglobin is low and the white cells are not, under the other it is the other way round; both may be normal.
    """
    record = {
        "age": "15 d",
        "sex": "M",
        "hemoglobin": "109 g/L",
        "wbc": {"value": 8.19, "unit": "10^9/L", "range": {"lower": 9.0, "upper": 33.0}},
    }
    result = cbc.Screener(definition="aplastic", grading="ctcae_v5").screen(record)
    assert (result.severity.value, result.severity_min.value) == ("cannot_tell", "none")
    frame = pd.DataFrame(
        [{"age": "15 d", "sex": "M", "HGB (g/L)": 109, "WBC (10^9/L)": 8.19, "wbc_lower": 9.0, "wbc_upper": 33.0}]
    )
    flags = cbc.screen_frame(frame, definition="aplastic", grading="ctcae_v5")
    assert list(flags["severity_min"]) == ["none"]


SHORT = "analyte,sex,age_low,age_high,lower,upper,unit\n"


def test_the_short_form_of_a_set_is_seven_columns(tmp_path: Path) -> None:
    path = tmp_path / "my_lab.csv"
    path.write_text(SHORT + "hemoglobin,F,18 y,,130,160,g/L\nhemoglobin,M,18 y,,14,18,g/dL\n", encoding="utf-8")
    result = cbc.Screener(ranges=str(path)).screen({**ADULT, "sex": "F", "hemoglobin": "125 g/L"})
    assert (result.lines[0].state, result.lines[0].limits) == ("low", (130.0,))
    assert cbc.reference_range("hemoglobin", age="40 y", sex="M", ranges=str(path)).lower == 140
    reordered = tmp_path / "other.csv"
    reordered.write_text(
        "unit,upper,lower,age_high,age_low,sex,analyte\ng/L,160,130,60 y,18 y,F,hemoglobin\n", encoding="utf-8"
    )
    assert cbc.reference_range("hemoglobin", age="40 y", sex="F", ranges=str(reordered)).age == "18 y to under 60 y"


def test_every_fault_of_a_set_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "my_lab.csv"
    path.write_text(
        SHORT
        + "hemogoblin,F,18 y,,130,160,g/L\nhemoglobin,F,18 y,,160,130,g/L\nhemoglobin,F,18,,130,160,g/L\n"
        + "platelets,any,0 d,18 y,150,400,10^9/L\nplatelets,any,12 y,,150,400,10^9/L\nwbc,any,18 y,,4,10,\n",
        encoding="utf-8",
    )
    done = CliRunner().invoke(main, ["ranges", "check", str(path)])
    told = [line.split(": ")[1:3] for line in done.stderr.splitlines()]
    assert told == [
        ["my_lab.csv:2", "analyte"], ["my_lab.csv:3", "lower"], ["my_lab.csv:4", "age_low_unit"], ["my_lab.csv:6", "age_low"],
        ["my_lab.csv:7", "unit"],
    ]  # fmt: skip
    assert done.exit_code == 2
    with pytest.raises(cbc.KnowledgeError, match=r"my_lab.csv:2: analyte: .* \(and 4 more; cbc-screen ranges check"):
        cbc.Screener(ranges=str(path))


def test_a_new_set_is_filled_in_and_checked(tmp_path: Path) -> None:
    path = tmp_path / "my_lab.csv"
    assert CliRunner().invoke(main, ["ranges", "new", "-o", str(path)]).exit_code == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "hemoglobin,F,18 y,,,,g/L" in lines
    unfilled = CliRunner().invoke(main, ["ranges", "check", str(path)])
    assert unfilled.stderr.count("needs at least one limit") == len(lines) - 1
    path.write_text("\n".join([lines[0], "hemoglobin,F,18 y,,117,153,g/L"]) + "\n", encoding="utf-8")
    assert CliRunner().invoke(main, ["ranges", "check", str(path)]).exit_code == 0
    assert CliRunner().invoke(main, ["ranges", "new", "-o", str(path)]).exit_code == 2


def test_of_a_person_of_unknown_age_each_range_that_was_tried_is_named_once() -> None:
    """A set of equal standing, tried beside the default for newborns of some days, stood there twenty times."""
    result = cbc.screen({"hemoglobin": "119 g/L", "wbc": "8 10^9/L", "platelets": "200 10^9/L"})
    for analyte in result.analytes:
        assert len(set(analyte.ranges)) == len(analyte.ranges), analyte.analyte
    sets = [used.set for used in next(own for own in result.analytes if own.analyte == "hemoglobin").ranges]
    assert (sets.count("ohsu"), sets.count("default_v1") > 10) == (1, True)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([], "my_lab.csv: rows: the set is empty"),
        (["my_lab,hemoglobin,F,none,18,y,,,130,160,g/L", "another,platelets,any,none,18,y,,,150,400,10^9/L"],
         "my_lab.csv: set: one file holds one set"),
    ],
)  # fmt: skip
def test_a_file_holds_one_set(tmp_path: Path, rows: list[str], says: str) -> None:
    with pytest.raises(cbc.KnowledgeError, match=rf"^{re.escape(says)}"):
        cbc.Screener(ranges=own_set(tmp_path, *rows))
