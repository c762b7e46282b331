"""Source profiles: what the columns and codes of a known kind of export mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from cbc_screen.errors import UsageError, did_you_mean
from cbc_screen.knowledge.files import read_text, reference_ranges_root, walk
from cbc_screen.knowledge.fold import fold_code, fold_word, plain_name
from cbc_screen.knowledge.library import Knowledge
from cbc_screen.knowledge.parse import parse_yaml, read_own_text
from cbc_screen.knowledge.quantities import Factor
from cbc_screen.knowledge.strict import YamlNode
from cbc_screen.vocabulary import Format, Reason, ResultStatus, Sex

FOLDER = "profiles/"
LONG_FIELDS = (
    "person", "encounter", "specimen_key", "code", "source_code", "name", "specimen", "panel", "collected_at",
    "operator", "number", "value", "unit_code", "unit", "lower", "upper", "range", "status", "flag", "note", "birth_date", "sex",
    "age", "age_unit", "pregnancy", "gestation_at_birth", "born_preterm",
)  # fmt: skip
PERSON_FIELDS = (
    "person", "birth_date", "birth_parts", "birth_year_parts", "age", "age_unit", "sex", "gestation_at_birth", "born_preterm",
)  # fmt: skip


class Shape(StrEnum):
    """How a table is laid out."""

    WIDE = "wide"
    LONG = "long"
    MESSAGES = "messages"  # HL7, ASTM, FHIR: what local codes, names and units mean


@dataclass(frozen=True, slots=True)
class CodeForm:
    """How a code is written that holds several parts: behind `starts`, between `separator`, the `parts` in order."""

    starts: str
    separator: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventCodes:
    """Codes of events that tell of the person: a birth at the time of the event, a sex behind one of these beginnings."""

    birth: tuple[str, ...] = ()
    sex: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """One kind of export.

    `columns` of a wide table map a field to its column; of a long one, a part of a result
    to the columns that may hold it, the first that is there and not empty wins. `required` and
    `persons_required` are the fields of which one column is named in a profile of the user's own: it must be there.
    """

    id: str
    title: str
    shape: Shape
    columns: Mapping[str, tuple[str, ...]]
    recognized_by: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    unit_spellings: Mapping[str, str] = field(default_factory=dict)
    age_unit: str | None = None
    date_format: str | None = None
    date_formats: Mapping[str, str] = field(default_factory=dict)
    sex_codes: Mapping[str, str] = field(default_factory=dict)
    pregnancy_codes: Mapping[str, str] = field(default_factory=dict)
    decimal: str | None = None
    thousands: str | None = None
    language: str | None = None
    accept_units: tuple[str, ...] = ()
    reading: Mapping[str, str | int] = field(
        default_factory=dict
    )  # how its files are read, by the names of `ReadOptions`
    persons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    code_forms: tuple[CodeForm, ...] = ()
    events: EventCodes = EventCodes()
    other_codes: frozenset[str] = frozenset()  # called like an analyte, and known to be something else
    operators: Mapping[str, str] = field(default_factory=dict)
    unit_codes: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    expected: tuple[str, ...] = ()
    top_coded_age: int | None = None
    header_age_unit: str | None = None  # of a plain table: what the header of its ages states, of that table alone
    persons_age_unit: str | None = None  # the same of its table of persons
    required: frozenset[str] = frozenset()
    persons_required: frozenset[str] = frozenset()
    same_value: bool = False  # all columns of the value are read, and say the same result or none

    def recognizes(self, headers: Sequence[str]) -> bool:
        """Tell whether a table with these columns is of this kind."""
        return bool(self.recognized_by) and set(map(fold_word, self.recognized_by)) <= set(map(fold_word, headers))


@lru_cache(maxsize=4)
def load_profiles(knowledge: Knowledge) -> Mapping[str, Profile]:
    """Load every shipped profile."""
    root = reference_ranges_root()
    names = [name for name, _ in walk(root) if name.startswith(FOLDER) and name.endswith(".yaml")]
    found = {}
    for name in names:
        profile = read_profile(parse_yaml(read_text(root, name), name), knowledge)
        found[profile.id] = profile
    return found


def find_profile(choice: str, knowledge: Knowledge) -> Profile:
    """Return a shipped profile by its name, or one's own by its path."""
    if is_own_file(choice):
        path = Path(choice)
        node = parse_yaml(read_own_text(path), path.name)
        profile = read_profile(node, knowledge)
        return replace(profile, required=_named_once(node, "columns"), persons_required=_named_once(node, "persons"))
    shipped = load_profiles(knowledge)
    if choice not in shipped:
        near = did_you_mean(choice, shipped) or ";"
        raise UsageError(
            f"profile: none is named {choice!r}{near} it must be one of {', '.join(sorted(shipped))}, or a path that ends "
            f"in .yaml"
        )
    return shipped[choice]


