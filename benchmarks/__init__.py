"""Benchmarks: ratios of two sides measured in turn in one run, with spread, machine and versions."""
