"""What each clause of a contract is worth, and offers compared on equal terms: re-optimised costs on the same paths."""
