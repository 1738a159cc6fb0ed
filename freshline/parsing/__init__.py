"""Bytes to structured text: pure functions."""

from freshline.parsing.registry import parse

__all__ = ["parse"]
