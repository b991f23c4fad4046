"""When to sign: the plans there are, what would change the answer, what it takes, and what it does to a negotiation."""
