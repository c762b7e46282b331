"""A person's name, identifier and words, through every door: they stand in what was asked for, and nowhere else (one file: one subject, whose cases share what they build).

Looked through after each door, at every log level: log records, what is printed, warnings, exceptions with their causes,
contexts, attributes and tracebacks (with the locals of our own frames where a door takes a file), metrics, manifests,
summaries, what locks hold, the names of all files that were opened, made, renamed or removed, and the title of the process.
Flags hold the kept columns and, where asked for, the cells as received; rejects and the journal hold rejected rows; summaries
and manifests list names of columns and tests that were not read. Records and frames are in the caller's own frames anyway.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import httpx
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

import cbc_screen as cbc
from cbc_screen.cli import main
from cbc_screen.engines.frames import Engine
from cbc_screen.engines.journal import Journal
from cbc_screen.kernel.screen import Kernel
from cbc_screen.knowledge import Knowledge
from ingest.test_astm import RECORDS, framed, plain
from ingest.test_xml import as_xml, ccda

NAME, NUMBER, WORDS = "CANARYNAME7Q", "4711000815", "canary words 31.7531"
CANARIES = (NAME, NAME.lower(), NUMBER, "31.7531", "canary words")
HEADER = "id,name,age,sex,HGB (g/dL),WBC (10^9/L),PLT (10^9/L),remarks"
OUTPUTS = {
    "flags.csv",
    "flags.parquet",
    "flags.ndjson",
    "rejects.csv",
    "worklist.html",
    "persons.csv",
    "audit.csv",
    "audit.html",
}
NAMES_OF_THE_SOURCE = {"left_out", "set_aside", "ignored_columns", "refused_columns"}
LEVELS = [logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR]

# What is looked at ----------------------------------------------------------------------------------

_names: list[str] | None = None  # what the system was asked for, while somebody listens
_EVENTS = ("open", "os.", "shutil.", "tempfile.", "sqlite3.connect", "subprocess.Popen", "socket.")


def _listen(event: str, given: tuple[Any, ...]) -> None:
    if _names is not None and event.startswith(_EVENTS):
        _names.append(f"{event} {given!r}")


sys.addaudithook(_listen)  # it cannot be taken away again, and does nothing while nobody listens


def told(error: BaseException, *, frames: bool) -> str:
    """All that a log could show of an error: its chain, its attributes, its notes, and locals where asked for."""
    parts = []
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        parts += [repr(one), str(one), repr(one.args), repr(vars(one)), repr(getattr(one, "__notes__", ""))]
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if frames:
            parts += [repr(value) for frame, _ in traceback.walk_tb(one.__traceback__) for value in own_locals(frame)]
    return "".join(traceback.format_exception(error)) + "\n".join(parts)


def own_locals(frame: FrameType) -> list[object]:
    """What a log with locals would show of a frame of ours; the tables of the package hold no patient, and are long."""
    if f"{os.sep}cbc_screen{os.sep}" not in frame.f_code.co_filename:
        return []
    return [
        value for value in frame.f_locals.values() if not isinstance(value, Engine | Knowledge | Kernel | cbc.Screener)
    ]


def title() -> str:
    """What the system shows of this process to everybody."""
    return "".join(
        Path(f"/proc/self/{name}").read_text(encoding="utf-8", errors="replace") for name in ("cmdline", "comm")
    )


class Watch:
    """Listens to everything that a door may say."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], folder: Path) -> None:
        self._caplog, self._capfd, self._folder = caplog, capfd, folder
        self.errors = 0
        self.names_too = False  # whether what a summary lists as names of columns is looked at, too

    def through(self, door: Callable[[], object], *, frames: bool = False) -> None:
        """Go through a door, whatever becomes of it, and look for the canary."""
        global _names
        said = ""
        self._caplog.clear()
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            _names = []
            try:
                answer = door()
                said = answer if isinstance(answer, str) else ""  # what a command printed
            except cbc.CBCScreenError as error:
                self.errors += 1
                said = told(error, frames=frames)
            finally:
                names, _names = _names, None
        printed = self._capfd.readouterr()
        logged = "".join(f"{vars(record)!r}{record.getMessage()}" for record in self._caplog.records)
        places = {
            "an error or a command": said, "a log": logged, "standard output": printed.out, "standard error": printed.err,
            "a warning": " ".join(str(one.message) for one in warned), "a name": " ".join(names), "the title": title(),
            "files": self._files(),
        }  # fmt: skip
        for place, text in places.items():
            for canary in CANARIES:
                assert canary not in text, f"{canary} in {place}: ...{text[max(0, text.find(canary) - 300) :][:700]}"

    def _files(self) -> str:
        """The names of all files, and what is in those that are no output of rows."""
        found = [path for path in self._folder.rglob("*") if "given" not in path.parts]
        texts = [
            written(path, names_too=self.names_too) for path in found if path.is_file() and path.name not in OUTPUTS
        ]
        return "\n".join([*(path.name for path in found), *texts])


