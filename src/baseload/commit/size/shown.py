"""The figures of a size document as people read them: one unit throughout, so that one figure is shown one way."""

from __future__ import annotations

import math
from typing import Final

from baseload.commit.size.amounts import at_unit, highest, lowest, unit_of
from baseload.commit.size.document import Figures, SizeDocument

_CENT: Final = 0.01


def document_unit(size: SizeDocument) -> float:
    """Of the cost on demand and of the size's own: four digits of the larger."""
    return unit_of(_number(size.on_demand_usd), _number(size.recommended.expected_cost_usd))


def saving(size: SizeDocument, one: Figures) -> float:
    """What is saved against on demand: the difference of the two costs as shown."""
    unit = document_unit(size)
    return at_unit(_number(size.on_demand_usd), unit) - at_unit(_number(one.expected_cost_usd), unit)


def saving_share(size: SizeDocument) -> float:
    """Of the cost on demand, of the figures before they are rounded."""
    whole = _number(size.on_demand_usd)
    return _number(size.recommended.saving_usd) / whole if whole else 0.0


def cost_ends(size: SizeDocument) -> tuple[float, float]:
    """The 80 % interval of the cost, outward; its low end never below what is committed to be paid."""
    best, unit = size.recommended, document_unit(size)
    low = lowest(_number(best.p10_cost_usd), unit, hard=_committed_cash(size))
    return low, highest(_number(best.p90_cost_usd), unit)


def _committed_cash(size: SizeDocument) -> float:
    """What the commitment costs unused; -inf where a path costs less, so that it bounds nothing."""
    basis = size.inputs.commit_basis
    cash = sum(
        _number(row.commit_usd) * ((1 - row.discount) if basis == "list" else 1) for row in size.recommended.by_year
    )
    return cash if 0 < cash <= _number(size.recommended.p10_cost_usd) + _CENT else -math.inf


def _number(text: str | None) -> float:
    return 0.0 if text is None else float(text)
