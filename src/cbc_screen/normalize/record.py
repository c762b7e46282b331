"""One record -> the numbers, findings and person that the kernel takes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf, nan

from cbc_screen.ages import AgeSpan
from cbc_screen.errors import RecordError
from cbc_screen.kernel_inputs import InputScope, Person, scope_of
from cbc_screen.knowledge.measures import Measures
from cbc_screen.knowledge.quantities import CIGARETTES, SMOKER_FINDING, Analyte, Factor
from cbc_screen.knowledge.specimens import ANY
from cbc_screen.normalize.age import age_beside, parse_age
from cbc_screen.normalize.agreement import confirmed
from cbc_screen.normalize.dates import parse_date
from cbc_screen.normalize.declared import Declared, declared_units
from cbc_screen.normalize.person import parse_pregnancy, parse_sex
from cbc_screen.normalize.range_text import limits_of_text, of_sex
from cbc_screen.normalize.remarks import CLUMPS, CLUMPS_SUSPECTED, mentions_clumps, platelet_clumps, suspects_clumps
from cbc_screen.normalize.sender_flags import finding_of, flag_beside, opened
from cbc_screen.normalize.specimen import SPECIMEN_FIELD, SpecimenReader
from cbc_screen.normalize.suspect import without_unit
from cbc_screen.normalize.value import Reading, ResultReader, convert, plain_number, void
from cbc_screen.record import CBCRecord, Measurement, ReportedRange
from cbc_screen.vocabulary import Comparator, Presence, Reason, ReticulocyteMethod, Sex

_REMEMBERED = 2048  # cells of one field


@dataclass(frozen=True)
class NormalizedRecord:
    """A record in the kernel's terms, with the readings and reasons behind it.

    `declared_units` are those that were declared for results without a unit. `scope` has
    every input that is given; `reported` is set where a range came with a result.
    """

    inputs: Mapping[str, float]
    person: Person
    readings: Mapping[str, Reading]
    reasons: tuple[tuple[str, Reason], ...]
    scope: InputScope
    reported: bool
    declared_units: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Analyte:
    """An analyte that is read, and the names of the kernel's inputs for it."""

    read: Callable[[float | str | None, str | None, Comparator | None], Reading]
    counted: bool
    scope: InputScope
    low: str
    high: str


