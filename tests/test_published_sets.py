"""A line held against every published set: what is counted and named, that every door agrees, and that no flag changes."""

from __future__ import annotations

import itertools
import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.knowledge import load_knowledge

MAN = {"age": "40 y", "sex": "M", "hemoglobin": "132 g/L", "neutrophils": "1.8 10^9/L", "platelets": "145 10^9/L"}
LINES = ("red", "white", "platelet")
ANSWERS = ("low", "not_low", "cannot_tell", "not_assessed", "not_covered")


@cache
def comparing() -> cbc.Screener:
    return cbc.Screener(published_sets=True)


def of_line(record: dict[str, Any], line: str) -> Any:
    return next(found for found in comparing().screen(record).published_sets if found.line == line)


def test_a_man_with_neutrophils_of_1_8_is_low_in_four_of_sixteen_sets() -> None:
    # Lower limits above 1.8: iowa 2.188, the laboratory of Osei-Bimpong 2, Liverpool 2, Dorset 1.9 (2 is that of children).
    white = of_line(MAN, "white")
    assert white.text == "low in 4 of 16 published sets"
    assert white.low == ("iowa", "uk_oseibimpong2011", "uk_rlbuht", "uk_uhd")
    assert "uk_wakeman2007" in white.not_low  # 1.7
    assert "norip_adult" in white.not_covered  # it has no neutrophils
    assert white.cannot_tell == ()


@pytest.mark.parametrize(("hemoglobin", "answer"), [("133.9", "low"), ("134", "not_low"), ("134.1", "not_low")])
def test_the_boundary_is_that_of_the_set(hemoglobin: str, answer: str) -> None:
    assert "norip_adult" in getattr(of_line({**MAN, "hemoglobin": f"{hemoglobin} g/L"}, "red"), answer)


def test_what_is_compiled_and_what_counts_one_study_twice_is_left_out() -> None:
    named = {name for answer in ANSWERS for name in getattr(of_line(MAN, "red"), answer)}
    assert not named & {"default_v1", "default_pregnancy_v1", "nhanes_dxh800_agefine"}
    with_a_line = {
        own.id
        for own in load_knowledge().interval_sets.values()
        if {row.analyte for row in own.rows} & {"hemoglobin", "neutrophils", "wbc", "platelets"}
    }
    assert named == with_a_line - {"default_v1", "default_pregnancy_v1", "nhanes_dxh800_agefine"}


@pytest.mark.parametrize("hemoglobin", ["pending", "<150 g/L", "13.2"])
def test_what_is_unknown_is_low_and_not_low_in_no_set_that_it_may_be_either(hemoglobin: str) -> None:
    red = of_line({**MAN, "hemoglobin": hemoglobin}, "red")
    assert red.low == red.not_low == ()
    assert red.text == "cannot tell in any of 20 published sets"


@pytest.mark.parametrize(
    ("line", "left_out", "said", "covering"),
    [
        ("red", ["hemoglobin"], "not assessed: no hemoglobin sent", 20),
        ("white", ["neutrophils"], "not assessed: no neutrophils or white cells sent", 22),
        ("platelet", ["platelets"], "not assessed: no platelets sent", 14),
    ],
)
def test_a_line_for_which_nothing_was_sent_is_not_assessed(
    line: str, left_out: list[str], said: str, covering: int
) -> None:
    found = of_line({name: text for name, text in MAN.items() if name not in left_out}, line)
    assert found.text == said
    assert len(found.not_assessed) == covering
    assert found.low == found.not_low == found.cannot_tell == ()
    assert "mayo" in found.not_assessed
    assert "preg_dockree2021" in found.not_covered


def test_white_cells_alone_are_something_sent() -> None:
    white = of_line({"age": "40 y", "sex": "M", "wbc": "2.0 10^9/L"}, "white")
    assert white.text == "low in 20 of 22 published sets, 2 cannot tell"
    assert white.cannot_tell == ("kenya_kericho", "ucsf_diff")  # neutrophils from 0.914 and 1.8, and no white cells
    assert white.not_assessed == ()


def test_of_sets_that_cannot_tell_those_that_can_come_first() -> None:
    red = of_line({**MAN, "sex": "unknown", "hemoglobin": "125 g/L"}, "red")
    assert red.text == f"low in {len(red.low)} of 20 published sets, {len(red.cannot_tell)} cannot tell"
    assert red.low


def test_an_unknown_sex_is_an_answer_only_where_both_agree() -> None:
    red = of_line({**MAN, "sex": "unknown", "hemoglobin": "125 g/L"}, "red")
    assert "norip_adult" in red.cannot_tell  # women from 117, men from 134
    assert "sysmex_adult" in red.cannot_tell
    assert "arup" in red.low  # 126 and 148


