"""The closed words of the project: every code that can appear in an output (one file: every closed list of words)."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Literal

ANSWER_SYSTEM = "urn:cbc-screen:code"  # of the codes of answers that go out as FHIR, and are no results when read
NOTICE = "For clinician review. Not a diagnosis."
SCHEMA_VERSION = (
    "1.1"  # of every output: the second number rises with a new field, the first where a reader must change
)
STANDARD_STREAM = "-"  # in place of a path: standard input or output


class Sex(StrEnum):
    """Sex for the choice of reference range."""

    FEMALE = "F"
    MALE = "M"
    UNKNOWN = "unknown"


class Pregnancy(StrEnum):
    """Pregnancy at collection. `NOT_STATED` is read as not pregnant, and said so."""

    NONE = "none"
    T1 = "T1"
    T2 = "T2"
    T3 = "T3"
    TRIMESTER_UNKNOWN = "trimester_unknown"
    POSTPARTUM = "postpartum"
    UNKNOWN = "unknown"
    NOT_STATED = "not_stated"

    @property
    def claimed(self) -> bool:
        """Whether the record says that the person is pregnant, or was delivered."""
        return self not in (Pregnancy.NONE, Pregnancy.NOT_STATED, Pregnancy.UNKNOWN)


class Comparator(StrEnum):
    """The sign before a number."""

    BELOW = "<"
    AT_MOST = "<="
    EQUAL = "="
    AT_LEAST = ">="
    ABOVE = ">"


class Presence(StrEnum):
    """A film finding or a piece of context."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class ReticulocyteMethod(StrEnum):
    """How reticulocytes were counted: the severe limit depends on it."""

    AUTOMATED = "automated"
    MANUAL = "manual"
    UNKNOWN = "unknown"


class Line(StrEnum):
    """The three cell lines."""

    RED = "red"
    WHITE = "white"
    PLATELET = "platelet"


class State(StrEnum):
    """One analyte against one range. The order is the kernel's code."""

    LOW = "low"
    WITHIN = "within"
    HIGH = "high"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class LineState(StrEnum):
    """One line under one definition. The order is the kernel's code."""

    NOT_LOW = "not_low"
    LOW = "low"
    CANNOT_TELL = "cannot_tell"


# The columns of the checklist.
LIST_COLUMNS = ("checklist", "checklist_groups", "checklist_shown", "next_tests")


class WhiteBasis(StrEnum):
    """On what the white line was judged. The order is the kernel's code."""

    NEUTROPHILS = "neutrophils"
    WBC_X_PERCENT = "wbc_x_percent"
    WBC = "wbc"
    NONE = "none"
    WBC_LESS_OTHERS = "wbc_less_others"  # what the other white cells leave is too little
    SEGMENTED_AND_BANDS = "segmented_and_bands"  # the sum of both, or the segmented ones as the least


class Pattern(StrEnum):
    """How many lines are low. The order is the kernel's code."""

    NONE = "none"
    SINGLE_LINE = "single_line"
    BICYTOPENIA = "bicytopenia"
    PANCYTOPENIA = "pancytopenia"
    CANNOT_TELL = "cannot_tell"


class Severity(StrEnum):
    """The word every grading scheme maps its grades to. The order is the kernel's code."""

    NONE = "none"
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"
    VERY_SEVERE = "very_severe"
    CANNOT_TELL = "cannot_tell"


class Criteria(StrEnum):
    """The blood items of the aplastic anemia criteria. The order is the kernel's code."""

    NOT_MET = "not_met"
    MET = "met"
    CANNOT_TELL = "cannot_tell"


class Support(StrEnum):
    """How a condition of the checklist stands, best supported first. The order is the code."""

    SUPPORTED = "supported"
    CONSIDER = "consider"
    CANNOT_ASSESS = "cannot_assess"
    LESS_LIKELY = "less_likely"
    NOT_LISTED = "not_listed"


