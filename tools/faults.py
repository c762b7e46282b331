"""Break scans off with kill -9, go on with --resume, and hold the outputs against those of a scan that was left alone (one file: one command).

Usage: python tools/faults.py [--kills N] [--within MINUTES] [--state FOLDER] [--kinds wide_csv,hl7,...] [--rows]

Every kind of scan is killed at random moments, one kill after another: before anything is written, while batches are,
at the end, and again while it goes on. After each kill no output may have its name unless it is whole, nothing temporary
may lie about, and the scan that goes on must leave the same bytes (flags, rejects, summary apart from its seconds,
manifest) and nothing else. `follow` cannot be resumed: it begins anew, to the same bytes.
With --state a run that was stopped goes on from where it was. --rows also tries each kind of attack (T1 to T11) once, by the
tests that hold it. Ends with 1 where anything differed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests"
sys.path.insert(0, str(ROOT / "src"))

from cbc_screen.cli import main as command_group  # noqa: E402
from cbc_screen.engines import collected  # noqa: E402
from cbc_screen.ingest import csv, parquet  # noqa: E402
from cbc_screen.knowledge import load_knowledge  # noqa: E402

SEED = 20_261_207
_LONGEST = 120  # seconds that a scan may take
_EARLY = 0.1  # share of kills that do not wait until the scan holds its lock
_TWICE = 0.3  # share of broken scans that are killed again while they go on


@dataclass(frozen=True)
class Kind:
    """One kind of scan: how its source is made, what is asked, which outputs it leaves."""

    name: str
    source: str
    write: Callable[[Path, int], None]
    options: tuple[str, ...] = ()
    out: str = "flags.csv"
    command: str = "scan"

    @property
    def resumes(self) -> bool:
        """Whether it can go on from where it was."""
        return self.command == "scan"


@dataclass
class Told:
    """What became of the kills of one kind."""

    kills: int = 0
    again: int = 0  # killed a second time, while it went on
    early: int = 0  # before anything was written down
    within: int = 0  # with batches in the journal
    late: int = 0  # the scan was done before the kill; not counted as one
    same: int = 0
    faults: list[str] = field(default_factory=list)


def _numbers(row: int) -> tuple[str, str, str, str, int, str]:
    draw = random.Random(SEED * 31 + row).random
    hemoglobin, white, platelets = 5 + 12 * draw(), 0.5 + 12 * draw(), 5 + 400 * draw()
    return (
        f"{hemoglobin:.1f}",
        f"{white:.1f}",
        f"{white * draw():.2f}",
        f"{platelets:.0f}",
        int(90 * draw()),
        "FM"[row % 2],
    )


def write_wide_csv(path: Path, rows: int) -> None:
    """Write a table of counts, with a ragged and an empty row now and then."""
    lines = ["id,age,sex,HGB (g/dL),WBC (10^9/L),NEUT (10^9/L),PLT (10^9/L)"]
    for row in range(rows):
        hemoglobin, white, neutrophils, platelets, age, sex = _numbers(row)
        extra = ",more,cells" if row % 97 == 3 else ""
        lines.append(f"s{row},{age} y,{sex},{hemoglobin},{white},{neutrophils},{platelets}{extra}")
        if row % 113 == 5:
            lines.append(f"s{row},,,,,,")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_wide_parquet(path: Path, rows: int) -> None:
    """Write the same as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = [_numbers(row) for row in range(rows)]
    columns = {
        "id": [f"s{row}" for row in range(rows)],
        "age": [f"{own[4]} y" for own in found],
        "sex": [own[5] for own in found],
    }
    for place, name in enumerate(("HGB (g/dL)", "WBC (10^9/L)", "NEUT (10^9/L)", "PLT (10^9/L)")):
        columns[name] = [None if row % 89 == 7 else own[place] for row, own in enumerate(found)]
    pq.write_table(pa.table(columns), path, row_group_size=2_000)


def write_long(path: Path, rows: int) -> None:
    """Write one result a row, results of a person apart from each other."""
    tests = (("HGB", "g/dL"), ("WBC", "10^9/L"), ("NEUT", "10^9/L"), ("PLT", "10^9/L"))
    lines = ["person,test,value,unit,collected,sex,age"]
    for place, (name, unit) in enumerate(tests):
        for row in range(rows):
            own = _numbers(row)
            lines.append(f"p{row},{name},{own[place]},{unit},2024-01-02,{own[5]},{own[4]} y")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


