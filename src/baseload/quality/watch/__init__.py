"""What happens to a route after the switch: ramp, alarms, expiry and roll-back as pure functions of state and event."""
