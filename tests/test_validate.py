"""A reviewer's answers become agreement by rule; no line is lost, and no text of one is repeated (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import traceback
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from cbc_screen.agreement import MEASURE, Agreement, RuleAgreement, agreement_of, still_needed, validate, wilson
from cbc_screen.errors import CBCScreenError, KnowledgeError, UsageError
from cbc_screen.ingest.labels import read_label_lines
from cbc_screen.knowledge.files import read_text, reference_ranges_root
from cbc_screen.knowledge.parse import parse_yaml
from cbc_screen.knowledge.validation import load_validation, read_validation
from cbc_screen.labels import Label, LabelFault, sort_labels
from cbc_screen.report.agreement import print_agreement
from cbc_screen.vocabulary import NOTICE, Threshold

Z = 1.959964
HEADER = "row,rule,flag,answer,instead,reviewer"
CANARY = "CANARY_NAME_7Q"


def validated(folder: Path, *lines: str, header: str = HEADER) -> Agreement:
    """Validate a CSV file of these lines; of the columns of the header the last may be left out."""
    file = folder / "labelled.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return validate(file)


def rule_of(found: Agreement, name: str) -> RuleAgreement:
    return {rule.rule: rule for rule in found.rules}[name]


def counts(rule: RuleAgreement) -> tuple[int, int, int, int, int, int]:
    """True positive, false positive, true negative, false negative, cannot tell, unknown."""
    told = (rule.true_positive, rule.false_positive, rule.true_negative, rule.false_negative)
    return (*told, rule.cannot_tell, rule.unknown)


def rejects(found: Agreement) -> list[tuple[int, str, LabelFault]]:
    return [(fault.line, fault.column, fault.reason) for fault in found.rejected_lines]


def printed(found: Agreement, width: int = 120) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_agreement(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


# What an answer says of a rule.


@pytest.mark.parametrize(
    ("rule", "positive", "negative"),
    [("line:red", "low", "not_low"), *((f"{kind}:x", "yes", "no") for kind in ("condition", "guard", "trigger"))],
)
def test_agree_keeps_the_flag_and_disagree_turns_it_over(
    tmp_path: Path, rule: str, positive: str, negative: str
) -> None:
    # Hits 3, wrongly flagged 2, clear 4, missed 1, and twice it could not be told.
    said = [(positive, "agree")] * 3 + [(positive, "disagree")] * 2 + [(negative, "AGREE")] * 4
    said += [(negative, "Disagree"), ("cannot_tell", "agree"), ("cannot_tell", "disagree")]
    found = validated(tmp_path, *(f"{row},{rule},{flag},{answer},," for row, (flag, answer) in enumerate(said)))
    one = rule_of(found, rule)
    assert counts(one) == (3, 2, 4, 1, 2, 0)
    assert (one.reviewed, one.cannot_tell_disagreed) == (12, 1)
    assert (one.agreement.count, one.agreement.of, one.agreement.share) == (7, 10, 0.7)
    assert (one.missed_of_present.count, one.missed_of_present.of) == (1, 4)
    assert (one.flagged_of_absent.count, one.flagged_of_absent.of) == (2, 6)
    assert (one.missed_of_reviewed.count, one.missed_of_reviewed.of) == (1, 10)
    # 1 missed of 4 present: 185 are needed in all (see below), so 181 more; 1 of 10 told: 175 more.
    assert (one.still_needed, one.still_needed_reviewed) == (181, 175)


@pytest.mark.parametrize(
    ("flag", "answer", "instead", "single", "two", "three"),
    [
        ("pancytopenia", "agree", "", "true_negative", "true_negative", "true_positive"),
        ("pancytopenia", "agree", "pancytopenia", "true_negative", "true_negative", "true_positive"),
        ("pancytopenia", "disagree", "bicytopenia", "true_negative", "false_negative", "false_positive"),
        ("pancytopenia", "disagree", "none", "true_negative", "true_negative", "false_positive"),
        ("pancytopenia", "disagree", "", "unknown", "unknown", "false_positive"),
        ("pancytopenia", "disagree", "cannot_tell", "unknown", "unknown", "false_positive"),
        ("none", "disagree", "single_line", "false_negative", "true_negative", "true_negative"),
        ("none", "disagree", "", "unknown", "unknown", "unknown"),
        ("cannot_tell", "disagree", "bicytopenia", "cannot_tell", "cannot_tell", "cannot_tell"),
    ],
)
def test_the_pattern_is_a_rule_for_each_of_its_words(
    tmp_path: Path, flag: str, answer: str, instead: str, single: str, two: str, three: str
) -> None:
    found = validated(tmp_path, f"1,pattern:pattern,{flag},{answer},{instead},")
    assert found.used == 1
    for word, outcome in (("single_line", single), ("bicytopenia", two), ("pancytopenia", three)):
        rule = rule_of(found, f"pattern:{word}")
        assert getattr(rule, outcome) == 1
        assert sum(counts(rule)) == 1
        assert rule.reviewed == (0 if outcome == "unknown" else 1)


def test_the_urgency_is_a_rule_for_immediate_and_one_for_prompt(tmp_path: Path) -> None:
    found = validated(
        tmp_path,
        "1,urgency:urgency,immediate,agree,,",
        "2,urgency:urgency,routine,disagree,immediate,",
        "3,urgency:urgency,prompt,disagree,immediate,",
        "4,urgency:urgency,none,agree,,",
    )
    assert counts(rule_of(found, "urgency:immediate")) == (1, 0, 1, 2, 0, 0)
    assert counts(rule_of(found, "urgency:prompt")) == (0, 1, 3, 0, 0, 0)


def test_nothing_present_has_no_share_and_no_interval(tmp_path: Path) -> None:
    rule = rule_of(validated(tmp_path, "1,line:red,not_low,agree,,"), "line:red")
    assert (rule.missed_of_present.of, rule.missed_of_present.share) == (0, None)
    assert (rule.missed_of_present.low, rule.missed_of_present.high) == (None, None)
    # 125 reviewed are needed in all (see below): 125 with the finding, or 124 more of any kind.
    assert (rule.still_needed, rule.still_needed_reviewed) == (125, 124)


def test_rules_are_in_the_order_of_their_kinds_and_the_most_missed_first(tmp_path: Path) -> None:
    lines = [
        "1,urgency:urgency,none,agree,,",
        "1,guard:a,no,agree,,",
        "1,guard:b,no,disagree,,",
        "1,line:red,low,agree,,",
    ]
    found = validated(tmp_path, *lines)
    names = ["line:red", "guard:b", "guard:a", "urgency:immediate", "urgency:prompt"]
    assert [rule.rule for rule in found.rules] == names


# The account of the lines.


def test_every_line_is_used_unanswered_repeated_or_rejected(tmp_path: Path) -> None:
    found = validated(
        tmp_path,
        "1,line:red,low,agree,,A",  # used
        "1,line:red,low,agree,,A",  # the same line again
        "1,line:red,low,agree,,B",  # of another reviewer
        "2,line:red,low,,,A",  # no answer
        "3,line:red,low,agree,,A",
        "3,line:red,low,disagree,,A",  # contradicts the line above
        "3,line:red,low,agree,,A",  # which of the three holds is not known
        "4,line:red,low,maybe,,A",
    )
    assert (found.lines, found.used, found.unanswered, found.repeated, found.rejected) == (8, 2, 1, 1, 4)
    contradicts = [(line, "answer", LabelFault.CONTRADICTS) for line in (6, 7, 8)]
    assert rejects(found) == [*contradicts, (9, "answer", LabelFault.ANSWER_UNKNOWN)]
    assert found.rejects == {"contradicts another line": 3, "neither agree nor disagree": 1}


def test_an_urgency_that_cannot_be_told_is_counted_apart(tmp_path: Path) -> None:
    """Neither right nor wrong: not agreed, not disagreed with; and what it is instead where another was flagged."""
    found = validated(
        tmp_path,
        "1,urgency:urgency,cannot_tell,agree,,",
        "2,urgency:urgency,cannot_tell,disagree,prompt,",
        "3,urgency:urgency,immediate,disagree,cannot_tell,",
    )
    assert (found.used, found.rejected) == (3, 0)
    counts = {
        rule.rule: (rule.cannot_tell, rule.cannot_tell_disagreed, rule.false_positive, rule.unknown)
        for rule in found.rules
    }
    # Row 3: that it is not immediate is said; whether it is prompt is not.
    assert counts == {"urgency:immediate": (2, 1, 1, 0), "urgency:prompt": (2, 1, 0, 1)}


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (",line:red,low,agree,,", "row", LabelFault.ROW_MISSING),
        ("1,,low,agree,,", "rule", LabelFault.RULE_MISSING),
        ("1,red,low,agree,,", "rule", LabelFault.RULE_UNKNOWN),
        ("1,line:,low,agree,,", "rule", LabelFault.RULE_UNKNOWN),
        ("1,line:green,low,agree,,", "rule", LabelFault.RULE_UNKNOWN),
        ("1,pattern:other,none,agree,,", "rule", LabelFault.RULE_UNKNOWN),
        ("1,cutoff:x,yes,agree,,", "rule", LabelFault.RULE_UNKNOWN),
        ("1,guard:a\x1b[2J,yes,agree,,", "rule", LabelFault.RULE_UNKNOWN),
        ("1,line:red,yes,agree,,", "flag", LabelFault.FLAG_UNKNOWN),
        ("1,guard:x,low,agree,,", "flag", LabelFault.FLAG_UNKNOWN),
        ("1,urgency:urgency,low,agree,,", "flag", LabelFault.FLAG_UNKNOWN),
        ("1,line:red,,,,", "flag", LabelFault.FLAG_UNKNOWN),
        ("1,line:red,low,yes,,", "answer", LabelFault.ANSWER_UNKNOWN),
        ("1,pattern:pattern,none,disagree,low,", "instead", LabelFault.INSTEAD_UNKNOWN),
        ("1,line:red,low,disagree,not_low,", "instead", LabelFault.INSTEAD_UNKNOWN),
        ("1,pattern:pattern,none,disagree,none,", "instead", LabelFault.INSTEAD_CONTRADICTS),
        ("1,pattern:pattern,none,agree,single_line,", "instead", LabelFault.INSTEAD_CONTRADICTS),
        ("1\0,line:red,low,agree,,", "row", LabelFault.UNREADABLE),
        (f"{'1' * 4_097},line:red,low,agree,,", "row", LabelFault.UNREADABLE),
        ("1,line:red,low", "", LabelFault.RAGGED),
        ("1,line:red,low,agree,,,", "", LabelFault.RAGGED),
    ],
)
def test_what_cannot_be_read_is_rejected_with_its_place(
    tmp_path: Path, line: str, column: str, reason: LabelFault
) -> None:
    found = validated(tmp_path, "9,line:red,low,agree,,", line)
    assert rejects(found) == [(3, column, reason)]
    assert (found.lines, found.used) == (2, 1)


def test_the_line_is_the_one_at_which_a_record_begins(tmp_path: Path) -> None:
    found = validated(
        tmp_path,
        '1,line:red,low,agree,"two\nlines"',
        "",
        "2,line:red,low,no,",
        header="row,rule,flag,answer,comment,instead",
    )
    assert rejects(found) == [(5, "answer", LabelFault.ANSWER_UNKNOWN)]


def test_an_account_that_does_not_balance_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "labelled.csv"
    file.write_text("row,rule,flag,answer\n1,line:red,low,agree\n", encoding="utf-8")
    labels = sort_labels(read_label_lines(file))
    with pytest.raises(CBCScreenError, match="does not balance"):
        agreement_of(replace(labels, lines=2), load_validation())


# What a file may look like.


@pytest.mark.parametrize(
    "text",
    [
        "row,rule,flag,answer\n7,line:red,low,agree\n",
        "\ufeffrow,rule,flag,answer\r\n7,line:red,low,agree\r\n",
        "row;rule;flag;answer\n7;line:red;low;agree\n",
        'row\trule\tflag\tanswer\n"7"\tline:red\tLow\t AGREE \n',
        "note,answer,flag,rule,row,reviewer\n,agree,low,line:red,7\n",  # no cell for reviewer
        '[{"row": 7, "rule": "line:red", "flag": "low", "answer": "agree", "instead": null}]',
        '\ufeff {"notice": "x", "answers": [{"row": "7", "rule": "line:red", "flag": "low", "answer": "agree"}]}',
    ],
)
def test_csv_and_json_give_the_same_answers(tmp_path: Path, text: str) -> None:
    file = tmp_path / "labelled"
    file.write_bytes(text.encode())
    (label,) = sort_labels(read_label_lines(file)).used
    assert (label.row, label.kind, label.id, label.flag, label.answer) == ("7", "line", "red", "low", "agree")
    assert (label.file, label.reviewer, label.instead) == ("", "", None)


def test_the_apostrophe_of_the_export_is_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "labelled.csv"
    file.write_text("row,rule,flag,answer\n'-7,guard:x,yes,agree\n'7,guard:x,yes,agree\n", encoding="utf-8")
    assert [label.row for label in sort_labels(read_label_lines(file)).used] == ["-7", "'7"]


@pytest.mark.parametrize(
    ("entry", "column", "reason"),
    [
        ('"agree"', "", LabelFault.NOT_AN_OBJECT),
        ("null", "", LabelFault.NOT_AN_OBJECT),
        ('{"row": 1, "row": 2, "rule": "line:red"}', "", LabelFault.KEY_TWICE),
        ('{"row": [1], "rule": "line:red", "flag": "low", "answer": "agree"}', "row", LabelFault.NOT_A_TEXT),
        ('{"row": 1, "rule": "line:red", "flag": "low", "answer": true}', "answer", LabelFault.NOT_A_TEXT),
        (f'{{"row": {"9" * 1_000_000}, "rule": "line:red"}}', "row", LabelFault.UNREADABLE),
        ('{"row": 1, "rule": "guard:\\ud800", "flag": "yes", "answer": "agree"}', "rule", LabelFault.RULE_UNKNOWN),
    ],
)
def test_an_object_that_cannot_be_read_is_rejected_by_its_place_in_the_list(
    tmp_path: Path, entry: str, column: str, reason: LabelFault
) -> None:
    file = tmp_path / "labelled.json"
    file.write_text(f'[{{"row": 1, "rule": "line:red", "flag": "low", "answer": ""}}, {entry}]', encoding="utf-8")
    found = validate(file)
    assert rejects(found) == [(2, column, reason)]
    assert (found.lines, found.unanswered) == (2, 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "are empty"),
        (b"row,rule,answer\n", "no column flag"),
        (b"Row,rule,flag,answer\n", "no column row"),
        (b"row,rule,flag,answer,answer\n", "column answer twice"),
        (b'row,rule,flag,answer\n1,line:red,low,agree\n2,"' + CANARY.encode(), "at line 3"),
        (b"row,rule,flag,answer\n" + b"7" * 1_000_000 + b",line:red,low,agree\n", "at line 2"),
        (b"row,rule,flag,answer\n\xff" + CANARY.encode(), "not UTF-8"),
        ("row,rule,flag,answer\n".encode("utf-16"), "not UTF-8"),
        ("row,rule,flag,answer\n".encode("utf-16-le"), "no column"),
        (b'{"row": "' + CANARY.encode() + b'"}', "no JSON that can be used"),
        (b'[{"row": "' + CANARY.encode(), "no JSON that can be used"),
        (b'{"answers": [], "answers": []}', "no JSON that can be used"),
        (b"[" * 100_000, "no JSON that can be used"),
        (b"{", "no JSON that can be used"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "labelled"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=says) as caught:
        validate(file)
    assert "\n" not in str(caught.value)
    assert CANARY not in "".join(traceback.format_exception(caught.value)).replace(str(tmp_path), "")
    assert caught.value.__context__ is None


@pytest.mark.parametrize("name", ["missing.csv", ".", "a\0b"])
def test_a_file_that_cannot_be_opened_is_one_clear_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be opened") as caught:
        validate(tmp_path / name)
    assert caught.value.__context__ is None


def test_nothing_of_a_rejected_line_is_repeated(tmp_path: Path) -> None:
    good = ["1", "pattern:pattern", "none", "agree", "", "A"]
    lines = [",".join([*good[:place], CANARY, *good[place + 1 :]]) for place in (1, 2, 3, 4)]
    lines += [f"{CANARY},guard:x,yes,agree,,{CANARY}", f"{CANARY},guard:x,yes,disagree,,{CANARY}"]
    found = validated(tmp_path, *lines)
    assert found.rejected == 6
    assert CANARY not in json.dumps(found.to_dict()) + printed(found) + repr(found)
    assert CANARY not in repr(sort_labels(read_label_lines(tmp_path / "labelled.csv")))
    assert CANARY not in repr(read_label_lines(tmp_path / "labelled.csv"))


# The interval, and how much is still to review.


@pytest.mark.parametrize(
    ("successes", "number", "low", "high"),
    [
        # Newcombe, Stat Med 1998;17:857, the score method without correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_that_of_published_examples(successes: int, number: int, low: float, high: float) -> None:
    assert wilson(successes, number, Z) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_says_nothing_and_impossible_counts_are_refused() -> None:
    assert wilson(0, 0, Z) == (0.0, 1.0)
    for successes, number, z in ((2, 1, Z), (-1, 1, Z), (0, -1, Z), (0, 1, 0.0), (0, 1, float("nan"))):
        with pytest.raises(UsageError):
            wilson(successes, number, z)
    with pytest.raises(UsageError, match="between 0 and 1"):
        still_needed(0, 0, 1.0, Z)


@pytest.mark.parametrize(
    ("misses", "number", "target", "z", "further"),
    [
        # No miss: the upper limit z^2/(n + z^2) is below p from n > z^2 (1 - p) / p = 3.84146 * 0.97 / 0.03 = 124.2.
        (0, 0, 0.03, Z, 125),
        (0, 124, 0.03, Z, 1),
        (0, 125, 0.03, Z, 0),
        (0, 10_000, 0.03, Z, 0),
        # At the limit itself it is not below: 4 * 0.5 / 0.5 = 4, so 5.
        (0, 0, 0.5, 2.0, 5),
        # One miss: (0.03 n - 1)^2 > 3.84146 * 0.03 * 0.97 n, or 0.0009 n^2 - 0.171786 n + 1 > 0, from
        # n > (0.171786 + sqrt(0.0295106 - 0.0036)) / 0.0018 = (0.171786 + 0.160968) / 0.0018 = 184.9.
        (1, 10, 0.03, Z, 175),
        (1, 1, 0.03, Z, 184),
        (1, 185, 0.03, Z, 0),
    ],
)
def test_the_fewest_that_are_still_needed(misses: int, number: int, target: float, z: float, further: int) -> None:
    assert still_needed(misses, number, target, z) == further


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    number = draw(st.integers(1, 100_000))
    return draw(st.integers(0, number)), number


@given(share=shares(), z=st.floats(0.1, 6.0))
def test_the_interval_lies_in_0_to_1_and_contains_the_share(share: tuple[int, int], z: float) -> None:
    successes, number = share
    low, high = wilson(successes, number, z)
    assert 0.0 <= low <= successes / number <= high <= 1.0
    assert low < high


@given(share=shares(), times=st.integers(2, 50), z=st.floats(0.1, 6.0))
def test_the_same_share_of_more_has_a_narrower_interval(share: tuple[int, int], times: int, z: float) -> None:
    successes, number = share
    few, many = wilson(successes, number, z), wilson(times * successes, times * number, z)
    assert many[1] - many[0] < few[1] - few[0]


@given(share=shares(), z=st.floats(0.1, 6.0))
def test_the_interval_of_the_rest_is_the_mirror_image(share: tuple[int, int], z: float) -> None:
    low, high = wilson(*share, z)
    assert wilson(share[1] - share[0], share[1], z) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@given(misses=st.integers(0, 500), hits=st.integers(0, 20_000), target=st.floats(0.001, 0.999), z=st.floats(0.1, 6.0))
def test_what_is_still_needed_is_enough_and_one_less_is_not(misses: int, hits: int, target: float, z: float) -> None:
    def enough(number: int) -> bool:
        """Tell it without rounding: p is above the upper limit where (n p - x)^2 > z^2 n p (1 - p)."""
        share, square = Fraction(target), Fraction(z) ** 2
        above = number * share - misses
        return above > 0 and above**2 > square * number * share * (1 - share)

    further = still_needed(misses, misses + hits, target, z)
    assert enough(misses + hits + further)
    assert further == 0 or not enough(misses + hits + further - 1)


# Laws of any file.

RULES = ["pattern:pattern", "urgency:urgency", "line:red", "line:white", "condition:x", "guard:y", "trigger:z", "x", ""]
FLAGS = [
    "none",
    "single_line",
    "pancytopenia",
    "immediate",
    "prompt",
    "low",
    "not_low",
    "yes",
    "no",
    "cannot_tell",
    "?",
]
CELLS = {
    "file": st.sampled_from(["", "a", "b"]),
    "row": st.sampled_from(["1", "2", "3", ""]),
    "rule": st.sampled_from(RULES),
    "flag": st.sampled_from(FLAGS),
    "answer": st.sampled_from(["agree", "disagree", "AGREE", "", "maybe"]),
    "instead": st.sampled_from(["", "", "", *FLAGS]),
    "reviewer": st.sampled_from(["", "A"]),
    "comment": st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
}
ROWS = st.lists(st.fixed_dictionaries(CELLS), max_size=40)


def as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(CELLS), quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def accounted(file: Path) -> Agreement | str:
    """Return the agreement, or the message of the one error that is allowed."""
    try:
        return validate(file)
    except UsageError as problem:
        return str(problem)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("labels") / "labelled"


def several(label: Label, rule: RuleAgreement) -> bool:
    """Tell whether the rule is a word of the pattern or of the urgency, and the answer is about it."""
    return label.kind == rule.kind and label.id in ("pattern", "urgency")


@given(rows=ROWS)
def test_the_account_of_lines_and_that_of_every_rule_balance(file: Path, rows: list[dict[str, str]]) -> None:
    file.write_bytes(as_csv(rows).encode())
    found = validate(file)
    assert found.lines == len(rows) == found.used + found.unanswered + found.repeated + found.rejected
    assert found.rejected == len(found.rejected_lines) == sum(found.rejects.values())
    used = sort_labels(read_label_lines(file)).used
    for rule in found.rules:
        of_rule = [label for label in used if f"{label.kind}:{label.id}" == rule.rule or several(label, rule)]
        assert sum(counts(rule)) == len(of_rule)
        assert rule.reviewed == sum(counts(rule)) - rule.unknown
        assert rule.missed_of_present.of + rule.flagged_of_absent.of == rule.agreement.of
        assert rule.agreement.of == rule.missed_of_reviewed.of


@given(rows=ROWS)
def test_csv_and_json_of_the_same_lines_agree_whatever_their_order(file: Path, rows: list[dict[str, str]]) -> None:
    file.write_bytes(as_csv(rows).encode())
    of_csv = validate(file)
    file.write_text(json.dumps({"notice": NOTICE, "answers": rows[::-1]}), encoding="utf-8")
    of_json = validate(file)
    assert of_json.rules == of_csv.rules
    assert (of_json.unanswered, of_json.repeated) == (of_csv.unanswered, of_csv.repeated)
    assert of_json.rejects == of_csv.rejects


@given(rows=ROWS)
def test_who_agrees_with_all_misses_nothing(file: Path, rows: list[dict[str, str]]) -> None:
    file.write_bytes(as_csv([{**row, "answer": "agree", "instead": ""} for row in rows]).encode())
    for rule in validate(file).rules:
        assert (rule.false_positive, rule.false_negative, rule.unknown, rule.cannot_tell_disagreed) == (0, 0, 0, 0)
        assert rule.agreement.share in (None, 1.0)


@given(
    content=st.binary(max_size=300)
    | st.text(max_size=200).map(lambda text: f"row,rule,flag,answer\n{text}".encode("utf-8", "replace"))
)
def test_any_bytes_are_an_account_or_one_clear_line(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    found = accounted(file)
    if isinstance(found, str):
        assert found.startswith("the answers ")
    else:
        assert found.lines == found.used + found.unanswered + found.repeated + found.rejected


# What is shown.


def test_every_output_carries_the_notice_and_what_the_measure_is_of(tmp_path: Path) -> None:
    found = validated(tmp_path, "1,line:red,not_low,disagree,,", "2,line:red,low,maybe,,")
    as_dict = json.loads(json.dumps(found.to_dict()))
    assert (as_dict["notice"], as_dict["measure"]) == (NOTICE, MEASURE)
    assert as_dict["rules"][0]["missed_of_present"]["share"] == 1.0
    assert as_dict["rejected_lines"] == [{"line": 3, "column": "answer", "reason": "neither agree nor disagree"}]
    text = printed(found)
    assert text.startswith(f"{NOTICE}\n{MEASURE}\n")
    assert "2 lines in = 1 used + 0 unanswered + 0 repeated + 1 rejected" in text
    assert "line 3, answer: neither agree nor disagree" in text
    # One missed of one present: 185 in all, so 184 more, above those of any kind.
    red = next(line for line in text.splitlines() if line.startswith("red"))
    assert red.split() == ["red", "1", "1", "0", "0", "0.0", "100.0", "184", "100.0", "none"]


@pytest.mark.parametrize("width", [80, 111, 112, 120])
def test_no_number_of_the_table_is_cut(tmp_path: Path, width: int) -> None:
    """10,000 hits: the interval 100 z^2 / (n + z^2) = 384.15 / 10003.8 = 0.04 percent."""
    lines = [f"{row},trigger:{'x' * 99},yes,agree,," for row in range(10_000)]
    text = printed(validated(tmp_path, *lines), width)
    assert "…" not in text
    assert "10,000" in text
    assert "100.0-100.0" in text
    assert "0.0-0.0" in text
    assert text.count("x") < 99  # cut to 80, and the words of the legend have few


def test_a_rejected_line_after_the_twelfth_is_counted_only(tmp_path: Path) -> None:
    text = printed(validated(tmp_path, *(f"{row},x,low,agree,," for row in range(14))))
    assert "line 13, rule" in text
    assert "line 14, rule" not in text
    assert "and 2 more lines" in text


# The limits.


def test_the_limits_are_those_of_the_data_file() -> None:
    limits = load_validation()
    assert (limits.of_reviewed.below, limits.of_present.below) == (0.03, 0.03)
    assert (limits.of_reviewed.threshold, limits.of_reviewed.source) == (Threshold.SOURCED, "comar_2017")
    assert (limits.of_present.threshold, limits.of_present.source) == (Threshold.PROJECT, "project")
    assert (limits.confidence, limits.z) == (0.95, Z)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("missed:", "misses:", "missed"),
        ("  of_present:", "  of_others:", "of_present"),
        ("below: 0.03", "below: 3", "below"),
        ("below: 0.03", "below: 0", "below"),
        ("below: 0.03", "below: few", "below"),
        ("z: 1.959964", "z: 1.645", "z"),
        ("confidence: 0.95", "confidence: 1", "z"),
        ("source: comar_2017", "source: comar_2099", "source"),
        ("source: project", "source: nobody", "source"),
        ("threshold: sourced", "threshold: certain", "threshold"),
        ("  confidence:", "  sure:", "confidence"),
    ],
)
def test_a_fault_of_the_data_file_names_the_key(old: str, new: str, key: str) -> None:
    text = read_text(reference_ranges_root(), "validation.yaml")
    assert old in text
    node = parse_yaml(text.replace(old, new, 1), "validation.yaml")
    with pytest.raises(KnowledgeError) as caught:
        read_validation(node, {"comar_2017", "project"}, "0")
    assert (caught.value.file, caught.value.key) == ("validation.yaml", key)


def test_validating_loads_no_frame_library(tmp_path: Path) -> None:
    validated(tmp_path, "1,line:red,low,agree,,")
    code = (
        "import sys; from cbc_screen.agreement import validate; validate(sys.argv[1]);"
        "print(sorted({'pandas', 'pyarrow', 'polars', 'rich'} & set(sys.modules)))"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "labelled.csv")]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("confidence", "z"), [("1", "9"), ("0", "0"), ("1.5", "9"), ("0.95", "1.95"), ("0.95", "1.9597")]
)
def test_a_confidence_lies_between_0_and_1_and_has_its_own_quantile(confidence: str, z: str) -> None:
    text = read_text(reference_ranges_root(), "validation.yaml")
    text = text.replace("confidence: 0.95", f"confidence: {confidence}").replace("z: 1.959964", f"z: {z}")
    with pytest.raises(KnowledgeError, match="z: must be the two-sided normal quantile"):
        read_validation(parse_yaml(text, "validation.yaml"), {"comar_2017", "project"}, "0")