_CODES = (("718-7", "g/dL"), ("6690-2", "10*9/L"), ("751-8", "10*9/L"), ("777-3", "10*9/L"))


def write_hl7(path: Path, rows: int) -> None:
    """Write a message a person."""
    found = []
    for row in range(rows):
        own = _numbers(row)
        found += [
            rf"MSH|^~\&|LAB|SITE|EHR|SITE|20240102||ORU^R01^ORU_R01|{row}|P|2.5.1",
            f"PID|1||p{row}^^^SITE^MR||||{2023 - own[4]}0101|{own[5]}",
            f"OBR|1|o{row}|f{row}|CBC^Blood count|||202401020915",
        ]
        for place, (code, unit) in enumerate(_CODES):
            found.append(f"OBX|{place + 1}|NM|{code}^^LN||{own[place]}|{unit}|||||F")
    path.write_text("\r".join(found) + "\r", encoding="utf-8")


def write_fhir(path: Path, rows: int) -> None:
    """Write a resource a line."""
    found = []
    for row in range(rows):
        own = _numbers(row)
        gender = {"F": "female", "M": "male"}[own[5]]
        born = f"{2023 - own[4]}-01-01"
        found.append({"resourceType": "Patient", "id": f"p{row}", "birthDate": born, "gender": gender})
        for place, (code, unit) in enumerate(_CODES):
            found.append(
                {
                    "resourceType": "Observation",
                    "id": f"o{row}-{place}",
                    "status": "final",
                    "subject": {"reference": f"Patient/p{row}"},
                    "effectiveDateTime": "2024-01-02T09:15:00Z",
                    "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                    "valueQuantity": {
                        "value": float(own[place]), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit,
                    },
                }
            )  # fmt: skip
    path.write_text("".join(json.dumps(one) + "\n" for one in found), encoding="utf-8")


KINDS = (
    Kind("wide_csv", "export.csv", write_wide_csv, ("--keep", "id"), "flags.csv"),
    Kind("wide_csv_packed", "export.csv", write_wide_csv, ("--packed",), "flags.parquet"),
    Kind("wide_parquet", "export.parquet", write_wide_parquet, ("--keep", "id"), "flags.parquet"),
    Kind("long_table", "results.csv", write_long, (), "flags.ndjson"),
    Kind("hl7", "messages.hl7", write_hl7, (), "flags.csv.gz"),
    Kind("fhir_ndjson", "resources.ndjson", write_fhir, ("--received",), "flags.parquet"),
    Kind("follow", "results.csv", write_long, (), "persons.csv", "follow"),
)
ROWS = {
    "wide_csv": 6_000,
    "wide_csv_packed": 20_000,
    "wide_parquet": 6_000,
    "long_table": 2_000,
    "hl7": 800,
    "fhir_ndjson": 600,
    "follow": 300,
}  # fmt: skip


