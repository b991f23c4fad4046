"""A company that does not exist, seen through files that look as if it did."""
