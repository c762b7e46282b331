"""What comes out: verdicts, the page to sign, CSV and JSON, and the command from end to end."""

from __future__ import annotations

import csv
import json
import re
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main

SET = "nhanes_dxh800"  # hemoglobin of women 117 to 153 g/L


@lru_cache(maxsize=1)
def routine() -> pd.DataFrame:
    """Return 3,000 women as a hospital has them: four of ten below, and platelets of healthy people that lie too high."""
    generator = np.random.default_rng(7)
    hemoglobin = np.concatenate([generator.normal(135, 9.2, 1800), generator.normal(100, 11, 1200)]).round()
    platelets = np.exp(generator.normal(np.log(330), 0.2, 3000)).round()
    return pd.DataFrame({"age": "50 y", "sex": "F", "HGB (g/L)": hemoglobin, "PLT (10^9/L)": platelets})


@lru_cache(maxsize=1)
def verified() -> cbc.RangeVerification:
    return cbc.verify_ranges(routine(), SET)


def test_the_sick_side_is_refused_and_the_other_one_told() -> None:
    hemoglobin = verified().bands[0]
    assert (hemoglobin.analyte, hemoglobin.results) == ("hemoglobin", 3000)
    assert hemoglobin.lower.verdict is cbc.RangeVerdict.CANNOT_TELL
    assert hemoglobin.lower.reasons == ("healthy_share_low",)
    assert hemoglobin.lower.estimate is None
    assert hemoglobin.upper.verdict is cbc.RangeVerdict.ADOPT
    assert hemoglobin.upper.estimate == pytest.approx(153, abs=4.9)
    assert hemoglobin.healthy is not None
    assert 0.25 < hemoglobin.healthy.sick_below < 0.5


def test_limits_of_other_people_are_to_be_investigated() -> None:
    """Healthy platelets here reach from 223 to 488: the lower limit of 157 and the upper one of 377 are not theirs."""
    platelets = verified().bands[1]
    assert [side.verdict.value for side in (platelets.lower, platelets.upper)] == ["investigate", "investigate"]
    assert platelets.lower.estimate == pytest.approx(223, rel=0.06)
    assert platelets.upper.estimate == pytest.approx(488, rel=0.06)


def test_fewer_results_than_an_estimate_needs() -> None:
    (band,) = cbc.verify_ranges(routine().head(999), SET, analytes=["platelets"]).bands
    assert band.lower.reasons == ("too_few_for_estimate",)
    assert band.lower.verdict is cbc.RangeVerdict.CANNOT_TELL


def test_results_that_are_bounds_are_not_left_out_of_an_estimate_in_silence() -> None:
    frame = routine().head(1100).astype({"PLT (10^9/L)": str})
    frame.loc[:11, "PLT (10^9/L)"] = "<200"  # 12 of 1,100 are more than 1 in 100
    (band,) = cbc.verify_ranges(frame, SET, analytes=["platelets"]).bands
    assert (band.bounds, band.lower.reasons) == (12, ("too_many_bounds",))


def test_results_written_in_steps_of_ten_have_too_few_values() -> None:
    frame = routine().head(1100).assign(**{"HGB (g/L)": lambda own: (own["HGB (g/L)"] / 10).round() * 10})
    (band,) = cbc.verify_ranges(frame, SET, analytes=["hemoglobin"]).bands
    assert band.lower.reasons == ("too_few_values",)


def test_the_frame_has_a_row_a_limit() -> None:
    frame = verified().to_frame()
    assert list(frame["side"]) == ["lower", "upper"] * 2
    assert list(frame["limit"]) == [117, 153, 157, 377]
    assert set(frame["notice"]) == {cbc.NOTICE}
    (lower,) = frame[(frame["analyte"] == "platelets") & (frame["side"] == "lower")].to_dict("records")
    assert lower["exact_low"] <= lower["outside_least"] / lower["results"] <= lower["exact_high"]
    assert lower["outside_expected"] == 0.025


