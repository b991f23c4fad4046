"""Batch processing: what may wait, what the API takes, and what a queue makes of the real arrivals."""
