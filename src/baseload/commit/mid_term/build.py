"""Where the signed contract stands and every option priced on the same paths: the document of `commit current`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal
from typing import Final

from baseload.commit.bands import discounts_at, key_of_year
from baseload.commit.clauses import ONE, ZERO
from baseload.commit.contract import Contract
from baseload.commit.current import MOST_PULLED_MONTHS, CurrentContract, Option, midterm_options
from baseload.commit.mid_term.document import CurrentDocument, OptionPart, SavingInCash, Standing
from baseload.commit.mid_term.outlook import lost_share, outlook, saving_in_cash
from baseload.commit.mid_term.rest import from_now, months_left
from baseload.commit.paths import Paths
from baseload.commit.size.amounts import usd

SHIP: Final = "ship now"
SAYS: Final = {
    "wait until the end": "Change nothing until the contract ends; the savings ship then.",
    SHIP: "Ship the savings now: what the balance swallows is no cash, what exceeds it and what follows it is.",
    "ship now, reforecast": "Ship now and have {share} of the remaining balance taken back.",
    "ship now, pull work forward": "Ship now and do work of the {months} months after the end while the balance lasts.",
    "ship now, renew early": "Ship now and sign the next term today, taking the balance along.",
}


def current_document(
    current: CurrentContract,
    as_is: Paths,
    shipped: Paths | None,
    *,
    seed: int,
    reforecast_share: Decimal | None = None,
    pull_months: int = MOST_PULLED_MONTHS,
    renewal: Contract | None = None,
    assumed: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> CurrentDocument:
    """`as_is` is whole months of usage from the month under way on while nothing ships, `shipped` if all ships now.

    Both reach to the contract's end or beyond it. `shipped` None: no savings are known. `reforecast_share`: how much of
    the balance would be taken back; None = what the step-down clause gives, else all that would be lost (the most that
    asking can be worth). Raises CommitError.
    """
    as_is = from_now(current, as_is)
    after = as_is if shipped is None else from_now(current, shipped)
    right = step_down_ahead(current)
    share = reforecast_share if reforecast_share is not None else _share(current, as_is, after, right)
    options = midterm_options(current, as_is, after, reforecast_share=share, pull_months=pull_months, renewal=renewal)
    parts = tuple(_part(one, share, pull_months, right) for one in options)
    outlooks = [outlook(current, "as it is", as_is)]
    saving: SavingInCash | None = None
    if shipped is not None:
        outlooks.append(outlook(current, "savings shipped now", after))
        saving = saving_in_cash(current, as_is, after)
    return CurrentDocument(
        standing=standing_of(current),
        horizon_months=as_is.months,
        paths=as_is.count,
        seed=seed,
        balance=tuple(outlooks),
        saving=saving,
        options=parts,
        best=min(options, key=lambda one: one.cost_usd).name,
        assumed=tuple(assumed),
        notes=(*_notes(current, renewal, reforecast_share, right), *notes),
    )


def standing_of(current: CurrentContract) -> Standing:
    """Where the contract is on its day."""
    terms = current.terms
    return Standing(
        name=terms.name,
        as_of=current.as_of.isoformat(),
        start=current.start.isoformat(),
        end=current.end.isoformat(),
        months_left=months_left(current),
        commit_basis=terms.commit_basis,
        discount=round(float(discounts_at(terms, key_of_year(terms, current.year)).committed), 6),
        remaining_usd=usd(current.remaining_usd),
        committed_cash_usd=usd(current.committed_cash_usd),
        paid_usd=usd(current.paid_usd),
        due_usd=usd(current.due_usd),
        notice_by=current.notice_by.isoformat() if current.notice_by else None,
    )


def step_down_ahead(current: CurrentContract) -> Decimal:
    """The share by which a clause lets the buyer lower what remains, in a window still ahead; 0 without one."""
    clause = current.terms.step_down
    if clause is None:
        return ZERO
    ahead = [month for month in clause.windows if month - clause.notice_months >= current.months_gone]
    return clause.share if ahead else ZERO


def _share(current: CurrentContract, as_is: Paths, after: Paths, right: Decimal) -> Decimal:
    if right:
        return right
    ship = next(one for one in midterm_options(current, as_is, after, pull_months=0) if one.name == SHIP)
    return Decimal(repr(lost_share(current, ship))).quantize(Decimal("0.01"), rounding=ROUND_DOWN)


def _part(option: Option, share: Decimal, pull_months: int, right: Decimal) -> OptionPart:
    by_right = {"ship now, reforecast": ZERO < share <= right, "ship now, renew early": False}
    return OptionPart(
        option=option.name,
        by_right=by_right.get(option.name, True),
        cost_usd=usd(option.cost_usd),
        p10_usd=usd(option.p10_usd),
        p90_usd=usd(option.p90_usd),
        saved_usd=usd(option.saved_usd),
        list_saved_usd=usd(option.list_saved_usd),
        lost_usd=usd(option.lost_usd),
        says=SAYS[option.name].format(share=f"{share * 100:.0f} %", months=pull_months),
    )


def _notes(current: CurrentContract, renewal: Contract | None, share: Decimal | None, right: Decimal) -> Sequence[str]:
    found = ["Paid is paid: every option counts the cash still to come, dues of the contract in it."]
    if current.as_of.day != current.start.day:
        found.append("Of the contract month under way only the days still to come count.")
    if current.start.day != 1:
        found.append("Contract months begin inside calendar months: usage of a calendar month stands for both.")
    if share is None and not right and current.remaining_usd:
        found.append("No step-down is left: the reforecast is a request, priced at all that would be lost.")
    if right and share is None:
        found.append("The step-down is priced as used today; its window may be later.")
    if renewal is None:
        found.append("Without --renewal nothing follows: usage after the end is at list, and renewing early unpriced.")
    if current.terms.commit_basis == "net":
        rate = ONE - discounts_at(current.terms, key_of_year(current.terms, current.year)).committed
        found.append(f"The balance is in net dollars: one draws {ONE / rate:.4f} list dollars.")
    return found