def is_own_file(choice: str) -> bool:
    """Tell whether a profile is named by its path."""
    return choice.lower().endswith((".yaml", ".yml"))


def recognized(headers: Sequence[str], knowledge: Knowledge) -> Profile | None:
    """Return the shipped profile of a table with these columns, if exactly one says so."""
    found = [profile for profile in load_profiles(knowledge).values() if profile.recognizes(headers)]
    return found[0] if len(found) == 1 else None


def read_profile(node: YamlNode, knowledge: Knowledge) -> Profile:
    """Read and check a profile; a fault names file, line and key."""
    node.check_keys(
        ["id", "title", "shape", "source"],
        ["recognized_by", "columns", "units", "unit_spellings", "age_unit", "date_format", "sex_codes", "pregnancy_codes", "decimal",
         "thousands", "language", "accept_units", "encoding", "delimiter", "sheet", "format", "skip_lines", "persons_file", "query", "table",
         "persons", "codes", "codes_of", "code_forms", "events", "names", "other_codes", "operators", "unit_codes", "statuses", "expected",
         "top_coded_age"],
    )  # fmt: skip
    shape = node.choice("shape", Shape)
    columns = _columns(node, "columns", LONG_FIELDS if shape is Shape.LONG else None)
    persons = _columns(node, "persons", PERSON_FIELDS)
    if shape is Shape.LONG and not {"code", "name"} & columns.keys():
        raise node.error("columns", "a long table needs code or name")
    if shape is Shape.LONG and not {"value", "number"} & columns.keys():
        raise node.error("columns", "a long table needs value or number")
    codes, names = {**_codes_of(node), **_mapping(node, "codes")}, _mapping(node, "names")
    if shape is Shape.MESSAGES and (columns or persons):
        raise node.error("columns", "messages have no columns; give codes and names")
    named = {key: node.texts(key) for key in ("expected", "accept_units")}
    for key, analytes in {"codes": codes.values(), "names": names.values(), **named}.items():
        for analyte in analytes:
            if analyte not in knowledge.analytes:
                raise node.error(key, f"{analyte} is not an analyte")
    _check_units(node, knowledge)
    for code, unit in _mapping(node, "unit_codes").items():
        outcomes = [table.find(unit) for table in knowledge.units.values()]
        if not any(isinstance(found, Factor) or found[0] is not Reason.UNIT_UNKNOWN for found in outcomes):
            raise node.node("unit_codes").error(code, "is not a unit of any table")
    return Profile(
        id=node.text("id"),
        title=node.text("title"),
        shape=shape,
        columns=columns,
        recognized_by=tuple(node.texts("recognized_by")),
        units=_mapping(node, "units"),
        unit_spellings=_mapping(node, "unit_spellings"),
        age_unit=_one(node, "age_unit"),
        date_format=_one(node, "date_format") if isinstance(node.get("date_format"), str | None) else None,
        date_formats=_date_formats(node),
        sex_codes=_folded(node, "sex_codes", _words(node, "sex_codes", tuple(Sex)), fold_word),
        pregnancy_codes=_folded(node, "pregnancy_codes", _mapping(node, "pregnancy_codes"), fold_word),
        decimal=_mark(node, "decimal", (".", ",")),
        thousands=_mark(node, "thousands", (",", ".", " ", "'")),
        language=_language(node, knowledge),
        accept_units=tuple(node.texts("accept_units")),
        reading=_reading(node),
        persons=persons,
        codes=_folded(node, "codes", codes, fold_code),
        names=_folded(node, "names", names, plain_name),
        other_codes=frozenset(map(fold_code, node.texts("other_codes"))),
        code_forms=tuple(_code_form(entry) for entry in node.nodes("code_forms")),
        events=_events(node),
        operators=_words(node, "operators", ("<", "<=", "=", ">=", ">", "")),
        unit_codes=_mapping(node, "unit_codes"),
        statuses={key.upper(): word for key, word in _words(node, "statuses", tuple(ResultStatus)).items()},
        expected=tuple(node.texts("expected")),
        top_coded_age=node.whole("top_coded_age") if "top_coded_age" in node else None,
    )


def _date_formats(node: YamlNode) -> dict[str, str]:
    """Read the formats of dates where each field has its own."""
    if isinstance(node.get("date_format"), str | None):
        return {}
    node.node("date_format").check_keys([], ["birth_date", "collected_at"])
    return _mapping(node, "date_format")


def _codes_of(node: YamlNode) -> dict[str, str]:
    """Return the codes of another shipped profile, of which a source has the same."""
    if "codes_of" not in node:
        return {}
    name = f"{FOLDER}{node.text('codes_of')}.yaml"
    root = reference_ranges_root()
    if name not in {path for path, _ in walk(root)}:
        raise node.error("codes_of", "is no shipped profile")
    return _mapping(parse_yaml(read_text(root, name), name), "codes")


