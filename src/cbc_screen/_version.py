"""The version of the code; the version of the data is in reference_ranges/manifest.yaml."""

__version__ = "0.5.0"
