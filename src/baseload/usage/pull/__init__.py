"""Pulling usage and cost reports: a plan, a state machine without any IO, a folder, and a thin HTTP shell."""
