"""Where a workload could run instead: candidates (model x effort), their cost on its own shape, what forbids them."""
