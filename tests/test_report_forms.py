"""One result in every form: text, page, terminal, figure. The same facts, in the reader's units (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from rich.console import Console

import cbc_screen as cbc
from cbc_screen.report.bars import Band, Tick, bar_of
from cbc_screen.report.brief import print_brief
from cbc_screen.report.units import text_units
from cbc_screen.report.wording import analyte_words, begun_low, line_words, person_words, received_words
from cbc_screen.vocabulary import NOTICE, Severity

mpl.use("Agg")

RECORD = {
    "age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "wbc": "2.3 10^9/L", "neutrophils": "0.9 10^9/L",
    "platelets": "<10 10^9/L", "mcv": "190 fL", "reticulocytes": "CLOTTED", "hematocrit": "27 %",
    "film": {"blasts_on_film": "absent"}, "context": {"fever": "present"},
}  # fmt: skip


class Words(HTMLParser):
    """The text of a page, cell by cell, and its elements."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        self.text = " ".join(" ".join(self.words).split())

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))


def printed(result: cbc.ScreeningResult, width: int = 120) -> str:
    console = Console(width=width, file=None, record=True, color_system=None)
    with console.capture() as captured:
        print_brief(console, result)
    return captured.get()


# Units of texts --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("analyte", "value", "si", "us"),
    [
        # canonical 91 g/L is 9.1 g/dL; 0.27 L/L is 27 %; ×10⁹/L and ×10³/µL are the same number
        ("hemoglobin", 91.0, "91 g/L", "9.1 g/dL"),
        ("hematocrit", 0.27, "0.27 L/L", "27 %"),
        ("platelets", 150.0, "150 ×10⁹/L", "150 ×10³/µL"),
        ("rbc", 4.31, "4.31 ×10¹²/L", "4.31 ×10⁶/µL"),
        ("mchc", 334.0, "334 g/L", "33.4 g/dL"),
        ("mcv", 79.9, "79.9 fL", "79.9 fL"),
        ("neutrophils_percent", 55.0, "55 %", "55 %"),
        ("ferritin", 12.0, "12 µg/L", "12 µg/L"),  # no US unit is named: as it is
    ],
)
def test_a_number_is_written_in_the_readers_units(analyte: str, value: float, si: str, us: str) -> None:
    for system, text in (("si", si), ("us", us)):
        units = text_units(system)
        assert f"{units.number(analyte, value)} {units.unit(analyte)}" == text


def test_every_text_is_in_the_chosen_units_and_every_value_is_not() -> None:
    si, us = cbc.screen(RECORD), cbc.screen(RECORD, text_units="us")
    assert us.flags() == si.flags()
    assert [a.low for a in us.analytes] == [a.low for a in si.analytes]
    for text in (us.explain(), Words(us._repr_html_()).text, printed(us)):
        assert "11.7 to 15.3" in text
        assert "117 to 153" not in text
        # fibrinogen, which is of no count, stays as its source has it
        assert not re.search(r"[Hh]emoglobin [^;.\]]*\d g/L", text)
    # a condition's own number, too: 100 g/L is 10 g/dL
    assert "hemoglobin below 10 g/dL" in us.explain()
    assert "hemoglobin below 100 g/L" in si.explain()


def test_a_unit_as_it_is_written_is_read_again() -> None:
    for system in ("si", "us"):
        units = text_units(system)
        for name in ("hemoglobin", "platelets", "rbc", "hematocrit", "mcv", "mch", "ferritin"):
            (analyte,) = cbc.screen({name: f"{units.number(name, 40.0)} {units.unit(name)}"}).analytes
            assert analyte.low == 40.0 or analyte.reasons == (cbc.Reason.NUMBER_IMPLAUSIBLE,), (name, system)


def test_other_units_of_texts_are_refused() -> None:
    with pytest.raises(cbc.UsageError, match="text_units must be one of si, us"):
        cbc.Screener(text_units="metric")


# The parts, worded once -------------------------------------------------------------------


