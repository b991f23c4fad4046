"""The call log: a start and an end for every attempt, on disk before a byte of it passes on."""
