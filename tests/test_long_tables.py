"""Tables of one result a row: real files, with counts worked out apart from this program (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cbc_screen as cbc
from cbc_screen.normalize.value import unusable
from cbc_screen.vocabulary import Reason

# "Granulocyte Count": neutrophils among others, and not known to be the count of them.
MAY_BE_NEUTROPHILS = {"mimic3_demo/LABEVENTS_labelled.csv.gz": {"CODE_UNKNOWN": 99}}
FILES = {
    # folder/table, persons: rows, results read, used, superseded (duplicates), no part of a count
    "omop_synthea27nj/MEASUREMENT.csv": ("omop_synthea27nj/PERSON.csv", 108, 10_040, 965, 0, 0, 9_075),
    "omop_synthea27nj/measurement.parquet": ("omop_synthea27nj/person.parquet", 108, 10_040, 965, 0, 0, 9_075),
    # 15 cells hold a text ("UNABLE TO REPORT" 10, "COMPUTER NETWORK FAILURE" 5) and one is a conflict;
    # 1,843 counts of known patients, and 5,178 results of nobody, each by itself
    "mimic3_demo/LABEVENTS_labelled.csv.gz": ("mimic3_demo/PATIENTS.csv", 7_021, 76_074, 21_516, 2, 1, 54_441),
    "mimic3_demo/LABEVENTS_nosubject.csv": (None, 7_021, 76_074, 21_516, 2, 1, 54_540),
    "cdisc_pilot_lb/lb.csv.gz": ("cdisc_pilot_lb/dm.csv.gz", 1_809, 21_919, 21_626, 0, 0, 293),
    "cdisc_pilot_lb/adlb.csv.gz": ("cdisc_pilot_lb/dm.csv.gz", 1_809, 30_649, 21_626, 8_300, 8_300, 723),
    "synthea_csv_fhir_pair/csv/observations.csv": (
        "synthea_csv_fhir_pair/csv/patients.csv", 22, 3_626, 208, 0, 0, 3_418,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_every_result_of_a_real_table_is_accounted_for(name: str, shared: Path, tmp_path: Path) -> None:
    persons, rows, read, used, superseded, duplicates, not_count = FILES[name]
    summary = cbc.scan(
        shared / "data" / name, tmp_path / "flags.parquet",
        persons=shared / "data" / persons if persons is not None else None,
    )  # fmt: skip
    assert (summary.rows_in, summary.screened, summary.rejected) == (rows, rows, 0)
    aside = MAY_BE_NEUTROPHILS.get(name, {})
    assert summary.results == {
        "read": read, "used": used, "superseded": superseded, "not_count": not_count, "rejected": aside,
        "duplicates": duplicates, "without_results": {}, "unusable": read - used - superseded - not_count - sum(aside.values()),
    }  # fmt: skip
    assert (summary.vanished, summary.unit_suspect) == ({}, {})


def counted(shared: Path, table: str, persons: str | None = None) -> list[dict[str, object]]:
    """Read a table as a list of counts."""
    frame = cbc.read(
        shared / "data" / table, persons=shared / "data" / persons if persons is not None else None, as_received=True
    )
    return list(frame.to_dict("records"))


def of(counts: list[dict[str, object]], person: str, at: str) -> dict[str, object]:
    (found,) = [row for row in counts if (row["person"], row["collected_at"]) == (person, at)]
    return found


def test_a_count_of_the_omop_table_as_it_stands_in_the_file(shared: Path) -> None:
    counts = counted(shared, "omop_synthea27nj/MEASUREMENT.csv", "omop_synthea27nj/PERSON.csv")
    found = of(counts, "16", "2005-09-11 00:00:00")
    assert (found["hemoglobin"], found["hemoglobin_unit"]) == ("7.0", "g/dL")
    assert found["sex"] in ("M", "F")


def test_the_sickest_of_the_mimic_table_are_not_dropped(shared: Path) -> None:
    counts = counted(shared, "mimic3_demo/LABEVENTS_labelled.csv.gz", "mimic3_demo/PATIENTS.csv")
    for person, at in (
        ("10102", "2105-06-06 16:42:00"), ("10102", "2105-05-29 08:10:00"), ("44212", "2123-12-16 14:32:00"),
    ):  # fmt: skip
        assert of(counts, person, at)["platelets"] == "<5"


def test_a_count_of_the_cdisc_table_as_it_stands_in_the_file(shared: Path) -> None:
    found = of(
        counted(shared, "cdisc_pilot_lb/lb.csv.gz", "cdisc_pilot_lb/dm.csv.gz"), "01-701-1015", "2013-12-26T14:45"
    )
    assert (found["hemoglobin"], found["hemoglobin_unit"]) == ("14.3", "g/dL")
    assert (found["hemoglobin_lower"], found["hemoglobin_upper"]) == ("11.5", "15.8")
    assert (found["platelets"], found["platelets_unit"]) == ("266", "THOU/uL")
    assert (found["lymphocytes_percent"], found["lymphocytes_percent_unit"]) == ("0.05", "FRACTION")
    assert (found["birth_date"], found["sex"]) == ("1950-12-26", "F")


def test_a_count_of_the_synthea_table_as_it_stands_in_the_file(shared: Path) -> None:
    folder = "synthea_csv_fhir_pair/csv"
    found = of(
        counted(shared, f"{folder}/observations.csv", f"{folder}/patients.csv"),
        "b37f7960-7e9e-f3f7-f891-79ae4f632406", "2017-03-03T18:34:30Z",
    )  # fmt: skip
    assert (found["hemoglobin"], found["hemoglobin_unit"], found["wbc"]) == ("17.4", "g/dL", "8.1")
    assert (found["birth_date"], found["sex"]) == ("2011-03-18", "F")


OMOP = (
    "measurement_id,person_id,measurement_concept_id,measurement_date,operator_concept_id,value_as_number,"
    "unit_concept_id,value_source_value,unit_source_value\n"
)


def omop(tmp_path: Path, *rows: str) -> dict[str, object]:
    (tmp_path / "measurement.csv").write_text(OMOP + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    (row,) = cbc.read(tmp_path / "measurement.csv", as_received=True).to_dict("records")
    return dict(row)


@pytest.mark.parametrize(
    ("row", "value", "unit"),
    [
        ("1,7,3024929,2024-01-02,0,42,8848,42,10*3/uL", "42", "10^3/uL"),
        ("1,7,3024929,2024-01-02,4171756,10,8848,,", "<10", "10^3/uL"),  # the operator's concept
        ("1,7,3024929,2024-01-02,0,10,8848,<10,10*3/uL", "<10", "10*3/uL"),  # the sign is only in the source's text
        ("1,7,3024929,2024-01-02,0,5,8848,LT 5,", "LT 5", "10^3/uL"),
        ("1,7,3024929,2024-01-02,NA,5,8848,NA,NULL", "5", "10^3/uL"),
        ("1,7,3024929,2024-01-02,0,NA,8848,<5,10*3/uL", "<5", "10*3/uL"),
        ("1,7,3024929,2024-01-02,,40,8848,40,cells/uL", "NOT USABLE: CODE_CONFLICT", ""),  # the two units contradict
        ("1,7,3024929,2024-01-02,4172703,42,9444,42,K/uL", "42", "10^9/L"),
        ("1,7,3024929,2024-01-02,,,0,CLUMPED,", "CLUMPED", ""),
        ("1,7,3024929,2024-01-02,999,42,8848,,", "? 42", "10^3/uL"),  # an operator nobody knows is not "="
        ("1,7,3024929,2024-01-02,0,42,0,,K/uL", "42", "K/uL"),
    ],
)
def test_the_value_of_an_omop_row(tmp_path: Path, row: str, value: str, unit: str) -> None:
    found = omop(tmp_path, row)
    assert (found["platelets"], found["platelets_unit"]) == (value, unit)


def test_a_result_that_is_not_final_is_unknown_and_not_absent(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\n"
        "columns: {person: id, name: test, value: result, unit: unit, collected_at: at, status: status}\n",
        encoding="utf-8",
    )
    (tmp_path / "long.csv").write_text(
        "id,at,test,result,unit,status\n"
        "a,2024-01-02,Hemoglobin,91,g/L,F\na,2024-01-02,Platelets,42,10^9/L,P\na,2024-01-02,WBC,,10^9/L,I\n",
        encoding="utf-8",
    )
    cbc.scan(tmp_path / "long.csv", tmp_path / "flags.csv", profile=str(tmp_path / "own.yaml"), keep=["person"])
    with (tmp_path / "flags.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["person"], row["hemoglobin_state"]) == ("a", "low" if row["red_line"] == "low" else "cannot_tell")
    assert (row["platelets_state"], row["pattern"]) == ("cannot_tell", "cannot_tell")
    assert {"platelets:STATUS_NOT_FINAL", "wbc:STATUS_NOT_FINAL"} <= set(row["reasons"].split(";"))


def test_a_table_without_its_time_is_refused(tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text("USUBJID,LBTESTCD,LBORRES,LBORRESU\na,HGB,9,g/dL\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="no column LBDTC"):
        cbc.scan(tmp_path / "long.csv")


def test_persons_without_results_are_refused(tmp_path: Path, shared: Path) -> None:
    (tmp_path / "wide.csv").write_text("HGB (g/dL)\n9\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="persons goes with"):
        cbc.scan(tmp_path / "wide.csv", persons=shared / "data/omop_synthea27nj/PERSON.csv")


@pytest.mark.parametrize("in_columns", [True, False])
def test_progress_is_told_while_results_are_collected_and_while_counts_are_screened(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch, in_columns: bool
) -> None:
    from cbc_screen.engines import collected
    from cbc_screen.ingest import csv as csv_reader

    monkeypatch.setattr(collected, "IN_COLUMNS", in_columns)
    monkeypatch.setattr(collected, "_NOTICED", 1_000)
    monkeypatch.setattr(csv_reader, "BLOCK_BYTES", 1 << 16)
    told: list[tuple[int, float]] = []
    table = shared / "data/omop_synthea27nj/MEASUREMENT.csv"
    cbc.scan(table, tmp_path / "flags.csv", progress=lambda rows, share: told.append((rows, share)))
    assert len(told) > 10
    assert told == sorted(told)
    assert (told[0][0], told[-1]) == (0, (108, 1.0))


def test_resuming_a_scan_of_results_gives_the_same_bytes(
    tmp_path: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cbc_screen.engines import collected, stream

    monkeypatch.setattr(collected, "BATCH_COUNTS", 20)
    table, persons = (shared / f"data/omop_synthea27nj/{name}.csv" for name in ("MEASUREMENT", "PERSON"))
    cbc.scan(table, tmp_path / "whole.csv", tmp_path / "whole_rejects.csv", persons=persons)
    real = stream.screen_batch
    calls: list[int] = []

    def broken(*given: object) -> object:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(stream, "screen_batch", broken)
    with pytest.raises(KeyboardInterrupt):
        cbc.scan(table, tmp_path / "flags.csv", tmp_path / "rejects.csv", persons=persons, workers=1)
    monkeypatch.setattr(stream, "screen_batch", real)
    cbc.scan(table, tmp_path / "flags.csv", tmp_path / "rejects.csv", persons=persons, resume=True)
    for name in ("", "_rejects"):
        own = tmp_path / ("flags.csv" if not name else "rejects.csv")
        assert own.read_bytes() == (tmp_path / f"whole{name}.csv").read_bytes()


# What a review found --------------------------------------------------------------------


def one_long(tmp_path: Path, header: str, *rows: str, profile: str = "", **options: object) -> list[dict[str, object]]:
    (tmp_path / "long.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    if profile:
        (tmp_path / "own.yaml").write_text(f"id: own\ntitle: t\nshape: long\nsource: s\n{profile}\n", encoding="utf-8")
        options["profile"] = str(tmp_path / "own.yaml")
    return list(cbc.read(tmp_path / "long.csv", **options, as_received=True).to_dict("records"))


OWN = "columns: {person: id, code: code, name: name, value: value, unit: unit, collected_at: at, status: status}"
OWN_HEADER = "id,at,code,name,value,unit,status"


def test_the_codes_of_one_source_mean_nothing_in_another(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_text(
        "MSH|^~\\&|L|H|||20240102||ORU^R01|1|P|2.5\rPID|1||900^^^H||X||19700102|F\rOBR|1||1|CBC|||20240102\r"
        "OBX|1|NM|718-7^Hb^LN||61|g/L|||||F\rOBX|2|NM|777-3^Plt^LN||9|10*9/L|||||F\r"
        "OBX|3|NM|6690-2^WBC^LN||0.9|10*9/L|||||F\r",
        encoding="utf-8",
    )
    (tmp_path / "m.csv").write_text(OMOP + "1,7,3024929,2024-01-02,0,250,8848,,\n", encoding="utf-8")
    summary = cbc.scan([tmp_path / "a.hl7", tmp_path / "m.csv"], tmp_path / "flags.csv")
    assert (summary.rows_in, summary.patterns["pancytopenia"]) == (2, 1)


NO_UNIT = (
    "MSH|^~\\&|L|H|||20240102||ORU^R01|1|P|2.5\rPID|1||900^^^H||X||19700102|1\rOBR|1||1|CBC|||20240102\r"
    "OBX|1|NM|718-7^Hb^LN||14||||||F\r"
)


def test_units_and_sex_codes_of_one_source_are_no_guess_for_another(tmp_path: Path) -> None:
    """The profile says US units and 1 for female, of its table; the message says neither unit nor word."""
    (tmp_path / "a.hl7").write_text(NO_UNIT, encoding="utf-8")
    (tmp_path / "own.yaml").write_text(
        "id: own\ntitle: t\nshape: long\nsource: s\nunits: {system: us}\nsex_codes: {'1': F}\n"
        "columns: {person: id, code: code, value: value, collected_at: at, sex: sex}\n",
        encoding="utf-8",
    )
    (tmp_path / "l.csv").write_text(
        "id,at,code,value,sex\nA,2024-01-02,777-3,250,1\nB,2024-01-02,718-7,9.1 g/L,1\n", encoding="utf-8"
    )
    frame = cbc.read([tmp_path / "l.csv", tmp_path / "a.hl7"], profile=str(tmp_path / "own.yaml"), as_received=True)
    found = [tuple(row) for row in frame[["person", "sex", "platelets_unit", "hemoglobin", "hemoglobin_unit"]].values]
    assert found == [
        ("A", "F", "10^3/uL", "", ""), ("B", "F", "", "9.1 g/L", ""), ("900^H", "1", "", "14", ""),
    ]  # fmt: skip
    summary = cbc.scan([tmp_path / "l.csv", tmp_path / "a.hl7"], profile=str(tmp_path / "own.yaml"))
    assert summary.reasons["hemoglobin:UNIT_MISSING"] == 1
    assert summary.reasons["sex:SEX_UNREADABLE"] == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"profile": "generic_us"}, "a profile is of tables"),
        ({"columns": {"hemoglobin": "HB"}}, "columns goes with a table of one count a row"),
    ],
)
def test_what_says_nothing_of_messages_is_refused_with_them(
    tmp_path: Path, options: dict[str, object], message: str
) -> None:
    (tmp_path / "a.hl7").write_text(NO_UNIT, encoding="utf-8")
    with pytest.raises(cbc.UsageError, match=message):
        cbc.read(tmp_path / "a.hl7", **options, as_received=True)


def test_how_one_source_writes_dates_is_no_guess_for_another(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_text(NO_UNIT, encoding="utf-8")
    header, row = "id,at,code,name,value,unit,status", "A,02/01/2024,777-3,PLT,250,10*3/uL,F"
    (tmp_path / "l.csv").write_text(f"{header}\n{row}\n", encoding="utf-8")
    (tmp_path / "own.yaml").write_text(
        f"id: own\ntitle: t\nshape: long\nsource: s\ndate_format: '%d/%m/%Y'\n{OWN}\n", encoding="utf-8"
    )
    assert len(cbc.read(tmp_path / "l.csv", profile=str(tmp_path / "own.yaml"), as_received=True)) == 1
    with pytest.raises(cbc.UsageError, match="apart from messages"):
        cbc.read([tmp_path / "l.csv", tmp_path / "a.hl7"], profile=str(tmp_path / "own.yaml"), as_received=True)


def test_urine_under_the_same_cdisc_code_is_no_blood_count(tmp_path: Path) -> None:
    header = "USUBJID,LBTESTCD,LBCAT,LBSPEC,LBORRES,LBORRESU,LBDTC"
    (row,) = one_long(
        tmp_path, header, "A,WBC,URINALYSIS,URINE,7,10^9/L,2020-01-01", "A,HGB,HEMATOLOGY,BLOOD,70,g/L,2020-01-01"
    )
    assert row["hemoglobin"] == "70"
    assert "wbc" not in row


@pytest.mark.parametrize(
    ("status", "value"),
    [("Revised", "9"), ("correction", "9"), ("checked", "CONFLICTING RESULTS"), ("W", "300"), ("prelim", "300")],
)
def test_status_words_of_a_second_result(tmp_path: Path, status: str, value: str) -> None:
    """300 is final; then 9 comes with another word. W withdraws a result of 9, and there was none but this."""
    rows = ["A,2024-01-02,777-3,PLT,300,10*3/uL,F", f"A,2024-01-02,777-3,PLT,9,10*3/uL,{status}"]
    (row,) = one_long(tmp_path, OWN_HEADER, *rows, profile=OWN)
    assert row["platelets"] == value


@pytest.mark.parametrize("nobody", ["", "NA", "NULL", "\\N", "None", "nan", "-"])
def test_a_placeholder_is_no_person(tmp_path: Path, nobody: str) -> None:
    rows = [f"{nobody},2024-01-02,777-3,PLT,9,10*3/uL,F", f"{nobody},2024-01-02,777-3,PLT,250,10*3/uL,F"]
    found = one_long(tmp_path, OWN_HEADER, *rows, profile=OWN)
    assert [(row["person"], row["platelets"]) for row in found] == [("", "9"), ("", "250")]


def test_a_placeholder_hides_no_date_and_no_number(tmp_path: Path) -> None:
    header = "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,value_as_number,unit_source_value,value_source_value"
    found = one_long(
        tmp_path, header, "1,7,3024929,2020-01-01,NA,NA,10*3/uL,<5", "2,7,3000963,2021-01-01,NULL,14,g/dL,14"
    )
    assert [(row["collected_at"], row["platelets"], row["hemoglobin"]) for row in found] == [
        ("2020-01-01", "<5", ""), ("2021-01-01", "", "14"),
    ]  # fmt: skip


def test_a_stay_without_a_time_is_one_count_only_where_nothing_contradicts(tmp_path: Path) -> None:
    header = "subject_id,hadm_id,itemid,charttime,value,valueuom"
    (row,) = one_long(tmp_path, header, "7,100,51222,,14.0,g/dL", "7,100,51265,,20,K/uL")
    assert (row["hemoglobin"], row["platelets"]) == ("14.0", "20")
    found = one_long(tmp_path, header, "7,100,51222,,14.0,g/dL", "7,100,51265,,20,K/uL", "7,100,51265,,250,K/uL")
    unknown = unusable(Reason.MOMENT_UNKNOWN)
    known = [(row["hemoglobin"], row["platelets"]) for row in found]
    assert known == [("14.0", unknown), (unknown, "20"), (unknown, "250")]
    assert [row["row"] for row in found] == [2, 3, 4]


def test_persons_that_look_alike_stay_apart(tmp_path: Path) -> None:
    rows = ["7,2024-01-02,718-7,HB,140,g/L,F", "7.0,2024-01-02,777-3,PLT,12,10*3/uL,F"]
    assert len(one_long(tmp_path, OWN_HEADER, *rows, profile=OWN)) == 2
    rows = ["8.0,2024-01-02,718-7,HB,140,g/L,F", "8.0,2024-01-02,777-3,PLT,12,10*3/uL,F"]
    (row,) = one_long(tmp_path, OWN_HEADER, *rows, profile=OWN)
    assert row["person"] == "8"


def test_a_person_table_without_its_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text(OMOP + "1,7,3024929,2024-01-02,0,250,8848,,\n", encoding="utf-8")
    (tmp_path / "p.csv").write_text("pid,gender_concept_id,year_of_birth\n7,8507,1970\n", encoding="utf-8")
    with pytest.raises(cbc.UsageError, match="no column person_id"):
        cbc.read(tmp_path / "m.csv", persons=tmp_path / "p.csv", as_received=True)


def test_odd_digits_in_a_birth_year_are_no_error_and_no_year(tmp_path: Path) -> None:
    (tmp_path / "l.csv").write_text(
        "subject_id,itemid,charttime,value,valueuom\n7,51222,2150-01-02,14.0,g/dL\n", encoding="utf-8"
    )
    (tmp_path / "p.csv").write_text("subject_id,gender,anchor_age,anchor_year\n7,M,²²,²²²²\n", encoding="utf-8")
    (row,) = cbc.read(tmp_path / "l.csv", persons=tmp_path / "p.csv", as_received=True).to_dict("records")
    assert (row["birth_date"], row["sex"]) == ("", "M")


def test_a_column_of_lists_and_of_floats_with_nan(tmp_path: Path) -> None:
    table = pa.table(
        {
            "subject_id": [1e10, 1e10], "itemid": [51222.0, 51265.0], "charttime": ["2150-01-02", "2150-01-02"],
            "value": ["14.0", "20"], "valueuom": ["g/dL", "K/uL"], "hadm_id": [float("nan"), float("nan")],
            "comments": [["a"], None],
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "l.parquet")
    (row,) = cbc.read(tmp_path / "l.parquet", as_received=True).to_dict("records")
    assert (row["person"], row["hemoglobin"], row["platelets"]) == ("10000000000", "14.0", "20")


# What a header may say ---------------------------------------------------------------------------

THREE = (("HGB", "139", "g/L"), ("ANC", "3.9", "10^9/L"), ("PLT", "240", "10^9/L"))


def scanned_with(folder: Path, header: str, text: str, moment: str = "COLLECTED_AT") -> cbc.ScanSummary:
    rows = "".join(f"1,F,45 y,2025-06-01,{','.join(one)},{text}\n" for one in THREE)
    (folder / "r.csv").write_text(f"MRN,SEX,AGE,{moment},TEST_CODE,RESULT,UNITS,{header}\n{rows}", encoding="utf-8")
    return cbc.scan(folder / "r.csv")


@pytest.mark.parametrize(
    ("header", "text"),
    [
        *((name, "Preliminary") for name in ("RES_STATUS", "RSLT_STATUS", "RESULTSTATUS", "STATUS_CD", "TEST_STATUS", "ReportStatus")),
        *((name, "P") for name in ("Estado", "Statut", "Stato", "Befundstatus", "OBS_STATUS", "Result State")),
        *((name, "Yes") for name in ("REJECTED", "Reject flag", "Cancelled", "Rechazo", "Rifiutato")),
        *((name, "Rejected") for name in ("SPECIMEN_STATUS", "SAMPLE_STATUS", "QC_FLAG", "SAMPLE_COND", "Incidencia")),
        ("LAB_NOTE", "wrong blood in tube"), ("Incidencia", "Muestra coagulada"), ("REJ_CODE", "CLT"),
    ],
)  # fmt: skip
def test_a_result_that_is_not_final_or_was_rejected_is_so_under_many_headers(
    tmp_path: Path, header: str, text: str
) -> None:
    assert scanned_with(tmp_path, header, text).patterns["cannot_tell"] == 1


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("RES_STATUS", "Final"),
        ("Estado", "F"),
        ("REJECTED", "No"),
        ("SPECIMEN_STATUS", "Received"),
        ("Incidencia", ""),
        ("Cancelled", "N"),
    ],
)
def test_one_that_is_final_is_used_under_them(tmp_path: Path, header: str, text: str) -> None:
    assert scanned_with(tmp_path, header, text).patterns["none"] == 1


@pytest.mark.parametrize(
    "moment",
    [
        "COLLECT_DTTM",
        "COLLECT_DT",
        "DRAW_DT",
        "SPECIMEN_TAKEN_TIME",
        "Fecha extracción",
        "Date de prélèvement",
        "Sampled at",
    ],
)
def test_a_moment_has_many_names(tmp_path: Path, moment: str) -> None:
    assert scanned_with(tmp_path, "WARD", "x", moment).grouping.get("not_placed") == 0


def test_columns_that_are_not_read_are_named(tmp_path: Path) -> None:
    assert scanned_with(tmp_path, "WARD", "x").ignored_columns == ("WARD",)
