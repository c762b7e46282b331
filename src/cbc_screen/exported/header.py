"""The head of what is exported: what it reads, what it answers, and what it was made of."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from cbc_screen._version import __version__
from cbc_screen.exported.sources import PERSON, TableOfCounts
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from cbc_screen.printable import clean_line
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION, Pregnancy

_WIDTH = 112


@lru_cache(maxsize=1)
def templates() -> jinja2.Environment:
    """Return the texts of what is exported; they are plain texts, without markup to escape."""
    loader = jinja2.PackageLoader("cbc_screen.exported")
    return jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True)


def comment(template: str, mark: str, **shown: Any) -> str:
    """Return the text of a template as lines of comment, each after a mark."""
    text = templates().get_template(template).render(shown)
    lines: list[str] = []
    for paragraph in text.splitlines():
        # A line break in the name of a column must not end the comment.
        lines += textwrap.wrap(clean_line(" ".join(paragraph.split())), _WIDTH, break_on_hyphens=False)
    return "\n".join(f"{mark} {line}" for line in lines)


def header(source: TableOfCounts, *, age_unit: str, sexes: Sequence[str], made_with: str, dialect: str) -> str:
    """Return the head of a statement."""
    return comment(
        "head.sql.j2",
        "--",
        notice=NOTICE,
        made_with=made_with,
        dialect=dialect,
        fields=_fields(source),
        signed=bool(source.comparators),
        reported=bool(source.reported),
        age_unit=age_unit,
        sexes=sexes,
        pregnancy="pregnancy" in source.person,
        stages=", ".join(str(stage) for stage in Pregnancy if stage is not Pregnancy.NOT_STATED),
    )


def made_of(knowledge: Knowledge, kernel: Kernel, *, ranges: str, rules: str) -> str:
    """Say what was chosen and of which versions; of files of your own, the name and what tells their contents apart."""
    chosen = kernel.rules
    own = knowledge.stamp(ranges, rules)
    parts = [
        f"cbc-screen {__version__}",
        f"schema_version {SCHEMA_VERSION}",
        f"data {knowledge.data_version}",
        f"ranges {Path(ranges).name}",
        f"definition {chosen.definition}",
        f"grading {chosen.scheme.id} ({chosen.scheme.version})",
        *([] if rules == "default" else [f"rules {Path(rules).name}"]),
        *([f"hemoglobin adjusted for {' and '.join(sorted(chosen.adjust))}"] if chosen.adjust else []),
        *([f"own files {own}"] if own else []),
    ]
    return clean_line(", ".join(parts))


def _fields(source: TableOfCounts) -> list[str]:
    found = [f"{name} from {source.person[name]}" for name in PERSON if name in source.person]
    for name, column in source.results.items():
        beside = [source.comparators.get(name), *source.reported.get(name, {}).values()]
        others = [own for own in beside if own is not None]
        unit = source.analytes[name].units.canonical
        found.append(f"{name} in {unit} from {column}" + (f" with {', '.join(others)}" if others else ""))
    found += [f"{name} from {column}" for name, column in source.findings.items()]
    return [*found, *([f"wbc_uncorrected from {source.uncorrected}"] if source.uncorrected else [])]
