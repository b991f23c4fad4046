"""What to weigh beside the size: dates, work, alternatives, where to walk away, bundles and rights, in one document."""
