"""Frames and streams: the same kernel over whole tables and over files of any size."""
