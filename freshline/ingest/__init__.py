"""The one pass: records in, files out. Called by stream and backfill with the same code."""
