"""How common low lines are in a cohort: what is counted, what is unknown, what is suppressed, and the table and figure of it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.vocabulary import NOTICE

mpl.use("agg")
LOW, WELL, UNKNOWN = "91 g/L", "140 g/L", ""
# Women of 30: 3 low, 6 well, 1 without hemoglobin. A man of 70: low. Somebody of unknown age and sex: well.
PEOPLE = pd.DataFrame(
    [*[["30 y", "F", LOW]] * 3, *[["30 y", "F", WELL]] * 6, ["30 y", "F", UNKNOWN], ["70 y", "M", LOW], ["", "", WELL]],
    columns=["age", "sex", "hemoglobin"],
)


@pytest.fixture(scope="module")
def flags() -> pd.DataFrame:
    return cbc.screen_frame(PEOPLE)


def by_group(flags: Any, **options: Any) -> dict[tuple[str, str, str], Any]:
    found = cbc.prevalence(flags, age=PEOPLE["age"], sex=PEOPLE["sex"], **{"smallest_cell": 1, **options})
    return {(row.age, row.sex, str(row.line)): row for row in found.rows}


def test_low_not_low_and_unknown_are_counted_apart(flags: pd.DataFrame) -> None:
    """Of 10 women 3 are low and 1 is unknown: at least 0.3, and up to 0.4. Wilson: 3 of 10 from 0.1078, 4 of 10 to 0.6873."""
    women = by_group(flags)["18 to 39 y", "female", "red"]
    assert (women.people, women.low, women.unknown, women.not_low) == (10, 3, 1, 6)
    assert (women.share, women.unknown_share) == (0.3, 0.1)
    assert women.interval == pytest.approx((0.1078, 0.6873), abs=5e-5)


def test_unknown_is_never_normal(flags: pd.DataFrame) -> None:
    """No platelets were sent: nothing is low, nothing is not low, and the share may be anything."""
    women = by_group(flags)["18 to 39 y", "female", "platelet"]
    assert (women.low, women.unknown, women.not_low) == (0, 10, 0)
    assert (women.share, women.unknown_share, women.interval) == (0.0, 1.0, (0.0, 1.0))


def test_who_is_of_unknown_age_or_sex_is_a_group(flags: pd.DataFrame) -> None:
    found = by_group(flags)
    assert found["unknown", "unknown", "red"].people == 1
    assert found["all", "all", "red"].people == len(PEOPLE) == 12
    groups = {key[:2] for key in found} - {("all", "all")}
    assert sum(found[(*group, "red")].people for group in groups) == 12


@pytest.mark.parametrize(
    ("age", "unit", "group"),
    [
        ("11 mo", None, "under 1 y"),
        ("12 mo", None, "1 to 17 y"),
        ("17 y", None, "1 to 17 y"),
        (18, "y", "18 to 39 y"),
        (64.9, "y", "40 to 64 y"),
        ("65 y", None, "65 y and over"),
        (">89 y", None, "65 y and over"),
        ("15 to 20 y", None, "unknown"),  # may be a child
        (18, None, "unknown"),  # of what?
        (None, "y", "unknown"),
        (float("nan"), "y", "unknown"),
    ],
)
def test_the_group_of_an_age(flags: pd.DataFrame, age: Any, unit: str | None, group: str) -> None:
    found = cbc.prevalence(flags.iloc[:1], age=[age], age_unit=unit, smallest_cell=1)
    assert found.rows[0].age == group


@pytest.mark.parametrize(
    ("cells", "codes", "sexes"),
    [
        (["F", "M", "female", "2"], None, ["female", "male", "female", "unknown"]),
        (["1", "2", "2.0", ""], {"1": "M", "2": "F"}, ["male", "female", "female", "unknown"]),
        (["M", "H", "M", "H"], None, ["unknown"] * 4),  # mujer and hombre, or male and something else: nobody said
    ],
)
def test_sexes_are_read_as_those_of_a_frame(
    flags: pd.DataFrame, cells: list[str], codes: dict[str, str] | None, sexes: list[str]
) -> None:
    counts = {sex: sexes.count(sex) for sex in sexes}
    found = cbc.prevalence(flags.iloc[:4], sex=cells, sex_codes=codes, smallest_cell=1)
    assert {row.sex: row.people for row in found.rows if row.sex != "all" and row.line == "red"} == counts


def test_small_cells_are_suppressed_whole(flags: pd.DataFrame) -> None:
    """3 low and 1 unknown are fewer than 5: none of the group's numbers is shown, for the rest would tell them."""
    women = by_group(flags, smallest_cell=5)["18 to 39 y", "female", "red"]
    assert women.suppressed
    shown = (women.people, women.low, women.unknown, women.not_low, women.share, women.unknown_share, women.interval)
    assert set(shown) == {None}
    assert not by_group(flags, smallest_cell=5)["18 to 39 y", "female", "platelet"].suppressed  # 10 unknown, 0, 0


def test_a_number_as_large_as_the_smallest_is_shown(flags: pd.DataFrame) -> None:
    """3 low and 1 unknown: a smallest cell of 2 hides the 1; of 1 nothing."""
    assert by_group(flags, smallest_cell=2)["18 to 39 y", "female", "red"].suppressed
    assert not by_group(flags, smallest_cell=1)["18 to 39 y", "female", "red"].suppressed


def test_a_sum_that_would_tell_the_one_suppressed_group_is_suppressed_too() -> None:
    """10 women and 2 men, all low: with the sum of 12 the men would be 12 - 10."""
    people = pd.DataFrame([["30 y", "F", LOW]] * 10 + [["30 y", "M", LOW]] * 2, columns=["age", "sex", "hemoglobin"])
    found = cbc.prevalence(cbc.screen_frame(people), sex=people["sex"])
    red = {row.sex: row for row in found.rows if row.line == "red"}
    assert (red["female"].people, red["male"].suppressed, red["all"].suppressed) == (10, True, True)


