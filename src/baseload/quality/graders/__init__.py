"""How answers are scored: truth first, then blind adjudication, then agreement with the incumbent."""
