"""Freshline: answers from documents that keep changing, each with exactly as of when it is true."""

__version__ = "0.1.0"
