"""What `baseload prices` shows: one JSON document per command, and the tables drawn from it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baseload.prices.age import age_line, age_warning
from baseload.prices.reasons import NOTES
from baseload.values import day_of_date, iso_day

if TYPE_CHECKING:
    from rich.console import Console

    from baseload.cli.price_usage import UsageWindow
    from baseload.prices.book import PriceBook, PriceKey, RateRange, Rates, Unpriced
    from baseload.prices.changes import Change
    from baseload.prices.crosscheck import CheckResult, Disagreement
    from baseload.prices.impact import ImpactRow, Priced, Side
    from baseload.prices.records import BookRecord

Document = dict[str, Any]
