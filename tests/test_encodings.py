"""Text that is not UTF-8: one line that names the encodings that fit, and never a choice between them."""

from __future__ import annotations

from pathlib import Path

import pytest

import cbc_screen as cbc
from cbc_screen.ingest.encodings import encodings_that_fit

GERMAN = "Alter;Geschlecht;Hämoglobin (g/dl);Thrombozyten (/µl)\n54;weiblich;9,1;12000\n"
RUSSIAN = "Возраст;Пол;Гемоглобин (г/л);Тромбоциты\n54;ж;91;12\n"
CHINESE = "年龄,性别,血红蛋白,血小板\n54,女,91,12\n"
TAIWANESE = "年齡,性別,血紅素,血小板\n54,女,91,12\n"
JAPANESE = "年齢,性別,ヘモグロビン,血小板\n54,女性,91,12\n"
KOREAN = "나이,성별,혈색소,혈소판\n54,여성,91,12\n"
GREEK = "Ηλικία;Φύλο;Αιμοσφαιρίνη;Αιμοπετάλια\n54;γυναίκα;91;12\n"
POLISH = "Wiek;Płeć;Hemoglobina;Płytki krwi\n54;kobieta;91;12\nŁucja;kobieta;90;11\n"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (GERMAN, "cp1252", "cp1252"), (GERMAN, "latin-1", "cp1252"), (RUSSIAN, "cp1251", "cp1251"), (RUSSIAN, "koi8-r", "koi8-r"),
        (CHINESE, "gb18030", "gb18030"), (CHINESE, "gbk", "gb18030"), (TAIWANESE, "big5", "big5"), (JAPANESE, "shift_jis", "shift_jis"),
        (JAPANESE, "euc_jp", "euc_jp"), (KOREAN, "euc_kr", "cp949"), (GREEK, "cp1253", "cp1253"), (POLISH, "cp1250", "cp1250"),
    ],
)  # fmt: skip
def test_the_encoding_of_a_header_is_among_those_that_are_named(
    tmp_path: Path, text: str, encoding: str, named: str
) -> None:
    assert named in encodings_that_fit(text.encode(encoding))
    (tmp_path / "export.csv").write_bytes(text.encode(encoding))
    with pytest.raises(cbc.UsageError) as caught:
        cbc.scan(tmp_path / "export.csv")
    said = str(caught.value)
    assert "\n" not in said
    assert "line 1" in said
    assert "not UTF-8" in said
    assert named in said.partition("they fit ")[2].partition(":")[0]
    assert "--encoding" in said
    assert not any(word in said for word in ("moglobin", "Гемо", "91"))


HEADER = "name,age,sex,HGB (g/dL),PLT (10^9/L),WBC (10^9/L)\n"
ROWS = "".join(f"{name},54 y,F,7.1,9,1.1\n" for name in ("Müller", "Lefèvre", "Søren", "Plain", "Núñez"))


