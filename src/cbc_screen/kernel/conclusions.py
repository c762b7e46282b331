"""The conclusions: from (joined) facts to the codes that become flags."""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.kernel.answers import MAY_LIST
from cbc_screen.kernel.fact_table import Facts
from cbc_screen.kernel.keys import AGES, STAGES
from cbc_screen.kernel.program import Builder, Truth
from cbc_screen.kernel.ranking import Ranking
from cbc_screen.kernel.rules import LINE_ANALYTE, LINES, SEVERITIES, Rules
from cbc_screen.knowledge.predicates import alone_in
from cbc_screen.knowledge.rules import Condition, Rule
from cbc_screen.vocabulary import Criteria, Line, LineState, Pattern, Severity, State, Urgency, WhiteBasis

# Marks that say how an answer was reached; they are passed on as they are.
REMARKS = (".derived", ".by_parts", ".by_wbc", ".open_room", ".contradicted")
# The facts that the checklist shares with the other conclusions.
SHARED = (
    "line.", "lines.", "sent.", "unclear.", "unlimited.", "mcv.", "only.", "borderline.", "urgency.", "urgent.", "trigger.",
)  # fmt: skip
REASON = "reason."  # begins the mark of a rule that the urgency rests on
UNSENT = "unsent"  # whether a line is unknown for want of any result
ANEMIC = "anemic"  # whether the red line is low
UNCLEAR = "unclear"  # whether a line is unknown though something was sent for it: what was sent is not one number
SEVERAL_STAGES = "person.several_stages"  # the same of sex and pregnancy
ALONE = "alone."  # before the name of a fact: it without the limits of sets that differ
NOT_JUDGED = "not_judged"  # in place of a rule, where the urgency cannot be told
SEVERAL = "person.several"  # whether a line is unknown and the age leaves several classes
OPEN = "sent.open"  # a result that was sent leaves open whether it asks for a look
PATTERNS = tuple(Pattern)


def build_conclusions(b: Builder, rules: Rules, facts: Facts, *, several: bool = False) -> dict[str, int]:
    """Draw the conclusions from (joined) facts and return their steps by name.

    `several` tells that the person allows several classes of age, sex and pregnancy, or that limits of several sets
    are tried: what is unknown then may be so because they disagree.
    """
    result: dict[str, int] = {}
    unknown = b.any(b.negate(b.decided(facts.truth(f"line.{line}"))) for line in LINES)
    for name, given in ((SEVERAL, AGES), (SEVERAL_STAGES, STAGES)):
        result[name] = b.both(unknown, facts.other(given)) if several else b.boolean(False)

    line_code = {state: number for number, state in enumerate(LineState)}
    unadjusted = ["white_unadjusted"] if rules.stated_finding is not None else []
    unadjusted += ["red_unadjusted"] if rules.adjusts_line else []
    for name in (*LINES, *unadjusted):
        is_low = facts.truth(f"line.{name}")
        result[f"line.{name}"] = b.choose(
            [(is_low.yes, line_code[LineState.LOW]), (is_low.no, line_code[LineState.NOT_LOW])],
            line_code[LineState.CANNOT_TELL],
        )
    result["white_basis"] = _conclude_white_basis(b, facts)
    low, high = facts.codes("lines")
    result["lines_low_min"], result["lines_low_max"] = low, high
    result["pattern"] = b.code_select(b.code_equal(low, high), low, b.code(PATTERNS.index(Pattern.CANNOT_TELL)))
    result |= _conclude_states(b, rules, facts, several=several)
    for line in (*LINES, *(["red_unadjusted"] if rules.adjusts_grade else [])):
        least, most = facts.codes(f"grade.{line}")
        result[f"grade.{line}"] = b.code_select(b.code_equal(least, most), least, b.code(-1))
    least, most = facts.codes("severity")
    unknown_severity = b.code(SEVERITIES.index(Severity.CANNOT_TELL))
    result["severity"] = b.code_select(b.code_equal(least, most), least, unknown_severity)
    result["severity_min"] = least
    met = facts.truth("criteria")
    criteria = {answer: number for number, answer in enumerate(Criteria)}
    result["blood_criteria"] = b.choose(
        [(met.yes, criteria[Criteria.MET]), (met.no, criteria[Criteria.NOT_MET])], criteria[Criteria.CANNOT_TELL]
    )
    for line, analyte in LINE_ANALYTE.items():
        unknown = b.negate(b.decided(facts.truth(f"line.{line}")))
        result[f"{analyte}.no_result"] = b.both(unknown, b.negate(facts.mark(f"sent.{line}")))
        without = b.both(unknown, facts.mark(f"unlimited.{line}"))
        result[f"{analyte}.range_absent"] = b.either(result.get(f"{analyte}.range_absent", b.boolean(False)), without)
    white = b.decided(facts.truth(f"line.{Line.WHITE}"))
    result["bands.no_result"] = b.both(b.negate(white), facts.mark("neutrophils.without_bands"))
    result |= _conclude_urgency(b, rules, facts)
    for group, found in (("guard", rules.guards), ("trigger", rules.triggers), ("cutoff", rules.cutoffs)):
        for rule in found:
            result[f"{group}.{rule.id}"] = facts.yes(f"{group}.{rule.id}")
    result |= {name: node for name, node in facts.marks() if name.endswith(REMARKS)}
    refused = [f"{analyte}.range_insane" for analyte in sorted(rules.ranged)]
    result |= {name: facts.yes(name) for name in refused if facts.has_truth(name)}
    return result


