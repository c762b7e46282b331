"""Databases: rows out of PostgreSQL and DuckDB as Arrow, and flags into a new table of them."""
