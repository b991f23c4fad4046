"""The guard, the trap, scenarios, the tornado, the refusal: what stands beside the figure."""

from __future__ import annotations

import numpy as np
import pytest
from size_making import document, drawn, offer, own_paths, steady

from baseload.commit.band_sets import CENTRAL
from baseload.commit.size.amounts import rounded, step_of
from baseload.commit.size.document import TornadoRow
from baseload.commit.size.found import SizeRequest, thinned
from baseload.commit.size.refused import size_refused, too_short
from baseload.commit.size.text import text_of
from baseload.demand.history import history_of
from baseload.demand.ranges import refuse_quantiles
from baseload.demand.savings import Saving

PILOT = history_of([3e3, 5e3, 9e3, 16e3, 28e3, 50e3], "2026-05")
"""Six months that nearly double each time: the year ahead is fifteen times what was ever spent."""


def bar(found: object, name: str) -> TornadoRow:
    return next(one for one in found.tornado if one.input == name)


def saving(likely: float, **more: object) -> Saving:
    given = {"name": "routing", "low": likely, "likely": likely, "high": likely, "ramp_months": 0.0, **more}
    return Saving(**given)


def test_a_pilot_is_told_to_bridge_or_wait_although_the_forecast_would_pay():
    found = document(offer("0.30"), drawn(PILOT))
    assert found.guard.holds is False
    assert found.guard.last_12_months_usd == "111000.00"  # the sum, never annualized
    assert found.recommended.decision == "do_not_commit"
    assert found.recommended.commit_usd_by_year == ("0.00",)
    assert "Only the forecast supports it" in found.recommended.reason
    assert "bridge or wait" in found.recommended.reason
    refused = found.alternatives[0]
    assert refused.name == "refused_by_guard"
    assert float(refused.saving_usd) > 0
    carried = next(one for one in found.alternatives if one.name == "past_supports")
    assert 0 < float(carried.commit_usd_by_year[0]) * 0.7 <= 111_000  # its break-even is 70 % of it


def test_without_a_history_the_guard_warns_and_changes_nothing():
    found = document(offer("0.20"), own_paths(100_000, 200_000))
    assert found.guard.holds is None
    assert found.recommended.decision == "commit"
    assert "No history was given" in found.warnings[0]


def test_a_steady_past_passes_the_guard():
    found = document(offer("0.20"), drawn(steady()))
    assert found.guard.holds is True
    assert found.recommended.decision == "commit"
    level = float(found.recommended.commit_usd_by_year[0]) * 0.8
    assert float(found.guard.break_even_usd) == pytest.approx(level, abs=0.01)


def test_the_break_even_of_part_of_a_year_is_annualized():
    found = document(offer("0.20", term_months="6"), own_paths(120_000))
    # 60,000 in six months at 80 %: 48,000 in six months, 96,000 a year
    assert found.guard.break_even_usd == "96000.00"


def test_savings_lower_the_commitment_step_by_step_and_a_commitment_above_what_remains_is_warned_of():
    pending = saving(0.5, probability=0.1)
    found = document(offer("0.20"), drawn(steady(), savings=[pending]))
    none, proven, expected, every = (float(one.commit_usd_by_year[0]) for one in found.scenarios)
    assert none == proven >= expected > every
    assert "run rate that remains if all pending changes succeed" in found.warnings[0]


def test_a_commitment_below_what_remains_is_not_warned_of():
    # 500 to 1,500 thousand a year, a tenth saved: the 20th percentile lies far below nine tenths of the mean
    demand = own_paths(*range(500_000, 1_500_001, 100_000), savings=[saving(0.1, probability=1.0, proven=True)])
    found = document(offer("0.20"), demand)
    assert not any("remains if all" in one for one in found.warnings)
    assert 500_000 * 0.9 < float(found.recommended.commit_usd_by_year[0]) < 700_000


def test_no_savings_is_said():
    found = document(offer("0.20"), own_paths(100_000))
    assert any("No savings are in the demand" in one for one in found.warnings)


def test_the_discount_flips_at_its_own_height_and_a_known_demand_at_the_break_even():
    found = document(offer("0.20"), own_paths(1_200_000))
    assert bar(found, "bands").flips_at == pytest.approx(-0.2, abs=1e-4)
    assert bar(found, "bands").grade == "stated"
    growth = bar(found, "growth")
    # usage falls to 80 % of the commitment: the mean of e^(g t) over twelve months is 0.8
    mean = np.exp(growth.flips_at * np.arange(1, 13)).mean()
    assert mean == pytest.approx(0.8, abs=1e-3)
    assert growth.grade == "assumed"


def test_a_price_cut_shrinks_the_list_dollars_that_draw_the_commitment():
    cut = bar(document(offer("0.20"), own_paths(1_200_000)), "price_cut")
    # half of the year at 30 % less: 600 + 420 thousand are used, and committed, at 80 cents
    assert (cut.commit_high_usd, cut.cost_high_usd) == ("1020000.00", "816000.00")
    assert cut.held_cost_high_usd == "960000.00"
    # 1.2M at 80 cents are 0.96M: 600 + 600 (1 - cut) at a cut of 40 %
    assert cut.flips_at == pytest.approx(0.4, abs=1e-4)


def test_the_tornado_is_sorted_by_how_far_the_commitment_moves():
    found = document(offer("0.20"), drawn(steady(), savings=[saving(0.4, probability=0.5)]))
    swings = [float(one.commit_swing_usd) for one in found.tornado]
    assert swings == sorted(swings, reverse=True)
    assert {one.input for one in found.tornado} == {"bands", "growth", "savings", "price_cut"}
    assert bar(found, "savings").grade == "assumed"
    assert bar(found, "savings").low_says == "none land"


