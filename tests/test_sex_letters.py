"""Letters for sex: what one means depends on the language, so the set that a whole source holds decides."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.ingest import csv as csv_reader
from cbc_screen.knowledge import load_knowledge

LETTERS = load_knowledge().words.sex_letters
# 12.5 g/dL at 40 years is low for a man, within for a woman, and cannot be told where the sex is unknown.
STATE = {"M": "low", "F": "within", "?": "cannot_tell"}


def frame(sexes: Sequence[object]) -> pd.DataFrame:
    return pd.DataFrame({"age": ["40 y"] * len(sexes), "sex": list(sexes), "HGB (g/dL)": [12.5] * len(sexes)})


def states(sexes: Sequence[object], **options: object) -> list[str]:
    return list(cbc.screen_frame(frame(sexes), **options)["hemoglobin_state"])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("FM", "FM"), ("fm", "FM"), ("F", "F"), ("M", "M"), ("WM", "FM"), ("FMW", "FMF"),
        ("FMUXOAN", "FM?????"),  # HL7: unknown, other, ambiguous, not applicable
        ("MU", "M?"), ("MN", "M?"), ("FX", "F?"),
        ("MH", "??"), ("MV", "??"), ("KM", "??"), ("HF", "??"), ("ŽM", "??"), ("ZM", "??"), ("EK", "??"), ("LP", "??"),
        ("NF", "??"), ("UD", "??"), ("UDM", "???"), ("SV", "??"), ("MD", "??"), ("BM", "??"), ("LW", "??"),
        ("FMH", "???"), ("FMV", "???"),  # two conventions in one column
        ("FMK", "FM?"), ("FMG", "FM?"), ("WMD", "FM?"),  # a letter that makes none of the pair doubtful costs itself
        ("FMQ", "FM?"), ("MQ", "M?"),  # a letter of no language
        ("ЖМ", "FM"), ("ЖЧ", "FM"), ("MЖ", "??"),  # Cyrillic; Latin M beside it is a mixture
        ("女男", "FM"), ("여남", "FM"), ("נז", "FM"), ("ＦＭ", "FM"),
        ("12", "??"),
    ],
)  # fmt: skip
def test_the_set_of_a_column_decides(column: str, expected: str) -> None:
    assert states(column) == [STATE[sex] for sex in expected]
    assert states(column[::-1] * 2) == [STATE[sex] for sex in expected[::-1] * 2]


def test_letters_in_doubt_are_unreadable_with_a_line_that_says_how_to_declare() -> None:
    with pytest.warns(cbc.CBCScreenWarning) as warned:
        reasons = list(cbc.screen_frame(frame("MH"))["reasons"])
    assert all("sex:SEX_UNREADABLE" in reason for reason in reasons)
    assert [str(one.message) for one in warned] == [
        "sex: H and M together mean different sexes in different languages and are not read; say what each means "
        'with sex_codes={"H": ..., "M": ...} (--sex-codes H=F|M|unknown)'
    ]


def test_declared_letters_are_read_and_the_others_stay_in_doubt() -> None:
    assert states("MH", sex_codes={"M": "F", "H": "M"}) == ["within", "low"]
    assert states("MV", sex_codes={"v": "F", "m": "M"}) == ["low", "within"]
    assert states("MH", sex_codes={"H": "M"}) == ["cannot_tell", "low"]


@pytest.mark.parametrize(
    ("word", "sex"),
    [
        ("Mujer", "F"), ("HOMBRE", "M"), ("Varón", "M"), ("varon", "M"), ("Hembra", "F"), ("Femme", "F"), ("Féminin", "F"), ("FEMININ", "F"),
        ("Masculin", "M"), ("Frau", "F"), ("Mann", "M"), ("weiblich", "F"), ("männlich", "M"), ("Femmina", "F"), ("Maschio", "M"),
        ("Mulher", "F"), ("Homem", "M"), ("vrouw", "F"), ("kvinna", "F"), ("Kvinde", "F"), ("nainen", "F"), ("mies", "M"),
        ("Kobieta", "F"), ("Mężczyzna", "M"), ("MEZCZYZNA", "M"), ("Žena", "F"), ("Muž", "M"), ("férfi", "M"), ("Kadın", "F"), ("KADIN", "F"),
        ("Erkek", "M"), ("Perempuan", "F"), ("Laki-laki", "M"), ("bărbat", "M"), ("Женский", "F"), ("муж", "M"), ("Чоловік", "M"), ("Жінка", "F"),
        ("Θήλυ", "F"), ("ΑΡΡΕΝ", "M"), ("أنثى", "F"), ("ذكر", "M"), ("مذکر", "M"), ("زن", "F"), ("נקבה", "F"), ("זכר", "M"), ("महिला", "F"),
        ("पुरुष", "M"), ("หญิง", "F"), ("ชาย", "M"), ("女性", "F"), ("男", "M"), ("여자", "F"), ("남성", "M"), ("Nữ", "F"), ("Nam", "M"),
        ("Bay", "?"), ("Kvinne?", "?"), ("1", "?"),
    ],
)  # fmt: skip
def test_words_of_one_meaning_are_read_in_any_language(word: str, sex: str) -> None:
    assert states([word]) == [STATE[sex]]
    assert cbc.screen({"age": "40 y", "sex": word, "hemoglobin": "12.5 g/dL"}).flags()["hemoglobin_state"] == STATE[sex]


def test_one_record_is_a_source_of_its_own_and_m_is_male() -> None:
    """As in HL7. A file of nothing but M is read in the same way: it cannot be told from a file of men."""
    assert cbc.screen({"age": "40 y", "sex": "M", "hemoglobin": "12.5 g/dL"}).flags()["hemoglobin_state"] == "low"
    assert states("MMM") == ["low", "low", "low"]


def test_grades_of_columns_look_at_the_letters_too() -> None:
    def grades(sexes: list[str]) -> list[object]:
        return cbc.grade("hemoglobin", [12.5, 12.5], "g/dL", age=["40 y", "40 y"], sex=sexes).grade.tolist()

    assert grades(["M", "F"]) == [1, 0]
    assert grades(["M", "H"]) == [None, None]


# Scans ------------------------------------------------------------------------------------


def export(path: Path, sexes: Sequence[str]) -> Path:
    lines = ["id,age,sex,HGB (g/dL)", *(f"{row},40 y,{sex},12.5" for row, sex in enumerate(sexes))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def scanned(path: Path, **options: object) -> tuple[list[str], cbc.ScanSummary]:
    out = path.with_suffix(".flags.csv")
    summary = cbc.scan(path, out, force=True, **options)
    with out.open(encoding="utf-8", newline="") as file:
        return [row["hemoglobin_state"] for row in csv.DictReader(file)], summary


@pytest.mark.parametrize("block", [256, 1_024, 1 << 20])
@pytest.mark.parametrize(
    ("sexes", "expected"),
    [
        ("M" * 500 + "H", "?" * 501),  # the last row says what the first means
        ("H" + "M" * 500, "?" * 501),
        ("H" * 200 + "F" * 200 + "M" * 200, "?" * 600),  # sorted by sex
        ("F" * 300 + "N" + "M" * 300, "F" * 300 + "?" + "M" * 300),  # F and N alone would be Hungarian
        ("K" + "F" * 200 + "M" * 200, "?" + "F" * 200 + "M" * 200),
        ("FM" * 200, "FM" * 200),
    ],
)
def test_an_answer_does_not_depend_on_where_the_batches_lie(
    sexes: str, expected: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", block)
    path = export(tmp_path / "export.csv", sexes)
    found, summary = scanned(path)
    assert found == [STATE[sex] for sex in expected] == states(sexes)
    assert (summary.rows_in, summary.screened, summary.rejected) == (len(sexes), len(sexes), 0)
    doubtful = summary.reasons.get("sex:SEX_UNREADABLE", 0) == len(sexes)
    assert list(summary.undeclared) == (["sex"] if doubtful else [])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "export.csv", "export.flags.csv", "export.flags.csv.manifest.json"
    ]  # fmt: skip


def test_declared_letters_of_a_scan(tmp_path: Path) -> None:
    found, summary = scanned(export(tmp_path / "export.csv", "MHHM"), sex_codes={"M": "F", "H": "M"})
    assert (found, dict(summary.undeclared)) == (["within", "low", "low", "within"], {})


def test_each_file_decides_for_itself(tmp_path: Path) -> None:
    one, two = export(tmp_path / "one.csv", "MF"), export(tmp_path / "two.csv", "MH")
    summary = cbc.scan([one, two], tmp_path / "flags.csv")
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        found = [(row["file"], row["hemoglobin_state"]) for row in csv.DictReader(file)]
    assert found == [
        ("one.csv", "low"), ("one.csv", "within"), ("two.csv", "cannot_tell"), ("two.csv", "cannot_tell"),
    ]  # fmt: skip
    assert "H and M together" in summary.undeclared["sex"]


def test_standard_output_is_written_once_and_rightly(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = export(tmp_path / "export.csv", "M" * 300 + "H")
    cbc.scan(path, "-", out_format="csv")
    lines = capfdbinary.readouterr().out.decode().splitlines()
    place = lines[0].split(",").index("hemoglobin_state")
    assert [line.split(",")[place] for line in lines[1:]] == ["cannot_tell"] * 301


def test_a_row_of_doubtful_letters_is_explained_as_it_was_screened(tmp_path: Path) -> None:
    path = export(tmp_path / "export.csv", "MH")
    cbc.scan(path, tmp_path / "flags.parquet", received=True)
    shown = CliRunner().invoke(main, ["explain", str(tmp_path / "flags.parquet"), "--row", "2"])
    assert (shown.exit_code, "SEX_UNREADABLE" in shown.output) == (0, True)  # another answer would be an error


def test_a_workbook_is_read_again_too(tmp_path: Path) -> None:
    frame("MMH").to_excel(tmp_path / "export.xlsx", index=False)
    summary = cbc.scan(tmp_path / "export.xlsx", tmp_path / "flags.csv")
    assert summary.reasons["sex:SEX_UNREADABLE"] == 3


def test_messages_of_one_source_decide_together(tmp_path: Path) -> None:
    def message(person: str, sex: str) -> str:
        return "\r".join(
            [
                f"MSH|^~\\&|LIS|LAB|HIS|H|20240102||ORU^R01|{person}|P|2.5.1",
                f"PID|1||{person}||A^B||19800203|{sex}",
                "OBR|1||L1|CBC^CBC^L|||20240102080000",
                "OBX|1|NM|718-7^Hemoglobin^LN||12.5|g/dL|||||F",
            ]
        )

    for sexes, expected in (("MH", ["cannot_tell", "cannot_tell"]), ("MF", ["low", "within"])):
        path = tmp_path / f"{sexes}.hl7"
        path.write_text("\r".join(message(f"P{n}", sex) for n, sex in enumerate(sexes)) + "\r")
        assert scanned(path)[0] == expected


# The rule itself -----------------------------------------------------------------------------


def test_the_rule_of_the_letters() -> None:
    assert LETTERS.in_doubt(frozenset("fm")) == frozenset()
    assert LETTERS.in_doubt(frozenset()) == frozenset()
    assert LETTERS.in_doubt(frozenset("mh")) == frozenset("mh")
    assert LETTERS.in_doubt(frozenset("fmk")) == frozenset()  # K has no meaning by itself, and takes none away
    assert LETTERS.in_doubt(frozenset("fmh")) == frozenset("fmh")
    assert LETTERS.seen(["f", "q", "hombre", "h", ""]) == frozenset("fh")
