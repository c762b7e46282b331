"""HL7 v2: what the reader says of small messages, rule by rule, and of real files (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import gzip
import subprocess
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import cbc_screen as cbc
from cbc_screen.errors import UsageError
from cbc_screen.ingest.hl7 import HL7Source
from cbc_screen.ingest.hl7_frames import LONGEST_MESSAGE
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, StatedPerson
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.vocabulary import Reason, ResultStatus

MSH = r"MSH|^~\&|LAB|SITE|EHR|SITE|20260105||ORU^R01^ORU_R01|1|P|2.5.1"
PID = "PID|1||77^^^SITE^MR||DOE^J||19800229|F"
OBR = "OBR|1|P1|F1|CBC^Blood count|||202601050915"
OBX = "OBX|1|NM|HGB^Hemoglobin^L||9.1|g/dL|12.0-16.0|L|||F"
HEADER_18 = r"MSH|^~\&|LAB|SITE|EHR|SITE|20260105||ORU^R01|1|P|2.5.1||||||"

Read = Callable[..., list[Item]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read segments, or the bytes of a file, and return what the source gives."""

    def run(*segments: str | bytes, end: str = "\r", encoding: str | None = None, name: str = "m.hl7") -> list[Item]:
        path = tmp_path / name
        path.write_bytes(b"".join(one if isinstance(one, bytes) else (one + end).encode() for one in segments))
        return list(HL7Source(path, encoding).items())

    return run


def results(items: list[Item]) -> list[LabResult]:
    return [item for item in items if isinstance(item, LabResult)]


def persons(items: list[Item]) -> list[StatedPerson]:
    return [item for item in items if isinstance(item, StatedPerson)]


def obx(**fields: str) -> str:
    """Write an OBX by the numbers of its fields: f5="9.1"."""
    cells = {1: "1", 2: "NM", 3: "HGB^Hemoglobin^L", 5: "9.1", 6: "g/dL", 11: "F"}
    cells |= {int(name[1:]): text for name, text in fields.items()}
    return "|".join(["OBX", *(cells.get(place, "") for place in range(1, max(cells) + 1))])


# --- the whole of a plain message


def test_a_message_is_a_person_and_its_results(read: Read) -> None:
    assert read(MSH, PID, OBR, OBX) == [
        StatedPerson("77^SITE", "1980-02-29", "F"),
        LabResult(
            line=4,
            person="77^SITE",
            group="F1",
            collected_at="2026-01-05T09:15:00",
            codes=(ResultCode("HGB", "Hemoglobin", "L"),),
            value="9.1",
            unit="g/dL",
            panel="Blood count",
            range_text="12.0-16.0",
            content=OBX,
            flag="L",
        ),
    ]


def test_the_source_can_be_read_again_and_says_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "m.hl7"
    path.write_text("\r".join([MSH, PID, OBR, OBX] * 5))
    source = HL7Source(path)
    assert source.share == 0.0
    first = list(source.items())
    assert source.share == 1.0
    assert list(source.items()) == first
    assert len(first) == 10


# --- lines, framing, batches


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\r", "\n\n", "\r\n\r\n"])
def test_segments_end_in_any_way(read: Read, end: str) -> None:
    step = 2 if end in ("\r\r", "\n\n", "\r\n\r\n") else 1
    items = read(MSH, PID, OBR, OBX, obx(f5="8"), end=end)
    assert [(one.line, one.value) for one in results(items)] == [(1 + 3 * step, "9.1"), (1 + 4 * step, "8")]


