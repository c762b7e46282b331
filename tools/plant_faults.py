"""Plant a fault in each promise, one at a time, and name the test that catches it.

Usage: python tools/plant_faults.py [PROMISE]

With a number, only the faults of that promise. Works on copies; the checkout is not touched. Exits with 1 if a fault goes unnoticed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = (
    "src",
    "reference_ranges",
    "tests",
    "examples",
    "docs",
    "tools",
    "benchmarks",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    ".ci",
)


@dataclass(frozen=True)
class Fault:
    """One change of one file that breaks a promise."""

    promise: str
    file: str
    before: str
    after: str


FAULTS = (
    Fault(
        "1 unknown is never normal: what is not surely low counts as not low",
        "src/cbc_screen/kernel/program.py",
        "return Truth(self.less(interval.high, limit), self.at_most(limit, interval.low))",
        "yes = self.less(interval.high, limit)\n        return Truth(yes, self.negate(yes))",
    ),
    Fault(
        "1 unknown is never normal: unknown sex is taken for female",
        "src/cbc_screen/kernel/keys.py",
        "return list(female) if pregnancy.claimed else [_MALE, *female]",
        "return list(female)",
    ),
    Fault(
        "2 no guessing of units: a missing unit is taken for the canonical one",
        "src/cbc_screen/knowledge/quantities.py",
        'if unit is None:\n            return Reason.UNIT_MISSING, "no unit is given"',
        "if unit is None:\n            return Factor(1, 1)",
    ),
    Fault(
        "2 no guessing of units: a refused look-alike is accepted",
        "src/cbc_screen/knowledge/quantities.py",
        "if spelling in self.refused:",
        'if spelling == "K":\n            return Factor(1, 1)\n        if spelling in self.refused:',
    ),
    Fault(
        "3 nothing is lost: a ragged line is dropped",
        "src/cbc_screen/ingest/csv.py",
        "            elif content.strip():\n                rejected.append",
        "            elif not content.strip():\n                rejected.append",
    ),
    Fault(
        "3 nothing is lost: rows without a result are dropped and not counted",
        "src/cbc_screen/engines/batch.py",
        "rejected += [RejectedRow(int(lines[i]), REASONS[refused[i]]",
        "rows -= len(some)\n        _ = [RejectedRow(int(lines[i]), REASONS[refused[i]]",
    ),
    Fault(
        "3 nothing is lost: ragged lines of a plain block are dropped",
        "src/cbc_screen/ingest/csv.py",
        "            rejected += refused\n        arrays",
        "            _ = refused\n        arrays",
    ),
    Fault(
        "3 nothing is lost: a resumed scan begins one batch late",
        "src/cbc_screen/engines/stream.py",
        "placed(watch.batches(frozenset(request.keep))), done, None)",
        "placed(watch.batches(frozenset(request.keep))), done + bool(done), None)",
    ),
    Fault(
        "4 every number has a source: the sources of the ranges are left out",
        "src/cbc_screen/report/build.py",
        "used = {row.source for analyte in analytes for row in analyte.ranges}",
        "used: set[str] = set()",
    ),
    Fault(
        "5 no diagnosis: the notice is left out of the flags",
        "src/cbc_screen/report/flags.py",
        'values["notice"] = NOTICE',
        'values["notice"] = ""',
    ),
    Fault(
        "6 nothing private leaks: the error of a record quotes its key",
        "src/cbc_screen/record_errors.py",
        'said = f"{model.__name__}: one key is not a field of it"',
        'said = f"{model.__name__}: {name} is not a field of it"',
    ),
    Fault(
        "6 nothing private leaks: the pydantic error stays attached",
        "src/cbc_screen/record.py",
        "    # Outside the except block: nothing of the input is attached.\n    if any(kind",
        "        raise RecordError(str(errors)) from problem\n    if any(kind",
    ),
    Fault(
        "7 age at collection: the day of the birthday counts as the day before",
        "src/cbc_screen/normalize/age.py",
        "return months - (collected.day < birth.day)",
        "return months - (collected.day <= birth.day)",
    ),
    Fault(
        "7 half-open bands: the upper age of a band belongs to it",
        "src/cbc_screen/kernel/keys.py",
        "return bisect_right(edges, edge.count) <= reached",
        "return bisect_right(edges, edge.count) < reached",
    ),
    Fault(
        "8 the same answer through every door: columns convert by multiplying",
        "src/cbc_screen/normalize/cells.py",
        "raw = values * float(factor.numerator) / float(factor.denominator) + 0.0",
        "return values * (float(factor.numerator) / float(factor.denominator))\n    raw = values",
    ),
    Fault(
        "8 the same answer through every door: a carry is lost where findings are counted in bits",
        "src/cbc_screen/kernel/bits.py",
        "                carry = self.either(self.both(a, b), self.both(half, c))\n",
        "                carry = self.both(a, b)\n",
    ),
    Fault(
        "8 the same answer through every door: columns forget the implausible",
        "src/cbc_screen/normalize/cells.py",
        "        codes[present & ((canonical < lowest) | (canonical > highest))] = CODE[Reason.NUMBER_IMPLAUSIBLE]\n",
        "        codes[present & (canonical < lowest)] = CODE[Reason.NUMBER_IMPLAUSIBLE]\n",
    ),
    Fault(
        "9 results are collected rightly: what is preliminary is taken for final",
        "src/cbc_screen/normalize/standing.py",
        "return Cell(value or NOT_FINAL, unit, lower, upper, status)",
        'return Cell(value, unit, lower, upper, "")',
    ),
    Fault(
        "9 results are collected rightly: of two final results that differ the last one wins",
        "src/cbc_screen/normalize/standing.py",
        "if len(different) > 1 or taken_back:",
        "if taken_back:",
    ),
    Fault(
        "9 results are collected rightly: a correction does not replace",
        "src/cbc_screen/normalize/standing.py",
        "corrected = [result for result in results if result.status in _CORRECTED]",
        "corrected: list[Received] = []",
    ),
    Fault(
        "9 results are collected rightly: results of one moment are one count, whoever they are of",
        "src/cbc_screen/normalize/placing.py",
        'return GroupPlace(f"{person}\\x1f{moment.key}", GroupKind.MOMENT)',
        'return GroupPlace(f"\\x1f{moment.key}", GroupKind.MOMENT)',
    ),
    Fault(
        "9 results are collected rightly: a name that contradicts its code is not looked at",
        "src/cbc_screen/normalize/identify.py",
        "        if others:\n",
        "        if others and not analyte:\n",
    ),
    Fault(
        "9 results are collected rightly: a denial of clumps is read as clumps",
        "src/cbc_screen/normalize/remarks.py",
        "if not _patterns().denied.search(sentence):",
        "if True:",
    ),
    Fault(
        "9 results are collected rightly: results that could not be placed are not counted",
        "src/cbc_screen/normalize/collect.py",
        "            self.counts.rejected[reason.value] += 1\n            self.put_aside(",
        "            self.put_aside(",
    ),
    Fault(
        "9 results are collected rightly: a sign that only the source's text has is dropped",
        "src/cbc_screen/ingest/long.py",
        "if not number or not self.is_only_a_number(text):",
        "if not number:",
    ),
    Fault(
        "9 results are collected rightly: a status beside a cell is not looked at",
        "src/cbc_screen/knowledge/statuses.py",
        "return self.of(text) in USED",
        "return True",
    ),
    Fault(
        "10 a reviewer sees what was screened: a row is shown without comparing its flags",
        "src/cbc_screen/engines/rescreen.py",
        "if different:",
        "if False:",
    ),
    Fault(
        "10 a reviewer sees what was screened: what could not be told is not listed",
        "src/cbc_screen/engines/urgent.py",
        '("pattern", Pattern.NONE)',
        '("pattern", Pattern.CANNOT_TELL)',
    ),
    Fault(
        "10 a reviewer sees what was screened: a reason counts once where it stands beside others",
        "src/cbc_screen/report/cohort.py",
        "found[reason] += rows",
        "found[reason] = rows",
    ),
    Fault(
        "10 a reviewer sees what was screened: the least urgent come first",
        "src/cbc_screen/engines/urgent.py",
        'order = np.argsort(-rank, kind="stable")[:most]',
        'order = np.argsort(rank, kind="stable")[:most]',
    ),
    Fault(
        "10 a reviewer sees what was screened: texts of the input are markup",
        "src/cbc_screen/report/html.py",
        "autoescape=True,",
        "autoescape=False,",
    ),
    Fault(
        "10 a reviewer sees what was screened: the bands of another analyte are drawn",
        "src/cbc_screen/report/build.py",
        'return "wbc" if line is Line.WHITE and basis in (WhiteBasis.WBC, WhiteBasis.NONE) else LINE_ANALYTE[line]',
        "return LINE_ANALYTE[line]",
    ),
    Fault(
        "10 a reviewer sees what was screened: numbers stay canonical under US units",
        "src/cbc_screen/report/units.py",
        "return convert(value, self.units[analyte][1])",
        "return value",
    ),
    Fault(
        "10 a reviewer sees what was screened: a miss is no disagreement",
        "src/cbc_screen/agreement.py",
        "(False, True): _Outcome.FALSE_NEGATIVE,",
        "(False, True): _Outcome.TRUE_NEGATIVE,",
    ),
    Fault(
        "11 what is kept holds for its own tables and code: the stamp is not looked at",
        "src/cbc_screen/knowledge/kept.py",
        "if stamp != state or check != _HASH(body).digest():",
        "if check != _HASH(body).digest():",
    ),
    Fault(
        "11 what is kept holds for its own tables and code: old code keeps what new code finds",
        "src/cbc_screen/knowledge/kept.py",
        "or state != _state_now(_code()):",
        "or state != _state():",
    ),
    Fault(
        "11 what is kept holds for its own tables and code: a damaged entry is used",
        "src/cbc_screen/knowledge/kept.py",
        "if stamp != state or check != _HASH(body).digest():",
        "if stamp != state:",
    ),
)


def main() -> int:
    """Plant every fault and print which tests fail."""
    unnoticed = 0
    environment = {**os.environ, "CBC_SCREEN_SHARED": os.environ.get("CBC_SCREEN_SHARED", str(ROOT.parent / "shared"))}
    chosen = [fault for fault in FAULTS if len(sys.argv) < 2 or fault.promise.split()[0] == sys.argv[1]]
    for fault in chosen:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder)
            for part in PARTS:
                source = ROOT / part
                if source.is_dir():
                    shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(source, copy / part)
            file = copy / fault.file
            text = file.read_text(encoding="utf-8")
            if text.count(fault.before) != 1:
                print(f"CANNOT PLANT  {fault.promise}: the text is not there once")
                unnoticed += 1
                continue
            file.write_text(text.replace(fault.before, fault.after), encoding="utf-8")
            environment["PYTHONPATH"] = str(copy / "src")
            # The quick tests first: a run ends at the first failure.
            tests = [
                *sorted(map(str, (p.relative_to(ROOT) for p in (ROOT / "tests").glob("test_*.py")))),
                "tests/ingest",
                "tests/knowledge",
                "tests/browser",
                "tests/security",
                "tests/properties",
            ]
            command = [sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "-p", "no:cacheprovider", *tests]
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
            failed = [
                line.split(" ", 1)[1].split(" - ")[0]
                for line in done.stdout.splitlines()
                if line.startswith(("FAILED", "ERROR"))
            ]
            verdict = f"caught by {failed[0]}" if failed else "NOT NOTICED"
            unnoticed += not failed
            print(f"{fault.promise}\n    {verdict}", flush=True)
    print(f"{len(chosen) - unnoticed} of {len(chosen)} faults caught")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