class RecordNormalizer:
    """Normalizes records under one declaration; holds one reader for each analyte."""

    def __init__(self, measures: Measures, declared: Declared, suspect: frozenset[str] = frozenset()) -> None:
        self._measures, self._declared = measures, declared
        self._suspect = suspect or None  # analytes whose unit a scan did not believe
        self._declared_units = declared_units(measures, declared)
        words, sexes, stages = measures.words, _codes(declared.sexes), _codes(declared.pregnancy_codes)
        doubt = declared.sex_doubt
        self._is_used = lru_cache(maxsize=_REMEMBERED)(measures.statuses.is_used)
        self._sex = lru_cache(maxsize=_REMEMBERED)(lambda text: parse_sex(text, words, sexes, doubt))
        self._specimens = SpecimenReader(measures.specimens)
        self._pregnancy = lru_cache(maxsize=_REMEMBERED)(lambda text: parse_pregnancy(text, words, stages))
        self._analytes = {
            name: _Analyte(
                self._read(analyte),
                analyte.counted,
                scope_of(name, analyte.counted),
                f"{name}.low",
                f"{name}.high",
            )
            for name, analyte in measures.analytes.items()
            if declared.reads(analyte)
        }

    def _read(self, analyte: Analyte) -> Callable[[float | str | None, str | None, Comparator | None], Reading]:
        """Return what reads results of an analyte; it remembers some: records have few different ones (measured)."""
        declared = self._declared
        unit = declared.unit(self._measures, analyte.id)
        reader = ResultReader(analyte, self._measures.words, unit, declared.number_format, declared.convention)
        return lru_cache(maxsize=_REMEMBERED)(reader.read_parts)

    def normalize(
        self, record: CBCRecord, *, use_reported: bool, believed: Mapping[str, Reading] | None = None
    ) -> NormalizedRecord:
        """Normalize one record; `believed` are readings that take the place of implausible ones."""
        inputs: dict[str, float] = {}
        readings: dict[str, Reading] = {}
        reasons: list[tuple[str, Reason]] = []
        reported = counted = doubted = False
        scope, suspect = InputScope.SHORT, self._suspect
        if suspect is not None and believed is None:  # what confirms a number is looked at before any is set aside
            known = ((self._analytes.get(name), name, own) for name, own in record.measurements())
            believed = self._confirmed({name: self._reading(one, own) for one, name, own in known if one is not None})
        spoiled = self._is_spoiled(record)
        for name, measurement in record.measurements():
            analyte = self._analytes.get(name)
            if analyte is None:
                continue
            reading = self._reading(analyte, measurement)
            if believed is not None:
                reading = believed.get(name, reading)
            if suspect is not None and name in suspect:
                reading = without_unit(reading)
            if spoiled and reading.low == reading.low:
                reading = void(Reason.SPECIMEN_SUSPECT)
            readings[name] = reading
            low, high, reason, finding, _, factor, implausible = reading
            if reason is not None:
                reasons.append((name, reason))
                doubted = doubted or implausible is not None
            if finding is not None:
                inputs[f"{finding}.present"] = True
                scope = InputScope.ALL
            if low != low:  # absent
                continue
            inputs[analyte.low], inputs[analyte.high] = low, high
            counted = counted or analyte.counted
            if analyte.scope > scope:
                scope = analyte.scope
            ranged = False
            if use_reported and measurement.range is not None and factor is not None:
                given = self._with_limits(name, measurement, record)
                reported = self._reported(name, given, factor, inputs, reasons) or reported
                ranged = f"{name}.reported_lower" in inputs or f"{name}.reported_upper" in inputs
            for told in _clumps(name, measurement.flag):
                inputs[told] = True
                scope = InputScope.ALL
            for flag in self._flags(measurement, reason):
                stated = finding_of(name, flag, self._measures.words, ranged=ranged)
                if stated is not None:
                    inputs[f"{stated}.present"] = True
                    scope = InputScope.ALL
        if doubted and believed is None and (others := self._confirmed(readings)):
            return self.normalize(record, use_reported=use_reported, believed=others)
        if not counted:
            reasons.append(("record", Reason.NO_RESULT))
        if self._stated(record, inputs):
            scope = InputScope.ALL
        if self._declared.settings:
            reasons += [(name, Reason.SETTING_MISSING) for name in self._settings_missing(inputs)]
        person = self._person(record, reasons)
        found = NormalizedRecord(inputs, person, readings, tuple(reasons), scope, reported, self._declared_units)
        kind = self._specimens.kind(ANY, record.specimen) if record.specimen is not None else None
        return found if kind is None or kind.reason is None else _of_another_kind(found, kind.reason)

    def _is_spoiled(self, record: CBCRecord) -> bool:
        """Tell whether all that was measured is taken back: in place of the specimen ("clotted"), or beside a result of it.

        A chemistry value is measured in another tube.
        """
        words, known = self._measures.words, self._analytes
        if record.specimen is not None and words.spoils(record.specimen):
            return True
        flags = ((known.get(name), own.flag) for name, own in record.measurements() if own.flag is not None)
        return any(words.takes_back_all(flag) for analyte, flag in flags if analyte is not None and analyte.counted)

    def _reading(self, analyte: _Analyte, measurement: Measurement) -> Reading:
        if measurement.status is not None and not self._is_used(measurement.status):
            return void(Reason.STATUS_NOT_FINAL)  # also without a value: it was ordered
        reading = analyte.read(measurement.value, measurement.unit, measurement.comparator)
        if measurement.flag is None:
            return reading
        if reading.low == reading.low and self._measures.words.takes_back(measurement.flag):
            return void(Reason.SPECIMEN_SUSPECT)  # "Cancelled" is a remark
        return opened(reading, measurement.flag, self._measures.words)

    def _flags(self, measurement: Measurement, reason: Reason | None) -> Iterator[str]:
        """Yield the sender's flags: the one in a field of its own, and the one that stands in the cell of the number."""
        if measurement.flag is not None:
            yield measurement.flag
        if reason is Reason.TEXT_ATTACHED and isinstance(measurement.value, str):
            beside = flag_beside(measurement.value, self._measures.words)
            if beside is not None:
                yield beside

    def _confirmed(self, readings: Mapping[str, Reading]) -> dict[str, Reading]:
        """Return the implausible readings that the other indices of the count confirm."""
        ways = self._measures.agreement
        # "<=0" is a point that nothing can be divided by, and no index that was measured.
        points = defaultdict(lambda: nan, {name: own.low for name, own in readings.items() if 0 < own.low == own.high})
        return {
            name: own.doubted
            for name, own in readings.items()
            if own.doubted is not None and name in ways and confirmed(ways[name], own.doubted.low, points)
        }

    def _stated(self, record: CBCRecord, inputs: dict[str, float]) -> bool:
        """Add what is stated beside the results; tell whether anything is."""
        stated = bool(record.film or record.context) and self._findings(record, inputs)
        if record.reticulocyte_method is not ReticulocyteMethod.UNKNOWN:
            inputs[f"reticulocytes_{record.reticulocyte_method}"] = stated = True
        if record.wbc_uncorrected:
            inputs["wbc_uncorrected"] = stated = True
        return stated

    def _reported(
        self,
        name: str,
        given: ReportedRange,
        factor: Factor,
        inputs: dict[str, float],
        reasons: list[tuple[str, Reason]],
    ) -> bool:
        """Add the range that came with a result; tell whether it could be read."""
        limits = self._limits(given)
        if limits is None:
            reasons.append((name, Reason.RANGE_UNREADABLE))
            return False
        for side, limit in limits.items():
            inputs[f"{name}.reported_{side}"] = convert(limit, factor)
        return True

    def _with_limits(self, name: str, measurement: Measurement, record: CBCRecord) -> ReportedRange:
        """Return the range of a result, with the limits of one that came as a text, for the person's sex."""
        given = measurement.range
        assert given is not None
        if not given.text or given.lower is not None or given.upper is not None:
            return given
        unit = measurement.unit or self._declared.unit(self._measures, name) or ""
        sex, _ = self._sex(record.sex)
        lower, upper = (of_sex(limit, sex) or None for limit in limits_of_text(given.text, unit))
        return ReportedRange(lower=lower, upper=upper)

    def _limits(self, given: ReportedRange) -> dict[str, float] | None:
        """Read the limits of a reported range; their unit is that of the result. None where one is unreadable."""
        found: dict[str, float] = {}
        for side, limit in (("lower", given.lower), ("upper", given.upper)):
            value = plain_number(limit, self._declared.number_format) if isinstance(limit, str) else limit
            if value is None and isinstance(limit, str):
                return None
            if value is not None and value == value:
                found[side] = value
        return found

    def _findings(self, record: CBCRecord, inputs: dict[str, float]) -> bool:
        stated = False
        for group, given in (("film", record.film), ("context", record.context)):
            for finding, presence in given.items():
                if finding not in self._measures.findings:
                    raise RecordError(
                        f"CBCRecord: {group}: one key is not a finding; see reference_ranges/findings.yaml"
                    )
                if presence is not Presence.UNKNOWN and not inputs.get(f"{finding}.present"):
                    inputs[f"{finding}.{presence}"] = stated = True
        return stated

    def _settings_missing(self, inputs: Mapping[str, float]) -> list[str]:
        """Return the settings that are asked for and not stated in any form."""
        stated = {name for name in self._declared.settings if f"{name}.low" in inputs}
        if any(f"{SMOKER_FINDING}.{presence}" in inputs for presence in (Presence.PRESENT, Presence.ABSENT)):
            stated.add(CIGARETTES)
        return sorted(self._declared.settings - stated)

    def _person(self, record: CBCRecord, reasons: list[tuple[str, Reason]]) -> Person:
        sex, sex_reason = self._sex(record.sex)
        stage, stage_reason = self._pregnancy(record.pregnancy)
        age, age_reason = self._age(record)
        if sex is Sex.MALE and stage.claimed:
            stage_reason = Reason.PREGNANCY_CONFLICT
        found = (("sex", sex_reason), ("pregnancy", stage_reason), ("age", age_reason))
        reasons += [(name, reason) for name, reason in found if reason is not None]
        return Person(age, sex, stage)

    def _age(self, record: CBCRecord) -> tuple[AgeSpan | None, Reason | None]:
        oldest = self._measures.age_implausible_from
        birth = birth_reason = collected_reason = None
        age, reason = parse_age(record.age, record.age_unit or self._declared.age_unit, oldest)
        if record.birth_date is not None:  # else the time of collection tells no age
            birth, birth_reason = parse_date(record.birth_date, self._declared.date_format_of("birth_date"))
            collected, collected_reason = parse_date(record.collected_at, self._declared.date_format_of("collected_at"))
            if birth is not None and collected is not None:
                return age_beside(age, birth, collected, oldest)
        if age is not None or reason is not None:
            return age, reason
        return None, missing_age(birth is not None, birth_reason, collected_reason)


