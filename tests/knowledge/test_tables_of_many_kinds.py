"""Small tables as they are read: the codes of persons, printed limits, symptoms, white parts, ages, units, targets."""

from __future__ import annotations

import pytest

from cbc_screen.errors import KnowledgeError
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.edges import AgeEdge
from cbc_screen.knowledge.files import read_text, reference_ranges_root
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.person_codes import load_person_codes
from cbc_screen.knowledge.printed_limits import PrintedLimits, load_printed_limits
from cbc_screen.knowledge.quantities import load_analytes
from cbc_screen.knowledge.symptoms import load_symptoms
from cbc_screen.knowledge.unit_suspect import Relations, _relations
from cbc_screen.knowledge.validation import ValidationLimits, read_validation
from cbc_screen.knowledge.verification import IndirectMethod, _indirect
from cbc_screen.knowledge.white_parts import WhiteParts, load_white_parts
from cbc_screen.vocabulary import Line


def test_codes_of_persons_say_what_they_tell() -> None:
    text = (
        'age: {codes: ["30525-0"], names: [age]}\nsex: {codes: ["46098-0"]}\n'
        'birth_date: {codes: ["21112-8"]}\npregnancy: {codes: ["82810-3"]}\ngestation_at_birth: {codes: ["76516-4"]}\n'
    )
    found = load_person_codes(parse_yaml(text, "person_codes.yaml"))
    assert found.fields == {
        "30525-0": "age", "46098-0": "sex", "21112-8": "birth_date", "82810-3": "pregnancy", "76516-4": "gestation_at_birth",
    }  # fmt: skip
    assert (found.of("pregnancy"), found.of("elevation")) == (("82810-3",), ())
    assert found.age_names == {"age"}


def printed_limits(few: str = "monocytes", factor: str = "2", factor_of_few: str = "5") -> PrintedLimits:
    text = f"factor: {factor}\nfew: [{few}]\nfactor_of_few: {factor_of_few}\nsource: made up\n"
    return load_printed_limits(parse_yaml(text, "analytes.yaml"), load_knowledge().analytes)


def test_a_printed_limit_has_the_factor_of_its_analyte() -> None:
    assert (printed_limits().of("hemoglobin"), printed_limits().of("monocytes")) == (2.0, 5.0)


@pytest.mark.parametrize("name", ["hemoglobin", "monocyte"])
def test_few_cells_are_those_of_an_analyte_that_no_line_is_judged_on(name: str) -> None:
    with pytest.raises(
        KnowledgeError, match=rf"^analytes\.yaml:2: few: {name} must be an analyte, and none that a line"
    ):
        printed_limits(few=name)


@pytest.mark.parametrize(("key", "given"), [("factor", {"factor": "1"}), ("factor_of_few", {"factor_of_few": "1"})])
def test_a_factor_of_1_is_refused(key: str, given: dict[str, str]) -> None:
    with pytest.raises(KnowledgeError, match=rf"^analytes\.yaml:\d: {key}: must be more than 1$"):
        printed_limits(**given)


def test_symptoms_are_those_of_each_line_and_of_the_small() -> None:
    lines = "[{line: red, ask: a, source: s}, {line: white, ask: b, source: s}, {line: platelet, ask: c, source: s}]"
    small = lines.replace("ask: ", "ask: small ")
    text = f"small_below: {{age: 2, unit: y}}\nlines: {lines}\nsmall: {small}\n"
    found = load_symptoms(parse_yaml(text, "symptoms.yaml"), ["s"])
    assert found.lines == {Line.RED: "a", Line.WHITE: "b", Line.PLATELET: "c"}
    assert found.small == {Line.RED: "small a", Line.WHITE: "small b", Line.PLATELET: "small c"}
    assert found.small_below == AgeEdge("mo", 24)


def white_parts(allowance: str, unit: str = "'%'") -> WhiteParts:
    text = f"others: [lymphocytes]\nallowance: {allowance}\nunit: {unit}\nsource: made up\n"
    return load_white_parts(parse_yaml(text, "analytes.yaml"), ["lymphocytes"])


@pytest.mark.parametrize(("allowance", "share"), [("0", 0.0), ("0.5", 0.005), ("25", 0.25), ("99.5", 0.995)])
def test_the_allowance_of_white_cells_is_a_share(allowance: str, share: float) -> None:
    assert white_parts(allowance) == WhiteParts(("lymphocytes",), share)


