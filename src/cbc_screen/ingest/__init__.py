"""Files and frames to columns of cells with a row key."""
