"""What a move of list prices does to the contract already signed, and the counters it allows."""
