"""What replicas of the gateway share: keys, budgets, and where each route stands."""