def test_the_person_as_received_and_as_used() -> None:
    record = {"birth_date": "1970-03", "collected_at": "2024-03-15", "sex": "female", "pregnancy": "n", **RECORD}
    record.pop("age")
    assert person_words(cbc.screen({**record, "age": None}).person) == [
        # born 1 to 31 March 1970: 53 or 54 completed years on 15 March 2024
        ("age at collection", "not given", "53 to 54 y"),
        ("birth date", "1970-03", ""),
        ("collected", "2024-03-15", ""),
        ("sex", "F", "female"),
        ("pregnancy", "n", "none"),
        ("stated present", "fever", ""),
        ("stated absent", "blasts on the film", ""),
    ]


@pytest.mark.parametrize(
    ("age", "words", "years"),
    [
        ("54 y", "54 y", (54, 54)), ("7 mo", "7 mo", (0, 0)), ("23 mo", "23 mo", (1, 1)), ("2 y", "2 y", (2, 2)),
        ("3 d", "3 d", (0, 0)), ("> 89 y", "89 y and over", (89, 149)), (None, "unknown", None), ("old", "unknown", None),
    ],
)  # fmt: skip
def test_an_age_in_words(age: str | None, words: str, years: tuple[int, int] | None) -> None:
    person = cbc.screen({"age": age, "hemoglobin": "9.1 g/dL"}).person
    assert (person.age, person.years) == (words, years)


def test_what_a_result_without_a_unit_was_read_in() -> None:
    (analyte,) = cbc.screen({"hemoglobin": 9.1}, units="us").analytes
    assert received_words(analyte) == "9.1 (declared g/dL)"
    (analyte,) = cbc.screen({"hemoglobin": "9.1 g/dL"}, units="si").analytes
    assert received_words(analyte) == "9.1 g/dL"


def test_a_bar_is_linear_from_zero_to_a_quarter_above_the_highest_limit() -> None:
    """Hemoglobin of a woman: range 117 to 153, so the bar ends at 191.25 and 91 stands at 91/191.25 = 0.476."""
    result = cbc.screen(RECORD)
    analytes, lines = {a.analyte: a for a in result.analytes}, {line.analyte: line for line in result.lines}
    bar = bar_of(analytes["hemoglobin"], lines["hemoglobin"], text_units("si"))
    assert bar is not None
    assert (bar.start, bar.end, bar.beyond, bar.ranges) == (476, 476, False, ((612, 800),))
    assert bar.ticks == (Tick(612, "117"), Tick(800, "153"))
    # grades of WHO 2024 for a woman: 110 to 120 mild, 80 to 110 moderate, below 80 severe
    assert set(bar.bands) == {
        Band(575, 627, Severity.MILD), Band(418, 575, Severity.MODERATE), Band(0, 418, Severity.SEVERE),
    }  # fmt: skip
    assert bar.text == "Hemoglobin: 91 g/L, low"


@pytest.mark.parametrize(
    ("platelets", "start", "end", "beyond"),
    [
        # range 157 to 377, so the bar ends at 471.25
        ("<10 10^9/L", 0, 21, False), ("0 10^9/L", 0, 0, False), (">900 10^9/L", 1000, 1000, True),
        ("900 10^9/L", 1000, 1000, True), ("CLUMPED", None, None, False), ("100-200 10^9/L", 212, 424, False),
    ],
)  # fmt: skip
def test_where_a_value_stands_on_its_bar(platelets: str, start: int | None, end: int | None, beyond: bool) -> None:
    (analyte,) = cbc.screen({"age": "54 y", "sex": "F", "platelets": platelets}).analytes
    bar = bar_of(analyte, None, text_units("si"))
    assert bar is not None
    assert (bar.start, bar.end, bar.beyond) == (start, end, beyond)


def test_a_result_without_a_range_has_no_bar() -> None:
    (analyte,) = cbc.screen({"age": "54 y", "sex": "F", "immature_granulocytes": "0.1 10^9/L"}).analytes
    assert analyte.ranges == ()
    assert bar_of(analyte, None, text_units("si")) is None