def _of_another_kind(found: NormalizedRecord, reason: Reason) -> NormalizedRecord:
    """Make every result unknown, and what is stated beside them unsaid: nothing here is of a patient."""
    readings = {name: reading if reading.absent else void(reason) for name, reading in found.readings.items()}
    given = [name for name, reading in readings.items() if not reading.absent]
    inputs = {f"{name}.low": 0.0 for name in given} | {f"{name}.high": inf for name in given}
    kept = [(name, why) for name, why in found.reasons if name not in readings]
    why = (*((name, reason) for name in given), *kept, (SPECIMEN_FIELD, reason))
    return replace(found, inputs=inputs, readings=readings, reasons=why, reported=False)


def missing_age(has_birth: bool, birth_reason: Reason | None, collected_reason: Reason | None) -> Reason:
    """Say why there is no age."""
    if birth_reason is not None:
        return birth_reason
    if has_birth:
        return collected_reason or Reason.COLLECTION_TIME_MISSING
    return Reason.AGE_MISSING


def _codes(codes: Mapping[str, str] | None) -> dict[str, str] | None:
    return dict(codes) if codes is not None else None


def _clumps(analyte: str, flag: str | None) -> Iterator[str]:
    """Yield the inputs for what a flag says of platelet clumps, if it does."""
    if flag is None or not mentions_clumps(flag):
        return
    about_platelets = analyte == "platelets"
    seen = platelet_clumps(flag, about_platelets=about_platelets)
    if seen is not Presence.UNKNOWN:
        yield f"{CLUMPS}.{seen.value}"
    if seen is not Presence.PRESENT and suspects_clumps(flag, about_platelets=about_platelets):
        yield f"{CLUMPS_SUSPECTED}.present"
