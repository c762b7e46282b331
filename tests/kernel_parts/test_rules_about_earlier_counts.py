"""Rules about earlier counts are there where such counts are, and only there."""

from __future__ import annotations

from dataclasses import replace

from cbc_screen.kernel.configuration import Configuration
from cbc_screen.kernel.configure import build_kernel
from cbc_screen.knowledge.loaded import load_knowledge
from cbc_screen.knowledge.predicates import of_history


def test_without_history_no_rule_asks_for_it() -> None:
    knowledge = load_knowledge()
    plain = build_kernel(knowledge, Configuration()).rules.urgency
    timed = build_kernel(knowledge, replace(Configuration(), history=True)).rules.urgency
    assert not any(of_history(rule.when) for rule in plain)
    assert {rule.id for rule in timed} - {rule.id for rule in plain} >= {"hemoglobin_plunges", "bleeding_with_fall"}
