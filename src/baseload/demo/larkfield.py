"""The demo company put together."""

from __future__ import annotations

from baseload.demo import services, subsidiaries
from baseload.demo.accounts import ACCOUNTS
from baseload.demo.company import Company

LARKFIELD = Company(
    name="Larkfield Group",
    accounts=ACCOUNTS,
    services=(*services.SERVICES, *subsidiaries.SERVICES),
    incident_before_end=16,
    log_gap_before_end=9,
    restated_day_of_month=13,
)
