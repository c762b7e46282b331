"""HL7 v2: the segments of one message to persons and results."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cbc_screen.ingest.hl7_frames import Frame, Marks
from cbc_screen.ingest.hl7_grammar import CACHED_FIELDS, CACHED_PERSONS, NULL, Grammar, iso_date, iso_time, remember
from cbc_screen.ingest.hl7_orders import status_of_order, voided_by_control
from cbc_screen.ingest.hl7_reports import (
    MOST_NOTES,
    Kinds,
    Observation,
    PlainObservation,
    Report,
    joined_orders,
    opened,
)
from cbc_screen.ingest.hl7_shifted import Shift, shifted
from cbc_screen.ingest.hl7_words import ObservationWords, OrderWords, PatientWords
from cbc_screen.ingest.results import (
    PLAIN_NUMBER,
    Item,
    NotResults,
    PlainResult,
    Stated,
    StatedPerson,
    is_partial,
)
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.vocabulary import Reason, ResultStatus

LONGEST_NOTE = 4096
_PRODUCTION = "P"
_UNKNOWN = ObservationWords((), "", "", "", ())  # stands for words that were not read yet
# A result with the usual separators whose value is a number in digits: what stands before and behind it. No more is read of one.
# What has been read of a field is never given back, which halves the time (measured).
_FIELD, _SEPARATOR = "[^|]*+", r"\|"
_BEFORE, _AFTER = (_SEPARATOR.join([_FIELD] * many) for many in (3, 6))
_USUAL = re.compile(
    _SEPARATOR.join(("OBX", _FIELD, f"({_BEFORE})", f"({PLAIN_NUMBER.pattern})", f"({_AFTER})")), re.ASCII
).match
_OF_LAST: list[str] = []  # stands for the notes of the last observation, which has none yet
_TRIGGERS = {  # messages of results, asked for (ORF) or not, by what triggers them
    "ORU": frozenset(("R01", "R30", "R31", "R32", "R40", "")),
    "OUL": frozenset(("R21", "R22", "R23", "R24")),
    "ORF": frozenset(("R04",)),
}
_SPECIMEN_FIRST = frozenset((("OUL", "R22"), ("OUL", "R23")))  # their specimens stand before their orders
_KIND = re.compile("[A-Z0-9]{1,4}")
_WORDS_OF_A_MODE = frozenset(("IS", "ST", "CE", "CWE", "TX"))
_MODE = " mode"  # "Blood Mode", "Test Mode", "Measurement Mode"
_POOR, _INAPPROPRIATE = "P", "I"  # a specimen by HL7 tables 0491 and 0492


def read(
    frame: Frame, grammars: dict[tuple[Marks, str], Grammar], kinds: Kinds | None = None
) -> list[Item | PlainResult]:
    """Read a message; with `kinds`, plain results in brief."""
    texts = frame.texts()
    if frame.marks is None or frame.reason is not None:
        reason = frame.reason or Reason.MESSAGE_UNREADABLE
        return [RejectedRow(frame.line, reason, "\n".join(texts)[:LONGEST_CONTENT])]
    grammar = grammars.get((frame.marks, frame.charset))
    if grammar is None:
        if len(grammars) >= 16:  # a file has one or two
            grammars.clear()
        grammar = grammars[frame.marks, frame.charset] = Grammar(frame.marks, frame.charset)
    header = texts[0].split(frame.marks.field, 11)
    name, trigger = _kind(grammar, header)
    if trigger not in _TRIGGERS.get(name, ()):
        return [NotResults(frame.line, _named(name, trigger))]
    message = _Message(
        frame.line, grammar, _processing(grammar, header), kinds, specimen_first=(name, trigger) in _SPECIMEN_FIRST
    )
    return message.items(zip(frame.numbers, texts, strict=True))


def _kind(grammar: Grammar, header: list[str]) -> tuple[str, str]:
    """Return the kind of a message, and what triggered it; equal ones are read once."""
    received = header[8] if len(header) > 8 else ""
    found = grammar.triggers.get(received)
    if found is None:
        parts = [part.strip() for part in grammar.components(received)[:2]]
        name, trigger = (*parts, "")[:2]
        found = name, trigger
        remember(grammar.triggers, received, found)
    return found


def _named(name: str, trigger: str) -> str:
    """Name a kind of message, if it has the shape of one."""
    if _KIND.fullmatch(name) and (not trigger or _KIND.fullmatch(trigger)):
        return f"{name}^{trigger}" if trigger else name
    return "unknown"


def _processing(grammar: Grammar, header: list[str]) -> str:
    """Return the processing id of MSH-11 where it is not production.

    The processing mode, its second component, has a T of its own, and is left out.
    """
    found = grammar.first(header[10]) if len(header) > 10 else ""
    return "" if found == _PRODUCTION else found


class _Message:
    """Reads the segments of one message of results."""

    def __init__(
        self, line: int, grammar: Grammar, processing: str, kinds: Kinds | None, *, specimen_first: bool = False
    ) -> None:
        self._line, self._grammar, self._processing, self._kinds = line, grammar, processing, kinds
        measures = load_measures()
        self._statuses, self._is_person = measures.statuses, measures.words.is_person
        self._person: str | None = None
        self._nameless = self._orders = 0
        self._report: Report | None = None
        self._notes: list[str] | None = None  # of what the next NTE speaks
        self._done: list[Item | PlainResult] = []
        self._specimen_first = specimen_first
        self._specimen: list[str] | None = None  # of the orders that follow it
        self._specimen_notes: list[str] = []
        self._reports: list[Report] = []  # of one person, read
        self._asked = ""  # whose results a query asked for
        self._voided: ResultStatus | None = None  # the order that comes next

    def items(self, segments: Iterable[tuple[int, str]]) -> list[Item | PlainResult]:
        """Return what the message holds, in order."""
        separator = self._grammar.marks.field
        for line, text in segments:
            name = text[:3]
            if name == "OBX":
                self._read_observation(line, text)
            elif name == "NTE":
                self._read_note(text.split(separator))
            elif name == "OBR":
                self._read_order(text.split(separator))
            elif name == "SPM":
                self._read_specimen(text.split(separator))
            elif name == "PID":
                self._read_person(text)
            elif name == "QRD":
                self._read_query(text.split(separator))
            elif name == "ORC":
                self._read_order_control(text.split(separator))
        self._end_person()
        if self._person is None:
            self._begin_person("", "", "")
        return joined_orders(self._done, self._line) if self._orders > 1 else self._done

    def _begin_person(self, key: str, birth_date: str, sex: str, stated: Stated = ()) -> None:
        if not key:
            # Nobody that another message could speak of; and not the same as a second one here.
            self._nameless += 1
            key = f"message {self._line}" + (f" person {self._nameless}" if self._nameless > 1 else "")
        self._person = key
        self._done.append(StatedPerson(key, birth_date, sex, stated=stated))

    def _begin_report(self, group: str) -> Report:
        self._orders += 1
        if self._person is None:
            self._begin_person(self._asked, "", "")
        self._report = Report(self._person or "", group or f"message {self._line} order {self._orders}")
        self._report.stated.append(("processing", self._processing))
        return self._report

    def _end_report(self) -> None:
        if self._report is not None:
            self._reports.append(self._report)
        self._report = self._notes = None

    def _end_person(self) -> None:
        """Give the results of a person.

        One specimen behind several orders may be that of them all: where it was rejected or is clotted, none of them is believed.
        """
        self._end_report()
        told = [report for report in self._reports if report.specimens]
        for report in self._reports if len(told) == 1 else ():
            if report is not told[0]:
                report.fault = report.fault or told[0].fault
                report.notes += told[0].conditions
        for report in self._reports:
            self._done.extend(report.results(self._kinds))
        self._reports.clear()

    def _read_person(self, text: str) -> None:
        self._end_person()
        self._specimen, self._specimen_notes = None, []
        self._voided = None
        known = self._grammar.persons  # one has several messages, often one after the other
        words = known.get(text)
        if words is None:
            if len(known) >= CACHED_PERSONS:
                known.clear()
            words = known[text] = self._person_words(text.split(self._grammar.marks.field))
        self._begin_person(*words)

    def _person_words(self, fields: list[str]) -> PatientWords:
        """Return what a PID says of a person."""
        grammar = self._grammar
        fields += [""] * (37 - len(fields))
        identifiers = (grammar.identifier(part) for place in (3, 2) for part in grammar.repetitions(fields[place]))
        key = next((own for own in identifiers if self._is_person(own.partition("^")[0])), "")
        stated: Stated = ()
        if fields[35] or fields[36]:
            species = (
                (field, " ".join(grammar.coded_parts(fields[at]))) for field, at in (("animal", 35), ("breed", 36))
            )
            stated = tuple((field, text) for field, text in species if text)
        return PatientWords(key, iso_date(grammar.first(fields[7])), grammar.first(fields[8]), stated)

    def _read_order_control(self, fields: list[str]) -> None:
        """Keep whether an order was cancelled or held: it is of the OBR before it where that has no results yet."""
        if self._report is not None and self._report.observations:
            self._end_report()
        fields += [""] * (6 - len(fields))
        first = self._grammar.first
        self._voided = voided_by_control(first(fields[1]), first(fields[5]))
        if self._report is not None:
            self._report.voided = self._report.voided or self._voided

    def _read_order(self, fields: list[str]) -> None:
        self._end_report()
        grammar = self._grammar
        fields += [""] * (40 - len(fields))
        number = grammar.order(fields[3])
        if not number and (placer := grammar.order(fields[2])):
            number = f"placer {placer}"
        report = self._begin_report(number)
        words = self._order_words(fields)
        report.panel, report.specimen = words.panel, words.specimen
        report.stated += words.stated
        report.collected_at = iso_time(grammar.first(fields[7]))
        report.is_timed = not is_partial(report.collected_at)
        report.status = words.status
        # An order that was cancelled has no results, whatever each of those that came with it says.
        report.voided = self._voided or (report.status if report.status is ResultStatus.CANCELLED else None)
        report.notes += words.notes
        self._voided = None
        if self._specimen is not None:
            self._add_specimen(report, self._specimen)
            report.notes += self._specimen_notes
        self._notes = report.notes

    def _order_words(self, fields: list[str]) -> OrderWords:
        """Return what an OBR says of its results; equal ones are read once."""
        grammar, known = self._grammar, self._grammar.orders
        key = (fields[4], fields[11], fields[15], fields[25], fields[39])
        words = known.get(key)
        if words is None:
            stated = [("action", grammar.first(fields[11]))]
            stated += [("service", text) for text in grammar.with_system(fields[4])]
            stated += [("type", text) for text in grammar.source_parts(fields[15])]
            words = OrderWords(
                grammar.coded_texts(fields[4], 1, 4),
                grammar.all_texts(fields[15]),
                tuple(stated),
                status_of_order(grammar.first(fields[25]), self._statuses),
                tuple(grammar.coded_parts(fields[39])),  # what the collector says of the sample
            )
            if len(known) >= CACHED_FIELDS:
                known.clear()
            known[key] = words
        return words

    def _read_query(self, fields: list[str]) -> None:
        """Keep whom a query asks for: its answer may have no PID."""
        fields += [""] * (9 - len(fields))
        whom = self._grammar.repetitions(fields[8])
        self._asked = self._grammar.first(whom[0]) if len(whom) == 1 else ""

    def _read_specimen(self, fields: list[str]) -> None:
        fields += [""] * (25 - len(fields))
        if self._specimen_first or self._report is None:
            self._end_report()
            self._specimen, self._specimen_notes = fields, []
            self._notes = self._specimen_notes
        else:
            self._add_specimen(self._report, fields)
            self._notes = self._report.notes

    def _add_specimen(self, report: Report, fields: list[str]) -> None:
        grammar = self._grammar
        report.specimens.append(grammar.coded_texts(fields[4], 1, 4, 8))
        report.stated += [("type", text) for text in grammar.coded_parts(fields[4])]
        report.stated += [("role", text) for text in grammar.coded_parts(fields[11])]
        report.stated += [("number", text) for text in grammar.identifiers(fields[2])]
        report.sampled_at = report.sampled_at or iso_time(grammar.first(fields[17]))
        quality, appropriate = grammar.first(fields[22]).upper(), grammar.first(fields[23]).upper()
        if any(grammar.coded_parts(fields[21])) or quality == _POOR or appropriate == _INAPPROPRIATE:
            report.fault = Reason.SPECIMEN_SUSPECT  # it was rejected, whatever the reason
        described = filter(None, [grammar.all_texts(fields[14])])
        conditions = [*described, *grammar.coded_parts(fields[24])]  # clotted, hemolyzed
        report.conditions += conditions
        report.notes += conditions

    def _read_observation(self, line: int, text: str) -> None:
        grammar, report = self._grammar, self._report
        if report is not None and report.is_timed and grammar.is_usual:
            found = _USUAL(text)
            if found is not None:
                before, value, after = found.groups()
                words = grammar.words.get((before, after), _UNKNOWN)
                if words is _UNKNOWN:
                    words = self._plain_words(before, value, after)
                if words is not None:
                    self._voided = None
                    status = report.voided or words.status or report.status
                    report.observations.append(PlainObservation(line, words, status, value, text))
                    self._notes = _OF_LAST
                    return
        fields = text.split(grammar.marks.field)
        if len(fields) < 15:
            fields += [""] * (15 - len(fields))
        self._read_any_observation(line, text, fields)

    def _plain_words(self, before: str, value: str, after: str) -> ObservationWords | None:
        """Return what stands beside a number in digits, or None where something in it must be looked at closely."""
        grammar, known = self._grammar, self._grammar.words
        words, fields = None, f"OBX||{before}|{value}|{after}".split("|")
        codes = grammar.codes(fields[3])
        is_mode = fields[2] in _WORDS_OF_A_MODE and any(code.name.casefold().endswith(_MODE) for code in codes)
        if codes and not is_mode and shifted(fields, grammar.marks.component) is None:
            stated = grammar.first(fields[11])
            words = self._words(fields, None, self._statuses.of(stated) if stated else None)
        if len(known) >= CACHED_FIELDS:
            known.clear()
        known[before, after] = words
        return words

    def _words(self, fields: list[str], shift: Shift | None, status: ResultStatus | None = None) -> ObservationWords:
        """Return what stands in an OBX beside its value."""
        grammar = self._grammar
        return ObservationWords(
            grammar.codes(fields[3] if shift is None else shift.code),
            grammar.unit(fields[6]) if shift is None else "",
            "" if fields[7] == NULL else grammar.text(fields[7]),
            grammar.first(fields[8]) if fields[8] else "",
            grammar.other_units(fields[6]) if fields[6] and shift is None else (),
            status,
        )

    def _read_any_observation(self, line: int, text: str, fields: list[str]) -> None:
        grammar = self._grammar
        shift = shifted(fields, grammar.marks.component)
        words = self._words(fields, shift)
        value = grammar.value(fields[2].strip(), fields[5])
        if not words.codes and shift is not None:
            value = value or grammar.text(fields[6]).strip()  # of nobody knows what, and not lost
        if not words.codes and not value:
            self._notes = None
            return
        report = self._report or self._begin_report("")
        self._voided = None
        status = self._status(fields[11], report)
        if value == NULL:
            value, status = "", ResultStatus.DELETED
        # Read only where nothing says when the specimen was taken: it is the slower way to know.
        observed_at = "" if report.is_timed else fields[14]
        observation = Observation(
            line,
            words,
            value,
            status,
            grammar.first(observed_at) if observed_at else "",
            text[:LONGEST_CONTENT],
            None if shift is None else shift.reason,
        )
        if fields[2] in _WORDS_OF_A_MODE and any(code.name.casefold().endswith(_MODE) for code in words.codes):
            report.stated.append(("mode", value))  # an analyzer's own word: of a body fluid, of a control
        report.observations.append(observation)
        self._notes = observation.notes

    def _status(self, received: str, report: Report) -> ResultStatus:
        stated = self._grammar.first(received)
        if report.voided is not None:
            return report.voided
        return self._statuses.of(stated) if stated else report.status

    def _read_note(self, fields: list[str]) -> None:
        if self._notes is _OF_LAST and self._report is not None:
            own = self._report.observations[-1] = opened(self._report.observations[-1])
            self._notes = own.notes
        if self._notes is None or len(self._notes) >= MOST_NOTES or len(fields) < 4:
            return
        grammar = self._grammar
        parts = (grammar.text(part).strip(" \t") for part in grammar.repetitions(fields[3]) if part != NULL)
        note = " ".join(filter(None, parts))
        if note:
            self._notes.append(note[:LONGEST_NOTE])
