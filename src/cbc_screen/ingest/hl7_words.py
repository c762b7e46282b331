"""HL7 v2: what stands in segments beside values, times and keys; equal ones are read once for a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from cbc_screen.ingest.results import ResultCode, Stated
from cbc_screen.vocabulary import ResultStatus


@dataclass(frozen=True, slots=True, eq=False)
class ObservationWords:
    """What stands in an OBX beside its value; equal ones of plain results are read once, and are one object."""

    codes: tuple[ResultCode, ...]
    unit: str
    range_text: str
    flag: str
    other_units: tuple[str, ...]
    status: ResultStatus | None = None  # as stated, of plain results


@dataclass(frozen=True, slots=True)
class OrderWords:
    """What an OBR says of all its results."""

    panel: str
    specimen: str
    stated: Stated
    status: ResultStatus
    notes: tuple[str, ...]


class PatientWords(NamedTuple):
    """What a PID says of a person: the key, the date of birth, the sex, and what else tells whose results they are."""

    key: str
    birth_date: str
    sex: str
    stated: Stated
