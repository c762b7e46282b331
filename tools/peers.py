"""Hold grades, units and reading beside those of other programs, and print where they agree and where not.

Usage: python tools/peers.py grades FOLDER | units | fhir FILE... | hl7 FILE...

`grades` reads the criteria of admiral (data-raw/adlb_grading of a checkout of pharmaverse/admiral) and grades numbers on
and beside every limit of both, for people of both sexes and of every age that either asks for. `units` holds every
accepted spelling that is UCUM beside ucumvert. `fhir` and `hl7` hold the numbers that `read` finds in files beside those
that fhir.resources and hl7 find in them; a message is read as if it came from production (MSH-11), as that hl7 knows
nothing of. Why something differs is said in docs/trust.md. Needs `pip install ucumvert hl7 fhir.resources`. Exits with 1
where a grade differs, or a unit that is not named here.
"""

from __future__ import annotations

import json
import math
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

import cbc_screen as cbc  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402
from cbc_screen.knowledge.quantities import Factor  # noqa: E402

KNOWLEDGE = load_knowledge()
TERMS = {
    "Anemia": "hemoglobin",
    "Hemoglobin, Low": "hemoglobin",
    "Neutrophil count decreased": "neutrophils",
    "Absolute Neutrophil Count (ANC), Low": "neutrophils",
    "Platelet count decreased": "platelets",
    "Platelets, Decreased": "platelets",
    "White blood cell decreased": "wbc",
    "WBC, Decreased": "wbc",
    "Lymphocyte count decreased": "lymphocytes",
}
SCHEMES = {"ncictcaev4": "ctcae_v4", "ncictcaev5": "ctcae_v5", "ncictcaev6": "ctcae_v6", "DAIDS": "daids_v2_1"}
AGES = (
    "0 d",
    "1 d",
    "2 d",
    "7 d",
    "8 d",
    "21 d",
    "22 d",
    "35 d",
    "36 d",
    "56 d",
    "57 d",
    "3 mo",
    "4 y",
    "12 y",
    "13 y",
    "40 y",
    "80 y",
)
# Grades -----------------------------------------------------------------------------------

_STEP = {"hemoglobin": 1.0, "platelets": 1.0}  # of a result as it is reported; 0.01 of the others
_LOWER = {
    "hemoglobin": 120.0,
    "neutrophils": 1.8,
    "wbc": 4.0,
    "platelets": 150.0,
    "lymphocytes": 1.1,
}  # of some laboratory
_RULE = re.compile(r"signif\(AVAL, signif_dig\) (<=?) (?:signif\((ANRLO), signif_dig\)|([0-9.]+)) ~ \"([1-4])\"")
_AGE = re.compile(r"compute_duration\([^()]*out_unit = \"(years|days)\"[^()]*\) (<=|>=|<|>) ([0-9]+)")
_COMPARE = {"<": float.__lt__, "<=": float.__le__, ">": float.__gt__, ">=": float.__ge__}


@dataclass(frozen=True)
class Criterion:
    """One row of admiral's criteria: whom it is for, and the deepest grade first."""

    sex: str | None
    ages: tuple[tuple[str, str, float], ...]
    rules: tuple[tuple[str, float | None, int], ...]  # None is the lower limit of the range

    def covers(self, sex: str, age: str) -> bool:
        """Tell whether it is for somebody."""
        days = _days(age)
        spans = {"days": days, "years": float(math.floor(days / 365.25 + 1e-9))}
        return self.sex in (None, sex) and all(_COMPARE[sign](spans[unit], limit) for unit, sign, limit in self.ages)

    def grade(self, value: float, lower: float) -> int:
        """Return the grade of a value."""
        met = (g for sign, limit, g in self.rules if _COMPARE[sign](value, lower if limit is None else limit))
        return max(met, default=0)


def _days(age: str) -> float:
    number, unit = age.split()
    return float(number) * {"d": 1.0, "mo": 30.4375, "y": 365.25}[unit]


def _criteria(path: Path) -> dict[str, list[Criterion]]:
    found: dict[str, list[Criterion]] = {}
    for row in json.loads(path.read_text(encoding="utf-8")):
        analyte = TERMS.get(row["TERM"])
        if analyte is None:
            continue
        told = row.get("FILTER") or ""
        sex = re.search(r"SEX == \"([FM])\"", told)
        codes = [row.get(f"GRADE_{grade}_CODE") or "" for grade in range(1, 5)]
        rules = [match for code in codes for match in _RULE.findall(code)]
        found.setdefault(analyte, []).append(
            Criterion(
                sex[1] if sex else None,
                tuple((unit, sign, float(limit)) for unit, sign, limit in _AGE.findall(told)),
                tuple((sign, None if own else float(limit), int(grade)) for sign, own, limit, grade in rules),
            )
        )
    return found