@pytest.mark.parametrize(("allowance", "unit"), [("-1", "'%'"), ("100", "'%'"), ("5", "'1'")])
def test_an_allowance_of_nothing_or_of_all_is_refused(allowance: str, unit: str) -> None:
    with pytest.raises(KnowledgeError, match=r"^analytes\.yaml:2: allowance: must be a percentage of the white cells"):
        white_parts(allowance, unit)


def age_cap(value: str) -> int:
    """Return the age cap of a table without analytes."""
    text = (
        "analytes: []\nambiguous: []\nnot_results: []\nagreement: {}\nreported_range: {}\nunit_suspect: {}\n"
        f"white_parts: {{}}\nage: {{implausible_from: {{value: {value}, unit: y, source: made up}}}}\n"
    )
    return load_analytes(parse_yaml(text, "analytes.yaml"), {})[2]


@pytest.mark.parametrize("years", [1, 150])
def test_an_age_is_implausible_from_a_year_on(years: int) -> None:
    assert age_cap(str(years)) == years


def test_an_age_is_not_implausible_from_birth_on() -> None:
    with pytest.raises(KnowledgeError, match=r"value: must be a whole number of years, 1 or more, with unit y$"):
        age_cap("0")


def relations(ratio: str, rows: str = "5") -> Relations:
    text = f"rows: {rows}\nfits: 0.5\nleft: 0.1\nfactors: [10]\nratios: [{{name: made up, times: [mcv], over: [rbc], {ratio}}}]\n"
    return _relations(parse_yaml(text, "analytes.yaml"), load_knowledge().analytes)


def test_a_ratio_fits_within_its_span() -> None:
    found = relations("lower: 1, upper: 9, fit: [2, 3]", rows="1")
    assert found.rows == 1
    assert (found.ratios[0].span, found.ratios[0].fit) == ((1.0, 9.0), (2.0, 3.0))


@pytest.mark.parametrize(
    "ratio",
    [
        "lower: 9, upper: 1",
        "lower: -1, upper: 1, fit: [0.5, 0.75]",
        "lower: 1, upper: 9, fit: [0.5, 3]",
        "lower: 1, upper: 9, fit: [2, 10]",
    ],
)
def test_a_ratio_that_fits_outside_its_span_is_refused(ratio: str) -> None:
    with pytest.raises(
        KnowledgeError, match=r"^analytes\.yaml:5: lower: must be less than upper, with fit between them$"
    ):
        relations(ratio)


def test_ratios_of_no_row_are_refused() -> None:
    with pytest.raises(KnowledgeError, match=r"^analytes\.yaml:1: rows: must be a whole number of 1 or more$"):
        relations("lower: 1, upper: 9", rows="0")


SOURCES = ["comar_2017", "project"]


def validation(z: str) -> ValidationLimits:
    """Return the shipped targets with another quantile."""
    text = read_text(reference_ranges_root(), "validation.yaml")
    assert "confidence: 0.95\n  z: 1.959964\n" in text
    return read_validation(parse_yaml(text.replace("z: 1.959964", f"z: {z}"), "validation.yaml"), SOURCES, "made up")


def test_a_quantile_of_six_decimals_is_that_of_its_confidence() -> None:
    assert (validation("1.959964").confidence, validation("1.959964").z) == (0.95, 1.959964)


@pytest.mark.parametrize("z", ["1.96", "1.644854", "2.575829"])  # rounded, and those of 0.90 and 0.99
def test_another_quantile_is_refused(z: str) -> None:
    with pytest.raises(KnowledgeError, match=r"z: must be the two-sided normal quantile of the confidence"):
        validation(z)


def indirect(key: str, value: int) -> IndirectMethod:
    """Return the shipped method with another whole number."""
    node = parse_yaml(read_text(reference_ranges_root(), "verification.yaml"), "verification.yaml").node("indirect")
    node[key] = value
    return _indirect(node)


@pytest.mark.parametrize("key", ["bins", "steps", "fits", "replicates", "results", "different_values"])
def test_the_indirect_method_may_have_one_of_each_and_not_none(key: str) -> None:
    assert getattr(indirect(key, 1), key) == 1
    with pytest.raises(KnowledgeError, match=rf"{key}: must be 1 or more$"):
        indirect(key, 0)
