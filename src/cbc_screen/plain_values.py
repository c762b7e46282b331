"""What NumPy, pandas and databases give in place of a number, a text or nothing, as Python has it."""

from __future__ import annotations

from decimal import Decimal
from numbers import Number
from typing import Any

_NOTHING = ("NAType", "NaTType")  # of pandas, which is not imported for them


def is_nothing(value: object) -> bool:
    """Tell whether a value is what pandas has for nothing.

    >>> import pandas as pd
    >>> is_nothing(pd.NaT), is_nothing(pd.NA), is_nothing("")
    (True, True, False)
    """
    return type(value).__name__ in _NOTHING


def as_plain(data: object) -> dict[Any, Any] | None:
    """Return a mapping with such values as Python has them; None where there are none.

    >>> import numpy as np
    >>> as_plain({"hemoglobin": np.int64(9), "sex": float("nan")}), as_plain({"sex": "F"})
    ({'hemoglobin': 9, 'sex': None}, None)
    """
    if not isinstance(data, dict):
        return None
    plain = {name: _plain(value) for name, value in data.items()}
    return plain if any(plain[name] is not value for name, value in data.items()) else None


def _plain(value: Any) -> Any:
    if is_nothing(value) or (isinstance(value, float) and value != value):
        return None
    if type(value).__module__ == "numpy" and isinstance(value, Number):  # an array is none
        return value.item()  # type: ignore[attr-defined]
    return float(value) if isinstance(value, Decimal) else value