def grades(folder: Path) -> dict[str, int]:
    """Print agreement of grades, and return what differs by its name."""
    differ: Counter[str] = Counter()
    print(f"{'scheme':12} {'analyte':12} {'graded':>8} {'equal':>8}   where not")
    for file, scheme in SCHEMES.items():
        for analyte, rows in _criteria(folder / f"{file}.json").items():
            if analyte not in KNOWLEDGE.scheme(scheme).tables:
                print(f"{scheme:12} {analyte:12} {'':>8} {'':>8}   not in our table")
                differ[f"{scheme} {analyte}: not in our table"] += 1
                continue
            told, apart = _graded(analyte, scheme, rows)
            print(f"{scheme:12} {analyte:12} {told:8,} {told - sum(apart.values()):8,}   {'; '.join(apart)}")
            differ.update({f"{scheme} {analyte}: {name}": many for name, many in apart.items()})
    return dict(differ)


def _graded(analyte: str, scheme: str, rows: list[Criterion]) -> tuple[int, Counter[str]]:
    unit = KNOWLEDGE.analytes[analyte].units.canonical
    told, apart = 0, Counter[str]()
    for sex in "FM":
        for age in AGES:
            of = [row for row in rows if row.covers(sex, age)]
            lower = _LOWER[analyte]
            if not of:
                continue
            limits = {lower, *(own for row in of for _, own, _ in row.rules if own is not None)}
            step = _STEP.get(analyte, 0.01)
            values = sorted(
                {round(limit + k * step, 4) for limit in limits for k in (-1, 0, 1) if limit + k * step > 0}
            )
            ours = cbc.grade(analyte, values, unit, scheme, lower, age=age, sex=sex).grade
            for value, own in zip(values, ours.filled(-1).tolist(), strict=True):
                theirs = max(row.grade(value, lower) for row in of)
                told += 1
                if own != theirs:
                    apart[f"{age} {value:g}: ours {own if own >= 0 else 'unknown'}, theirs {theirs}"] += 1
    return told, apart


# Letters that UCUM has for something else, and laboratories for this; each is in the closed table of its analyte alone.
_NOT_UCUM = {
    **dict.fromkeys(("G/L", "G/l"), "gauss in UCUM; 10^9/L of laboratories"),
    **dict.fromkeys(("T/L", "T/l"), "tesla in UCUM; 10^12/L of laboratories"),
    **dict.fromkeys(("K/cu.mm", "K/mm3", "K/uL", "K/ul"), "kelvin in UCUM; thousands of laboratories"),
    "m/uL": "meter in UCUM; millions of laboratories",
    "g%": "gram times percent in UCUM; g/dL of laboratories",
    **dict.fromkeys(("PG", "Pg"), "peta- in UCUM; pg in capitals, of an index that has no other unit"),
    "%": "a percentage of nothing in UCUM; g/dL as some analyzers print MCHC",
    "ft": "femtotonne in UCUM; feet of elevation",
}
# Units ------------------------------------------------------------------------------------


def units() -> dict[str, int]:
    """Print agreement of factors with UCUM, and return the spellings that differ and are not named."""
    from ucumvert import PintUcumRegistry

    registry, differ = PintUcumRegistry(), Counter[str]()
    print(f"{'quantity':22} {'spellings':>9} {'UCUM':>6} {'equal':>6}   where not")
    for analyte in KNOWLEDGE.analytes.values():
        accepted, canonical = analyte.units.accepted, _base(registry, analyte.units.canonical.replace("10^", "10*"))
        bases = {name: base for name in sorted(accepted) if (base := _base(registry, name)) is not None}
        if canonical is None or not bases:
            continue
        apart = [name for name, base in bases.items() if not _same(base, canonical, accepted[name])]
        print(f"{analyte.id:22} {len(accepted):9} {len(bases):6} {len(bases) - len(apart):6}   {' '.join(apart)}")
        differ.update(name for name in apart if name not in _NOT_UCUM)
    for name, why in _NOT_UCUM.items():
        print(f"  {name}: {why}")
    return dict(differ)


def _same(base: Any, canonical: Any, factor: Factor) -> bool:
    if base.dimensionality != canonical.dimensionality:
        return False
    ratio = (base / canonical).to_base_units().magnitude
    return math.isclose(ratio, factor.numerator / factor.denominator, rel_tol=1e-9)


