"""FOCUS Contract Commitment: a recommendation as proposed rows, and a signed commitment read back."""
