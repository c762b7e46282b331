"""Every real file is read, or refused with its reason; none ends in another error, and none is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import cbc_screen as cbc

ROWS = {
    "cdisc_pilot_lb/lb.csv.gz": 1_809,
    "cdisc_pilot_lb/adlb.csv.gz": 1_809,
    "ehr_indonesia_lab/data-ori.csv": 4_412,
    "fhir_pathling_synthea/Observation.ndjson": 27,
    "labelled_anemia_dhaka_aalok/Anemia_Dataset.xlsx": 1_000,
    "labelled_anemia_types_v4/FABRICATED_extra_200_rows_do_not_score.csv": 200,
    "labelled_anemia_types_v4/diagnosed_cbc_data_v4_original1281_clean.csv": 1_281,
    "labelled_anemia_types_v4/diagnosed_cbc_data_v4_semicolon_excelmangled.csv": 1_281,
    "mimic3_demo/LABEVENTS_labelled.csv.gz": 7_021,
    "mimic3_demo/LABEVENTS_nosubject.csv": 7_021,
    "nhanes_cbc/nhanes_cbc_demo_1999-2000.csv.gz": 8_832,
    "nhanes_cbc/nhanes_cbc_demo_2001-2002.csv.gz": 9_929,
    "nhanes_cbc/nhanes_cbc_demo_2003-2004.csv.gz": 9_179,
    "nhanes_cbc/nhanes_cbc_demo_2005-2006.csv.gz": 9_440,
    "nhanes_cbc/nhanes_cbc_demo_2007-2008.csv.gz": 9_307,
    "nhanes_cbc/nhanes_cbc_demo_2009-2010.csv.gz": 9_835,
    "nhanes_cbc/nhanes_cbc_demo_2011-2012.csv.gz": 8_956,
    "nhanes_cbc/nhanes_cbc_demo_2013-2014.csv.gz": 9_422,
    "nhanes_cbc/nhanes_cbc_demo_2015-2016.csv.gz": 9_165,
    "omop_synthea27nj/MEASUREMENT.csv": 108,
    "omop_synthea27nj/measurement.parquet": 108,
    "published_cases/cases.jsonl": 38,
    "r_package_sets/OncoDataSets__SuspectedCancer_df.csv": 750,
    "r_package_sets/survival__mgus2.csv": 1_384,
    "r_package_sets/survival__pbc.csv": 418,
    "synthea_csv_fhir_pair/csv/observations.csv": 22,
}
NO_COUNT = "no column reads as a blood count"
REFUSED = {
    "*.md": NO_COUNT,
    "*.fsh": "FHIR Shorthand",
    "*/bundles_xml/Horacio*.xml": "the source is empty",
    "hl7v2_oru/MANIFEST.csv": NO_COUNT,
    "nhanes_intervals/*.csv.xz": NO_COUNT,  # counts and persons apart: the survey's profile is for both together
    "cdisc_pilot_lb/dm.csv.gz": NO_COUNT,  # persons
    "mimic3_demo/[ADPLS]*[A-Z]*.[ct][sx][vt]": NO_COUNT,
    "omop_synthea27nj/[CPOV]*.csv": NO_COUNT,
    "omop_synthea27nj/[cp]*.parquet": NO_COUNT,
    "r_package_sets/causaldata__nhefs.csv": NO_COUNT,  # the number of cigarettes is no blood count
    "synthea_csv_fhir_pair/csv/*.csv": NO_COUNT,
}
# Their counts are held in tests/ingest and tests/test_messages.py.
MESSAGES = ("hl7v2_oru/", "fhir_hl7_examples/", "fhir_pathling_synthea/", "synthea_csv_fhir_pair/fhir/")


def files(shared: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted((shared / "data").rglob("*")):
        if path.is_file():
            yield path.relative_to(shared / "data").as_posix(), path


@pytest.mark.parametrize("name", ROWS)
def test_a_file_is_read_whole(name: str, shared: Path) -> None:
    frame = cbc.read(shared / "data" / name)
    # "Granulocyte Count": neutrophils among others, and not known to be the count of them.
    granulocytes = 99 if name == "mimic3_demo/LABEVENTS_labelled.csv.gz" else 0
    assert (len(frame), len(frame.attrs["rejected"])) == (ROWS[name], granulocytes)
    assert all("Granulocyte Count" in row["content"] for row in frame.attrs["rejected"])


def test_every_other_file_is_refused_with_its_reason_or_holds_messages(shared: Path) -> None:
    seen = {name for name, _ in files(shared)}
    assert set(ROWS) <= seen
    for name, path in files(shared):
        if name in ROWS:
            continue
        reason = next((why for pattern, why in REFUSED.items() if Path(name).match(pattern)), None)
        if reason is not None:
            with pytest.raises(cbc.UsageError, match=reason):
                cbc.read(path)
            continue
        assert name.startswith(MESSAGES), name
        frame = cbc.read(path)
        results = frame.attrs["results"]
        placed = results["used"] + results["superseded"] + results["not_count"] + sum(results["rejected"].values())
        assert placed == results["read"], name
