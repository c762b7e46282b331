"""FHIR as JSON: one resource or Bundle a file, or one a line (NDJSON, as in a bulk export).

DSTU2, STU3, R4, R4B and R5 are read alike. `group` of a result is the key of its specimen
where one is named, else "": an encounter may hold several counts, so results are to be
grouped by person and time of collection first.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import IO

from cbc_screen.errors import UsageError
from cbc_screen.ingest.compressed import not_packed, unpacked
from cbc_screen.ingest.fhir_brief import BundleKinds
from cbc_screen.ingest.fhir_bundles import Brief, Listing, note_listing, read_document
from cbc_screen.ingest.fhir_entries import EntryParser
from cbc_screen.ingest.fhir_json import MOST_MARKS, Document, Parser, decoded, marks_in
from cbc_screen.ingest.fhir_patterns import KEPT_BYTES, LinePatterns, shown
from cbc_screen.ingest.fhir_xml import document_of
from cbc_screen.ingest.results import Item, LabResult, PlainResult
from cbc_screen.ingest.source import LONGEST_CONTENT, RejectedRow
from cbc_screen.ingest.xml_tree import XMLProblem, parse_xml
from cbc_screen.vocabulary import Reason

LONGEST_DOCUMENT = 256 << 20
LONGEST_LINE = 1 << 20
LONGEST_BUNDLE_LINE = 16 << 20
START_BYTES = 65_536
_BLOCK = 1 << 20
_BEGINNING = 256
_FIRST_LINES = 100  # looked at where the first line of an NDJSON file may be damaged
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_TOO_LARGE = "the document is too large to be read whole; split the bundle, or export NDJSON"
_OF_LISTS = (b'"DiagnosticReport"', b'"hasMember"', b'"has-member"', b'"DELETE"')  # what lists or deletes results
_RESOURCE_TYPE = re.compile(rb'"resourceType"\s*:\s*"[A-Za-z]')


def looks_like_fhir(start: bytes) -> bool:
    """Tell from the first 64 kB whether a text is FHIR, as one JSON document or as NDJSON."""
    return _begin(start).startswith(b"{") and _RESOURCE_TYPE.search(start[:START_BYTES]) is not None


def _begin(start: bytes) -> bytes:
    return start.removeprefix(_BOM).lstrip()


class FHIRSource:
    """A file of FHIR resources: one JSON document, or one a line."""

    ordered = False  # resources lie in any order

    def __init__(self, path: Path) -> None:
        self._path, self._size = path, path.stat().st_size
        self._file: IO[bytes] | None = None
        self._share = 0.0
        self._parser = Parser()
        self._xml = self._check_start()
        self._by_line = not self._xml and self._is_by_line()
        self._file = None
        self.kinds = BundleKinds()  # of the Bundles of this file and others
        self.listing: Listing = {}  # what takes results back on lines of their own, of this file and others

    def _check_start(self) -> bool:
        """Refuse what is no FHIR; tell whether it is XML."""
        start = b""
        try:
            with self._path.open("rb") as file:
                start = _begin(unpacked(file, self._path).read(START_BYTES))
        except (OSError, EOFError, zlib.error):
            problem = not_packed(self._path)
        else:
            problem = _problem_of(start)
        # Outside the except block: nothing of the first error is attached.
        if problem:
            raise UsageError(problem)
        return _is_xml(start)

    def _is_by_line(self) -> bool:
        """Tell NDJSON from one document: its first line is a whole object, and more lines follow.

        Where the first line is damaged, a later one that is a whole resource tells as much,
        unless all lines together are a document.
        """
        with closing(self._lines()) as numbered:
            lines = (line for _, line in numbered if line.strip())
            first, second = next(lines, b""), next(lines, b"")
            if not second:
                return False
            if self._parser.parse(decoded(first[:LONGEST_BUNDLE_LINE])).resource is not None:
                return True
            whole = any(
                line.startswith(b"{") and self._parser.parse(decoded(line[:LONGEST_LINE])).kind
                for line in chain([second], islice(lines, _FIRST_LINES))
            )
        return whole and not self._is_document()

    def _is_document(self) -> bool:
        try:
            whole = self._whole().removeprefix(_BOM)
            _check_marks(marks_in(whole))
            text = decoded(whole)
        except UsageError:  # too large for a document; damage is met again
            return False
        return self._parser.parse(text).resource is not None

    @property
    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""
        if self._file is not None and not self._file.closed and self._size:
            self._share = min(self._file.tell() / self._size, 1.0)
        return self._share

    def items(self) -> Iterator[Item]:
        """Yield results, persons, what carries no results, and what could not be read, in order.

        `line` is the line of an NDJSON file, or the number of the entry in a document.
        """
        for item in self._read_lines() if self._by_line else self._read_document():
            assert not isinstance(item, PlainResult)
            yield item
        self._share = 1.0

    def in_brief(self) -> Iterator[Item | PlainResult]:
        """Yield the same, plain results in brief; see `BriefSource`."""
        yield from self._read_lines_in_brief() if self._by_line else self._read_document(self.kinds)
        self._share = 1.0

    def note_listing(self, listing: Listing) -> None:
        """Note the reports and panels of this file that take results back, by the keys of these; a Bundle knows its own."""
        if self._xml or not (self._by_line or self._size <= LONGEST_LINE) or not self._mentions_listing():
            return
        lines = self._lines() if self._by_line else iter([(1, self._whole().removeprefix(_BOM))])
        for number, line in lines:
            if len(line) <= LONGEST_LINE and any(mark in line for mark in _OF_LISTS):
                note_listing(self._parser.parse(decoded(line)), number, listing)
        self._file, self._share = None, 0.0

    def _mentions_listing(self) -> bool:
        """Tell whether there is a report or panel anywhere: most files have none, and are not read line by line for it."""
        end = b""
        try:
            with self._path.open("rb") as file:
                raw = unpacked(file, self._path)
                while block := raw.read(_BLOCK):
                    text = end + block  # a mark may lie across two blocks
                    if any(mark in text for mark in _OF_LISTS):
                        return True
                    end = block[-max(map(len, _OF_LISTS)) :]
        except (OSError, EOFError, zlib.error):
            return False  # damage is met again, and said then
        return False

    def _lines(self) -> Generator[tuple[int, bytes], None, None]:
        """Yield numbered lines; of one that is too long for anything, only its first bytes."""
        number = 0
        try:
            with self._path.open("rb") as self._file:
                raw = unpacked(self._file, self._path)
                while line := raw.readline(LONGEST_BUNDLE_LINE + 1):
                    number += 1
                    yield number, line.removeprefix(_BOM) if number == 1 else line
                    while len(line) > LONGEST_BUNDLE_LINE and not line.endswith(b"\n"):
                        line = raw.readline(LONGEST_BUNDLE_LINE + 1)
            return
        except (OSError, EOFError, zlib.error):
            message = f"the source is cut short or damaged after line {number}"
        raise UsageError(message)

    def _read_lines(self) -> Iterator[Item | PlainResult]:
        for number, line in self._lines():
            if line.strip():
                yield from self._read_line(number, line)[1]

    def _read_lines_in_brief(self) -> Iterator[Item | PlainResult]:
        patterns = LinePatterns(self.listing)
        for number, line in self._lines():
            text = decoded(line)
            plain = patterns.read(text, number, line) if len(line) <= LONGEST_LINE else None
            if plain is not None:
                yield plain
                continue
            if not text:
                continue
            document, found = self._read_line(number, line)
            if document is None or document.resource is None or document.kind != "Observation":
                yield from found
                continue
            items = list(found)
            if len(items) == 1 and isinstance(items[0], LabResult):
                plain = patterns.learn(text, number, line, document.resource, items[0])
            yield from items if plain is None else [plain]

    def _read_line(self, number: int, line: bytes) -> tuple[Document | None, Iterator[Item | PlainResult]]:
        """Read a line; the document is None where it was not parsed, or is too long."""
        content = shown(line[:KEPT_BYTES])
        if len(line) > LONGEST_BUNDLE_LINE or (len(line) > LONGEST_LINE and b'"Bundle"' not in line):
            return None, iter([RejectedRow(number, Reason.OVERSIZE, content)])
        document = self._parser.parse(decoded(line))
        if len(line) > LONGEST_LINE and document.kind != "Bundle":
            return None, iter([RejectedRow(number, Reason.OVERSIZE, content)])
        return document, read_document(document, number, content, self.listing, entries_are_lines=False)

    def _read_document(self, kinds: BundleKinds | None = None) -> Iterator[Item | PlainResult]:
        if self._xml:
            yield from self._read_xml()
            return
        whole = self._whole().removeprefix(_BOM)
        self._share = 1.0
        parsed = EntryParser(self._parser, kinds.patterns).parse(whole) if kinds is not None else None
        if parsed is not None and kinds is not None:
            del whole
            document, texts = parsed
            yield from read_document(document, 1, "", entries_are_lines=True, brief=Brief(kinds, texts))
            return
        _check_marks(marks_in(whole))
        text = decoded(whole)
        del whole
        document = self._parser.parse(text)
        content = "" if document.sound else text[:LONGEST_CONTENT]
        del text  # as large as the file
        yield from read_document(document, 1, content, self.listing, entries_are_lines=True)

    def _read_xml(self) -> Iterator[Item | PlainResult]:
        problem = ""
        try:
            whole = self._whole()
            _check_marks(whole.count(b"<"))
            document = document_of(parse_xml(whole))
        except XMLProblem as found:
            problem = str(found)
        # Outside the except block: nothing of the first error is attached.
        if problem:
            raise UsageError(problem)
        self._share = 1.0
        if document.resource is None:
            raise UsageError("the source is XML and not FHIR")
        yield from read_document(document, 1, "", entries_are_lines=True)

    def _whole(self) -> bytes:
        """Read the whole file, unless it is too large."""
        blocks: list[bytes] = []
        length, problem, most = 0, "", min(self._size, LONGEST_DOCUMENT) + 1  # one block, unless it is packed
        try:
            with self._path.open("rb") as self._file:
                raw = unpacked(self._file, self._path)
                while length <= LONGEST_DOCUMENT and (block := raw.read(most)):
                    blocks.append(block)
                    length += len(block)
        except (OSError, EOFError, zlib.error):
            problem = "the source is cut short or damaged"
        if length > LONGEST_DOCUMENT:
            problem = _TOO_LARGE
        if problem:
            raise UsageError(problem)
        return b"".join(blocks)


def _check_marks(marks: int) -> None:
    """Refuse a document whose objects would not fit into memory."""
    if marks > MOST_MARKS:
        raise UsageError(_TOO_LARGE)


def share_listing(sources: Iterable[object]) -> None:
    """Tell files of FHIR resources what reports in any of them take back, and let them know the same kinds of results."""
    files = [source for source in sources if isinstance(source, FHIRSource)]
    listing: Listing = {}
    for source in files:
        source.note_listing(listing)
    kinds = BundleKinds()
    for source in files:
        source.listing, source.kinds = listing, kinds


def _is_xml(start: bytes) -> bool:
    """Tell whether a text begins as XML does, in UTF-16 too."""
    text = start[:_BEGINNING].decode("utf-16", "ignore").lstrip() if start.startswith(_WIDE) else ""
    return start.startswith(b"<") or text.startswith("<")


def _problem_of(start: bytes) -> str:
    """Say why a text that begins like this is not read, or ""."""
    if not start:
        return "the source is empty"
    if not start.startswith(b"{") and not _is_xml(start):
        return "the source is not FHIR: it does not begin with a JSON object; export it as JSON in UTF-8"
    return ""
