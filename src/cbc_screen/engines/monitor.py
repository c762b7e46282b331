"""The volume alarm: an analyte that a source used to give, and gives no more."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.regular import read_regular

LARGEST_MANIFEST = 1 << 26  # bytes


def previous_counts(manifest: str | Path) -> dict[str, int]:
    """Return the results used, by analyte, of the scan a manifest is of."""
    try:
        found = json.loads(read_regular(Path(manifest), LARGEST_MANIFEST))["counts"]["analytes"]
        return {str(analyte): int(count["used"]) for analyte, count in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    # Outside the except block: an error of the parser may quote the file.
    raise UsageError("previous must be the manifest of an earlier scan (FLAGS.manifest.json)")


def vanished(
    expected: Collection[str], results: Mapping[str, int], used: Mapping[str, int], previous: Mapping[str, int] | None
) -> dict[str, str]:
    """Say of each expected analyte that is missing, or has fallen by half, how it was and is.

    What counts are results that were used: a column whose unit was lost is as good as gone.
    """
    before = previous or {}
    found = {}
    for analyte in sorted({*expected, *(name for name, many in before.items() if many)}):
        sent, now, then = results.get(analyte, 0), used.get(analyte, 0), before.get(analyte, 0)
        was = f" ({then:,} before)" if then else ""
        if not sent:
            found[analyte] = f"no result{was}"
        elif not now:
            found[analyte] = f"none of {sent:,} results used{was}"
        elif 2 * now < then:
            found[analyte] = f"{now:,} results{was}" if now == sent else f"{now:,} of {sent:,} results used{was}"
    return found
