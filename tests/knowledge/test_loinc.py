"""LOINC codes: each stands in the published table beside the right quantity and property.

The mapping is written out by hand from shared/interop.md section 1; a count and a percentage
of the same cells are two quantities and never share a code.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

TABLES = Path(__file__).resolve().parents[2] / "reference_ranges"

# Quantity: (its key in the published table, its codes).
CODES: dict[str, tuple[str, list[str]]] = {
    "hemoglobin": ("hb", ["718-7", "20509-6", "30350-3"]),
    "hematocrit": ("hct", ["4544-3", "20570-8", "4545-0", "71833-8", "41654-5"]),
    "rbc": ("rbc", ["789-8", "26453-1", "790-6"]),
    "mcv": ("mcv", ["787-2", "30428-7"]),
    "mch": ("mch", ["785-6", "28539-5"]),
    "mchc": ("mchc", ["786-4", "28540-3"]),
    "rdw_cv": ("rdw_cv", ["788-0", "30385-9"]),
    "platelets": ("plt", ["777-3", "26515-7", "778-1"]),
    "mpv": ("mpv", ["32623-1", "28542-9", "776-5"]),
    "wbc": ("wbc", ["6690-2", "26464-8", "804-5"]),
    "neutrophils": ("neut_abs", ["751-8", "26499-4", "753-4"]),
    "neutrophils_percent": ("neut_pct", ["770-8", "26511-6"]),
    "lymphocytes": ("lymph_abs", ["731-0", "26474-7", "732-8"]),
    "lymphocytes_percent": ("lymph_pct", ["736-9", "26478-8", "737-7"]),
    "monocytes": ("mono_abs", ["742-7", "26484-6"]),
    "monocytes_percent": ("mono_pct", ["5905-5", "26485-3", "744-3"]),
    "eosinophils": ("eos_abs", ["711-2", "26449-9", "712-0"]),
    "eosinophils_percent": ("eos_pct", ["713-8", "26450-7", "714-6"]),
    "basophils": ("baso_abs", ["704-7", "26444-0"]),
    "basophils_percent": ("baso_pct", ["706-2", "30180-4"]),
    # The table gives both properties of these in one row, the percentage first.
    "segmented": ("bands_pct", ["30451-9", "768-2"]),
    "segmented_percent": ("bands_pct", ["26505-8", "769-0", "32200-8"]),
    "bands": ("bands_pct", ["26507-4", "763-3", "30229-9"]),
    "bands_percent": ("bands_pct", ["26508-2", "764-1", "35332-6"]),
    "blasts": ("blast_pct", ["30376-8"]),
    "blasts_percent": ("blast_pct", ["26446-5", "709-6"]),
    "immature_granulocytes_percent": ("ig_pct", ["38518-7"]),
    "nrbc": ("nrbc_ratio", ["58413-6"]),
    "reticulocytes": ("retic_abs", ["60474-4", "14196-0", "40665-2"]),
    "reticulocytes_percent": ("retic_pct", ["17849-1", "4679-7"]),
}
# In the table, and left out on purpose: another specimen or method, a substance
# concentration, an estimate, or a count where the quantity here is a ratio.
NOT_OURS = {
    "30313-1": "arterial hemoglobin",
    "59260-0": "hemoglobin in moles",
    "48703-3": "estimated hematocrit",
    "42908-4": "capillary hematocrit",
    "32354-3": "arterial hematocrit",
    "21000-5": "red cell distribution width in fL",
    "30384-2": "red cell distribution width in fL",
    "49497-1": "estimated platelets",
    "32207-3": "platelet distribution width",
    "771-6": "nucleated red cells as a count",
}


def shipped() -> dict[str, list[str]]:
    entries = yaml.safe_load((TABLES / "analytes.yaml").read_text(encoding="utf-8"))["analytes"]
    return {entry["id"]: entry["loinc"] for entry in entries if "loinc" in entry}


@pytest.fixture(scope="module")
def published(shared: Path) -> dict[str, tuple[str, str]]:
    """Read the table of section 1: key, and the cells of the two columns of codes."""
    text = (shared / "interop.md").read_text(encoding="utf-8").replace("\u2011", "-")
    start = text.index("| Analyte (our key) |")
    section = text[start : text.index("### Panels", start)]
    rows = [line.split("|")[1:4] for line in section.splitlines() if line.startswith("| `")]
    return {re.findall(r"`(\w+)`", cells[0])[0]: (cells[1], cells[2]) for cells in rows}


def codes_in(text: str) -> list[str]:
    return re.findall(r"(?<![\d-])\d{3,5}-\d(?![\d-])", text)


def test_every_shipped_code_is_written_out_here() -> None:
    assert shipped() == {name: codes for name, (_, codes) in CODES.items()}


# Codes that laboratories send and the list does not have; known by their LOINC name alone.
NOT_LISTED = {
    "709-6": "Blasts/100 leukocytes in Blood by Manual count",
    "30451-9": "Segmented neutrophils [#/volume] in Blood",
    "768-2": "Segmented neutrophils [#/volume] in Blood by Manual count",
    "26505-8": "Segmented neutrophils/100 leukocytes in Blood",
    "769-0": "Segmented neutrophils/100 leukocytes in Blood by Manual count",
    "32200-8": "Segmented neutrophils/100 leukocytes in Blood by Automated count",
    "763-3": "Band form neutrophils [#/volume] in Blood by Manual count",
    "30229-9": "Band form neutrophils [#/volume] in Blood by Automated count",
    "764-1": "Band form neutrophils/100 leukocytes in Blood by Manual count",
    "35332-6": "Band form neutrophils/100 leukocytes in Blood by Automated count",
}


@pytest.mark.parametrize("quantity", CODES)
def test_each_code_stands_beside_its_quantity(published: dict[str, tuple[str, str]], quantity: str) -> None:
    key, codes = CODES[quantity]
    listed = codes_in(" ".join(published[key]))
    assert [code for code in codes if code not in listed and code not in NOT_LISTED] == []
    # What the row holds besides is another property of it, or left out by name.
    others = {code for name, (other, own) in CODES.items() if other == key and name != quantity for code in own}
    assert set(listed) - set(codes) - others <= set(NOT_OURS)


def test_a_code_belongs_to_one_quantity_of_the_table(published: dict[str, tuple[str, str]]) -> None:
    for quantity, (key, codes) in CODES.items():
        for other, cells in published.items():
            if other != key:
                assert not set(codes) & set(codes_in(" ".join(cells))), (quantity, other)


def test_the_table_is_read_whole(published: dict[str, tuple[str, str]]) -> None:
    """The automated code of each row, as the text below the table repeats them."""
    automated = {"hb": "718-7", "hct": "4544-3", "rbc": "789-8", "mcv": "787-2", "mch": "785-6", "mchc": "786-4",
                 "rdw_cv": "788-0", "plt": "777-3", "mpv": "32623-1", "wbc": "6690-2", "neut_abs": "751-8",
                 "lymph_abs": "731-0", "mono_abs": "742-7", "eos_abs": "711-2", "baso_abs": "704-7",
                 "retic_abs": "60474-4", "retic_pct": "17849-1"}  # fmt: skip
    assert {key: codes_in(published[key][0])[0] for key in automated} == automated
    assert codes_in(published["bands_pct"][1]) == ["26508-2", "26507-4"]
    assert codes_in(published["blast_pct"][1]) == ["26446-5", "30376-8"]


def test_no_quantity_takes_a_code_that_is_left_out() -> None:
    used = {code for codes in shipped().values() for code in codes}
    assert not used & set(NOT_OURS)


def test_no_code_is_given_twice() -> None:
    every = [code for codes in shipped().values() for code in codes]
    assert len(every) == len(set(every)) == 75


def check_digit(number: str) -> int:
    """Return the check digit as LOINC describes it.

    The odd digits, counted from the right and read as one number, are doubled; the even
    digits are put before the result; what its digits lack of the next ten is the check digit.
    """
    odd, even = number[::-1][0::2], number[::-1][1::2]
    digits = even + str(2 * int(odd))
    return -sum(map(int, digits)) % 10


@pytest.mark.parametrize("quantity", CODES)
def test_the_check_digits_hold(quantity: str) -> None:
    for code in shipped()[quantity]:
        number, check = code.split("-")
        assert check_digit(number) == int(check), code


def test_the_check_digit_itself_tells_codes_apart() -> None:
    """A worked example of the LOINC manual (12345 has the check digit 5), and near misses."""
    assert check_digit("12345") == 5
    for wrong in ("718-6", "719-7", "178-7", "6690-3", "60474-5", "71849-1"):
        number, check = wrong.split("-")
        assert check_digit(number) != int(check), wrong
