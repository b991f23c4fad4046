"""Contracts: what a commitment costs on a path of demand, how large it should be, what each clause is worth."""
