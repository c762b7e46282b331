"""Run the tests with many examples each, file by file, going on from where it was.

Usage: python tools/long_tests.py [--examples 200] [--state long_tests.json] [--within MINUTES] [FILE ...]

A file that passed is in the state with its seconds and is not run again; a file that failed is.
Begin anew by removing the state. Ends with 1 where a file failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Run what has not passed yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "files", nargs="*", default=sorted(str(p) for p in (ROOT / "tests/properties").glob("test_*.py"))
    )
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--state", type=Path, default=Path("long_tests.json"))
    parser.add_argument("--within", type=float, default=30, help="minutes after which no further file begins")
    given = parser.parse_args()
    passed = json.loads(given.state.read_text()) if given.state.exists() else {}
    begun, failed = time.monotonic(), []
    environment = os.environ | {"CBC_SCREEN_EXAMPLES": str(given.examples)}
    for file in (name for name in given.files if name not in passed):
        if time.monotonic() - begun > given.within * 60:
            print("out of time; run it again to go on")
            break
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "pytest", file], cwd=ROOT, env=environment, check=False)
        if done.returncode == 0:
            passed[file] = round(time.monotonic() - began)
            given.state.write_text(json.dumps(passed, indent=1))
        else:
            failed.append(file)
    print(f"passed: {len(passed)}; failed: {', '.join(failed) or 'none'}")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
