"""Demand: volume and prices -> sample paths of list dollars."""
