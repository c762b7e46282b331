"""The colors of figures on a light and on a dark ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Inks:
    """Colors of a light or a dark background."""

    ink: str
    soft: str
    good: str
    key: str


_LIGHT = Inks("#1c2733", "#566474", "#1f5c3a", "#0b5cad")
_DARK = Inks("#f1f4f7", "#aab6c2", "#7fd1a0", "#7db8f0")


def inks_of(axes: Any) -> Inks:
    """Return the colors for the ground of these axes: a reader's own style may be dark."""
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(axes.get_facecolor())
    light: float = 0.299 * red + 0.587 * green + 0.114 * blue
    return _DARK if 2 * light < 1 else _LIGHT
