"""The temporary database in which single results wait until their counts are complete."""

from __future__ import annotations

import sqlite3

_CACHE_KIB = 65_536
_SCHEMA = """
CREATE TABLE person (key TEXT PRIMARY KEY, birth_date TEXT, sex TEXT, age TEXT, kind TEXT);
CREATE TABLE sample (key TEXT PRIMARY KEY, kind TEXT, suspect INTEGER);
CREATE TABLE collection (id INTEGER PRIMARY KEY, key TEXT UNIQUE, source INTEGER, line INTEGER, person TEXT,
    collected_at TEXT, placed INTEGER, place INTEGER);
CREATE TABLE aside (source INTEGER, line INTEGER, reason TEXT, content TEXT, whole INTEGER);
CREATE TABLE result (id INTEGER PRIMARY KEY, collection INTEGER, analyte TEXT, value TEXT, unit TEXT, lower TEXT,
    upper TEXT, status TEXT, clumps TEXT, content TEXT, feed INTEGER, grp TEXT, flag TEXT, line INTEGER,
    place INTEGER);
CREATE TABLE birth (person TEXT, value TEXT, unit TEXT, lower TEXT, upper TEXT, status TEXT, content TEXT, feed INTEGER,
    grp TEXT, flag TEXT, line INTEGER);
CREATE INDEX births ON birth (person);
CREATE TABLE possible (collection INTEGER, analyte TEXT, reason TEXT, value TEXT, unit TEXT, again INTEGER,
    lower TEXT, upper TEXT);
"""


def open_base() -> sqlite3.Connection:
    """Open a new database that lies in memory, and on disk as soon as it is large."""
    # "" is a private temporary database: it has no name to find it by, and goes when it is closed.
    base = sqlite3.connect("", check_same_thread=False, isolation_level=None)
    base.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    base.execute("PRAGMA journal_mode = OFF")
    base.execute("PRAGMA synchronous = OFF")
    base.executescript(_SCHEMA)
    base.execute("BEGIN")
    return base
