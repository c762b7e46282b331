"""The columns of what Spark gives: those of every frame of outcomes, and the accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cbc_screen.arrays import from_texts
from cbc_screen.engines.outcomes import CONTENT, REASON, RowOutcome, rows_as

if TYPE_CHECKING:
    import pyarrow as pa

ACCOUNT = "account"
BESIDE = (REASON, CONTENT, ACCOUNT)


def quoted(name: str) -> str:
    """Return the name of a column as Spark reads it, whatever stands in it."""
    return "`" + name.replace("`", "``") + "`"


def account_row(schema: pa.Schema, account: Mapping[str, Any]) -> pa.Table:
    """Return the account of a partition as a row of the output."""
    return rows_as(schema, RowOutcome.ACCOUNT, {ACCOUNT: from_texts([json.dumps(account)])}, 1)
