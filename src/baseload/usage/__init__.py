"""Readers: one file per source, bytes in, calls and problems out."""
