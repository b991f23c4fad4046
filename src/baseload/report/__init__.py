"""The frozen figures and how they look."""
