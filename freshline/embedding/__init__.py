"""Texts to vectors: a port and its adapters."""