@pytest.mark.parametrize("block", [1, 2, 3, 7])
def test_an_end_of_a_line_that_a_block_cuts_in_two_is_one(
    read: Read, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    whole = read(MSH, PID, OBR, OBX, "", OBX, end="\r\n")
    monkeypatch.setattr("cbc_screen.ingest.hl7.BLOCK_BYTES", block)
    assert read(MSH, PID, OBR, OBX, "", OBX, end="\r\n") == whole
    assert [one.line for one in results(whole)] == [4, 6]


def test_a_batch_file_holds_many_messages(read: Read) -> None:
    lines = [r"FHS|^~\&|LAB", r"BHS|^~\&|LAB", MSH, PID, OBR, OBX, MSH, PID, OBR, OBX, "BTS|2", "FTS|1"]
    assert [type(item) for item in read(*lines, end="\n")] == [StatedPerson, LabResult, StatedPerson, LabResult]


@pytest.mark.parametrize(
    "before",
    ["\ufeff", "\n\n", "# a remark\n", "remark, no mark\n\n", "\x0b", "\ufeff\x0b", "  ", "// x\n\r\n# y\n"],
)
def test_what_stands_before_the_first_message_is_left_out(read: Read, before: str) -> None:
    assert len(results(read(before.encode(), MSH, PID, OBR, OBX))) == 1


def test_frames_of_the_wire_are_taken_off(read: Read) -> None:
    message = "\x0b" + "\r".join([MSH, PID, OBR, OBX]) + "\r\x1c\r"
    unended = "\x0b" + "\r".join([MSH, PID, OBR, OBX]) + "\x1c"
    items = results(read((message + message + unended + unended).encode()))
    assert [one.status for one in items] == [ResultStatus.FINAL] * 4
    assert [one.line for one in items] == [4, 9, 14, 17]


@pytest.mark.parametrize("remark", ["# message 2", "// next", "", "-----", "Message 2", "   "])
def test_remarks_between_messages_are_no_part_of_the_last_result(read: Read, remark: str) -> None:
    items = read(MSH, PID, OBR, OBX, "", remark, MSH, PID, OBR, OBX, remark, end="\n")
    assert [(one.status, one.content) for one in results(items)] == [(ResultStatus.FINAL, OBX)] * 2


def test_a_line_that_begins_no_segment_goes_on_with_the_one_before(read: Read) -> None:
    text = obx(f2="TX", f5="PLATELETS")[: -len("|g/dL|||||F")]
    items = read(MSH, PID, OBR, text, "CLUMPED", "", "IN EDTA|||||F".replace("|||||F", "||||||F"), OBX, end="\n")
    one, two = results(items)
    assert (one.value, one.status, two.line) == ("PLATELETS CLUMPED IN EDTA", ResultStatus.FINAL, 8)


def test_a_note_may_go_over_lines_up_to_the_end(read: Read) -> None:
    items = read(MSH, PID, OBR, OBX, "NTE|1|L|Clumps", "seen", "", "Repeat in citrate", "# next", MSH, end="\n")
    assert results(items)[0].notes == ("Clumps seen Repeat in citrate",)


@pytest.mark.parametrize(
    "text", ["MSH2 is intact", "MSH6 is lost", "MSH-2: intact", "MSH is a hormone", "MSHA is none"]
)
def test_a_text_that_begins_like_a_header_is_none(read: Read, text: str) -> None:
    items = read(MSH, PID, OBR, OBX, "NTE|1|L|Staining:", text, OBX, end="\n")
    assert [type(item) for item in items] == [StatedPerson, LabResult, LabResult]
    assert results(items)[0].notes == (f"Staining: {text}",)


def test_an_indented_segment_is_a_segment(read: Read) -> None:
    assert len(results(read("  " + MSH, "  " + PID, "\t" + OBR, "  " + OBX, " " + OBX, end="\n"))) == 2


def test_a_message_cut_short_is_read_as_far_as_it_goes(read: Read) -> None:
    items = results(read(MSH, PID, OBR, OBX, "OBX|2|NM|PLT^Platelets||4", end="\r")[:-1])
    assert len(items) == 1
    cut = results(read("\r".join([MSH, PID, OBR, OBX, "OBX|2|NM|PLT^Platelets||4"]).encode()))
    assert [(one.codes[0].code, one.value, one.unit) for one in cut] == [("HGB", "9.1", "g/dL"), ("PLT", "4", "")]


def test_results_outside_a_message_are_refused_and_not_passed_over(read: Read) -> None:
    items = read("PID|1||8", OBX, OBX, MSH, PID, OBR, OBX, "FTS|1", OBX)
    assert [(type(item), item.line) for item in items if not isinstance(item, StatedPerson)] == [
        (RejectedRow, 2),
        (LabResult, 7),
        (RejectedRow, 9),
    ]
    assert items[0] == RejectedRow(2, Reason.MESSAGE_UNREADABLE, f"{OBX}\n{OBX}")


# --- encoding characters


@pytest.mark.parametrize(
    "marks", [r"|^~\&", r"|^~\$", r"|^~\&#", "|!*@%", "#^~\\&", "*^~\\&", "|@~\\&", "^|~\\&", "$!%+-"]
)
def test_a_message_is_read_by_its_own_separators(read: Read, marks: str) -> None:
    field, component, repetition, escape, subcomponent = marks[:5]

    def own(segment: str) -> str:
        header = segment.startswith("MSH|")
        parts = [segment[:3], marks[1:], *segment.split("|")[2:]] if header else segment.split("|")
        plain = dict(zip("^~\\&", (component, repetition, escape, subcomponent), strict=True))
        return field.join(
            part if header and place == 1 else "".join(plain.get(sign, sign) for sign in part)
            for place, part in enumerate(parts)
        )

    segments = [
        MSH,
        PID.replace("SITE", "SITE&1.2&ISO"),
        OBR,
        obx(f3="HGB^Hb \\S\\ x^L", f5="9.1~9.1", f6="10\\S\\9/L"),
    ]
    items = read(*(own(segment) for segment in segments))
    one = results(items)[0]
    assert persons(items)[0].key == "77^SITE"
    assert (one.codes, one.value) == ((ResultCode("HGB", f"Hb {component} x", "L"),), "9.1")
    assert one.unit == f"10{component}9/L"


def test_separators_that_are_not_named_do_not_exist(read: Read) -> None:
    items = read(
        MSH.replace(r"^~\&", "^~"), PID, OBR, obx(f5=r"a\T\b&c"), MSH.replace(r"^~\&", "^"), OBR, obx(f5="a~b")
    )
    assert [one.value for one in results(items)] == [r"a\T\b&c", "a~b"]
    assert results(items)[0].codes == (ResultCode("HGB", "Hemoglobin", "L"),)


def test_where_none_is_named_they_are_the_usual_ones(read: Read) -> None:
    one = results(read(MSH.replace(r"^~\&", ""), PID, OBR, obx(f6=r"10\S\9/L")))[0]
    assert (one.codes, one.unit) == ((ResultCode("HGB", "Hemoglobin", "L"),), "10^9/L")


def test_every_message_of_a_file_has_its_own(read: Read) -> None:
    items = read(
        MSH, PID, OBR, OBX, "MSH*!~\\&*L****2026**ORU!R01", "PID*1**5", "OBR*1**F2", "OBX*1*NM*PLT!P!L**7|8*a!b"
    )
    assert [(one.person, one.value, one.unit) for one in results(items)] == [
        ("77^SITE", "9.1", "g/dL"),
        ("5", "7|8", "a"),
    ]


@pytest.mark.parametrize(
    "header",
    ["MSH", "MSH|^^~&|L||||||ORU^R01", r"MSH|^~^&||", "MSH|^~\\&$%!|L", "MSH|AB|L||||||ORU^R01", "MSH|^ ~|", "MSH¦^~|",
     "MSH^~\\&|LAB|", r"MSH|^~\\&|LAB||||||ORU^R01"],
)  # fmt: skip
def test_a_header_that_cannot_be_read_costs_its_message_and_no_other(read: Read, header: str) -> None:
    items = read(MSH, PID, OBR, OBX, header, PID, OBR, OBX, MSH, PID, OBR, OBX)
    assert [type(item) for item in items] == [StatedPerson, LabResult, RejectedRow, StatedPerson, LabResult]
    rejected = items[2]
    assert isinstance(rejected, RejectedRow)
    assert (rejected.line, rejected.reason) == (5, Reason.MESSAGE_UNREADABLE)
    assert rejected.content == "\n".join([header, PID, OBR, OBX])


# --- character sets


@pytest.mark.parametrize(
    ("named", "codec", "text"),
    [
        ("", "utf-8", "10³/µL 千/μL"),
        ("ASCII", "utf-8", "µL"),
        ("UNICODE UTF-8", "utf-8", "千"),
        ("UTF-8", "utf-8", "千"),
        ("UNICODE UTF-16", "utf-8", "µL"),
        ("NO SUCH SET", "utf-8", "µL"),
        ("8859/1", "latin-1", "µL é"),
        ("8859/1~UNICODE UTF-8", "latin-1", "µL"),
        ("8859/2", "iso8859-2", "ł"),
        ("8859/5", "iso8859-5", "Л"),
        ("8859/15", "iso8859-15", "€"),
        ("ISO-8859-1", "latin-1", "µ"),
        ("ISO IR87", "iso2022_jp", "血小板凝集"),
        ("~ISO IR87", "iso2022_jp", "血小板"),
        ("ISO IR6~ISO IR87", "iso2022_jp", "血小板"),
        ("KS X 1001", "euc_kr", "혈소판"),
        ("GB 18030-2000", "gb18030", "血小板"),
        ("BIG-5", "big5", "血小板"),
    ],
)
def test_a_message_is_read_in_the_character_set_it_names(read: Read, named: str, codec: str, text: str) -> None:
    items = read(MSH, OBR, OBX, *(f"{line}\r".encode(codec) for line in (HEADER_18 + named, PID, OBR, obx(f5=text))))
    assert [one.value for one in results(items)] == ["9.1", text]


def test_trailing_bytes_that_look_like_separators_part_nothing(read: Read) -> None:
    text = "許功蓋育"  # in Big5 each ends in the byte of "\" or "|"
    assert b"\\" in text.encode("big5")
    assert results(read((HEADER_18 + "BIG-5\r").encode(), OBR, (obx(f5=text) + "\r").encode("big5")))[0].value == text


def test_the_encoding_of_the_call_wins(read: Read) -> None:
    lines = [f"{line}\r".encode("cp1252") for line in (HEADER_18 + "UNICODE UTF-8", PID, OBR, obx(f5="µ€"))]
    assert results(read(*lines, encoding="cp1252"))[0].value == "µ€"
    assert results(read(*lines))[0].value == "\ufffd\ufffd"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_a_file_of_wide_characters_is_known_by_its_start(read: Read, codec: str) -> None:
    content = "\r\n".join([HEADER_18 + "UNICODE UTF-16", PID, OBR, obx(f5="千µ"), OBX]).encode(codec)
    assert [(one.line, one.value) for one in results(read(content))] == [(4, "千µ"), (5, "9.1")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32-le", "cp500", "utf-7", "UTF-8", "latin-1"])
def test_any_encoding_may_be_named(read: Read, encoding: str) -> None:
    content = "\r".join([MSH, PID, OBR, obx(f5="é")]).encode(encoding)
    assert results(read(content, encoding=encoding))[0].value == "é"


@pytest.mark.parametrize("encoding", ["", "no-such", "hex", "rot13", "idna", "punycode", "undefined", "a\0b", "é"])
def test_an_encoding_that_is_none_is_an_error(read: Read, encoding: str) -> None:
    with pytest.raises(UsageError, match="encoding is not known"):
        read(MSH, PID, OBR, OBX, encoding=encoding)


def test_bytes_that_cannot_be_decoded_cost_a_character_and_no_line(read: Read) -> None:
    items = read(MSH, PID, OBR, b"OBX|1|ST|C^\xff\xed\xa0\x80||9\xc3\r", obx(f5="8\x007"))
    assert [one.value for one in results(items)] == ["9\ufffd", "8\x007"]
    lead = read((HEADER_18 + "GB 18030-2000\r").encode(), OBR, b"OBX|1|ST|C||9\x81\r", OBX)
    assert [one.value for one in results(lead)] == ["9\ufffd", "9.1"]


# --- escapes


@pytest.mark.parametrize(
    ("received", "text"),
    [
        (r"a\F\b", "a|b"),
        (r"a\S\b", "a^b"),
        (r"a\T\b", "a&b"),
        (r"a\R\b", "a~b"),
        (r"a\E\b", "a\\b"),
        (r"a\E\S\E\b", r"a\S\b"),
        (r"\X41\\X4243\ ", "ABC"),
        (r"\XC2B5\L", "µL"),
        (r"a\X0D0A\b", "a b"),
        (r"a\X4\b", "ab"),
        (r"a\XZZ\b", "ab"),
        (r"a\XFF\b", "a\ufffdb"),
        (r"a\.br\b", "a b"),
        (r"a\.BR\b", "a b"),
        (r"a\.sp2\b", "a b"),
        (r"a\.fi\b", "ab"),
        (r"\H\12\N\ ", "12"),
        (r"a\Zx1\b", "ab"),
        (r"a\Cabcd\b", "ab"),
        ("5\\", "5\\"),
        (r"a \ b \ c", r"a \ b \ c"),
        (r"5 \ 10\S\9", r"5 \ 10^9"),
        (r"a\\b", "ab"),
    ],
)
def test_escapes(read: Read, received: str, text: str) -> None:
    assert results(read(MSH, PID, OBR, obx(f2="TX", f5=received)))[0].value == text


def test_an_escaped_separator_parts_nothing(read: Read) -> None:
    one = results(read(MSH, PID, OBR, obx(f3=r"A\S\B^x\F\y^L", f5=r"a\R\b", f7=r"4\T\5")))[0]
    assert (one.codes, one.value, one.range_text) == ((ResultCode("A^B", "x|y", "L"),), "a~b", "4&5")


def test_hexadecimal_text_is_of_the_character_set_of_the_message(read: Read) -> None:
    assert results(read(HEADER_18 + "8859/1", OBR, obx(f6=r"\XB5\L")))[0].unit == "µL"


# --- what is a message of results


@pytest.mark.parametrize("kind", ["ORU^R01", "ORU", "ORU^", "ORU^R30^X", "ORU^R31", "ORU^R32", "ORU^R40", " ORU ^R01 "])
def test_messages_of_results(read: Read, kind: str) -> None:
    assert len(results(read(MSH.replace("ORU^R01^ORU_R01", kind), PID, OBR, OBX))) == 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("ORM^O01", "ORM^O01"),
        ("OML^O21^OML_O21", "OML^O21"),
        ("ORU^R03", "ORU^R03"),
        ("ACK", "ACK"),
        ("", "unknown"),
        ("oru^r01", "unknown"),
        ("DOE JOHN^19800229", "unknown"),
        ("ORM^DOE JOHN", "unknown"),
        ("ORU_R01", "unknown"),
        ("TOOLONG", "unknown"),
    ],
)
def test_messages_of_something_else_are_named_and_not_read(read: Read, kind: str, said: str) -> None:
    other = MSH.replace("ORU^R01^ORU_R01", kind)
    items = read(MSH, PID, OBR, OBX, other, PID, OBR, OBX, OBX)
    assert items[2:] == [NotResults(5, said)]


