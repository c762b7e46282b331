"""What goes in: people and results used or set aside with a reason, bands reached, and what is refused with a clear word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import cbc_screen as cbc
from cbc_screen.errors import KnowledgeError, UsageError

HEADER = (
    "set,analyte,sex,pregnancy,age_low,age_low_unit,age_high,age_high_unit,lower,upper,unit,lower_ci90_low,lower_ci90_high,"
    "upper_ci90_low,upper_ci90_high,percentile_basis,n,population,analyzer,source,locator,verification,confidence,derivation,notes"
)
ROW = "my_lab,hemoglobin,{sex},none,{age},{lower},{upper},g/L,,,,,{basis},{n},healthy adults,not stated,own_laboratory,table 2,A,high,,"


def own_set(folder: Path, *rows: str) -> str:
    path = folder / "my_lab.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return str(path)


def row(
    sex: str = "any",
    age: str = "18,y,,",
    lower: float = 117,
    upper: float = 153,
    basis: str = "2.5-97.5",
    n: str = "240",
) -> str:
    return ROW.format(sex=sex, age=age, lower=lower, upper=upper, basis=basis, n=n)


def people(hemoglobin: list[Any], **columns: Any) -> pd.DataFrame:
    """Return women of 40, a row for each value in g/L."""
    many = len(hemoglobin)
    own = {"age": ["40 y"] * many, "sex": ["F"] * many, "HGB (g/L)": hemoglobin}
    return pd.DataFrame({**own, **columns})


WITHIN = [120 + place for place in range(20)]


def reference(frame: pd.DataFrame, ranges: str, **options: Any) -> cbc.RangeVerification:
    return cbc.verify_ranges(frame, ranges, results_of="reference", **options)


def test_a_band_of_any_sex_is_verified_for_each_sex_by_itself(tmp_path: Path) -> None:
    both = pd.concat([people(WITHIN), people([110, *WITHIN[:19]]).assign(sex="M")])
    bands = reference(both, own_set(tmp_path, row())).bands
    assert [(band.sex, band.results, band.lower.outside.least) for band in bands if band.lower.outside] == [
        ("F", 20, 0),
        ("M", 20, 1),
    ]


def test_the_limits_belong_to_the_range(tmp_path: Path) -> None:
    """116 is below 117, and 117 is not; 153 is within, and 154 above."""
    (band,) = reference(people([116, 117, 153, 154, *WITHIN[:16]]), own_set(tmp_path, row())).bands
    assert band.lower.outside is not None
    assert band.upper.outside is not None
    assert (band.lower.outside.least, band.upper.outside.least) == (1, 1)
    assert band.rule is not None
    assert (band.rule.outside_least, band.rule.adopt_at_most) == (2, 2)
    assert band.lower.verdict is cbc.RangeVerdict.ADOPT


def test_a_bound_counts_where_every_possibility_agrees(tmp_path: Path) -> None:
    """<100 is surely below 117; <150 may be; <130 beside them too: one to three are outside."""
    frame = people(["<100", "<150", "<130", *[str(value) for value in WITHIN[:17]]])
    (band,) = reference(frame, own_set(tmp_path, row())).bands
    assert band.lower.outside is not None
    assert (band.lower.outside.least, band.lower.outside.most, band.bounds) == (1, 3, 3)
    assert (band.lower.verdict, band.lower.reasons) == (cbc.RangeVerdict.CANNOT_TELL, ("outside_unsure",))


def test_ages_at_the_edge_of_a_band(tmp_path: Path) -> None:
    """17 y is below the band, 18 y is in it, and "about 18" (15 to 20 y) may lie in either: set aside, not guessed."""
    ranges = own_set(tmp_path, row(age="0,y,18,y"), row(age="18,y,65,y"))
    frame = people(WITHIN + WITHIN + [130, 131, 132], age=["18 y"] * 20 + ["17 y"] * 20 + ["18 y", "64 y", "65 y"])
    found = reference(frame, ranges)
    assert [(band.age, band.results) for band in found.bands] == [
        ("0 y to under 18 y", 20),
        ("18 y to under 65 y", 22),
    ]
    assert found.accounts["hemoglobin"].set_aside == {"no_band": 1}  # 65 y
    assert found.accounts["hemoglobin"].used == 42


def test_every_row_and_every_result_is_used_or_set_aside_with_a_reason(tmp_path: Path) -> None:
    frame = people(
        [*WITHIN, None, "clotted", 130, 131, 132, 133, 134, None],
        age=["40 y"] * 22 + ["", "40 y", "40 y", "40 y", "10 y", "40 y"],
        sex=["F"] * 23 + ["", "F", "M", "F", "F"],
        pregnancy=[""] * 24 + ["yes", "T2", "", ""],
        **{"PLT (10^9/L)": [250] * 27 + [None]},
    )
    found = reference(frame, own_set(tmp_path, row()))
    assert (found.rows, found.rows_used) == (28, 23)
    assert found.rows_set_aside == {"pregnancy_unknown": 2, "age_unknown": 1, "sex_unknown": 1, "not_read": 1}
    account = found.accounts["hemoglobin"]
    assert (account.rows, account.used) == (23, 20)
    assert account.set_aside["no_result"] == 1
    assert account.set_aside["no_band"] == 1  # 10 y
    assert sum(many for name, many in account.set_aside.items() if name.startswith("unusable:")) == 1


def test_of_one_person_the_earliest_count_is_used_wherever_it_stands(tmp_path: Path) -> None:
    """P0 has 60 on the first of May and 120 in April; P1 has 61 on a day that is not known, and 121 in April."""
    days = ["2024-05-01", "", *["2024-04-02"] * 20]
    names = ["P0", "P1", *(f"P{n}" for n in range(20))]
    frame = people([60, 61, *WITHIN], **{"Patient ID": names, "collected_at": days})
    found = reference(frame, own_set(tmp_path, row()))
    assert found.rows_set_aside == {"repeated": 2}
    assert found.bands[0].rule is not None
    assert found.bands[0].rule.outside_most == 0


def test_of_one_person_without_times_the_first_count_of_the_source_is_used(tmp_path: Path) -> None:
    frame = people([*WITHIN, 60, 61], **{"Patient ID": [f"P{n}" for n in range(20)] + ["P3", "P3"]})
    found = reference(frame, own_set(tmp_path, row()))
    assert found.rows_set_aside == {"repeated": 2}
    assert found.bands[0].rule is not None
    assert found.bands[0].rule.outside_most == 0
    assert (
        reference(frame.rename(columns={"Patient ID": "who"}), own_set(tmp_path, row()), person="who").rows_used == 20
    )


def test_single_results_without_the_key_of_a_person_are_not_read_and_not_of_unknown_age(tmp_path: Path) -> None:
    lines = ["patient_id,test,value,unit,collected_at,age,sex"]
    lines += [f"P{n},Hemoglobin,{value},g/L,2024-01-01,40 y,F" for n, value in enumerate(WITHIN)]
    lines += [",Hemoglobin,60,g/L,2024-01-02,40 y,F", ",Platelets,250,10^9/L,2024-01-02,41 y,F"]
    source = tmp_path / "long.csv"
    source.write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = cbc.verify_ranges(str(source), own_set(tmp_path, row()), results_of="reference")
    assert (found.rows, found.rows_used, found.rows_set_aside) == (22, 20, {"not_read": 2})


def test_rows_without_a_name_are_nobody_in_particular(tmp_path: Path) -> None:
    frame = people(WITHIN, **{"Patient ID": [""] * 20})
    assert reference(frame, own_set(tmp_path, row())).rows_used == 20


def test_pregnant_women_have_their_own_bands() -> None:
    frame = people([100 + n for n in range(20)], pregnancy=["T2"] * 20)
    bands = reference(frame, "default", analytes=["hemoglobin"]).bands
    assert [(band.pregnancy, band.results) for band in bands] == [("T2", 20)]


def test_a_band_that_says_less_than_the_others_cannot_be_told(tmp_path: Path) -> None:
    ranges = own_set(
        tmp_path,
        row(sex="F"),
        row(sex="M", age="0,y,18,y", n=""),
        row(sex="M", age="18,y,,", basis="not stated"),
    )
    frame = pd.concat(
        [people(WITHIN), people(WITHIN).assign(sex="M"), people(WITHIN, age=["9 y"] * 20).assign(sex="M")]
    )
    told = {(band.sex, band.age): band.lower.reasons for band in reference(frame, ranges).bands}
    assert told == {
        ("F", "18 y and over"): ("rule_kept",),
        ("M", "0 y to under 18 y"): ("people_not_stated",),
        ("M", "18 y and over"): ("basis_not_stated",),
    }


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"n": ""}, "does not state, for any band that the results reach: n .*stated-people"),
        ({"basis": "not stated"}, "does not state.*percentile_basis.*stated-percentiles"),
        ({"n": "", "basis": "not stated"}, "n .*; percentile_basis"),
    ],
)
def test_a_set_that_states_neither_people_nor_percentiles_is_refused(
    tmp_path: Path, own: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        reference(people(WITHIN), own_set(tmp_path, row(**own)))


def test_what_the_user_states_in_its_place_is_used_and_marked(tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    short.write_text(
        "analyte,sex,age_low,age_high,lower,upper,unit\nhemoglobin,F,18 y,,117,153,g/L\n", encoding="utf-8"
    )
    (band,) = reference(people(WITHIN), str(short), stated_people=240, stated_percentiles=(2.5, 97.5)).bands
    assert band.stated_by_user == ("n", "percentile_basis")
    assert band.lower.verdict is cbc.RangeVerdict.ADOPT
    stated = own_set(tmp_path, row())
    assert reference(people(WITHIN), stated, stated_people=9).bands[0].people == 240  # what the set says stands


def test_a_set_without_a_unit_is_refused_by_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"my_lab\.csv:2: unit"):
        reference(people(WITHIN), own_set(tmp_path, row().replace("g/L", "")))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (people(WITHIN).drop(columns="age"), "no row has an age in any column"),
        (people(WITHIN, age=["?"] * 20), "no row has an age that can be read in the column 'age'.*age-unit"),
        (people(WITHIN).drop(columns="sex"), "no row has a sex in any column"),
        (people(WITHIN, sex=["7"] * 20), "no row has a sex that can be read in the column 'sex'.*sex-codes"),
        (people(WITHIN).rename(columns={"HGB (g/L)": "HGB"}), "no result can be used.*UNIT_MISSING 20 times.*units="),
        (people(WITHIN[:19]), r"the rule needs 20 in a band, and the most are 19 \(hemoglobin, F, 18 y and over\)"),
        (people([]), "there is no row"),
        (people(WITHIN, age=["10 y"] * 20), "no result lies in a band"),
    ],
)
def test_what_is_missing_is_said(tmp_path: Path, frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        reference(frame, own_set(tmp_path, row()))


@pytest.mark.parametrize(
    "mixed",
    [
        people(WITHIN).rename(columns={"HGB (g/L)": "hemoglobin"}).assign(hemoglobin_unit=["g/L"] * 10 + ["g/dL"] * 10),
        people([f"{value} g/L" for value in WITHIN[:10]] + ["12.5 g/dL"] * 10).rename(columns={"HGB (g/L)": "HGB"}),
    ],
)
def test_results_in_several_units_are_of_several_sources(tmp_path: Path, mixed: pd.DataFrame) -> None:
    with pytest.raises(UsageError, match=r"hemoglobin: results are stated in several units \(g/L, g/dL\)|g/dL, g/L"):
        reference(mixed, own_set(tmp_path, row()))


def test_several_units_of_another_analyte_are_no_reason(tmp_path: Path) -> None:
    frame = people(WITHIN, platelets=250, platelets_unit=["10^9/L"] * 10 + ["10^6/L"] * 10)
    assert reference(frame, own_set(tmp_path, row())).bands[0].results == 20


def test_two_spellings_of_one_unit_are_one_unit(tmp_path: Path) -> None:
    frame = (
        people(WITHIN).rename(columns={"HGB (g/L)": "hemoglobin"}).assign(hemoglobin_unit=["g/L"] * 10 + ["G/L"] * 10)
    )
    frame["hemoglobin_unit"] = ["g/L"] * 10 + ["g / L"] * 10
    assert reference(frame, own_set(tmp_path, row())).bands[0].results == 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"results_of": "volunteers"}, "results_of must be one of routine, reference"),
        ({"stated_people": 0}, "stated_people must be 1 or more"),
        ({"stated_percentiles": (97.5, 2.5)}, "stated_percentiles must be two percentiles"),
        ({"analytes": ["haemogoblin"]}, "no analyte is named 'haemogoblin'"),
        ({"person": "nobody"}, "there is no such column"),
        ({"text_units": "imperial"}, "text_units must be one of"),
        ({"agee_unit": "y"}, "did you mean age_unit"),
    ],
)
def test_options_that_are_none(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        cbc.verify_ranges(people(WITHIN), own_set(tmp_path, row()), **options)


def test_a_set_and_a_source_that_share_nothing_say_which_of_them_lacks_what(tmp_path: Path) -> None:
    frame = people(WITHIN).rename(columns={"HGB (g/L)": "PLT (10^9/L)"})
    ranges = own_set(tmp_path, row())
    with pytest.raises(UsageError, match="platelets: the set has no range of it; the set has ranges for hemoglobin"):
        reference(frame, ranges)
    with pytest.raises(UsageError, match=r"hemoglobin: the source has no column of it, and none that it can be worked"):
        reference(frame, ranges, analytes=["hemoglobin"])
    with pytest.raises(UsageError, match=r"platelets: the set has no range of it$"):
        reference(frame, ranges, analytes=["platelets"])


def test_what_was_sent_or_asked_for_and_is_not_verified_is_named(tmp_path: Path) -> None:
    frame, ranges = people(WITHIN, **{"PLT (10^9/L)": [250] * 20}), own_set(tmp_path, row())
    assert reference(frame, ranges).not_verified == {"platelets": "no_range"}
    asked = reference(frame, "nhanes_dxh800", analytes=["hemoglobin", "mpv"])
    assert asked.not_verified == {"mpv": "no_column"}
