"""A worklist, one person of it, and what a reviewer's answers say of each rule.

Run: python examples/review.py
"""

import tempfile
from pathlib import Path

import cbc_screen as cbc
from cbc_screen.demo import write_demo

with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    write_demo(folder / "export.csv")
    flags = folder / "flags.parquet"
    cbc.scan(folder / "export.csv", flags, keep=["Sample"], report=folder / "worklist.html")
    print(f"worklist.html: {(folder / 'worklist.html').stat().st_size // 1024} kB, open it in any browser")
    result = cbc.screen_again(flags, "Sample=T07")
    print(result.pattern_text, "|", result.person.sex, "|", result.reasons[0])

    # What the page saves, here written by hand: three low lines that are right, and one that was missed.
    answers = ["row,rule,flag,answer", *(f"{row},line:platelet,low,agree" for row in (58, 226, 367))]
    (folder / "answers.csv").write_text("\n".join([*answers, "12,line:platelet,not_low,disagree"]) + "\n")
    for rule in cbc.validate(folder / "answers.csv").rules:
        print(
            f"{rule.rule}: {rule.false_negative} missed of {rule.missed_of_present.of}; {rule.still_needed} more without a miss"
        )
