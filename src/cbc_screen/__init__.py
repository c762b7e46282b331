"""cbc_screen: flags for clinician review from complete blood counts. Not a diagnosis.

The public names are loaded when first used: importing the package costs what pydantic costs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Every record needs it, and the first request of a service should not wait for it.
from pydantic import BaseModel as _BaseModel  # noqa: F401

from cbc_screen._version import __version__
from cbc_screen.knowledge import kept as _kept  # noqa: F401  before any other module: see there
from cbc_screen.report import views as _views
from cbc_screen.views import describe_with as _describe_with
from cbc_screen.views import draw_with as _draw_with

if TYPE_CHECKING:
    __data_version__: str

    from cbc_screen.agreement import Agreement, validate
    from cbc_screen.comparison import Comparison
    from cbc_screen.demo import sample
    from cbc_screen.errors import (
        CBCScreenError,
        CBCScreenWarning,
        KnowledgeError,
        RangeNotFound,
        RecordError,
        UsageError,
    )
    from cbc_screen.exported.admiral import admiral_criteria
    from cbc_screen.exported.library import CQLLibrary, cql
    from cbc_screen.exported.statement import sql
    from cbc_screen.grading import Grade, grade
    from cbc_screen.local_ranges import verify_ranges
    from cbc_screen.ranges import reference_range
    from cbc_screen.record import CBCRecord, Measurement, ReportedRange
    from cbc_screen.report.audit import Audit
    from cbc_screen.report.cohort import summarize
    from cbc_screen.report.fhir import fhir_bundle
    from cbc_screen.report.omop import OmopCohorts, omop_cohorts
    from cbc_screen.report.omop_measurements import OmopMeasurements, omop_measurements
    from cbc_screen.report.packed import read_flags
    from cbc_screen.report.plots import plot_cohort, plot_ranges
    from cbc_screen.report.prevalence import prevalence
    from cbc_screen.report.progress import ProgressBar
    from cbc_screen.result import ReferenceRange, ScreeningResult
    from cbc_screen.review import compare, screen_again, worklist
    from cbc_screen.schemas import schema, schema_names
    from cbc_screen.scores import score, small_cell_indices
    from cbc_screen.screener import Screener
    from cbc_screen.screening import audit, explain, follow, read, scan, screen, screen_frame, timeline
    from cbc_screen.shares import Prevalence
    from cbc_screen.source import Source
    from cbc_screen.summary import FlagSummary, ScanSummary
    from cbc_screen.time_course import Timeline
    from cbc_screen.verification import RangeVerification
    from cbc_screen.vocabulary import NOTICE, RangeVerdict, Reason

_draw_with(_views)


def _described(model: type, core_schema: Any, handler: Any) -> dict[str, Any]:
    from cbc_screen.model_schema import with_texts

    return with_texts(model, core_schema, handler)


_describe_with(_described)
_HOME = {
    "Agreement": "agreement",
    "Audit": "report.audit",
    "CBCRecord": "record",
    "CBCScreenError": "errors",
    "CBCScreenWarning": "errors",
    "CQLLibrary": "exported.library",
    "Comparison": "comparison",
    "FlagSummary": "summary",
    "Grade": "grading",
    "KnowledgeError": "errors",
    "Measurement": "record",
    "NOTICE": "vocabulary",
    "OmopCohorts": "report.omop",
    "OmopMeasurements": "report.omop_measurements",
    "Prevalence": "shares",
    "ProgressBar": "report.progress",
    "RangeNotFound": "errors",
    "RangeVerdict": "vocabulary",
    "RangeVerification": "verification",
    "Reason": "vocabulary",
    "RecordError": "errors",
    "ReferenceRange": "result",
    "ReportedRange": "record",
    "ScanSummary": "summary",
    "Screener": "screener",
    "ScreeningResult": "result",
    "Source": "source",
    "Timeline": "time_course",
    "UsageError": "errors",
    "admiral_criteria": "exported.admiral",
    "audit": "screening",
    "cql": "exported.library",
    "compare": "review",
    "explain": "screening",
    "fhir_bundle": "report.fhir",
    "follow": "screening",
    "grade": "grading",
    "omop_cohorts": "report.omop",
    "omop_measurements": "report.omop_measurements",
    "plot_cohort": "report.plots",
    "plot_ranges": "report.plots",
    "prevalence": "report.prevalence",
    "read": "screening",
    "read_flags": "report.packed",
    "reference_range": "ranges",
    "sample": "demo",
    "scan": "screening",
    "schema": "schemas",
    "schema_names": "schemas",
    "score": "scores",
    "screen": "screening",
    "screen_again": "review",
    "screen_frame": "screening",
    "small_cell_indices": "scores",
    "sql": "exported.statement",
    "summarize": "report.cohort",
    "timeline": "screening",
    "validate": "agreement",
    "verify_ranges": "local_ranges",
    "worklist": "review",
}
__all__ = [
    "NOTICE",
    "Agreement",
    "Audit",
    "CBCRecord",
    "CBCScreenError",
    "CBCScreenWarning",
    "CQLLibrary",
    "Comparison",
    "FlagSummary",
    "Grade",
    "KnowledgeError",
    "Measurement",
    "OmopCohorts",
    "OmopMeasurements",
    "Prevalence",
    "ProgressBar",
    "RangeNotFound",
    "RangeVerdict",
    "RangeVerification",
    "Reason",
    "RecordError",
    "ReferenceRange",
    "ReportedRange",
    "ScanSummary",
    "Screener",
    "ScreeningResult",
    "Source",
    "Timeline",
    "UsageError",
    "__data_version__",
    "__version__",
    "admiral_criteria",
    "audit",
    "compare",
    "cql",
    "explain",
    "fhir_bundle",
    "follow",
    "grade",
    "omop_cohorts",
    "omop_measurements",
    "plot_cohort",
    "plot_ranges",
    "prevalence",
    "read",
    "read_flags",
    "reference_range",
    "sample",
    "scan",
    "schema",
    "schema_names",
    "score",
    "screen",
    "screen_again",
    "screen_frame",
    "small_cell_indices",
    "sql",
    "summarize",
    "timeline",
    "validate",
    "verify_ranges",
    "worklist",
]


if not TYPE_CHECKING:  # an editor that saw it would take any name

    def __getattr__(name: str) -> Any:
        if name == "__data_version__":
            from cbc_screen.knowledge import load_knowledge

            return load_knowledge().data_version
        if name not in _HOME:
            raise AttributeError(f"module 'cbc_screen' has no attribute {name!r}")
        value = getattr(import_module(f"cbc_screen.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
