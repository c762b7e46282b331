"""XML documents as trees, hardened: no document type, no entity of its own, bounded in depth and size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

DEEPEST = 100
MOST_ELEMENTS = 5_000_000
_BETWEEN = "\x1f"  # between a namespace and a name


class XMLProblem(Exception):
    """Why a document is not read, in words that hold nothing of it."""


@dataclass(slots=True, eq=False)
class Element:
    """An element; names are without their prefixes, attributes of a namespace without it too."""

    name: str
    namespace: str
    attributes: dict[str, str]
    line: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    def get(self, name: str) -> str:
        """Return an attribute, "" where there is none."""
        return self.attributes.get(name, "")

    def first(self, *path: str) -> Element | None:
        """Return the first element along a path of names."""
        found: Element | None = self
        for name in path:
            found = None if found is None else next((one for one in found.children if one.name == name), None)
        return found

    def every(self, *path: str) -> Iterator[Element]:
        """Yield every element along a path of names."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.every(*path[1:])

    def within(self, name: str) -> Iterator[Element]:
        """Yield every element of a name, however deep, in order, and none within another of them."""
        for child in self.children:
            if child.name == name:
                yield child
            else:
                yield from child.within(name)


def parse_xml(content: bytes) -> Element:
    """Parse a document.

    Raises
    ------
    XMLProblem
        If it is damaged, too deep or too large, or has a document type.
    """
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=_BETWEEN)
    parser.buffer_text = True
    builder.parser = parser
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    parser.StartElementHandler = builder.begin
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    problem = ""
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        problem = f"the XML is damaged at line {error.lineno}"
    except (LookupError, ValueError):  # an encoding that Python does not know, or of several bytes a character
        problem = "the XML is in an encoding that is not read; save it as UTF-8"
    if problem or builder.root is None:
        # Outside the except block: nothing of the first error is attached.
        raise XMLProblem(problem or "the XML holds no element")
    return builder.root


class _Builder:
    """Builds the tree as the parser goes."""

    def __init__(self) -> None:
        self.parser: expat.XMLParserType
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def refuse(self, *_: object) -> None:
        raise XMLProblem("the XML has a document type or entities of its own, which are not read; export it without")

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= DEEPEST or self._count > MOST_ELEMENTS:
            raise XMLProblem("the XML is too deep or too large to be read; split the document")
        namespace, _, own = name.rpartition(_BETWEEN)
        plain = {key.rpartition(_BETWEEN)[2]: value for key, value in attributes.items()}
        element = Element(own, namespace, plain, self.parser.CurrentLineNumber)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def end(self, _: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        if self._open:
            self._open[-1].text += text
