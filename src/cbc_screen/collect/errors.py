"""Why a table is not collected in columns after all."""

from __future__ import annotations


class NotInColumnsError(Exception):
    """A table has more different words than are kept in columns; all of it goes the careful way."""
