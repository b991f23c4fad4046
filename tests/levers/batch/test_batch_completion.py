"""How long batches take: the packaged table says what is published and what is assumed, and can be replaced."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from baseload.errors import UsageError
from baseload.levers.batch.completion import MINUTE_US, Completion, completion_table, measured

HOUR = 60 * MINUTE_US
TABLE = completion_table()


def test_every_reading_of_the_packaged_table_fits_what_is_published() -> None:
    # "most finish in less than 1 hour; anything unprocessed at 24 h expires" (anthropic-facts section 4)
    for reading in (TABLE.slow, TABLE.likely, TABLE.fast):
        assert reading.quantile_us(0.5) < HOUR
        assert reading.quantile_us(1.0) < 24 * HOUR
        assert reading.provenance == "assumed"
        assert reading.source


def test_the_readings_are_ordered_from_slow_to_fast() -> None:
    for minutes in (1, 5, 20, 60, 240, 1439):
        slow, likely, fast = (
            reading.ended_share(minutes * MINUTE_US) for reading in (TABLE.slow, TABLE.likely, TABLE.fast)
        )
        assert slow <= likely <= fast


def test_quantiles_lie_on_lines_in_the_logarithm_of_minutes() -> None:
    # between (0.5, 20 min) and (0.8, 60 min): at 0.65, half way, 20 x sqrt(3) = 34.64 min
    assert TABLE.likely.quantile_us(0.65) == pytest.approx(34.641 * MINUTE_US, rel=1e-4)
    assert TABLE.likely.ended_share(34.641 * MINUTE_US) == pytest.approx(0.65 * 0.998, rel=1e-4)


def test_the_last_part_of_the_draw_expires_at_24_hours() -> None:
    assert TABLE.likely.draw_us(0.9981) == (24 * HOUR, True)
    took, expired = TABLE.likely.draw_us(0.998 * 0.5)
    assert (took, expired) == (TABLE.likely.quantile_us(0.5), False)


@given(st.floats(0, 1, exclude_max=True))
def test_a_draw_and_the_share_ended_by_then_agree(uniform: float) -> None:
    took, expired = TABLE.likely.draw_us(uniform)
    if not expired:
        assert TABLE.likely.ended_share(took) == pytest.approx(uniform, abs=1e-6)


def test_a_company_can_state_its_own_times() -> None:
    one = (
        '{quantiles = [[0, 10], [1, 30]], expires_share = 0, expired_items = 0, provenance = "measured", source = "x"}'
    )
    table = completion_table(f"slow = {one}\nlikely = {one}\nfast = {one}\n".encode())
    assert table.likely.quantile_us(1.0) == 30 * MINUTE_US
    assert table.provenance == "measured"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\xff", "not valid TOML"),
        (b"slow = 3", "slow"),
        (b"", "slow"),
        (b"slow = {quantiles = [[0, 10], [1, 30]], expires_share = 2, expired_items = 0, source = ''}", "expires"),
        (b"slow = {quantiles = [[0, 10]], expires_share = 0, expired_items = 0, source = ''}", "share 0 to share 1"),
        (b"slow = {quantiles = [[0, 9], [1, 8]], expires_share = 0, expired_items = 0, source = ''}", "must grow"),
        (b"slow = {quantiles = [[0, 9], [1, 1500]], expires_share = 0, expired_items = 0, source = ''}", "1440"),
        (b"slow = {quantiles = [[0, 0], [1, 15]], expires_share = 0, expired_items = 0, source = ''}", "must grow"),
    ],
)  # fmt: skip
def test_a_table_that_makes_no_sense_is_refused_by_name(text: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        completion_table(text, "mine.toml")


def test_recorded_batches_take_the_place_of_the_assumption() -> None:
    # 100 batches of 1 to 100 minutes: the median lies at 50.5, a quarter at 25.75
    table = measured(np.arange(1, 101) * MINUTE_US)
    assert table is not None
    assert table.provenance == "measured"
    assert table.likely.quantile_us(0.5) == pytest.approx(50.5 * MINUTE_US)
    assert table.likely.quantile_us(0.25) == pytest.approx(25.75 * MINUTE_US)
    assert table.slow.ended_share(50 * MINUTE_US) < 0.5 < table.fast.ended_share(50 * MINUTE_US)
    assert (table.likely.expires_share, table.slow.expires_share) == (0.0, 0.03)


def test_a_batch_that_took_24_hours_counts_as_expired() -> None:
    table = measured([20 * MINUTE_US] * 49 + [24 * HOUR])
    assert table is not None
    assert table.likely.expires_share == pytest.approx(0.02)


def test_a_few_batches_are_no_distribution() -> None:
    assert measured([MINUTE_US] * 29) is None
    assert measured([-5] * 40) is None


def test_a_reading_needs_shares_from_0_to_1() -> None:
    with pytest.raises(ValueError, match="share 0 to share 1"):
        Completion(quantiles=((0.1, 1), (1.0, 2)), expires_share=0, expired_items=0, source="x")
