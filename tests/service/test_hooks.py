"""CDS Hooks: discovery, cards, what is refused, and feedback that is the worklist's answers."""

from __future__ import annotations

import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from served import SICK, post, serving

import cbc_screen as cbc
from cbc_screen.service.cards import markdown
from cbc_screen.service.feedback import SYSTEM, card_id, pattern_of
from cbc_screen.service.spans import spans_of
from cbc_screen.vocabulary import Pattern
from test_cases import CASES

VIEW, SIGN = "/cds-services/cbc-screen-patient-view", "/cds-services/cbc-screen-order-sign"
CODES = {"hemoglobin": "718-7", "neutrophils": "751-8", "wbc": "6690-2", "platelets": "777-3", "mcv": "787-2"}
PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1970-03-02"}
LOW = {"hemoglobin": "9.1 g/dL", "neutrophils": "0.9 10^9/L", "platelets": "<10 10^9/L"}
USUAL = {"hemoglobin": "13.5 g/dL", "neutrophils": "4.0 10^9/L", "platelets": "250 10^9/L"}


def observation(analyte: str, text: str, day: str, person: str = "p1") -> dict[str, Any]:
    value, _, unit = text.partition(" ")
    quantity: dict[str, Any] = {"value": float(value.lstrip("<")), "unit": unit}
    if value.startswith("<"):
        quantity["comparator"] = "<"
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": CODES[analyte]}]},
        "subject": {"reference": f"Patient/{person}"},
        "effectiveDateTime": day,
        "valueQuantity": quantity,
    }


def request_of(counts: dict[str, dict[str, str]], hook: str = "patient-view", **changes: Any) -> dict[str, Any]:
    found = [observation(name, text, day) for day, own in counts.items() for name, text in own.items()]
    bundle = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one} for one in found]}
    asked = {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "context": {"patientId": "p1", "userId": "Practitioner/1", "draftOrders": {"resourceType": "Bundle"}},
        "prefetch": {"patient": PATIENT, "counts": bundle},
    }
    return asked | changes


def cards_of(client: httpx.Client, *given: Any, path: str = VIEW, **more: Any) -> list[dict[str, Any]]:
    answer = post(client, path, request_of(*given, **more))
    assert answer.status_code == 200, answer.text
    for card in answer.json()["cards"]:
        require_card(card)
    return answer.json()["cards"]


def require_card(card: dict[str, Any]) -> None:
    """Hold a card against what the standard says of its elements."""
    allowed = {"uuid", "summary", "detail", "indicator", "source", "overrideReasons"}
    assert set(card) <= allowed
    assert 0 < len(card["summary"]) < 140
    assert card["indicator"] in ("info", "warning", "critical")
    assert card["source"]["label"] == f"cbc-screen {cbc.__version__}, data {cbc.__data_version__}"
    assert str(uuid.UUID(card["uuid"])) == card["uuid"]
    assert uuid.UUID(card["uuid"]).variant == uuid.RFC_4122
    assert all(reason["display"] and reason["code"] and reason["system"] for reason in card["overrideReasons"])
    assert cbc.NOTICE in card["detail"].replace("\\", "")


def test_discovery(client: httpx.Client) -> None:
    found = client.get("/cds-services").json()
    assert {service["hook"]: service["id"] for service in found["services"]} == {
        "patient-view": "cbc-screen-patient-view",
        "order-sign": "cbc-screen-order-sign",
    }
    for service in found["services"]:
        assert re.fullmatch(r"[a-z-]+", service["id"])
        assert service["prefetch"]["patient"] == "Patient/{{context.patientId}}"
        assert "|718-7" in service["prefetch"]["counts"]
        assert "{{context.patientId}}" in service["prefetch"]["counts"]
        assert cbc.NOTICE in service["description"]
    assert found["extension"]["cbc-screen"]["data_version"] == cbc.__data_version__