def test_a_header_with_nothing_more_is_of_no_kind(read: Read) -> None:
    assert read("MSH|", PID, OBR, OBX) == [NotResults(1, "unknown")]


# --- persons


@pytest.mark.parametrize(
    ("segment", "key"),
    [
        ("PID|1||77^^^SITE^MR||", "77^SITE"),
        ("PID|1||77^^^SITE&1.2.3&ISO^MR||", "77^SITE"),
        ("PID|1||77^^^&1.2.3&ISO^MR||", "77^1.2.3"),
        ("PID|1||77^5^M10||", "77"),
        ("PID|1||77||", "77"),
        ("PID|1||^^^SITE~88^^^B~99||", "88^B"),
        ('PID|1|5|""~88||', "88"),
        ("PID|1|5^^^OLD|", "5^OLD"),
        ("PID|1|5|^^^SITE|", "5"),
        (r"PID|1||7\S\7^^^A\T\B", "7^7^A&B"),
        ("PID|1||||DOE", "message 1"),
        ('PID|1|""|""|', "message 1"),
        ("PID", "message 1"),
    ],
)
def test_the_key_of_a_person(read: Read, segment: str, key: str) -> None:
    items = read(MSH, segment, OBR, OBX)
    assert persons(items)[0].key == results(items)[0].person == key


