"""The audit of what came along: flags, ranges and units of a sender, held against each other."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import UsageError

NAME = {"hemoglobin": "HGB (g/L)", "platelets": "PLT (10^9/L)"}


def frame(*rows: tuple[str, Any, str, Any, Any]) -> pd.DataFrame:
    """Return a frame of women of 40, a row for each: analyte, value, flag, lower, upper."""
    found = []
    for analyte, value, flag, lower, upper in rows:
        own = {NAME[analyte]: value, f"{analyte}_flag": flag, f"{analyte}_lower": lower, f"{analyte}_upper": upper}
        found.append({"age": "40 y", "sex": "F", **own})
    return pd.DataFrame(found)


def findings(*rows: tuple[str, Any, str, Any, Any]) -> list[tuple[int, str, str]]:
    found = cbc.audit(frame(*rows)).findings
    return list(zip(found["row"], found["finding"], found["other_unit"], strict=True))


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (("platelets", 250, "L", 150, 400), "flag_low_not_low"),
        (("platelets", 150, "L", 150, 400), "flag_low_not_low"),  # the limit itself is within
        (("platelets", 149, "L", 150, 400), ""),
        (("platelets", 250, "H", 150, 400), "flag_high_not_high"),
        (("platelets", 450, "H", 150, 400), ""),
        (("platelets", 120, "N", 150, 400), "flag_normal_outside"),
        (("platelets", 250, "N", 150, 400), ""),
        (("platelets", 250, "LL", 260, 400), "flag_critical_within"),
        (("platelets", 12, "LL", 150, 400), ""),
        (("platelets", 250, "N", 400, 150), "range_reversed"),
        (("platelets", "<300", "N", 310, 400), "flag_normal_outside"),  # every possible value is below
        (("platelets", "<300", "N", 150, 400), ""),  # may be within
        (("platelets", "CLOTTED", "N", 150, 400), ""),
    ],
)
def test_one_claim(row: tuple[str, Any, str, Any, Any], finding: str) -> None:
    assert [found for _, found, _ in findings(row)] == [finding] * bool(finding)


def test_a_missing_flag_counts_only_where_the_sender_flags_others() -> None:
    unflagged = ("platelets", 120, "", 150, 400)
    assert findings(unflagged, ("platelets", 250, "N", 150, 400)) == [(0, "flag_missing_outside", "")]
    assert findings(unflagged, ("platelets", 250, "", 150, 400)) == []


def test_the_unit_that_explains_a_range_or_a_value() -> None:
    of_range = findings(("hemoglobin", 91, "L", 11.7, 15.5))  # the range is in g/dL
    assert ("range_in_another_unit", True) in [(name, unit.casefold() == "g/dl") for _, name, unit in of_range]
    of_value = findings(("platelets", 2.5, "", 150, 400))  # 2.5 lakh
    assert [
        (name, unit.casefold() in ("10^5/ul", "lakh/ul"))
        for _, name, unit in of_value
        if name != "flag_missing_outside"
    ] == [("value_in_another_unit", True)]
    assert findings(("platelets", 2.5, "LL", 150, 400)) == []  # the sender means it


def test_the_senders_own_limit_lies_between_its_flags() -> None:
    limits = cbc.audit(
        frame(
            ("platelets", 140, "L", None, None), ("platelets", 155, "", None, None), ("platelets", 170, "N", None, None)
        )
    ).limits
    (row,) = limits.to_dict("records")
    assert (row["flagged_low_up_to"], row["not_flagged_low_from"], row["agrees"]) == (140, 155, True)
    crossed = cbc.audit(frame(("platelets", 160, "L", None, None), ("platelets", 155, "", None, None))).limits
    assert list(crossed["agrees"]) == [False]


def test_counts_and_ranges_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text(
        "Patient ID,Sex,Age,Collected,Test,Result,Unit,Reference range,Flag\n"
        + "".join(
            f"A{n},F,40 y,2024-03-0{n},Platelets,250,10^9/L,150-400,{'L' if n == 1 else ''}\n" for n in range(1, 6)
        ),
        encoding="utf-8",
    )
    audit = cbc.audit(tmp_path / "long.csv")
    (row,) = audit.results.to_dict("records")
    assert (audit.rows, row["results"], row["with_range"], row["with_flag"], row["about_flags"]) == (5, 5, 5, 1, 1)
    assert row["share"] == 0.2
    assert [tuple(one) for one in audit.ranges.itertuples(index=False)] == [
        ("long.csv", "platelets", "F", 150.0, 400.0, "10^9/L", 5)
    ]


def test_the_command_writes_findings_and_a_page(tmp_path: Path) -> None:
    source, out, page = tmp_path / "in.csv", tmp_path / "findings.csv", tmp_path / "audit.html"
    frame(("platelets", 250, "L", 150, 400), ("platelets", 250, "N", 150, 400)).to_csv(source, index=False)
    command = ["audit", str(source), "-o", str(out), "--report", str(page)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert "2 rows read, 1 findings" in done.output
    with out.open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["finding"], row["value_low"], row["notice"]) == ("flag_low_not_low", "250.0", cbc.NOTICE)
    html = page.read_text(encoding="utf-8")
    assert cbc.NOTICE in html
    assert "flagged low, and not below the range that came with it" in html
    assert CliRunner().invoke(main, command).exit_code == 2  # nothing is overwritten unless it is asked for
    assert CliRunner().invoke(main, [*command, "--force"]).exit_code == 0


def test_nothing_to_hold_against_anything() -> None:
    with pytest.raises(UsageError, match="no result has a flag or a range"):
        cbc.audit(pd.DataFrame({"age": ["40 y"], "sex": ["F"], "HGB (g/L)": [130]}))


def test_what_is_no_patients_blood_is_not_audited() -> None:
    table = frame(("platelets", 250, "L", 150, 400), ("platelets", 250, "L", 150, 400)).assign(
        **{"sample type": ["QC", "blood"]}
    )
    assert list(cbc.audit(table).findings["row"]) == [1]
