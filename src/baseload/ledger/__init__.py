"""The calls table on disk, and the questions asked of it."""
