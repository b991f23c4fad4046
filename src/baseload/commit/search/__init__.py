"""How large a commitment should be: every size priced on the same sample paths, the cheapest found and said exactly."""
