"""How much to commit to, why so much and no more, and what would change the answer."""
