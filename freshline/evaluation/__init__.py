"""Retrieval judged by relevance: BEIR folders, runs, measures, significance, kept evaluations. Knows no engine."""
