"""Faults in the tables of words: names, languages, specimens, statuses, what is said (one file: one subject, whose cases share what they build)."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty import Fault, assert_named

BESIDE = "beside_results.yaml"
FRIENDS = "false_friends.yaml"
AGREEING = "agreeing_names.yaml"
LANGUAGES = "languages.yaml"
PEOPLE = "demographics.yaml"
POLISH = "names/pl.yaml"
SPECIMENS = "specimens.yaml"
STATUS = "result_status.yaml"
FILM = "film_names.yaml"

FAULTS = [
    # What an audit says.
    Fault("an audit without a source", "audit.yaml", "source: project", "source: nobody", "source", "source: nobody"),
    Fault(
        "an audit of something else",
        "audit.yaml",
        "value_in_another_unit: {about: unit",
        "value_in_another_unit: {about: value",
        "about",
        "{about: value",
        says="must be one of flag, range, unit",
    ),
    # Columns beside those of an analyte.
    Fault(
        "a channel of no analyte",
        BESIDE,
        "ret: [reticulocytes,",
        "ret: [reticulos,",
        "ret",
        "ret: [reticulos,",
        says="reticulos is not an analyte",
    ),
    Fault(
        "a method of no analyte",
        BESIDE,
        "not_of: [reticulocytes,",
        "not_of: [reticulos,",
        "not_of",
        "not_of: [reticulos,",
    ),
    # Terms of FHIR.
    Fault(
        "a term of no text",
        "fhir.yaml",
        "{code: pattern, word",
        "{code: shape, word",
        "code",
        "{code: shape",
        says="texts",
    ),
    Fault(
        "a term without a source",
        "fhir.yaml",
        'term: "HP:0001876", source: hpo',
        'term: "HP:0001876", source: nobody',
        "source",
        "source: nobody",
    ),
    Fault(
        "a term of no basis of the white line",
        "fhir.yaml",
        "basis: [neutrophils,",
        "basis: [granulocytes,",
        "basis",
        "basis: [granulocytes,",
    ),
    # The film.
    Fault(
        "one name of two findings",
        FILM,
        "target_cells: [target cells, codocytes]",
        "target_cells: [target cells, Spherocytes]",
        "target_cells",
        "target_cells: [target",
        says="'spherocytes' is given to two findings",
    ),
    Fault("a code of the film that is none", FILM, '"800-3"', '"800-4"', "800-4", '"800-4"', says="LOINC"),
    Fault(
        "a code of no finding of the film",
        FILM,
        '"800-3": schistocytes_on_film',
        '"800-3": fever',
        "800-3",
        '"800-3": fever',
    ),
    Fault(
        "a count of no finding of the film",
        FILM,
        "counted: [blasts_on_film,",
        "counted: [fever,",
        "counted",
        "counted: [fever,",
    ),
    # Names of other things.
    Fault(
        "two groups of words with one id",
        FRIENDS,
        "  - id: cerebrospinal_fluid\n",
        "  - id: urine\n",
        "qualifiers",
        "qualifiers:",
        says="urine is the id of two groups",
    ),
    Fault(
        "a group of words for no analyte",
        FRIENDS,
        "    of: [hemoglobin]\n",
        "    of: [haemoglobin]\n",
        "of",
        "    of: [haemoglobin]",
    ),
    Fault(
        "a word without a letter in a group",
        FRIENDS,
        "en: [csf, cerebrospinal,",
        'en: [csf, "()",',
        "words",
        'words:\n      en: [csf, "()",',
        says="no letter",
    ),
    Fault(
        "a word that would refuse an analyte's own name",
        FRIENDS,
        "en: [csf, cerebrospinal,",
        "en: [csf, haematocrit,",
        "words",
        "words:\n      en: [csf, haematocrit,",
        says="they would refuse 'haematocrit', which names an analyte",
    ),
    Fault(
        "a name that agrees with no analyte",
        FRIENDS,
        "agrees_with: [mchc]",
        "agrees_with: [chcm]",
        "agrees_with",
        "agrees_with: [chcm]",
    ),
    Fault(
        "a name that may be no analyte",
        FRIENDS,
        "may_be: neutrophils\n",
        "may_be: granulocytes\n",
        "may_be",
        "may_be: granulocytes",
    ),
    Fault(
        "a false friend that names an analyte",
        FRIENDS,
        "any: [chcm]",
        "any: [chcm, PLT]",
        "names",
        "names:\n      any: [chcm, PLT]",
        says="'PLT' also names platelets",
    ),
    Fault(
        "a false friend that only its unit tells apart",
        FRIENDS,
        "any: [chcm]",
        "any: [chcm, Segs]",
        "names",
        "names:\n      any: [chcm, Segs]",
        says="'Segs' also names a count or a percentage",
    ),
    Fault(
        "a word that agrees with no analyte",
        AGREEING,
        "{analytes: [hematocrit],",
        "{analytes: [packed_cells],",
        "analytes",
        "{analytes: [packed_cells],",
    ),
    Fault(
        "a word that agrees with two analytes",
        AGREEING,
        "de: [hämatokrit]",
        "de: [hämatokrit, 血色素]",
        "words",
        "{analytes: [hematocrit],",
        says="'血色素' agrees with other analytes too",
    ),
    Fault(
        "a word without a letter that agrees",
        AGREEING,
        "de: [neutr, neutro]",
        'de: [neutr, "-"]',
        "words",
        '{analytes: [neutrophils, neutrophils_percent], source: project, words: {\n      de: [neutr, "-"]',
    ),
    # The words of this project.
    Fault(
        "a term that is not used either",
        "glossary.yaml",
        "not_used:\n",
        "not_used:\n  bicytopenia: two low lines\n",
        "bicytopenia",
        "  bicytopenia: two low",
    ),
    # Languages.
    Fault(
        "a language that is not listed",
        LANGUAGES,
        "  fa: {}\n",
        "",
        "languages",
        "languages:\n",
        says="are not those of names/: fa",
    ),
    Fault(
        "a column of a language that nothing reads",
        LANGUAGES,
        "columns: [yaş,",
        "columns: [yaşlar,",
        "columns",
        "columns: [yaşlar,",
        says="'yaslar' is no column of demographics.yaml",
    ),
    Fault(
        "a letter for sex that no language has",
        LANGUAGES,
        "sex: [{F: [ญ]",
        "sex: [{F: [q]",
        "sex",
        "sex: [{F: [q]",
        says="'q' is none of sex_letters in demographics.yaml",
    ),
    Fault(
        "two letters for one sex in one word", LANGUAGES, "{F: [ญ]", "{F: [ญช]", "F", "{F: [ญช]", says="not one letter"
    ),
    Fault("one letter for both sexes", LANGUAGES, "{F: [ญ], M: [ช]}", "{F: [ช], M: [ช]}", "M", "{F: [ช], M: [ช]}"),
    Fault(
        "a known letter that means no sex",
        PEOPLE,
        "known: [[f, m],",
        "known: [[f, q],",
        "known",
        "known: [[f, q],",
        says="'q' has no sex in sex",
    ),
    Fault("known letters that are no lists", PEOPLE, "known: [[f, m],", "known: [f, m,", "known", "known: [f, m,"),
    Fault("letters elsewhere that are a word", PEOPLE, "cy: [b, g]", "cy: [b, gw]", "elsewhere", "  elsewhere:"),
    Fault(
        "weeks of a birth at term for no analyte",
        PEOPLE,
        "term: {analyte: gestation_at_birth",
        "term: {analyte: gestation",
        "analyte",
        "term: {analyte: gestation,",
    ),
    Fault(
        "weeks of a birth at term in days",
        PEOPLE,
        "from: 37, unit: wk",
        "from: 259, unit: d",
        "unit",
        "from: 259, unit: d",
        says="must be that of the analyte",
    ),
    # Names in one language.
    Fault("a file of names for another language", POLISH, "language: pl", "language: cs", "language", "language: cs"),
    Fault("names without a source", POLISH, "source: names_seen", "source: nobody", "source", "source: nobody"),
    Fault("a name of no analyte", POLISH, "  hematocrit:\n", "  hematokryt:\n", "hematokryt", "  hematokryt:"),
    Fault(
        "a name of a count that has no percentage",
        POLISH,
        "count_or_percent:\n  bands:\n",
        "count_or_percent:\n  platelets:\n",
        "platelets",
        "  platelets:\n    memory:\n    - Granulocyty pałeczkowate",
        says="has no percentage",
    ),
    Fault(
        "a name of one letter", POLISH, "    - Hct\n", "    - H\n", "seen", "    seen:\n    - H\n", says="'H' has fewer"
    ),
    Fault(
        "a unit of age that is none",
        POLISH,
        "age_units:\n  d:\n",
        "age_units:\n  decade:\n",
        "decade",
        "  decade:",
    ),
    # When a result was taken.
    Fault(
        "a word that names a moment and none",
        "moments.yaml",
        "named: [baseline,",
        "named: [unknown,",
        "named",
        "named: [unknown,",
        says="'unknown' is also listed under nothing",
    ),
    # What results tell of the person.
    Fault(
        "a code of the person that is none",
        "person_codes.yaml",
        '"30525-0"',
        '"30525-1"',
        "codes",
        '"30525-1"',
        says="check digit",
    ),
    Fault(
        "a code of the person without a check digit",
        "person_codes.yaml",
        '"30525-0"',
        '"30525"',
        "codes",
        '"30525"',
        says="check digit",
    ),
    Fault(
        "one code for age and sex",
        "person_codes.yaml",
        '"46098-0"',
        '"30525-0"',
        "codes",
        'sex: {codes: ["30525-0"',
        says="30525-0 is given twice",
    ),
    # Specimens.
    Fault(
        "another specimen that is blood and is none",
        SPECIMENS,
        "still_blood: [cord_blood]",
        "still_blood: [cord]",
        "still_blood",
        "still_blood: [cord]",
        says="cord is no group",
    ),
    Fault(
        "one column of two fields of a specimen",
        SPECIMENS,
        "class: {columns: [type,",
        "class: {columns: [mode,",
        "columns",
        "    columns: [mode, measurement mode,",
        says="'mode' is a column of two fields",
    ),
    Fault(
        "a kind of specimen without a source",
        SPECIMENS,
        "kind: control, source: mindray_hl7, codes: [Q]",
        "kind: control, source: nobody, codes: [Q]",
        "source",
        "source: nobody",
    ),
    Fault(
        "a kind of specimen in no field",
        SPECIMENS,
        "{fields: [judgment],",
        "{fields: [verdict],",
        "fields",
        "{fields: [verdict],",
        says="'verdict' is not a field of this file",
    ),
    Fault(
        "a code of two kinds of specimens",
        SPECIMENS,
        "codes: [P, production]",
        "codes: [D, production]",
        "codes",
        "codes: [D, production]",
        says="'D' has two meanings in processing",
    ),
    Fault(
        "a pattern of a specimen without a digit",
        SPECIMENS,
        "patterns: [QC-99999+]",
        "patterns: [QC-+]",
        "patterns",
        "patterns: [QC-+]",
        says="then 9 for each digit",
    ),
    Fault(
        "a code of a specimen without a letter",
        SPECIMENS,
        "codes: [P, production]",
        'codes: ["-", production]',
        "codes",
        'codes: ["-", production]',
        says="'-' holds no word",
    ),
    # Statuses.
    Fault(
        "a word of two statuses",
        STATUS,
        "C: [c, corrected,",
        "C: [c, Final result,",
        "C",
        "C: [c, Final",
        says="'Final result' is given twice",
    ),
    Fault("a status whose letter is not its word", STATUS, "A: [a, amended,", "A: [amended,", "A", "A: [amended,"),
    # What a low line can bring.
    Fault(
        "one line asked for twice",
        "symptoms.yaml",
        "small:\n  - {line: red,",
        "small:\n  - {line: white,",
        "line",
        "- {line: white,",
        nth=3,
        says="is given twice",
    ),
    Fault(
        "a question without a source",
        "symptoms.yaml",
        "source: aat_symptoms",
        "source: nobody",
        "source",
        "source: nobody",
    ),
    Fault(
        "a line that nobody is asked about",
        "symptoms.yaml",
        "  - {line: white, ask: 'fever or low temperature, poor feeding, infected skin or navel, mouth ulcers', source: project}\n",
        "",
        "small",
        "small:",
        says="must name red, white, platelet",
    ),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_a_fault_in_the_words_is_named(fault: Fault, tmp_path: Path) -> None:
    assert_named(fault, tmp_path)
