"""One local upstream: a real HTTP server on loopback that speaks Messages and Batches, for tests and the demo."""
