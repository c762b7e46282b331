"""The conclusions: from (joined) facts to the codes that become flags."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.kernel.program import Builder, Truth
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES, Rules
from cbc_screen.knowledge.rules import Condition
from cbc_screen.vocabulary import Criteria, LineState, Pattern, Severity, State, Support, Urgency, WhiteBasis

# Facts that say how an answer was reached; they are passed on as they are.
REMARKS = (".range_insane.any", ".derived.any", ".by_wbc.any", ".contradicted.any")
PATTERNS = tuple(Pattern)


def build_conclusions(b: Builder, rules: Rules, facts: Mapping[str, int]) -> dict[str, int]:
    """Draw the conclusions from (joined) facts and return their steps by name."""
    result: dict[str, int] = {}

    state_code = {state: number for number, state in enumerate(State)}
    line_code = {state: number for number, state in enumerate(LineState)}
    unadjusted = ["white_unadjusted"] if rules.stated_finding is not None else []
    unadjusted += ["red_unadjusted"] if rules.adjusts_line else []
    for name in (*LINES, *unadjusted):
        is_low = _truth(facts, f"line.{name}")
        result[f"line.{name}"] = b.choose(
            [(is_low.yes, line_code[LineState.LOW]), (is_low.no, line_code[LineState.NOT_LOW])],
            line_code[LineState.CANNOT_TELL],
        )
    result["white_basis"] = _conclude_white_basis(b, facts)
    low, high = facts["lines.min"], facts["lines.max"]
    result["lines_low_min"], result["lines_low_max"] = low, high
    result["pattern"] = b.code_select(b.code_equal(low, high), low, b.code(PATTERNS.index(Pattern.CANNOT_TELL)))
    for analyte in sorted(rules.ranged):
        below, above = _truth(facts, f"{analyte}.low"), _truth(facts, f"{analyte}.high")
        result[f"state.{analyte}"] = b.choose(
            [
                (b.negate(facts[f"{analyte}.assessed.any"]), state_code[State.NOT_ASSESSED]),
                (below.yes, state_code[State.LOW]),
                (above.yes, state_code[State.HIGH]),
                (b.both(below.no, above.no), state_code[State.WITHIN]),
            ],
            state_code[State.CANNOT_TELL],
        )
        there, assessed = facts[f"{analyte}.value.any"], facts[f"{analyte}.assessed.any"]
        result[f"{analyte}.range_absent"] = b.both(there, b.negate(assessed))
    for line in (*LINES, *(["red_unadjusted"] if rules.adjusts_grade else [])):
        least, most = facts[f"grade.{line}.min"], facts[f"grade.{line}.max"]
        result[f"grade.{line}"] = b.code_select(b.code_equal(least, most), least, b.code(-1))
    least, most = facts["severity.min"], facts["severity.max"]
    unknown_severity = b.code(SEVERITIES.index(Severity.CANNOT_TELL))
    result["severity"] = b.code_select(b.code_equal(least, most), least, unknown_severity)
    result["severity_min"] = least
    met = _truth(facts, "criteria")
    criteria = {answer: number for number, answer in enumerate(Criteria)}
    result["blood_criteria"] = b.choose(
        [(met.yes, criteria[Criteria.MET]), (met.no, criteria[Criteria.NOT_MET])], criteria[Criteria.CANNOT_TELL]
    )
    for line, analyte in LINE_ANALYTE.items():
        unknown = b.both(b.negate(facts[f"line.{line}.yes"]), b.negate(facts[f"line.{line}.no"]))
        result[f"{analyte}.no_result"] = b.both(unknown, b.negate(facts[f"sent.{line}.any"]))
        without = b.both(unknown, facts[f"unlimited.{line}.any"])
        result[f"{analyte}.range_absent"] = b.either(result.get(f"{analyte}.range_absent", b.boolean(False)), without)
    listed = {condition.id: _conclude_condition(b, condition, facts, result) for condition in rules.conditions}
    result["urgency"] = _conclude_urgency(b, rules, facts, listed)
    for group, found in (("guard", rules.guards), ("trigger", rules.triggers), ("cutoff", rules.cutoffs)):
        for rule in found:
            result[f"{group}.{rule.id}"] = facts[f"{group}.{rule.id}.yes"]
    result |= {name.removesuffix(".any"): node for name, node in facts.items() if name.endswith(REMARKS)}
    return result


def _conclude_condition(b: Builder, condition: Condition, facts: Mapping[str, int], result: dict[str, int]) -> int:
    excluded = b.all(facts[f"pattern.{name}.no"] for name in condition.patterns)
    some_line_low = b.code_at_least(facts["lines.min"], 1)
    listed = b.either(b.both(some_line_low, b.negate(excluded)), facts[f"also.{condition.id}.yes"])
    for_truths = [_truth(facts, f"for.{condition.id}.{rule.id}") for rule in condition.findings_for]
    against = [_truth(facts, f"against.{condition.id}.{rule.id}") for rule in condition.findings_against]
    count_for, count_against = b.sum([t.yes for t in for_truths]), b.sum([t.yes for t in against])
    net = b.code_subtract(count_for, count_against)
    key = b.any(t.yes for t, rule in zip(for_truths, condition.findings_for, strict=True) if rule.key)
    unknown = b.any(b.negate(b.either(t.yes, t.no)) for t in (*for_truths, *against))
    nothing = b.negate(b.either(b.code_at_least(count_for, 1), b.code_at_least(count_against, 1)))
    code = {support: number for number, support in enumerate(Support)}
    result[f"support.{condition.id}"] = b.choose(
        [
            (b.negate(listed), code[Support.NOT_LISTED]),
            (b.both(key, b.code_at_least(net, 1)), code[Support.SUPPORTED]),
            (b.both(nothing, unknown), code[Support.CANNOT_ASSESS]),
            (b.either(nothing, b.negate(b.code_at_least(net, 0))), code[Support.LESS_LIKELY]),
        ],
        code[Support.CONSIDER],
    )
    result[f"net.{condition.id}"] = net
    return listed


def _conclude_white_basis(b: Builder, facts: Mapping[str, int]) -> int:
    bases = tuple(WhiteBasis)
    return b.choose(
        [
            (facts["white.by_wbc.any"], bases.index(WhiteBasis.WBC)),
            (facts["neutrophils.derived.any"], bases.index(WhiteBasis.WBC_X_PERCENT)),
            (facts["white.none.any"], bases.index(WhiteBasis.NONE)),
        ],
        bases.index(WhiteBasis.NEUTROPHILS),
    )


def _truth(facts: Mapping[str, int], name: str) -> Truth:
    return Truth(facts[f"{name}.yes"], facts[f"{name}.no"])


def _conclude_urgency(b: Builder, rules: Rules, facts: Mapping[str, int], listed: Mapping[str, int]) -> int:
    fired: list[tuple[Urgency, int]] = [(rule.urgency, facts[f"urgency.{rule.id}.yes"]) for rule in rules.urgency]
    fired += [(rule.urgency, facts[f"trigger.{rule.id}.yes"]) for rule in rules.triggers]
    for condition in rules.conditions:
        for number, rule in enumerate(condition.urgency):
            fired.append((rule.urgency, b.both(listed[condition.id], facts[f"urgent.{condition.id}.{number}.yes"])))
    levels = tuple(Urgency)
    cases = [
        (b.any(node for urgency, node in fired if urgency is level), levels.index(level))
        for level in (Urgency.IMMEDIATE, Urgency.PROMPT, Urgency.ROUTINE)
    ]
    cases.append((_unjudged(b, facts), levels.index(Urgency.CANNOT_TELL)))
    return b.choose(cases, levels.index(Urgency.NONE))


def _unjudged(b: Builder, facts: Mapping[str, int]) -> int:
    """Return whether a line that was sent, or no line at all, could be judged; one never ordered does not count."""
    unknown = {line: b.negate(b.either(facts[f"line.{line}.yes"], facts[f"line.{line}.no"])) for line in LINES}
    sent = b.any(b.both(unknown[line], facts[f"sent.{line}.any"]) for line in LINES)
    return b.either(sent, b.all(unknown.values()))