class Urgency(StrEnum):
    """How soon a person should look. The order is the kernel's code.

    `CANNOT_TELL`: nothing asks for a look, and something that was sent could not be judged.
    """

    NONE = "none"
    CANNOT_TELL = "cannot_tell"
    ROUTINE = "routine"
    PROMPT = "prompt"
    IMMEDIATE = "immediate"


class SenderFlag(StrEnum):
    """What a sender's flag says of a result."""

    LOW = "low"
    CRITICAL_LOW = "critical_low"
    HIGH = "high"
    CRITICAL_HIGH = "critical_high"
    NORMAL = "normal"


class Contradiction(StrEnum):
    """What a check that contradicts the neutrophils leaves of them."""

    BETWEEN = "between"  # the count and WBC x percent: either, or anything between
    UP_TO_WBC = "up_to_wbc"  # no fewer than the count, and no more than the white cells
    UP_TO_LARGER = "up_to_larger"  # anything up to the larger of count and white cells
    ANYTHING = "anything"


class Threshold(StrEnum):
    """Where the number of a rule comes from."""

    SOURCED = "sourced"
    PROJECT = "project"
    UNVERIFIED = "unverified"
    LOCAL = "local"
    NONE = "none"


class Verification(StrEnum):
    """How a source was read: the mark of the knowledge tables, shown with each answer."""

    VERIFIED = "verified"
    SECONDARY = "secondary"
    ABSTRACT = "abstract"
    LOCAL = "local"
    UNVERIFIED = "unverified"
    PROJECT = "project"


class TriggerKind(StrEnum):
    """What a review trigger asks for."""

    FILM_REVIEW = "film_review"
    NOTIFICATION = "notification"


# The ids of the tables, so that a slip fails in an editor; a test holds them equal to the data.
DefinitionId = Literal["reference", "clinical", "mds", "strict", "aplastic"]
SchemeId = Literal["clinical", "who_2024", "who_2011", "ctcae_v4", "ctcae_v5", "ctcae_v6", "daids_v2_1"]
AdjustWord = Literal["elevation", "smoking"]
SettingWord = Literal["primary_care", "ward", "marrow_clinic", "endemic_area"]
TextUnitSystem = Literal["si", "us"]


class Adjust(StrEnum):
    """What hemoglobin may be adjusted for before a WHO cut-off is applied."""

    ELEVATION = "elevation"
    SMOKING = "smoking"


class Setting(StrEnum):
    """Where a count comes from, as its user states it: it moves some starting tiers of the checklist by one at most."""

    PRIMARY_CARE = "primary_care"
    WARD = "ward"
    MARROW_CLINIC = "marrow_clinic"
    ENDEMIC_AREA = "endemic_area"


class AnalyteGroup(StrEnum):
    """What a quantity belongs to: the blood count, chemistry, what surrounds the person, or the person's birth."""

    COUNT = "count"
    CHEMISTRY = "chemistry"
    SETTING = "setting"
    BIRTH = "birth"


class SetAnswer(StrEnum):
    """What one published set says of a line: whether it is below the set's own range."""

    LOW = "low"
    NOT_LOW = "not_low"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"  # the set has a range, and nothing was sent
    NOT_COVERED = "not_covered"  # the set has no range for this person


class Tier(StrEnum):
    """Why a condition has its place among equally supported ones. The order is the order."""

    TIME_CRITICAL = "time_critical"
    ARTIFACT = "artifact"
    SERIOUS = "serious"
    COMMON = "common"
    RARE = "rare"


class Basis(StrEnum):
    """What the points of a finding rest on."""

    MEASURED = "measured"
    DERIVED = "derived"
    JUDGMENT = "judgment"


class CheckGroup(StrEnum):
    """Where a condition stands in the list. The order is the order."""

    FITS = "fits"
    NOT_TO_MISS = "not_to_miss"
    ALSO_POSSIBLE = "also_possible"
    UNLIKELY = "unlikely"


