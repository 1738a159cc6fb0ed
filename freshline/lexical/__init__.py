"""Lexical analysis, and the lexical file of a segment: its rows analysed once, for all readers."""
