"""Baseload: the honest number of a Claude bill, before anybody signs a commitment on it."""

__version__ = "0.1.0"
