"""Single results to blood counts: what replaces what, what completes what, and what contradicts (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, StatedPerson
from cbc_screen.ingest.source import RejectedRow
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize import collect as collecting
from cbc_screen.normalize import collected_texts, doubts, kept_persons
from cbc_screen.normalize import identify as identifying
from cbc_screen.normalize.collect import Collection
from cbc_screen.normalize.gathered import CollectedCount
from cbc_screen.normalize.identify import NOT_A_COUNT, Identifier
from cbc_screen.normalize.person import CONTRADICTED
from cbc_screen.normalize.placing import apart
from cbc_screen.normalize.range_text import limits_of_text
from cbc_screen.normalize.remarks import platelet_clumps
from cbc_screen.normalize.standing import CONFLICT, Cell, DoubtfulResult, Received, StandingRule
from cbc_screen.normalize.value import unusable
from cbc_screen.vocabulary import Presence, Reason, ResultStatus

KNOWLEDGE = load_knowledge()
LOINC = {"hemoglobin": "718-7", "platelets": "777-3", "wbc": "6690-2", "neutrophils": "751-8"}
F, C, A, P, I, X, D, O = (ResultStatus(letter) for letter in "FCAPIXDO")  # noqa: E741


def result(
    analyte: str, value: str, status: ResultStatus = F, *, person: str = "p", at: str = "2024-01-02T08:00:00",
    unit: str = "", group: str = "order 1", notes: tuple[str, ...] = (), codes: tuple[ResultCode, ...] = (), line: int = 1,
    specimen: str = "", panel: str = "",
) -> LabResult:  # fmt: skip
    chosen = codes or (ResultCode(LOINC[analyte], "", "LN"),)
    return LabResult(
        line, person, group, at, chosen, value, unit=unit, status=status, notes=notes, specimen=specimen, panel=panel,
        content=f"segment {line}",
    )  # fmt: skip


def collect(*sources: Iterable[Item], ordered: bool = True) -> tuple[list[CollectedCount], Collection]:
    """Collect the items of one or more sources, each a feed in order of time unless said otherwise."""
    collection = Collection(KNOWLEDGE)
    for number, items in enumerate(sources):
        collection.add(items, Identifier(KNOWLEDGE, {}), number, ordered=ordered)
    return list(collection.each()), collection


def standing(*results: LabResult, ordered: bool = True) -> tuple[str, str, int]:
    """Return the value that stands, its status, and how many were superseded."""
    counts, collection = collect(results, ordered=ordered)
    cells = counts[0].cells
    assert collection.counts.balanced()
    if not cells:
        return "", "none", collection.counts.superseded
    (cell,) = cells.values()
    return cell.value, cell.status, collection.counts.superseded


@pytest.mark.parametrize(
    ("statuses_and_values", "expected"),
    [
        ([(F, "42")], ("42", "", 0)),
        ([(F, "42"), (F, "42")], ("42", "", 1)),  # a duplicate
        ([(P, "40"), (F, "42")], ("42", "", 1)),  # the final result completes the preliminary one
        ([(F, "42"), (P, "40")], ("42", "", 1)),  # a preliminary one that comes late changes nothing
        ([(F, "42"), (C, "Clumped")], ("Clumped", "", 1)),  # a correction replaces
        ([(F, "42"), (A, "45"), (C, "47")], ("47", "", 2)),
        ([(F, "42"), (F, "300")], (CONFLICT, "", 1)),  # two final results that differ: unknown, not a choice
        ([(F, "42"), (F, "300"), (C, "42")], ("42", "", 2)),  # and a correction settles it
        ([(F, "42"), (F, "see note")], ("42", "", 1)),  # a remark under the same code
        ([(F, "42"), (F, "CLOTTED")], (CONFLICT, "", 1)),  # a word that takes the number back
        ([(P, "42")], ("42", "P", 0)),
        ([(I, "")], ("NOT FINAL", "I", 0)),
        ([(X, "DNR")], ("DNR", "X", 0)),
        ([(F, "42"), (D, "")], ("NOT FINAL", "D", 1)),  # deleted: it was there, and cannot be used
        ([(D, ""), (F, "42")], ("42", "", 1)),
        ([(P, ""), (P, "41"), (F, "42")], ("42", "", 2)),
        ([(C, "47"), (F, "42")], ("47", "", 1)),  # a correction stands, wherever it lies
        ([(C, "47"), (C, "49")], ("49", "", 1)),  # corrected twice in one feed
        ([(F, "300"), (O, "9")], (CONFLICT, "", 1)),  # a status nobody knows takes back, and does not lose
        ([(O, "9"), (F, "300")], (CONFLICT, "", 1)),
        ([(F, "300"), (X, "")], (CONFLICT, "", 1)),  # cancelled after it was final
        ([(X, ""), (F, "300")], ("300", "", 1)),
        ([(F, ""), (F, "6.0")], ("6.0", "", 1)),
        ([(F, "6.0"), (F, "6.00")], ("6.00", "", 1)),
        ([(F, "42"), (D, ""), (F, "9")], ("9", "", 2)),
    ],
)  # fmt: skip
def test_what_stands(statuses_and_values: list[tuple[ResultStatus, str]], expected: tuple[str, str, int]) -> None:
    assert standing(*(result("platelets", value, status) for status, value in statuses_and_values)) == expected


@pytest.mark.parametrize(
    ("statuses_and_values", "expected"),
    [
        ([(C, "9"), (F, "300")], "9"),
        ([(F, "300"), (C, "9")], "9"),
        ([(C, "9"), (C, "300")], CONFLICT),  # which came later is not said
        ([(D, ""), (F, "300")], CONFLICT),  # which one was deleted is not said
        ([(F, "300"), (D, "300"), (F, "9")], "9"),
        ([(F, "300"), (D, "300")], "NOT FINAL"),
        ([(X, ""), (F, "300")], CONFLICT),
    ],
)
def test_what_stands_where_there_is_no_order(
    statuses_and_values: list[tuple[ResultStatus, str]], expected: str
) -> None:
    results = [result("platelets", value, status) for status, value in statuses_and_values]
    assert standing(*results, ordered=False)[0] == expected
    apart = collect(*([one] for one in results))[0][0].cells
    assert [cell.value for cell in apart.values()] == ([expected] if expected else [])


def test_one_result_in_two_spellings_is_a_duplicate() -> None:
    one, other = result("platelets", "9", unit="10*3/uL"), result("platelets", "9.0", unit="K/uL")
    assert standing(one, other) == ("9.0", "", 1)


def test_another_order_that_was_cancelled_takes_nothing_back() -> None:
    one, other = result("platelets", "42"), result("platelets", "", X, group="order 2")
    assert standing(one, other)[0] == "42"


def test_the_same_number_in_another_unit_is_not_a_duplicate() -> None:
    one, other = result("platelets", "42", unit="10^9/L"), result("platelets", "42", unit="/uL")
    assert standing(one, other)[0] == CONFLICT


def test_results_of_one_person_and_moment_are_one_count() -> None:
    counts, _ = collect(
        [
            result("hemoglobin", "91", group="order 1", line=3),
            result("platelets", "42", group="order 2", line=9),
            result("wbc", "2.1", at="2024-01-02T09:00:00+01:00", line=12),
            result("wbc", "2.2", at="2024-01-02T08:00:00Z", person="q", line=14),
            result("neutrophils", "0.4", at="2024-01-02T08:00:00Z", line=15),
        ]
    )
    found = [(count.person.key, count.line, sorted(count.cells)) for count in counts]
    assert found == [
        ("p", 3, ["hemoglobin", "platelets"]),
        ("p", 12, ["neutrophils", "wbc"]),  # the same moment in two zones
        ("q", 14, ["wbc"]),
    ]


def test_results_without_a_person_belong_to_nobody_elses_count() -> None:
    counts, _ = collect(
        [
            result("hemoglobin", "91", person="", group="order 1", line=1),
            result("platelets", "42", person="", group="order 1", line=2),
            result("hemoglobin", "95", person="", group="", line=3),
            result("platelets", "43", person="", group="", line=4),
        ]
    )
    nobody = unusable(Reason.KEY_MISSING)
    assert [{name: cell.value for name, cell in count.cells.items()} for count in counts] == [
        {"hemoglobin": "91", "platelets": "42"},
        {"hemoglobin": "95", "platelets": nobody},  # a platelet count was sent, and nobody says whose
        {"platelets": "43", "hemoglobin": nobody},
    ]


def test_results_of_a_year_are_no_count() -> None:
    pair = [
        result("hemoglobin", "91", at="2024", group="", line=1),
        result("platelets", "42", at="2024", group="", line=2),
    ]
    counts, collection = collect(pair)
    unknown = unusable(Reason.MOMENT_UNKNOWN)
    assert [{name: cell.value for name, cell in count.cells.items()} for count in counts] == [
        {"hemoglobin": "91", "platelets": unknown}, {"platelets": "42", "hemoglobin": unknown},
    ]  # fmt: skip
    assert (collection.grouping.alone, collection.counts.used) == (2, 2)


def test_a_person_may_come_after_the_results_and_two_that_differ_are_unknown() -> None:
    items = [
        result("hemoglobin", "91"), result("hemoglobin", "92", person="q"), result("hemoglobin", "93", person="r"),
        StatedPerson("p", "1960-02-03", "F"), StatedPerson("q", "1960-02-03", "F"), StatedPerson("q", "", "M"),
    ]  # fmt: skip
    people = {count.person.key: count.person for count in collect(items)[0]}
    assert people["p"] == StatedPerson("p", "1960-02-03", "F")
    assert people["q"] == StatedPerson("q", "1960-02-03", CONTRADICTED)
    assert people["r"] == StatedPerson("r")


@pytest.mark.parametrize(
    ("codes", "unit", "expected"),
    [
        ([("718-7", "Hemoglobin", "LN")], "g/dL", "hemoglobin"),
        ([("301.0700", "Hemoglobin (HGB)", "00065227"), ("718-7", "Hemoglobin", "pCLOCD")], "g/L", "hemoglobin"),
        ([("WBC", "White Blood Cells", "LN")], "K/uL", "wbc"),  # called LOINC, and a name
        ([("PCV", "PCV", "MB")], "", "hematocrit"),
        ([("789-8", "Platelets", "LN")], "10*9/L", Reason.CODE_CONFLICT),  # the code of red cells
        ([("718-7", "", "LN"), ("777-3", "", "LN")], "", Reason.CODE_CONFLICT),
        ([("770-8", "Neutrophils", "LN")], "%", "neutrophils_percent"),
        ([("NEUT", "Neutrophils", "L")], "%", "neutrophils_percent"),
        ([("NEUT", "Neutrophils", "L")], "10^9/L", "neutrophils"),
        ([("N", "Neut", "L")], "", Reason.UNIT_MISSING),  # a count or a percentage
        ([("4548-4", "Hemoglobin A1c", "LN")], "%", None),
        ([("x", "HbA1c", "L")], "%", None),
        ([("30313-1", "Hemoglobin", "LN")], "g/dL", Reason.CODE_CONFLICT),  # arterial: no code of the counter
        ([("11156-7", "LEUKOCYTES", "LN")], "giga.l-1", Reason.CODE_CONFLICT),  # the code of morphology
        ([("11156-7", "LEUKOCYTES", "LN")], "", None),
        ([("5799-2", "WBC", "LN")], "", None),  # urine
        ([("2823-3", "Potassium", "LN")], "mmol/L", None),
        ([], "", Reason.KEY_MISSING),  # a value of nobody knows what
        ([("59260-0", "Hemoglobin", "LN")], "mmol/L", Reason.CODE_CONFLICT),  # the code of moles: not lost in silence
    ],
)  # fmt: skip
def test_what_a_code_means(codes: list[tuple[str, str, str]], unit: str, expected: str | Reason | None) -> None:
    identity = Identifier(KNOWLEDGE, {}).identify(
        LabResult(1, "p", "", "", tuple(ResultCode(*code) for code in codes), "5", unit=unit)
    )
    assert identity[:2] == ((None, expected) if isinstance(expected, Reason) else (expected, None))


@pytest.mark.parametrize(
    ("code", "specimen", "panel", "expected"),
    [
        (ResultCode("WBC", "WBC", "L"), "", "URINALYSIS", (None, None)),
        (ResultCode("WBC", "WBC", "L"), "Cerebrospinal fluid", "", (None, None)),
        (ResultCode("WBC", "WBC", "L"), "B^Blood", "FULL BLOOD COUNT", ("wbc", None)),
        (ResultCode("6690-2", "Leukocytes", "LN"), "Pleural fluid", "", (None, Reason.CODE_CONFLICT)),
        (
            ResultCode("6690-2", "Leukocytes", "LN"),
            "",
            "Bone marrow report",
            ("wbc", None),
        ),  # it quotes the blood count
        (ResultCode("5821-4", "WBC", "LN"), "Urine", "", (None, None)),  # a code of the urine, called like a count
    ],
)
def test_a_specimen_that_is_not_blood(code: ResultCode, specimen: str, panel: str, expected: object) -> None:
    of = LabResult(1, "p", "", "", (code,), "5", specimen=specimen, panel=panel)
    assert Identifier(KNOWLEDGE, {}).identify(of)[:2] == expected


def test_the_codes_of_a_profile_decide() -> None:
    identifier = Identifier(KNOWLEDGE, {"51222": "hemoglobin", "wbc": "wbc"})
    urine = LabResult(1, "p", "", "", (ResultCode("WBC", "", ""),), "7", panel="URINALYSIS")
    assert identifier.identify(urine)[:2] == (None, None)
    other_case = LabResult(1, "p", "", "", (ResultCode("Wbc", "", ""),), "7", panel="HEMATOLOGY")
    assert identifier.identify(other_case)[:2] == ("wbc", None)
    no_concept = LabResult(1, "p", "", "", (ResultCode("0", "", ""), ResultCode("718-7", "", "")), "9")
    assert identifier.identify(no_concept)[:2] == ("hemoglobin", None)
    listed = LabResult(1, "p", "", "", (ResultCode("51222", "Lymphocytes", ""),), "9")
    assert identifier.identify(listed)[:2] == ("hemoglobin", None)
    unlisted = LabResult(1, "p", "", "", (ResultCode("50811", "Hemoglobin", ""),), "9")
    # A code that the profile does not list, called like a count: set aside by name, and never in silence.
    assert identifier.identify(unlisted)[:3] == (None, Reason.CODE_UNKNOWN, ("hemoglobin",))
    sodium = LabResult(1, "p", "", "", (ResultCode("50983", "Sodium", ""),), "140")
    assert identifier.identify(sodium) == NOT_A_COUNT


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("Platelet clumps noted; count may be low", Presence.PRESENT),
        ("PLATELETS APPEAR CLUMPED", Presence.PRESENT),
        ("Platelet clumps not seen", Presence.ABSENT),
        ("No platelet clumping.", Presence.ABSENT),
        ("No platelet clumps in tube 1. Platelet clumps seen in tube 2", Presence.PRESENT),
        ("Please repeat if platelet clumps are suspected", Presence.UNKNOWN),
        ("Possible platelet clumps", Presence.UNKNOWN),
        ("Platelet count not accurate due to platelet clumping", Presence.PRESENT),
        ("Count may not be accurate due to platelet clumping", Presence.PRESENT),
        ("Platelet clumps cannot be excluded", Presence.UNKNOWN),
        ("Platelet clumps seen, no schistocytes", Presence.PRESENT),
        ("No blasts, platelet clumps seen", Presence.PRESENT),
        ("Platelets clumped, no recollect", Presence.PRESENT),
        ("Platelets not clumped", Presence.ABSENT),
        ("Platelet clumps: none", Presence.ABSENT),
        ("Clumps of epithelial cells", Presence.UNKNOWN),
        ("Slide reviewed", Presence.UNKNOWN),
        # Alone, of a whole count; and in other languages.
        ("clumped", Presence.PRESENT),
        ("Sample clumped.", Presence.PRESENT),
        ("Note platelet clumps", Presence.PRESENT),
        ("Thrombozytenaggregate", Presence.PRESENT),
        ("Im Ausstrich keine Thrombozytenaggregate", Presence.ABSENT),
        ("Verdacht auf Thrombozytenaggregate?", Presence.UNKNOWN),
        ("Agrégats plaquettaires présents", Presence.PRESENT),
        ("pas d'agrégats plaquettaires", Presence.ABSENT),
        ("Agregados plaquetarios", Presence.PRESENT),
        ("sin agregados plaquetarios", Presence.ABSENT),
        ("агрегаты тромбоцитов", Presence.PRESENT),
        ("血小板聚集", Presence.PRESENT),
    ],
)
def test_what_a_remark_says_of_clumps(remark: str, expected: Presence) -> None:
    assert platelet_clumps(remark) is expected
    counts, _ = collect([result("platelets", "42", notes=(remark,)), result("hemoglobin", "91")])
    assert counts[0].clumps is (expected if "epithelial" not in remark else Presence.PRESENT)


def test_clumps_as_a_result_of_their_own() -> None:
    clumps = (ResultCode("7796-6", "Platelet clump [Presence] in Blood by Light microscopy", "LN"),)
    for value, expected in (("Present", Presence.PRESENT), ("Negative", Presence.ABSENT)):
        counts, collection = collect([result("platelets", "42"), result("", value, codes=clumps)])
        assert counts[0].clumps is expected
        assert collection.counts.not_count == 1


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("4.0-11.0", "", ("4.0", "11.0")), ("120 - 160", "", ("120", "160")), ("4.3 to 6.2", "", ("4.3", "6.2")),
        ("(12-16)", "", ("12", "16")), ("150\u2013400", "", ("150", "400")), ("<5", "", ("", "5")),
        ("<=1.030", "", ("", "1.030")), (">=150", "", ("150", "")), ("11.7-15.4 %", "%", ("11.7", "15.4")),
        ("11.7-15.4 %", "g/dL", ("?", "")), ("Not Estab.", "", ("", "")), ("SEE TARGETS", "", ("", "")),
        ("", "", ("", "")), ("M 13-17 F 12-16", "", ("M=13|F=12", "M=17|F=16")), ("0", "", ("?", "")), ("5-", "", ("?", "")),
    ],
)  # fmt: skip
def test_a_range_as_text(text: str, unit: str, expected: tuple[str, str]) -> None:
    assert limits_of_text(text, unit) == expected


def test_every_item_is_accounted_for() -> None:
    items: list[Item] = [
        result("hemoglobin", "91", line=1), result("hemoglobin", "91", line=2), result("platelets", "42", line=3),
        result("", "5", codes=(ResultCode("2823-3", "Potassium", "LN"),), line=4),
        result("", "5", codes=(ResultCode("789-8", "Platelets", "LN"),), line=5),
        NotResults(6, "ORM^O01"), RejectedRow(7, Reason.MESSAGE_UNREADABLE, "MSH"), StatedPerson("p"),
    ]  # fmt: skip
    _, collection = collect(items)
    counts = collection.counts
    assert (counts.read, counts.used, counts.superseded, counts.not_count) == (5, 2, 1, 1)
    assert (dict(counts.rejected), dict(counts.without_results)) == ({"CODE_CONFLICT": 1}, {"ORM^O01": 1})
    assert [row for _, row in collection.aside(whole=False)] == [RejectedRow(5, Reason.CODE_CONFLICT, "segment 5")]
    assert [row for _, row in collection.aside(whole=True)] == [RejectedRow(7, Reason.MESSAGE_UNREADABLE, "MSH")]


STATUSES = st.sampled_from([F, C, A, P, I, X, D])
RESULTS = st.lists(st.tuples(STATUSES, st.sampled_from(["42", "300", "Clumped", "see note", ""])), min_size=1)


@given(RESULTS)
def test_whatever_comes_results_in_are_results_used_superseded_left_out_and_rejected(
    given_results: list[tuple[ResultStatus, str]],
) -> None:
    counts, collection = collect(result("platelets", value, status) for status, value in given_results)
    assert collection.counts.balanced()
    assert collection.counts.used == len(counts[0].cells)


@given(RESULTS)
def test_a_correction_at_the_end_always_stands(given_results: list[tuple[ResultStatus, str]]) -> None:
    before = [result("platelets", value, status) for status, value in given_results]
    assert standing(*before, result("platelets", "77", C))[0] == "77"
    if not any(status in (C, A, D) for status, _ in given_results):
        assert standing(*before, result("platelets", "77", C), ordered=False)[0] == "77"


@given(RESULTS, st.data())
def test_results_of_others_in_between_change_nothing(
    given_results: list[tuple[ResultStatus, str]], data: st.DataObject
) -> None:
    own = [result("platelets", value, status) for status, value in given_results]
    mixed: list[Item] = []
    for one in own:
        mixed += [result("platelets", "5", person=f"other {data.draw(st.integers(0, 3))}"), one]
    alone = collect(own)[0][0].cells
    together = next(count.cells for count in collect(mixed)[0] if count.person.key == "p")
    assert together == alone


ANY = st.text(max_size=40)
ANY_RESULTS = st.lists(
    st.builds(
        LabResult,
        line=st.integers(0, 9),
        person=st.sampled_from(["", "p", "message 1"]) | ANY,
        group=st.sampled_from(["", "g"]) | ANY,
        collected_at=st.sampled_from(["", "2024-01-02", "2024-01-02T08:00:00+25:00"]) | ANY,
        codes=st.lists(
            st.builds(ResultCode, st.sampled_from(["718-7", "777-3", "PLT"]) | ANY, ANY, ANY), max_size=3
        ).map(tuple),
        value=ANY,
        unit=ANY,
        specimen=ANY,
        panel=ANY,
        lower=ANY,
        upper=ANY,
        range_text=ANY,
        status=st.sampled_from(list(ResultStatus)),
        notes=st.lists(ANY, max_size=2).map(tuple),
        content=ANY,
    )
    | st.builds(StatedPerson, ANY, ANY, ANY, ANY)
    | st.builds(NotResults, st.integers(0, 9), ANY),
    max_size=12,
)


@given(ANY_RESULTS)
def test_any_text_in_any_field_is_carried_and_accounted_for(items: list[Item]) -> None:
    counts, collection = collect(items)
    assert collection.counts.balanced()
    # What a result set aside leaves unknown is no result that was used.
    aside = {unusable(reason) for reason in Reason} - {unusable(Reason.VALUE_MISSING)}
    assert collection.counts.used == sum(cell.value not in aside for count in counts for cell in count.cells.values())
    assert collection.counts.read == sum(isinstance(item, LabResult) for item in items)


def test_clumps_of_other_cells_on_a_whole_count_are_not_of_its_platelets() -> None:
    for remark in ("RBC clumps", "red cells clumped", "WBC clumps seen", "bacteria clumped"):
        assert platelet_clumps(remark) is Presence.UNKNOWN, remark


def test_what_is_forgotten_on_the_way_changes_no_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of names, words for sex and neighbors only so many are remembered, and results are written so many at a time."""
    items: list[Item] = [StatedPerson(f"p{n}", sex=sex) for n, sex in enumerate(("F", "M", "female"))]
    for n in range(6):
        items.append(result("platelets", f"{n}0", person=f"p{n}", at="", group="", unit="10^9/L", line=2 * n))
        items.append(result("hemoglobin", f"{n}0", person=f"p{n % 2}", at="", group="", unit="g/L", line=2 * n + 1))
    items += [
        result("", "5", person="p1", codes=(ResultCode("", name, ""),)) for name in ("Glucose", "Sodium", "Potassium")
    ]
    remembered, _ = collect(items)
    for module, name in (
        (collecting, "_AT_ONCE"), (kept_persons, "_AT_ONCE"), (kept_persons, "KINDS"), (collected_texts, "KINDS"), (identifying, "_REMEMBERED"), (doubts, "_REMEMBERED"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, 1)
    forgotten, collection = collect(items)
    assert forgotten == remembered
    assert len(collection.people.sexes) == 1


def test_what_was_seen_once_on_the_film_was_seen() -> None:
    film = [result("", value, codes=(ResultCode("", "Schistocytes", ""),)) for value in ("present", "absent")]
    (count,), _ = collect([result("hemoglobin", "90", unit="g/L"), *film])
    assert count.film["schistocytes_on_film"] is Presence.PRESENT


def received(value: str, unit: str = "g/dL", status: ResultStatus = F) -> Received:
    return Received(value, unit, "", "", status.value, value, -1, "", "", 0)


def test_results_of_a_period_stand_by_what_they_say() -> None:
    """Those that say the same are one result, repeated; where one may replace another they are left together."""
    standing = StandingRule(KNOWLEDGE)
    same, other = [received("9"), received("9.0"), received("90", "g/L")], received("10")
    assert standing.alike("hemoglobin", [*same, other]) == [same, [other]]
    assert list(apart({"hemoglobin": [*same, other]}, standing)) == [("hemoglobin", same), ("hemoglobin", [other])]
    replaced = [*same, received("10", status=C)]
    assert list(apart({"hemoglobin": replaced}, standing)) == [("hemoglobin", replaced)]


@pytest.mark.parametrize(("value", "between"), [("0.4", True), ("see note", False), (">0.4", False)])
def test_a_percentage_stands_in_only_beside_a_number(value: str, between: bool) -> None:
    """Of neutrophils in doubt, beside white cells and a percentage, the lowest and the highest are told."""
    cells = {"wbc": Cell("5", "10^9/L", "", "", ""), "neutrophils_percent": Cell("50", "%", "", "", "")}
    told = [DoubtfulResult(value, "10^9/L", "", "")]
    assert bool(StandingRule(KNOWLEDGE).between("neutrophils", told, cells)) is between


# As many as are kept ----------------------------------------------------------------------


def test_as_many_names_are_counted_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected_texts, "KINDS", 2)
    names: Counter[str] = Counter()
    for name in ("hgb", "plt", "a third", "hgb"):
        collected_texts.count_name(names, name)
    assert names == {"hgb": 2, "plt": 1}


def test_as_many_words_for_a_sex_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_persons, "KINDS", 2)
    people = Collection(KNOWLEDGE).people
    for sex in ("F", "M", "F", "a third"):
        people.note_sex(sex)
    assert people.sexes == {"F", "M"}
