"""Bytes to structured text: pure functions."""
