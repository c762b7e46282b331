"""A data team's batch: scan a file, keep the sample number, and read the account.

Run: python examples/batch_scan.py
"""

import tempfile
from pathlib import Path

import pyarrow.parquet as pq

import cbc_screen as cbc
from cbc_screen.demo import write_demo

with tempfile.TemporaryDirectory() as folder:
    source, out, rejects = (Path(folder) / name for name in ("export.csv", "flags.parquet", "rejects.csv"))
    write_demo(source)
    summary = cbc.scan(source, out, rejects, keep=["Sample"])
    print(f"{summary.rows_in} = {summary.screened} + {summary.rejected}", summary.patterns)
    urgent = pq.read_table(out, filters=[("urgency", "=", "immediate")])
    print(urgent.select(["row", "Sample", "pattern", "severity", "reasons"]).to_pandas().to_string())