@pytest.mark.parametrize(("path", "hook"), [(VIEW, "patient-view"), (SIGN, "order-sign")])
def test_a_card_of_a_low_count(client: httpx.Client, path: str, hook: str) -> None:
    (card,) = cards_of(client, {"2024-06-20": LOW}, path=path, hook=hook)
    result = cbc.screen({"birth_date": "1970-03-02", "collected_at": "2024-06-20", "sex": "F", **LOW})
    assert card["summary"].startswith(result.pattern_text)
    assert card["indicator"] == "critical"
    assert markdown(result.summary) in card["detail"]
    assert [reason["code"] for reason in card["overrideReasons"]] == [
        *("agree", "disagree", "instead-none", "instead-single_line", "instead-bicytopenia"),
    ]


def test_no_card_where_there_is_nothing_to_review(client: httpx.Client) -> None:
    assert cards_of(client, {"2024-06-20": USUAL}) == []
    assert cards_of(client, {}) == []


def test_a_line_that_is_not_known_is_no_reason_for_silence(client: httpx.Client) -> None:
    (card,) = cards_of(client, {"2024-06-20": {"hemoglobin": "13.5 g/dL", "platelets": "250 10^9/L"}})
    assert card["indicator"] == "info"
    assert "white line unknown" in card["summary"]


def test_the_last_count_is_shown_and_the_others_are_named(client: httpx.Client) -> None:
    (card,) = cards_of(client, {"2023-01-01": USUAL, "2024-06-20": LOW, "2022-01-01": USUAL})
    assert "earlier counts that were sent and are not shown: 2" in card["detail"]
    assert cards_of(client, {"2024-06-20": LOW, "2024-06-21": USUAL}) == []
    answer = post(client, VIEW, request_of({"2024-06-20": LOW, "2024-06-21": USUAL})).json()
    account = answer["extension"]["cbc-screen"]
    assert (account["received"], account["used"], account["shown"], account["rejections"]) == (2, 2, 1, [])


def test_moments_are_compared_and_not_their_texts(client: httpx.Client) -> None:
    """23:30 in the west is later than 00:30 of the next day in the east."""
    later, earlier = "2024-06-20T23:30:00-05:00", "2024-06-21T00:30:00+09:00"
    assert len(cards_of(client, {earlier: USUAL, later: LOW})) == 1
    assert len(cards_of(client, {earlier: LOW, later: USUAL})) == 0


DAYS = [
    # When a count without anything to review was taken, when a low one, and whether a card must show it.
    ("2024-06-20T10:00:00Z", "2024-06-20", True),  # which of the two is last is not known
    ("2024-06-20T23:00:00+10:00", "2024-06-20", True),  # the day as it is written there
    ("2024-06-20", "2024-06-20T00:00:00Z", True),
    ("2024-06-21T00:10:00Z", "2024-06-20", False),
    ("2024-06-21", "2024-06-20T23:50:00Z", False),
    ("2024-06-20", "2024-06-21T08:00:00Z", True),
    ("2024-06-20", "2024-06-21", True),
    ("2024-06-21", "2024-06-20", False),
    ("2024-06-20T10:00:00Z", "2024-06", True),  # a month alone is no known time
]


@pytest.mark.parametrize(("usual", "low", "shown"), DAYS)
def test_a_day_without_an_hour_hides_no_count_of_that_day(
    client: httpx.Client, usual: str, low: str, shown: bool
) -> None:
    assert (len(cards_of(client, {usual: USUAL, low: LOW})) >= 1) == shown


