"""Where the final diagnosis group of published cases stands on the checklist.

Usage: python benchmarks/checklist.py ../shared/data/published_cases/cases.jsonl

Development cases: the order follows support, net findings and rank, and is not tuned to
single cases. Controls, and groups that no condition stands for, are left out and counted.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from pathlib import Path

import cbc_screen as cbc

# The diagnosis groups of the file, and the conditions that stand for each.
CONDITIONS = {
    "acute_leukaemia": {"acute_leukemia"},
    "apl": {"apl", "acute_leukemia"},
    "aplastic_anaemia": {"aplastic_anemia"},
    "b12": {"b12_folate"},
    "ckd": {"ckd_anemia"},
    "copper": {"copper_deficiency"},
    "drug_agranulocytosis": {"drug_agranulocytosis", "drug_toxin"},
    "evans": {"aiha"},
    "hellp": {"hellp"},
    "hlh": {"hlh"},
    "infection": {"ebv_cmv", "hiv", "parvovirus", "viral_hepatitis", "leishmaniasis"},
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
COUNTS = {
    "hb_g_L": ("hemoglobin", "g/L"),
    "wbc_10e9_L": ("wbc", "10^9/L"),
    "anc_10e9_L": ("neutrophils", "10^9/L"),
    "plt_10e9_L": ("platelets", "10^9/L"),
    "mcv_fL": ("mcv", "fL"),
    "retic_pct": ("reticulocytes_percent", "%"),
}


def main() -> None:
    """Print the shares and the median length."""
    cases = [json.loads(line) for line in Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()]
    screener = cbc.Screener(definition="clinical")
    places: list[int | None] = []
    lengths: list[int] = []
    left_out: Counter[str] = Counter()
    for case in cases:
        wanted = CONDITIONS.get(case["dx_group"])
        if wanted is None:
            left_out[case["dx_group"]] += 1
            continue
        record = {"age": f"{case['age']} {case['age_unit']}", "sex": case["sex"]}
        if case["pregnant"]:
            record["pregnancy"] = "pregnant"
        record |= {COUNTS[k][0]: f"{v} {COUNTS[k][1]}" for k, v in case["si"].items() if k in COUNTS}
        listed = [entry.id for entry in screener.screen(record).checklist]
        lengths.append(len(listed))
        places.append(next((place for place, name in enumerate(listed, start=1) if name in wanted), None))
    print(f"{len(places)} cases with a diagnosis group of the checklist; left out: {dict(left_out)}")
    for title, most in (("on the list", 10**6), ("in the first 5", 5), ("in the first 3", 3)):
        found = sum(1 for place in places if place is not None and place <= most)
        print(f"{title:<16}{found:>4} of {len(places)}  {100 * found / len(places):5.1f} %")
    print(f"median length of the list: {statistics.median(lengths):g}")


if __name__ == "__main__":
    main()
