"""Which answers are possible where only the truth of a row is known (one file: one subject, whose cases share what they build).

Every kind of person and every value of every interval is tried, by the corners that matter: an
answer depends on a value only by which limits it lies below. What all possibilities agree on is
the answer, anything else is None: nobody can tell. Sets of persons are bits of an integer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import Any, NamedTuple

from oracle.tables import SEVERITIES, Cut, Tables
from oracle.truth import (
    ANYTHING,
    HUNDRED,
    ONE,
    Interval,
    Number,
    Truth,
    at_most,
    both,
    corrected,
    divided,
    point,
    summed,
    times,
)

TOP, SEVERE = len(SEVERITIES) - 1, SEVERITIES.index("severe")
GRADES = range(6)  # more than any scheme has
LINES = ("red", "white", "platelet")
PATTERNS = ("none", "single_line", "bicytopenia", "pancytopenia")
PERCENT_SCALE = 100 * ONE  # billionths x billionths of a percentage -> billionths
RETICULOCYTE_SCALE = ONE // 10  # 10^12/L x % -> 10^9/L

Reported = tuple[Number | None, Number | None] | None


class Masks(NamedTuple):
    """For which persons something is surely so, and surely not so."""

    yes: int
    no: int


class Graded(NamedTuple):
    """For whom each grade, and each severity, is surely reached, and for whom it may be: what joins two grades does so person by person."""

    reached: tuple[int, ...]
    reachable: tuple[int, ...]
    ungraded: int  # the persons whom the scheme does not grade
    sure: tuple[int, ...]
    possible: tuple[int, ...]

    def one(self, everybody: int) -> int | None:
        """Return the grade that all persons have, or None where it is not one."""
        least = max(grade for grade in GRADES if self.reached[grade] == everybody)
        most = max(grade for grade in GRADES if self.reachable[grade])
        return least if least == most and not self.ungraded else None


def surely_below(value: Interval, cut: Cut) -> bool:
    """Say whether every possible value lies below."""
    if value.high is None:
        return False
    if cut.inclusive:
        return value.high <= cut.value
    return value.high < cut.value or (value.high == cut.value and value.high_open)


def surely_not_below(value: Interval, cut: Cut) -> bool:
    """Say whether no possible value lies below."""
    if cut.inclusive:
        return value.low > cut.value or (value.low == cut.value and value.low_open)
    return value.low >= cut.value


def surely_above(value: Interval, limit: Number) -> bool:
    return value.low > limit or (value.low == limit and value.low_open)


def surely_not_above(value: Interval, limit: Number) -> bool:
    return value.high is not None and value.high <= limit


def all_of(found: Sequence[Masks]) -> Masks:
    """Join worlds of which any may be the right one."""
    return Masks(reduce(and_, (m.yes for m in found)), reduce(and_, (m.no for m in found)))


class People:
    """The kinds of persons a row can be of, with what was worked out for them before."""

    def __init__(self, tables: Tables, keys: tuple[tuple[int, int], ...], definition: str, scheme: str) -> None:
        self.tables, self.keys = tables, keys
        self.full = (1 << len(keys)) - 1
        self._rule, self._scheme = tables.definitions[definition], scheme
        self.cuts = {part: self._cuts(part) for part in ("red", "white", "without_neutrophils", "platelet")}
        self._remembered: dict[tuple[Any, ...], Any] = {}
        self._groups: dict[tuple[str, str], dict[Any, int]] = {}

    def _cuts(self, part: str) -> tuple[str, tuple[Cut | None, ...], bool] | None:
        """Return the analyte of a part of the definition, its fixed cuts, and whether a range stands in."""
        entry = self._rule.get(part)
        if entry is None:
            return None
        by_range = bool(entry.get("reference_range")) or entry.get("otherwise") == "reference_range"
        return entry["analyte"], tuple(self.tables.fixed_cut(key, entry) for key in self.keys), by_range

    def remember(self, name: str, analyte: str, value: Interval, reported: Reported, work: Callable[[], Any]) -> Any:
        """Work something out once for all values that lie between the same limits."""
        if reported is not None:
            return work()
        place = (name, analyte, self.tables.place(analyte, value))
        found = self._remembered.get(place)
        if found is None:
            found = self._remembered[place] = work()
        return found

    def limits(self, place: int, analyte: str, reported: Reported) -> tuple[tuple[Number | None, Number | None], ...]:
        """Return the limits used for a person: those reported with the result where they are sane."""
        own = self.tables.limits(self.keys[place], analyte)
        if reported is None or not any(r is not None for r in reported):
            return own
        if not own:
            lower, upper = reported
            return () if lower is not None and upper is not None and lower >= upper else (reported,)
        return tuple(self._sane(analyte, reported, limits) for limits in own)

    def _sane(
        self, analyte: str, reported: tuple[Number | None, Number | None], own: tuple[Number | None, Number | None]
    ) -> tuple[Number | None, Number | None]:
        lower, upper = reported
        factor = self.tables.range_factors.get(analyte, self.tables.range_factor)
        if lower is not None and upper is not None and lower >= upper:
            return own
        for theirs, ours in zip(reported, own, strict=True):
            if analyte in self.tables.range_factors and theirs == 0 and theirs is lower:
                continue  # of few cells none is a lower limit
            if theirs is not None and ours is not None and ours > 0 and not ours <= theirs * factor <= ours * factor**2:
                return own
        used = (lower if lower is not None else own[0], upper if upper is not None else own[1])
        # A limit that lies beyond the set's other one leaves no range at all.
        return own if None not in used and used[0] >= used[1] else used  # type: ignore[operator]

    def groups(self, name: str, analyte: str, reported: Reported, of: Callable[[int], Any]) -> dict[Any, int]:
        """Return who is judged alike: what is compared with, and the persons it is for."""
        place = (name, analyte)
        if reported is None and place in self._groups:
            return self._groups[place]
        found: dict[Any, int] = {}
        for number in range(len(self.keys)):
            own = of(number)
            found[own] = found.get(own, 0) | 1 << number
        if reported is None:
            self._groups[place] = found
        return found

    # Below a cut ---------------------------------------------------------------------------

    def line(self, part: str, value: Interval, reported: Reported) -> Masks:
        """Say for whom a line is low by one part of the definition."""
        entry = self.cuts[part]
        assert entry is not None
        analyte, fixed, by_range = entry
        reported = reported if by_range else None

        def cuts(place: int) -> tuple[Cut | None, ...]:
            if fixed[place] is not None or not by_range:
                return (fixed[place],)
            lowers = [lower for lower, _ in self.limits(place, analyte, reported)]
            return tuple(None if lower is None else Cut(lower) for lower in lowers) or (None,)

        def work() -> Masks:
            yes = no = 0
            for own, persons in self.groups(part, analyte, reported, cuts).items():
                known = [cut for cut in own if cut is not None]
                if len(known) == len(own):
                    yes |= persons if all(surely_below(value, cut) for cut in known) else 0
                    no |= persons if all(surely_not_below(value, cut) for cut in known) else 0
            return Masks(yes, no)

        found: Masks = self.remember(part, analyte, value, reported, work)
        return found

    # States ----------------------------------------------------------------------------------

    def state(self, analyte: str, value: Interval, reported: Reported) -> str | None:
        """Return the state of an analyte, or None where nobody can tell."""

        def work() -> str | None:
            found: set[str | None] = set()
            ranges = self.groups("state", analyte, reported, lambda place: self.limits(place, analyte, reported))
            sides = [[pair for pair in pairs if pair != (None, None)] for pairs in ranges]
            if not any(sides):
                return "not_assessed"
            for pairs in sides:
                found |= {_state(value, lower, upper) for lower, upper in pairs} or {None}
            return found.pop() if len(found) == 1 else None

        answer: str | None = self.remember("state", analyte, value, reported, work)
        return answer

    # Grades ----------------------------------------------------------------------------------

    def grade(self, analyte: str, value: Interval, reported: Reported) -> Graded:
        """Return what a scheme can say of a value."""

        def cuts(place: int) -> tuple[tuple[int, int, tuple[Cut | None, ...]], ...] | None:
            grading = self.tables.grading(self.keys[place], self._scheme, analyte)
            if grading is None:
                return None
            return tuple(
                (grade, severity, (cut,) if cut is not None else self._relative(place, analyte, reported, floor))
                for grade, severity, cut, floor in grading.cuts
            )

        def work() -> Graded:
            ungraded = 0
            # Of whom a scheme does not speak, anything that it could say is possible.
            bands = self.tables.schemes[self._scheme].get(analyte, ())
            worst = max((SEVERITIES.index(b.severity) for b in bands), default=TOP)
            sure, possible = [0] * (TOP + 1), [0] * (TOP + 1)
            reached, reachable = [0] * len(GRADES), [0] * len(GRADES)
            for own, persons in self.groups("grade", analyte, reported, cuts).items():
                found = (0, 0, 0, worst) if own is None else _ladder(own, value)
                ungraded |= persons if own is None else 0
                for grade in GRADES:
                    reached[grade] |= persons if found[0] >= grade else 0
                    reachable[grade] |= persons if found[1] >= grade else 0
                for severity in range(1, TOP + 1):
                    sure[severity] |= persons if found[2] >= severity else 0
                    possible[severity] |= persons if found[3] >= severity else 0
            return Graded(tuple(reached), tuple(reachable), ungraded, tuple(sure), tuple(possible))

        graded: Graded = self.remember("grade", analyte, value, reported, work)
        return graded

    def _relative(self, place: int, analyte: str, reported: Reported, floor: Cut | None) -> tuple[Cut | None, ...]:
        """Return the cut of a grade that begins at the person's own lower limit: never below the next grade's."""
        lowers = [lower for lower, _ in self.limits(place, analyte, reported)] or [None]
        return tuple(None if n is None else max(Cut(n), floor or Cut(n)) for n in lowers)


def _ladder(cuts: Sequence[tuple[int, int, tuple[Cut | None, ...]]], value: Interval) -> tuple[int, int, int, int]:
    """Return the least and most grade, and the least and most severity."""
    least = most = mild = severe = 0
    for grade, severity, own in cuts:
        if all(c is not None and surely_below(value, c) for c in own):
            least, mild = grade, severity
        if not all(c is not None and surely_not_below(value, c) for c in own):
            most, severe = grade, severity
    return least, most, mild, severe


def _state(value: Interval, lower: Number | None, upper: Number | None) -> str | None:
    if lower is not None and surely_below(value, Cut(lower)):
        return "low"
    if upper is not None and surely_above(value, upper):
        return "high"
    not_low = lower is None or surely_not_below(value, Cut(lower))
    return "within" if not_low and (upper is None or surely_not_above(value, upper)) else None


class Neutrophils(NamedTuple):
    """What the neutrophils can be; `sent` is false where only the white cells bound them."""

    worlds: list[Interval]
    sent: bool
    contradicted: bool
    least_room: Interval | None = None  # what other cells leave at the least, where none were sent


class Judge:
    """Judges rows under one definition and one grading scheme."""

    def __init__(self, tables: Tables, definition: str, scheme: str) -> None:
        self.tables, self.definition, self.scheme = tables, definition, scheme
        self._tables_of = tables.schemes[scheme]
        self._people: dict[tuple[tuple[int, int], ...], People] = {}
        self._keys: dict[Any, People] = {}

    def people(self, truth: Truth) -> People:
        person = truth.person
        place = (person.ages, person.sexes, person.stage)
        found = self._keys.get(place)
        if found is None:
            keys = self.tables.keys(*place)
            found = self._people.get(keys)
            if found is None:
                found = self._people[keys] = People(self.tables, keys, self.definition, self.scheme)
            self._keys[place] = found
        return found

    def answers(self, truth: Truth) -> dict[str, Any]:
        """Return each column's answer, None where the possibilities differ."""
        people, values, reported = self.people(truth), self._values(truth), truth.reported.get
        neutrophils = neutrophils_of(truth, values.get("wbc"), self.tables)
        answers: dict[str, Any] = {}
        lines = {
            "red": people.line("red", values.get("hemoglobin", ANYTHING), reported("hemoglobin")),
            "white": self._white(people, truth, values, neutrophils),
            "platelet": people.line("platelet", values.get("platelets", ANYTHING), reported("platelets")),
        }
        for name, mask in lines.items():
            answers[f"{name}_line"] = (
                "low" if mask.yes == people.full else "not_low" if mask.no == people.full else None
            )
        self._counts(people, lines, answers)
        self._grades(people, truth, values, lines, neutrophils, answers)
        for analyte in self.tables.ranged:
            value = values.get(analyte)
            if analyte == "neutrophils":
                value = neutrophils.worlds[0] if neutrophils.sent else None
            answers[f"{analyte}_state"] = (
                "not_assessed" if value is None else people.state(analyte, value, reported(analyte))
            )
        answers["blood_criteria"] = self._criteria(truth, values, neutrophils)
        return answers

    def _values(self, truth: Truth) -> dict[str, Interval]:
        """Return what was sent with what follows from it: corrected white cells, and percentages of them."""
        values = dict(truth.values)
        if truth.uncorrected and "nrbc" in values and "wbc" in values:
            values["wbc"] = corrected(values["wbc"], values["nrbc"])
        for analyte, percent in self.tables.percent.items():
            if analyte != "neutrophils" and percent in values and "wbc" in values:
                share = at_most(values[percent], 100 * ONE)
                derived = times(values["wbc"], share, PERCENT_SCALE)
                values[analyte] = both(values.get(analyte, ANYTHING), derived)
        if "rbc" in values and "reticulocytes_percent" in values:
            derived = times(values["rbc"], values["reticulocytes_percent"], RETICULOCYTE_SCALE)
            values["reticulocytes"] = both(values.get("reticulocytes", ANYTHING), derived)
        return values

    def _white(self, people: People, truth: Truth, values: Mapping[str, Interval], neutrophils: Neutrophils) -> Masks:
        if not neutrophils.sent and people.cuts["without_neutrophils"] is not None:
            plain = people.line("without_neutrophils", values.get("wbc", ANYTHING), truth.reported.get("wbc"))
            # Too few cells that may be neutrophils, however many white cells there are.
            few = people.line("white", neutrophils.worlds[0], None).yes
            may = people.line("white", neutrophils.least_room, None).yes if neutrophils.least_room else 0
            return Masks(plain.yes | few, plain.no & ~few & ~may)
        reported = truth.reported.get("neutrophils")
        found = [people.line("white", world, reported) for world in neutrophils.worlds]
        return found[0] if len(found) == 1 else all_of(found)

    def _counts(self, people: People, lines: Mapping[str, Masks], answers: dict[str, Any]) -> None:
        """Count the lines for each person, and join the persons."""
        yes, no, full = [m.yes for m in lines.values()], [m.no for m in lines.values()], people.full
        answers["lines_low_min"] = sum(_at_least(yes, count) == full for count in (1, 2, 3))
        answers["lines_low_max"] = 3 - sum(_at_least(no, count) == full for count in (1, 2, 3))
        same = answers["lines_low_min"] == answers["lines_low_max"]
        answers["pattern"] = PATTERNS[answers["lines_low_min"]] if same else None

    def _grades(
        self,
        people: People,
        truth: Truth,
        values: Mapping[str, Interval],
        lines: Mapping[str, Masks],
        neutrophils: Neutrophils,
        answers: dict[str, Any],
    ) -> None:
        reported = truth.reported.get
        white = [people.grade("neutrophils", w, reported("neutrophils")) for w in neutrophils.worlds]
        if not neutrophils.sent and "wbc" in self._tables_of:
            plain = people.grade("wbc", values.get("wbc", ANYTHING), reported("wbc"))
            white = [_no_milder(plain, white[0])]
            if neutrophils.least_room is not None:
                white = [_as_deep_as(white[0], people.grade("neutrophils", neutrophils.least_room, None))]
        found = {
            "red": [people.grade("hemoglobin", values.get("hemoglobin", ANYTHING), reported("hemoglobin"))],
            "white": white,
            "platelet": [people.grade("platelets", values.get("platelets", ANYTHING), reported("platelets"))],
        }
        sure, possible = [0] * (TOP + 1), [0] * (TOP + 1)
        for line, worlds in found.items():
            graded = worlds[0] if len(worlds) == 1 else _any_of(worlds)
            # A line that is not low and that no band speaks of adds no severity; nor does a white
            # line that was judged on the white cells alone, where the scheme does not grade those.
            bounded = line == "white" and not neutrophils.sent and "wbc" not in self._tables_of
            quiet = lines[line].no & (people.full if bounded else graded.ungraded)
            if bounded:
                graded = _no_deeper(graded)
            for severity in range(1, TOP + 1):
                sure[severity] |= graded.sure[severity]
                possible[severity] |= graded.possible[severity] & ~quiet
            answers[GRADE_OF[line]] = graded.one(people.full)
        # Severity of a row: the worst of its lines, for each person.
        low = max((s for s in range(1, TOP + 1) if sure[s] == people.full), default=0)
        high = max((s for s in range(1, TOP + 1) if possible[s]), default=0)
        answers["severity"] = SEVERITIES[low] if low == high else None
        answers["severity_min"] = SEVERITIES[low]

    def _criteria(self, truth: Truth, values: Mapping[str, Interval], neutrophils: Neutrophils) -> str | None:
        yes = no = 0
        for item in self.tables.criteria["items"]:
            found = []
            for method, rule in item.get("by_method", {"": item}).items():
                if method and method not in truth.methods:
                    continue
                analyte, cut = rule["when"]["analyte"], self.tables.criterion(rule["when"])
                worlds = neutrophils.worlds if analyte == "neutrophils" else [values.get(analyte, ANYTHING)]
                found += [(surely_below(w, cut), surely_not_below(w, cut)) for w in worlds]
            yes += all(below for below, _ in found)
            no += all(not_below for _, not_below in found)
        needed, items = self.tables.criteria["at_least"], len(self.tables.criteria["items"])
        return "met" if yes >= needed else "not_met" if no > items - needed else None


