"""The built-in company: a seeded simulator that writes the raw files real companies have."""

from baseload.demo.planted import Planted, match_planted, planted
from baseload.demo.write import DemoManifest, write_company

__all__ = ["DemoManifest", "Planted", "match_planted", "planted", "write_company"]