def _conclude_states(b: Builder, rules: Rules, facts: Facts, *, several: bool) -> dict[str, int]:
    """Return the state of each result against its range, and why it has none."""
    state_code = {state: number for number, state in enumerate(State)}
    result: dict[str, int] = {}
    for analyte in sorted(rules.ranged):
        below, above = facts.truth(f"{analyte}.low"), facts.truth(f"{analyte}.high")
        result[f"state.{analyte}"] = b.choose(
            [
                (b.negate(facts.mark(f"{analyte}.assessed")), state_code[State.NOT_ASSESSED]),
                (below.yes, state_code[State.LOW]),
                (above.yes, state_code[State.HIGH]),
                (b.both(below.no, above.no), state_code[State.WITHIN]),
            ],
            state_code[State.CANNOT_TELL],
        )
        there, assessed = facts.mark(f"{analyte}.value"), facts.mark(f"{analyte}.assessed")
        if analyte in rules.differing:
            own = [facts.truth(f"{ALONE}{analyte}.{side}") for side in ("low", "high")]
            differs = b.both(_told(b, *own), b.negate(_told(b, below, above)))
            result[f"{analyte}.range_differs"] = b.both(assessed, differs) if several else b.boolean(False)
        if facts.has_mark(f"{analyte}.zero"):
            unknown = b.both(assessed, b.negate(_told(b, below, above)))
            result[f"{analyte}.rounded"] = b.both(unknown, facts.mark(f"{analyte}.zero"))
        result[f"{analyte}.range_absent"] = b.both(there, b.negate(assessed))
    return result


def build_lists(b: Builder, rules: Rules, facts: Facts) -> dict[str, int]:
    """Draw what the checklist is made from, and return its steps by name."""
    answered = dict(facts.of(("answered.",)).marks())
    for name, asked in facts.of(("asked.",)).marks():
        own = f"answered.{name.removeprefix('asked.')}"
        answered[own] = b.either(answered[own], b.negate(asked))
    ranking = Ranking(b, rules, facts)
    reasons = _conclude_reasons(b, rules, facts, ranking)
    unknown = {line: b.negate(b.decided(facts.truth(f"line.{line}"))) for line in LINES}
    unsent = b.any(b.both(unknown[line], b.negate(facts.mark(f"sent.{line}"))) for line in LINES)
    unclear = b.any(b.both(unknown[line], facts.mark(f"unclear.{line}")) for line in LINES)
    at = _at_levels(b, _fired(b, rules, facts, ranking))
    soon = b.either(at[Urgency.IMMEDIATE], at[Urgency.PROMPT])
    high = b.any(facts.yes(f"urgency.{rule.id}") for rule in rules.urgency if alone_in(rule.when))
    # Nobody waits for a repeat count where another count asks for a look.
    borderline = b.both(facts.yes("borderline"), b.negate(b.either(soon, high)))
    # What was never ordered is asked for where what is known asks for a look; what was, always.
    wanted = b.both(unsent, b.either(soon, at[Urgency.ROUTINE]))
    about = {"borderline": borderline, UNSENT: wanted, UNCLEAR: unclear, ANEMIC: facts.yes(f"line.{Line.RED}")}
    return {**ranking.build(), **about, **answered, **reasons}


