"""The log: JSON, one line an event, with counts only.

Of a library's message only its template is written: what would be filled in may come from a request.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LOG = logging.getLogger("cbc_screen.service")


class JSONFormatter(logging.Formatter):
    """Writes the event and its counts; no argument of a message, and no text of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line."""
        event: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": str(record.msg),
            **getattr(record, "counts", {}),
        }
        return json.dumps(event)


def log_to_stderr() -> None:
    """Send every log of the process to standard error in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    LOG.setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)


def log_counts(event: str, **counts: Any) -> None:
    """Log an event with counts.

    >>> log_counts("stopped")
    """
    LOG.info(event, extra={"counts": counts})


def log_failure(error: BaseException) -> None:
    """Log where an error of this program arose and of which kind it is; not what it says, which may be input."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    LOG.error("failed", extra={"counts": {"kind": type(error).__name__, "where": where}})
