"""What lies on disk: segments, the manifest that names them, and compaction."""
