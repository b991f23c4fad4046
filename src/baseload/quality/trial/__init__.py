"""A trial from its bar to its verdict: what it will cost, running it, and what it leaves for an auditor."""
