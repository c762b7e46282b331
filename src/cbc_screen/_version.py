"""The version of the code; the version of the data is in reference_ranges/manifest.json."""

__version__ = "0.1.0"
