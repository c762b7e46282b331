"""What the kernel takes of many rows; `kernel_inputs.py` has the rest of this seam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Batch:
    """Columns of canonical numbers, and what is known of each person.

    `high[a] is low[a]` where no value of the analyte is an interval. An analyte that is
    not in `low` is absent for every row. The age columns hold inclusive ranges; a row
    whose `age_known` is false can have any age. `sex` and `pregnancy` are places in
    `SEXES` and `PREGNANCIES`.
    """

    rows: int
    low: Mapping[str, NDArray[np.float64]]
    high: Mapping[str, NDArray[np.float64]]
    findings: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]
    reported: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]
    method: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None
    uncorrected: NDArray[np.bool_] | None
    days_low: NDArray[np.int64]
    days_high: NDArray[np.int64]
    months_low: NDArray[np.int64]
    months_high: NDArray[np.int64]
    age_known: NDArray[np.bool_]
    sex: NDArray[np.int8]
    pregnancy: NDArray[np.int8]

    def inputs(self) -> dict[str, NDArray[np.generic]]:
        """Name the columns as the programs do."""
        columns: dict[str, NDArray[np.generic]] = {}
        for analyte in self.low:
            columns[f"{analyte}.low"], columns[f"{analyte}.high"] = self.low[analyte], self.high[analyte]
        for finding, (present, absent) in self.findings.items():
            columns[f"{finding}.present"], columns[f"{finding}.absent"] = present, absent
        for analyte, (lower, upper) in self.reported.items():
            columns[f"{analyte}.reported_lower"], columns[f"{analyte}.reported_upper"] = lower, upper
        if self.method is not None:
            columns["reticulocytes_automated"], columns["reticulocytes_manual"] = self.method
        if self.uncorrected is not None:
            columns["wbc_uncorrected"] = self.uncorrected
        return columns
