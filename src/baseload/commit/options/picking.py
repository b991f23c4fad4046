"""Some of the paths."""

from __future__ import annotations

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from baseload.commit.paths import Paths


def pick(paths: Paths, rows: NDArray[np.int64]) -> Paths:
    """The paths of these rows; arrays of one row go on standing for every path."""
    parts = {}
    for name in paths.__struct_fields__:
        array = getattr(paths, name)
        parts[name] = array if array is None or (len(array) == 1 and paths.count > 1) else array[rows]
    return replace(paths, **parts)
