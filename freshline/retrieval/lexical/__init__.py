"""Lexical search: what a row and a question are made of, and the index of a shard behind its port."""