@pytest.mark.parametrize(
    ("received", "date"),
    [
        ("1995", "1995"),
        ("199503", "1995-03"),
        ("19950323", "1995-03-23"),
        ("199503231200", "1995-03-23"),
        ("19950323120000.5-0500", "1995-03-23"),
        ("19950323^D", "1995-03-23"),
        ('""', ""),
        ("", ""),
        ("19950230", "19950230"),
        ("00000000", "00000000"),
        ("23/03/1995", "23/03/1995"),
        ("1995-03-23", "1995-03-23"),
        ("950323", "950323"),
        ("about 1995", "about 1995"),
        ("１９９５", "１９９５"),
    ],
)
def test_dates_of_birth(read: Read, received: str, date: str) -> None:
    assert persons(read(MSH, f"PID|1||7||DOE||{received}|F", OBR, OBX)) == [StatedPerson("7", date, "F")]


@pytest.mark.parametrize(
    ("received", "sex"), [("F", "F"), ("W", "W"), ("1", "1"), ("M^Male", "M"), ('""', ""), ("", "")]
)
def test_sex_is_passed_on(read: Read, received: str, sex: str) -> None:
    assert persons(read(MSH, f"PID|1||7||DOE|||{received}", OBR, OBX))[0].sex == sex


def test_each_result_is_of_the_last_person_before_it(read: Read) -> None:
    items = read(MSH, "PID|1||7", OBR, OBX, "PID|2||8", OBR, OBX, OBX)
    assert [getattr(item, "key", None) or item.person for item in items] == ["7", "7", "8", "8", "8"]


def test_an_order_does_not_go_on_for_the_next_person(read: Read) -> None:
    items = results(read(MSH, "PID|1||7", OBR, OBX, "PID|2||8", OBX))
    assert [(one.person, one.group, one.panel) for one in items] == [
        ("7", "F1", "Blood count"),
        ("8", "message 1 order 2", ""),
    ]


def test_people_without_a_number_are_not_one_person(read: Read) -> None:
    items = read(MSH, "PID|1||||A||1990", OBR, OBX, "PID|2||||B||1991", OBR, OBX, MSH, "PID|1||||C", OBR, OBX)
    assert len({one.person for one in results(items)}) == 3
    assert [(one.key, one.birth_date) for one in persons(items)] == [
        ("message 1", "1990"),
        ("message 1 person 2", "1991"),
        ("message 8", ""),
    ]


def test_a_message_without_a_person_has_one_without_facts(read: Read) -> None:
    items = read(MSH, OBR, OBX, MSH)
    assert items[0] == StatedPerson("message 1")
    assert results(items)[0].person == "message 1"
    assert items[2:] == [StatedPerson("message 4")]


# --- orders and specimens


@pytest.mark.parametrize(
    ("fields", "group"),
    [
        ("P1|F1", "F1"),
        ("P1^EHR|F1^LAB", "F1^LAB"),
        ("P1^EHR|", "placer P1^EHR"),
        ("P1|^LAB", "placer P1"),
        ("^EHR|", "message 1 order 1"),
        ("|", "message 1 order 1"),
        ('""|""', "message 1 order 1"),
    ],
)
def test_what_results_came_together(read: Read, fields: str, group: str) -> None:
    assert results(read(MSH, PID, f"OBR|1|{fields}|CBC", OBX))[0].group == group


def test_orders_without_a_number_are_counted(read: Read) -> None:
    items = read(MSH, PID, OBX, "OBR|1", OBX, "OBR|2", OBX, "ORC|RE", "OBR|3", OBX)
    assert [one.group for one in results(items)] == [f"message 1 order {order}" for order in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("received", "panel"),
    [
        ("58410-2^CBC panel^LN", "CBC panel"),
        ("58410-2^CBC panel^LN^L1^Blood count^L", "CBC panel / Blood count"),
        ("1^CBC^L^2^CBC^L", "CBC"),
        ("^^^L1^Blood count", "Blood count"),
        ("CBC", "CBC"),
        ("^^^L1", "L1"),
        ("", ""),
        (r"1^CBC \T\ diff", "CBC & diff"),
    ],
)
def test_what_was_ordered(read: Read, received: str, panel: str) -> None:
    assert results(read(MSH, PID, f"OBR|1||F|{received}", OBX))[0].panel == panel


@pytest.mark.parametrize(
    ("source", "specimen", "said"),
    [
        ("B^Blood", "", "B / Blood"),
        ("BLDV&Blood venous&HL70070^EDTA^^Arm", "", "BLDV / Blood venous / HL70070 / EDTA / Arm"),
        ("", "WB^Whole blood^HL7^W^Blood, whole^L", "Whole blood / Blood, whole"),
        ("", "119297000^BLD^SCT^^^^^^Blood", "BLD / Blood"),
        ("", "BLD", "BLD"),
        ("SER", "WB^Whole blood", "Whole blood"),
        ("SER", "", "SER"),
        ("", "", ""),
    ],
)
def test_the_specimen_may_be_named_after_the_results(read: Read, source: str, specimen: str, said: str) -> None:
    order = "|".join(["OBR", "1", "", "F", "CBC", *[""] * 10, source])
    for after in (True, False):
        lines = (
            [MSH, PID, order, OBX, f"SPM|1|||{specimen}"] if after else [MSH, PID, order, f"SPM|1|||{specimen}", OBX]
        )
        assert results(read(*lines))[0].specimen == said


def test_a_specimen_is_of_its_own_order(read: Read) -> None:
    urine, blood = "SPM|1|||UR^Urine", "SPM|1|||BLD^Blood"
    items = read(MSH, PID, OBR, OBX, urine, "OBR|2||F2|X", OBX, OBX, blood, "ORC|RE", "OBR|3||F3", OBX)
    assert [one.specimen for one in results(items)] == ["Urine", "Blood", "Blood", ""]
    two = read(MSH, PID, OBR, OBX, urine, blood, blood)
    assert results(two)[0].specimen == "Urine / Blood"


@pytest.mark.parametrize(
    ("received", "time"),
    [
        ("2014", "2014"),
        ("201411", "2014-11"),
        ("20141113", "2014-11-13"),
        ("2014111309", "2014-11-13T09:00:00"),
        ("201411130914", "2014-11-13T09:14:00"),
        ("20141113091455", "2014-11-13T09:14:55"),
        ("20141113091455.25", "2014-11-13T09:14:55.25"),
        ("201411130914-0500", "2014-11-13T09:14:00-05:00"),
        ("201411130914-500", "2014-11-13T09:14:00-05:00"),
        ("20141113091455.1+0530", "2014-11-13T09:14:55.1+05:30"),
        ("20141113-0500", "2014-11-13"),
        ("201411130914^M", "2014-11-13T09:14:00"),
        ("20141113091460", "20141113091460"),
        ("2014111324", "2014111324"),
        ("201411130960", "201411130960"),
        ("20140230", "20140230"),
        ("20141113091", "20141113091"),
        ("201411130914-9900", "201411130914-9900"),
        ("201411130914-0599", "201411130914-0599"),
        ("13.11.2014 9:14", "13.11.2014 9:14"),
    ],
)
def test_times_of_collection(read: Read, received: str, time: str) -> None:
    assert results(read(MSH, PID, f"OBR|1||F|CBC|||{received}", OBX))[0].collected_at == time


