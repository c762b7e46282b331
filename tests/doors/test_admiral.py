"""Grading schemes as criteria of admiral, run in R: the grade of `grade` at every limit, and NA where it is not known."""

from __future__ import annotations

import csv
import datetime
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import UsageError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.vocabulary import Pregnancy, SchemeId

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "r.md").read_text(encoding="utf-8")
SCHEMES = get_args(SchemeId)
STAGE = "PREGST"
SAMPLE = datetime.date(2024, 6, 20)
# What admiral does with criteria, in dplyr: its function for ages as its manual describes it, and the code of a term on its rows.
RUN = r"""
suppressPackageStartupMessages({library(dplyr); library(lubridate)})
compute_duration <- function(start_date, end_date, out_unit, add_one, trunc_out, type = "duration") {
  stopifnot(!add_one, trunc_out)
  span <- interval(start_date, end_date)
  if (type == "duration") span <- as.duration(span)
  trunc(time_length(span, out_unit))
}
signif_dig <- 15
criteria <- jsonlite::fromJSON("criteria.json")
stopifnot(all(c("TERM", "GRADE_CRITERIA_CODE", "DIRECTION", "UNIT_CHECK", "VAR_CHECK") %in% names(criteria)))
stopifnot(all(criteria$DIRECTION == "L"), !anyDuplicated(criteria$TERM))
for (i in seq_len(nrow(criteria))) {
  grid <- read.csv(paste0(i, ".csv"), colClasses = "character", na.strings = "")
  stopifnot(all(strsplit(criteria$VAR_CHECK[i], ", ")[[1]] %in% names(grid)))
  grid <- grid %>% mutate(AVAL = as.numeric(AVAL), ANRLO = as.numeric(ANRLO), BRTHDT = as.Date(BRTHDT), ADT = as.Date(ADT))
  code <- criteria$GRADE_CRITERIA_CODE[i]
  grid <- grid %>% mutate(ATOXGRL = eval(parse(text = code)))
  write.csv(grid["ATOXGRL"], paste0(i, ".out.csv"), row.names = FALSE, na = "")
}
"""


