"""The monthly close: why the bill moved, what was saved of the plan, and a month that stays as it was closed."""
