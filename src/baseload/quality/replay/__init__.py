"""Sending recorded calls to another model: planned, paid under a cap, journalled, and resumed after a kill."""
