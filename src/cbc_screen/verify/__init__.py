"""What a sender's data say of themselves: the audit of flags, ranges and units."""
