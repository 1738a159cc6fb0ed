"""Pure search over an immutable snapshot. No I/O inside."""
