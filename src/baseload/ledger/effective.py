"""What a list dollar costs this customer: billed over list, where both are known for the same usage."""

from __future__ import annotations

import numpy as np

from baseload.values import Table


def billed_and_list(settled: Table) -> tuple[int, int]:
    """(billed, list) nano-dollars of the accounts' days for which some row states a bill; (0, 0) where none does.

    `settled` are rows of `ledger.scope.Settled`. A day of an account counts whole or not at all: a bill never says
    which of its calls it leaves out.
    """
    billed = settled["billed_nano_usd"]
    states = ~np.ma.getmaskarray(billed)
    keys = np.array(
        [
            f"{account}\x00{day}"
            for account, day in zip(settled["account"].tolist(), settled["day"].tolist(), strict=True)
        ],
        dtype=object,
    )
    covered = np.isin(keys.astype(str), np.unique(keys[states].astype(str)))
    amounts = np.ma.filled(np.ma.asarray(billed), 0).astype(np.int64)
    listed = np.ma.filled(np.ma.asarray(settled["list_nano"]), 0).astype(np.int64)
    return int(amounts[covered].sum()), int(listed[covered].sum())
