"""Why a scan rejected a row, from the file of rejects that it wrote."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from cbc_screen.databases.address import require_file
from cbc_screen.errors import UsageError
from cbc_screen.regular import open_regular, unreadable
from cbc_screen.vocabulary import Reason

_NEEDED = {"line", "reason"}
_KNOWN = {reason.value for reason in Reason}


class RejectReasons:
    """The reason of each rejected row, by its place ("17", or "FILE:17" of several files).

    Rows that were rejected are few and their content is not kept: this stays in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._reasons: dict[str, str] = {}
        if path is not None:
            self._read(path)

    def of(self, place: str) -> str | None:
        """Return the reason of a row; None where the file does not say."""
        return self._reasons.get(place)

    def _read(self, path: Path) -> None:
        require_file(path)
        known, problem = False, None
        try:
            with open_regular(path) as file, io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
                rows = csv.DictReader(text)
                known = set(rows.fieldnames or ()) >= _NEEDED
                for row in rows if known else ():
                    known = known and row["reason"] in _KNOWN
                    place = ":".join(filter(None, (row.get("file"), row["line"])))
                    self._reasons[place] = row["reason"]
        except (ValueError, csv.Error):
            known = False
        except OSError as error:
            problem = unreadable(path, error)
        # Outside the except block: the first error may quote a row.
        if problem is None and not known:
            problem = f"{path.name} is no file of rejects that scan wrote, or is cut short; give the one of that scan"
        if problem is not None:
            raise UsageError(problem)