class Change(StrEnum):
    """A result against the one before it, beside the reference change value. The order is the code."""

    NONE = "none"
    UP = "up"
    DOWN = "down"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class Trend(StrEnum):
    """The slope of a person's results over time. The order is the code."""

    NONE = "none"
    RISING = "rising"
    FALLING = "falling"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class Persistence(StrEnum):
    """How long a line is low, counted between results below the same limit. The order is the code.

    `TRANSIENT` and `RECOVERED` are over: the line was low for less, or for no less, than the first duration.
    """

    NOT_LOW = "not_low"
    TRANSIENT = "transient"
    RECOVERED = "recovered"
    SINGLE = "single"
    NOT_YET = "not_yet"
    PERSISTENT_3_MONTHS = "persistent_3_months"
    PERSISTENT_4_MONTHS = "persistent_4_months"
    PERSISTENT_6_MONTHS = "persistent_6_months"
    PERSISTENT_12_MONTHS = "persistent_12_months"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class Onset(StrEnum):
    """How a spell of low results began. The order is the code."""

    NOT_LOW = "not_low"
    NEW = "new"
    AT_FIRST = "at_first"  # low in the first result that there is
    LIMIT_CHANGED = "limit_changed"  # the value alone would not have made it low
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class Standing(StrEnum):
    """The last result against the range that a person's own earlier results make. The order is the code."""

    WITHIN = "within"
    BELOW = "below"
    ABOVE = "above"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class Answer(StrEnum):
    """A question of yes and no. The order is the code."""

    NO = "no"
    YES = "yes"
    CANNOT_TELL = "cannot_tell"
    NOT_ASSESSED = "not_assessed"


class SerialReason(StrEnum):
    """Why something of several counts could not be told, or was told with care. Closed."""

    PERSON_MISSING = "PERSON_MISSING"
    PERSON_CONFLICT = "PERSON_CONFLICT"
    TIME_MISSING = "TIME_MISSING"
    TIMES_MEET = "TIMES_MEET"
    COUNT_REPEATED = "COUNT_REPEATED"
    ZONES_MIXED = "ZONES_MIXED"
    OUT_OF_ORDER = "OUT_OF_ORDER"
    LATER_COUNT = "LATER_COUNT"
    ONE_COUNT = "ONE_COUNT"
    NOT_BLOOD = "NOT_BLOOD"
    LABORATORY_CHANGED = "LABORATORY_CHANGED"
    UNIT_CHANGED = "UNIT_CHANGED"
    RANGE_CHANGED = "RANGE_CHANGED"
    RESULT_UNKNOWN = "RESULT_UNKNOWN"
    UNSTEADY = "UNSTEADY"
    SUPPRESSED = "SUPPRESSED"