GRADE_OF = {"red": "hemoglobin_grade", "white": "white_grade", "platelet": "platelets_grade"}


def _no_deeper(graded: Graded) -> Graded:
    """Keep the depth that a bound makes certain, where that is severe: how much deeper it may be is not asked."""
    deep = graded.sure[SEVERE]
    possible = tuple(p if s <= SEVERE else p & (graded.sure[s] | ~deep) for s, p in enumerate(graded.possible))
    reachable = tuple(p & (own | ~deep) for p, own in zip(graded.reachable, graded.reached, strict=True))
    return graded._replace(reachable=reachable, possible=possible)


def _any_of(worlds: Sequence[Graded]) -> Graded:
    """Join worlds of which any may be the right one."""
    return Graded(
        _each(and_, *(w.reached for w in worlds)),
        _each(or_, *(w.reachable for w in worlds)),
        reduce(or_, (w.ungraded for w in worlds)),
        _each(and_, *(w.sure for w in worlds)),
        _each(or_, *(w.possible for w in worlds)),
    )


def _no_milder(graded: Graded, bound: Graded) -> Graded:
    """Return a grade by the white cells that is no milder than what bounds the neutrophils makes sure."""
    return Graded(
        _each(or_, graded.reached, bound.reached),
        _each(or_, graded.reachable, bound.reached),
        graded.ungraded,
        _each(or_, graded.sure, bound.sure),
        _each(or_, graded.possible, bound.sure),
    )


