"""The contract's part of `prices impact`: what the move means for what is signed, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from baseload.prices.impact import ImpactRow, Side, Usage, annual, impact
from baseload.prices.rates import PriceKey

if TYPE_CHECKING:
    from rich.console import Console

    from baseload.cli.price_usage import UsageWindow
    from baseload.commit.current import CurrentContract
    from baseload.commit.impact.document import ContractImpact
    from baseload.project import Project


def on_contract(
    project: Path | None, file: Path | None, usage: UsageWindow, sides: Callable[[], tuple[Side, Side]]
) -> ContractImpact | None:
    """The move through the contract of `--contract`, else the project's; None where neither says one.

    `sides` are the prices before and after, at list. Raises CommitError.
    """
    from baseload.cli.book import read_file
    from baseload.cli.places import find_project, load_project
    from baseload.commit.current_file import read_current

    folder = project or find_project(Path.cwd())
    settings = load_project(folder)
    named = settings.commit.current_contract
    path = file or ((folder or Path()) / named if named else None)
    if path is None:
        return None
    current, _ = read_current(read_file(path, "contract"), str(path))
    return contract_part(current, settings, usage.rows, sides(), usage.days)


def no_contract(project: Path | None, contract: Path | None) -> None:
    """An overlay holds negotiated prices: no move of list prices that a contract's counters could meet.

    Raises UsageError where a contract is given beside it; says so where the project names one.
    """
    from baseload.cli.output import stderr
    from baseload.cli.places import find_project, load_project
    from baseload.errors import UsageError
    from baseload.report.names import clean

    if contract is not None:
        raise UsageError(
            "--overlay and --contract; expected one of them: an overlay is negotiated prices, and a contract is "
            "weighed against a move of list prices (--with, --from, --to)"
        )
    named = load_project(project or find_project(Path.cwd())).commit.current_contract
    if named:
        said = f"The project's signed contract {named} is left out: --overlay is no move of list prices."
        stderr().print(clean(said), markup=False, emoji=False, soft_wrap=True)


def contract_part(
    current: CurrentContract, settings: Project, usage: Sequence[Usage], sides: tuple[Side, Side], days: int
) -> ContractImpact:
    """The move at list prices on the usage that the contract covers. Raises CommitError."""
    from msgspec.structs import replace

    from baseload.commit.impact.counters import Move, contract_impact
    from baseload.commit.scope import ANSWERS
    from baseload.commit.size.amounts import usd

    rows = [row for row in impact(usage, *sides) if row.before is not None and row.after is not None]
    answers = [_answer(row, settings, current.terms.name) for row in rows]
    covered = [row for row, answer in zip(rows, answers, strict=True) if answer != "no"]
    sums = {one: _yearly([r for r, a in zip(rows, answers, strict=True) if a == one], 0, days) for one in ANSWERS}
    before, after = (_yearly(covered, side, days) for side in (0, 1))
    newer = _yearly([row for row in covered if _newer(row, sides[1], current)], 1, days)
    move = Move(
        covered_usd=float(before),
        left_out_usd=float(sums["no"]),
        price_index=float(after / before) if before else 1.0,
        new_model_share=float(newer / after) if after else 0.0,
    )
    found = contract_impact(current, move)
    if not sums["unknown"]:
        return found
    said = (
        f"{usd(sums['unknown'])} dollars a year may be in scope or not and count as inside: here [[commit.scope]] can "
        "ask for a platform and no more."
    )
    return replace(found, notes=(*found.notes, said))


def print_contract(console: Console, part: ContractImpact) -> None:
    """Cash until the end before and after, then each counter."""
    from baseload.report.numbers import usd

    console.print(
        f"Contract {part.contract or 'signed'}, as it stood on {part.as_of}: cash until {part.end} "
        f"{usd(part.cash_before_usd)}, after the move {usd(part.cash_after_usd)}; never used "
        f"{usd(part.lost_before_usd)}, then {usd(part.lost_after_usd)}.",
        markup=False,
    )
    for one in part.counters:
        name, right = one.counter.replace("_", "-"), "your right" if one.allowed else "to be asked for"
        console.print(f"  {name}, {right}: {usd(one.saves_usd)}. {one.clause}. {one.says}", markup=False)
        if one.wording:
            console.print(f"      For counsel: {one.wording}", markup=False)
    for note in part.notes:
        console.print(note, markup=False)


def _answer(row: ImpactRow, settings: Project, contract: str) -> str:
    """Without rules a contract covers everything here; usage by price key says its platform and nothing more."""
    from baseload.commit.scope import answer_of
    from baseload.commit.scoping.rules import contracts_of, rules_of

    scope = settings.commit.scope
    if not scope:
        return "yes"
    named = contract if contract.casefold() in {name.casefold() for name in contracts_of(scope)} else ""
    return answer_of((PriceKey.parse(row.price_key).platform, "", "", ""), rules_of(scope, named))


def _newer(row: ImpactRow, side: Side, current: CurrentContract) -> bool:
    model = side.book.models.get(PriceKey.parse(row.price_key).model)
    return model is not None and model.released > current.start.isoformat()


def _yearly(rows: Sequence[ImpactRow], side: int, days: int) -> Decimal:
    """List dollars of a year before (0) or after (1); the low end where a range is open."""
    ends = [row.before if side == 0 else row.after for row in rows]
    return annual(sum((end.low for end in ends if end is not None), Decimal(0)), days)
