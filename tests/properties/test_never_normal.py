"""Unknown never becomes normal, and more of a cell never makes less of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import cbc_screen as cbc
from effort import share
from strategies import (
    ANALYTES,
    GRADE_OF,
    KNOWLEDGE,
    LINE_OF,
    RESULTS_OF,
    SEVERITIES,
    UNREADABLE,
    Cell,
    accepted,
    configurations,
    counts,
    exact_cells,
    flags,
    in_unit,
    listed,
    numbers,
    people,
    plausible,
    pregnancies,
    refused_units,
    remarks,
    unreadable_cells,
    write,
    written,
)

SCHEMES = tuple(KNOWLEDGE.schemes)
LINE_ANALYTES = tuple(LINE_OF)
# Values that no table calls low, at any age, in either sex and in pregnancy; hemoglobin and
# platelets are above some upper limits, which no line asks about.
GENEROUS = {"hemoglobin": "180 g/L", "wbc": "12 10^9/L", "neutrophils": "9 10^9/L", "platelets": "350 10^9/L"}
PREGNANT = ("T1", "T2", "T3", "trimester_unknown", "postpartum")
AGES = (
    "0 d",
    "1 d",
    "10 d",
    "20 d",
    "45 d",
    "75 d",
    "4 mo",
    "9 mo",
    "1 y",
    "3 y",
    "8 y",
    "13 y",
    "16 y",
    "30 y",
    "62 y",
    "80 y",
)


def worst_severity(analyte: str, scheme: str) -> int:
    """Return the place of the worst severity a scheme knows for an analyte."""
    rows = KNOWLEDGE.schemes[scheme].tables.get(analyte, ())
    return max((SEVERITIES.index(row.severity) for row in rows), default=len(SEVERITIES) - 1)


@pytest.mark.parametrize("line", LINE_ANALYTES)
@given(data=st.data(), person=people(), said=remarks(), configuration=configurations)
def test_an_unreadable_or_missing_line_is_never_normal(line, data, person, said, configuration):
    """(a) Words, a wrong unit or nothing in place of a line's result: not "none", not "not_low"."""
    results = data.draw(counts(without=RESULTS_OF[LINE_OF[line]]))
    cell = data.draw(st.one_of(st.none(), unreadable_cells(line)))
    if cell is not None:
        results[line] = cell
    answer = flags({**person, **said, **written(results)}, configuration)
    assert answer[LINE_OF[line]] == "cannot_tell"
    assert answer["pattern"] == "cannot_tell"
    assert answer["lines_low_max"] > answer["lines_low_min"]
    # The severity can be known only where no grade of the unknown line would be worse.
    if answer["severity"] != "cannot_tell":
        assert SEVERITIES.index(answer["severity"]) >= worst_severity(line, configuration[1])
    assert answer[f"{line}_state"] in ("cannot_tell", "not_assessed")


@given(data=st.data(), person=people(), said=remarks(), configuration=configurations)
def test_unreadable_neutrophils_beside_readable_white_cells(data, person, said, configuration):
    """(a) White cells bound the neutrophils from above only: low or unknown, never not low."""
    results = data.draw(counts(without=RESULTS_OF["white_line"]))
    results["wbc"] = data.draw(exact_cells("wbc"))
    results["neutrophils"] = data.draw(unreadable_cells("neutrophils"))
    answer = flags({**person, **said, **written(results)}, configuration)
    assert answer["white_line"] in ("low", "cannot_tell")
    assert answer["pattern"] != "none"


@given(data=st.data(), person=people(), said=remarks(), configuration=configurations)
def test_unreadable_white_cells_beside_a_percentage(data, person, said, configuration):
    """(a) A percentage of nothing readable is nothing readable."""
    results = data.draw(counts(without=["wbc", "neutrophils", "bands_percent"]))
    results["wbc"] = data.draw(unreadable_cells("wbc"))
    results["neutrophils_percent"] = data.draw(
        st.one_of(exact_cells("neutrophils_percent"), unreadable_cells("neutrophils_percent"))
    )
    answer = flags({**person, **said, **written(results)}, configuration)
    assert answer["white_line"] == "cannot_tell" or results["neutrophils_percent"].number == 0
    assert answer["white_line"] != "not_low"
    assert answer["pattern"] != "none"