class Reason(StrEnum):
    """Why something could not be told, or why a row was rejected. Closed."""

    UNIT_MISSING = "UNIT_MISSING"
    UNIT_UNKNOWN = "UNIT_UNKNOWN"
    UNIT_CONFUSABLE = "UNIT_CONFUSABLE"
    NUMBER_AMBIGUOUS = "NUMBER_AMBIGUOUS"
    NUMBER_UNREADABLE = "NUMBER_UNREADABLE"
    NUMBER_NEGATIVE = "NUMBER_NEGATIVE"
    NUMBER_NOT_FINITE = "NUMBER_NOT_FINITE"
    NUMBER_IMPLAUSIBLE = "NUMBER_IMPLAUSIBLE"
    NUMBER_ROUNDED = "NUMBER_ROUNDED"  # a zero that was rounded, beside limits that are finer
    TEXT_RESULT = "TEXT_RESULT"
    TEXT_ATTACHED = "TEXT_ATTACHED"
    CENSORED_LOW = "CENSORED_LOW"
    CENSORED_HIGH = "CENSORED_HIGH"
    SPECIMEN_SUSPECT = "SPECIMEN_SUSPECT"
    STATUS_NOT_FINAL = "STATUS_NOT_FINAL"
    AGE_MISSING = "AGE_MISSING"
    AGE_UNREADABLE = "AGE_UNREADABLE"
    AGE_UNIT_MISSING = "AGE_UNIT_MISSING"
    AGE_NEGATIVE = "AGE_NEGATIVE"
    AGE_IMPLAUSIBLE = "AGE_IMPLAUSIBLE"
    AGE_APPROXIMATE = "AGE_APPROXIMATE"
    COLLECTION_TIME_MISSING = "COLLECTION_TIME_MISSING"
    DATE_UNREADABLE = "DATE_UNREADABLE"
    SEX_MISSING = "SEX_MISSING"
    SEX_UNREADABLE = "SEX_UNREADABLE"
    PERSON_CONFLICT = "PERSON_CONFLICT"  # two things are said of a person, and one of them is wrong
    PREGNANCY_UNREADABLE = "PREGNANCY_UNREADABLE"
    PREGNANCY_UNKNOWN = "PREGNANCY_UNKNOWN"
    PREGNANCY_CONFLICT = "PREGNANCY_CONFLICT"
    TRIMESTER_UNKNOWN = "TRIMESTER_UNKNOWN"
    SETTING_MISSING = "SETTING_MISSING"
    RANGE_ABSENT = "RANGE_ABSENT"
    RANGE_INSANE = "RANGE_INSANE"
    RANGE_DIFFERS = "RANGE_DIFFERS"  # sets of equal standing differ at this age, and the value lies between
    RANGE_UNREADABLE = "RANGE_UNREADABLE"
    NO_RESULT = "NO_RESULT"
    ROW_RAGGED = "ROW_RAGGED"
    KEY_MISSING = "KEY_MISSING"
    ENCODING = "ENCODING"
    OVERSIZE = "OVERSIZE"
    DUPLICATE_COLUMN = "DUPLICATE_COLUMN"
    CODE_CONFLICT = "CODE_CONFLICT"
    RESULT_CONFLICT = "RESULT_CONFLICT"
    MESSAGE_UNREADABLE = "MESSAGE_UNREADABLE"
    UNIT_SUSPECT = "UNIT_SUSPECT"
    VALUE_MISSING = "VALUE_MISSING"  # the result was sent, without a value
    CODE_UNKNOWN = "CODE_UNKNOWN"  # sent under a code or name that may mean this analyte, and is not known to
    RESULT_CONTRADICTED = "RESULT_CONTRADICTED"  # another result of the same count cannot be true beside it
    DATE_IN_RESULT = "DATE_IN_RESULT"  # a spreadsheet made a date of it
    NUMBER_RANGE = "NUMBER_RANGE"  # a range was sent in place of a number
    MOMENT_UNKNOWN = "MOMENT_UNKNOWN"  # when it was taken cannot be placed, so its neighbors are unknown
    SPECIMEN_CONTROL = "SPECIMEN_CONTROL"
    SPECIMEN_BLANK = "SPECIMEN_BLANK"
    SPECIMEN_FAILED_RUN = "SPECIMEN_FAILED_RUN"
    SPECIMEN_BODY_FLUID = "SPECIMEN_BODY_FLUID"
    SPECIMEN_TRAINING = "SPECIMEN_TRAINING"
    SPECIMEN_ANIMAL = "SPECIMEN_ANIMAL"
    SPECIMEN_STATISTIC = "SPECIMEN_STATISTIC"  # a mean, a spread or a limit of a table, and no sample
    HEADER_REPEATED = "HEADER_REPEATED"  # the row is the header again