def _conclude_white_basis(b: Builder, facts: Facts) -> int:
    bases = tuple(WhiteBasis)
    return b.choose(
        [
            (facts.mark("white.by_room"), bases.index(WhiteBasis.WBC_LESS_OTHERS)),
            (facts.mark("white.by_wbc"), bases.index(WhiteBasis.WBC)),
            (facts.mark("neutrophils.derived"), bases.index(WhiteBasis.WBC_X_PERCENT)),
            (facts.mark("neutrophils.by_parts"), bases.index(WhiteBasis.SEGMENTED_AND_BANDS)),
            (facts.mark("white.none"), bases.index(WhiteBasis.NONE)),
        ],
        bases.index(WhiteBasis.NEUTROPHILS),
    )


def _told(b: Builder, below: Truth, above: Truth) -> int:
    """Return whether a state is known."""
    return b.any([below.yes, above.yes, b.both(below.no, above.no)])


def urgency_rules(rules: Rules) -> list[tuple[str, list[tuple[Rule, str, Condition | None]]]]:
    """Return what may raise the urgency, by name: its rules, their facts, and the condition they are of."""
    found: list[tuple[str, list[tuple[Rule, str, Condition | None]]]] = []
    found += [(rule.id, [(rule, f"urgency.{rule.id}", None)]) for rule in rules.urgency]
    found += [
        (rule.id, [(rule, f"trigger.{rule.id}", None)]) for rule in rules.triggers if rule.urgency is not Urgency.NONE
    ]
    for condition in rules.conditions:
        own = [(rule, f"urgent.{condition.id}.{n}", condition) for n, rule in enumerate(condition.urgency)]
        if own:
            found.append((condition.id, list(own)))
    return found


def _fired(b: Builder, rules: Rules, facts: Facts, ranking: Ranking) -> dict[str, list[tuple[Urgency, int]]]:
    """Return what raises the urgency, by name: levels, and whether they are reached."""
    fired: dict[str, list[tuple[Urgency, int]]] = {}
    for name, own in urgency_rules(rules):
        for rule, fact, condition in own:
            holds = facts.yes(fact)
            if condition is not None:
                holds = b.all([holds, ranking.some_line_low, ranking.possible(condition)])
            fired.setdefault(name, []).append((rule.urgency, holds))
    return {**fired, NOT_JUDGED: [(Urgency.CANNOT_TELL, _unjudged(b, facts))]}


def _at_levels(b: Builder, fired: Mapping[str, list[tuple[Urgency, int]]]) -> dict[Urgency, int]:
    return {
        level: b.any(node for own in fired.values() for urgency, node in own if urgency is level)
        for level in (Urgency.IMMEDIATE, Urgency.PROMPT, Urgency.ROUTINE, Urgency.CANNOT_TELL)
    }


def _conclude_urgency(b: Builder, rules: Rules, facts: Facts) -> dict[str, int]:
    """Return the urgency, and whether the row needs a closer look: for its checklist, or for the reasons."""
    levels = tuple(Urgency)
    at = _at_levels(b, _fired(b, rules, facts, Ranking(b, rules, facts)))
    urgency = b.choose([(at[level], levels.index(level)) for level in at], levels.index(Urgency.NONE))
    return {"urgency": urgency, MAY_LIST: b.any([facts.mark(MAY_LIST), *at.values()])}


def _conclude_reasons(b: Builder, rules: Rules, facts: Facts, ranking: Ranking) -> dict[str, int]:
    """Return which rules the urgency rests on."""
    fired = _fired(b, rules, facts, ranking)
    above = b.boolean(False)
    reasons: dict[str, list[int]] = {name: [] for name in fired}
    for level, some in _at_levels(b, fired).items():
        for name, own in fired.items():
            reasons[name] += [b.both(node, b.negate(above)) for urgency, node in own if urgency is level]
        above = b.either(above, some)
    return {f"{REASON}{name}": b.any(nodes) for name, nodes in reasons.items()}


def _unjudged(b: Builder, facts: Facts) -> int:
    """Return whether something that was sent could not be judged, or no line at all; one never ordered does not count."""
    unknown = {line: b.negate(b.decided(facts.truth(f"line.{line}"))) for line in LINES}
    sent = b.any(b.both(unknown[line], facts.mark(f"sent.{line}")) for line in LINES)
    return b.any([sent, b.all(unknown.values()), facts.mark(OPEN)])
