"""Where a count comes from, as its user states it: what it moves, that every door agrees, and what it never does."""

from __future__ import annotations

import json
import pickle
import random
import shutil
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.errors import KnowledgeError, UsageError
from cbc_screen.knowledge.load import build_knowledge
from cbc_screen.knowledge.settings import shifts_of
from cbc_screen.report.html import person_parts
from cbc_screen.vocabulary import Setting, SettingWord, Tier
from strategies import KNOWLEDGE, answers

TABLES = Path(__file__).resolve().parents[1] / "reference_ranges"
STATED: tuple[Any, ...] = (*Setting, ("ward", "endemic_area"), ("marrow_clinic", "endemic_area"))
CRITICAL = {own.id for own in KNOWLEDGE.conditions if own.tier is Tier.TIME_CRITICAL}
LISTS = {"checklist", "checklist_groups", "checklist_shown", "next_tests", "setting"}
# A man with a normocytic anemia alone. Starting tiers: inflammation 5, bleeding and kidney disease 4.
MAN = {
    "age": "61 y", "sex": "M", "hemoglobin": "104 g/L", "mcv": "88 fL", "wbc": "6.1 10^9/L",
    "neutrophils": "3.9 10^9/L", "platelets": "240 10^9/L",
}  # fmt: skip


@cache
def stating(setting: Any = ()) -> cbc.Screener:
    return cbc.Screener(setting=setting)


def front(flags: dict[str, Any]) -> list[str]:
    return [name for name in str(flags["checklist"]).split(";") if name][: flags["checklist_shown"]]


@cache
def people() -> list[dict[str, str]]:
    """Counts of every kind of list, the same each time."""
    chosen = random.Random(7)
    rows = []
    for _ in range(800):
        white = chosen.choice((0.8, 1.6, 3.1, 6.0, 14.0, 28.0))
        rows.append(
            {
                "age": chosen.choice(("3 d", "5 mo", "4 y", "34 y", "58 y", "77 y", "30-70 y", "")),
                "sex": chosen.choice(("F", "M", "")),
                "hemoglobin": chosen.choice(("48 g/L", "75 g/L", "96 g/L", "112 g/L", "140 g/L", "<100 g/L", "")),
                "mcv": chosen.choice(("66 fL", "88 fL", "104 fL", "113 fL", "")),
                "wbc": f"{white} 10^9/L",
                "neutrophils": f"{round(white * chosen.choice((0.1, 0.5, 0.8)), 2)} 10^9/L",
                "platelets": chosen.choice(("6 10^9/L", "28 10^9/L", "66 10^9/L", "120 10^9/L", "250 10^9/L", "")),
                "fever": chosen.choice(("present", "absent", "")),
                "bleeding": chosen.choice(("present", "")),
            }
        )
    return rows


@cache
def flags_of(setting: Any = ()) -> list[dict[str, Any]]:
    return answers(stating(setting).screen_frame(pa.Table.from_pylist(people())))


# What it moves -------------------------------------------------------------------------------


def test_the_words_are_those_of_the_table() -> None:
    assert set(get_args(SettingWord)) == set(Setting) == set(KNOWLEDGE.settings)


def test_a_ward_puts_kidney_disease_and_blood_loss_before_inflammation() -> None:
    """Both start one higher there; inflammation starts at 5 in both, the highest that there is."""
    plain, ward = ([entry.id for entry in own.screen(MAN).checklist] for own in (stating(), stating("ward")))
    assert plain[:3] == ["inflammation_anemia", "ckd_anemia", "bleeding"]
    assert ward[:3] == ["ckd_anemia", "bleeding", "inflammation_anemia"]
    assert set(plain) == set(ward)


def test_primary_care_lowers_lymphoma_and_nothing_time_critical() -> None:
    shifts = shifts_of(KNOWLEDGE.settings, [Setting.PRIMARY_CARE])
    assert shifts["lymphoma_marrow"] == -1
    assert not {name for name, by in shifts.items() if by < 0} & CRITICAL


def test_two_that_move_the_same_condition_move_it_by_one() -> None:
    both = shifts_of(KNOWLEDGE.settings, [Setting.WARD, Setting.ENDEMIC_AREA])
    assert both["infection"] == 1
    assert both["leishmaniasis"] == 1
    assert set(both.values()) <= {-1, 1}


