"""Prompt caching, exactly: the published rules, replayed on real prefixes, and a plan that never loses to no cache."""