def _base(registry: Any, unit: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return registry.from_ucum(unit).to_base_units()
    except Exception:
        return None  # it is no UCUM


# Reading ----------------------------------------------------------------------------------


def _in_production(path: Path, folder: Path) -> Path:
    """Write a copy of messages in which MSH-11 says production."""
    text = re.sub(rb"(MSH(.)[^\r\n]{4}(?:\2[^\r\n]*?){7}\2)[TD](?=\2|\r|\n)", rb"\1P", path.read_bytes())
    made = folder / path.name
    made.write_bytes(text)
    return made


def _ours(path: Path) -> Counter[tuple[str, float]]:
    frame = cbc.read(str(path))
    found: Counter[tuple[str, float]] = Counter()
    for name in set(frame.columns) & set(KNOWLEDGE.analytes):
        for text in frame[name].dropna().astype(str):
            if (number := re.fullmatch(r"[<>]?=?\s*([0-9]+(?:\.[0-9]+)?)", text.strip())) is not None:
                found[name, float(number[1])] += 1
    return found


CODES = {code: analyte.id for analyte in KNOWLEDGE.analytes.values() for code in analyte.loinc}


def by_fhir_resources(path: Path) -> Counter[tuple[str, float]]:
    """Return the numbers under our LOINC codes in a Bundle or in lines of resources, as fhir.resources reads them."""
    from fhir.resources.R4B.observation import Observation

    text = path.read_text(encoding="utf-8")
    whole = (
        [json.loads(text)]
        if path.suffix == ".json"
        else [json.loads(line) for line in text.splitlines() if line.strip()]
    )
    found: Counter[tuple[str, float]] = Counter()
    for resource in whole:
        entries = (
            [entry["resource"] for entry in resource["entry"]] if resource["resourceType"] == "Bundle" else [resource]
        )
        for entry in entries:
            if entry["resourceType"] == "Observation":
                try:
                    own = Observation.model_validate(entry)
                except ValueError:
                    print(f"{path.name:36} holds an Observation that is not valid R4B")
                    continue
                for part in (own, *(own.component or ())):
                    for coding in part.code.coding or ():
                        if (
                            coding.code in CODES
                            and part.valueQuantity is not None
                            and part.valueQuantity.value is not None
                        ):
                            found[CODES[coding.code], float(part.valueQuantity.value)] += 1
    return found


def by_hl7(path: Path) -> Counter[tuple[str, float]]:
    """Return the numbers under our LOINC codes in messages, as hl7 reads them."""
    import hl7

    raw = path.read_bytes()
    text = raw.decode("utf-8", errors="replace").replace("\r\n", "\r").replace("\n", "\r")
    found: Counter[tuple[str, float]] = Counter()
    for message in re.split(r"\r(?=MSH)", text[text.index("MSH") :]):
        for segment in hl7.parse(message):
            if str(segment[0]) == "OBX" and str(segment[2]) in ("NM", "SN", "ST"):
                codes = [code for code in str(segment[3]).split("^") if code in CODES]
                number = re.fullmatch(r"[<>]?=?\^?([0-9]+(?:\.[0-9]+)?)", str(segment[5]).strip())
                if codes and number is not None:
                    found[CODES[codes[0]], float(number[1])] += 1
    return found


def reading(paths: Iterable[Path], peer: Any) -> None:
    """Print, for each file, the numbers that both read, and those that one of them alone does."""
    print(f"{'file':36} {'both':>6}   ours alone; theirs alone")
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            ours = _ours(_in_production(path, Path(folder)) if peer is by_hl7 else path)
        theirs = peer(path)
        alone = [_told(own) for own in (ours - theirs, theirs - ours)]
        print(f"{path.name:36} {sum((ours & theirs).values()):6}   {alone[0] or '-'}; {alone[1] or '-'}")


def _told(found: Mapping[tuple[str, float], int]) -> str:
    many: Counter[str] = Counter()
    for (analyte, _), times in found.items():
        many[analyte] += times
    return ", ".join(f"{times} {name}" for name, times in sorted(many.items()))


def main(arguments: list[str]) -> int:
    """Print what is asked for; return how many differences are not named."""
    match arguments:
        case ["grades", folder]:
            return len(grades(Path(folder)))
        case ["units"]:
            return len(units())
        case ["fhir", *files] if files:
            reading(map(Path, files), by_fhir_resources)
        case ["hl7", *files] if files:
            reading(map(Path, files), by_hl7)
        case _:
            raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
