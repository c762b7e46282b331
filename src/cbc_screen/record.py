"""What comes in: one blood count of one person, as received."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from numbers import Number
from typing import TYPE_CHECKING, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import PydanticCustomError

from cbc_screen.errors import RecordError
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.plain_values import as_plain, is_nothing
from cbc_screen.record_errors import OWN, without_input
from cbc_screen.views import described
from cbc_screen.vocabulary import Comparator, Presence, ReticulocyteMethod

_LONGEST_TEXT = 10_000


if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic._internal._model_construction import ModelMetaclass
    from pydantic_core import CoreSchema
else:
    ModelMetaclass = type(BaseModel)  # which has no public name


class _Described(ModelMetaclass):
    """Turns pydantic's error into this library's where a model is made by a call.

    A constructor of our own would do the same, and pydantic would call it for every record that it validates.
    """

    def __call__(self, *arguments: Any, **fields: Any) -> Any:
        return _described(self.__name__, lambda: super(_Described, self).__call__(*arguments, **fields))


class _Private(BaseModel, metaclass=_Described):
    """A model whose errors and repr never show a value of the input."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        arbitrary_types_allowed=False,
        str_max_length=_LONGEST_TEXT,
    )

    @model_validator(mode="wrap")
    @classmethod
    def _without_values(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        slipped: Sequence[str] = cls._no_fields(data) if isinstance(data, dict) else ()
        try:
            if not slipped:
                try:
                    return handler(data)
                except ValidationError:
                    if (plain := as_plain(data)) is None:
                        raise
                    return handler(plain)
            handler({key: value for key, value in data.items() if key not in slipped})
            lines = without_input(cls, [], slipped)
        except ValidationError as problem:
            errors = problem.errors(include_input=False, include_url=False, include_context=False)
            lines = without_input(cls, errors, slipped)
        # Outside the except block: the first error, which carries the input, is neither the cause nor the context of
        # this one. Where the model is a part of another, pydantic adds the path to it.
        raise ValidationError.from_exception_data(cls.__name__, lines)

    @classmethod
    def _no_fields(cls, data: Mapping[Any, Any]) -> list[str]:
        """Return the keys that are neither fields nor taken beside them, where pydantic does not refuse every such key."""
        return []

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return described(cls, core_schema, handler)

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """Read a record from a mapping; see `CBCRecord` for errors."""
        validate = super().model_validate
        made: Self = _described(cls.__name__, lambda: validate(obj, **options))
        return made

    @classmethod
    def model_validate_json(cls, json_data: str | bytes | bytearray, **options: Any) -> Self:
        """Read a record from JSON; what is no JSON is named, and nothing of it is shown."""
        validate = super().model_validate_json
        made: Self = _described(cls.__name__, lambda: validate(json_data, **options))
        return made

    def __repr__(self) -> str:
        given = ", ".join(sorted(self.model_fields_set))
        return f"{type(self).__name__}(fields given: {given or 'none'})"

    __str__ = __repr__


def _described(model: str, make: Callable[[], Any]) -> Any:
    """Make a model; an error of pydantic becomes one of this library, which names known fields only and no value."""
    try:
        return make()
    except ValidationError as problem:
        errors = [
            (error["type"], error["loc"], error["msg"])
            for error in problem.errors(include_input=False, include_url=False)
        ]
    # Outside the except block: nothing of the input is attached.
    if any(kind == "json_invalid" for kind, _, _ in errors):
        raise RecordError(f"{model}: the text is no JSON that can be read; give one object in UTF-8")
    own = [said.removeprefix(f"{model}: ") for _, _, said in errors if said.startswith(f"{model}: ")]
    parts = [f"{place[0]}: {said}" for _, place, said in errors if not said.startswith(f"{model}: ")]
    direct = [f"{model}: {'; '.join(dict.fromkeys(own))}"] if own else []
    raise RecordError("; ".join(dict.fromkeys([*direct, *parts])))


class ReportedRange(_Private):
    """The reference range that came with a result, in the unit of the result.

    Parameters
    ----------
    lower, upper : number or text, optional
        A side without a limit is open; a text that cannot be read voids the range.
    text : str, optional
        Both in one text ("12.0-15.5", ">=150", "F: 12-15 M: 13-17"), read where neither stands alone.

    Examples
    --------
    >>> import cbc_screen as cbc
    >>> own = cbc.ReportedRange(lower=120, upper=155)
    >>> red = {"value": 118, "unit": "g/L", "range": own}
    >>> cbc.screen({"age": "54 y", "sex": "F", "hemoglobin": red}).lines[0].limits
    (120.0,)
    """

    lower: float | str | None = Field(default=None, description="lower limit, or none")
    upper: float | str | None = Field(default=None, description="upper limit, or none")
    text: str | None = Field(default=None, description="both limits in one text, as printed")

    @field_validator("lower", "upper", mode="before")
    @classmethod
    def _no_truths(cls, data: Any) -> Any:
        return _no_truth(data, "ReportedRange: a limit must be a number or a text")


def _no_truth(value: Any, said: str) -> Any:
    """Refuse true and false where a number may stand: pydantic would read them as 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError(OWN, "{said}", {"said": said})
    return value


def _cut(value: Any) -> Any:
    """Return a text no longer than a field may be: one too long to be a result stays too long, and is no number."""
    if isinstance(value, str) and len(value) > _LONGEST_TEXT:
        return value.strip()[:_LONGEST_TEXT]
    return value


class Measurement(_Private):
    """One analyte's result as received.

    Parameters
    ----------
    value : number or text
        The number, or the text as received ("9.1", "<10", "CLUMPED").
    unit : str, optional
        The unit as received; without one the value is refused unless `units=` declares it.
    comparator : "<", "<=", "=", ">=", ">", optional
        Where the source gives it apart from the number.
    range : ReportedRange, text or pair, optional
        The range reported with the result, in the same unit ("12.0-15.5").
    status : str, optional
        How far the result has come, by letter or word (`reference_ranges/result_status.yaml`); what is
        not final, corrected or amended is unknown, also where it has no value.

    flag : str, optional
        The sender's own flag (L, LL, H, HH, N), which is held against the value.

    Examples
    --------
    >>> Measurement(value=0.9, unit="10^9/L").unit
    '10^9/L'
    """

    value: float | str | None = None
    unit: str | None = None
    comparator: Comparator | None = None
    range: ReportedRange | None = None
    status: str | None = None
    flag: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_bare(cls, data: Any) -> Any:
        _no_truth(
            data.get("value") if isinstance(data, dict) else data, "Measurement: value must be a number or a text"
        )
        if isinstance(data, str | int | float):
            return {"value": _cut(data)}
        if isinstance(data, dict) and _cut(value := data.get("value")) is not value:
            return {**data, "value": _cut(value)}
        return data

    @field_validator("range", mode="before")
    @classmethod
    def _range_from_pair(cls, data: Any) -> Any:
        if isinstance(data, list | tuple) and len(data) == 2:
            return {"lower": data[0], "upper": data[1]}
        return {"text": _cut(data)} if isinstance(data, str) else data


class CBCRecord(_Private):
    """One complete blood count of one person at one collection time.

    Each analyte is a text with its unit ("9.1 g/dL"), a mapping (`Measurement`), or a bare
    number where `units=` declares the unit. Nothing is required: what is missing is
    unknown, and never normal.

    Parameters
    ----------
    age : text or number, optional
        "54 y", "7 mo", "3 d", "> 89 y", or a number with `age_unit` (y, mo, wk, d, h).
    birth_date, collected_at : date or ISO text, optional
        The age at collection is worked out by the calendar and wins over `age`.
    sex : str, optional
        F, M or unknown (words such as "female" are known; a code such as 1 is not).
    pregnancy : str, optional
        none, T1, T2, T3, trimester_unknown, postpartum or unknown.
    specimen : str, optional
        What was measured, where the source says so: "venous blood", "QC", "CSF", "Canis lupus
        familiaris". Of anything but a patient's blood every result is unknown, with that reason.
    reticulocyte_method : "automated", "manual" or "unknown"
        The severe limit of reticulocytes depends on it.
    wbc_uncorrected : bool, optional
        True where the source says that WBC is not corrected for nucleated red cells.
    gestation_at_birth : text or Measurement, optional
        Weeks of gestation at which the person was born ("27 wk", "27+3"), not those of a pregnancy. Below 37 weeks no
        range of the default is used in the first year; a set by gestation is used only where this is stated.
    elevation, cigarettes_per_day : text or Measurement, optional
        Of the person's residence ("2600 m"), and of the person; used only by a screener
        that adjusts hemoglobin for them.
    film, context : mapping of finding to "present", "absent" or "unknown"
        See `reference_ranges/findings.yaml` for the names.

    Raises
    ------
    RecordError
        If a field is unknown or has the wrong type. The message never holds a value.

    Examples
    --------
    >>> CBCRecord(age="54 y", sex="F", hemoglobin="9.1 g/dL").sex
    'F'
    """

    # An analyte of the data that is no field here is taken as one; what is no analyte is refused.
    model_config = ConfigDict(extra="allow", json_schema_extra={"additionalProperties": False})
    __pydantic_extra__: dict[str, Measurement | None]

    age: str | float | None = None
    age_unit: str | None = None
    birth_date: datetime.date | str | None = None
    collected_at: datetime.datetime | datetime.date | str | None = None
    sex: str | None = None
    pregnancy: str | None = None
    specimen: str | None = None
    reticulocyte_method: ReticulocyteMethod = ReticulocyteMethod.UNKNOWN
    wbc_uncorrected: bool | None = None

    hemoglobin: Measurement | None = None
    hematocrit: Measurement | None = None
    rbc: Measurement | None = None
    mcv: Measurement | None = None
    mch: Measurement | None = None
    mchc: Measurement | None = None
    rdw_cv: Measurement | None = None
    wbc: Measurement | None = None
    neutrophils: Measurement | None = None
    lymphocytes: Measurement | None = None
    monocytes: Measurement | None = None
    eosinophils: Measurement | None = None
    basophils: Measurement | None = None
    segmented: Measurement | None = None
    bands: Measurement | None = None
    immature_granulocytes: Measurement | None = None
    blasts: Measurement | None = None
    nrbc: Measurement | None = None
    platelets: Measurement | None = None
    mpv: Measurement | None = None
    reticulocytes: Measurement | None = None
    neutrophils_percent: Measurement | None = None
    lymphocytes_percent: Measurement | None = None
    monocytes_percent: Measurement | None = None
    eosinophils_percent: Measurement | None = None
    basophils_percent: Measurement | None = None
    segmented_percent: Measurement | None = None
    bands_percent: Measurement | None = None
    immature_granulocytes_percent: Measurement | None = None
    blasts_percent: Measurement | None = None
    reticulocytes_percent: Measurement | None = None
    ferritin: Measurement | None = None
    vitamin_b12: Measurement | None = None
    crp: Measurement | None = None
    transferrin_saturation: Measurement | None = None
    elevation: Measurement | None = None
    cigarettes_per_day: Measurement | None = None
    gestation_at_birth: Measurement | None = None

    film: Mapping[str, Presence] = Field(default_factory=dict)
    context: Mapping[str, Presence] = Field(default_factory=dict)

    @field_validator("age", mode="before")
    @classmethod
    def _age_is_no_truth(cls, data: Any) -> Any:
        return _no_truth(data, "CBCRecord: age must be a number or a text")

    @field_validator("film", "context")
    @classmethod
    def _known_findings(cls, data: Mapping[str, Presence], info: ValidationInfo) -> Mapping[str, Presence]:
        if data and not data.keys() <= load_measures().findings.keys():
            said = f"CBCRecord: {info.field_name}: one key is not a finding; see reference_ranges/findings.yaml"
            raise PydanticCustomError(OWN, "{said}", {"said": said})
        return data

    @field_validator("birth_date", "collected_at", mode="before")
    @classmethod
    def _dates_as_text(cls, data: Any, info: ValidationInfo) -> Any:
        # A text stays a text: pydantic would read "20240131" as a number of seconds, and does so with 20240131.
        if isinstance(data, Number):
            said = f'CBCRecord: {info.field_name} must be a date or a text ("2024-01-31"): a number is no date'
            raise PydanticCustomError(OWN, "{said}", {"said": said})
        return None if is_nothing(data) else _Text(data) if isinstance(data, str) else data

    @field_validator("birth_date", "collected_at", mode="wrap")
    @classmethod
    def _keep_text(cls, data: Any, handler: Any) -> Any:
        return str(data) if isinstance(data, _Text) else handler(data)

    def measurements(self) -> list[tuple[str, Measurement]]:
        """Return each analyte that was given, with its result as received."""
        fields = self.__dict__
        found = [(name, given) for name in ANALYTE_FIELDS if (given := fields[name]) is not None]
        if self.__pydantic_extra__:
            found += [(name, given) for name, given in self.__pydantic_extra__.items() if given is not None]
        return found

    @classmethod
    def _no_fields(cls, data: Mapping[Any, Any]) -> list[str]:
        if data.keys() <= _FIELDS:
            return []
        known = load_measures().analytes
        return [key for key in data if isinstance(key, str) and key not in _FIELDS and key not in known]


class _Text(str):
    """A text that must not be parsed on the way in."""


# The analytes that an editor knows; any other of the data is taken beside them.
ANALYTE_FIELDS = tuple(
    name for name, field in CBCRecord.model_fields.items() if field.annotation == (Measurement | None)
)
_FIELDS = frozenset(CBCRecord.model_fields)
