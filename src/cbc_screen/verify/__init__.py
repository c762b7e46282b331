"""What a sender's data say of themselves, and what local results say of a set of reference ranges."""
