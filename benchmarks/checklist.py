"""Where the final diagnosis group of published cases stands on the checklist.

Usage: python benchmarks/checklist.py FILE

FILE is cases.jsonl of the published cases. A record holds every value that the file has of a
case: the counts, and the other results, as numbers where the library knows the analyte and as
findings where it knows a finding (`NUMBERS`, `FINDINGS`). A value without a unit is left
out and counted. Development cases: the order is not to be tuned to single cases.
Controls are counted apart: their list should be empty.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from answers import Answer, heading, percent, screen

import cbc_screen as cbc

# The diagnosis groups of the file, and the conditions that stand for each.
CONDITIONS = {
    "acute_leukaemia": {"acute_leukemia"},
    "apl": {"apl", "acute_leukemia"},
    "aplastic_anaemia": {"aplastic_anemia"},
    "b12": {"b12_folate"},
    "bleeding": {"bleeding"},
    "ckd": {"ckd_anemia"},
    "copper": {"copper_deficiency"},
    "drug_agranulocytosis": {"drug_agranulocytosis", "drug_toxin"},
    "evans": {"aiha"},
    "hellp": {"hellp"},
    "hlh": {"hlh"},
    "infection": {"infection", "ebv_cmv", "hiv", "parvovirus", "viral_hepatitis", "leishmaniasis"},
    "inflammation": {"inflammation_anemia"},
    "iron_deficiency": {"iron_deficiency"},
    "itp": {"itp"},
    "leishmaniasis": {"leishmaniasis"},
    "lgl": {"lgl"},
    "liver_hypersplenism": {"hypersplenism_liver"},
    "lymphoma": {"lymphoma_marrow"},
    "marrow_metastasis": {"metastatic_carcinoma"},
    "mds": {"mds"},
    "parvovirus": {"parvovirus"},
    "pseudothrombocytopenia": {"pseudothrombocytopenia"},
    "sle": {"sle"},
    "storage_disease": {"storage_disease"},
    "tma_other": {"ttp", "hus", "dic"},
    "ttp": {"ttp"},
}
CONTROL = "control"
# Values in the units of the file's own reading, and the other results that are analytes.
NUMBERS = {
    "hb_g_L": ("hemoglobin", "g/L"),
    "wbc_10e9_L": ("wbc", "10^9/L"),
    "anc_10e9_L": ("neutrophils", "10^9/L"),
    "plt_10e9_L": ("platelets", "10^9/L"),
    "mcv_fL": ("mcv", "fL"),
    "retic_pct": ("reticulocytes_percent", "%"),
    "retic_10e9_L": ("reticulocytes", "10^9/L"),
    "alc_10e9_L": ("lymphocytes", "10^9/L"),
    "hct_pct": ("hematocrit", "%"),
    "pcv_pct": ("hematocrit", "%"),
    "rbc_mil_uL": ("rbc", "10^6/uL"),
    "rbc_10e12_L": ("rbc", "10^12/L"),
    "mchc_g_dL": ("mchc", "g/dL"),
    "bands_pct": ("bands_percent", "%"),
    "segs_pct": ("neutrophils_percent", "%"),
    "lymph_pct": ("lymphocytes_percent", "%"),
    "ferritin_ug_L": ("ferritin", "ug/L"),
}
# Counts that the file gives as printed, in the unit of the white cells of the same case.
AS_WHITE_CELLS = {"mono": "monocytes", "eos": "eosinophils"}
# Results that the library knows as a finding only, and from where on it is present: usual upper
# limits, and for triglycerides and soluble CD25 those of HLH-2004.
FINDINGS: Mapping[str, tuple[tuple[str, Callable[[float], bool]], ...]] = {
    "inr": (("coagulation_abnormal", lambda inr: inr > 1.3),),
    "ast": (
        ("transaminases_raised", lambda units: units > 40),
        ("transaminases_above_5_uln", lambda units: units > 5 * 40),
    ),
    "ldh": (("ldh_raised", lambda units: units > 250), ("ldh_above_1_5_uln", lambda units: units >= 1.5 * 250)),
    "ldh_IU_L": (("ldh_raised", lambda units: units > 250), ("ldh_above_1_5_uln", lambda units: units >= 1.5 * 250)),
    "ldh_U_L": (("ldh_raised", lambda units: units > 250), ("ldh_above_1_5_uln", lambda units: units >= 1.5 * 250)),
    "triglycerides_mmol_L": (("triglycerides_raised", lambda mmol: mmol >= 3),),
    "scd25_U_mL": (("soluble_cd25_raised", lambda units: units >= 2400),),
    "fibrinogen_mg_dL": (("fibrinogen_low", lambda mg: mg < 150),),
    "creatinine_mg_dL": (("kidney_impairment", lambda mg: mg > 1.3),),
    "haptoglobin": (("hemolysis_markers", lambda _: True),),  # printed as below what can be measured
    "lgl_10e9_L": (("large_granular_lymphocytes", lambda count: count >= 0.5),),
    "plt_citrate": (("counts_agree_in_citrate", lambda _: False),),  # three times the count in EDTA
}
# Said by another value of the same case, or by none that the library knows.
KNOWN_OTHERWISE = {"lymph", "alt", "plt_heparin"}
WITHOUT_UNIT = {"neut", "neutrophils_as_printed"}


def record_of(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record with every value of a case that has a unit."""
    record: dict[str, Any] = {"age": f"{case['age']} {case['age_unit']}", "sex": case["sex"], "context": {}, "film": {}}
    if case["pregnant"]:
        record["pregnancy"] = "pregnant"
    for name, value in (*case["si"].items(), *case["other"].items()):
        if name in NUMBERS:
            analyte, unit = NUMBERS[name]
            record[analyte] = f"{value} {unit}"
        elif name in AS_WHITE_CELLS:
            record[AS_WHITE_CELLS[name]] = f"{value} {case['units']['wbc']}"
        elif name in FINDINGS:
            for finding, present in FINDINGS[name]:
                place = "film" if finding == "large_granular_lymphocytes" else "context"
                number = 0.0 if isinstance(value, str) else value
                record[place][finding] = "present" if present(number) else "absent"
        elif name not in KNOWN_OTHERWISE | WITHOUT_UNIT:
            raise SystemExit(f"checklist.py: {case['id']} has {name}, and no table here says what that is")
    return record