def test_a_column_of_names_in_another_encoding_is_refused_unless_one_is_declared(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes((HEADER + ROWS).encode("cp1252"))
    with pytest.raises(cbc.UsageError, match=r"line 2 and 3 more has bytes that are not UTF-8; they fit cp1252"):
        cbc.scan(tmp_path / "export.csv")
    for encoding in ("cp1252", "utf-8", "latin-1"):
        summary = cbc.scan(tmp_path / "export.csv", encoding=encoding)
        assert summary.patterns["pancytopenia"] == 5


@pytest.mark.parametrize(
    ("cells", "named", "unnamed"),
    [
        (("7,1;9;1,1", "15.03.1971"), ('decimal=","', '"%d.%m.%Y"'), ("%d/%m/%Y",)),
        (("7.1;9;1.1", "15/03/1971"), ('"%d/%m/%Y" or "%m/%d/%Y"',), ("decimal=", "%d.%m.%Y")),
        (("4,4;9;1,1", "15.03.1971"), ('decimal=","', "hemoglobin_mmol"), ("%d/%m/%Y",)),
        (('"7,1";9;"1,1"', "5.3.1971"), ('decimal=","', '"%d.%m.%Y"'), ("%m/%d/%Y",)),
        (("7.1;9;1.1", "15-03-1971 08:15"), ('"%d-%m-%Y" or "%m-%d-%Y"',), ("decimal=", "%d.%m.%Y")),
        (("7.1;9,000;1.1", "15/3/1971"), ('"%d/%m/%Y" or "%m/%d/%Y"',), ("decimal=",)),
        (("71;9;1.1", "1971-03-15"), (), ("hemoglobin_mmol", "decimal=", "date_format=")),
    ],
)
def test_what_is_to_be_declared_besides_an_encoding_is_named_with_it(
    tmp_path: Path, cells: tuple[str, str], named: tuple[str, ...], unnamed: tuple[str, ...]
) -> None:
    values, born = cells
    hemoglobin = "Hb (mmol/l)" if "hemoglobin_mmol" in named else "HGB (g/dL)"
    rows = "".join(f"{name};{born};F;{values}\n" for name in ("Müller", "Lefèvre", "Søren", "Núñez"))
    (tmp_path / "export.csv").write_bytes(
        (f"name;birth_date;sex;{hemoglobin};PLT (10^9/L);WBC (10^9/L)\n" + rows).encode("cp1252")
    )
    with pytest.raises(cbc.UsageError) as caught:
        cbc.scan(tmp_path / "export.csv")
    said = str(caught.value)
    assert all(option in said for option in (*named, 'age_unit="y"'))
    assert not any(option in said for option in unnamed)
    assert born not in said


def test_one_bad_byte_costs_its_cell_and_not_the_file(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_bytes((HEADER + ROWS).replace("ü", "u").encode().replace(b"7.1", b"7\xfc1", 1))
    summary = cbc.scan(tmp_path / "export.csv")
    assert (summary.screened, summary.reasons["hemoglobin:ENCODING"]) == (5, 1)


@pytest.mark.parametrize("content", [HEADER + ROWS, GERMAN, "\ufeff" + HEADER + ROWS])
def test_utf_8_is_read_as_it_is(tmp_path: Path, content: str) -> None:
    (tmp_path / "export.csv").write_bytes(content.encode())
    assert cbc.read(tmp_path / "export.csv").shape[0] >= 1


def test_a_character_cut_at_the_end_of_what_is_looked_at_is_not_bad(tmp_path: Path) -> None:
    from cbc_screen.ingest import encodings

    row = "Müller,54 y,F,14.1,250,6\n"
    many = encodings.LOOKED_AT // len(row.encode()) + 50
    (tmp_path / "export.csv").write_bytes((HEADER + row * many).encode())
    assert cbc.scan(tmp_path / "export.csv").screened == many


def test_a_line_of_json_that_is_not_utf_8_has_its_own_reason(tmp_path: Path) -> None:
    lines = [b'{"hemoglobin": "9.1 g/dL"}', b'{"hemoglobin": "9.1 g/dL", "name": "M\xfcller"}', b'{"hemoglobin"']
    (tmp_path / "export.ndjson").write_bytes(b"\n".join(lines))
    summary = cbc.scan(tmp_path / "export.ndjson", tmp_path / "flags.csv", tmp_path / "rejects.csv")
    assert summary.rejects == {"ENCODING": 1, "ROW_RAGGED": 1}


def test_the_exports_of_the_field_name_their_own_encoding(shared: Path) -> None:
    found = {}
    for name in ("de_blutbild.csv", "ru_oak.csv", "cn_xuechanggui.csv"):
        with pytest.raises(cbc.UsageError) as caught:
            cbc.scan(shared / "field/exports" / name)
        found[name] = str(caught.value)
    assert "cp1252" in found["de_blutbild.csv"]
    assert "cp1251" in found["ru_oak.csv"]
    assert "gb18030" in found["cn_xuechanggui.csv"]
