"""Structured text to chunks: pure functions."""

from freshline.chunking.make import make_chunker

__all__ = ["make_chunker"]