def report(places: list[int | None], answers: list[Answer]) -> None:
    """Print the shares and the lengths."""
    print(f"{len(places)} cases with a diagnosis group of the checklist")
    for title, most in (("on the list", 10**6), ("in the first 10", 10), ("in the first 5", 5), ("in the first 3", 3)):
        print(f"{title:<16}{percent(sum(1 for place in places if place is not None and place <= most), len(places))}")
    pairs = zip(places, answers, strict=True)
    shown = sum(1 for place, answer in pairs if place is not None and place <= answer.shown)
    print(f"{'shown':<16}{percent(shown, len(places))}")
    lengths, shorts = ([f(answer) for answer in answers] for f in (lambda a: len(a.listed), lambda a: a.shown))
    print(f"median length of the list: {statistics.median(lengths):g}")
    print(f"lines shown: median {statistics.median(shorts):g}, at most {max(shorts)}")


def main() -> None:
    """Print where each case stands, and the shares."""
    cases = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    screener = cbc.Screener(definition="clinical")
    heading("Published cases")
    places: list[int | None] = []
    answers: list[Answer] = []
    controls: list[Answer] = []
    left_out = Counter(name for case in cases for name in case["other"] if name in WITHOUT_UNIT)
    for case in cases:
        answer = screen(screener, record_of(case))
        if case["dx_group"] == CONTROL:
            controls.append(answer)
            continue
        answers.append(answer)
        places.append(answer.place(CONDITIONS[case["dx_group"]]))
        mark = "" if places[-1] is not None and places[-1] <= answer.shown else "  not shown"
        print(f"  {case['id']:<18}{case['dx_group']:<24}{places[-1] or '-':>3} of {len(answer.listed):<3}{mark}")
    report(places, answers)
    print(f"controls with an empty list: {sum(1 for answer in controls if not answer.listed)} of {len(controls)}")
    print(f"values left out for want of a unit: {dict(left_out)}")


if __name__ == "__main__":
    main()
