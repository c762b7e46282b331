"""The definition of the screen in languages that other systems run: SQL and CQL."""
