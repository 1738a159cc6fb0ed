"""The stream's functions over finite input: backfill."""