def test_bands_that_differ_between_the_possible_persons_are_not_shown() -> None:
    """WHO grades hemoglobin by sex: without it there is no one set of bands; platelets are graded alike."""
    lines = {str(line.line): line for line in cbc.screen({**RECORD, "sex": None}).lines}
    assert lines["red"].bands == ()
    assert [(band.grade, band.lower, band.upper) for band in lines["platelet"].bands] == [
        (1, 100.0, 150.0), (2, 50.0, 100.0), (3, 20.0, 50.0), (4, None, 20.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("grading", "graded_on", "bands"),
    [("clinical", "wbc", []), ("ctcae_v5", "wbc", [1, 2, 3, 4])],  # the clinical scheme grades neutrophils alone
)
def test_a_white_line_without_neutrophils_has_the_bands_of_wbc_or_none(
    grading: str, graded_on: str, bands: list[int]
) -> None:
    result = cbc.screen({"age": "54 y", "sex": "F", "wbc": "1.1 10^9/L"}, grading=grading)
    (white,) = [line for line in result.lines if line.line.value == "white"]
    assert (white.graded_on, sorted(band.grade for band in white.bands)) == (graded_on, bands)
    assert ("grades of wbc" in result.explain()) is bool(bands)
    assert "grades of neutrophils" not in result.explain()


def test_the_blood_items_say_what_they_ask_and_the_answer() -> None:
    """Neutrophils 0.9 and platelets below 10: one severe item is met, reticulocytes are not known."""
    from cbc_screen.report.wording import criteria_words

    assert criteria_words(cbc.screen(RECORD)) == [
        ("neutrophils below 0.5 ×10⁹/L", "not met"),
        ("platelets below 20 ×10⁹/L", "met"),
        ("neutrophils below 0.2 ×10⁹/L", "not met"),
        ("reticulocytes below 60 ×10⁹/L (automated) or reticulocytes below 20 ×10⁹/L (manual)", "cannot tell"),
    ]


def test_what_did_not_fire_and_is_not_known_to_be_absent_is_named() -> None:
    """With hemoglobin alone no check of platelets or of MCHC can be told, and no condition of a second low line."""
    alone = set(cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "130 g/L"}).untold)
    assert {"guard:mchc_out_of_reach", "trigger:notify_platelets", "condition:aplastic_anemia"} <= alone
    whole = {
        "age": "54 y", "sex": "F", "hemoglobin": "130 g/L", "mchc": "335 g/L", "neutrophils": "4 10^9/L",
        "platelets": "250 10^9/L", "rbc": "4.3 10^12/L", "hematocrit": "0.39 L/L",
    }  # fmt: skip
    told = set(cbc.screen(whole).untold)
    assert not told & {"guard:mchc_out_of_reach", "trigger:notify_platelets", "condition:aplastic_anemia"}
    assert not set(cbc.screen(RECORD).untold) & {f"condition:{entry.id}" for entry in cbc.screen(RECORD).checklist}


@pytest.mark.parametrize(
    ("grading", "sex", "words"),
    [
        # CTCAE grade 1 of anemia begins at the laboratory's own lower limit
        ("ctcae_v5", "F", "1: 100 to under the lower limit of the range; 2: 80 to under 100; 3: under 80"),
        ("who_2024", "F", "0: 120 and over; 1: 110 to under 120; 2: 80 to under 110; 3: under 80"),
    ],
)
def test_the_bands_of_a_grade_in_words(grading: str, sex: str, words: str) -> None:
    text = " ".join(cbc.screen({"age": "54 y", "sex": sex, "hemoglobin": "110 g/L"}, grading=grading).explain().split())
    assert f"grades of hemoglobin in g/L: {words}" in text


def test_adjusted_hemoglobin_is_not_drawn_against_the_bands_of_its_grade() -> None:
    record = {"age": "54 y", "sex": "F", "hemoglobin": "128 g/L", "elevation": "3500 m"}
    result = cbc.screen(record, definition="clinical", adjust_hemoglobin=("elevation",))
    (analyte,) = [analyte for analyte in result.analytes if analyte.analyte == "hemoglobin"]
    (red,) = [line for line in result.lines if line.line.value == "red"]
    bar = bar_of(analyte, red, text_units("si"))
    assert red.bands
    assert bar is not None
    assert bar.bands == ()


def test_wbc_that_stands_for_neutrophils_names_whose_limit_it_is_held_against() -> None:
    (white,) = [
        line for line in cbc.screen({"age": "54 y", "sex": "F", "wbc": "1.1 10^9/L"}, definition="mds").lines
        if line.line.value == "white"
    ]  # fmt: skip
    assert (white.analyte, white.limit_of, white.limits) == ("wbc", "neutrophils", (1.8,))
    text = " ".join(cbc.screen({"age": "54 y", "sex": "F", "wbc": "1.1 10^9/L"}, definition="mds").explain().split())
    assert "wbc 1.1 ×10⁹/L below 1.8 ×10⁹/L of neutrophils, which are at most wbc" in text