@pytest.mark.parametrize(
    ("order", "specimen", "result", "time"),
    [
        ("2001", "2002^2009", "2003", "2001"),
        ("", "2002^2009", "2003", "2002"),
        ('""', "2002", "2003", "2002"),
        ("", "", "2003", "2003"),
        ("", "", "", ""),
    ],
)
def test_where_the_time_of_collection_is_sought(read: Read, order: str, specimen: str, result: str, time: str) -> None:
    sample = "|".join(["SPM", "1", "", "", "BLD", *[""] * 12, specimen])
    assert results(read(MSH, PID, f"OBR|1||F|CBC|||{order}", obx(f14=result), sample))[0].collected_at == time


# --- results


@pytest.mark.parametrize(
    ("received", "codes"),
    [
        ("718-7^Hb^LN", (ResultCode("718-7", "Hb", "LN"),)),
        ("H1^Hb^L^718-7^Hemoglobin^LN^1^2", (ResultCode("H1", "Hb", "L"), ResultCode("718-7", "Hemoglobin", "LN"))),
        ("^^^H1^Hb^L", (ResultCode("H1", "Hb", "L"),)),
        ("^Hb", (ResultCode("", "Hb", ""),)),
        ("HGB", (ResultCode("HGB", "", ""),)),
        ("^  I.N.R.", (ResultCode("", "  I.N.R.", ""),)),
        ("^^LN^718-7^Hb^LN", (ResultCode("718-7", "Hb", "LN"),)),
        ("^^^^^^^^Hemoglobin", (ResultCode("", "Hemoglobin", ""),)),
    ],
)
def test_codes(read: Read, received: str, codes: tuple[ResultCode, ...]) -> None:
    assert results(read(MSH, PID, OBR, obx(f3=received)))[0].codes == codes


@pytest.mark.parametrize("received", ["", "^", "^^^", '""', "^^LN"])
def test_what_names_no_analyte_is_a_result_of_nobody_knows_what(read: Read, received: str) -> None:
    items = read(MSH, PID, OBR, obx(f3=received), "NTE|1|L|of it", OBX)
    assert next((one.codes, one.notes) for one in results(items)) == ((), ("of it",))
    assert len(results(items)) == 2
    assert len(results(read(MSH, PID, OBR, obx(f3=received, f5=""), OBX))) == 1


@pytest.mark.parametrize(
    ("kind", "received", "value"),
    [
        ("NM", "9.1", "9.1"),
        ("NM", "  3.16", "3.16"),
        ("NM", "\t8400 \t", "8400"),
        ("NM", "<5", "<5"),
        ("NM", "55.0%  4.40", "55.0%  4.40"),
        ("NM", "", ""),
        ("NM", "27~25", "27 ~ 25"),
        ("NM", "27~27", "27"),
        ("NM", "27~ 27 ~", "27"),
        ("NM", "4^5", "4^5"),
        ("ST", "a^b&c", "a^b&c"),
        ("TX", "one~two~one", "one ~ two"),
        ("", "<^5", "<^5"),
        ("SN", "<^5", "<5"),
        ("SN", "^182", "182"),
        ("SN", ">=^5^^", ">=5"),
        ("SN", "< ^ 5 ", "<5"),
        ("SN", "^5^-^10", "5-10"),
        ("SN", "^1^:^128", "1 : 128"),
        ("SN", "^2^+", "2 +"),
        ("SN", "^100^/^200", "100 / 200"),
        ("SN", ">^5^-^10", "> 5 - 10"),
        ("SN", ">=1.030", ">=1.030"),
        ("SN", "1^5", "1 5"),
        ("SN", "<", "<"),
        ("SN", "^5^^10", "5 10"),
        ("SN", "", ""),
        ("SN", "<^5~<^5", "<5"),
        ("CE", "LA1^None seen^LN", "None seen"),
        ("CWE", "LA1^^LN", "LA1"),
        ("CWE", "^^^N1^NEG 1^L^^^NEG one", "NEG one"),
        ("CWE", "LA1^^LN^^^^^^as written", "as written"),
        ("CNE", "^^^N1^NEG 1^L", "NEG 1"),
        ("CF", "9.1", "9.1"),
        ("CE", "1^Few~2^Many~1^Few", "Few ~ Many"),
        ("ED", "^TEXT^^Base64^QUJD", "^TEXT^^Base64^QUJD"),
    ],
)
def test_values(read: Read, kind: str, received: str, value: str) -> None:
    one = results(read(MSH, PID, OBR, obx(f2=kind, f5=received)))[0]
    assert (one.value, one.status) == (value, ResultStatus.FINAL)


@pytest.mark.parametrize(
    ("kind", "received"), [("NM", '""'), ("CE", '""'), ("SN", '""'), ("TX", '""~""'), ("NM", ' "" ')]
)
def test_a_null_deletes_the_result(read: Read, kind: str, received: str) -> None:
    one = results(read(MSH, PID, OBR, obx(f2=kind, f5=received)))[0]
    assert (one.value, one.status) == ("", ResultStatus.DELETED)


@pytest.mark.parametrize(
    ("received", "unit"),
    [
        ("g/dL", "g/dL"),
        ("g/dL^gram per deciliter^UCUM", "g/dL"),
        ("^gram per deciliter^ISO", "gram per deciliter"),
        ("^^^g/dL^^L", "g/dL"),
        ("^^^^grams^L", "grams"),
        ("^^^^^", ""),
        ("", ""),
        ('""', ""),
        (r"10\S\9/L", "10^9/L"),
        (r"x 10\S\9/L", "x 10^9/L"),
        ("10^9/L", "10^9/L"),
        ("x10^12/L", "x10^12/L"),
        ("X 10^3 /uL", "X 10^3 /uL"),
        ("10^Ten^L", "10"),
        ("g^9/L", "g"),
        ("G/L", "G/L"),
    ],
)
def test_units(read: Read, received: str, unit: str) -> None:
    assert results(read(MSH, PID, OBR, obx(f6=received)))[0].unit == unit


@pytest.mark.parametrize(
    ("received", "text"), [("4.0-11.0", "4.0-11.0"), ("<=5", "<=5"), ("4.3 to 6.2", "4.3 to 6.2"), ('""', ""), (r"1\S\2", "1^2")]
)  # fmt: skip
def test_ranges_are_passed_on(read: Read, received: str, text: str) -> None:
    assert results(read(MSH, PID, OBR, obx(f7=received)))[0].range_text == text


