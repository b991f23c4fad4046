"""Under six months a plan's savings of workloads still enter the stated growths."""

from __future__ import annotations

import numpy as np
import pytest

from baseload.commit.size.refused import on_everything
from baseload.demand.history import ALL, History
from baseload.demand.savings import Saving


def test_a_saving_on_a_quarter_of_the_dollars_is_a_quarter_of_it_on_everything() -> None:
    history = History(24_000, ("a", "b"), np.array([[100.0, 150.0], [300.0, np.nan]]))  # 250 and 300 of 550
    half = Saving(name="a/route", workload="a", low=0.4, likely=0.5, high=0.6)
    whole = Saving(name="all", workload=ALL, low=0.1, likely=0.1, high=0.1)
    first, second = on_everything([half, whole], history)
    assert (first.workload, second) == (ALL, whole)
    assert (first.low, first.likely, first.high) == pytest.approx((0.4 * 250 / 550, 0.5 * 250 / 550, 0.6 * 250 / 550))