@pytest.mark.parametrize("setting", STATED)
def test_it_is_what_own_tiers_moved_by_one_are(setting: Any, tmp_path: Path) -> None:
    """The same tiers written out in a file of one's own give the same lists, but for what must stay in front."""
    stated = [setting] if isinstance(setting, str) else list(setting)
    shifts: dict[str, int] = {}
    for name in stated:
        for shift in KNOWLEDGE.settings[Setting(name)].shifts.values():
            shifts[shift.condition] = max(-1, min(1, shifts.get(shift.condition, 0) + shift.by))
    tiers = {
        name: {
            ages: {cell: max(0, min(5, tier + by)) for cell, tier in row.tiers.items()}
            for ages, row in KNOWLEDGE.ordering.tiers[name].items()
        }
        for name, by in shifts.items()
    }
    (tmp_path / "ours.yaml").write_text(yaml.safe_dump({"checklist": {"tiers": tiers}}), encoding="utf-8")
    written = answers(cbc.Screener(rules=str(tmp_path / "ours.yaml")).screen_frame(pa.Table.from_pylist(people())))
    same = moved = 0
    for plain, own, found in zip(flags_of(), written, flags_of(setting), strict=True):
        if set(front(plain)) & CRITICAL <= set(front(own)):
            assert {name: found[name] for name in own} == own
            same, moved = same + 1, moved + (own["checklist"] != plain["checklist"])
    assert same > 500
    assert moved > 300


# What it never does --------------------------------------------------------------------------


@pytest.mark.parametrize("setting", STATED)
def test_nothing_but_the_list_changes_and_nothing_enters_or_leaves_it(setting: Any) -> None:
    for plain, found in zip(flags_of(), flags_of(setting), strict=True):
        assert {name: found[name] for name in plain if name not in LISTS} == {
            name: flag for name, flag in plain.items() if name not in LISTS
        }
        assert set(str(found["checklist"]).split(";")) == set(str(plain["checklist"]).split(";"))


@pytest.mark.parametrize("setting", STATED)
def test_nothing_time_critical_leaves_the_front_and_the_front_grows_no_longer(setting: Any) -> None:
    kept = 0
    for plain, found in zip(flags_of(), flags_of(setting), strict=True):
        before = set(front(plain)) & CRITICAL
        assert before <= set(front(found))
        assert found["checklist_shown"] <= 8
        kept += bool(before)
    assert kept > 300


def test_without_the_rule_some_would_leave() -> None:
    """Other entries would take its place in a clinic: autoimmune hemolysis stood in front, and stays."""
    man = {
        "age": "34 y", "sex": "M", "hemoglobin": "75 g/L", "mcv": "84 fL", "wbc": "5 10^9/L",
        "neutrophils": "4.2 10^9/L", "platelets": "45 10^9/L", "context": {"fever": "absent", "bleeding": "present"},
    }  # fmt: skip
    for setting in ((), "ward", "marrow_clinic"):
        assert "aiha" in front(stating(setting).screen(man).flags())


def test_it_is_never_told_from_the_data() -> None:
    rows = [{**MAN, "setting": "ward", "ward": "hematology ward"}]
    frame = cbc.screen_frame(pd.DataFrame(rows))
    assert "setting" not in frame.columns
    assert answers(frame)[0]["checklist"] == cbc.screen(MAN).flags()["checklist"]


def test_not_stated_there_is_nothing_of_it(tmp_path: Path) -> None:
    result = cbc.screen(MAN)
    assert result.setting is None
    assert "setting" not in result.flags()
    assert "setting as stated" not in result.explain() + "".join(person_parts(result)) + result.summary
    assert "setting" not in cbc.Screener().engine.described
    file = tmp_path / "counts.csv"
    pd.DataFrame(people()[:50]).to_csv(file, index=False)
    for packed in (False, True):
        out = tmp_path / f"flags{packed}.parquet"
        cbc.scan(file, out, packed=packed)
        assert b"setting" not in b"".join(k + v for k, v in pq.read_schema(out).metadata.items())


