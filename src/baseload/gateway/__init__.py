"""The gateway: the plumbing that makes the plan true, and measures it."""