def _as_deep_as(graded: Graded, deepest: Graded) -> Graded:
    """Return a grade that may be as deep as the least that other cells may leave."""
    return graded._replace(
        reachable=_each(or_, graded.reachable, deepest.reached), possible=_each(or_, graded.possible, deepest.sure)
    )


def _each(join: Callable[[int, int], int], *masks: Sequence[int]) -> tuple[int, ...]:
    """Join masks of persons, level by level."""
    return tuple(reduce(join, level) for level in zip(*masks, strict=True))


def _at_least(masks: Sequence[int], count: int) -> int:
    """Return for whom at least so many of three are so."""
    one, two, three = masks
    return (one | two | three, (one & two) | (one & three) | (two & three), one & two & three)[count - 1]


class OtherCells(NamedTuple):
    """Another kind of white cell: as counted, and as a share of the white cells.

    A count that was sent is the count, also where it says nothing: its share is asked where none was (docs/limits.md).
    """

    counted: Interval
    share: Interval | None

    @property
    def by_share(self) -> bool:
        return self.share is not None

    def least(self, wbc: Number) -> Number:
        """Return the fewest that they are among so many white cells."""
        shares = times(point(wbc), self.share, PERCENT_SCALE).low if self.by_share else 0
        return max(self.counted.low, shares)

    def most(self, wbc: Number) -> Number | None:
        """Return the most that they are among so many white cells; None where nothing bounds them."""
        shares = times(point(wbc), self.share, PERCENT_SCALE).high if self.by_share else None
        known = [high for high in (self.counted.high, shares) if high is not None]
        return min(known) if known else None


