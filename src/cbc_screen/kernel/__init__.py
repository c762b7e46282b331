"""Limits, states, lines, pattern, grades, guards, checklist: one definition, two printers."""
