"""Sample paths of usage, as a contract meets them: list dollars by month, with what prices and metering do."""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.commit.arrays import Array
from baseload.commit.refusal import MOST_MONTHS, CommitError

MOST_USD_PER_MONTH: Final = 5e10


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Usage of the term and, where known, of months after it. Every array is (paths, months), month 0 the first.

    `list_usd`: at list price and metering of each month. `price_index`: list price over that at signature (1 = as
    signed). `metering`: tokens counted over tokens counted at signature for the same work. `new_model_share`: share of
    usage on models that were absent at signature. `outside_usd`: the part of `list_usd` that a contract's carve-outs
    leave out; None = the contract's own shares. None elsewhere: prices, metering and models stay as signed. Arrays of
    one row stand for every path.
    """

    list_usd: Array
    price_index: Array | None = None
    metering: Array | None = None
    new_model_share: Array | None = None
    outside_usd: Array | None = None

    @property
    def count(self) -> int:
        return int(self.list_usd.shape[0])

    @property
    def months(self) -> int:
        return int(self.list_usd.shape[1])

    def first(self, months: int) -> Paths:
        """The same paths, cut to their first months."""
        return self.between(0, months)

    def between(self, start: int, end_exclusive: int, *, signed_then: bool = True) -> Paths:
        """The same paths from month `start` on, which becomes month 0.

        Prices and metering count from it where a contract is signed then, else from where they did.
        """
        parts: dict[str, Array | None] = {}
        for name in self.__struct_fields__:
            array: Array | None = getattr(self, name)
            if array is not None and start and signed_then and name in ("price_index", "metering"):
                array = array / array[:, start : start + 1]
            parts[name] = None if array is None else array[:, start:end_exclusive]
        return msgspec.structs.replace(self, **parts)


def paths_of(
    list_usd: NDArray[np.float64],
    *,
    price_index: Array | None = None,
    metering: Array | None = None,
    new_model_share: Array | None = None,
    outside_usd: Array | None = None,
) -> Paths:
    """Checked paths; one path may come as a plain row of months. Raises CommitError."""
    usage = _checked("usage", list_usd, None, 0.0, MOST_USD_PER_MONTH)
    shape = usage.shape
    outside = None if outside_usd is None else _checked("outside_usd", outside_usd, shape, 0.0, MOST_USD_PER_MONTH)
    if outside is not None and bool((outside > usage).any()):
        raise CommitError("outside_usd", "more than usage", "at most the month's usage")
    return Paths(
        list_usd=usage,
        price_index=None if price_index is None else _checked("price_index", price_index, shape, 1e-6, 1e3),
        metering=None if metering is None else _checked("metering", metering, shape, 1e-6, 1e3),
        new_model_share=(
            None if new_model_share is None else _checked("new_model_share", new_model_share, shape, 0.0, 1.0)
        ),
        outside_usd=outside,
    )


def _checked(field: str, values: Array, shape: tuple[int, ...] | None, least: float, most: float) -> Array:
    array = np.atleast_2d(np.asarray(values, dtype=np.float64))
    if array.ndim != 2 or array.size == 0 or array.shape[1] > 2 * MOST_MONTHS:
        raise CommitError(field, f"shape {array.shape}", f"(paths, months), 1 to {2 * MOST_MONTHS} months")
    if shape is not None and (array.shape[1] != shape[1] or array.shape[0] not in (1, shape[0])):
        raise CommitError(field, f"shape {array.shape}", f"the shape of usage {shape}, or one row of it")
    if not np.isfinite(array).all() or float(array.min()) < least or float(array.max()) > most:
        worst = array[~np.isfinite(array) | (array < least) | (array > most)][0]
        raise CommitError(field, f"{worst}", f"{least:g} to {most:g} in every month")
    return array
