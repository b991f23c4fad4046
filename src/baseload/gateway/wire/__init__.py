"""HTTP/1.1 in and out: what this gateway parses itself, because a faithful pipe is what it is for."""