@pytest.mark.parametrize(
    ("received", "status"),
    [
        *((letter, ResultStatus(letter)) for letter in "FCAPIXD"),
        ("W", ResultStatus.DELETED),
        ("R", ResultStatus.PRELIMINARY),
        ("S", ResultStatus.PRELIMINARY),
        *((letter, ResultStatus.OTHER) for letter in ("O", "N", "U", "V", "B", "Z", "?")),
        ("Final", ResultStatus.FINAL),
        ("Cancelled", ResultStatus.CANCELLED),
        ("f", ResultStatus.FINAL),
        ("C^Corrected", ResultStatus.CORRECTED),
        (" F ", ResultStatus.FINAL),
    ],
)
def test_status_of_a_result(read: Read, received: str, status: ResultStatus) -> None:
    """What is said of the order (preliminary here) holds where the result says nothing itself."""
    order = "|".join([*OBR.split("|"), *[""] * 17, "P"])
    assert results(read(MSH, PID, order, obx(f11=received)))[0].status is status


@pytest.mark.parametrize("received", ["F", "C", "P", ""])
def test_an_order_that_was_cancelled_has_no_results(read: Read, received: str) -> None:
    """OBR-25 is X: no results available, order cancelled; whatever each result says, none stands."""
    order = "|".join([*OBR.split("|"), *[""] * 17, "X"])
    assert results(read(MSH, PID, order, obx(f11=received)))[0].status is ResultStatus.CANCELLED


@pytest.mark.parametrize(
    ("received", "status"),
    [
        ("F", ResultStatus.FINAL),
        ("C", ResultStatus.CORRECTED),
        ("P", ResultStatus.PRELIMINARY),
        ("A", ResultStatus.PRELIMINARY),
        *((letter, ResultStatus.PENDING) for letter in "ISRO"),
        ("X", ResultStatus.CANCELLED),
        ("Z", ResultStatus.OTHER),
        ("", ResultStatus.FINAL),
    ],
)
def test_a_result_without_a_status_has_that_of_its_order(read: Read, received: str, status: ResultStatus) -> None:
    order = "|".join([*OBR.split("|"), *[""] * 17, received])
    assert order.split("|")[25] == received
    for own in ("", '""', " "):
        assert results(read(MSH, PID, order, obx(f11=own)))[0].status is status


def test_text_under_a_number_is_a_result_of_its_own(read: Read) -> None:
    items = results(read(MSH, PID, OBR, obx(f5="42"), obx(f2="TX", f4="2", f5="CLUMPED"), obx(f1="2", f5="7")))
    assert [(one.line, one.value) for one in items] == [(4, "42"), (5, "CLUMPED"), (6, "7")]


# --- notes


def test_notes_are_of_what_they_follow(read: Read) -> None:
    items = results(
        read(MSH, "NTE|1||of the message", PID, "NTE|1||of the person", "ORC|RE", "NTE|1||of the request", OBR,
             "NTE|1|L|of the order", OBX, "NTE|1|L|of the first", "NTE|2|L|and more", "ZZZ|1", OBX, "SPM|1|||BLD",
             "NTE|1||of the specimen", "OBR|2||F2", OBX)
    )  # fmt: skip
    assert [one.notes for one in items] == [
        ("of the first", "and more", "of the order", "of the specimen"),
        ("of the order", "of the specimen"),
        (),
    ]
    assert "of the first" not in items[0].content


def test_notes_are_texts(read: Read) -> None:
    lines = [
        r"NTE|1|L|Hb \T\ Hct",
        "NTE|2|L|line 1~line 2",
        "NTE|3|L|   ",
        'NTE|4|L|""',
        "NTE|5|L",
        "NTE",
        "NTE|6||a^b",
    ]
    assert results(read(MSH, PID, OBR, OBX, *lines))[0].notes == ("Hb & Hct", "line 1 line 2", "a^b")


def test_notes_are_bounded(read: Read) -> None:
    many = [f"NTE|{number}|L|{number}" for number in range(50)]
    one, two = results(read(MSH, PID, OBR, "NTE|1||order", OBX, "NTE|1||" + "x" * 9000, *many, OBX))
    assert [len(one.notes), len(one.notes[0]), one.notes[1]] == [20, 4096, "0"]
    assert two.notes == ("order",)


# --- limits


def test_the_content_kept_is_bounded(read: Read) -> None:
    one = results(read(MSH, PID, OBR, obx(f2="TX", f5="x" * 9000)))[0]
    assert (len(one.content), len(one.value)) == (LONGEST_CONTENT, 9000)


@pytest.mark.parametrize(
    "long", ["x" * LONGEST_MESSAGE, "\rOBX|1|NM|A||1" * 80_000, "\nab" * 400_000, "\n" * 1_100_000]
)
def test_a_message_too_long_is_refused_and_the_next_one_read(read: Read, long: str) -> None:
    items = read(MSH, PID, OBR, "OBX|1|TX|A||" + long, MSH, PID, OBR, OBX)
    rejected, person, one = items
    assert isinstance(rejected, RejectedRow)
    assert (rejected.line, rejected.reason) == (1, Reason.OVERSIZE)
    assert rejected.content.startswith(MSH)
    assert len(rejected.content) <= LONGEST_CONTENT
    assert isinstance(person, StatedPerson)
    assert isinstance(one, LabResult)


def test_a_message_just_short_enough_is_read(read: Read) -> None:
    fixed = sum(len(line) + 1 for line in (MSH, PID, OBR, obx(f5="")))
    for spare, kinds in ((0, [StatedPerson, LabResult]), (-1, [RejectedRow])):
        text = obx(f5="x" * (LONGEST_MESSAGE - fixed - spare))
        assert [type(item) for item in read(MSH, PID, OBR, text)] == kinds


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "many.hl7"
    path.write_text(("\r".join([MSH, PID, OBR, *[OBX] * 15]) + "\r") * 6000)
    tracemalloc.start()
    try:
        count = sum(1 for item in HL7Source(path).items() if isinstance(item, LabResult))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 6000 * 15
    assert peak < 4 << 20 < path.stat().st_size


# --- files


@pytest.mark.parametrize(
    "content", [b"", b"a,b\n1,2\n", b"\n" * 100, b"PID|1||7\r", b"MSH2 is intact", b"\xff\xfe", b"\x00" * 50]
)
def test_a_file_without_a_message_is_an_error(read: Read, content: bytes) -> None:
    with pytest.raises(UsageError, match="no HL7 message"):
        read(content)


def test_the_first_message_must_begin_in_the_first_mebibyte(read: Read) -> None:
    assert results(read(b"#" * 1000 + b"\n", MSH, PID, OBR, OBX))
    with pytest.raises(UsageError, match="no HL7 message"):
        read(b"# a remark\n" * 130_000, MSH, PID, OBR, OBX)
    with pytest.raises(UsageError, match="no HL7 message"):
        read(b"#" * (3 << 20) + b"\n", MSH, PID, OBR, OBX)