def test_weights_weigh_and_leave_out_the_intervals(flags: pd.DataFrame) -> None:
    """The three low women weigh 2 each, the others 1: 6 of 13."""
    weights = [2.0] * 3 + [1.0] * 9
    women = by_group(flags, weights=weights)["18 to 39 y", "female", "red"]
    assert women.share == pytest.approx(6 / 13)
    assert women.unknown_share == pytest.approx(1 / 13)
    assert (women.low, women.interval) == (3, None)
    found = cbc.prevalence(flags, weights=weights)
    assert "Intervals need the survey's design and are not given." in found.to_markdown()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"age": ["30 y"]}, "age has 1 cells for 12 rows of flags"),
        ({"weights": [1.0] * 11 + [-1.0]}, r"row 11 \(from 0\) has no number of 0 or more"),
        ({"weights": [1.0] * 11 + [float("nan")]}, r"row 11 \(from 0\) has no number of 0 or more"),
        ({"ages": (40, 18)}, "ages are completed years in rising order"),
        ({"ages": ()}, "ages are completed years in rising order"),
        ({"age_unit": "furlong"}, 'age_unit is "y"'),
        ({"smallest_cell": 0}, "1 or more"),
    ],
)
def test_what_does_not_fit_is_refused(flags: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises(cbc.UsageError, match=message):
        cbc.prevalence(flags, **options)


def test_a_frame_that_holds_no_flags_is_refused() -> None:
    with pytest.raises(cbc.UsageError, match="these are no flags"):
        cbc.prevalence(PEOPLE)


def test_every_kind_of_frame_gives_the_same(flags: pd.DataFrame) -> None:
    import polars as pl
    import pyarrow as pa

    alone = cbc.prevalence(flags, age=PEOPLE["age"], sex=PEOPLE["sex"], smallest_cell=1)
    for frame in (pl.from_pandas(PEOPLE), pa.Table.from_pandas(PEOPLE)):
        assert cbc.prevalence(cbc.screen_frame(frame), age=frame["age"], sex=frame["sex"], smallest_cell=1) == alone


def test_the_table_says_the_numbers_its_remarks_and_the_notice(flags: pd.DataFrame) -> None:
    found = cbc.prevalence(flags, age=PEOPLE["age"], sex=PEOPLE["sex"], smallest_cell=1)
    text = found.to_markdown()
    assert "| 18 to 39 y | female | red | 10 | 3 | 1 | 30.0 | 10.8 to 68.7 | 10.0 |" in text
    assert text.endswith(f"{NOTICE}\n")
    page = found.to_html()
    assert "<style" not in page
    assert "<style" in found._repr_html_()
    for form in (page, found._repr_html_()):
        assert NOTICE in form
        assert "10.8 to 68.7" in form
    hidden = cbc.prevalence(flags, sex=PEOPLE["sex"]).to_markdown()
    assert "| all | female | red | suppressed |" in hidden
    assert "Suppressed: a number from 1 to 4 people." in hidden


def test_the_frame_has_a_row_for_each_group_and_line(flags: pd.DataFrame) -> None:
    frame = cbc.prevalence(flags, sex=PEOPLE["sex"]).to_frame()
    women = frame[(frame["sex"] == "female") & (frame["line"] == "red")].iloc[0]
    assert women["suppressed"]
    assert pd.isna(women["low"])
    assert pd.isna(women["interval_low"])


def test_the_table_to_be_styled_further_is_of_great_tables(flags: pd.DataFrame) -> None:
    page = cbc.prevalence(flags, age=PEOPLE["age"], sex=PEOPLE["sex"], smallest_cell=1).great_table().as_raw_html()
    for text in ("18 to 39 y, female", "10.8 to 68.7", NOTICE, "Wilson"):
        assert text in page


def test_without_great_tables_it_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['great_tables'] = None\n"
        "import pandas as pd, cbc_screen as cbc\n"
        "flags = cbc.screen_frame(pd.DataFrame({'age': ['54 y'], 'sex': ['F'], 'HGB (g/dL)': [9.1]}))\n"
        "try:\n    cbc.prevalence(flags).great_table()\n"
        "except cbc.UsageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "great_table needs great_tables: pip install 'cbc-screen[tables]'; to_html and to_markdown do not"
    )


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_the_figure_draws_each_share_with_its_interval(flags: pd.DataFrame, style: str) -> None:
    with plt.style.context(style):
        figure = cbc.prevalence(flags, age=PEOPLE["age"], sex=PEOPLE["sex"], smallest_cell=1).plot()
    red = figure.axes[0]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["red line", "white line", "platelet line"]
    assert NOTICE in figure.get_suptitle()
    drawn = {tuple(line.get_xdata()): line for line in red.lines}
    assert (30.0,) in drawn  # the women
    (with_unknown,) = [line for line in red.lines if line.get_xdata()[0] == pytest.approx(40.0)]
    assert with_unknown.get_markerfacecolor() == "none"
    ends = [segment[:, 0].tolist() for lines in red.collections for segment in lines.get_segments()]
    assert any(pair == pytest.approx([10.78, 68.73], abs=0.01) for pair in ends)
    plt.close(figure)


def test_a_suppressed_group_is_named_in_the_figure_and_not_drawn(flags: pd.DataFrame) -> None:
    figure = cbc.prevalence(flags, sex=PEOPLE["sex"]).plot()
    assert [text.get_text().strip() for text in figure.axes[0].texts] == [
        "female: suppressed",
        "male: suppressed",
        "unknown: suppressed",
    ]
    assert not figure.axes[0].lines
    plt.close(figure)
