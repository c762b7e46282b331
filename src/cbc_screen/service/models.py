"""The shapes of answers and of bodies that are not the library's own: for schemas and for generated clients."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from cbc_screen.record import CBCRecord
from cbc_screen.result import ScreeningResult
from cbc_screen.service.problems import ProblemCode
from cbc_screen.vocabulary import (
    NOTICE,
    SCHEMA_VERSION,
    LineState,
    Pattern,
    Reason,
    Setting,
    Severity,
    Urgency,
    WhiteBasis,
)

PathPart = str | int


class OpenForm(BaseModel):
    """What goes out: its fields are all that there are today; a later version may have more."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, json_schema_serialization_defaults_required=True
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        made = handler(core_schema)
        if handler.mode == "serialization":
            handler.resolve_ref_schema(made).pop("additionalProperties", None)
        return made


class _Answer(OpenForm):
    notice: str = Field(description="Stands in every answer.", examples=[NOTICE])
    schema_version: str = Field(description="Version of the form of the answers.", examples=[SCHEMA_VERSION])
    data_version: str = Field(description="Version of the clinical data.", examples=["2026.12.3"])


class ScreeningAnswer(ScreeningResult):
    """The flags of one record, for clinician review. Not a diagnosis."""

    data_version: str = Field(description="Version of the clinical data.", examples=["2026.12.3"])


class CompactLine(OpenForm):
    """One line in short."""

    state: LineState = Field(description="Whether the line is low under the definition.", examples=["low"])
    grade: int | None = Field(description="The grade under the scheme; null where it cannot be graded.", examples=[2])


class CompactLines(OpenForm):
    """The three lines in short."""

    red: CompactLine = Field(description="The red line.", examples=[{"state": "low", "grade": 2}])
    white: CompactLine = Field(description="The white line.", examples=[{"state": "low", "grade": 2}])
    platelet: CompactLine = Field(description="The platelet line.", examples=[{"state": "low", "grade": 4}])


class CompactResult(OpenForm):
    """Pattern, lines, grades, urgency and reasons of one record, for clinician review. Not a diagnosis."""

    notice: str = Field(description="Stands in every answer.", examples=[NOTICE])
    schema_version: str = Field(description="Version of the form of the answers.", examples=[SCHEMA_VERSION])
    pattern: Pattern = Field(description="How many lines are low.", examples=["pancytopenia"])
    lines_low_min: int = Field(description="How many lines are surely low.", examples=[3])
    lines_low_max: int = Field(description="How many lines may be low.", examples=[3])
    white_line_basis: WhiteBasis = Field(description="What the white line was judged on.", examples=["neutrophils"])
    severity: Severity = Field(description="The most severe line.", examples=["very_severe"])
    severity_min: Severity = Field(description="The least that all possibilities agree on.", examples=["very_severe"])
    urgency: Urgency = Field(description="How soon a person should look.", examples=["immediate"])
    lines: CompactLines = Field(
        description="The three lines.",
        examples=[
            {
                "red": {"state": "low", "grade": 2},
                "white": {"state": "low", "grade": 2},
                "platelet": {"state": "low", "grade": 4},
            }
        ],
    )
    urgency_reasons: list[str] = Field(description="Rules that the urgency rests on.", examples=[["notify_platelets"]])
    guards: list[str] = Field(description="Checks for a spurious result that were met.", examples=[["rule_of_three"]])
    reasons: list[tuple[str, Reason]] = Field(
        description="Why something is unknown, as pairs of field and reason.",
        examples=[[["platelets", "CENSORED_LOW"]]],
    )


class CompactAnswer(CompactResult):
    """A compact result with the version of the data."""

    data_version: str = Field(description="Version of the clinical data.", examples=["2026.12.3"])


class FaultAnswer(OpenForm):
    """One thing that is wrong with a request."""

    code: ProblemCode = Field(description="Why it is refused.", examples=["MALFORMED"])
    message: str = Field(description="What is wrong; nothing of the body.", examples=["age is missing"])
    path: list[PathPart] = Field(description="Where in the body.", examples=[["hemoglobin", "unit"]])


