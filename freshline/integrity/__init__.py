"""Whether everything on disk is what was written, and index and tables say the same; and what mends them."""
