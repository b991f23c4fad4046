"""The negotiation brief: everything for our side, or method, baseline, evidence and asks for theirs."""
