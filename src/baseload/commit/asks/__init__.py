"""What to ask a vendor: ten questions, what an open answer may be, and words for the clause that answers it."""
