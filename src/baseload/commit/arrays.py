"""The two array shapes of this package."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = "NDArray[np.float64]"
"""Dollars of floating point: whole amounts are exact below 2**53, sums of a term are right to far below a cent."""
Flags: TypeAlias = "NDArray[np.bool_]"
