"""ASTM E1394 (LIS2-A2) with and without frames: persons, results, remarks, controls, damage."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cbc_screen as cbc
from cbc_screen.ingest.astm_frames import Record, records

RECORDS = [
    "H|\\^&|||ANALYZER^1|||||||P|E1394-97|20240301",
    "P|1|PID1|||DOE^J||19600101|F",
    "O|1|S1||^^^CBC|R||20240301101500||||N||||Blood",
    "R|1|^^^WBC|1.4|10*3/uL|4.0-11.0|L||F",
    "R|2|^^^HGB|7.9|g/dL|11.7-15.5|L||F",
    "R|3|^^^PLT|12|10*3/uL|150-400|LL||F",
    "R|4|^^^NEU#|0.4|10*3/uL||L||F",
    "L|1|N",
]


def framed(records_of_frames: list[str], ends: str = "\r") -> bytes:
    """Put each text into a frame, with its number and the two digits that it adds up to."""
    found = b"\x05"
    for number, text in enumerate(records_of_frames, start=1):
        body = f"{number % 8}{text}\r".encode() + b"\x03"
        found += b"\x02" + body + f"{sum(body) % 256:02X}".encode() + b"\r\n"
    return (found + b"\x04").replace(b"\r", ends.encode()) if ends != "\r" else found + b"\x04"


def scan(content: bytes, folder: Path, **options: Any) -> tuple[cbc.ScanSummary, list[dict[str, str]]]:
    (folder / "in.astm").write_bytes(content)
    summary = cbc.scan(folder / "in.astm", folder / "out.csv", folder / "rejects.csv", force=True, **options)
    with (folder / "out.csv").open(encoding="utf-8", newline="") as file:
        return summary, list(csv.DictReader(file))


def plain(lines: list[str]) -> bytes:
    return "\r".join(lines).encode() + b"\r"


@pytest.mark.parametrize(
    "content",
    [
        plain(RECORDS),
        plain(RECORDS).replace(b"\r", b"\n"),
        plain(RECORDS).replace(b"\r", b"\r\n"),
        framed(RECORDS),
        framed(["\r".join(RECORDS)]),  # several records in one frame
        framed(RECORDS).replace(b"\r", b"\n"),  # a log that a program wrote anew
    ],
    ids=["plain", "lines", "windows", "framed", "one frame", "rewritten"],
)
def test_the_same_records_are_the_same_count(content: bytes, tmp_path: Path) -> None:
    summary, (row,) = scan(content, tmp_path)
    assert (row["pattern"], row["severity"], row["urgency"]) == ("pancytopenia", "very_severe", "immediate")
    assert row["reasons"] == ""
    assert summary.results["read"] == summary.results["used"] == 4


def test_a_record_may_go_on_in_the_next_frame() -> None:
    first, second = b"1R|1|^^^PLT|1\x17", b"22|10*3/uL\r\x03"
    content = b"".join(b"\x02" + part + f"{sum(part) % 256:02X}".encode() + b"\r\n" for part in (first, second))
    assert list(records(enumerate(content.splitlines(), start=1))) == [Record(1, b"R|1|^^^PLT|12|10*3/uL")]


def test_a_damaged_frame_is_set_aside_and_one_sent_again_counts_once(tmp_path: Path) -> None:
    whole = framed(RECORDS)
    damaged = whole.replace(b"|12|10*3/uL", b"|212|10*3/uL")
    summary, (row,) = scan(damaged, tmp_path)
    assert row["platelet_line"] == "cannot_tell"
    assert (summary.results["read"], summary.results["rejected"]) == (4, {"MESSAGE_UNREADABLE": 1})
    assert "|212|" in (tmp_path / "rejects.csv").read_text(encoding="utf-8")
    place = whole.index(b"\x026")
    frame = whole[place : whole.index(b"\x027")]
    again = whole[:place] + frame.replace(b"|12|", b"|212|") + frame + frame + whole[place + len(frame) :]
    summary, (row,) = scan(again, tmp_path)
    assert (row["pattern"], summary.results["read"]) == ("pancytopenia", 4)


CONTROL = ["P|2|PID2|||||19800101|M", "O|1|S2||^^^CBC|R||20240301101500||||Q||||Blood", "R|1|^^^PLT|250|10*3/uL||||F"]


def damaged(lines: list[str], *places: int) -> bytes:
    """Put lines into frames, and change one byte in those at these places on the way."""
    whole = framed(lines)
    for place in places:
        sent = f"{(place + 1) % 8}{lines[place]}".encode()
        assert whole.count(sent) == 1
        whole = whole.replace(sent, sent[:-1] + bytes([sent[-1] ^ 1]))
    return whole


@pytest.mark.parametrize("place", [8, 9], ids=["person", "order"])
def test_results_below_a_lost_record_are_of_nobody_before_it(place: int, tmp_path: Path) -> None:
    """The platelets of the control behind a damaged person or order never become those of the patient before."""
    lines = [*RECORDS[:7], "C|1|I|end|G", *CONTROL]
    summary, rows = scan(damaged(lines, place), tmp_path)
    assert (rows[0]["pattern"], rows[0]["severity"], rows[0]["reasons"]) == ("pancytopenia", "very_severe", "")
    assert all(row["platelet_line"] == "cannot_tell" for row in rows[1:])
    assert summary.rejects == {"MESSAGE_UNREADABLE": 1}


def test_results_below_a_lost_header_are_not_believed(tmp_path: Path) -> None:
    """Whether what follows was a test, and how its records are divided, stood in the header."""
    second = [RECORDS[0], "P|1|PID2|||||19800101|M", "O|1|S2||^^^CBC|R||20240302", "R|1|^^^PLT|250|10*3/uL||||F"]
    for broken in (damaged([*RECORDS, second[0] + "|1", *second[1:]], 8), plain([*RECORDS, "H?broken", *second[1:]])):
        _, rows = scan(broken, tmp_path)
        assert [row["platelet_line"] for row in rows] == ["low", "cannot_tell"]


@pytest.mark.parametrize("place", [3, 4, 5, 6], ids=["white cells", "hemoglobin", "platelets", "neutrophils"])
def test_a_lost_result_leaves_what_it_may_have_been_unknown(place: int, tmp_path: Path) -> None:
    lines = [text.replace("|1.4|", "|6.4|") for text in RECORDS]
    _, (row,) = scan(damaged(lines, place), tmp_path)
    expected = {3: "low low low", 4: "cannot_tell low low", 5: "low low cannot_tell", 6: "low cannot_tell low"}[place]
    assert " ".join(row[f"{line}_line"] for line in ("red", "white", "platelet")) == expected


def test_the_person_of_a_message_ends_with_it(tmp_path: Path) -> None:
    """125 g/L is within the range of a woman and low for a man."""
    stray = ["O|1|S9||^^^CBC|R||20240301101500||||N||||Blood", "R|1|^^^HGB|125|g/L||||F"]
    _, rows = scan(plain([*RECORDS, *stray]), tmp_path)
    assert [row["red_line"] for row in rows] == ["low", "cannot_tell"]


def test_controls_and_persons_in_one_message(tmp_path: Path) -> None:
    control = ["P|2|PID2|||||19800101|M", "O|1|S2||^^^CBC|R||20240301101500||||Q||||Blood", "R|1|^^^HGB|70|g/L||||F"]
    third = ["P|3|PID3|||||19800101|M", "O|1|S3||^^^CBC|R||20240301101600||||N||||Blood", "R|1|^^^HGB|150|g/L||||F"]
    summary, rows = scan(plain([*RECORDS[:-1], *control, *third, "L|1|N"]), tmp_path)
    assert [row["red_line"] for row in rows] == ["low", "not_low"]
    assert summary.specimens == {"control": 1}
    assert summary.results["rejected"] == {"SPECIMEN_CONTROL": 1}


@pytest.mark.parametrize(
    ("line", "guard"),
    [
        ("C|1|I|PLT clumps?|G", "platelet_clumps_suspected"),
        ("C|1|I|PLATELET CLUMPS^seen|G", "platelet_clumps"),
        ("R|5|^^^^PLT_Clumps?|T|||||F", "platelet_clumps_suspected"),
        ("R|5|^^^^PLT_Clumps?||||A||F", "platelet_clumps_suspected"),
        ("R|5|^^^^PLT_Clumps?|0|||||F", ""),
    ],
)
def test_what_the_analyzer_says_of_clumps(line: str, guard: str, tmp_path: Path) -> None:
    lines = [*RECORDS[:6], line, *RECORDS[6:]]
    _, (row,) = scan(plain(lines), tmp_path)
    assert row["guards"] == guard


@pytest.mark.parametrize(
    ("record", "line", "reason", "guard"),
    [
        ("R|3|^^^PLT|12|10*3/uL||W||F", "low", "", "sender_doubts"),
        ("R|3|^^^PLT|12|10*3/uL||||W", "low", "", "sender_doubts"),
        ("R|3|^^^PLT|12|1||||F", "cannot_tell", "platelets:UNIT_MISSING", ""),
        ("R|3|^^^PLT|-----|10*3/uL||||X", "cannot_tell", "platelets:STATUS_NOT_FINAL", ""),
        ("R|3|^^^PLT|++++|10*3/uL||||F", "cannot_tell", "platelets:NUMBER_UNREADABLE", ""),
        ("R|3|777-3^Platelets^LN|12|10*3/uL||||V", "low", "", ""),
        ("R|3|^^^PLT|12|10*3/uL||||P", "cannot_tell", "platelets:STATUS_NOT_FINAL", ""),
    ],
)
def test_one_result(record: str, line: str, reason: str, guard: str, tmp_path: Path) -> None:
    _, (row,) = scan(plain([record if text.startswith("R|3") else text for text in RECORDS]), tmp_path)
    assert (row["platelet_line"], row["reasons"], row["guards"]) == (line, reason, guard)


def test_neutrophils_that_the_analyzer_could_not_count_never_fall_back_on_the_white_cells(tmp_path: Path) -> None:
    lines = [text.replace("|0.4|", "|----|").replace("|1.4|", "|6.4|") for text in RECORDS]
    _, (row,) = scan(plain(lines), tmp_path)
    assert row["white_line"] == "cannot_tell"


def test_orders_and_queries_carry_no_results(tmp_path: Path) -> None:
    summary, rows = scan(
        plain([*RECORDS, RECORDS[0], "Q|1|^S1||^^^ALL", "L|1|N", RECORDS[0], *RECORDS[1:3], "L|1"]), tmp_path
    )
    assert len(rows) == 1
    assert summary.results["without_results"] == {"ASTM query": 1, "ASTM order": 1}


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_any_bytes_part_into_records(parts: list[bytes]) -> None:
    content = b"\x02".join(parts)
    found = list(records(enumerate(content.splitlines(), start=1)))
    assert all(record.text.strip() for record in found)
    assert sum(len(record.text) for record in found) <= len(content)


def with_times(*times: str) -> list[str]:
    """Return the records without a time of the order, and these times of the results."""
    order = RECORDS[2].replace("20240301101500", "")
    return [
        *RECORDS[:2],
        order,
        *(f"{own}||||{time}" for own, time in zip(RECORDS[3:7], times, strict=True)),
        RECORDS[7],
    ]


def test_a_result_without_a_time_stays_with_its_order(tmp_path: Path) -> None:
    time = "20240301101500"
    _, rows = scan(plain(with_times(time, time, time, "")), tmp_path)
    assert [(row["pattern"], row["white_line"]) for row in rows] == [("pancytopenia", "low")]


def test_a_result_that_was_lost_is_noticed_by_the_numbers_of_the_others(tmp_path: Path) -> None:
    """The neutrophils are the fourth of five: without them the white line would be judged on the white cells."""
    healthy = ["R|1|^^^WBC|6.0|10*3/uL", "R|2|^^^HGB|13.5|g/dL", "R|3|^^^PLT|250|10*3/uL", "R|5|^^^MCV|90|fL"]
    whole = [*RECORDS[:3], *healthy, RECORDS[7]]
    _, (row,) = scan(plain(whole), tmp_path)
    assert (row["white_line"], row["red_line"], row["platelet_line"]) == ("cannot_tell", "not_low", "not_low")
    numbered = [*RECORDS[:3], *healthy[:3], healthy[3].replace("R|5", "R|4"), RECORDS[7]]
    assert scan(plain(numbered), tmp_path)[1][0]["white_line"] == "not_low"


def test_orders_that_begin_anew_are_of_a_person_whose_record_was_lost(tmp_path: Path) -> None:
    second = [RECORDS[2].replace("S1", "S2").replace("20240301101500", "20240302101500"), *RECORDS[3:7]]
    _, rows = scan(plain([*RECORDS[:7], *second, RECORDS[7]]), tmp_path)
    assert ["sex:SEX_MISSING" in row["reasons"] for row in rows] == [False, True]
    _, rows = scan(plain([*RECORDS[:7], second[0].replace("O|1", "O|2"), *second[1:], RECORDS[7]]), tmp_path)
    assert ["sex:SEX_MISSING" in row["reasons"] for row in rows] == [False, False]


def test_results_may_be_counted_on_from_one_order_to_the_next(tmp_path: Path) -> None:
    second = [
        RECORDS[2].replace("O|1|S1", "O|2|S2"),
        *(own.replace(f"R|{n}", f"R|{n + 4}") for n, own in enumerate(RECORDS[3:7], 1)),
    ]
    summary, _ = scan(plain([*RECORDS[:7], *second, RECORDS[7]]), tmp_path)
    assert (summary.results["rejected"], summary.results["read"]) == ({}, 8)