@pytest.mark.parametrize(
    ("record", "covered", "not_covered"),
    [
        ({"context": {"duffy_null_phenotype": "present"}}, {"duffy_null_uk", "mayo"}, {"preg_dockree2021"}),
        ({}, {"mayo"}, {"duffy_null_uk", "duffy_null_usa", "preterm_ochiai2016"}),
        ({"sex": "F", "pregnancy": "T2"}, {"preg_dockree2021"}, {"mayo", "nhanes_dxh800", "duffy_null_uk"}),
        ({"age": "0 d"}, {"ucsf_diff"}, {"preterm_ochiai2016", "mali_adult"}),
        ({"age": "0 d", "gestation_at_birth": "27 wk"}, {"preterm_ochiai2016"}, {"ucsf_diff", "neo_manroe_neut"}),
        ({"age": "0 d", "gestation_at_birth": "36-38 wk"}, set(), {"preterm_ochiai2016", "ucsf_diff"}),
        ({"age": "3 d", "gestation_at_birth": "27 wk"}, set(), {"preterm_ochiai2016", "ucsf_diff"}),
    ],
)
def test_whom_a_set_covers(record: dict[str, Any], covered: set[str], not_covered: set[str]) -> None:
    white = of_line({**MAN, **record}, "white")
    assert covered <= {*white.low, *white.not_low, *white.cannot_tell}
    assert not_covered <= set(white.not_covered)
    if not covered:
        assert white.text == "no published set covers this person"


# Laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "norip_adult",
        "mayo",
        "life_child",
        "uk_uhd",
        "uk_wakeman2007",
        "preg_dockree2021",
        "duffy_null_uk",
        "neo_wiedmeier_plt",
    ],
)
def test_a_set_says_what_a_screen_with_it_says(name: str) -> None:
    """Of a line whose analyte the set has; one that it does not cover is unknown under it, or judged by the default."""
    screener = cbc.Screener(ranges=name, prefer_reported_ranges=False)
    rows = load_knowledge().interval_sets[name].rows
    analytes = dict(zip(LINES, ("hemoglobin", "neutrophils", "platelets"), strict=True))
    compared = 0
    for age, sex, count, stage, duffy in itertools.product(
        ("0 d", "5 mo", "16 y", "40 y", "30-70 y"), ("F", "M", "unknown"), ((118, 1.1, 130), (140, 1.8, 155)),
        ("none", "T2"), ("present", "unknown"),
    ):  # fmt: skip
        record = {
            "age": age, "sex": sex, "pregnancy": stage if sex == "F" else None,
            "hemoglobin": f"{count[0]} g/L", "neutrophils": f"{count[1]} 10^9/L", "platelets": f"{count[2]} 10^9/L",
            "context": {"duffy_null_phenotype": duffy},
        }  # fmt: skip
        flags = screener.screen(record).flags(checklist=False)
        for line, analyte in analytes.items():
            found = of_line(record, line)
            [answer] = [own for own in ANSWERS if name in getattr(found, own)]
            if any(row.analyte == analyte for row in rows) and answer != "not_covered":
                assert answer == flags[f"{line}_line"], (record, line)
                compared += 1
    assert compared > 10


def people() -> list[dict[str, Any]]:
    ages = ("40 y", "0 d", "", "30-70 y")
    counts = (("118 g/L", "1.8 10^9/L", "145 10^9/L"), ("<130 g/L", "", "CLUMPED"), ("", ">1.5 10^9/L", "<20 10^9/L"))
    rows = []
    for age, sex, count, weeks, duffy, stage in itertools.product(
        ages, ("F", ""), counts, ("", "27+3"), ("", "present"), ("", "T1")
    ):
        hemoglobin, neutrophils, platelets = count
        rows.append(
            {"age": age, "sex": sex, "hemoglobin": hemoglobin, "neutrophils": neutrophils, "platelets": platelets,
             "wbc": "4.0 10^9/L", "gestation_at_birth": weeks, "duffy_null_phenotype": duffy, "pregnancy": stage}
        )  # fmt: skip
    return rows


def test_a_frame_gives_what_records_give_and_no_flag_changes() -> None:
    rows = people()
    table = pa.Table.from_pylist(rows)
    every = ("hemoglobin", "neutrophils", "platelets", "wbc")
    found = comparing().screen_frame(table, accept_units=every).to_pylist()
    plain = cbc.screen_frame(table, accept_units=every).to_pylist()
    said = set()
    for row, flags, without in zip(rows, found, plain, strict=True):
        assert {name: flags[name] for name in without} == without
        record = {name: text for name, text in row.items() if text and name != "duffy_null_phenotype"}
        record["context"] = {"duffy_null_phenotype": row["duffy_null_phenotype"] or "unknown"}
        assert comparing().screen(record).flags() == flags
        said.add(flags["white_line_sets"])
    assert len(said) > 10


