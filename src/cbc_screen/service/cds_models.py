"""The shapes of CDS Hooks 2.0: discovery, a hook's request, cards, and feedback."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from cbc_screen.service.models import FaultAnswer, OpenForm
from cbc_screen.vocabulary import NOTICE, SCHEMA_VERSION

Hook = Literal["patient-view", "order-sign"]


class _Sent(BaseModel):
    # A client may send what later versions know, and extensions of its own.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Service(OpenForm):
    """One service of the discovery."""

    hook: Hook = Field(description="When it is to be called.", examples=["patient-view"])
    id: str = Field(description="Its name in the path.", examples=["cbc-screen-patient-view"])
    title: str = Field(description="Its name for people.", examples=["Blood count screen"])
    description: str = Field(description="What it does.", examples=[f"Flags of the last blood count. {NOTICE}"])
    usageRequirements: str = Field(  # noqa: N815 - the name in CDS Hooks
        description="What it needs.", examples=["Send the prefetch; no FHIR server is called."]
    )
    prefetch: dict[str, str] = Field(
        description="What is to be sent along.", examples=[{"patient": "Patient/{{context.patientId}}"}]
    )


class Services(OpenForm):
    """The discovery."""

    services: list[Service] = Field(description="Every service.")
    extension: dict[str, Any] = Field(description="Notice and versions.", examples=[{"cbc-screen": {"notice": NOTICE}}])


class HookContext(_Sent):
    """Of a hook: whom it is about."""

    patientId: str = Field(min_length=1, max_length=200, description="Id of the patient.", examples=["example"])  # noqa: N815
    userId: str | None = Field(default=None, description="Who looks.", examples=["Practitioner/1"])  # noqa: N815
    encounterId: str | None = Field(default=None, description="Where.", examples=["1"])  # noqa: N815
    draftOrders: dict[str, Any] | None = Field(  # noqa: N815
        default=None, description="Of order-sign; not read.", examples=[{"resourceType": "Bundle"}]
    )


class Prefetch(_Sent):
    """What the discovery asks for."""

    patient: dict[str, Any] | None = Field(
        default=None, description="The Patient.", examples=[{"resourceType": "Patient", "id": "example"}]
    )
    counts: dict[str, Any] | None = Field(
        default=None,
        description="A Bundle of Observations.",
        examples=[{"resourceType": "Bundle", "type": "searchset"}],
    )


class HookRequest(_Sent):
    """A call of a hook."""

    hook: Hook = Field(description="Which hook it is.", examples=["patient-view"])
    hookInstance: UUID = Field(  # noqa: N815
        description="Id of this call.", examples=["d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"]
    )
    fhirServer: str | None = Field(  # noqa: N815
        default=None,
        max_length=2000,
        description="Of the patient; it is never called.",
        examples=["https://ehr.example/fhir"],
    )
    context: HookContext = Field(description="Whom it is about.", examples=[{"patientId": "example"}])
    prefetch: Prefetch | None = Field(
        default=None, description="What the discovery asks for; 412 where it is missing.", examples=[{"patient": None}]
    )


class Coding(OpenForm):
    """A code."""

    code: str = Field(description="The code.", examples=["disagree"])
    system: str = Field(description="What it is of.", examples=["urn:cbc-screen:answer"])
    display: str = Field(description="Its words.", examples=["Disagree"])


class CardSource(OpenForm):
    """What a card rests on."""

    label: str = Field(description="Its name.", examples=["cbc-screen 0.5.0, data 2026.12.3"])


class Card(OpenForm):
    """A card: flags of one count, for clinician review. Not a diagnosis."""

    uuid: UUID = Field(description="Id of the card, for feedback.", examples=["cbc50300-0000-8000-8000-000000000000"])
    summary: str = Field(max_length=139, description="The pattern in words.", examples=["pancytopenia"])
    detail: str = Field(description="More, as Markdown.", examples=[NOTICE])
    indicator: Literal["info", "warning", "critical"] = Field(description="How soon to look.", examples=["critical"])
    source: CardSource = Field(description="What it rests on.", examples=[{"label": "cbc-screen 0.5.0"}])
    overrideReasons: list[Coding] = Field(  # noqa: N815
        description="What may be said of it: the answers of the worklist.",
        examples=[[{"code": "disagree", "system": "urn:cbc-screen:answer", "display": "Disagree"}]],
    )


class Cards(OpenForm):
    """The answer to a hook; no card where nothing is to be reviewed."""

    cards: list[Card] = Field(description="The cards.")
    extension: dict[str, Any] = Field(
        description="Notice, versions and what was not used.", examples=[{"cbc-screen": {"notice": NOTICE}}]
    )


class SentCoding(_Sent):
    """The code of a reason."""

    system: str | None = Field(
        default=None, max_length=200, description="What it is of.", examples=["urn:cbc-screen:answer"]
    )
    code: str | None = Field(default=None, max_length=200, description="The code.", examples=["disagree"])


class OverrideReason(_Sent):
    """Why a card was overridden."""

    reason: SentCoding | None = Field(default=None, description="One of the card's.", examples=[{"code": "disagree"}])
    userComment: str | None = Field(  # noqa: N815
        default=None, max_length=4_000, description="In the reviewer's words.", examples=["known"]
    )


class Feedback(_Sent):
    """What became of one card."""

    card: str = Field(max_length=200, description="Id of the card.", examples=["cbc50300-0000-8000-8000-000000000000"])
    outcome: Literal["accepted", "overridden"] = Field(description="What was done.", examples=["overridden"])
    overrideReason: OverrideReason | None = Field(  # noqa: N815
        default=None, description="Why.", examples=[{"reason": {"code": "disagree"}}]
    )
    outcomeTimestamp: str = Field(description="When.", examples=["2026-11-26T10:00:00Z"])  # noqa: N815


class FeedbackRequest(_Sent):
    """What became of cards."""

    feedback: list[Feedback] = Field(description="Of one or more cards.")


class WorklistAnswer(OpenForm):
    """An answer as the worklist saves it, and `cbc-screen validate` reads it."""

    file: str = Field(description="Empty: cards are of no file.", examples=[""])
    row: str = Field(description="The card.", examples=["cbc50300-0000-8000-8000-000000000000"])
    rule: str = Field(description="What it is about.", examples=["pattern:pattern"])
    flag: str = Field(description="What was flagged.", examples=["pancytopenia"])
    answer: str = Field(description="agree, disagree, or empty.", examples=["disagree"])
    instead: str = Field(description="What it is instead, where that was said.", examples=["bicytopenia"])
    comment: str = Field(description="The reviewer's words.", examples=[""])
    reviewer: str = Field(description="Empty: feedback names nobody.", examples=[""])


class FeedbackAnswer(OpenForm):
    """What became of the feedback: `received == used + unanswered + repeated + rejected`."""

    notice: str = Field(description="Stands in every answer.", examples=[NOTICE])
    schema_version: str = Field(description="Version of the form of the answers.", examples=[SCHEMA_VERSION])
    data_version: str = Field(description="Version of the clinical data.", examples=["2026.12.3"])
    received: int = Field(description="How many cards it is about.", examples=[1])
    used: int = Field(description="How many answers there are.", examples=[1])
    unanswered: int = Field(description="How many say nothing of the flag.", examples=[0])
    repeated: int = Field(description="How many say the same again.", examples=[0])
    rejected: int = Field(description="How many could not be read.", examples=[0])
    errors: list[FaultAnswer] = Field(description="Why they could not.")
    answers: list[WorklistAnswer] = Field(description="Every answer, as the worklist saves it.")