def written(path: Path, *, names_too: bool = False) -> str:
    """What a file holds; the names of tests and columns that a summary lists are names of the source, and no cells."""
    text = path.read_bytes().decode(errors="replace")
    if path.suffix != ".json" or not text or names_too:
        return text
    found = json.loads(text)
    for counts in (found, found.get("counts", {})):
        for key in NAMES_OF_THE_SOURCE & counts.keys():
            del counts[key]
    return json.dumps(found, ensure_ascii=False)


@pytest.fixture(params=LEVELS, ids=logging.getLevelName)
def watch(
    request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Watch]:  # fmt: skip
    caplog.set_level(request.param)
    caplog.set_level(request.param, logger="cbc_screen")
    (tmp_path / "given").mkdir()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", None)
    return Watch(caplog, capfd, tmp_path)


at_debug = pytest.mark.parametrize(
    "watch", [logging.DEBUG], ids=logging.getLevelName, indirect=True
)  # nothing says more


# What is sent ---------------------------------------------------------------------------------------

ROWS = [
    [NUMBER, NAME, "54 y", "F", "7.1", "2.3", "<10", WORDS],
    [NUMBER, NAME, "30 y", "M", WORDS, WORDS, WORDS, "platelet clumps, " + WORDS],
    [NUMBER, NAME, WORDS, NAME, "15", "6.0 " + NAME, "250 " + WORDS, ""],
    [NUMBER, NAME, "30 y", "M", "", "", "", WORDS],
]
CODES = {"718-7": "g/dL", "6690-2": "10*9/L", "777-3": "10*9/L"}


def wide() -> str:
    return "\n".join([HEADER, *(",".join(row) for row in ROWS), f"{NAME},{NUMBER}", f"{NAME}," * 20]) + "\n"


def long() -> str:
    rows = ["person,name,test,value,unit,collected,sex,age"]
    for test, unit in (("HGB", "g/dL"), ("WBC", "10^9/L"), ("PLT", "10^9/L"), ("local", "")):
        rows += [f"{NUMBER},{NAME},{test},{value},{unit},2024-01-02,F,54 y" for value in ("7.1", WORDS)]
    return "\n".join([*rows, NAME]) + "\n"


def hl7() -> str:
    lines = [
        r"MSH|^~\&|LAB|SITE|EHR|SITE|20240102||ORU^R01^ORU_R01|1|P|2.5.1",
        f"PID|1||{NUMBER}^^^SITE^MR||{NAME}^{NAME}||19700101|F",
        "OBR|1|o|f|CBC^Blood count|||202401020915",
        *(
            f"OBX|{n}|NM|{code}^^LN||{value}|{unit}|||||F"
            for n, (code, unit) in enumerate(CODES.items())
            for value in ("7.1", WORDS)
        ),
        f"NTE|1||{WORDS} {NAME}",
        f"OBX|9|ST|LOC1^Local test||{WORDS}|{NAME}|{NAME}|{NAME}|||F",
    ]
    return "\r".join(lines) + "\r"


def resources() -> list[dict[str, Any]]:
    patient = {
        "resourceType": "Patient",
        "id": NUMBER,
        "name": [{"family": NAME}],
        "gender": "female",
        "birthDate": "1970-01-01",
    }
    found = [patient]
    for code, unit in CODES.items():
        for value in (
            {"valueQuantity": {"value": 7.1, "unit": unit}},
            {"valueString": WORDS},
            {"valueQuantity": {"value": 31.7531, "unit": NAME}},
        ):
            found.append(
                {
                    "resourceType": "Observation", "id": f"{NUMBER}-{len(found)}", "status": "final", **value,
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": NAME},
                    "subject": {"reference": f"Patient/{NUMBER}", "display": NAME}, "effectiveDateTime": "2024-03-01",
                    "note": [{"text": WORDS}],
                }
            )  # fmt: skip
    return found


