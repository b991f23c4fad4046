"""Which calls belong together, what they do, and who waits for them."""
