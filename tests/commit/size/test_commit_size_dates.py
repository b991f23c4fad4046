"""Dates of signing are compared on the same paths: how far apart, and whether that is more than chance."""

from __future__ import annotations

import numpy as np
from size_making import document, drawn, offer, own_paths, steady

from baseload.commit.size.document import TimingRow
from baseload.commit.size.worths import _apart, _Distance
from baseload.commit.worth.interval import weights
from baseload.demand.savings import Saving


def rows(found: object) -> dict[str, TimingRow]:
    return {one.plan: one for one in found.timing}


def test_a_plan_that_is_dearer_on_every_path_is_dearer_by_so_much():
    # 1.2M known: signed now at 20 % off 0.96M; nine months on demand first: 0.9M + 0.3M x 0.8 = 1.14M
    found = rows(document(offer("0.20"), own_paths(1_200_000, 1_200_000), quick=False))
    assert found["day_0"].cheapest
    later = found["route_first"]
    ends = (later.over_cheapest_usd, later.over_cheapest_low_usd, later.over_cheapest_high_usd)
    assert ends == ("180000.00", "180000.00", "180000.00")
    assert not later.too_close
    assert later.says.endswith("180,000 more on every path.")
    assert found["day_0"].over_cheapest_usd == "0.00"


def test_the_differences_add_up_to_the_means():
    found = rows(
        document(
            offer("0.20"),
            drawn(steady(), savings=[Saving(name="r", low=0.1, likely=0.2, high=0.3, ramp_months=2.0)]),
            quick=False,
        )
    )
    least = min(float(one.npv_usd) for one in found.values())
    for one in found.values():
        assert abs(float(one.over_cheapest_usd) - (float(one.npv_usd) - least)) <= 0.02
        assert float(one.over_cheapest_low_usd) <= float(one.over_cheapest_usd) <= float(one.over_cheapest_high_usd)


def test_what_chance_alone_may_have_made_is_too_close_to_call():
    noise = np.random.default_rng(0).normal(100.0, 10_000.0, 400)
    close = _Distance.of(noise, weights(400, 0))
    assert close.too_close
    assert _apart(close).startswith("Too close to call: ")
    assert "(90 %: -" in _apart(close)
    apart = _Distance.of(noise + 20_000, weights(400, 0))
    assert not apart.too_close
    assert " more on average (90 %: " in _apart(apart)
    same = _Distance.of(np.zeros(400), weights(400, 0))
    assert not same.too_close
    assert _apart(same) == "The same on every path."