def bundle() -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources()]}


def documents() -> dict[str, bytes]:
    """Every format as it may be sent."""
    named = [record.replace("DOE^J", NAME).replace("PID1", NUMBER).replace("1.4", WORDS) for record in RECORDS]
    value = f'<value xsi:type="ST">{WORDS}</value>'
    organ = f'<component><observation classCode="OBS" moodCode="EVN"><code code="718-7" codeSystem="2.16.840.1.113883.6.1"/>{value}</observation></component>'
    inner = "".join(as_xml(name, value) for name, value in bundle().items() if name != "resourceType")
    rows = [dict(zip(HEADER.split(","), row, strict=True)) for row in ROWS]
    return {
        "wide.csv": wide().encode(),
        "long.csv": long().encode(),
        "wide.ndjson": "".join(json.dumps(row) + "\n" for row in rows).encode(),
        "messages.hl7": hl7().encode(),
        "plain.astm": plain(named),
        "framed.astm": framed(named),
        "resources.ndjson": "".join(json.dumps(one) + "\n" for one in resources()).encode(),
        "bundle.json": json.dumps(bundle()).encode(),
        "fhir.xml": f'<Bundle xmlns="http://hl7.org/fhir">{inner}</Bundle>'.encode(),
        "ccda.xml": ccda(organ, person=f'<id root="1.2.3" extension="{NUMBER}"/>').encode(),
        "wide.parquet": parquet(),
        "wide.xlsx": workbook(),
    }


def frame() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=HEADER.split(","))


def parquet() -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame()), sink, compression="none", use_dictionary=False)
    return sink.getvalue().to_pybytes()


def workbook() -> bytes:
    import io

    found = io.BytesIO()
    frame().to_excel(found, index=False)
    return found.getvalue()