def test_packed_files(read: Read) -> None:
    content = ("\r".join([MSH, PID, OBR, OBX]) + "\r").encode()
    plain = read(content)
    assert read(gzip.compress(content), name="m.hl7.gz") == plain
    packed = pa.compress(content, codec="zstd", asbytes=True)
    assert read(packed, name="m.hl7.zst") == plain


@pytest.mark.parametrize("name", ["m.hl7.gz", "m.hl7.zst"])
def test_a_file_that_is_not_packed_as_named_is_an_error(read: Read, name: str) -> None:
    with pytest.raises(UsageError, match="cut short") as caught:
        read(MSH, PID, OBR, OBX, name=name)
    assert caught.value.__context__ is None


def test_a_packed_file_cut_short_is_an_error_after_what_could_be_read(tmp_path: Path) -> None:
    path = tmp_path / "m.hl7.gz"
    noise = [f"OBX|{place}|NM|A{place * 7919 % 9973}||{place * 104729 % 7907}" for place in range(30_000)]
    message = "\r".join([MSH, PID, OBR, OBX, "CANARY", ""])
    many = "".join(message + "\r".join(noise[start : start + 50]) + "\r" for start in range(0, 30_000, 50)) * 2
    path.write_bytes(gzip.compress(many.encode())[:-2000])
    read: list[Item] = []
    with pytest.raises(UsageError, match="cut short or damaged after line") as caught:
        read.extend(HL7Source(path).items())
    assert caught.value.__context__ is None
    assert "CANARY" not in str(caught.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path / "none.hl7", tmp_path):
        with pytest.raises(UsageError, match="cannot be opened") as caught:
            HL7Source(path)
        assert caught.value.__context__ is None


