"""What one screener chooses, by name."""

from __future__ import annotations

from dataclasses import dataclass

from cbc_screen.vocabulary import Adjust, Setting


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one screener chooses; `stamp` tells the contents of its own files apart.

    With `history` the rules that ask for earlier counts take part.
    """

    ranges: str = "default"
    definition: str = "reference"
    grading: str = "clinical"
    rules: str = "default"
    adjust: tuple[Adjust, ...] = ()
    stamp: str = ""
    history: bool = False
    setting: tuple[Setting, ...] = ()
