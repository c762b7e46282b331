"""Answers do not change in silence: those of a fixed table and of every case are held against what is kept of them.

Usage: python tools/answers_gate.py            check; ends with 1 and says what differs
       python tools/answers_gate.py --renew    keep the answers of a new data version
       python tools/answers_gate.py --renew --unreleased
                                               again, of the version that the changelog has open

Answers may change only with a new data version (tools/update_manifest.py) that the changelog names in a heading, with an
entry under "Clinical" below it that says whose results change. `--renew` refuses everything else. What a version adds, a
column or a case, may be kept under the version that is there.

The table is made by this file alone, of draws that are the same in every version of Python: it stands on no list of the
data, so that a change of the data changes answers and never questions. Only digests are kept (tests/kept_answers.json).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import cbc_screen as cbc  # noqa: E402

KEPT = ROOT / "tests" / "kept_answers.json"
CHANGELOG = ROOT / "CHANGELOG.md"
CASES = ROOT / "tests" / "cases"
ROWS, SEED, DIGITS = 20_000, 20_261_206, 16
SETTINGS: tuple[Mapping[str, Any], ...] = (
    {},
    {"definition": "clinical", "grading": "ctcae_v5"},
    {"definition": "mds", "grading": "who_2024", "adjust_hemoglobin": ("elevation", "smoking")},
    {"definition": "strict", "grading": "who_2011"},
    {"definition": "aplastic", "grading": "daids_v2_1"},
)
AGES = (
    "0 d",
    "1 d",
    "6 d",
    "13 d",
    "28 d",
    "2 mo",
    "11 mo",
    "18 mo",
    "5 y",
    "12 y",
    "17 y",
    "18 y",
    "49 y",
    "50 y",
    "80 y",
)
TEXTS = ("clumped", "QNS", "see note", "1,2", "-5", "1e400", "12-Oct", "4.1*", "3.2 (L)", "250 or less", "0", "0.0")
# Column, lowest and highest value usually drawn, highest value drawn at all, decimals, share of rows that have it.
RESULTS = (
    ("hemoglobin (g/dL)", 6, 17, 24, 1, 0.97),
    ("hematocrit (%)", 18, 52, 70, 1, 0.6),
    ("rbc (10^12/L)", 2, 6, 8, 2, 0.6),
    ("mcv (fL)", 60, 115, 140, 1, 0.8),
    ("mch (pg)", 18, 38, 50, 1, 0.3),
    ("mchc (g/dL)", 28, 37, 45, 1, 0.3),
    ("rdw_cv (%)", 11, 22, 40, 1, 0.4),
    ("wbc (10^9/L)", 0.5, 14, 150, 1, 0.95),
    ("neutrophils (10^9/L)", 0.1, 8, 40, 2, 0.7),
    ("neutrophils_percent (%)", 5, 90, 100, 0, 0.4),
    ("bands_percent (%)", 0, 12, 40, 0, 0.1),
    ("segmented_percent (%)", 5, 80, 95, 0, 0.1),
    ("lymphocytes (10^9/L)", 0.2, 6, 120, 2, 0.4),
    ("monocytes (10^9/L)", 0, 1.5, 20, 2, 0.3),
    ("eosinophils (10^9/L)", 0, 1, 30, 2, 0.3),
    ("basophils (10^9/L)", 0, 0.3, 5, 2, 0.2),
    ("blasts_percent (%)", 0, 3, 90, 0, 0.1),
    ("nrbc (/100 WBC)", 0, 5, 200, 0, 0.1),
    ("platelets (10^9/L)", 5, 420, 1600, 0, 0.97),
    ("mpv (fL)", 6, 14, 20, 1, 0.2),
    ("reticulocytes (10^9/L)", 5, 150, 600, 0, 0.2),
    ("reticulocytes_percent (%)", 0, 3, 20, 1, 0.2),
)


@dataclass(frozen=True)
class Answers:
    """Digests of answers: of each column under each setting, and of each case with those of its record."""

    columns: Mapping[str, str]
    cases: Mapping[str, tuple[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """Return what is kept."""
        return {"columns": dict(self.columns), "cases": {name: list(pair) for name, pair in self.cases.items()}}


class Draw:
    """Draws that every version of Python repeats: only `random()` is promised to."""

    def __init__(self, seed: int) -> None:
        self.share = random.Random(seed).random

    def one_of(self, words: tuple[str, ...]) -> str:
        return words[int(self.share() * len(words))]

    def age(self) -> str:
        kind = self.share()
        if kind < 0.03:
            return ""
        return self.one_of(AGES) if kind < 0.4 else f"{int(self.share() * 92)} y"

    def result(self, low: float, high: float, highest: float, decimals: int, there: float) -> str:
        if self.share() > there:
            return ""
        kind = self.share()
        if kind < 0.03:
            return self.one_of(TEXTS)
        top = high if kind < 0.9 else highest
        value = f"{low + self.share() * (top - low):.{decimals}f}"
        return f"{self.one_of(('<', '>', '<=', '~'))}{value}" if kind > 0.97 else value

    def pregnancy(self, sex: str) -> str:
        pregnant = sex == "F" and self.share() < 0.15
        return self.one_of(("T1", "T2", "T3", "postpartum", "trimester_unknown", "unknown")) if pregnant else ""


def rows(many: int = ROWS) -> pa.Table:
    """Return the fixed table."""
    draw = Draw(SEED)
    columns: dict[str, list[str]] = {name: [] for name in ("age", "sex", "pregnancy", *(own[0] for own in RESULTS))}
    for _ in range(many):
        sex = draw.one_of(("F", "M", "F", "M", "F", "M", "F", "M", "", "x"))
        for name, cell in (("age", draw.age()), ("sex", sex), ("pregnancy", draw.pregnancy(sex))):
            columns[name].append(cell)
        for name, *span in RESULTS:
            columns[name].append(draw.result(*span))
    return pa.table(columns)


def digest(texts: Any) -> str:
    """Return what is kept in place of texts."""
    return hashlib.sha256(json.dumps(texts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()[:DIGITS]


def of_columns(table: pa.Table) -> dict[str, str]:
    """Screen the table under each setting."""
    found = {}
    for setting in SETTINGS:
        flags = cbc.Screener(**setting).screen_frame(table)
        name = "+".join(str(setting.get(part, "default")) for part in ("definition", "grading"))
        found |= {f"{name}: {column}": digest(flags.column(column).to_pylist()) for column in flags.column_names}
    return found


def read_cases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the cases that are one record each."""
    for path in sorted(CASES.glob("*.yaml")):
        for case in yaml.safe_load(path.read_text(encoding="utf-8")).get("cases", ()):
            yield f"{path.stem}: {case['name']}", case


