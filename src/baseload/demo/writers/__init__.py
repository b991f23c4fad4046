"""One writer per source format: simulated events in, files as the real systems write them out."""
