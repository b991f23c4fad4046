"""Rate limits of the price book: the numbers of anthropic-facts section 7, and mistakes named by path."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.errors import PriceBookError
from baseload.prices import price_files
from baseload.prices.load import load_book

DATA = Path(price_files.__file__).parent / "data"

SECTION_7 = {
    ("opus-5", "opus-4", "sonnet-5", "sonnet-4", "haiku-4-5", "haiku-5-5"): {
        "start": (1_000, 2_000_000, 400_000),
        "build": (5_000, 5_000_000, 1_000_000),
        "scale": (10_000, 10_000_000, 2_000_000),
    },
    ("fable-5",): {
        "start": (1_000, 500_000, 100_000),
        "build": (2_000, 1_500_000, 300_000),
        "scale": (4_000, 4_000_000, 800_000),
    },
}


def test_the_limits_are_those_of_the_fact_sheet_and_no_others() -> None:
    expected = {
        (pool, tier): numbers for pools, tiers in SECTION_7.items() for pool in pools for tier, numbers in tiers.items()
    }
    rows = load_book().rate_limits
    assert {key: (row.requests, row.input_tokens, row.output_tokens) for key, row in rows.items()} == expected
    assert {row.checked for row in rows.values()} == {"2026-11-22"}


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("pool: opus-5,", "pool: opus-99,", "rate_limits[0].pool"),
        ("tier: start,", "tier: first,", "rate_limits[0].tier"),
        ("requests: 1000,", "requests: 0,", "rate_limits[0].requests"),
        ("source: S3", "source: S33", "rate_limits[0].source"),
        ("checked: 2026-11-22", "checked: 2026-11-32", "rate_limits[0].checked"),
    ],
)
def test_a_mistake_is_named_by_its_path(old: str, new: str, path: str) -> None:
    texts = {file.name: file.read_bytes() for file in DATA.glob("*.yaml")}
    rows = texts["rate_limits.yaml"].decode()
    texts["rate_limits.yaml"] = rows.replace(old, new, 1).encode()
    assert old in rows
    with pytest.raises(PriceBookError, match=path.replace("[", r"\[").replace("]", r"\]")):
        price_files.read_book(texts)
