"""What the small demo company of this folder's tests covers, under a name of its own: `conftest` is many files."""

from __future__ import annotations

import datetime as dt

from baseload.values import Window, day_of_date

SCALE = 0.05
END = day_of_date(dt.date(2026, 11, 20))
WINDOW = Window(start_day=END - 184, end_day_exclusive=END)