# Doors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", STATED)
def test_a_frame_gives_what_records_give(setting: Any) -> None:
    for row, flags in list(zip(people(), flags_of(setting), strict=True))[::8]:
        record: dict[str, Any] = {
            name: text for name, text in row.items() if text and name not in ("fever", "bleeding")
        }
        record["context"] = {name: row[name] or "unknown" for name in ("fever", "bleeding")}
        assert stating(setting).screen(record).flags() == flags


@pytest.mark.parametrize("setting", ["ward", ("marrow_clinic", "endemic_area")])
def test_files_of_every_kind_hold_the_same_lists(setting: Any, tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    pd.DataFrame(people()).to_csv(file, index=False)
    wanted = [{name: flags[name] for name in sorted(LISTS)} for flags in flags_of(setting)]
    screener = stating(setting)
    screener.scan(file, tmp_path / "flags.csv")
    screener.scan(file, tmp_path / "flags.ndjson")
    screener.scan(file, tmp_path / "flags.parquet", received=True)
    screener.scan(file, tmp_path / "packed.parquet", packed=True)
    found = [
        pd.read_csv(tmp_path / "flags.csv", keep_default_na=False),
        pd.read_json(tmp_path / "flags.ndjson", lines=True),
        cbc.read_flags(tmp_path / "flags.parquet"),
        cbc.read_flags(tmp_path / "packed.parquet"),
    ]
    for frame in found:
        rows = [{name: row[name] for name in sorted(LISTS)} for row in answers(frame)]
        assert rows == wanted
    stated = setting if isinstance(setting, str) else ";".join(setting)
    assert pq.read_schema(tmp_path / "flags.parquet").metadata[b"setting"] == stated.encode()
    manifest = json.loads((tmp_path / "flags.csv.manifest.json").read_text(encoding="utf-8"))
    assert manifest["counts"]["setting"] == stated.split(";")


def test_the_account_of_a_scan_says_it(tmp_path: Path) -> None:
    file = tmp_path / "counts.csv"
    pd.DataFrame([MAN]).to_csv(file, index=False)
    words = ["scan", str(file), "-o", str(tmp_path / "flags.csv"), "--force"]
    assert "setting ward" in " ".join(CliRunner().invoke(main, [*words, "--setting", "ward"]).output.split())
    assert "setting" not in CliRunner().invoke(main, words).output
    assert cbc.scan(file, tmp_path / "flags.csv", force=True).to_dict()["setting"] == ()


def test_a_row_of_a_file_is_screened_again_in_its_setting(tmp_path: Path) -> None:
    file, out = tmp_path / "counts.csv", tmp_path / "flags.parquet"
    pd.DataFrame([MAN]).to_csv(file, index=False)
    stating("ward").scan(file, out, received=True)
    done = CliRunner().invoke(main, ["explain", str(out), "--row", "2"])
    assert done.exit_code == 0, done.output
    assert "setting as stated: hospital ward" in done.output
    page = tmp_path / "worklist.html"
    done = CliRunner().invoke(main, ["report", str(out), "-o", str(page)])
    assert done.exit_code == 0, done.output
    assert "Setting as stated: hospital ward." in page.read_text(encoding="utf-8")


def test_every_form_of_a_result_shows_it() -> None:
    result = pickle.loads(pickle.dumps(stating("ward"))).screen(MAN)
    said = "setting as stated: hospital ward"
    assert said in result.summary
    assert said in " ".join(result.explain().split())
    assert said in "".join(person_parts(result))
    told = json.loads(result.model_dump_json())
    assert told["setting"]["stated"] == ["ward"]
    assert "ckd_anemia" in told["setting"]["raised"]
    assert told["columns"]["setting"] == "ward"
    bundle = json.dumps(cbc.fhir_bundle(result))
    assert said in bundle
    assert result.notice in bundle


def test_earlier_counts_of_a_person_keep_the_setting() -> None:
    now = {**MAN, "collected_at": "2024-05-03"}
    before = {**MAN, "collected_at": "2024-04-01", "hemoglobin": "131 g/L"}
    result = stating("ward").screen(now, history=[before])
    assert result.setting is not None
    assert result.flags()["setting"] == "ward"


def test_the_commands_take_it(tmp_path: Path) -> None:
    words = ["one", "--age", "61 y", "--sex", "M", "hemoglobin=104 g/L", "mcv=88 fL"]
    done = CliRunner().invoke(main, [*words, "--setting", "ward", "--setting", "endemic_area"])
    assert "setting as stated: hospital ward and endemic area" in " ".join(done.output.split())
    refused = CliRunner().invoke(main, [*words, "--setting", "ward", "--setting", "primary_care"])
    assert refused.exit_code == 2
    assert "exclude each other" in refused.output
    assert CliRunner().invoke(main, [*words, "--setting", "home"]).exit_code == 2


@pytest.mark.parametrize("given", ["home", ("ward", "home"), ("ward", "marrow_clinic")])
def test_another_word_or_two_places_are_refused(given: Any) -> None:
    with pytest.raises(UsageError, match="setting"):
        cbc.Screener(setting=given)


# A file of one's own, and faults ---------------------------------------------------------------


def test_shifts_of_ones_own_take_the_place_of_the_shipped_ones(tmp_path: Path) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text("checklist: {settings: {ward: {ckd_anemia: 0, mds: 1}}}\n", encoding="utf-8")
    result = cbc.Screener(rules=str(path), setting="ward").screen(MAN)
    assert result.setting is not None
    assert "mds" in result.setting.raised
    assert "ckd_anemia" not in result.setting.raised
    assert "bleeding" in result.setting.raised
    unstated = cbc.Screener(rules=str(path)).screen(MAN)
    assert [entry.id for entry in unstated.checklist] == [entry.id for entry in cbc.screen(MAN).checklist]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{settings: {home: {mds: 1}}}", "home: is not a known key here"),
        ("{settings: {ward: {nothing: 1}}}", "nothing: is not a condition of the checklist"),
        ("{settings: {ward: {mds: 2}}}", "mds: must lie between -1 and 1"),
        ("{settings: {ward: {infection: -1}}}", "infection: must not be below 0: the condition is time-critical"),
        ("{settings: {ward: {tafro: 1}}}", "tafro: has no starting tier"),
    ],
)
def test_a_fault_of_ones_own_file_is_named(text: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(f"checklist: {text}\n", encoding="utf-8")
    with pytest.raises(KnowledgeError, match=problem):
        cbc.Screener(rules=str(tmp_path / "ours.yaml"), setting="ward")


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "a shift over one": ({"condition": "mds", "shift": 2, "threshold": "project", "source": "project"}, "shift"),
    "no shift": ({"condition": "mds", "shift": 0, "threshold": "project", "source": "project"}, "shift"),
    "an unknown condition": ({"condition": "x", "shift": 1, "threshold": "project", "source": "project"}, "condition"),
    "starts nowhere": ({"condition": "cml", "shift": 1, "threshold": "project", "source": "project"}, "condition"),
    "twice": ({"condition": "infection", "shift": 1, "threshold": "project", "source": "project"}, "condition"),
    "critical": ({"condition": "ttp", "shift": -1, "threshold": "project", "source": "project"}, "shift"),
    "an unknown source": ({"condition": "mds", "shift": 1, "threshold": "project", "source": "nobody"}, "source"),
    "no source": ({"condition": "mds", "shift": 1, "threshold": "project"}, "source"),
    "no mark": ({"condition": "mds", "shift": 1, "source": "project"}, "threshold"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_table_is_named(name: str, tmp_path: Path) -> None:
    root = shutil.copytree(TABLES, tmp_path / "reference_ranges")
    path = root / "settings.yaml"
    table = yaml.safe_load(path.read_text(encoding="utf-8"))
    row, key = FAULTS[name]
    next(own for own in table["settings"] if own["id"] == "ward")["shifts"].append(row)
    path.write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    with pytest.raises(KnowledgeError) as caught:
        build_knowledge(root, check_hashes=False)
    assert (caught.value.file, caught.value.key) == ("settings.yaml", key)


def test_every_setting_of_the_vocabulary_has_its_row(tmp_path: Path) -> None:
    root = shutil.copytree(TABLES, tmp_path / "reference_ranges")
    table = yaml.safe_load((root / "settings.yaml").read_text(encoding="utf-8"))
    table["settings"].pop()
    (root / "settings.yaml").write_text(yaml.safe_dump(table, allow_unicode=True), encoding="utf-8")
    with pytest.raises(KnowledgeError, match="must be primary_care, ward, marrow_clinic, endemic_area"):
        build_knowledge(root, check_hashes=False)
