"""Why something is unknown, as one text of a row: `field:REASON`, in the order that flags have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from cbc_screen.exported.asked import Asked
from cbc_screen.exported.cells import NOTHING, READ_REASONS
from cbc_screen.exported.persons import AGE_REASONS
from cbc_screen.exported.sources import TableOfCounts
from cbc_screen.knowledge.quantities import CIGARETTES, SMOKER_FINDING
from cbc_screen.report.checklist import SEPARATOR
from cbc_screen.report.flags import SEVERAL_REASONS, sorted_reasons
from cbc_screen.vocabulary import Adjust, Reason

PERSON = ("age_because", "sex_because", "pregnancy_because")
_OF_A_PERSON = {
    "age": AGE_REASONS,
    "sex": (Reason.SEX_MISSING, Reason.SEX_UNREADABLE),
    "pregnancy": (
        *(Reason.PREGNANCY_UNREADABLE, Reason.PREGNANCY_UNKNOWN),
        *(Reason.PREGNANCY_CONFLICT, Reason.TRIMESTER_UNKNOWN),
    ),
}
_SETTINGS = {Adjust.ELEVATION: "elevation", Adjust.SMOKING: CIGARETTES}
Told = tuple[str, Reason]


class Reasons:
    """Writes the reasons of a row."""

    def __init__(self, asked: Asked, source: TableOfCounts, adjust: Sequence[Adjust]) -> None:
        self._asked, self._source = asked, source
        self._settings = tuple(_SETTINGS[kind] for kind in adjust)

    def asks(self, outputs: Iterable[str]) -> list[str]:
        """Return those outputs of the reader that say why something is unknown."""
        own = {f"{name}.low" for name in self._settings}
        return [name for name in outputs if ".because:" in name or name in own]

    def read(self, names: dict[str, str]) -> list[tuple[str, str]]:
        """Return, for each result, the column that says why it is not used; `names` has the flags of the reader."""
        found = []
        for name in self._source.results:
            cases = [
                f"WHEN {names[flag]} THEN '{reason}'"
                for reason in READ_REASONS
                if (flag := f"{name}.because:{reason}") in names
            ]
            found.append((f"{name}_because", f"CASE {' '.join(cases)} END"))
        missing = {name: self._not_stated(name, names) for name in self._settings}
        return [*found, *((f"{name}_not_stated", missing[name]) for name in self._settings)]

    def _not_stated(self, name: str, names: dict[str, str]) -> str:
        parts = [f"({names[f'{name}.low']} IS NULL)"] if name in self._source.results else ["TRUE"]
        if name == CIGARETTES and SMOKER_FINDING in self._source.findings:
            parts.append(f"(is_{SMOKER_FINDING} IS NULL)")
        return " AND ".join(parts)

    @property
    def columns(self) -> list[str]:
        """The columns that a row carries to say why."""
        own = [f"{name}_because" for name in self._source.results]
        return [*PERSON, *own, *(f"{name}_not_stated" for name in self._settings)]

    def text(self, codes: dict[str, str]) -> str:
        """Return the reasons as one text, an empty one where there is none."""
        whole = f"({codes[NOTHING]})"
        pairs: dict[Told, str] = {}
        for field, reasons in _OF_A_PERSON.items():
            pairs |= {(field, reason): f"{field}_because" for reason in reasons}
        for name in self._source.results:
            pairs |= {(name, reason): f"{name}_because" for reason in READ_REASONS}
        conditions: dict[Told, list[str]] = {}
        for code, told in self._asked.reasons:
            conditions.setdefault(told, []).append(codes[code])
        said = " OR ".join(f"{column} IS NOT NULL" for column in PERSON)
        for code, field, reason in SEVERAL_REASONS:
            conditions.setdefault((field, reason), []).append(f"({codes[code]} AND NOT ({said}))")
        for name in self._settings:
            conditions.setdefault((name, Reason.SETTING_MISSING), []).append(f"{name}_not_stated")
        for told, own in conditions.items():
            if told[1] is Reason.NO_RESULT:  # said once for the whole
                conditions[told] = [f"({' OR '.join(own)}) AND NOT {whole}"]
        ordered = sorted_reasons(self._asked.layout, [*pairs, *conditions])
        parts = []
        for column, group in groupby(ordered, key=lambda told: "" if told in conditions else pairs[told]):
            own_group = list(group)
            if column:
                words = ", ".join(f"'{reason}'" for _, reason in own_group)
                parts.append(f"CASE WHEN {column} IN ({words}) THEN '{own_group[0][0]}:' || {column} END")
                continue
            parts += [f"CASE WHEN {' OR '.join(conditions[told])} THEN '{told[0]}:{told[1]}' END" for told in own_group]
        record = f"CASE WHEN {whole} THEN 'record:{Reason.NO_RESULT}' END"
        listed = ",\n    ".join([*parts, record])
        return f"CONCAT_WS('{SEPARATOR}',\n    {listed})"