def of_cases() -> dict[str, tuple[str, str]]:
    """Screen every case; whole results, with the list and its findings."""
    screeners: dict[str, cbc.Screener] = {}
    found = {}
    for name, case in read_cases():
        options = json.dumps(case.get("screener", {}), sort_keys=True)
        screener = screeners.setdefault(options, cbc.Screener(**case.get("screener", {})))
        result = screener.screen(case["record"])
        supports = [[entry.id, entry.support] for entry in result.checklist]
        asked = [options, json.loads(json.dumps(case["record"], default=str))]
        found[name] = digest(asked), digest([result.flags(), supports, list(result.urgency_reasons)])
    return found


def answers() -> Answers:
    """Return the answers as they are now."""
    return Answers(of_columns(rows()), of_cases())


def kept() -> dict[str, Any]:
    """Return what is kept: the version, its answers, and one digest of each version before it."""
    if not KEPT.exists():
        return {"data_version": "", "answers": {"columns": {}, "cases": {}}, "versions": {}}
    found: dict[str, Any] = json.loads(KEPT.read_text(encoding="utf-8"))
    return found


def changes(before: Mapping[str, Any], now: Answers) -> list[str]:
    """Say which answers that are kept are others now, or are gone."""
    found = []
    for name, own in before["columns"].items():
        if now.columns.get(name) != own:
            found.append(f"{'changed' if name in now.columns else 'gone'}: column {name}")
    for name, (asked, answered) in before["cases"].items():
        if name in now.cases and now.cases[name][0] == asked and now.cases[name][1] != answered:
            found.append(f"changed: case {name}")
    return found