def test_a_number_keeps_its_digits(client: httpx.Client) -> None:
    body = request_of({"2024-06-20": LOW})
    text = b'{"a": 1, "prefetch": {"x": {"value": 0.0000, "e": 1E2} , "y":[1.50]},\n"b":"}"}'
    assert spans_of(spans_of(text.decode())["prefetch"]) == {"x": '{"value": 0.0000, "e": 1E2}', "y": "[1.50]"}
    assert spans_of("{}") == {}
    assert post(client, VIEW, body).status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "code", "path"),
    [
        ({"prefetch": None}, 412, "PREFETCH_MISSING", ["prefetch", "patient"]),
        ({"prefetch": {}}, 412, "PREFETCH_MISSING", ["prefetch", "patient"]),
        ({"prefetch": {"patient": PATIENT}}, 412, "PREFETCH_MISSING", ["prefetch", "counts"]),
        ({"prefetch": {"patient": None, "counts": None}}, 412, "PREFETCH_MISSING", ["prefetch", "patient"]),
        (
            {"prefetch": {"patient": PATIENT, "counts": {"resourceType": "OperationOutcome"}}},
            *(412, "PREFETCH_MISSING", ["prefetch", "counts"]),
        ),
        ({"prefetch": {"patient": 7}}, 422, "MALFORMED", ["prefetch", "patient"]),
        (
            {"prefetch": {"patient": PATIENT, "counts": {"resourceType": "Bundle", "entry": {}}}},
            *(422, "MALFORMED", ["prefetch", "counts", "entry"]),
        ),
        ({"hook": "order-sign"}, 422, "MALFORMED", ["hook"]),
        ({"hook": "order-select"}, 422, "MALFORMED", ["hook"]),
        ({"hookInstance": "7"}, 422, "MALFORMED", ["hookInstance"]),
        ({"context": {}}, 422, "MALFORMED", ["context", "patientId"]),
        ({"context": {"patientId": "other"}}, 422, "SEVERAL_PERSONS", ["prefetch", "patient", "id"]),
    ],
)
def test_what_is_refused(
    client: httpx.Client, changes: dict[str, Any], status: int, code: str, path: list[str]
) -> None:
    answer = post(client, VIEW, request_of({"2024-06-20": LOW}, **changes))
    error = answer.json()["errors"][0]
    assert (answer.status_code, error["code"], error["path"]) == (status, code, path)


def test_results_of_two_persons_are_no_card(client: httpx.Client) -> None:
    asked = request_of({"2024-06-20": LOW})
    asked["prefetch"]["counts"]["entry"].append({"resource": observation("mcv", "90 fL", "2024-06-20", "p2")})
    answer = post(client, VIEW, asked)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "SEVERAL_PERSONS")


def test_summaries_of_the_whole_case_set_are_short_enough() -> None:
    from cbc_screen.service.cards import card_of

    for name, case in CASES.items():
        if not case.get("screener"):
            require_card(card_of(cbc.screen(case["record"])))
            assert name


def test_texts_are_no_markup() -> None:
    assert markdown("[a](http://b) <i> *x* _y_ `z`\n# h") == (r"\[a\]\(http://b\) \<i\> \*x\* \_y\_ \`z\` \# h")


@pytest.mark.parametrize("pattern", Pattern)
def test_a_card_remembers_its_pattern(pattern: Pattern) -> None:
    made = {card_id(pattern, uuid.uuid4()) for _ in range(50)}
    assert len(made) == 50
    assert {pattern_of(str(card)) for card in made} == {pattern}
    assert all(card.version == 8 for card in made if hasattr(uuid, "uuid8"))
    assert {str(card)[14] for card in made} == {"8"}


@pytest.mark.parametrize(
    "card",
    ["", "x", str(uuid.UUID(int=0)), "295120b6-456e-47be-823e-02c58228c3b3", "cbc5ff00-0000-8000-8000-000000000000"],
)
def test_a_card_of_somebody_else_has_none(card: str) -> None:
    assert pattern_of(card) is None


def feedback(card: str, outcome: str = "overridden", code: str | None = None, comment: str = "") -> dict[str, Any]:
    reason = {"overrideReason": {"reason": {"code": code}, "userComment": comment}} if code is not None else {}
    return {"card": card, "outcome": outcome, "outcomeTimestamp": "2026-11-26T10:00:00Z", **reason}


