"""The whole demo company keeps the size it promises."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from demo_window import END

from baseload.demo import write_company
from baseload.prices.book import PriceBook


@pytest.mark.prove
def test_the_whole_company_is_written_within_its_limits(tmp_path: Path, book: PriceBook) -> None:
    started = time.process_time()
    manifest = write_company(tmp_path, as_of_day=END, book=book)
    assert time.process_time() - started < 25
    assert manifest.sampled_calls <= 200_000
    assert manifest.bytes <= 150_000_000
    assert manifest.true_requests > 30_000_000
