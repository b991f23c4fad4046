"""After signing: burn-down, where the balance is heading, when to reforecast, which dates must not be missed."""
