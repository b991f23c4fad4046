"""A small table in memory: named numpy columns of one length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:  # numpy costs 0.1 s at start; the quick commands never need it
    from numpy.typing import NDArray

Table: TypeAlias = "Mapping[str, NDArray[Any]]"
"""Column name -> 1-d array, all of one length. Integers are int64, text is object dtype (None = missing);
a nullable integer column is a `numpy.ma.MaskedArray`. Money columns end in `_nano`."""