def room_of(truth: Truth, wbc: Interval, tables: Tables) -> Interval:
    """Return what the other white cells leave for neutrophils that were not sent."""
    left = _left_of(wbc.high, [other.least(wbc.high) for other in others_of(truth, tables)], tables)
    return Interval(0, left) if 0 <= left < wbc.high else Interval(0, wbc.high, False, wbc.high_open)


def least_room_of(truth: Truth, wbc: Interval, tables: Tables) -> Interval | None:
    """Return what they leave where they are the most, and the white cells the fewest, that they may be.

    None where all of them are exact, and where they are more than the white cells whatever they are: they say nothing then.
    """
    others = others_of(truth, tables)
    ends = [(other.least(wbc.low), other.most(wbc.low)) for other in others]
    if wbc.low == wbc.high and all(least == most for least, most in ends):
        return None
    if wbc.high is not None and _left_of(wbc.high, [other.least(wbc.high) for other in others], tables) < 0:
        return None
    if any(most is None for _, most in ends):
        return point(0)
    return point(min(max(_left_of(wbc.low, [most for _, most in ends], tables), 0), wbc.low))


def _left_of(wbc: Number, others: Sequence[Number], tables: Tables) -> Number:
    return divided(wbc * (HUNDRED + tables.allowance), HUNDRED) - sum(others)


