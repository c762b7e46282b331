"""Remarks on clumps of platelets in scripts without blanks, and words that leave it open in many languages."""

from __future__ import annotations

import pytest

import cbc_screen as cbc
from cbc_screen.knowledge import load_knowledge
from cbc_screen.normalize.beside_cells import remark_of
from cbc_screen.normalize.remarks import platelet_clumps, suspects_clumps
from cbc_screen.vocabulary import Presence

SEEN, NONE, OPEN = Presence.PRESENT, Presence.ABSENT, Presence.UNKNOWN


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("可见血小板聚集", SEEN), ("镜检可见血小板聚集", SEEN), ("EDTA依存性血小板凝集", SEEN), ("血小板聚集可见", SEEN),
        ("未见血小板聚集", NONE), ("镜检未见血小板聚集", NONE), ("未见明显血小板聚集", NONE), ("無血小板聚集", NONE),
        ("血小板聚集：阴性", NONE), ("血小板凝集なし", NONE), ("血小板凝集を認めず", NONE), ("血小板凝集(-)", NONE),
        ("혈소판 응집이 관찰됨", SEEN), ("혈소판 응집 없음", NONE), ("Platelet clumps (-)", NONE),
        # A denial of something else, and "cannot be counted", deny no clumps.
        ("未见幼稚细胞，可见血小板聚集", SEEN), ("未见幼稚细胞血小板聚集可见", SEEN), ("血小板聚集。未见幼稚细胞", SEEN),
        # What is only possible is something else.
        ("Thrombozytenaggregate, bitte möglichst Citratblut", SEEN), ("血小板聚集，可能影响计数", SEEN),
        ("agregados plaquetarios, posible error de recuento", SEEN), ("Thrombozytenaggregate, wenn möglich Citrat", SEEN),
        ("无法计数血小板聚集", SEEN), ("drawn from the IV. Platelet clumps not seen", NONE),
    ],
)  # fmt: skip
def test_whether_clumps_were_seen(remark: str, expected: Presence) -> None:
    assert platelet_clumps(remark) is expected
    assert not suspects_clumps(remark)


@pytest.mark.parametrize(
    "remark",
    [
        "疑似血小板聚集", "可疑血小板聚集", "无法排除血小板聚集", "血小板聚集待排除", "血小板聚集？", "血小板凝集の疑い", "혈소판 응집 의심",
        "Verdacht auf Thrombozytenaggregate", "V.a. Thrombozytenaggregate", "Suspicion d'agrégats plaquettaires",
        "sospecha de agregados plaquetarios", "sospetti aggregati piastrinici", "suspeita de agregados plaquetários",
        "подозрение на агрегаты тромбоцитов", "mogelijk trombocytenaggregaten", "Possible platelet clumps",
    ],
)  # fmt: skip
def test_what_is_only_suspected_was_not_seen(remark: str) -> None:
    assert platelet_clumps(remark) is OPEN
    assert suspects_clumps(remark)


@pytest.mark.parametrize(
    ("flag", "guards"),
    [("可见血小板聚集", "platelet_clumps"), ("未见血小板聚集", ""), ("疑似血小板聚集", "platelet_clumps_suspected")],
)
def test_a_count_with_such_a_remark_has_its_guard(flag: str, guards: str) -> None:
    count = {"platelets": {"value": "40", "unit": "10^9/L", "flag": flag}, "age": "40 y", "sex": "F"}
    assert cbc.screen(count).flags()["guards"] == guards


@pytest.mark.parametrize(
    ("remark", "takes_back", "of_all"),
    [
        ("platelet clumps seen", False, False),
        ("platelet clumps; result cancelled", True, False),
        ("do not use, platelet clumps present", True, False),
        ("Sample clotted, platelet clumps", True, True),
    ],
)
def test_a_remark_on_clumps_may_take_the_result_back_too(remark: str, takes_back: bool, of_all: bool) -> None:
    read = remark_of(remark, load_knowledge().words, about_platelets=False)
    assert (read.takes_back, read.clumps, read.of_all) == (takes_back, SEEN, of_all)