@pytest.mark.parametrize(
    ("limits", "drawn"),
    [
        ((160, 120), ()),
        ((0, 0), ()),
        ((-5, 160), ()),
        ((110, float("inf")), ()),
        ((1e308, None), ()),
        ((110, 150), (110, 150)),
    ],
)
def test_only_a_reported_range_that_was_used_is_drawn(limits: tuple[float, float], drawn: tuple[float, ...]) -> None:
    result = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": {"value": 91, "unit": "g/L", "range": limits}})
    (analyte,) = result.analytes
    bar = bar_of(analyte, None, text_units("si"))
    assert bar is not None
    assert len(bar.ranges) == (2 if drawn else 1)
    assert ("(not used)" in result.explain()) is not bool(drawn)
    assert result._repr_html_()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (">12.8 g/dL", "above 128 g/L"),
        (">=12.8 g/dL", "128 g/L or more"),
        ("<5 g/dL", "below 50 g/L"),
        ("5-6 g/dL", "50 to 60 g/L"),
    ],
)
def test_an_open_value_in_words(value: str, told: str) -> None:
    result = cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": value})
    assert analyte_words(result.analytes[0], text_units("si")).used == told


def test_an_exponent_is_no_unit() -> None:
    (analyte,) = cbc.screen({"platelets": "2.5e5"}, units={"platelets": "/uL"}).analytes
    assert received_words(analyte) == "2.5e5 (declared /µL)"


def test_a_line_break_of_the_input_makes_no_line_of_its_own() -> None:
    text = cbc.screen(
        {"age": "54 y", "sex": "F\n\nLINES all normal", "hemoglobin": "9.1 g/dL\n\nLINES all normal"}
    ).explain()
    assert not [line for line in text.splitlines() if line.startswith("LINES all")]
    assert "LINES all normal" in text


def test_many_threads_make_pages_at_once(monkeypatch) -> None:
    """What is kept between pages may be dropped by another thread at any time."""
    from concurrent.futures import ThreadPoolExecutor

    from cbc_screen.report.html import _Kept, result_html

    monkeypatch.setattr(_Kept, "MOST", 3)
    results = [cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": f"{90 + k} g/L"}) for k in range(24)]
    alone = [result_html(result) for result in results]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(result_html, results)) == alone


# The forms --------------------------------------------------------------------------------


def test_every_form_says_the_same_facts() -> None:
    result = cbc.screen(RECORD)
    units, by_name = text_units("si"), {analyte.analyte: analyte for analyte in result.analytes}
    page, text, brief = (
        Words(result._repr_html_()).text,
        " ".join(result.explain().split()),
        " ".join(printed(result, 200).split()),
    )
    facts = [NOTICE, result.pattern_text, "very severe", "2.3 10^9/L"]
    for line in result.lines:
        told = line_words(line, by_name.get(line.analyte), units)
        facts += [told.state, told.value, told.against, told.grade]
    for analyte in result.analytes:
        told_of = analyte_words(analyte, units)
        facts += [told_of.label, told_of.received, told_of.used, told_of.state]
    facts += [finding.text for finding in (*result.guards, *result.review_triggers)]
    for fact in facts:
        for form in (page, text, brief):
            assert " ".join(fact.split()) in form, fact
    for entry in result.checklist:
        for form in (page, text):
            assert entry.name in form
        for finding in (*entry.findings_for, *entry.findings_against):
            assert " ".join(finding.condition.split()) in page
    for source in result.sources:
        assert " ".join(source.citation.split()) in page


HOSTILE = "<img src=x onerror=alert(1)>\u202e\x07</div><script>alert(1)</script>"


