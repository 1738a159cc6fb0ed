"""Answerable before it is durable: what lies beyond the snapshot's coverage, by partition."""
