"""The packaged price book, once for all tests of routing."""

from __future__ import annotations

import pytest

from baseload.prices.book import PriceBook
from baseload.prices.load import load_book


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return load_book()
