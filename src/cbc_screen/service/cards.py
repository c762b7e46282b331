"""A result as a card of CDS Hooks: what the library says of it, and what may be answered."""

from __future__ import annotations

import re
import textwrap
import uuid
from collections.abc import Sequence
from typing import Any

from cbc_screen._version import __version__
from cbc_screen.report.wording import line_words, units_of, urgency_words, words
from cbc_screen.result import ScreeningResult
from cbc_screen.service.feedback import AGREE, DISAGREE, INSTEAD, SYSTEM, card_id
from cbc_screen.service.versions import data_version
from cbc_screen.vocabulary import NOTICE, Pattern, Urgency

LONGEST_SUMMARY = 139  # the standard says less than 140
_INDICATORS = {Urgency.IMMEDIATE: "critical", Urgency.PROMPT: "warning"}
_MARKS = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&])")
_ENDS = re.compile(r"\s+")


def card_of(result: ScreeningResult, remarks: Sequence[str] = ()) -> dict[str, Any]:
    """Return the card of a result.

    Parameters
    ----------
    result : ScreeningResult
    remarks : sequence of str
        What is to be said besides, such as that other counts are not shown.

    Returns
    -------
    dict

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> card = card_of(cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}))
    >>> len(card["summary"]) < 140, card["indicator"]
    (True, 'info')
    """
    versions = result.versions
    said = result.pattern_text
    if result.urgency is not Urgency.NONE:
        said += f"; to review: {urgency_words(result)}"
    return {
        "uuid": str(card_id(result.pattern, uuid.uuid4())),
        "summary": textwrap.shorten(said, LONGEST_SUMMARY, placeholder=" …"),
        "detail": _detail(result, remarks),
        "indicator": _INDICATORS.get(result.urgency, "info"),
        "source": {"label": f"cbc-screen {versions.cbc_screen}, data {versions.data}"},
        "overrideReasons": _answers(result.pattern),
    }


def unread_card(remarks: Sequence[str]) -> dict[str, Any]:
    """Return the card that says what could not be used, where no count asks for a look: no card would say that all was read.

    Examples
    --------
    >>> unread_card(["entries or results that could not be used: 2"])["indicator"]
    'warning'
    """
    said = "Not all that was sent could be read as a blood count: " + "; ".join(remarks)
    return {
        "uuid": str(uuid.uuid4()),
        "summary": textwrap.shorten(said, LONGEST_SUMMARY, placeholder=" …"),
        "detail": "\n\n".join([f"**{markdown(NOTICE)}**", *(f"- {markdown(text)}" for text in remarks)]),
        "indicator": _INDICATORS[Urgency.PROMPT],
        "source": {"label": f"cbc-screen {__version__}, data {data_version()}"},
    }


def _detail(result: ScreeningResult, remarks: Sequence[str]) -> str:
    """Return what stands below the summary, in Markdown."""
    units, by_name = units_of(result), {analyte.analyte: analyte for analyte in result.analytes}
    parts = [f"**{markdown(result.notice)}**", markdown(result.summary)]
    if result.person.collected_at:
        parts.append(f"Collected: {markdown(result.person.collected_at)}")
    lines = [line_words(line, by_name.get(line.analyte), units) for line in result.lines]
    parts.append(
        "\n".join(
            f"- {markdown(', '.join(filter(None, (f'{own.line} line: {own.state}', own.value, own.against, own.grade))))}"
            for own in lines
        )
    )
    listed = {
        "Why to look": result.urgency_reasons,
        "Spurious?": [finding.text for finding in result.guards],
        "Cannot be told, or with care": list(result.remarks),
        "Remarks": remarks,
    }
    parts += [
        f"{title}:\n" + "\n".join(f"- {markdown(text)}" for text in texts) for title, texts in listed.items() if texts
    ]
    return "\n\n".join(parts)


def markdown(text: str) -> str:
    r"""Return a text that Markdown shows as it is.

    >>> markdown("<10 *")
    '\\<10 \\*'
    """
    return _MARKS.sub(r"\\\1", _ENDS.sub(" ", text))


def _answers(pattern: Pattern) -> list[dict[str, str]]:
    """Return what may be said of a pattern: the answers of the worklist."""
    others = [other for other in Pattern if other not in (pattern, Pattern.CANNOT_TELL)]
    said = {AGREE: "Agree; already known", DISAGREE: "Disagree"}
    said |= {f"{INSTEAD}{other}": f"Disagree; it is: {words(other)}" for other in others}
    return [{"code": code, "system": SYSTEM, "display": display} for code, display in said.items()]
