"""How a figure is known, strongest first, as every page explains it (docs/concepts.md)."""

from __future__ import annotations

GRADES = {
    "billed": "A bill says so.",
    "measured": "Computed from complete records of real calls.",
    "replayed": "Real calls were run again another way.",
    "simulated": "The published rules were applied to the real calls.",
    "sampled": "Scaled up from a declared 1-in-N sample.",
    "assumed": "Rests on something nobody has measured; the assumption is written beside it.",
}
