"""What the columns beside those of an analyte hold, and which names are of a further result of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cbc_screen.knowledge.fold import plain_name

if TYPE_CHECKING:
    from cbc_screen.knowledge.strict import YamlNode

COLUMNS = ("unit", "lower", "upper", "status", "flag", "comparator", "range", "note")
_ANY = "any"
_MOST_DIGITS = 2


@dataclass(frozen=True)
class Rejections:
    """Columns that say why a sample was rejected, the words by which it was not, and what any other text says."""

    columns: frozenset[str]
    accepted: frozenset[str]
    means: str
    approvals: frozenset[str]  # columns that say that the results of a row stand
    denied: frozenset[str]  # words by which they do not

    def remark_in(self, header: str, text: str) -> str:
        """Return the remark that a text under a header is."""
        name, said = plain_name(header), plain_name(text)
        if name in self.approvals:
            return f"{self.means}. {header} {text}" if said in self.denied else ""
        return f"{self.means}. {text}" if name in self.columns and said not in self.accepted else text


@dataclass(frozen=True)
class OrderedChannels:
    """Columns that name the channels that were ordered, the names there are, and which channel an analyte needs."""

    columns: frozenset[str]
    known: frozenset[str]
    needed: Mapping[str, str]  # by analyte

    def is_left_out(self, analyte: str, text: str) -> bool:
        """Tell whether the channel of an analyte was surely not ordered.

        >>> from cbc_screen.knowledge import load_knowledge
        >>> channels = load_knowledge().beside.ordered
        >>> channels.is_left_out("reticulocytes", "CBC+DIFF"), channels.is_left_out("reticulocytes", "CBC+RET")
        (True, False)
        """
        ordered = [part.strip().lower() for part in text.split("+")]
        # A text that is no list of channels says nothing.
        return self.needed[analyte] not in ordered and self.known.issuperset(ordered)


@dataclass(frozen=True, eq=False)
class BesideResults:
    """The words by the column they make, and those of further results: of any analyte, and of one."""

    columns: Mapping[str, tuple[str, ...]]
    again: frozenset[str]
    again_of: Mapping[str, frozenset[str]]
    channels: Mapping[str, frozenset[str]]
    not_of: frozenset[str]
    again_names: Mapping[str, str]
    row_notes: frozenset[str]
    row_flags: frozenset[str]
    ordered: OrderedChannels
    rejections: Rejections
    row_status: frozenset[str]

    def remark_in(self, header: str, text: str) -> str:
        """Return the remark that a text under a header is: a reason for a rejection says that there was one.

        >>> from cbc_screen.knowledge import load_knowledge
        >>> beside = load_knowledge().beside
        >>> beside.remark_in("Reject reason", "Leaking tube"), beside.remark_in("Reject reason", "n/a")
        ('rejected. Leaking tube', 'n/a')
        """
        return self.rejections.remark_in(header, text)

    def without_again(self, name: str) -> Iterator[tuple[str, str]]:
        """Yield what may be left of a name without a word of a further result, and the word.

        >>> from cbc_screen.knowledge import load_knowledge
        >>> list(load_knowledge().beside.without_again("plt rerun"))
        [('plt', 'rerun')]
        """
        parts = name.split()
        for place in range(1, len(parts)):
            for base, word in ((parts[:place], parts[place:]), (parts[place:], parts[:place])):
                yield from self._again(" ".join(base), " ".join(word))
        shorter = name.rstrip("0123456789")
        if shorter.strip() and 0 < len(name) - len(shorter) <= _MOST_DIGITS:  # "PLT1141" is a code of something else
            yield shorter.rstrip(), name[len(shorter) :]

    def _again(self, base: str, word: str) -> Iterator[tuple[str, str]]:
        own = (*self.again_of.values(), *self.channels.values())
        if word in self.again or any(word in words for words in own):
            yield base, word

    def says_again(self, analyte: str, word: str) -> bool:
        """Tell whether a word beside the name of this analyte makes it that of a further result."""
        if analyte in self.not_of:
            return False
        return word in self.again or word.isdigit() or word in self.again_of.get(analyte, ())

    def is_channel(self, analyte: str, word: str) -> bool:
        """Tell whether a word beside the name of this analyte names a way of counting of one analyzer."""
        return word in self.channels.get(analyte, ())


def load_rejections(node: YamlNode) -> Rejections:
    """Load the columns of rejections."""
    node.check_keys(["columns", "accepted", "means", "approvals", "denied"])
    columns, accepted, approvals, denied = (
        frozenset(map(plain_name, node.texts(key))) for key in ("columns", "accepted", "approvals", "denied")
    )
    return Rejections(columns | approvals, accepted | {""}, node.text("means"), approvals, denied)


def load_ordered_channels(node: YamlNode, analytes: Collection[str]) -> OrderedChannels:
    """Load which channels were ordered, and what needs each."""
    node.check_keys(["columns", "known", "needed"])
    known, needed = frozenset(node.texts("known")), node.node("needed")
    needed.check_keys([], sorted(known))
    found = {analyte: channel for channel in needed for analyte in needed.texts(channel)}
    if unknown := found.keys() - set(analytes):
        raise needed.error(found[min(unknown)], f"{min(unknown)} is not an analyte")
    return OrderedChannels(frozenset(map(plain_name, node.texts("columns"))), known, found)


def load_beside_results(
    node: YamlNode, names_of: Mapping[str, Collection[str]], analytes: Collection[str]
) -> BesideResults:
    """Load beside_results.yaml; `names_of` are the columns of tables of single results, which a table of counts may have too."""
    node.check_keys(
        [
            "source",
            "columns",
            "again",
            "channels",
            "not_of",
            "again_names",
            "rejections",
            "not_of_rows",
            "row_flags",
            "ordered_channels",
        ]
    )
    channels = node.node("channels")
    channels.check_keys([], list(analytes))
    if not set(node.texts("not_of")) <= set(analytes):
        raise node.error("not_of", "must be analytes")
    columns, again, names = node.node("columns"), node.node("again"), node.node("again_names")
    columns.check_keys(list(COLUMNS))
    again.check_keys([_ANY], list(analytes))
    names.check_keys([], list(analytes))
    return BesideResults(
        columns={key: tuple(map(plain_name, columns.texts(key))) for key in COLUMNS},
        again=frozenset(map(plain_name, again.texts(_ANY))),
        again_of={key: frozenset(map(plain_name, again.texts(key))) for key in again if key != _ANY},
        channels={key: frozenset(map(plain_name, channels.texts(key))) for key in channels},
        not_of=frozenset(node.texts("not_of")),
        again_names={plain_name(name): key for key in names for name in names.texts(key)},
        row_notes=frozenset(names_of["note"]),
        row_flags=frozenset(map(plain_name, node.texts("row_flags"))),
        ordered=load_ordered_channels(node.node("ordered_channels"), analytes),
        rejections=load_rejections(node.node("rejections")),
        row_status=frozenset(names_of["status"]) - set(map(plain_name, node.texts("not_of_rows"))),
    )