def r(script: str, folder: Path, **environment: str) -> str:
    path = folder / "script.R"
    path.write_text(script, encoding="utf-8")
    done = subprocess.run(
        ["Rscript", "--vanilla", str(path)],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Where a grade may change ------------------------------------------------------------------------------


def values(analyte: str, scheme: str) -> list[str]:
    """Return every limit of a table with the number below and above it, and numbers that cannot be believed."""
    found = load_knowledge()
    cuts = {cut for row in found.schemes[scheme].tables[analyte] for cut in (row.lower, row.upper) if cut is not None}
    lowest, highest = found.analytes[analyte].plausible
    near = [number + step for number in sorted(cuts | {lowest, highest}) for step in (-0.001, 0, 0.001)]
    return ["", "-1", *(f"{number:.6g}" for number in near)]


def births(analyte: str, scheme: str) -> list[str]:
    """Return birth dates of the day before, on and after each edge of age, some others, and none."""
    edges = {row.age_low for row in load_knowledge().schemes[scheme].tables[analyte] if row.age_low.count}
    days = [born(edge) + datetime.timedelta(days=step) for edge in sorted(edges) for step in (-1, 0, 1)]
    return ["", "1970-03-02", "2024-06-20", *(day.isoformat() for day in days)] if edges else ["", "1970-03-02"]


def born(edge: AgeEdge) -> datetime.date:
    """Return the birth date of somebody who reaches an age on the day of the sample."""
    if edge.unit == "d":
        return SAMPLE - datetime.timedelta(days=edge.count)
    years, months = divmod(edge.count, 12)
    month = SAMPLE.month - months
    return SAMPLE.replace(year=SAMPLE.year - years - (month < 1), month=month + 12 * (month < 1))


def grid(analyte: str, scheme: str, stages: list[str]) -> Iterator[dict[str, str]]:
    """Yield rows: every value with every birth date, sex and stage, and lower limits where a scheme has them."""
    rows = load_knowledge().schemes[scheme].tables[analyte]
    limits = ["", *(f"{number:g}" for number in around(rows))] if any(row.relative for row in rows) else [""]
    sexes = ["F", "M", "U", ""]
    for value, birth, sex, stage, limit in product(
        values(analyte, scheme), births(analyte, scheme), sexes, stages, limits
    ):
        yield {"AVAL": value, "BRTHDT": birth, "SEX": sex, STAGE: stage, "ANRLO": limit, "ADT": SAMPLE.isoformat()}


def around(rows: Any) -> list[float]:
    """Return lower limits below, on and above the band that ends at one."""
    (least,) = {row.lower for row in rows if row.relative}
    return [0.9 * least, least, 1.2 * least]


def ours(analyte: str, scheme: str, rows: list[dict[str, str]]) -> list[int | None]:
    """Return the grades of `grade` for the same rows."""
    unit = load_knowledge().analytes[analyte].unit
    given = {
        "birth_date": [row["BRTHDT"] or None for row in rows],
        "collected_at": [row["ADT"] for row in rows],
        "sex": [row["SEX"] or None for row in rows],
        "pregnancy": [row[STAGE] or None for row in rows],
    }
    limits = [float(row["ANRLO"]) if row["ANRLO"] else None for row in rows]
    found = cbc.grade(analyte, [row["AVAL"] or None for row in rows], unit, scheme=scheme, lower_limit=limits, **given)
    return [None if grade is None else int(grade) for grade in found.grade.tolist()]


def in_r(
    scheme: str, tables: dict[str, list[dict[str, str]]], folder: Path, pregnancy: str | None
) -> dict[str, list[int | None]]:
    """Return the grades of the criteria in R."""
    criteria = cbc.admiral_criteria(scheme, pregnancy=pregnancy)
    (folder / "criteria.json").write_text(json.dumps(criteria), encoding="utf-8")
    for number, rows in enumerate(tables.values(), start=1):
        with (folder / f"{number}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    r(RUN, folder)
    found = {}
    for number, analyte in enumerate(tables, start=1):
        lines = (folder / f"{number}.out.csv").read_text(encoding="utf-8").splitlines()[1:]
        found[analyte] = [int(cell.strip('"')) if cell.strip('"') else None for cell in lines]
    return found


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("pregnancy", [None, STAGE])
def test_every_grade_in_r_is_that_of_grade(tmp_path: Path, scheme: str, pregnancy: str | None) -> None:
    stages = (
        [""]
        if pregnancy is None
        else ["", *(stage for stage in Pregnancy if stage is not Pregnancy.NOT_STATED), "other"]
    )
    tables = {analyte: list(grid(analyte, scheme, stages)) for analyte in load_knowledge().schemes[scheme].tables}
    for analyte, grades in in_r(scheme, tables, tmp_path, pregnancy).items():
        rows = tables[analyte]
        assert len(grades) == len(rows)
        wanted = ours(analyte, scheme, [{**row, STAGE: row[STAGE].replace("other", "unknown")} for row in rows])
        for row, mine, there in zip(rows, wanted, grades, strict=True):
            if not row["ANRLO"] and needs_limit(analyte, scheme):
                # `grade` takes the default set's limit for what a laboratory does not say; there it stays unknown.
                assert there in (mine, None), (analyte, row)
                assert there != 0, (analyte, row)
                assert there == mine or mine in (0, 1, None), (analyte, row)
            else:
                assert there == mine or excused(row, there), (analyte, row, mine, there)
        assert {0, 1, 2, 3} <= set(grades), analyte


def needs_limit(analyte: str, scheme: str) -> bool:
    return any(row.relative for row in load_knowledge().schemes[scheme].tables[analyte])


def excused(row: dict[str, str], there: int | None) -> bool:
    """Tell where R may know less: a stage that is not known is possible at any age there, and not in a child here."""
    return there is None and row[STAGE] in ("unknown", "other")


def test_ages_turn_on_the_same_day_for_every_birthday(tmp_path: Path) -> None:
    """Ends of months and 29 February among them: 20 birth dates a year, the sample within two days of the 13th birthday."""
    rows = []
    for month, day in product(range(1, 13), (1, 28, 29, 30, 31)):
        for year in (2007, 2008):
            try:
                birth = datetime.date(year, month, day)
            except ValueError:
                continue
            turns = birth + datetime.timedelta(days=round(13 * 365.2425))
            for step in range(-2, 3):
                sample = (turns + datetime.timedelta(days=step)).isoformat()
                rows.append(
                    {"AVAL": "107", "BRTHDT": birth.isoformat(), "SEX": "M", STAGE: "", "ANRLO": "", "ADT": sample}
                )
    others = [{**rows[0], "AVAL": "1"}]
    tables = {"hemoglobin": rows, "platelets": others, "neutrophils": others, "wbc": others}
    found = in_r("daids_v2_1", tables, tmp_path, None)["hemoglobin"]
    assert {0, 1} == set(found)
    differing = [
        row
        for row, mine, there in zip(rows, ours("hemoglobin", "daids_v2_1", rows), found, strict=True)
        if mine != there
    ]
    assert differing == []


def test_a_sample_before_birth_has_no_grade_where_age_counts(tmp_path: Path) -> None:
    row = {"AVAL": "1", "BRTHDT": "2024-06-21", "SEX": "M", STAGE: "", "ANRLO": "", "ADT": SAMPLE.isoformat()}
    tables = {
        analyte: [{**row, "AVAL": "30" if analyte == "hemoglobin" else "0.1"}]
        for analyte in ("hemoglobin", "platelets", "neutrophils", "wbc")
    }
    found = in_r("daids_v2_1", tables, tmp_path, None)
    assert found == {"hemoglobin": [None], "platelets": [4], "neutrophils": [None], "wbc": [None]}


def test_the_form_is_that_of_admirals_own_criteria() -> None:
    for scheme in SCHEMES:
        for row in cbc.admiral_criteria(scheme):
            clauses = [row["GRADE_NA_CODE"], *(row[f"GRADE_{grade}_CODE"] for grade in (4, 3, 2, 1)), 'TRUE ~ "0"']
            assert row["GRADE_CRITERIA_CODE"] == f"case_when({', '.join(clause for clause in clauses if clause)})"
            assert row["DIRECTION"] == "L"
            assert row["UNIT_CHECK"] in ("g/L", "10^9/L")
            assert (row["COMMENT"] or "").startswith(cbc.NOTICE)
            assert "FILTER" not in row
            for grade in (1, 2, 3, 4):
                assert (row[f"GRADE_{grade}"] is None) == (row[f"GRADE_{grade}_CODE"] is None)


def test_terms_are_the_schemes_own() -> None:
    assert [row["TERM"] for row in cbc.admiral_criteria("ctcae_v5")] == [
        "Anemia", "Platelet count decreased", "Neutrophil count decreased", "White blood cell decreased", "Lymphocyte count decreased",
    ]  # fmt: skip
    assert [row["TERM"] for row in cbc.admiral_criteria("who_2024")] == ["Hemoglobin decreased"]


def test_a_grade_of_ctcae_by_hand() -> None:
    row = cbc.admiral_criteria("ctcae_v5")[1]
    assert row["GRADE_4_CODE"] == 'signif(AVAL, signif_dig) < 25 ~ "4"'
    assert row["GRADE_1_CODE"] == (
        # The default's lower limits lie between 141 (a man) and 248 (an infant); one may be twice as far off.
        "is.na(ANRLO) | ANRLO < 70.5 | ANRLO > 496 ~ NA_character_, "
        'signif(AVAL, signif_dig) < signif(pmax(ANRLO, 75), signif_dig) ~ "1"'
    )
    assert (row["GRADE_1"], row["GRADE_4"]) == ("75 to < lower limit of normal 10^9/L", "< 25 10^9/L")
    assert row["VAR_CHECK"] == "AVAL, ANRLO"


@pytest.mark.parametrize("column", ["", "1x", "a b", "x); stop(", 'P"'])
def test_a_column_is_a_name(column: str) -> None:
    with pytest.raises(UsageError, match="pregnancy: name a column"):
        cbc.admiral_criteria("who_2024", pregnancy=column)


def test_the_command_writes_the_same_rows(tmp_path: Path) -> None:
    out = tmp_path / "criteria.json"
    done = CliRunner().invoke(main, ["admiral", "who_2024", "--pregnancy-column", STAGE, "-o", str(out)])
    assert done.exit_code == 0, done.output
    assert json.loads(out.read_text(encoding="utf-8")) == cbc.admiral_criteria("who_2024", pregnancy=STAGE)
    assert CliRunner().invoke(main, ["admiral", "who_2024", "-o", str(out)]).exit_code == 2
    assert json.loads(CliRunner().invoke(main, ["admiral", "ctcae_v5"]).output) == cbc.admiral_criteria("ctcae_v5")
    refused = CliRunner().invoke(main, ["admiral", "ctcae_v7"])
    assert refused.exit_code == 2


# The page ----------------------------------------------------------------------------------------------


def test_the_page_runs_in_r(tmp_path: Path) -> None:
    first, files, criteria = re.findall(r"```r\n(.*?)```", PAGE, re.DOTALL)
    (shown,) = re.findall(r"```\n\n```\n(.*?)```", PAGE, re.DOTALL)
    python = {"RETICULATE_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "src")}
    assert r(first, tmp_path, **python) == shown
    source = tmp_path / "export.csv"
    source.write_text(
        "age,sex,HGB (g/dL),NEUT (10^9/L),PLT (10^9/L)\n54 y,F,6.8,0.9,40\n30 y,M,15,4.0,\nragged\n", encoding="utf-8"
    )
    commands = re.findall(r"cbc-screen (.*)", "".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)))
    for command in commands:
        done = CliRunner().invoke(main, [str(tmp_path / word) if "." in word else word for word in command.split()])
        assert done.exit_code == 0, done.output
    told = r(files + "cat(flags$pattern, nrow(rejected), rejected$reason)", tmp_path)
    assert told.endswith("pancytopenia cannot_tell 1 ROW_RAGGED")
    loads = criteria.partition("adlb <-")[0]
    assert "Platelet count decreased" in r(
        f"print({loads.splitlines()[1]})".join([loads.splitlines()[0] + "\n", "\n"]), tmp_path
    )