def test_markup_and_control_characters_of_the_input_stay_text() -> None:
    result = cbc.screen(
        {"age": HOSTILE, "sex": HOSTILE, "pregnancy": HOSTILE, "collected_at": HOSTILE, "birth_date": HOSTILE,
         "hemoglobin": HOSTILE, "platelets": {"value": 9, "unit": HOSTILE}}
    )  # fmt: skip
    page = result._repr_html_()
    names = {tag for tag, _ in Words(page).elements}
    assert not names & {"img", "script"}
    assert Words(page).text.count("<script>alert(1)</script>") >= 5
    for form in (page, result.explain(), printed(result)):
        assert not any(character in form for character in "\u202e\x07")


def test_a_page_in_a_notebook_needs_nothing_from_elsewhere() -> None:
    page = cbc.screen(RECORD)._repr_html_()
    assert NOTICE in page
    assert not re.search(r"(src|href)=|url\(|@import|<script", page)
    assert re.search(r'aria-label="Platelets: below 10 ×10⁹/L, low"', page)


def test_the_brief_report_is_plain_where_it_is_no_terminal_and_fits_its_width() -> None:
    result = cbc.screen(RECORD)
    for width in (80, 120):
        text = printed(result, width)
        assert "\x1b" not in text
        assert max(map(len, text.splitlines())) <= width
    assert "Hemoglobin         9.1 g/dL     91 g/L           low" in printed(result)
    assert re.search(r"Hemoglobin .*\.{11}#\.\.={6}\.{4}  117 to 153", printed(result))  # 24 characters for 0 to 191
    assert re.search(r"folded: \d+ also possible, \d+ little to support it", printed(result))


def test_summaries_ranges_and_grades_show_themselves_in_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "<b>.csv").write_text("age,sex,HGB (g/dL)\n54 y,F,9.1\nragged\n")
    summary = cbc.scan(tmp_path / "<b>.csv")
    page = Words(summary._repr_html_())
    assert NOTICE in page.text
    assert "2 rows in = 1 screened + 1 rejected" in page.text
    assert "ROW_RAGGED 1" in page.text
    assert "b" not in {tag for tag, _ in page.elements}
    found = Words(cbc.reference_range("hemoglobin", age="54 y", sex="F")._repr_html_()).text
    assert NOTICE in found
    assert "117 to 153 g/L" in found
    assert "default_v1" in found


def test_a_frame_of_flags_is_summed_up() -> None:
    """9.1 is low and 15 is not; the third row has neither sex nor hemoglobin; nobody has a white count."""
    rows = pd.DataFrame(
        {
            "age": ["54 y", "30 y", "30 y"],
            "sex": ["F", "M", None],
            "HGB (g/dL)": [9.1, 15.0, None],
            "PLT (10^9/L)": [9, 250, 100],
        }
    )
    summary = cbc.summarize(cbc.screen_frame(rows))
    assert summary.rows == 3
    assert summary.lines == {
        "red": {"not_low": 1, "low": 1, "cannot_tell": 1},
        "white": {"not_low": 0, "low": 0, "cannot_tell": 3},
        "platelet": {"not_low": 1, "low": 2, "cannot_tell": 0},
    }
    assert sum(summary.patterns.values()) == 3
    assert summary.reasons == {"neutrophils:NO_RESULT": 3, "hemoglobin:NO_RESULT": 1, "sex:SEX_MISSING": 1}
    page = Words(summary._repr_html_()).text
    assert NOTICE in page
    assert "3 counts screened" in page
    assert "red 1 1 1 white 0 0 3 platelet 1 2 0" in page
    assert "sex: SEX_MISSING 1" in page


# Figures ----------------------------------------------------------------------------------


def test_the_figure_of_a_result_shows_each_bar_and_the_notice() -> None:
    axes = cbc.screen(RECORD).plot()
    labels = [label.get_text().replace("\n", ": ") for label in axes.get_yticklabels()]
    assert labels[-1] == "Hemoglobin: 91 g/L, low"
    assert "Platelets: below 10 ×10⁹/L, low" in labels
    assert NOTICE in axes.get_title(loc="left")
    texts = {text.get_text() for text in axes.texts}
    assert {"117", "153", "157", "377", "not known"} <= texts
    mpl.pyplot.close(axes.figure)


