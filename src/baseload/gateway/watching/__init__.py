"""What happens to routes while they serve: stages shared by all replicas, signals, shadow calls and their grades."""
