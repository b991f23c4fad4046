"""One path of usage from a file: what looks like another amount is refused."""

from __future__ import annotations

import pytest

from baseload.commit.refusal import CommitError
from baseload.commit.usage_file import read_usage


@pytest.mark.parametrize(
    ("row", "said"),
    [("0,100,000", "3 cells under 2 columns"), ("0", "1 cells under 2 columns"), ("0,1_000", "a plain number"),
     ("0,\uff11\uff12", "a plain number"), ("0,1e3", "a plain number"), ("0000-01,5", "YYYY-MM")],
)  # fmt: skip
def test_a_row_that_would_be_read_as_another_amount_is_refused(row: str, said: str) -> None:
    with pytest.raises(CommitError, match=said):
        read_usage(f"month,list_usd\n{row}\n".encode())
