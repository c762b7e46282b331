"""Answers for people and machines: flag columns, result models, text."""