class SpecimenKind(StrEnum):
    """What a specimen is. Only a patient's blood is screened; the order is that in which reasons are told."""

    BLOOD = "blood"
    CONTROL = "control"
    BLANK = "blank"
    FAILED_RUN = "failed_run"
    BODY_FLUID = "body_fluid"
    TRAINING = "training"
    ANIMAL = "animal"
    STATISTIC = "statistic"

    @property
    def reason(self) -> Reason | None:
        """Why a specimen of this kind is not screened; None for a patient's blood."""
        return None if self is SpecimenKind.BLOOD else Reason(f"SPECIMEN_{self.name}")


class ResultStatus(StrEnum):
    """How far a result has come, in the words of HL7 table 0085."""

    FINAL = "F"
    CORRECTED = "C"
    AMENDED = "A"
    PRELIMINARY = "P"
    PENDING = "I"
    CANCELLED = "X"
    DELETED = "D"
    OTHER = "O"


class RangeVerdict(StrEnum):
    """What local results say of one limit of a set of reference ranges."""

    ADOPT = "adopt"
    INVESTIGATE = "investigate"
    CANNOT_TELL = "cannot_tell"


class RangeReason(StrEnum):
    """Why the verdict on a limit is what it is."""

    ESTIMATE_AGREES = "estimate_agrees"
    ESTIMATE_DIFFERS = "estimate_differs"
    DIRECT_DIFFERS = "direct_differs"
    RULE_KEPT = "rule_kept"
    RULE_REPEAT = "rule_repeat"
    RULE_REFUSED = "rule_refused"
    SIDE_CROWDED = "side_crowded"
    SIDE_EMPTY = "side_empty"
    HEALTHY_SHARE_LOW = "healthy_share_low"
    FEW_HEALTHY = "few_healthy"
    INTERVAL_ACROSS = "interval_across"
    TOO_FEW = "too_few"
    TOO_FEW_FOR_ESTIMATE = "too_few_for_estimate"
    TOO_FEW_VALUES = "too_few_values"
    TOO_MANY_BOUNDS = "too_many_bounds"
    NO_FIT = "no_fit"
    NO_LIMIT = "no_limit"
    NO_TOLERANCE = "no_tolerance"
    OUTSIDE_UNSURE = "outside_unsure"
    PEOPLE_NOT_STATED = "people_not_stated"
    BASIS_NOT_STATED = "basis_not_stated"


class ResultsOf(StrEnum):
    """Whose results a set of ranges is verified with."""

    ROUTINE = "routine"  # patients of every day, healthy and sick
    REFERENCE = "reference"  # people chosen for their health


class SetAside(StrEnum):
    """Why a row or a result is not used when ranges are verified."""

    NOT_READ = "not_read"
    AGE_UNKNOWN = "age_unknown"
    SEX_UNKNOWN = "sex_unknown"
    REPEATED = "repeated"
    PREGNANCY_UNKNOWN = "pregnancy_unknown"
    NO_RESULT = "no_result"
    UNUSABLE = "unusable"
    NO_BAND = "no_band"
    BAND_UNSURE = "band_unsure"
    GESTATION_UNSURE = "gestation_unsure"
    PHENOTYPE_NOT_STATED = "phenotype_not_stated"
    BORN_PRETERM = "born_preterm"


class NotVerified(StrEnum):
    """Why an analyte that was asked for, or sent, is not verified."""

    NO_COLUMN = "no_column"
    NO_RANGE = "no_range"


class Format(StrEnum):
    """The formats that are read."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    XLSX = "xlsx"
    XPT = "xpt"
    HL7 = "hl7"
    ASTM = "astm"
    FHIR = "fhir"
    CCDA = "ccda"


AUTO = "auto"  # the format is told from what a file holds


class ExitCode(IntEnum):
    """What the command returns to the shell."""

    DONE = 0
    USAGE = 2
    ANALYTE_VANISHED = 3
    FLAGS_CHANGED = 3  # of `compare`: as with a scan, something wants a look
    TOO_MANY_REJECTS = 4
