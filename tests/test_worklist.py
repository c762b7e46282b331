"""The worklist as a file: who is on it, in which order, and what it says of everybody else.

What a reader does with it is tested in a real browser (tests/browser).
"""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

import cbc_screen as cbc
from cbc_screen.demo import TRAPS, write_demo
from cbc_screen.engines.rescreen import FlagFile
from cbc_screen.engines.worklist import write_worklist
from cbc_screen.vocabulary import NOTICE

HEADER = "MRN,age,sex,HGB (g/dL),NEUT (10^9/L),PLT (10^9/L)\n"
ROWS = [
    "well,30 y,M,15,4,250",
    "one line,30 y,M,12,4,250",
    "missing platelets,30 y,M,15,4,",
    "three lines,54 y,F,7.1,0.9,<10",
    "two lines and one unknown,45 y,F,8.8,1.2,",
    "well too,30 y,F,13.5,4,250",
]


def unpacked(page: str, name: str) -> Any:
    """Read a packed part of the page as its script does."""
    (found,) = re.findall(rf'<script type="application/octet-stream" id="{name}">(.*?)</script>', page, re.DOTALL)
    return json.loads(gzip.decompress(base64.b64decode(found)))


def listed(page: str) -> list[dict[str, Any]]:
    rows = []
    for packed in re.findall(r'class="rows">(.*?)</script>', page):
        columns = json.loads(gzip.decompress(base64.b64decode(packed)))
        rows += [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return rows


@pytest.fixture
def scanned(tmp_path: Path):
    def scan(rows: list[str] = ROWS, **options: Any) -> Path:
        (tmp_path / "export.csv").write_text(HEADER + "\n".join(rows) + "\n")
        cbc.scan(tmp_path / "export.csv", tmp_path / "flags.parquet", keep=["MRN"], force=True, **options)
        return tmp_path / "flags.parquet"

    return scan


def page_of(flags: Path, **options: Any) -> str:
    page = flags.with_name("worklist.html")
    cbc.worklist(flags, page, force=True, **options)
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("options", [{"received": True}, {"received": True, "packed": True}, {}])
def test_who_is_listed_and_in_which_order(scanned, options: dict[str, Any]) -> None:
    """Urgency, then lines that may be low, lines that are, severity; what cannot be told is listed, who is well is not."""
    found = [
        (row["kept"], row["row"], row["urgency"], row["low_min"], row["low_max"])
        for row in listed(page_of(scanned(**options)))
    ]
    assert found == [
        (["three lines"], 5, "immediate", 3, 3),
        (["two lines and one unknown"], 6, "prompt", 2, 3),
        (["one line"], 3, "routine", 1, 1),
        (["missing platelets"], 4, "none", 0, 1),
    ]


def test_the_most_urgent_are_listed_and_the_page_leads_to_the_others(scanned) -> None:
    flags = scanned(ROWS * 3, received=True)
    page = page_of(flags, most=2)
    assert [row["row"] for row in listed(page)] == [5, 11]  # the third such row is beyond
    assert "12 of 18 counts screened have something to review" in page
    assert 'Listed are the 2 most urgent; all of them are in <a href="flags.parquet">' in page
    assert "all of them are in" not in page_of(flags)


def test_an_empty_list_is_a_page_too(scanned) -> None:
    flags = scanned(ROWS[:1], received=True)
    assert cbc.worklist(flags, flags.with_name("empty.html")) == 0
    page = flags.with_name("empty.html").read_text(encoding="utf-8")
    assert "0 of 1 counts screened have something to review" in page
    assert listed(page) == []


def test_the_page_of_each_person_is_that_of_the_result(scanned) -> None:
    flags = scanned(received=True)
    page = page_of(flags, text_units="us")
    shared = unpacked(page, "shared")
    (packed,) = re.findall(r'class="piece">(.*?)</script>', page)
    piece = json.loads(gzip.decompress(base64.b64decode(packed)))
    for row, parts in zip(listed(page), piece["people"], strict=True):
        html = "".join(shared[-1 - part] if part < 0 else piece["parts"][part] for part in parts)
        whole = cbc.screen_again(flags, row["row"], text_units="us")._repr_html_()
        assert f"{html}</div>" == whole[whole.index("</style>") + len("</style>") :]


def test_the_list_says_whose_count_it_is_where_the_source_does(tmp_path: Path, shared: Path) -> None:
    source = shared / "data" / "synthea_csv_fhir_pair" / "csv" / "observations.csv"
    cbc.scan(source, tmp_path / "flags.parquet", received=True)
    people = {row["person"] for row in listed(page_of(tmp_path / "flags.parquet"))}
    assert people
    assert "" not in people
    assert people <= set(cbc.read(source)["person"])


def test_a_kept_column_may_say_whose_count_it_is(scanned) -> None:
    found = listed(page_of(scanned(received=True), person="MRN"))
    assert [row["person"] for row in found] == [row["kept"][0] for row in found]
    with pytest.raises(cbc.UsageError, match="there is no column 'Name'"):
        page_of(scanned(received=True), person="Name")


def test_the_page_is_shut_and_carries_the_notice(scanned) -> None:
    page = page_of(scanned(received=True))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src &#39;none&#39;; script-src &#39;sha256-")
    assert "unsafe" not in policy
    assert page.count(NOTICE) >= 2
    assert not re.search(r"https?://|@import|url\(|\son\w+=", page)
    assert page.count("<script>") == 1


def test_the_figures_count_every_row(tmp_path: Path) -> None:
    write_demo(tmp_path / "export.csv")
    cbc.scan(tmp_path / "export.csv", tmp_path / "flags.parquet", received=True)
    frame = cbc.read_flags(tmp_path / "flags.parquet")
    page = " ".join(re.sub(r"<[^>]+>", " ", page_of(tmp_path / "flags.parquet").split("<script")[0]).split())
    for pattern, many in frame["pattern"].value_counts().items():
        assert f"{str(pattern).replace('_', ' ')} {many}" in page
    for figure in (
        "Severity by line, counts listed (clinical 2)",
        "Age and sex, counts listed",
        "Rejected rows what rows NO_RESULT 1 ROW_RAGGED 1",
    ):
        assert figure in page
    assert len(TRAPS) == 22


def test_nothing_is_left_of_a_page_that_could_not_be_finished(scanned, monkeypatch) -> None:
    from cbc_screen.engines import worklist

    flags = scanned(received=True)
    monkeypatch.setattr(worklist, "person_parts", lambda result: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        page_of(flags)
    assert sorted(path.name for path in flags.parent.iterdir()) == [
        "export.csv",
        "flags.parquet",
        "flags.parquet.manifest.json",
    ]


def test_counts_of_a_person_sort_by_day_however_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(
        "MRN,age,sex,date,HGB (g/dL)\nA,54 y,F,31/12/2023,9\nA,54 y,F,02/01/2024,8\nA,54 y,F,soon,8\n"
    )
    cbc.scan(
        tmp_path / "export.csv", tmp_path / "flags.parquet", keep=["MRN"], received=True, date_format="%d/%m/%Y",
        columns={"collected_at": "date"},
    )  # fmt: skip
    found = {row["collected"]: row["taken"] for row in listed(page_of(tmp_path / "flags.parquet", person="MRN"))}
    assert found == {"31/12/2023": "2023-12-31", "02/01/2024": "2024-01-02", "soon": ""}


def test_a_list_of_nobody_and_one_name_for_two_outputs_are_refused(scanned, tmp_path: Path) -> None:
    with pytest.raises(cbc.UsageError, match="lists at least one count"):
        page_of(scanned(received=True), most=0)
    with pytest.raises(cbc.UsageError, match="must be different files"):
        cbc.scan(
            tmp_path / "export.csv", tmp_path / "f.parquet", summary=tmp_path / "g.html", report=tmp_path / "g.html"
        )
    assert not (tmp_path / "f.parquet").exists()


def test_a_reason_counts_in_every_row_that_has_it_beside_whatever_else(scanned) -> None:
    """Two rows lack the sex alone, one lacks sex and age: three lack the sex."""
    rows = ["a,30 y,,15,4,250", "b,31 y,,15,4,250", "c,,,15,4,250"]
    page = " ".join(re.sub(r"<[^>]+>", " ", page_of(scanned(rows, received=True)).split('id="data"')[0]).split())
    assert "sex: SEX_MISSING 3" in page
    assert "age: AGE_MISSING 1" in page


@pytest.mark.parametrize(
    "manifest", ['{"counts": {"screened": 7, "rows_in": 9, "rejected": 2}}', '{"counts": []}', "[]", "?"]
)
def test_a_manifest_of_another_scan_says_nothing_of_these_flags(scanned, manifest: str) -> None:
    flags = scanned(received=True)
    assert "6 rows in = 6 screened + 0 rejected" in page_of(flags)
    flags.with_name("flags.parquet.manifest.json").write_text(manifest)
    page = page_of(flags)
    assert "4 of 6 counts screened have something to review" in page
    assert "rows in =" not in page


def test_rows_shown_by_their_flags_give_the_reasons_that_their_results_give(tmp_path: Path) -> None:
    """Heparin with platelets of 90 is prompt and with a thrombosis would be immediate: only what was met is said."""
    (tmp_path / "export.csv").write_text(
        "MRN,age,sex,HGB (g/L),ANC (10^9/L),PLT (10^9/L),heparin_recent,thrombosis_unusual_site\n"
        "A,54 y,F,130,4,90,yes,no\nB,54 y,F,130,4,90,yes,yes\nC,54 y,F,60,4,250,,\nD,54 y,F,130,0.2,250,,\n"
        "E,54 y,F,60,0.2,9,,\nF,54 y,F,see text,see text,see text,,\n"
    )
    flags = tmp_path / "flags.parquet"
    cbc.scan(tmp_path / "export.csv", flags, received=True, keep=["MRN"])

    page = flags.with_name("worklist.html")

    def why(in_full: int) -> dict[str, list[tuple[str, str]]]:
        write_worklist(FlagFile(flags, cbc.Screener), page, force=True, in_full=in_full)
        return {row["kept"][0]: row["why"] for row in listed(page.read_text(encoding="utf-8"))}

    by_flags = why(0)
    assert by_flags == why(10)
    assert by_flags["A"] == [["platelets 90 ×10⁹/L", "low platelets with heparin in the past 2 weeks"]]
