"""Names of several parts: "White Blood Cells (WBC)", "血小板数 / PLT".

Such a name is read only where each part is known, and all parts agree.
"""

from __future__ import annotations

from collections.abc import Mapping

from cbc_screen.knowledge.fold import parts_of

_MOST_PARTS = 16
_NOTHING: frozenset[str] = frozenset()


def agreed(name: str, named: Mapping[str, frozenset[str]], agreeing: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """Return the analytes on which all parts of a folded name agree, empty where one part is unknown.

    Parameters
    ----------
    name : str
        A folded name.
    named : mapping of name to analytes
        Names that may stand alone; one of them must be among the parts.
    agreeing : mapping of words to analytes
        Words that mean an analyte only beside its name.
    """
    parts = parts_of(name)
    if not 2 <= len(parts) <= _MOST_PARTS:
        return _NOTHING
    # What the parts before each place may mean together, and whether a name is among them.
    ways: list[set[tuple[frozenset[str] | None, bool]]] = [set() for _ in range(len(parts) + 1)]
    ways[0].add((None, False))
    for begin in range(len(parts)):
        for end in range(begin + 1, len(parts) + 1) if ways[begin] else ():
            phrase = " ".join(parts[begin:end])
            own, is_name = named.get(phrase), phrase in named
            found = own if own is not None else agreeing.get(phrase)
            if found is None:
                continue
            for before, has_name in ways[begin]:
                together = found if before is None else before & found
                if together:
                    ways[end].add((together, has_name or is_name))
    results = {together for together, has_name in ways[-1] if has_name and together is not None}
    return results.pop() if len(results) == 1 else _NOTHING
