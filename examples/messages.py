"""A feed of HL7 messages: a count, then a correction that takes the platelets back.

Run: python examples/messages.py
"""

import tempfile
from pathlib import Path

import cbc_screen as cbc

COUNT = r"""
MSH|^~\&|LAB|HOSPITAL|||20240102||ORU^R01|1|P|2.5.1
PID|1||17^^^HOSPITAL||Example^Person||19700203|F
OBR|1||A1|58410-2^CBC panel^LN|||202401020800
OBX|1|NM|718-7^Hemoglobin^LN||91|g/L|117-153||||F
OBX|2|NM|751-8^Neutrophils^LN||1.1|10*9/L|1.8-7.5||||F
OBX|3|NM|777-3^Platelets^LN||42|10*9/L|150-400||||F
"""
CORRECTION = r"""
MSH|^~\&|LAB|HOSPITAL|||20240102||ORU^R01|2|P|2.5.1
PID|1||17^^^HOSPITAL||Example^Person||19700203|F
OBR|1||A1|58410-2^CBC panel^LN|||202401020800
OBX|1|TX|777-3^Platelets^LN||Clumped||||||C
NTE|1||Corrected from 42
"""

with tempfile.TemporaryDirectory() as folder:
    feed, flags = Path(folder) / "feed.hl7", Path(folder) / "flags.parquet"
    for text in (COUNT, COUNT + CORRECTION):
        feed.write_text(text, encoding="utf-8")
        summary = cbc.scan(feed, flags, keep=["person"], force=True)
        print(summary.results)
        print(cbc.read_flags(flags)[["person", "pattern", "severity", "platelets_state", "reasons"]].to_string())

print(cbc.NOTICE)
