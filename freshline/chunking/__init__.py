"""Structured text to chunks: pure functions."""
