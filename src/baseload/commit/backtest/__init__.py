"""What sizing rules would have cost on months that have come: the customer's own, or a panel of series."""