def additions(before: Mapping[str, Any], now: Answers) -> list[str]:
    """Say what is not kept yet: columns, and cases that are new, asked otherwise or gone."""
    found = [f"new: column {name}" for name in now.columns if name not in before["columns"]]
    for name, (asked, _) in now.cases.items():
        if before["cases"].get(name, [None])[0] != asked:
            found.append(f"new or asked otherwise: case {name}")
    return [*found, *(f"gone: case {name}" for name in before["cases"] if name not in now.cases)]


def section(changelog: str, version: str) -> str | None:
    """Return the part of the changelog whose heading names a data version."""
    parts = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]
    named = (part for part in parts if re.search(rf"\bdata {re.escape(version)}\b", part.partition("\n")[0]))
    return next(named, None)


def is_open(changelog: str, version: str) -> bool:
    """Tell whether the first section of the changelog is that of a data version."""
    first = re.split(r"^## ", changelog, flags=re.MULTILINE)[1:2]
    return bool(first) and section(f"## {first[0]}", version) is not None


def has_clinical(part: str | None) -> bool:
    """Tell whether a section says whose results change: an entry "Clinical:", or one under that heading."""
    return bool(re.search(r"^- Clinical: \S|^### Clinical\s+- \S", part or "", re.MULTILINE))


def faults(before: Mapping[str, Any], now: Answers, version: str, changelog: str) -> list[str]:
    """Say what is wrong: nothing where the answers are those kept for the version."""
    changed, added = changes(before["answers"], now), additions(before["answers"], now)
    if version == before["data_version"]:
        why = f"answers changed under data {version}: a change of answers needs a new data version"
        told = [f"{why} (tools/update_manifest.py) and an entry under Clinical", *changed] if changed else []
        return [*told, *(["not kept yet: python tools/answers_gate.py --renew", *added] if added else [])]
    if changed and not has_clinical(section(changelog, version)):
        why = f"answers changed with data {version}: CHANGELOG.md needs a heading of that version with an entry under"
        return [f"{why} Clinical that says whose results change", *changed]
    return [f"the answers of data {version} are not kept: python tools/answers_gate.py --renew"]


def renewed(
    before: Mapping[str, Any], now: Answers, version: str, changelog: str, *, unreleased: bool
) -> dict[str, Any]:
    """Return what is to be kept now.

    Raises
    ------
    SystemExit
        If the answers of a version would be replaced, or nothing says whose results change.
    """
    changed = changes(before["answers"], now)
    same = version == before["data_version"]
    if changed and same and not (unreleased and is_open(changelog, version)):
        hint = "give --unreleased" if is_open(changelog, version) else "the changelog has another version open"
        raise SystemExit(
            f"the answers of data {version} are kept and may not change; raise the data version, or {hint}"
        )
    if changed and not has_clinical(section(changelog, version)):
        raise SystemExit(f"CHANGELOG.md: say under Clinical, below a heading with data {version}, whose results change")
    versions = {**before["versions"], version: digest(now.to_dict())}
    return {"data_version": version, "versions": versions, "answers": now.to_dict()}


def main() -> int:
    """Check what is kept, or renew it."""
    parser = argparse.ArgumentParser(description="Hold the answers against those kept of the data version.")
    parser.add_argument("--renew", action="store_true", help="keep the answers of a new data version")
    parser.add_argument("--unreleased", action="store_true", help="with --renew: of the version the changelog has open")
    given = parser.parse_args()
    before, now, version = kept(), answers(), cbc.__data_version__
    changelog = CHANGELOG.read_text(encoding="utf-8")
    if given.renew:
        found = renewed(before, now, version, changelog, unreleased=given.unreleased)
        KEPT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"kept: data {version}, {len(now.columns)} columns of {ROWS:,} rows, {len(now.cases)} cases")
        return 0
    found_faults = faults(before, now, version, changelog)
    print("\n".join(found_faults) or f"data {version}: the answers are those kept")
    return 1 if found_faults else 0


if __name__ == "__main__":
    sys.exit(main())
