"""How many examples the tests try: few in the test command, as many as wanted with CBC_SCREEN_EXAMPLES.

`tools/long_tests.py` runs the long form.
"""

from __future__ import annotations

import os

LONG = 200  # examples of one property in the long form
EXAMPLES = int(os.environ.get("CBC_SCREEN_EXAMPLES", "20"))
PROPERTIES = int(os.environ.get("CBC_SCREEN_EXAMPLES", "12"))  # of a property: each is made and looked at one by one


def share(of_long: int) -> int:
    """Return the part of what the long form tries, five at least."""
    return min(of_long, max(5, of_long * EXAMPLES // LONG))