class ProblemAnswer(_Answer):
    """A request that was refused."""

    errors: list[FaultAnswer] = Field(
        description="What is wrong, one or more.",
        examples=[[{"code": "MALFORMED", "message": "age is missing", "path": ["hemoglobin", "unit"]}]],
    )


class BatchEntry(OpenForm):
    """One record of a batch: its result, or why it was refused."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)  # one of the two is left out

    index: int = Field(description="Place of the record in the request, from 0.", examples=[0])
    result: ScreeningResult | CompactResult | None = Field(default=None, description="The result.")
    errors: list[FaultAnswer] | None = Field(default=None, description="Why there is none.")


class BatchAnswer(_Answer):
    """The records of a batch: `received == used + rejected`."""

    received: int = Field(description="How many records came.", examples=[2])
    used: int = Field(description="How many were screened.", examples=[1])
    rejected: int = Field(description="How many were refused.", examples=[1])
    answers: list[BatchEntry] = Field(description="One entry for each record, in order.")


class FHIRCount(OpenForm):
    """One blood count of a Bundle."""

    entry: int = Field(description="The first entry of the Bundle that the count is of.", examples=[2])
    person: str = Field(description="The person as the Bundle refers to it.", examples=["Patient/example"])
    result: ScreeningResult | CompactResult = Field(description="The result.")


class FHIRRejection(OpenForm):
    """An entry, or a single result, that could not be used."""

    entry: int = Field(description="The entry of the Bundle.", examples=[3])
    reason: Reason = Field(description="Why it could not be used.", examples=["MESSAGE_UNREADABLE"])


class FHIRAnswer(_Answer):
    """The counts of a Bundle: `received == used + rejected`."""

    received: int = Field(description="How many counts and unreadable entries there are.", examples=[1])
    used: int = Field(description="How many counts were screened.", examples=[1])
    rejected: int = Field(description="How many counts or entries were refused.", examples=[0])
    rejections: list[FHIRRejection] = Field(
        description="What was refused, single results that belong to no count among it.",
        examples=[[{"entry": 3, "reason": "MESSAGE_UNREADABLE"}]],
    )
    results: dict[str, int | dict[str, int]] = Field(
        description="The account of single results.", examples=[{"read": 3, "used": 3}]
    )
    suspect_units: dict[str, str] = Field(description="Analytes that were not used, for their unit is doubted.")
    counts: list[FHIRCount] = Field(description="Each count, collected by person and moment.")


class VersionAnswer(_Answer):
    """The versions, and how the service screens."""

    cbc_screen: str = Field(description="Version of the code.", examples=["0.5.0"])
    definition: str = Field(description="When a line is low.", examples=["reference"])
    grading: str = Field(description="Grading scheme.", examples=["clinical"])
    ranges: str = Field(description="Set of reference ranges; an own file is called own.", examples=["default"])
    rules: str = Field(description="Set of checks; an own file is called own.", examples=["default"])
    setting: list[Setting] = Field(
        description="Where the counts come from; none where it was not stated.", examples=[["ward"]]
    )


class HealthAnswer(_Answer):
    """That the service answers."""

    status: str = Field(description="ok where a record can be screened.", examples=["ok"])


class SchemasAnswer(_Answer):
    """The names of the schemas."""

    schemas: list[str] = Field(description="Each can be read at /schemas/{name}.", examples=[["record", "result"]])


class RecordInTime(OpenForm):
    """A record, with earlier counts of its person."""

    record: CBCRecord = Field(
        description="The count to screen, with its moment of collection.",
        examples=[{"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL", "collected_at": "2026-11-01"}],
    )
    history: list[CBCRecord] = Field(
        description="Counts of the same person taken before, in any order.",
        examples=[[{"age": "54 y", "sex": "F", "hemoglobin": "12.9 g/dL", "collected_at": "2026-05-01"}]],
    )


class RecordList(OpenForm):
    """Records to be screened together; a bare list is taken, too."""

    records: list[CBCRecord] = Field(
        description="The records.", examples=[[{"age": "54 y", "sex": "F", "hemoglobin": "9.1 g/dL"}]]
    )
