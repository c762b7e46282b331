"""reference_ranges/ as checked, frozen tables. Nothing else reads those files."""

from cbc_screen.knowledge.library import Knowledge, load_knowledge

__all__ = ["Knowledge", "load_knowledge"]
