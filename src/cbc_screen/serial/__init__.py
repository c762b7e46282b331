"""Several counts of one person: what lasts, what changed, where it goes. Columns throughout, no loop over persons."""
