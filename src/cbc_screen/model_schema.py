"""JSON schemas of records and results: each field with a description and an example.

The descriptions are `field_texts`, those of analytes come from the data, and every example of a result is a part of
a true one. Worked out when a schema is asked for: a record that is only screened pays nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from inspect import cleandoc
from typing import Any

from pydantic import BaseModel
from pydantic.annotated_handlers import GetJsonSchemaHandler
from pydantic_core import CoreSchema

# A synthetic count that has every field of a record, in the ways in which they may be sent.
RECORD: Mapping[str, Any] = {
    "age": "54 y",
    "age_unit": "y",
    "birth_date": "1970-03-02",
    "collected_at": "2024-06-20T08:15:00",
    "sex": "F",
    "pregnancy": "none",
    "specimen": "venous blood",
    "reticulocyte_method": "automated",
    "wbc_uncorrected": False,
    "hemoglobin": "9.1 g/dL",
    "hematocrit": "27.5 %",
    "rbc": "2.8 10^12/L",
    "mcv": "98 fL",
    "mch": "32.5 pg",
    "mchc": "33.1 g/dL",
    "rdw_cv": "16.2 %",
    "wbc": "2.3 10^9/L",
    "neutrophils": {"value": 0.9, "unit": "10^9/L", "range": [1.8, 7.5], "flag": "L", "status": "F"},
    "lymphocytes": "1.1 10^9/L",
    "monocytes": "0.2 10^9/L",
    "eosinophils": "0.05 10^9/L",
    "basophils": "0.01 10^9/L",
    "segmented": "0.85 10^9/L",
    "bands": "0.05 10^9/L",
    "immature_granulocytes": "0.01 10^9/L",
    "blasts": "0 10^9/L",
    "nrbc": "0 /100 WBC",
    "platelets": "<10 10^9/L",
    "mpv": "9.8 fL",
    "reticulocytes": "18 10^9/L",
    "neutrophils_percent": "39 %",
    "lymphocytes_percent": "48 %",
    "monocytes_percent": "9 %",
    "eosinophils_percent": "2 %",
    "basophils_percent": "0.4 %",
    "segmented_percent": "37 %",
    "bands_percent": "2 %",
    "immature_granulocytes_percent": "0.4 %",
    "blasts_percent": "0 %",
    "reticulocytes_percent": "0.6 %",
    "ferritin": "310 ug/L",
    "vitamin_b12": "380 pg/mL",
    "crp": "4 mg/L",
    "transferrin_saturation": "31 %",
    "elevation": "2600 m",
    "cigarettes_per_day": "0 /d",
    "gestation_at_birth": "39 wk",
    "film": {"blasts_on_film": "absent"},
    "context": {"cytopenia_over_3_months": "present"},
}
_SHORT = ("age", "sex", "hemoglobin", "wbc", "neutrophils", "platelets")  # of the example of a whole record
_BEFORE_AND_AFTER = ("2024-02-01", "2024-07-01")  # counts that are earlier than that of `RECORD`, and later

# Of an adjustment, which a screener makes only where it is asked to.
_ASKED_FOR: Mapping[str, Mapping[str, Any]] = {
    "LineResult": {"adjusted": [91.0, 91.0], "at_most": 0.42, "state_unadjusted": "low", "grade_unadjusted": 2},
    "Versions": {"adjust_hemoglobin": ["elevation"]},
}


def with_texts(model: type[BaseModel], core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
    """Return the JSON schema of a model with a description and an example of each field.

    Parameters
    ----------
    model : type
        A model of `record` or `result`.
    core, handler
        What pydantic gives to `__get_pydantic_json_schema__`.

    Returns
    -------
    dict

    Examples
    --------
    >>> from cbc_screen import CBCRecord
    >>> CBCRecord.model_json_schema()["properties"]["hemoglobin"]["examples"]
    ['9.1 g/dL']
    """
    made = handler(core)
    schema: dict[str, Any] = handler.resolve_ref_schema(made)
    if handler.mode == "serialization":
        schema.pop("additionalProperties", None)  # of what goes out: a later version may have more fields
    schema["description"] = cleandoc((model.__doc__ or "").partition("\n\n    Parameters\n")[0])
    texts, examples = _descriptions(model), _examples(model)
    for name, own in schema.get("properties", {}).items():
        if "$ref" in own:  # beside a reference nothing else is read by older tools
            own = schema["properties"][name] = {"allOf": [own]}
        if name in texts:
            own["description"] = texts[name]
        if name in examples:
            own["examples"] = [examples[name]]
        own.pop("title", None)
    _add_forms(model, schema)
    return made


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the description of each field of a model."""
    from cbc_screen.field_texts import TEXTS

    found = {name: text for own in reversed(model.__mro__) for name, text in TEXTS.get(own.__name__, {}).items()}
    if model.__name__ == "CBCRecord":
        from cbc_screen.knowledge import load_knowledge

        for name, analyte in load_knowledge().analytes.items():
            found[name] = f"{analyte.label}, with its unit; canonical unit {analyte.units.canonical}."
    return found