def test_a_reported_range_is_of_no_published_set() -> None:
    ranged = {**MAN, "hemoglobin": {"value": 132, "unit": "g/L", "range": [140, 180]}}
    assert comparing().screen(ranged).flags()["red_line"] == "low"
    assert of_line(ranged, "red") == of_line(MAN, "red")


def test_the_choice_of_ranges_definition_and_grading_changes_nothing() -> None:
    for options in ({"ranges": "mayo"}, {"definition": "strict", "grading": "ctcae_v5"}):
        other = cbc.Screener(published_sets=True, **options)
        assert other.screen(MAN).published_sets == comparing().screen(MAN).published_sets


# Doors ---------------------------------------------------------------------------------------


def test_without_the_option_there_is_nothing_of_it() -> None:
    result = cbc.screen(MAN)
    assert result.published_sets == ()
    assert not [name for name in result.flags() if "_sets" in name]
    assert "PUBLISHED SETS" not in result.explain()


def test_it_is_in_the_text_in_json_and_in_a_copy() -> None:
    result = pickle.loads(pickle.dumps(comparing())).screen(MAN)
    assert "white: low in 4 of 16 published sets" in result.explain()
    assert "not a diagnosis" in result.explain().lower()
    [white] = [own for own in json.loads(result.model_dump_json())["published_sets"] if own["line"] == "white"]
    assert white["low"] == ["iowa", "uk_oseibimpong2011", "uk_rlbuht", "uk_uhd"]


def test_the_command_of_one_record() -> None:
    words = ["one", "--age", "40 y", "--sex", "M", "neutrophils=1.8 10^9/L", "--published-sets"]
    assert "white line: low in 4 of 16 published sets" in " ".join(CliRunner().invoke(main, words).output.split())
    told = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert told["columns"]["white_line_sets"] == "low in 4 of 16 published sets"


@pytest.fixture
def counts(tmp_path: Path) -> Path:
    path = tmp_path / "counts.csv"
    path.write_text(
        "age,sex,HGB (g/L),ANC (10^9/L),PLT (10^9/L)\n40 y,M,132,1.8,145\n40 y,F,90,4,300\n", encoding="utf-8"
    )
    return path


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_the_command_of_files(counts: Path, tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"flags.{ending}"
    done = CliRunner().invoke(main, ["scan", str(counts), "-o", str(out), "--published-sets"])
    assert done.exit_code == 0, done.output
    readers = {"csv": pd.read_csv, "parquet": pd.read_parquet, "ndjson": lambda path: pd.read_json(path, lines=True)}
    found = readers[ending](out)
    assert list(found["white_line_sets"]) == ["low in 4 of 16 published sets", "low in 0 of 16 published sets"]
    assert found["white_line_sets_low"][0] == "iowa;uk_oseibimpong2011;uk_rlbuht;uk_uhd"


def test_a_row_of_a_file_is_screened_again_with_the_sets(counts: Path, tmp_path: Path) -> None:
    out = tmp_path / "flags.parquet"
    comparing().scan(counts, out, received=True)
    done = CliRunner().invoke(main, ["explain", str(out), "--row", "2"])
    assert done.exit_code == 0, done.output
    assert "white: low in 4 of 16 published sets" in done.output


def test_packed_flags_have_no_place_for_it(counts: Path, tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match="packed flags do not hold published_sets"):
        comparing().scan(counts, tmp_path / "flags.parquet", packed=True)


def test_several_counts_of_a_person_are_not_compared(counts: Path) -> None:
    done = CliRunner().invoke(main, ["follow", str(counts), "--published-sets"])
    assert done.exit_code != 0
    assert "--published-sets is of single counts" in str(done.output) + str(done.exception)


@pytest.mark.parametrize(
    ("weeks", "neutrophils", "answer"),
    [
        # The set by gestation: under 28 weeks neutrophils from 0.64, 28 to under 32 from 0.37, 32 to under 37 from 1.19.
        ("27 wk", "0.63", "low"), ("27 wk", "0.64", "not_low"), ("30 wk", "0.36", "low"), ("30 wk", "0.37", "not_low"),
        ("34 wk", "1.18", "low"), ("34 wk", "1.19", "not_low"), ("39 wk", "1.18", "not_covered"),
    ],
)  # fmt: skip
def test_a_set_by_gestation_is_that_of_the_weeks(weeks: str, neutrophils: str, answer: str) -> None:
    newborn = {"age": "0 d", "sex": "F", "gestation_at_birth": weeks, "neutrophils": f"{neutrophils} 10^9/L"}
    assert "preterm_ochiai2016" in getattr(of_line(newborn, "white"), answer)