def test_feedback_is_the_worklists_answers_and_validate_reads_them(tmp_path: Path) -> None:
    answers = tmp_path / "answers.csv"
    with serving("--answers", str(answers)) as served, httpx.Client(base_url=served.url, timeout=60) as client:
        (card,) = cards_of(client, {"2024-06-20": LOW})
        others = [str(card_id(Pattern.BICYTOPENIA, uuid.uuid4())) for _ in range(3)]
        told = {
            "feedback": [
                feedback(card["uuid"], code="agree", comment="=cmd()"),
                feedback(others[0], code="instead-pancytopenia"),
                feedback(others[1], code="disagree"),
                feedback(others[2]),
                feedback(str(uuid.uuid4()), code="agree"),
                feedback(others[1], code="disagree"),
                feedback(str(card_id(Pattern.NONE, uuid.uuid4())), outcome="accepted"),
                feedback(str(card_id(Pattern.NONE, uuid.uuid4())), code="instead-nonsense"),
            ]
        }
        answer = post(client, f"{VIEW}/feedback", told)
        metrics = client.get("/metrics").text
    found = answer.json()
    assert answer.status_code == 200
    account = [found[name] for name in ("received", "used", "unanswered", "repeated", "rejected")]
    assert account == [8, 4, 1, 1, 2]
    assert [error["path"] for error in found["errors"]] == [["feedback", 4], ["feedback", 7]]
    first = found["answers"][0]
    assert (first["rule"], first["flag"], first["answer"]) == ("pattern:pattern", "pancytopenia", "agree")
    assert found["answers"][1]["instead"] == "pancytopenia"
    assert 'cbc_screen_feedback_total{answer="agree"} 2' in metrics
    assert answers.stat().st_mode & 0o777 == 0o600
    text = answers.read_text(encoding="utf-8")
    assert text.startswith("file,row,rule,flag,answer,instead,comment,reviewer\n")
    assert "'=cmd()" in text
    agreed = cbc.validate(answers)
    assert (agreed.lines, agreed.used, agreed.unanswered, agreed.repeated, agreed.rejected) == (6, 4, 1, 1, 0)
    pancytopenia = next(rule for rule in agreed.rules if rule.rule == "pattern:pancytopenia")
    assert (pancytopenia.true_positive, pancytopenia.false_negative) == (1, 1)


def test_one_card_is_one_row_however_its_id_is_written(client: httpx.Client) -> None:
    card = str(card_id(Pattern.BICYTOPENIA, uuid.uuid4()))
    written = [card, card.upper(), f"urn:uuid:{card}", card.replace("-", "")]
    found = post(client, f"{VIEW}/feedback", {"feedback": [feedback(one, code="disagree") for one in written]}).json()
    assert [found[name] for name in ("received", "used", "repeated")] == [4, 1, 3]
    assert found["answers"][0]["row"] == card


@pytest.mark.parametrize(("system", "used"), [(SYSTEM, 1), (None, 1), ("http://other.example/reasons", 0)])
def test_a_reason_of_another_system_is_no_answer(client: httpx.Client, system: str | None, used: int) -> None:
    told = feedback(str(card_id(Pattern.BICYTOPENIA, uuid.uuid4())), code="disagree")
    told["overrideReason"]["reason"]["system"] = system
    found = post(client, f"{VIEW}/feedback", {"feedback": [told]}).json()
    assert [found[name] for name in ("received", "used", "unanswered")] == [1, used, 1 - used]


def test_feedback_that_is_malformed(client: httpx.Client) -> None:
    for told, path in (
        ({}, ["feedback"]),
        ({"feedback": [{"card": 7, "outcome": "accepted", "outcomeTimestamp": ""}]}, ["feedback", 0, "card"]),
        ({"feedback": [feedback("x", outcome="maybe")]}, ["feedback", 0, "outcome"]),
    ):
        answer = post(client, f"{VIEW}/feedback", told)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["path"] == path


def test_without_a_file_nothing_is_kept(client: httpx.Client) -> None:
    answer = post(client, f"{SIGN}/feedback", {"feedback": [feedback(str(card_id(Pattern.NONE, uuid.uuid4())))]})
    assert answer.json()["unanswered"] == 1
    assert post(client, "/screen", SICK).status_code == 200


# Whose counts they are, and what could not be read --------------------------------------------


def test_counts_of_another_person_make_no_card_on_this_chart(client: httpx.Client) -> None:
    found = [observation(name, text, "2024-03-01", "someone") for name, text in LOW.items()]
    someone = {"resourceType": "Patient", "id": "someone", "gender": "male", "birthDate": "1990-01-01"}
    for entries in (found, [someone, *found]):
        bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in entries]}
        answer = post(client, VIEW, request_of({}, prefetch={"patient": PATIENT, "counts": bundle}))
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "SEVERAL_PERSONS")


