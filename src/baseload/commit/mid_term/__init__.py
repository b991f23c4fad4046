"""The contract already signed: what each thing to do in the middle of it costs, and what a saving is in cash."""
