"""The frequencies behind points: their ratios, their intervals, and the points that they give."""

from __future__ import annotations

import csv
import math
import shutil
from collections import Counter
from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.knowledge.likelihoods import LIKELIHOODS_FILE, Likelihood
from cbc_screen.knowledge.load import build_knowledge

ROOT = Path(__file__).resolve().parents[2]
FOUND = {(own.condition, own.finding): own for own in load_knowledge().likelihoods}
BOTH_GROUPS = [own for own in FOUND.values() if own.counts is not None]


def test_the_share_of_points_that_rest_on_frequencies() -> None:
    points: Counter[str] = Counter()
    for condition in load_knowledge().conditions:
        for rule in condition.findings:
            points[str(rule.basis)] += abs(rule.points)
    firm = points["measured"] + points["derived"]
    assert (firm, firm + points["judgment"]) == (514, 1732)


@pytest.mark.parametrize("own", BOTH_GROUPS, ids=lambda own: f"{own.condition}.{own.finding}")
def test_an_interval_worked_out_a_second_time(own: Likelihood) -> None:
    assert own.counts is not None
    assert own.interval is not None
    a, n, b, m = own.counts
    middle = math.log(a) - math.log(n) - math.log(b) + math.log(m)
    half = 1.959964 * math.hypot(math.sqrt((n - a) / (a * n)), math.sqrt((m - b) / (b * m)))
    assert math.log(own.ratio) == pytest.approx(middle, abs=0.006)
    assert [math.log(limit) for limit in own.interval] == pytest.approx([middle - half, middle + half], abs=0.006)
    # Where the interval holds 1, the finding would say nothing.
    assert not own.interval[0] <= 1 <= own.interval[1]


@pytest.mark.parametrize(
    ("condition", "finding", "ratio", "points"),
    [
        ("apl", "fibrinogen_low", 10.2, 3),  # 122 of 185, and 75 of 1158
        ("thalassemia_trait", "mcv_not_low", 0.0208, -6),  # 85 of 6779, and 1292 of 2146
        ("sle", "no_antinuclear_antibodies", 0.0295, -5),  # 2.2 %, and 74.7 %
        ("hiv", "hiv_test_negative", 0.0015, -8),  # 9.4 doublings, of which 8 count
        ("pnh", "known_marrow_failure", 3.02, 2),  # of the odds alone
    ],
)
def test_a_ratio_and_its_points(condition: str, finding: str, ratio: float, points: int) -> None:
    own = FOUND[condition, finding]
    assert (own.ratio, own.points) == (ratio, points)
    [rule] = [
        rule
        for known in load_knowledge().conditions
        if known.id == condition
        for rule in known.findings
        if rule.id == finding
    ]
    assert (rule.points, rule.source) == (points, own.sources[0])


COLUMNS = (ROOT / "reference_ranges" / LIKELIHOODS_FILE).read_text(encoding="utf-8").splitlines()[0].split(",")


def changed(folder: Path, finding: str, cells: dict[str, str]) -> Path:
    tables = Path(shutil.copytree(ROOT / "reference_ranges", folder / "tables"))
    file = tables / LIKELIHOODS_FILE
    with file.open(encoding="utf-8", newline="") as opened:
        rows = list(csv.DictReader(opened))
    next(row for row in rows if row["finding"] == finding).update(cells)
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return tables


@pytest.mark.parametrize(
    ("finding", "cells", "key", "says"),
    [
        ("eada_raised", {"finding": "no_such"}, "finding", "is no finding of this condition"),
        ("no_antinuclear_antibodies", {"finding": "antinuclear_antibodies"}, "finding", "is given twice"),
        ("eada_raised", {"finding": "infant_with_large_red_cells"}, "finding", "is a judgment"),
        ("eada_raised", {"ratio": "20"}, "ratio", "is 16.8 by the counts or shares"),
        ("eada_raised", {"percent_with": "42", "ratio": "8.4"}, "ratio", "gives +3 points, and the finding has +4"),
        ("eada_raised", {"low": "2"}, "low", "needs counts"),
        ("eada_raised", {"percent_with": "0"}, "percent_with", "must be above 0"),
        ("eada_raised", {"source": "no_such"}, "source", "is not in sources.csv"),
        ("giant_platelets", {"high": "99"}, "high", "is 14.3 by the counts or shares"),
        ("giant_platelets", {"found_without": "56"}, "found_without", "must lie between nobody and everybody"),
        ("giant_platelets", {"of_with": "35.5"}, "of_with", "must be a whole number"),
        ("giant_platelets", {"percent_with": "89"}, "percent_with", "is left empty where there are counts"),
        ("known_marrow_failure", {"notes": ""}, "notes", "must say how the ratio was worked out"),
    ],
)
def test_what_a_row_may_not_say(tmp_path: Path, finding: str, cells: dict[str, str], key: str, says: str) -> None:
    with pytest.raises(cbc.KnowledgeError, match=r"likelihoods\.csv") as told:
        build_knowledge(changed(tmp_path, finding, cells), check_hashes=False)
    assert key in str(told.value)
    assert says in str(told.value)