def _code_form(entry: YamlNode) -> CodeForm:
    entry.check_keys(["starts", "parts"], ["separator"])
    parts, separator = entry.texts("parts"), entry.text("separator") if "separator" in entry else ""
    if parts[:1] != ["code"] or parts[1:] not in ([], ["unit"]) or (len(parts) > 1 and not separator):
        raise entry.error("parts", "must be [code], or [code, unit] with a separator")
    return CodeForm(entry.text("starts"), separator, tuple(parts))


def _events(node: YamlNode) -> EventCodes:
    if "events" not in node:
        return EventCodes()
    own = node.node("events")
    own.check_keys([], ["birth", "sex"])
    return EventCodes(tuple(own.texts("birth")), tuple(own.texts("sex")))


def _language(node: YamlNode, knowledge: Knowledge) -> str | None:
    language = _one(node, "language")
    if language is not None and language not in knowledge.languages.known:
        raise node.error("language", f"must be one of {', '.join(knowledge.languages.known)}")
    return language


_READING = ("encoding", "delimiter", "sheet", "query", "table")


def _reading(node: YamlNode) -> dict[str, str | int]:
    """Return how the files of a profile are read; a table of persons lies beside the profile."""
    found: dict[str, str | int] = {key: node.text(key) for key in _READING if key in node}
    if "format" in node:
        found["format"] = node.choice("format", Format).value
    if "skip_lines" in node:
        found["skip_lines"] = node.whole("skip_lines")
    if "persons_file" in node:
        found["persons"] = node.text("persons_file")
    return found


def _mark(node: YamlNode, key: str, allowed: Sequence[str]) -> str | None:
    mark = _one(node, key)
    if mark is not None and mark not in allowed:
        raise node.error(key, f"must be one of {' '.join(map(repr, allowed))}")
    return mark


def _one(node: YamlNode, key: str) -> str | None:
    return node.text(key) if key in node else None


def _columns(node: YamlNode, key: str, known: Sequence[str] | None) -> dict[str, tuple[str, ...]]:
    """Read columns by field: one name, or several of which the first one counts."""
    if key not in node:
        return {}
    own = node.node(key)
    if known is not None:
        own.check_keys([], known)
    return {name: (own.text(name),) if isinstance(own[name], str) else tuple(own.texts(name)) for name in own}


def _named_once(node: YamlNode, key: str) -> frozenset[str]:
    """Return the fields of which one column is named, and not a list of those that may be there."""
    return (
        frozenset(name for name in node.node(key) if isinstance(node.node(key)[name], str))
        if key in node
        else frozenset()
    )


def require_columns(
    profile: Profile,
    named: Mapping[str, tuple[str, ...]],
    required: frozenset[str],
    headers: Sequence[str],
    called: str,
) -> None:
    """Refuse a table without a column that the profile names: a status that is not read would make every result final."""
    there = set(map(fold_word, headers))
    # A row in place of a header has digits: then none of its cells is named, a name of a person without any too.
    near = [] if any(sign.isdigit() for header in headers for sign in header) else headers
    for field_name in sorted(required & named.keys()):
        [column] = named[field_name]
        if fold_word(column) not in there:
            raise UsageError(
                f"{called} has no column {column!r}, which the profile {profile.id} names for {field_name}"
                f"{did_you_mean(column, near)}; was it renamed? If it may be missing, write it in brackets: "
                f"{field_name}: [{column}]"
            )


def _mapping(node: YamlNode, key: str) -> dict[str, str]:
    if key not in node:
        return {}
    own = node.node(key)
    return {name: own.text(name) for name in own}


def _folded(node: YamlNode, key: str, codes: Mapping[str, str], fold: Callable[[str], str]) -> dict[str, str]:
    """Fold codes; two that are one when folded must mean the same."""
    folded: dict[str, str] = {}
    for code, meaning in codes.items():
        if folded.setdefault(fold(code), meaning) != meaning:
            raise node.node(key).error(code, "is the same code as another that means something else")
    return folded


def _words(node: YamlNode, key: str, allowed: Sequence[str]) -> dict[str, str]:
    if key not in node:
        return {}
    own = node.node(key)
    for name in own:
        if own[name] not in allowed:
            raise own.error(name, f"must be one of {', '.join(filter(None, allowed))}")
    return {name: str(own[name]) for name in own}


def _check_units(node: YamlNode, knowledge: Knowledge) -> None:
    """Refuse a unit that no table accepts: a slip there would read every result wrong."""
    for analyte, unit in _mapping(node, "units").items():
        own = knowledge.analytes.get(analyte)
        # "system" and the convention of mmol/L are checked where they are declared.
        if analyte not in ("system", "hemoglobin_mmol") and (
            own is None or not isinstance(own.units.find(unit), Factor)
        ):
            raise node.node("units").error(analyte, "is not a unit of that analyte")
