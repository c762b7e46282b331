"""Text cells to value intervals in canonical units, age, sex and pregnancy."""
