"""Who answers: one upstream or several, each with its keys, its own spelling of a request, and its health."""