def test_an_address_that_ends_with_the_patient_is_the_patient(client: httpx.Client) -> None:
    found = [observation(name, text, "2024-03-01") for name, text in LOW.items()]
    for one in found:
        one["subject"]["reference"] = "https://ehr.example/fhir/Patient/p1"
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in found]}
    answer = post(client, VIEW, request_of({}, prefetch={"patient": PATIENT, "counts": bundle}))
    [card] = answer.json()["cards"]
    assert "pancytopenia" in card["summary"].lower()
    assert "sex" not in " ".join(reason for reason in card["detail"].splitlines() if "SEX_MISSING" in reason)


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "https://other.example/fhir/Patient/p1"}, {"reference": "RelatedPerson/p1"}, {"reference": "#x"},
        {"display": "Somebody"}, None,
    ],
)  # fmt: skip
def test_a_count_that_is_not_surely_of_the_patient_makes_no_card_on_this_chart(
    client: httpx.Client, subject: dict[str, str] | None
) -> None:
    """Another server has another Patient/p1; who is not named is nobody."""
    found = [observation(name, text, "2024-03-01") for name, text in LOW.items()]
    for one in found:
        one["subject"] = subject
    own = [observation(name, text, "2024-03-02") for name, text in USUAL.items()]
    for entries in (found, found + own):
        bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in entries]}
        sent = request_of({}, prefetch={"patient": PATIENT, "counts": bundle}, fhirServer="https://ehr.example/fhir/")
        answer = post(client, VIEW, sent)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "SEVERAL_PERSONS")


def test_the_server_that_is_told_is_that_of_the_patient(client: httpx.Client) -> None:
    found = [observation(name, text, "2024-03-01") for name, text in LOW.items()]
    found[0]["subject"]["reference"] = "https://ehr.example/fhir/Patient/p1"
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in found]}
    sent = request_of({}, prefetch={"patient": PATIENT, "counts": bundle}, fhirServer="https://ehr.example/fhir")
    [card] = post(client, VIEW, sent).json()["cards"]
    assert "pancytopenia" in card["summary"].lower()


def test_a_day_that_is_not_yet_hides_no_count(client: httpx.Client) -> None:
    """A slip in the year of a usual count: the low one is shown all the same."""
    found = cards_of(client, {"2024-06-20": LOW, "2099-06-20": USUAL})
    assert ["pancytopenia" in card["summary"].lower() for card in found] == [True]


@pytest.mark.parametrize("entries", [[{"resource": "x"}], [{"resource": 7}, {"resource": None}]])
def test_what_cannot_be_read_is_a_card_and_not_silence(client: httpx.Client, entries: list[Any]) -> None:
    bundle = {"resourceType": "Bundle", "entry": entries}
    answer = post(client, VIEW, request_of({}, prefetch={"patient": PATIENT, "counts": bundle}))
    assert answer.status_code == 200
    [card] = answer.json()["cards"]
    assert (card["indicator"], len(card["summary"]) < 140) == ("warning", True)
    assert "Not a diagnosis" in card["detail"]
    assert card["source"]["label"].startswith("cbc-screen ")
    assert "could not be used" in card["summary"]


def outcome(*severities: str) -> dict[str, Any]:
    issues = [{"severity": own, "code": "processing"} for own in severities]
    return {"resource": {"resourceType": "OperationOutcome", "issue": issues}, "search": {"mode": "outcome"}}


def searched(counts: dict[str, dict[str, str]], *severities: str) -> dict[str, Any]:
    asked = request_of(counts)
    asked["prefetch"]["counts"]["entry"].append(outcome(*severities))
    return asked


def test_a_search_that_failed_is_no_silence(client: httpx.Client) -> None:
    """Without a count it is a card of its own; beside one it is said there; advice is nothing."""
    [alone] = post(client, VIEW, searched({}, "error")).json()["cards"]
    require_card({**alone, "overrideReasons": []})
    assert "counts may be missing" in alone["summary"]
    [usual] = post(client, VIEW, searched({"2026-03-01": USUAL}, "information", "fatal")).json()["cards"]
    assert "counts may be missing" in usual["summary"]
    [low] = post(client, VIEW, searched({"2026-03-01": LOW}, "error")).json()["cards"]
    assert "counts may be missing" in low["detail"]
    assert low["summary"].startswith("pancytopenia")
    assert post(client, VIEW, searched({"2026-03-01": USUAL}, "information", "warning")).json()["cards"] == []