@given(data=st.data(), person=people(), configuration=configurations)
def test_a_generous_count_with_one_line_gone(data, person, configuration):
    """(a) The same from a count that is normal at every age: the loss of one line takes "none" away."""
    line = data.draw(st.sampled_from(LINE_ANALYTES))
    record: dict[str, Any] = {**person, **{n: t for n, t in GENEROUS.items() if n not in RESULTS_OF[LINE_OF[line]]}}
    cell = data.draw(st.one_of(st.none(), unreadable_cells(line)))
    if cell is not None:
        record[line] = write(line, cell)
    answer = flags(record, configuration)
    assert (answer["pattern"], answer[LINE_OF[line]]) == ("cannot_tell", "cannot_tell")


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize("sex", ["F", "M", None])
def test_a_generous_count_is_none(age, sex):
    """The control of the test above: with all lines there, the pattern is none."""
    assert flags({"age": age, "sex": sex, **GENEROUS})["pattern"] == "none"
    assert flags(GENEROUS)["pattern"] == "none"


@settings(max_examples=share(60))
@given(counts(), pregnancies(), remarks(), configurations)
def test_none_without_sex_and_age_is_none_for_everyone(results, stage, said, configuration):
    """(b) With sex and age unknown, a line is not low only if it is so at every age in both sexes."""
    record = {**stage, **said, **written(results)}
    unknown = flags(record, configuration)
    clear = [line for line in LINE_OF.values() if unknown[line] == "not_low"]
    assume(clear)
    # A stated pregnancy says the sex; a man stated to be pregnant is another case, a conflict.
    stated = KNOWLEDGE.words.pregnancy.get(stage.get("pregnancy", "").lower()) in PREGNANT
    for age in AGES:
        for sex in ("F",) if stated else ("F", "M"):
            known = flags({**record, "age": age, "sex": sex}, configuration)
            assert [known[line] for line in clear] == ["not_low"] * len(clear)
            if unknown["pattern"] == "none":
                assert known["pattern"] == "none"


@settings(max_examples=share(100))
@given(st.data(), configurations)
def test_none_without_sex_and_age_near_the_limits(data, configuration):
    """(b) The same on numbers that stand on limits, where one age or sex often disagrees."""
    record = {name: write(name, data.draw(exact_cells(name))) for name in LINE_ANALYTES}
    unknown = flags(record, configuration)
    known = [flags({**record, "age": age, "sex": sex}, configuration) for age in AGES for sex in ("F", "M")]
    for line in LINE_OF.values():
        if unknown[line] != "cannot_tell":
            assert {answer[line] for answer in known} == {unknown[line]}
    if unknown["pattern"] != "cannot_tell":
        assert {answer["pattern"] for answer in known} == {unknown["pattern"]}
    assert unknown["lines_low_min"] <= min(answer["lines_low_min"] for answer in known)
    assert unknown["lines_low_max"] >= max(answer["lines_low_max"] for answer in known)


@pytest.mark.parametrize("line", LINE_ANALYTES)
@given(data=st.data(), person=people(), configuration=configurations)
def test_the_grade_of_an_unreadable_result_is_null(line, data, person, configuration):
    """(c) A grade is null, never 0, where nothing of the number can be known."""
    results = data.draw(counts(without=RESULTS_OF[LINE_OF[line]]))
    results[line] = data.draw(unreadable_cells(line))
    assert flags({**person, **written(results)}, configuration)[GRADE_OF[line]] is None


@given(st.sampled_from((*LINE_ANALYTES, "wbc", "lymphocytes")), st.sampled_from(SCHEMES), st.data())
def test_grade_refuses_what_it_cannot_read(analyte, scheme, data):
    """(c) `grade` of a text, a wrong unit or no unit: None, "cannot_tell" and a reason."""
    person = {"age": data.draw(st.sampled_from(AGES)), "sex": data.draw(st.sampled_from(("F", "M")))}
    if data.draw(st.booleans()):
        value, unit = data.draw(st.sampled_from(UNREADABLE)), KNOWLEDGE.analytes[analyte].unit
    else:
        value, unit = float(data.draw(numbers(analyte))), data.draw(st.sampled_from(refused_units(analyte)))
    found = cbc.grade(analyte, value, unit, scheme=scheme, **person)
    assert found.grade is None
    assert found.severity == "cannot_tell"
    assert found.reason is not None


