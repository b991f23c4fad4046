"""What could be saved: routing, caching, batching, and what has nothing to do with quality."""
