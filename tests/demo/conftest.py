"""A twentieth of the demo company, written once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from demo_window import END, SCALE, WINDOW

from baseload.demo import DemoManifest, write_company
from baseload.demo.billing import BillLine, bill
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.simulate import simulate
from baseload.demo.truth import Truth
from baseload.prices.book import PriceBook
from baseload.prices.load import load_book


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return load_book()


@pytest.fixture(scope="session")
def truth(book: PriceBook) -> Truth:
    return simulate(LARKFIELD, WINDOW, book, seed=7, scale=SCALE)


@pytest.fixture(scope="session")
def lines(truth: Truth, book: PriceBook) -> tuple[BillLine, ...]:
    return bill(truth, LARKFIELD, book)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("company")


@pytest.fixture(scope="session")
def manifest(folder: Path, book: PriceBook) -> DemoManifest:
    return write_company(folder, as_of_day=END, book=book, scale=SCALE)