@given(st.sampled_from(LINE_ANALYTES), st.sampled_from(SCHEMES), st.data())
def test_grade_is_the_grade_of_the_screener(analyte, scheme, data):
    """The two ways to a grade agree, for an exact person and in any unit."""
    person = {"age": data.draw(st.sampled_from(AGES)), "sex": data.draw(st.sampled_from(("F", "M", None)))}
    number = data.draw(numbers(analyte))
    unit, factor = data.draw(st.sampled_from(accepted(analyte)))
    text = data.draw(st.sampled_from(("", "<", ">="))) + in_unit(number, factor)
    screened = flags({**person, analyte: {"value": text, "unit": unit}}, ("reference", scheme))
    assert cbc.grade(analyte, text, unit, scheme=scheme, **person).grade == screened[GRADE_OF[analyte]]


@given(st.sampled_from([a for a in ANALYTES if a != "nrbc"]), st.data(), people(), remarks(), configurations)
def test_raising_a_value_adds_no_low_state(analyte, data, person, said, configuration):
    """(d) A higher value of one analyte makes no state and no line low that was not.

    Nucleated red cells are left out: more of them mean fewer white cells.
    """
    results = data.draw(counts(without=[analyte]))
    one, two = data.draw(numbers(analyte)), data.draw(numbers(analyte))
    cell = data.draw(exact_cells(analyte, min(one, two)))
    record = {**person, **said, **written(results)}
    before = flags({**record, analyte: write(analyte, cell)}, configuration)
    after = flags({**record, analyte: write(analyte, replace(cell, number=max(one, two)))}, configuration)
    for name, state in after.items():
        if name.endswith(("_state", "_line")) and state == "low":
            assert before[name] == "low", name
    assert after["lines_low_min"] <= before["lines_low_min"]
    assert after["lines_low_max"] <= before["lines_low_max"]


@given(st.sampled_from(ANALYTES), people(), st.sampled_from(("1000", "1e6", "99999999")))
def test_a_value_beyond_reach_is_not_used(analyte, person, text):
    """(d) Too high to be true is unknown with a reason, or high; it is never low and never within."""
    _, top = plausible(analyte)
    assume(float(text) > top or KNOWLEDGE.analytes[analyte].plausible is None)
    cell = Cell(words=text, unit=KNOWLEDGE.analytes[analyte].unit, apart=True)
    answer = flags({**person, analyte: write(analyte, cell)})
    assert answer.get(f"{analyte}_state", "high") in ("high", "cannot_tell", "not_assessed")
    if KNOWLEDGE.analytes[analyte].plausible is not None:
        assert f"{analyte}:NUMBER_IMPLAUSIBLE" in listed(answer["reasons"])


@pytest.mark.parametrize("analyte", LINE_ANALYTES)
@pytest.mark.parametrize("text", ["0", "0.0", "-0", "<0.1"])
def test_zero_is_a_value(analyte, text):
    """Nought is the sickest count there is, and not a missing one."""
    answer = flags({"age": "54 y", "sex": "F", analyte: {"value": text, "unit": KNOWLEDGE.analytes[analyte].unit}})
    if analyte == "hemoglobin" and not text.startswith("<"):
        # Below what a counter can measure in a living person: refused, and so unknown.
        assert answer["red_line"] == "cannot_tell"
        assert "hemoglobin:NUMBER_IMPLAUSIBLE" in listed(answer["reasons"])
    else:
        assert answer[LINE_OF[analyte]] == "low"
        if analyte == "hemoglobin":
            return  # "<0.1" is low, whatever it is, and its grade is that of every number below
        assert answer[GRADE_OF[analyte]] == max(row.grade for row in KNOWLEDGE.schemes["clinical"].tables[analyte])
