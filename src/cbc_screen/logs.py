"""What the package says while it works: a log of counts, silent until a program listens, and warnings to its user.

The log is `logging.getLogger("cbc_screen")`. A line holds counts alone: no value, no name and no identifier of the input.
"""

from __future__ import annotations

import logging
import sys
import warnings

from cbc_screen.errors import CBCScreenWarning

LOG = logging.getLogger("cbc_screen")
LOG.addHandler(logging.NullHandler())  # else Python would print what nobody asked for


def warn(text: str) -> None:
    """Warn the user of the package, at the line of theirs that called it.

    Of what makes answers unknown, and what to declare: silence would leave a table of "cannot tell" unexplained.
    """
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == "cbc_screen":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, CBCScreenWarning, stacklevel=level)
