"""Bodies of calls for trials and the router: verified from the source files, or from an opt-in encrypted vault."""
