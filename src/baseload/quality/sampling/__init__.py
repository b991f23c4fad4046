"""Which recorded calls a trial replays, in which order, with which weights: pure and seeded."""