def test_the_figure_of_ranges_has_a_bar_for_every_row_of_the_set() -> None:
    axes = cbc.plot_ranges("hemoglobin", sex="F")
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert "18 y and over, female" in labels
    assert not [label for label in labels if label.endswith(", male")]
    bar = axes.patches[labels.index("18 y and over, female")]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((117.0, 153.0))
    assert "g/L" in axes.get_xlabel()
    mpl.pyplot.close(axes.figure)
    axes = cbc.plot_ranges("hemoglobin", sex="F", text_units="us")
    bar = axes.patches[labels.index("18 y and over, female")]
    assert (bar.get_x(), bar.get_x() + bar.get_width()) == pytest.approx((11.7, 15.3))
    mpl.pyplot.close(axes.figure)


@pytest.mark.parametrize("kind", ["pandas", "pyarrow", "polars"])
def test_the_figure_of_a_cohort_counts_its_flags(kind: str) -> None:
    rows = pd.DataFrame(
        {
            "age": ["54 y", "30 y", "30 y"],
            "sex": ["F", "M", None],
            "HGB (g/dL)": [9.1, 15.0, None],
            "PLT (10^9/L)": [9, 250, 100],
        }
    )
    frame: object = rows
    if kind == "pyarrow":
        import pyarrow as pa

        frame = pa.Table.from_pandas(rows)
    elif kind == "polars":
        import polars as pl

        frame = pl.from_pandas(rows)
    figure = cbc.plot_cohort(cbc.screen_frame(frame))
    drawn = {axes.get_title(loc="left"): axes for axes in figure.axes}
    lines = dict(
        zip(
            (label.get_text() for label in drawn["Lines"].get_yticklabels()),
            (bar.get_width() for bar in drawn["Lines"].patches),
            strict=True,
        )
    )
    # red: 9.1 low, the third row has none; platelets: 9 and 100 are low in either sex; white: never given
    assert lines == {
        "red: low": 1, "red: cannot tell": 1, "white: low": 0, "white: cannot tell": 3, "platelet: low": 2,
        "platelet: cannot tell": 0,
    }  # fmt: skip
    assert f"3 counts screened. {NOTICE}" in figure.get_suptitle()
    mpl.pyplot.close(figure)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cbc.plot_ranges("hemoglobine"), "no analyte is named"),
        (lambda: cbc.plot_ranges("ferritin"), "has no row for ferritin"),
        (lambda: cbc.plot_cohort(pd.DataFrame({"pattern": []})), "these are no flags"),
        (lambda: cbc.summarize(pd.DataFrame({"pattern": []})), "these are no flags"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call, message: str) -> None:
    with pytest.raises(cbc.UsageError, match=message):
        call()


def test_without_matplotlib_a_figure_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import cbc_screen as cbc\n"
        "try:\n    cbc.screen({'age': '54 y', 'sex': 'F', 'hemoglobin': '9.1 g/dL'}).plot()\n"
        "except cbc.UsageError as problem:\n    print(problem)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "figures need matplotlib: pip install 'cbc-screen[plots]'"


def test_a_finding_says_what_its_cut_off_and_its_weight_rest_on() -> None:
    record = {
        "age": "3 y", "sex": "F", "hemoglobin": "104 g/L", "wbc": "6.1 10^9/L", "neutrophils": "1.2 10^9/L",
        "platelets": "310 10^9/L", "mcv": "68 fL",
    }  # fmt: skip
    plain = " ".join(cbc.screen(record).explain().split())
    assert "Young child [age at least 6 mo and age below 5 y; weight by judgment; project]" in plain
    assert "[age below 18 y and at least 2 lines low; weight derived from the source; child_cytopenia_series]" in plain


@pytest.mark.parametrize(
    ("alone", "within"),
    [
        ("A second line low", "a second line low"),
        ("White cells", "white cells"),
        ("Parvovirus DNA", "parvovirus DNA"),
        ("Diamond-Blackfan anemia", "Diamond-Blackfan anemia"),
        ("Fanconi anemia", "Fanconi anemia"),
        ("Shwachman-Diamond syndrome", "Shwachman-Diamond syndrome"),
        ("Auer rods", "Auer rods"),
        ("T-cell clone", "T-cell clone"),
        ("H. pylori", "H. pylori"),
        ("MCV", "MCV"),
    ],
)
def test_a_text_within_a_sentence_begins_low_unless_with_a_name_or_an_abbreviation(alone: str, within: str) -> None:
    assert begun_low(alone) == within
