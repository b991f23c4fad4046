"""The questions to a vendor, and the words for the clause that answers each: wording stands in one table.

Where `commit.worth.asks` prices an ask, its wording is the one shown; only terms it has no ask for are worded here.
Every text is a starting point for counsel, never advice, and comes with its definitions, because "unused", "usage" and
"list price" decide more dollars than the rate beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from baseload.commit.worth import asks as priced

FOR_COUNSEL: Final = "For counsel: suggested wording to start from, not legal advice."
DEFINITIONS: Final[Mapping[str, str]] = {
    "Contract Year": "each period of twelve consecutive months that begins on the Effective Date or its anniversary",
    "Effective Date": "the first day of the term",
    "List Price": "the price per token that Provider publishes for the same model, platform and service tier",
    "Eligible Usage": "all usage of the services by Customer and its affiliates, through any channel, but for what the "
    "Order excludes by name",
    "Committed Amount": "the Eligible Usage, in the dollars that the Order names, that Customer undertakes for a "
    "Contract Year",
    "Committed Rate": "List Price less the discount of the Committed Amount's band",
    "Unused Amount": "the part of a Contract Year's Committed Amount that its Eligible Usage has not drawn",
    "Peak Usage": "the highest Eligible Usage of any three consecutive whole months of a Contract Year, annualized",
}
"""Words with a capital letter in the clauses, each defined once."""


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One wording. `ask` names the ask of `commit.worth.asks` it belongs to; "" where it is worded here."""

    ask: str
    says: str
    wording: str
    definitions: tuple[str, ...]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One term to ask about; `key` is its key in offer.yaml. `asks` name what is worth asking for there."""

    key: str
    question: str
    wants: str  # what a buyer asks for
    asks: tuple[str, ...] = ()
    wording: str = ""  # where there is no priced ask

    @property
    def clauses(self) -> tuple[Clause, ...]:
        """Wording with definitions, the first ask first."""
        if not self.asks:
            return (_clause("", self.wants, self.wording),)
        return tuple(_clause(name, priced.BY_NAME[name].says, priced.BY_NAME[name].wording) for name in self.asks)


def _clause(ask: str, says: str, wording: str) -> Clause:
    used = tuple(f'"{word}" means {meaning}.' for word, meaning in DEFINITIONS.items() if word in wording)
    return Clause(ask=ask, says=says, wording=wording, definitions=used)


_QUESTIONS: Final = (
    Question(
        key="term_months",
        question="How many months is the term, and does the same rate hold for a shorter one?",
        wants="Twelve months, or a longer term with a way to lower it",
        wording="The term is [12] months from the Effective Date. It ends without notice unless both parties sign a "
        "renewal.",
    ),
    Question(
        key="commit_basis",
        question="Is the commitment drawn by usage at list price, or by usage after the discount?",
        wants="List dollars: a list dollar of usage draws a dollar of commitment",
        wording="Eligible Usage draws the Committed Amount at List Price, before the discount. Every invoice states "
        "both amounts.",
    ),
    Question(
        key="bands",
        question="Which discount applies from which commitment on, from nothing to one band above the one offered?",
        wants="The whole table in writing, so that the bands around the offer can be priced",
        wording="The discount of a Contract Year is that of Schedule [n] for its Committed Amount. The Schedule binds "
        "Provider for the term, and for any amendment that raises the Committed Amount.",
    ),
    Question(
        key="overage",
        question="What does usage beyond the commitment cost?",
        wants="The committed rate",
        asks=("overage_committed", "overage_half_way"),
    ),
    Question(
        key="unused",
        question="What happens to commitment that is not used when it is tested?",
        wants="It stays drawable for twelve months, or part of it comes back",
        asks=("roll_100", "roll_50", "refund_50", "extend_3"),
    ),
    Question(
        key="price_rule",
        question="Is the price held for the term, and does a cut of the price list reach us?",
        wants="The lower of the price at signature and the price list of the day",
        asks=("lower_of", "price_hold_12"),
    ),
    Question(
        key="metering_freeze",
        question="Do tokenizer, token classes and cache multiples stay as they are for the term?",
        wants="Metering as at signature, or an equivalence",
        asks=("metering_freeze",),
    ),
    Question(
        key="step_down",
        question="May we lower the commitment during the term: when, by how much, and is the discount kept?",
        wants="One reforecast at month 6, by up to 20 or 30 %, the discount kept",
        asks=("step_down_30_keep", "step_down_20_keep", "step_down_20_retier"),
    ),
    Question(
        key="true_forward",
        question="Does usage above the commitment raise next year's commitment, and how is it measured?",
        wants="No true-forward; else a share of a three-month peak, falling again with usage",
        wording="Usage beyond the Committed Amount does not raise any later Committed Amount. [Fallback: the next "
        "Committed Amount is at most 70 % of Peak Usage, and falls again with usage.]",
    ),
    Question(
        key="payment",
        question="When is the commitment paid, and what does paying at once earn?",
        wants="In arrears or quarterly; upfront only for points that cover the cost of capital",
        asks=("pay_arrears", "pay_quarterly"),
    ),
    Question(
        key="period",
        question="When is the commitment tested: each month, quarter, year, or over the term?",
        wants="Once a year, or once a term",
        wording="The Committed Amount is tested once, at the end of each Contract Year.",
    ),
    Question(
        key="new_model_rule",
        question="At what price do models appear that do not exist at signature?",
        wants="The same discount, and never above the model they replace",
        wording="The discount applies to every model released during the term. A model that replaces another is priced "
        "no higher than the model it replaces.",
    ),
    Question(
        key="carry_forward",
        question="Does usage beyond this year's commitment count towards next year's?",
        wants="A share of it lowers the next commitment",
        asks=("carry_forward_50",),
    ),
    Question(
        key="overage_retro",
        question="Is the whole year re-rated if usage reaches a higher band?",
        wants="Yes, by credit note",
        asks=("overage_retro",),
    ),
    Question(
        key="band_mode",
        question="Does the discount apply to every dollar, or to each dollar at the band it lies in?",
        wants="To every dollar",
        asks=("all_units",),
    ),
    Question(
        key="step_up",
        question="May we add commitment during the term, and from when does the higher band count?",
        wants="At month 6, the band from then on",
        asks=("step_up_6",),
    ),
    Question(
        key="termination",
        question="May we leave before the end, when, and what does it cost?",
        wants="A right to leave at month 12 for a share of what remains",
        asks=("leave_12",),
    ),
)
QUESTIONS: Final[Mapping[str, Question]] = {one.key: one for one in _QUESTIONS}
TEN: Final = tuple(one.key for one in _QUESTIONS[:10])
"""The terms `offer new` asks for, in this order."""