def test_what_rests_on_assumptions_is_between_nothing_and_everything():
    found = document(offer("0.20"), drawn(steady(), savings=[saving(0.4, probability=0.5)]))
    assert found.assumed.inputs == ("savings", "price_cut")
    assert 0 < float(found.assumed.commit_resting_usd) <= float(found.recommended.commit_usd_by_year[0])
    assert 0 <= float(found.assumed.saving_resting_usd) <= float(found.recommended.saving_usd)


def test_assumed_bands_are_said_and_the_range_covers_all_three_sets():
    central = [{"from_usd": str(one.from_usd), "discount": str(one.discount)} for one in CENTRAL.bands]
    demand = drawn(steady())
    assumed, stated = document(offer(bands=central), demand), document(offer("0.20"), demand)
    assert assumed.bands.bands_are_assumed
    assert not stated.bands.bands_are_assumed
    assert [one.name for one in stated.bands.sets] == ["conservative", "central", "optimistic"]
    assert bar(assumed, "bands").grade == "assumed"
    assert any("assumption of buyers' advisers" in one for one in assumed.warnings)
    commits = [float(one.commit_usd_by_year[0]) for one in assumed.bands.sets]
    assert (float(assumed.bands.least_commit_usd), float(assumed.bands.most_commit_usd)) == (min(commits), max(commits))


def test_the_buffer_names_its_distances_the_chance_and_the_floor():
    found = document(offer("0.20"), own_paths(100_000, 200_000, 300_000)).recommended.buffer
    assert (found.to_mean_usd, found.to_p10_usd) == ("-100000.00", "-20000.00")
    assert found.needed_chance == 0.8
    assert found.fill_chance == 1.0
    assert not found.at_band_floor
    stepped = [{"from_usd": "0", "discount": "0"}, {"from_usd": "150000", "discount": "0.5"}]
    floor = document(offer(bands=stepped, overage="committed"), own_paths(100_000, 200_000, 300_000)).recommended.buffer
    assert floor.at_band_floor
    assert floor.needed_chance == 1.0
    assert "committing to more inside a band is worth nothing" in floor.says


def test_rights_are_left_unused_and_said():
    terms = offer("0.20", step_down={"windows": ["6"], "share": "0.2"})
    assert any("left unused in the size: step_down" in one for one in document(terms, own_paths(100_000)).warnings)


def test_five_months_of_history_get_three_assumptions_and_no_chance():
    history = history_of([100e3, 101e3, 99e3, 100e3, 100e3], "2026-06")
    demand = too_short(history, seed=0, start=None, savings=(), problems=())
    refusal = refuse_quantiles(history, 12)
    found = size_refused(SizeRequest(offer=offer("0.20"), demand=demand), refusal)
    assert found.recommended.decision == "do_not_commit"
    assert found.recommended.p_shortfall is None
    assert found.recommended.expected_cost_usd is None
    stays = next(one for one in found.stated_ranges if one.name == "stays")
    # the mean month is 100,000: 1.2M a year, committed whole at 20 % off
    assert (stays.list_usd, stays.commit_usd_by_year, stays.cost_usd) == ("1200000.00", ("1200000.00",), "960000.00")
    assert any("none with a probability" in line for line in text_of(found))


def test_thinned_paths_are_spread_over_all():
    paths = own_paths(*range(1_000, 2_000)).expected
    few = thinned(paths, 10)
    assert few.count == 10
    assert few.list_usd[0, 0] == paths.list_usd[0, 0]
    assert few.list_usd[-1, 0] == paths.list_usd[-1, 0]


def test_figures_are_rounded_to_what_is_known_of_them():
    assert rounded(1_141_427, step_of(850_000, 1_510_000)) == "1,100,000"
    assert rounded(1_141_427, step_of(1_130_000, 1_150_000)) == "1,140,000"


def test_clauses_and_dates_of_signing_are_there_unless_quick():
    found = document(offer("0.20"), drawn(steady(), savings=[saving(0.4, probability=0.5)]), quick=False)
    assert {one.plan for one in found.timing} == {"sign_now", "bridge", "route_first", "day_0", "on_demand"}
    assert any(one.clause == "overage_committed" and float(one.value_usd) > 0 for one in found.clauses)
    quick = document(offer("0.20"), drawn(steady()))
    assert quick.clauses == quick.timing == ()


GOLDEN = """\
Commit 100,000 list dollars, 12 months: 20 % off list.
It costs about 180,000 over the term (100,000 to 260,000 in eight cases of ten) against 200,000 on demand \
(120,000 to 280,000): 20,000 less, 10.0 %.
Some of it stays unused with a chance of 0 %; usage exceeds it with 67 %. 100 % of it is expected to be used, \
80 % must be to break even; it comes out dearer than on demand with 0 %.
Cash at risk 0 (committed cash less what the 10th percentile of usage needs). Regret 20,000 on average, \
38,000 in one case of twenty.
The least expected cost on all paths.
The commitment of year 1 is 100,000 dollars below the mean of that year's demand and 20,000 dollars below its 10th \
percentile. Inside its band one more dollar must be used with a chance of 80 % to pay, and the last one is used with \
100 %."""


def test_the_verdict_as_people_read_it():
    lines = text_of(document(offer("0.20"), own_paths(100_000, 200_000, 300_000)))
    wanted = GOLDEN.splitlines()
    assert lines[: len(wanted) - 1] == wanted[:-1]
    assert lines[len(wanted) - 1].startswith("The commitment of year 1 is 100,000 dollars below the mean")
    table = lines.index("The same paths, other sizes")
    assert " ".join(lines[table + 2].split()) == "recommended 100,000 180,000 20,000 0 % 67 % 20,000 38,000"
