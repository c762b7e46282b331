"""ASTM E1394 / LIS2-A2: what analyzers send to laboratory systems, framed or not, to persons and results."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from cbc_screen.errors import UsageError
from cbc_screen.ingest.astm_frames import Record, records
from cbc_screen.ingest.compressed import PACKINGS, not_packed, unpacked
from cbc_screen.ingest.hl7 import BLOCK_BYTES
from cbc_screen.ingest.hl7_frames import UTF8, DamagedError, Marks, checked, decoded, numbered
from cbc_screen.ingest.hl7_grammar import Grammar, iso_date, iso_time, joined
from cbc_screen.ingest.results import Item, LabResult, NotResults, ResultCode, Stated, StatedPerson, best_told
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.knowledge.loaded import load_measures
from cbc_screen.vocabulary import Reason, ResultStatus

_MARK = rb"([^\w\s])"
HEADER = re.compile(
    rb"H" + _MARK + rb"(?!\1)" + _MARK + rb"(?!\1|\2)" + _MARK + rb"(?:(?!\1|\2|\3)" + _MARK + rb")?(?:\1|$)"
)
_MOST_NOTES = 20
_LONGEST_NOTE = 4096
_FIELDS = 32
_LONGEST_NUMBER = 6  # digits by which records count themselves
_PRODUCTION = "P"
_UNITY = "1"  # what some analyzers write where a unit should be: it names none
_DOUBT, _QUESTIONABLE = "*", "W"
_STATUS = {  # letters of R.9 that mean another thing than those of HL7
    "V": ResultStatus.FINAL, "W": ResultStatus.FINAL, "R": ResultStatus.FINAL,
    "S": ResultStatus.PRELIMINARY, "M": ResultStatus.PRELIMINARY, "Q": ResultStatus.OTHER, "N": ResultStatus.OTHER,
}  # fmt: skip
_CANCELLED = "X"  # an order, in O.26
_MODE = " mode"  # "Test Mode", "Blood Mode"
_CODE = re.compile(r"\d+(?:-\d)?")
_PERSONLESS = "CRMSQL"  # kinds of records after which the person and the order stay
_LOST = Reason.MESSAGE_UNREADABLE


@dataclass(slots=True)
class _Order:
    """An order with what is said of its specimen."""

    person: str
    group: str
    collected_at: str = ""
    specimen: str = ""
    stated: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    results: list[LabResult] = field(default_factory=list)
    voided: bool = False  # it was cancelled, or could not be done
    fault: Reason | None = None  # a record before it was lost: it is unknown of what its results are


class ASTMSource:
    """A file of ASTM messages, plain or packed."""

    ordered = True

    def __init__(self, path: Path, encoding: str | None = None) -> None:
        self._path, self._encoding = path, checked(encoding) if encoding is not None else UTF8
        self._size = path.stat().st_size
        self.share = 0.0

    def items(self) -> Iterator[Item]:
        """Yield persons, results, messages without results, and records that could not be read, in order."""
        message: _Message | None = None
        with closing(self._lines()) as lines:
            for record in records(lines):
                if HEADER.match(record.text) and not record.damaged:
                    if message is not None:
                        yield from message.end()
                    message = _Message(record, self._encoding)
                elif message is None:
                    yield RejectedRow(record.line, Reason.MESSAGE_UNREADABLE, self._content(record))
                else:
                    yield from message.read(record)
        if message is not None:
            yield from message.end()
        self.share = 1.0

    def _content(self, record: Record) -> str:
        return decoded(record.text[:LONGEST_CONTENT], self._encoding)

    def _lines(self) -> Generator[tuple[int, bytes], None, None]:
        try:
            with closing(self._blocks()) as blocks:
                yield from numbered(blocks)
            return
        except DamagedError as found:
            packed = self._path.suffix.lower() in PACKINGS and not found.line
            problem = not_packed(self._path) if packed else str(found)
        # Outside the except block: nothing of the first error is attached.
        raise UsageError(problem)

    def _blocks(self) -> Generator[bytes, None, None]:
        with self._path.open("rb") as file:
            raw = unpacked(file, self._path)
            while block := raw.read(BLOCK_BYTES):
                self.share = min(1.0, file.tell() / self._size) if self._size else 1.0
                yield block


class _Message:
    """Reads the records of one message."""

    def __init__(self, header: Record, encoding: str) -> None:
        found = HEADER.match(header.text)
        assert found is not None
        own, repetition, component, escape = (mark.decode("latin-1") if mark else "" for mark in found.groups())
        self._grammar = Grammar(Marks(own, component, repetition, escape, ""), encoding)
        self._line, self._encoding = header.line, encoding
        self._processing = self._fields(header)[11].strip()
        measures = load_measures()
        self._statuses, self._is_person = measures.statuses, measures.words.is_person
        self._person: str | None = None
        self._persons = self._orders = 0
        self._order: _Order | None = None
        self._notes_of_order = True
        self._fault: Reason | None = None  # until the next order that is whole; of a lost header to the end
        self._headed = True
        self._kinds: set[str] = set()
        self._results = 0
        self._order_number = self._result_number = 0  # as the records count themselves, within a person and an order

    def read(self, record: Record) -> list[Item]:
        """Read a record; what came damaged is set aside, and what it stood above is of nobody knows whom."""
        kind = record.text[:1].decode("latin-1").upper()
        self._kinds.add(kind)
        if record.damaged and kind == "R":
            self._lose_result(record)
            self._result_number += 1
            return []
        if record.damaged or self._is_lost(kind, record):
            rejected = RejectedRow(record.line, _LOST, self._content(record))
            return [rejected] if record.damaged and kind == "C" else [*self._lose(kind), rejected]
        fields = self._fields(record)
        self._notice_gaps(kind, record, fields)
        if kind == "P":
            return self._read_person(fields)
        if kind == "O":
            return self._read_order(fields)
        if kind == "R":
            self._read_result(record, fields)
        elif kind == "C":
            self._read_comment(fields)
        elif kind == "L":
            self._person = None
            return self._end_order()
        return []

    def _notice_gaps(self, kind: str, record: Record, fields: list[str]) -> None:
        """Notice by the numbers of records that one before was lost: a person, where orders begin anew, or a result."""
        number = (
            int(fields[1]) if fields[1].isascii() and fields[1].isdecimal() and len(fields[1]) <= _LONGEST_NUMBER else 0
        )
        if kind == "P":
            self._order_number = self._result_number = 0
        elif kind == "O":
            if number and self._order_number and number <= self._order_number:
                self._person = None  # they begin anew with each person, whose record is not there
            self._order_number = number
        elif kind == "R" and number:
            # Some begin anew with each order, and some go on counting.
            first = self._order is None or not self._order.results
            if number > self._result_number + 1 if not first else number not in (1, self._result_number + 1):
                self._lose_result(record)
            self._result_number = number

    def _is_lost(self, kind: str, record: Record) -> bool:
        """Tell whether a record is a header that cannot be read, or of a kind that there is not."""
        mark = decoded(record.text[1:2], self._encoding)
        return kind == "H" or (mark == self._grammar.marks.field and kind not in f"PO{_PERSONLESS}")

    def _lose(self, kind: str) -> list[Item]:
        """End what a lost record may have ended; what comes next is believed when a whole record says whose it is."""
        found = self._end_order()
        self._fault, self._headed = _LOST, self._headed and kind != "H"
        if kind != "O":
            self._person = None
        return found

    def _lose_result(self, record: Record) -> None:
        """Take a damaged result as one of nobody knows what: every count of its order that has no other is unknown."""
        order = self._order = self._order or self._begin_order()
        order.results.append(
            LabResult(
                record.line,
                order.person,
                order.group,
                order.collected_at,
                (),
                "",
                fault=_LOST,
                content=self._content(record),
            )
        )
        self._results += 1
        self._notes_of_order = False

    def end(self) -> list[Item]:
        """Return what is left at the end of the message."""
        found = self._end_order()
        if not self._results:
            kind = "query" if "Q" in self._kinds else "order" if "O" in self._kinds else "message"
            found.append(NotResults(self._line, f"ASTM {kind}"))
        return found

    def _content(self, record: Record) -> str:
        return decoded(record.text[:LONGEST_CONTENT], self._encoding)

    def _fields(self, record: Record) -> list[str]:
        """Return the fields, as the standard numbers them less one, and as many as any record has."""
        fields = decoded(record.text.strip(), self._encoding).split(self._grammar.marks.field)
        return fields + [""] * (_FIELDS - len(fields))

    def _read_person(self, fields: list[str]) -> list[Item]:
        found = self._end_order()
        grammar = self._grammar
        # The number of the laboratory, then that of the ward, then the third one.
        keys = (grammar.first(fields[place]) for place in (3, 2, 4))
        key = next(filter(self._is_person, keys), "")
        return [*found, self._begin_person(key, iso_date(grammar.first(fields[7])), grammar.first(fields[8]))]

    def _begin_person(self, key: str, birth_date: str = "", sex: str = "") -> StatedPerson:
        self._persons += 1
        self._person = key or f"message {self._line} person {self._persons}"
        return StatedPerson(self._person, birth_date, sex)

    def _read_order(self, fields: list[str]) -> list[Item]:
        found = self._end_order()
        if self._person is None:
            found.append(self._begin_person(""))
        grammar = self._grammar
        numbers = [text for place in (2, 3) for part in grammar.components(fields[place]) if (text := part.strip())]
        number = numbers[0] if numbers else ""
        self._fault = None if self._headed else self._fault
        order = self._begin_order(number)
        order.collected_at = iso_time(grammar.first(fields[7]))
        descriptor = grammar.components(grammar.repetitions(fields[15])[0])
        order.specimen = joined(text.strip() for text in descriptor)
        order.stated = [("processing", "" if self._processing == _PRODUCTION else self._processing)]
        order.stated += [("action", grammar.first(fields[11]))]
        order.stated += [("type", text) for part in descriptor if (text := part.strip())]
        order.stated += [("number", text) for text in numbers]
        order.voided = any(part.strip().upper() == _CANCELLED for part in grammar.repetitions(fields[25]))
        self._order, self._notes_of_order = order, True
        return found

    def _begin_order(self, number: str = "") -> _Order:
        if self._person is None:
            self._begin_person("")
        self._orders += 1
        group = f"message {self._line} order {self._orders} {number}".strip()
        return _Order(self._person or "", group, fault=self._fault)

    def _read_result(self, record: Record, fields: list[str]) -> None:
        grammar = self._grammar
        codes = self._codes(grammar.components(grammar.repetitions(fields[2])[0]))
        value = grammar.value("", fields[3])
        if not codes and not value:
            return
        order = self._order = self._order or self._begin_order()
        unit, stated = grammar.text(fields[4]).strip(), grammar.first(fields[8]).upper()
        flag = grammar.first(fields[6])
        if any(code.name.casefold().endswith(_MODE) for code in codes):
            order.stated.append(("mode", value))
        order.results.append(
            LabResult(
                line=record.line,
                person=order.person,
                group=order.group,
                collected_at=best_told((order.collected_at, iso_time(grammar.first(fields[12])))),
                codes=codes,
                value=value,
                unit="" if unit == _UNITY else unit,
                range_text=grammar.text(fields[5]),
                status=ResultStatus.CANCELLED if order.voided else self._status(stated),
                content=self._content(record),
                # W is the letter for a result whose validity is in question, in both fields.
                flag=_DOUBT if _QUESTIONABLE in (stated, flag.upper()) else flag,
                fault=order.fault,
            )
        )
        self._results += 1
        self._notes_of_order = False

    def _status(self, stated: str) -> ResultStatus:
        if not stated:
            return ResultStatus.FINAL
        return _STATUS.get(stated) or self._statuses.of(stated)

    def _codes(self, parts: list[str]) -> tuple[ResultCode, ...]:
        """Return what a universal test id names: its own code, and what the analyzer calls it, which stands fourth or after."""
        texts = [part.strip() for part in parts]
        own, name = (*texts, "", "")[:2]
        called = next((text for text in texts[3:] if text and not _CODE.fullmatch(text)), "")
        number = next((text for text in texts[3:] if text), "")
        found = [ResultCode(own, name, "")] if own or name else []
        if called or (number and not found):
            found.append(ResultCode("" if called else number, called, ""))
        return tuple(found)

    def _read_comment(self, fields: list[str]) -> None:
        grammar = self._grammar
        note = joined(part.strip() for part in grammar.components(fields[3]))[:_LONGEST_NOTE]
        order = self._order
        if not note or order is None:
            return
        if self._notes_of_order or not order.results:
            order.notes = [*order.notes, note][:_MOST_NOTES]
        else:
            last = order.results[-1]
            order.results[-1] = replace(last, notes=(*last.notes, note)[:_MOST_NOTES])

    def _end_order(self) -> list[Item]:
        """Return the results of the order, with what its specimen turned out to be."""
        order, self._order = self._order, None
        if order is None:
            return []
        stated: Stated = tuple(dict.fromkeys((name, text) for name, text in order.stated if text))
        times = {result.collected_at for result in order.results if result.collected_at}
        # A lost result belongs to all of an order that has several times, and so none of them is whole.
        fault = _LOST if len(times) > 1 and not all(result.codes for result in order.results) else None
        return [
            replace(
                result,
                collected_at=result.collected_at or (min(times) if times else ""),
                fault=result.fault or fault,
                specimen=order.specimen,
                stated=stated,
                notes=(*result.notes, *order.notes)[:_MOST_NOTES],
            )
            for result in order.results
        ]