def others_of(truth: Truth, tables: Tables) -> list[OtherCells]:
    """Return the other white cells that were sent, as counts or as percentages."""
    found = []
    for name in tables.others:
        given, share = truth.values.get(name), truth.values.get(tables.percent.get(name, ""))
        if given is not None or share is not None:
            found.append(
                OtherCells(given or ANYTHING, None if share is None or given is not None else at_most(share, HUNDRED))
            )
    return found


def neutrophils_of(truth: Truth, wbc: Interval | None, tables: Tables) -> Neutrophils:
    """Return what the neutrophils can be: never more than the white cells, unless the two contradict."""
    values = truth.values
    given, derived = values.get("neutrophils"), None
    share = values.get("neutrophils_percent")
    if share is not None and wbc is not None:
        if "bands_percent" in values:
            share = summed(share, values["bands_percent"])
        if share.low > 100 * ONE:
            share = point(100 * ONE)
        derived = times(wbc, at_most(share, 100 * ONE), PERCENT_SCALE)
    sent = given is not None or derived is not None or truth.neutrophil_worlds is not None
    if truth.neutrophil_worlds is not None:
        worlds = list(truth.neutrophil_worlds)
    elif derived is not None and given is not None:
        worlds = [both(given, derived)]
    else:
        worlds = [derived or given or ANYTHING]
    if wbc is not None and wbc.high is None and not sent:
        return Neutrophils(worlds, sent, contradicted=False, least_room=least_room_of(truth, wbc, tables))
    if wbc is None or wbc.high is None:
        return Neutrophils(worlds, sent, truth.neutrophil_worlds is not None)
    if not sent:
        least = least_room_of(truth, wbc, tables)
        return Neutrophils([room_of(truth, wbc, tables)], sent=False, contradicted=False, least_room=least)
    bounded = [w for w in worlds if not surely_above(w, wbc.high)]
    above = len(bounded) < len(worlds)
    found = [at_most(w, wbc.high, top_open=wbc.high_open) for w in bounded]
    if above:
        # More neutrophils than white cells: one of the two is wrong, and which is unknown.
        found += [w for w in worlds if w not in bounded]
        found.append(Interval(0, wbc.high, False, wbc.high_open))
    return Neutrophils(found, sent, above or truth.neutrophil_worlds is not None)