def _add_forms(model: type[BaseModel], schema: dict[str, Any]) -> None:
    """Say in which other forms a field may be sent, so that a generated client can send them."""
    if model.__name__ == "CBCRecord":
        from cbc_screen.knowledge import load_knowledge

        schema["examples"] = [{name: RECORD[name] for name in _SHORT}]
        for group, findings in load_knowledge().finding_groups.items():
            schema["properties"][group]["propertyNames"] = {"enum": sorted(findings)}
        for own in schema["properties"].values():
            if any("Measurement" in form.get("$ref", "") for form in own.get("anyOf", ())):
                own["anyOf"] = [{"type": "string"}, {"type": "number"}, *own["anyOf"]]
    elif model.__name__ == "Measurement":
        limit = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "null"}]}
        pair = {"type": "array", "prefixItems": [limit, limit], "items": limit, "minItems": 2, "maxItems": 2}
        schema["properties"]["range"]["anyOf"].insert(1, pair)


def _examples(model: type[BaseModel]) -> Mapping[str, Any]:
    given: Mapping[str, Mapping[str, Any]] = {
        "CBCRecord": RECORD,
        "Measurement": {**RECORD["neutrophils"], "comparator": "<"},
        "ReportedRange": {"lower": 1.8, "upper": 7.5, "text": "1.8-7.5"},
    }
    if model.__name__ in given:
        return given[model.__name__]
    results = _of_results()
    return {name: own for part in reversed(model.__mro__) for name, own in results.get(part.__name__, {}).items()}


@lru_cache(maxsize=1)
def _of_results() -> dict[str, dict[str, Any]]:
    """Return an example of each field of a result, all of them parts of true results."""
    from cbc_screen.screener import Screener

    doubtful = {"age": "54", "sex": "F", "hemoglobin": 13.0, "hematocrit": "27 %", "rbc": "4.8 10^12/L", "mchc": 33.0}
    found: dict[str, dict[str, Any]] = {}
    in_sets = Screener(published_sets=True).screen({"age": "40 y", "hemoglobin": "125 g/L"})
    earlier = [{**{name: RECORD[name] for name in _SHORT}, "collected_at": day} for day in _BEFORE_AND_AFTER]
    timed = Screener().screen({name: RECORD[name] for name in (*_SHORT, "collected_at")}, history=earlier)
    on_a_ward = Screener(setting="ward").screen({"age": "40 y", "sex": "M", "hemoglobin": "92 g/L", "mcv": "70 fL"})
    for result in (timed, Screener().screen(RECORD), Screener(units="us").screen(doubtful), in_sets, on_a_ward):
        _collect(result, result.to_dict(), found)
    for model, own in _ASKED_FOR.items():
        found[model] |= own
    return found


def _collect(part: Any, plain: Any, found: dict[str, dict[str, Any]]) -> None:
    """Keep the first example of each field that says something."""
    if isinstance(part, BaseModel):
        own = found.setdefault(type(part).__name__, {})
        for name in type(part).model_fields:
            if own.get(name) in (None, [], {}, ""):
                own[name] = _shortened(plain[name])
            _collect(getattr(part, name), plain[name], found)
    elif isinstance(part, tuple):
        for inner, inner_plain in zip(part, plain, strict=True):
            _collect(inner, inner_plain, found)


def _shortened(plain: Any) -> Any:
    """Return one element of a list: the others say nothing new of its form."""
    if isinstance(plain, list) and len(plain) > 1 and not isinstance(plain[0], int | float | None):
        return plain[:1]
    return plain