class Scan:
    """The command in a process of its own: forked from this one, which has read the tables, so that it begins at once."""

    def __init__(self, command: list[str], temporary: Path) -> None:
        self._errors = temporary.with_name("errors.txt")
        self._code: int | None = None
        self._pid = os.fork()
        if self._pid == 0:
            code = 70
            try:
                code = self._run(command, temporary)
            finally:
                os._exit(code)

    def _run(self, command: list[str], temporary: Path) -> int:
        """Run the command, in the child, with small batches: so a scan has many moments to be broken off at."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        errors = os.open(self._errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for place, descriptor in enumerate((nowhere, nowhere, errors)):
            os.dup2(descriptor, place)
        # What this process had in place of them, such as what keeps the output of a test, stays with it.
        sys.stdout, sys.stderr = (os.fdopen(place, "w", encoding="utf-8", closefd=False) for place in (1, 2))
        os.environ["TMPDIR"], tempfile.tempdir = str(temporary), None
        csv.BLOCK_BYTES, parquet.BATCH_ROWS, collected.BATCH_COUNTS = 1 << 15, 500, 200
        try:
            command_group(command)
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else 1
        return 0

    @property
    def said(self) -> str:
        """What it printed of an error."""
        return self._errors.read_text(encoding="utf-8", errors="replace")

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self) -> int:
        """Wait for its end."""
        until = time.monotonic() + _LONGEST
        while self.poll() is None:
            if time.monotonic() > until:
                self.kill()
            time.sleep(0.002)
        assert self._code is not None
        return self._code

    def kill(self) -> None:
        """End it as a failing machine would."""
        if self._code is None:
            os.kill(self._pid, signal.SIGKILL)


class Bench:
    """One kind of scan in a folder of its own, with what a scan that was left alone gives."""

    def __init__(self, kind: Kind, folder: Path, rows: int, passes: int = 2) -> None:
        self.kind, self.folder = kind, folder
        folder.mkdir(parents=True, exist_ok=True)
        self.source = folder / kind.source
        if not self.source.exists():
            kind.write(self.source, rows)
        self.whole, self.code, self.seconds = self._alone(passes)

    def _alone(self, passes: int) -> tuple[dict[str, str], int, float]:
        """Scan undisturbed; the last time is the one that is measured, when everything is in the cache."""
        for _ in range(passes):
            out = self._empty("whole")
            process = self.start(out)
            held = self._held(process, out)
            began = time.monotonic()
            code = process.wait()
            seconds = time.monotonic() - began if held else 0.1
        return contents(out), code, seconds

    def _empty(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        return folder

    def start(self, out: Path, *, resume: bool = False) -> Scan:
        """Begin a scan to a folder."""
        more = ["--rejects", out / "rejects.csv", "--summary", out / "summary.json"] if self.kind.resumes else []
        goes_on = ["--resume"] if resume and self.kind.resumes else []
        # Not beside the outputs: what is temporary goes to a folder that is looked at.
        temporary = self.folder / "temporary"
        temporary.mkdir(exist_ok=True)
        command = [self.kind.command, self.source, "-o", out / self.kind.out, *more, *self.kind.options, *goes_on]
        return Scan([str(part) for part in command], temporary)

    @staticmethod
    def _held(process: Scan, out: Path) -> bool:
        """Wait until the scan holds its lock; False where it ended before that was seen."""
        until = time.monotonic() + _LONGEST
        while time.monotonic() < until and process.poll() is None:
            if any(name.endswith(".lock") for name in os.listdir(out)):
                return True
            time.sleep(0.002)
        return False

    def kill(self, process: Scan, out: Path, draw: Callable[[], float]) -> bool:
        """Kill a scan at a random moment; False where it was done before."""
        early = draw() < _EARLY
        share = draw()
        if early:
            time.sleep(share)
        elif self._held(process, out):
            time.sleep(share * self.seconds)
        process.kill()
        return process.wait() == -signal.SIGKILL

    def once(self, number: int, told: Told) -> bool:
        """Kill one scan, let it go on, and say what differs; False where the kill came too late."""
        draw = random.Random(f"{SEED} {self.kind.name} {number}").random
        out = self._empty("broken")
        if not self.kill(self.start(out), out, draw):
            told.late += 1
            return False
        told.kills += 1
        journal = out / f"{self.kind.out}.journal"
        held = journal.exists() and journal.stat().st_size > 20_000
        told.within += held
        told.early += not os.listdir(out)
        found = self._named_in_part(out)
        if self.kind.resumes and draw() < _TWICE:
            told.again += self.kill(self.start(out, resume=True), out, draw)
            found += self._named_in_part(out)
        process = self.start(out, resume=True)
        code = process.wait()
        # A second kill may have come after the end: then its outputs are whole, and there is nothing to go on with.
        done = code == 2 and "exists" in process.said
        if code != self.code and not done:
            found.append(f"ended with {code} in place of {self.code}: {process.said[-200:]}")
        now = contents(out)
        if (
            done
        ):  # a process that was killed behind its last step leaves its lock, and a run that is refused takes no other's
            now.pop(f"{self.kind.out}.lock", None)
        found += [
            f"{name} differs"
            for name in sorted(now.keys() | self.whole.keys())
            if now.get(name) != self.whole.get(name)
        ]
        told.same += not found
        told.faults += [f"{self.kind.name} kill {number}: {what}" for what in found]
        return True

    def _named_in_part(self, out: Path) -> list[str]:
        """Say which outputs have their name and are not whole, and what lies in the folder of temporary files."""
        now = contents(out)
        wrong = [
            f"{name} had its name and was not whole"
            for name in self.whole
            if name in now and now[name] != self.whole[name]
        ]
        return [*wrong, *(f"a temporary file was left: {name}" for name in os.listdir(self.folder / "temporary"))]


def contents(folder: Path) -> dict[str, str]:
    """Return a digest of every file of a folder; a summary has its seconds, which are left out."""
    found = {}
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        if path.name == "summary.json":
            counted = json.loads(content)
            counted.pop("seconds")
            content = json.dumps(counted).encode()
        found[path.name] = hashlib.sha256(content).hexdigest()
    return found


# Attacks, each by the tests that hold it --------------------------------------------------------------

ATTACKS: dict[str, tuple[str, tuple[str, ...]]] = {
    "T1": (
        "resumed with other bytes or options",
        (
            "security/test_resume.py::test_another_content_of_the_same_size_and_time_is_refused",
            "security/test_resume.py::test_another_option_is_refused",
            "security/test_resume.py::test_another_screener_is_refused",
        ),
    ),
    "T2": (
        "two runs on one output",
        (
            "security/test_outputs.py::test_a_second_run_on_one_output_ends_with_one_line_and_the_first_is_whole",
            "security/test_outputs.py::test_many_runs_at_once_leave_the_whole_output_of_one_of_them",
        ),
    ),
    "T3": (
        "links and open files in the way",
        (
            "security/test_outputs.py::test_a_file_that_is_none_of_ours_is_neither_followed_nor_removed",
            "security/test_outputs.py::test_what_a_killed_run_left_does_not_block_and_its_mode_is_not_kept",
            "security/test_outputs.py::test_a_part_that_is_replaced_while_it_is_written_gets_no_name",
        ),
    ),
    "T4": (
        "lower bounds of dependencies that were never tried",
        (
            "security/test_lower_bounds.py::test_what_is_tested_is_what_the_project_names",
            "security/test_lower_bounds.py::test_every_package_that_is_imported_has_a_lower_bound",
        ),
    ),
    "T5": (
        "alias bombs in YAML",
        (
            "security/test_yaml.py::test_what_is_refused_names_file_and_line_and_takes_no_time",
            "security/test_yaml.py::test_every_door_refuses_it_in_one_line",
        ),
    ),
    "T6": (
        "formulas and broken rows in CSV",
        (
            "security/test_spreadsheet.py::test_kept_cells_names_and_rejected_rows_are_escaped_and_no_row_is_broken",
            "security/test_spreadsheet.py::test_whatever_stands_before_a_sign_the_cell_is_escaped_and_comes_back",
        ),
    ),
    "T7": (
        "full disks, folders, closed streams, oversize",
        (
            "security/test_system.py::test_no_room_at_any_moment_is_one_line_and_no_part_stays",
            "security/test_system.py::test_a_folder_that_cannot_be_written_to",
            "security/test_system.py::test_force_onto_a_folder_is_refused_before_any_work",
            "security/test_system.py::test_a_standard_stream_that_is_closed",
            "security/test_system.py::test_a_full_device_as_standard_output",
            "security/test_system.py::test_a_limit_on_the_size_of_files_ends_in_one_line_and_leaves_nothing",
            "security/test_system.py::test_a_number_of_100_000_digits_is_oversize_through_every_door",
            "security/test_system.py::test_a_line_of_100_mb_takes_no_memory_of_its_size",
        ),
    ),
    "T8": (
        "inputs that change while they are read",
        (
            "security/test_unchanged.py::test_a_change_while_a_file_is_read_ends_the_scan",
            "security/test_unchanged.py::test_a_file_that_grows_as_fast_as_it_is_read_is_not_read_without_end",
            "security/test_unchanged.py::test_a_change_that_no_time_tells_of_is_found_by_the_hash",
        ),
    ),
    "T9": (
        "texts of the input in errors, drafts and spools",
        (
            "security/test_nothing_of_the_input.py::test_broken_json_is_named_and_not_shown",
            "security/test_nothing_of_the_input.py::test_profile_shows_no_text_of_a_message_that_stands_once",
            "security/test_nothing_of_the_input.py::test_a_draft_of_a_profile_is_its_owners_only",
            "security/test_nothing_of_the_input.py::test_a_kill_while_standard_input_is_kept_leaves_no_file",
        ),
    ),
    "T10": (
        "pipes, devices and signals",
        (
            "security/test_nothing_of_the_input.py::test_a_named_pipe_is_read_as_a_file_is",
            "security/test_nothing_of_the_input.py::test_a_device_or_a_socket_is_refused",
            "security/test_system.py::test_a_signal_to_end_cleans_up_keeps_the_journal_and_names_resume",
            "security/test_system.py::test_more_signals_while_it_cleans_up_leave_nothing_either",
        ),
    ),
    "T11": (
        "a person's data over messages, neutrophils above the white cells",
        (
            "test_collect.py::test_a_person_may_come_after_the_results_and_two_that_differ_are_unknown",
            "properties/test_oracle.py::test_more_neutrophils_than_white_cells",
            "properties/test_metamorphic.py::test_m7_neutrophils_above_the_white_cells",
        ),
    ),
}


def attacked(name: str) -> tuple[bool, str]:
    """Try one kind of attack by its tests; return whether it was held, and what pytest says last."""
    tests = [str(TESTS / one) for one in ATTACKS[name][1]]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=",
        "-q",
        *tests,
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout.strip().splitlines() or ["nothing said"])[-1]


# The run -------------------------------------------------------------------------------------------


def run(
    kinds: Iterable[Kind],
    folder: Path,
    kills: int,
    seconds: float,
    rows: dict[str, int],
    state: Path | None = None,
    passes: int = 2,
) -> dict[str, Told]:
    """Kill scans of each kind in turn until there were so many kills in all, or the time is up."""
    load_knowledge()
    chosen = list(kinds)
    told = {kind.name: Told() for kind in chosen}
    if state is not None and state.exists():
        for name, own in json.loads(state.read_text(encoding="utf-8")).items():
            told[name] = Told(**own)
    until, benches = time.monotonic() + seconds, dict[str, Bench]()
    while sum(own.kills for own in told.values()) < kills and time.monotonic() < until:
        kind = min(chosen, key=lambda one: (told[one.name].kills, told[one.name].late))
        if kind.name not in benches:
            benches[kind.name] = Bench(kind, folder / kind.name, rows[kind.name], passes)
        own = told[kind.name]
        benches[kind.name].once(own.kills + own.late, own)
        if state is not None:
            state.write_text(json.dumps({name: asdict(one) for name, one in told.items()}, indent=1), encoding="utf-8")
    return told


def table(told: dict[str, Told]) -> str:
    """Lay out what became of the kills."""
    heads = ("kind", "kills", "same bytes", "with batches", "before any file", "killed again", "too late")
    lines = ["{:<18}{:>7}{:>12}{:>14}{:>17}{:>14}{:>10}".format(*heads)]
    total = Told()
    for name, own in [*told.items(), ("all", total)]:
        cells = (own.kills, own.same, own.within, own.early, own.again, own.late)
        lines.append("{:<18}{:>7}{:>12}{:>14}{:>17}{:>14}{:>10}".format(name, *cells))
        for part in ("kills", "same", "within", "early", "again", "late"):
            setattr(total, part, getattr(total, part) + getattr(own, part))
    return "\n".join([*lines, *(what for own in told.values() for what in own.faults)])


def main() -> int:
    """Kill, go on, compare."""
    parser = argparse.ArgumentParser(description="Break scans off and let them go on.")
    parser.add_argument("--kills", type=int, default=21)
    parser.add_argument("--within", type=float, default=60, help="minutes")
    parser.add_argument("--state", type=Path, help="a folder in which a later run goes on")
    parser.add_argument("--kinds", help="some of " + ",".join(kind.name for kind in KINDS))
    parser.add_argument("--rows", action="store_true", help="also try T1 to T11, by their tests")
    given = parser.parse_args()
    names = given.kinds.split(",") if given.kinds else [kind.name for kind in KINDS]
    kinds = [kind for kind in KINDS if kind.name in names]
    with tempfile.TemporaryDirectory() as own:
        folder = given.state or Path(own)
        folder.mkdir(parents=True, exist_ok=True)
        told = run(kinds, folder, given.kills, 60 * given.within, ROWS, given.state and folder / "kills.json")
    print(table(told))
    wrong = any(own.faults or own.same != own.kills for own in told.values())
    for name in ATTACKS if given.rows else ():
        held, said = attacked(name)
        wrong |= not held
        print(f"{name:<4} {'held' if held else 'NOT HELD':<9} {ATTACKS[name][0]}: {said}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