def broken(content: bytes, name: str) -> Iterator[bytes]:
    """Damage a document below its first line, so that no name of a column is made of it."""
    chance, first = random.Random(name), content.find(b"\n") + 1 if b"\n" in content[:200] else 60
    yield content[: len(content) // 2]
    yield content[:-3]
    for piece in (
        b"\xff\xfe" + NAME.encode(),
        b"\x00",
        b'"',
        b"<" + NAME.encode(),
        b"[" * 80,
        b'{"' + NAME.encode() + b'":',
    ):
        place = chance.randrange(first, len(content))
        yield content[:place] + piece + content[place:]
    changed = bytearray(content)
    for _ in range(20):
        changed[chance.randrange(first, len(changed))] = chance.randrange(256)
    yield bytes(changed)


DOCUMENTS = documents()

# Doors ----------------------------------------------------------------------------------------------


def command(*arguments: object) -> str:
    done = CliRunner().invoke(main, [str(one) for one in arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), type(done.exception)
    return str(done.output) + str(done.stderr)


def through_every_file_door(watch: Watch, path: Path, folder: Path) -> None:
    out, rejects = folder / "flags.parquet", folder / "rejects.csv"

    def scan(**options: Any) -> None:
        cbc.scan(path, out, rejects, summary=folder / "summary.json", force=True, **options)

    watch.through(scan, frames=True)
    watch.through(lambda: scan(resume=True), frames=True)
    watch.through(lambda: cbc.scan(path, folder / "flags.csv", force=True), frames=True)
    watch.through(lambda: cbc.read(path), frames=True)
    watch.through(lambda: cbc.follow(path), frames=True)
    watch.through(lambda: cbc.audit(path), frames=True)
    watch.through(lambda: command("profile", path))
    watch.through(
        lambda: command("scan", path, "-o", folder / "flags.ndjson", "--rejects", rejects, "--force", "--detail")
    )
    watch.through(lambda: command("follow", path, "-o", folder / "persons.csv", "--force"))
    watch.through(lambda: command("audit", path, "-o", folder / "audit.csv", "--force"))


@at_debug
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_of_every_format(watch: Watch, tmp_path: Path, name: str) -> None:
    path = tmp_path / "given" / name
    path.write_bytes(DOCUMENTS[name])
    through_every_file_door(watch, path, tmp_path)
    assert (tmp_path / "flags.ndjson").exists(), "the sound document is screened"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_broken_document_of_every_format(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path, name: str
) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "given").mkdir()
    path, watch = tmp_path / "given" / name, Watch(caplog, capfd, tmp_path)
    for content in broken(DOCUMENTS[name], name):
        path.write_bytes(content)
        out = tmp_path / "flags.parquet"
        watch.through(lambda: cbc.scan(path, out, tmp_path / "rejects.csv", force=True), frames=True)  # noqa: B023
        watch.through(lambda: cbc.read(path), frames=True)
        watch.through(lambda: command("profile", path))
    path.write_bytes(b"")
    watch.through(lambda: cbc.scan(path, tmp_path / "empty.csv"), frames=True)
    assert watch.errors


# A row where a header should be: whose it is must not be told as the name of a column.
FIRST_LINES = {
    "one cell": f"{NAME} {NAME}  MRN{NUMBER}  54y  F  PLT 12  HGB 31.7531",
    "one cell with a date": f"{NAME} 1970-01-01 Neutrophils 31.7531",
    "one cell with a unit": f"{NAME} HGB 31.7531 g/dL",
    "pipes": f"{NAME}|{NUMBER}|1970-01-01|F|WBC 31.7531 10^9/L|HGB 31.7531 g/dL",
    "names and results": f"{NAME},1970-01-01,F,HGB 31.7531,PLT 31.7531",
    "names of tests in cells": f"{NAME},{NUMBER},54,F,HGB,31.7531,g/dL,PLT,12,10^9/L",
    "one result": f"{NAME};{NUMBER};2024-01-02;HGB;31.7531;g/dL",
    "one result by its code": f"{NUMBER}\t{NAME}\t718-7\t31.7531\tg/dL",
    "an age": f"{NAME},54 y,F,WBC 2.1 10^9/L,31.7531",
    "a number twice": f"{NAME},HGB,PLT 31.7531,PLT 31.7531",
    "a remark": "HGB,PLT,"
    + f"{WORDS} of {NAME} on the ward since this morning and to be called at once ".replace(",", ""),
    "beside names": f"HGB (g/dL),PLT (10^9/L),{NUMBER},WBC {NAME} 31.7531,Neutrophils {NUMBER}",
}


@at_debug
@pytest.mark.parametrize("kind", FIRST_LINES)
@pytest.mark.parametrize("again", [False, True])
def test_a_row_in_place_of_the_header(watch: Watch, tmp_path: Path, kind: str, again: bool) -> None:
    line, path = FIRST_LINES[kind], tmp_path / "given" / "lines.csv"
    other = line.replace("F", "M") if again else "1" + line[1:]
    path.write_text(f"{line}\n{other}\n{other}\n", encoding="utf-8")
    watch.names_too = True
    through_every_file_door(watch, path, tmp_path)
    out = tmp_path / "flags.parquet"
    for near in ("hemoglobin=HGB 31.7530", f"platelets={NAME[:-1]}", f"value={NUMBER[:-1]}"):
        name, _, column = near.partition("=")
        watch.through(lambda: cbc.scan(path, out, force=True, columns={name: column}), frames=True)  # noqa: B023
        watch.through(lambda: cbc.scan(path, out, force=True, keep=[column]), frames=True)  # noqa: B023
    watch.through(lambda: cbc.read(path, columns={"hemoglobin": "Hemoglobin"}), frames=True)
    headers = list(dict.fromkeys(line.split("|" if "|" in line else ",")))
    made = pd.DataFrame([headers], columns=headers)
    for door in (cbc.screen_frame, cbc.follow, cbc.audit):
        watch.through(lambda: door(made))  # noqa: B023
    watch.through(lambda: cbc.follow(made, person=NAME[:-1]))


def test_what_is_quoted_of_a_header(tmp_path: Path) -> None:
    """A name that is known is quoted with its unit; digits of another kind, or a row, give places."""
    path = tmp_path / "names.csv"
    path.write_text("HGB (g/dL),PLT 10^9/L,HbA1c,CD4 count,Ward,WBC zz\n9.1,12,200,300,a,4\n", encoding="utf-8")
    found = cbc.scan(path, tmp_path / "flags.csv")
    assert set(found.ignored_columns) | set(found.refused_columns) == {"HbA1c", "column 4", "Ward", "WBC zz"}
    assert found.analytes["hemoglobin"].column == "HGB (g/dL)"
    with pytest.raises(cbc.UsageError, match=r"did you mean HGB \(g/dL\)\?$"):
        cbc.scan(path, tmp_path / "flags.csv", columns={"hemoglobin": "HGB (g/dl"}, force=True)
    path.write_text("HGB (g/dL),Ward,54,PLT 12\n9.1,a,4,5\n", encoding="utf-8")
    found = cbc.scan(path, tmp_path / "flags.csv", force=True)
    assert found.ignored_columns == ("column 2", "column 3")
    assert list(found.refused_columns) == ["column 4"]


RECORDS_SENT: list[Any] = [
    {"age": NAME, "sex": NAME, "hemoglobin": WORDS, "platelets": {"value": WORDS, "unit": NAME}, "specimen": NAME},
    {"age": "54 y", "sex": "F", "hemoglobin": "31.7531 g/dL", "collected_at": NAME, "birth_date": NAME},
    {NAME: 1},
    {"hemoglobin": {NAME: WORDS}},
    {"hemoglobin": [WORDS]},
    {"film": {NAME: "present"}},
    {"platelets": {"value": 9, "range": {"lower": [WORDS]}}},
    [NAME],
    NAME,
    None,
]


@pytest.mark.parametrize("place", range(len(RECORDS_SENT)))
def test_a_record(watch: Watch, place: int) -> None:
    record = RECORDS_SENT[place]
    watch.through(lambda: cbc.screen(record))
    watch.through(lambda: cbc.CBCRecord.model_validate(record))
    watch.through(
        lambda: cbc.CBCRecord.model_validate_json(json.dumps(record)[:-1] if place % 2 else json.dumps(record))
    )
    watch.through(lambda: repr(cbc.screen(record)))
    watch.through(lambda: cbc.score("hscore", record if isinstance(record, dict) else {}, {"temperature": WORDS}))
    watch.through(
        lambda: command("one", *(f"hemoglobin={WORDS}", f"{NAME}={WORDS}") if place == 0 else ("hemoglobin",))
    )


@pytest.mark.parametrize("kind", ["pandas", "polars", "arrow"])
def test_a_frame(watch: Watch, kind: str) -> None:
    made: Any = {
        "pandas": frame,
        "polars": lambda: pl.from_pandas(frame()),
        "arrow": lambda: pa.Table.from_pandas(frame()),
    }[kind]()
    watch.through(lambda: cbc.screen_frame(made))
    watch.through(lambda: cbc.screen_frame(made, columns={"hemoglobin": "gone"}))
    watch.through(lambda: cbc.explain(made, 1))
    watch.through(lambda: cbc.explain(made, 99))
    watch.through(lambda: cbc.follow(made))
    watch.through(lambda: cbc.audit(made))
    watch.through(lambda: cbc.timeline(made, "nobody", "hemoglobin", person="id"))
    watch.through(lambda: cbc.screen_frame([NAME, NUMBER]))


@at_debug
def test_what_goes_on_from_flags(watch: Watch, tmp_path: Path) -> None:
    path, flags = tmp_path / "given" / "wide.csv", tmp_path / "flags.parquet"
    path.write_text(wide(), encoding="utf-8")
    cbc.scan(path, flags, keep=["id", "name"], received=True)
    page = tmp_path / "worklist.html"
    watch.through(lambda: command("report", flags, "-o", page, "--person", "name"))
    watch.through(lambda: cbc.worklist(flags, page), frames=True)  # it exists
    watch.through(lambda: cbc.screen_again(flags, f"id={NUMBER}"))  # of several rows
    watch.through(lambda: cbc.screen_again(flags, 999))
    watch.through(lambda: command("compare", flags, flags, "--key", "name"))
    watch.through(lambda: cbc.compare(flags, path), frames=True)
    watch.through(lambda: cbc.compare(flags, flags, old_rejects=path), frames=True)
    watch.through(lambda: command("validate", path))
    watch.through(lambda: cbc.read_flags(path), frames=True)
    result = cbc.screen_again(flags, 2)
    watch.through(lambda: cbc.fhir_bundle(result, subject=object()))  # type: ignore[arg-type]
    content = flags.read_bytes()
    (tmp_path / "given" / "cut.parquet").write_bytes(content[: len(content) // 2] + content[-8:])
    watch.through(lambda: cbc.compare(flags, tmp_path / "given" / "cut.parquet"), frames=True)


@at_debug
def test_a_scan_that_is_broken_off(watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal, the lock and the parts have no name of anybody; the lock is empty; all are their owner's only."""

    class Broken(BaseException):
        pass

    whole = Journal.append

    def append(self: Journal, screened: Any) -> None:
        whole(self, screened)
        made = {path.name: path for path in tmp_path.iterdir() if path.is_file()}
        assert {"flags.csv.journal", "flags.csv.lock", "flags.csv.part", "rejects.csv.part"} <= set(made)
        assert made["flags.csv.lock"].read_bytes() == b""
        assert {path.stat().st_mode & 0o777 for path in made.values()} == {0o600}
        raise Broken

    path = tmp_path / "given" / "wide.csv"
    path.write_text(wide(), encoding="utf-8")

    def scan() -> None:
        with pytest.raises(Broken):
            cbc.scan(path, tmp_path / "flags.csv", tmp_path / "rejects.csv")

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", append)
        patch.setattr(Watch, "_files", lambda self: "\n".join(os.listdir(tmp_path)))  # the journal has rejected rows
        watch.through(scan)
        assert "flags.csv.journal" in os.listdir(tmp_path)
    watch.through(lambda: cbc.scan(path, tmp_path / "flags.csv", tmp_path / "rejects.csv", resume=True))


# The service and the other doors of their own -----------------------------------------------------------


def test_the_service_over_a_real_socket(tmp_path: Path) -> None:
    """Cards and bundles, sound and broken; what it logs, measures, refuses and shows as its title."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
    from served import post, serving

    hook = {"hook": "patient-view", "hookInstance": NAME, "context": {"patientId": NUMBER, "userId": NAME}}
    prefetch = {"patient": resources()[0], "counts": bundle()}
    with serving("--log-seconds", "0.2", cwd=tmp_path) as served:
        with httpx.Client(base_url=served.url, timeout=60) as client:
            refused = []
            for body in (
                hook,
                {**hook, "prefetch": {"patient": NAME}},
                {**hook, "prefetch": {**prefetch, "patient": [NAME]}},
            ):
                refused.append(post(client, "/cds-services/cbc-screen-patient-view", body))
            for content in broken(json.dumps({**hook, "prefetch": prefetch}).encode(), "hook"):
                refused.append(post(client, "/cds-services/cbc-screen-patient-view", content))
            for content in broken(json.dumps(bundle()).encode(), "bundle"):
                refused.append(post(client, "/screen/fhir", content))
            for record in RECORDS_SENT:
                refused.append(post(client, "/screen", record))
            metrics = client.get("/metrics").text
            shown = Path(f"/proc/{served.process.pid}/cmdline").read_text(encoding="utf-8")
        assert served.stop() == 0
        log = json.dumps(served.log)
    turned_away = [answer for answer in refused if answer.status_code >= 400]
    assert len(turned_away) > 10
    for canary in CANARIES:
        for answer in turned_away:
            assert canary not in answer.text + str(answer.headers), answer.request.url.path
        assert canary not in metrics + log + shown
    assert not list(tmp_path.iterdir())


def test_a_command_shows_no_cell_in_its_title(tmp_path: Path) -> None:
    """What a process shows is what it was started with, while it works."""
    seen = []

    def look(rows: int, share: float) -> None:
        seen.append(title())

    (tmp_path / "wide.csv").write_text(wide(), encoding="utf-8")
    before = title()
    cbc.scan(tmp_path / "wide.csv", tmp_path / "flags.csv", progress=look)
    assert set(seen) == {before}


def test_the_watch_finds_what_it_looks_for(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Each place by itself: else a green test would say nothing."""
    caplog.set_level(logging.DEBUG)
    watch = Watch(caplog, capfd, tmp_path)

    def caused() -> None:
        try:
            int(NAME)
        except ValueError as first:
            raise cbc.UsageError("one line") from first

    def hidden() -> None:
        try:
            int(NAME)
        except ValueError:
            raise cbc.UsageError("one line") from None

    doors: list[Callable[[], object]] = [
        lambda: logging.getLogger("cbc_screen.any").debug("of %s", NAME),
        lambda: print(NAME),
        lambda: print(NAME, file=sys.stderr),
        lambda: warnings.warn(NAME, stacklevel=1),
        caused,
        hidden,
        lambda: (tmp_path / NAME).touch(),
        lambda: open(tmp_path / "log.txt", "w").write(NAME),  # noqa: SIM115
    ]
    for door in doors:
        with pytest.raises(AssertionError, match=NAME):
            watch.through(door)
        for path in tmp_path.iterdir():
            path.unlink()
