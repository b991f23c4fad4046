"""The rounds of a negotiation: offers and counters in a chained log, what each concession was worth."""
