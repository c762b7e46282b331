"""What stands in place of a temporary file where none may be made."""

from __future__ import annotations


class FileWantedError(Exception):
    """Raised in place of making a file."""
