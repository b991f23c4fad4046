"""The vocabulary: what exists, with no behaviour that needs a clock, a file or a network."""

from baseload.values.bands import BANDS, band_of_context, band_of_prompt
from baseload.values.call import AGGREGATE_GRAINS, CALL_FIELDS, Call
from baseload.values.money import (
    NANO_PER_CENT,
    NANO_PER_USD,
    decimal_usd,
    nano_from_cents,
    nano_from_usd,
    usd_text,
)
from baseload.values.opportunity import Grade, Opportunity
from baseload.values.periods import (
    DAY_US,
    HOUR_US,
    Window,
    date_of_day,
    day_of,
    day_of_date,
    iso_day,
    parse_timestamp,
)
from baseload.values.problem import Problem
from baseload.values.secrecy import OrgKey
from baseload.values.table import Table
from baseload.values.tokens import TOKEN_CLASSES, Tokens
from baseload.values.verdict import Verdict, VerdictGrade, VerdictState
from baseload.values.workload import Workload

__all__ = [
    "AGGREGATE_GRAINS",
    "BANDS",
    "CALL_FIELDS",
    "DAY_US",
    "HOUR_US",
    "NANO_PER_CENT",
    "NANO_PER_USD",
    "TOKEN_CLASSES",
    "Call",
    "Grade",
    "Opportunity",
    "OrgKey",
    "Problem",
    "Table",
    "Tokens",
    "Verdict",
    "VerdictGrade",
    "VerdictState",
    "Window",
    "Workload",
    "band_of_context",
    "band_of_prompt",
    "date_of_day",
    "day_of",
    "day_of_date",
    "decimal_usd",
    "iso_day",
    "nano_from_cents",
    "nano_from_usd",
    "parse_timestamp",
    "usd_text",
]