def test_no_library_of_messages_is_needed() -> None:
    code = (
        "import sys\nsys.modules['hl7'] = sys.modules['hl7apy'] = None\nimport cbc_screen.ingest.hl7\n"
        "print(sorted({'pandas', 'pyarrow', 'polars', 'cbc_screen.normalize.record'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.returncode == 0


# --- real files

COUNTS = [  # messages of results, other messages, persons, results, rejected: counted on the raw files
    ("misc/aidbox_hl7v2_example__multiple_obr.hl7", 1, 0, 1, 4, 0),
    ("misc/hapi_hl7v2__example_oml_o21.hl7", 5, 8, 5, 21, 0),
    ("misc/hl7__oru_r01.hl7", 1, 0, 1, 3, 0),
    ("misc/hl7__oru_r01_lab.hl7", 1, 0, 1, 3, 0),
    ("misc/hl7tools_dotnet__ORU_R01_3.txt", 1, 0, 1, 22, 0),
    ("misc/hl7v2_rs__full_oru.hl7", 1, 0, 1, 5, 0),
    ("misc/prime_reportstream__elims_2_72_3029198209_5121_NoPII_expected.hl7", 1, 0, 1, 10, 0),
    ("misc/trusted_intermediary__001_TN_ORU_R01_LRI.hl7", 1, 0, 1, 96, 0),
    ("misc/trusted_intermediary__020_CA_ORU_R01_CDPH_OBX_to_LOINC_0_initial_message.hl7", 1, 0, 1, 114, 0),
    ("ms_fhir_converter/LAB-ORU-1.hl7", 1, 0, 1, 10, 0),
    ("ms_fhir_converter/LAB-ORU-2.hl7", 1, 0, 1, 10, 0),
    ("ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7", 1, 0, 1, 28, 0),
    ("ms_fhir_converter/ORU-R01-01.hl7", 1, 0, 1, 5, 0),
    ("ms_fhir_converter/ORU-R01-RMGEAD.hl7", 1, 0, 1, 1, 0),
    ("open_o_canada/AJ19819.hl7", 1, 0, 1, 12, 0),
    ("open_o_canada/CC63171.hl7", 1, 0, 1, 53, 0),
    ("open_o_canada/CC63208.hl7", 1, 0, 1, 44, 0),
    ("open_o_canada/CT71691.hl7", 1, 0, 1, 46, 0),
    ("open_o_canada/HT05038.hl7", 1, 0, 1, 3, 0),
    ("open_o_canada/dummy.hl7", 1, 0, 1, 9, 0),
    ("open_o_canada/medhealth-general.hl7", 1, 0, 5, 32, 0),
    ("open_o_canada/medhealth-pap.hl7", 1, 0, 7, 76, 0),
    ("renalware_uk/ORU_R01.hl7.erb", 1, 0, 1, 17, 0),
    ("renalware_uk/kings_fbc.hl7", 1, 0, 1, 17, 0),
    ("transcribed/labcorp_dclab_cbc.hl7", 1, 0, 1, 12, 0),
    ("transcribed/meditech_bc_pclocd.hl7", 1, 0, 1, 14, 0),
    ("transcribed/quest_cbc_dnr.hl7", 1, 0, 1, 12, 0),
]


def real(shared: Path, name: str) -> list[Item]:
    return list(HL7Source(shared / "data" / "hl7v2_oru" / name).items())


@pytest.mark.parametrize(("name", "messages", "others", "people", "found", "rejected"), COUNTS)
def test_counts_of_real_files(
    shared: Path, name: str, messages: int, others: int, people: int, found: int, rejected: int
) -> None:
    items = real(shared, name)
    kinds = Counter(type(item) for item in items)
    assert (kinds[NotResults], kinds[StatedPerson], kinds[LabResult], kinds[RejectedRow]) == (
        others,
        people,
        found,
        rejected,
    )
    # Every message of results begins with its person; only two files name several persons in one message.
    assert messages == (1 if "medhealth" in name else people)


def test_no_real_file_is_left_out(shared: Path) -> None:
    folder = shared / "data" / "hl7v2_oru"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert files - {"MANIFEST.csv"} == {name for name, *_ in COUNTS}


F, X, P, PENDING = ResultStatus.FINAL, ResultStatus.CANCELLED, ResultStatus.PRELIMINARY, ResultStatus.PENDING
SPOTS: list[tuple[str, int, dict[str, Any]]] = [  # read by eye: file, line, what the result must say
    ("ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7", 6, {
        "value": "12.5", "unit": "g/mL", "range_text": "13 to 18", "status": F, "group": "R-991133^NIST Lab Filler",
        "codes": (ResultCode("718-7", "Hemoglobin [Mass/volume] in Blood", "LN"),), "person": "PATID1234^NIST MPI",
        "collected_at": "2011-01-03T14:34:28-08:00", "specimen": "BLD / Blood",
        "panel": "CBC W Auto Differential panel in Blood / CBC"}),
    ("ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7", 8, {
        "value": "105600", "unit": "{cells}/uL", "range_text": "4300 to 10800"}),
    ("ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7", 25, {"value": "not detected", "unit": "", "range_text": ""}),
    ("ms_fhir_converter/LRI_2.0-NG_CBC_Typ_Message.hl7", 32, {"value": "Platelets show defective granulation."}),
    ("ms_fhir_converter/LAB-ORU-1.hl7", 4, {
        "value": "", "unit": "", "status": PENDING, "codes": (ResultCode("11156-7", "LEUKOCYTES", "LN"),),
        "collected_at": "2014-10-06T05:35:00+07:00", "specimen": "BLD", "group": "82503246"}),
    ("ms_fhir_converter/LAB-ORU-1.hl7", 7, {"value": "40.1", "unit": "%", "status": P}),
    ("ms_fhir_converter/LAB-ORU-2.hl7", 11, {"value": "13.4", "unit": "g/l-1", "status": F, "group": "82503246"}),
    ("ms_fhir_converter/ORU-R01-RMGEAD.hl7", 4, {
        "value": "182", "unit": "mg/dl", "range_text": "70_105", "group": "1045813^GHH LAB", "panel": "GLUCOSE",
        "collected_at": "2002-02-15T07:30:00+06:00", "person": "555-44-4444"}),
    ("open_o_canada/AJ19819.hl7", 23, {
        "value": "0.391", "unit": "L/L", "range_text": "0.37-0.47", "codes": (ResultCode("2013", "HEMATOCRIT", ""),),
        "group": "placer AJ19819", "collected_at": "2004-07-13", "person": "message 1", "panel": "RBC FOLATE + HCT"}),
    ("open_o_canada/CC63171.hl7", 49, {
        "value": "115", "unit": "G/L", "range_text": "135-180", "person": "L44-1142", "panel": "COMPLETE BLOOD COUNT"}),
    ("open_o_canada/CC63171.hl7", 57, {"value": "211", "unit": "X10 9/L", "range_text": "150-400", "status": F}),
    ("open_o_canada/medhealth-general.hl7", 33, {"value": ">=1.030", "range_text": "1.010-1.030", "person": "1120301873"}),
    ("renalware_uk/kings_fbc.hl7", 8, {
        "value": "11.8", "unit": "", "range_text": "", "status": F, "codes": (ResultCode("HGB", "Hb", "MB"),),
        "specimen": "B / Blood", "collected_at": "2009-11-11T18:41:00", "group": "09B0099478^LA"}),
    ("renalware_uk/kings_fbc.hl7", 16, {"value": "<0.2%"}),
    ("renalware_uk/kings_fbc.hl7", 18, {"value": "3.16"}),
    ("misc/hl7tools_dotnet__ORU_R01_3.txt", 23, {
        "value": "13.9", "unit": "g/dL", "range_text": "13.0-17.0", "person": "100003^1", "panel": "GASV + ALL",
        "codes": (ResultCode("718-7", "HGB BLD-MCNC", "LN"), ResultCode("HGBB", "Hemoglobin,Total,ACL", "SQ_LAB")),
        "specimen": "BLOOD, WHOLE / Whole Blood"}),
    ("misc/hl7tools_dotnet__ORU_R01_3.txt", 11, {"value": "NEG 1", "unit": "mmol/L"}),
    ("misc/hl7tools_dotnet__ORU_R01_3.txt", 28, {
        "value": "20181016", "unit": "", "codes": (ResultCode("VCBDTE", "Notify Date, Ven", "SQ_LAB"),)}),
    ("misc/hl7v2_rs__full_oru.hl7", 8, {"value": "250", "unit": "10^9/L", "codes": (ResultCode("PLT", "Platelet Count", ""),)}),
    ("misc/hapi_hl7v2__example_oml_o21.hl7", 131, {"value": "14.31", "unit": "g/dL", "group": "placer P999999/5^LAB"}),
    ("transcribed/meditech_bc_pclocd.hl7", 14, {
        "value": "125", "unit": "10^9/L", "range_text": "147-375", "collected_at": "2014-11-13T09:14:00",
        "codes": (ResultCode("301.1900", "Platelets", "00065227"), ResultCode("777-3", "Platelets", "pCLOCD")),
        "panel": "Complete Blood Count (CBC) / CBC & Auto Differential"}),
    ("transcribed/labcorp_dclab_cbc.hl7", 12, {"value": "60", "unit": "%", "range_text": "Not Estab.", "status": F}),
    ("transcribed/quest_cbc_dnr.hl7", 12, {"value": "DNR", "unit": "cells/uL", "status": X}),
    ("transcribed/quest_cbc_dnr.hl7", 7, {"value": "11.5", "range_text": "11.7-15.5", "panel": "CBC (INCLUDES DIFF/PLT)"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "line", "said"), SPOTS)
def test_results_of_real_files(shared: Path, name: str, line: int, said: dict[str, Any]) -> None:
    (one,) = (item for item in results(real(shared, name)) if item.line == line)
    assert {key: getattr(one, key) for key in said} == said


def test_notes_of_a_real_file(shared: Path) -> None:
    film = next(one for one in results(real(shared, "open_o_canada/CC63171.hl7")) if one.codes[0].code == "2112")
    assert film.notes[0] == "THERE IS HYPOCHROMIC MICROCYTIC ANEMIA."
    assert len(film.notes) == 5


def test_persons_of_a_real_file(shared: Path) -> None:
    assert persons(real(shared, "open_o_canada/medhealth-general.hl7"))[:2] == [
        StatedPerson("1120301349", "1954-03-23", "F"),
        StatedPerson("1120301871", "1954-01-14", "F"),
    ]


def test_one_order_is_one_count_though_one_result_has_no_time(tmp_path: Path) -> None:
    values = (
        ("6690-2^WBC^LN", "6", "10*9/L"),
        ("751-8^ANC^LN", "0.3", "10*9/L"),
        ("718-7^HGB^LN", "135", "g/L"),
        ("777-3^PLT^LN", "250", "10*9/L"),
    )
    lines = [
        f"OBX|{n}|NM|{code}||{value}|{unit}|||||F|||{'' if n == 2 else '20240301090000'}\r"
        for n, (code, value, unit) in enumerate(values, 1)
    ]
    text = "MSH|^~\\&|L|X|R|Y|20240301120000||ORU^R01|M1|P|2.5.1\rPID|1||T1||||19700504|F\rOBR|1|A1|B1|58410-2^CBC^LN\r"
    (tmp_path / "in.hl7").write_text(text + "".join(lines), encoding="utf-8", newline="")
    cbc.scan(tmp_path / "in.hl7", tmp_path / "flags.parquet")
    assert list(cbc.read_flags(tmp_path / "flags.parquet")["white_line"]) == ["low"]
