"""Texts to vectors: a port and its adapters."""

from freshline.embedding.identity import fingerprint_of
from freshline.embedding.load import load_embedder

__all__ = ["fingerprint_of", "load_embedder"]
