"""What operators see of a gateway: metrics, spans and log lines. Never a prompt, an answer or a key."""
