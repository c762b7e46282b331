"""The worklist page, used in a real Chromium."""