@pytest.fixture
def page(tmp_path: Path) -> str:
    verified().write(tmp_path / "page.html")
    return (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_page_holds_what_a_director_signs(page: str) -> None:
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for said in (
        cbc.NOTICE,
        "Local verification of reference ranges",
        "Set nhanes_dxh800 . Results of routine patients",
        "3,000 rows in = 3,000 used",
        "Hemoglobin, female, 18 y and over: 3,000 results",
        "beside the healthy there are too many sick on this side",
        "Signature",
        "initials",
        "CLSI. Defining, Establishing, and Verifying Reference Intervals",
    ):
        assert said in text, said
    # The rule of samples with its chances: of 20 samples a right range is adopted in 92.5 %, one with 10 % outside in 67.7 %.
    assert re.search(r"5 % \(the range is right\) 92\.5 % 7\.3 % 0\.3 % 10 % 67\.7 % 28 % 4\.3 %", text)


def test_the_page_needs_nothing_but_itself(page: str) -> None:
    assert "<script" not in page
    assert not re.search(r"(src|href)\s*=", page)
    assert "default-src 'none'" in page
    assert ".verified-page{background:light-dark(" in page  # light or dark, as the reader has it
    assert "color-scheme:light dark" in page
    assert "@media print" in page


def test_the_figures_are_drawn_and_told_in_words(page: str) -> None:
    figures = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(figures) == 2
    labels = [re.search(r'aria-label="([^"]*)"', figure)[1] for figure in figures]  # type: ignore[index]
    assert re.match(
        r"Hemoglobin, female, 18 y and over: lower limit 117, not estimated: cannot tell; upper limit 153, estimated 15\d",
        labels[0],
    )
    for figure in figures:
        places = [float(place) for place in re.findall(r'\bx[12]?="([-\d.]+)"', figure)]
        assert min(places) >= -4
        assert max(places) <= 360
    assert figures[0].count('class="estimate"') == 1  # the lower limit is not estimated
    assert figures[1].count('class="estimate"') == 2


def test_json_holds_everything(tmp_path: Path) -> None:
    verified().write(tmp_path / "all.json")
    found = json.loads((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert found["notice"] == cbc.NOTICE
    assert found["bands"][1]["lower"]["verdict"] == "investigate"
    assert sum(found["bands"][0]["histogram"][1]) > 2900


def test_a_page_of_reference_individuals_shows_no_one_of_them(tmp_path: Path) -> None:
    frame = pd.DataFrame({"age": "40 y", "sex": "F", "HGB (g/L)": [128.371 + n for n in range(20)]})
    found = cbc.verify_ranges(frame, SET, results_of="reference")
    for name in ("a.html", "a.csv", "a.json"):
        found.write(tmp_path / name)
        assert "128.37" not in (tmp_path / name).read_text(encoding="utf-8")
    assert "of 20 at most 2 may lie outside the limits (below the lower or above the upper)" in (
        tmp_path / "a.html"
    ).read_text(encoding="utf-8")


def test_the_command_from_a_file_to_its_outputs(tmp_path: Path) -> None:
    source, out, everything, report = (tmp_path / name for name in ("in.csv", "out.csv", "out.json", "out.html"))
    routine().to_csv(source, index=False)
    command = ["ranges", "verify", str(source), "--set", SET, "--analyte", "hemoglobin", "-o", str(out)]
    command += ["-o", str(everything), "--report", str(report), "--text-units", "us"]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert lines[0] == cbc.NOTICE
    assert "3,000 rows in = 3,000 used" in lines
    assert "hemoglobin, g/dL, female, 18 y and over: 3,000 results" in lines
    assert any(
        re.match(r"upper 15\.3 \+/- 0\.49 outside .* estimate 15\.\d.* adopt: estimate agrees", own) for own in lines
    )
    assert "limits: adopt 1, investigate 0, cannot tell 1" in lines
    with out.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(own["side"], own["verdict"], own["limit"]) for own in rows] == [
        ("lower", "cannot_tell", "117.0"),
        ("upper", "adopt", "153.0"),
    ]
    assert json.loads(everything.read_text(encoding="utf-8"))["rows"] == 3000
    assert "15.3" in report.read_text(encoding="utf-8")
    assert CliRunner().invoke(main, command).exit_code == 2  # nothing is overwritten unless it is asked for
    assert CliRunner().invoke(main, [*command, "--force"]).exit_code == 0


def test_the_command_refuses_in_one_line(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    routine().head(19).to_csv(source, index=False)
    done = CliRunner().invoke(main, ["ranges", "verify", str(source), "--set", SET])
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert "the rule needs 20 in a band" in done.output
    bad = CliRunner().invoke(main, ["ranges", "verify", str(source), "--set", SET, "--stated-percentiles", "95"])
    assert bad.exit_code == 2
    assert "takes LOW-HIGH" in bad.output


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match=r"\.csv .*, \.json .* or \.html"):
        verified().write(tmp_path / "a.pdf")
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(cbc.UsageError, match="exists"):
        verified().write(tmp_path / "a.csv")


def test_a_notebook_shows_it() -> None:
    shown = verified()._repr_html_()
    assert shown.startswith('<div class="cbc-screen verified">')
    assert cbc.NOTICE in shown
