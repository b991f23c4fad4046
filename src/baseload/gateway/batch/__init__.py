"""Calls that may wait go as Message Batches at half price, behind a queue that outlives the process."""
