"""What leaves the house cannot be turned back into what did not: no hash of it holds a field that is easy to guess."""

from __future__ import annotations

import hashlib
import itertools
import re
from collections.abc import Iterator

import msgspec
from brief_planting import Planted
from msgspec.structs import replace

from baseload.commit.brief.counterparty import counterparty_brief
from baseload.commit.brief.figures import run_id
from baseload.commit.brief.render import counterparty_markdown
from baseload.commit.size.document import Inputs, SizeDocument

VERSION = "0.1.0"
ASKS = ["overage_committed"]
DIGITS = re.compile(r"[0-9a-f]{16,}")


def low_entropy() -> SizeDocument:
    """A size as it is made in life: every secret of its inputs is one of a few."""
    inputs = Inputs(
        offer="central",
        offer_sha256="1" * 64,
        demand_source="demand",
        demand_sha256="2" * 64,
        savings="0.3,0.45,0.6,2027-02",
        savings_sha256="",
        first_month="2026-11",
        term_months=12,
        commit_basis="list",
        history_months=24,
        paths=2_000,
        seed=0,
        ramp="free",
        risk_weight=0.0,
        shortfall_budget_usd=None,
    )
    return replace(Planted(1).document, inputs=inputs)


def written(size: SizeDocument) -> str:
    found = counterparty_brief(size, version=VERSION, asks=ASKS)
    return counterparty_markdown(found) + msgspec.json.encode(found).decode()


def guesses(inputs: Inputs) -> Iterator[Inputs]:
    """What a vendor would try: it knows its offer and the hashes it was shown, and guesses the saving and the rest."""
    levels = (0.2, 0.25, 0.3, 0.35, 0.45, 0.6)
    for low, likely, high in itertools.combinations_with_replacement(levels, 3):
        for month in ("2027-01", "2027-02", "2027-03"):
            yield replace(inputs, savings=f"{low:g},{likely:g},{high:g},{month}")
    yield from (replace(inputs, risk_weight=weight / 10) for weight in range(11))
    yield from (replace(inputs, shortfall_budget_usd=f"{budget}000.00") for budget in range(50))


def hashes_of(guess: Inputs) -> Iterator[str]:
    """The run id, and plain hashes of the record and of each of its texts."""
    yield run_id(guess, VERSION).removeprefix("run-")
    yield hashlib.sha256(msgspec.json.encode(guess, order="sorted")).hexdigest()
    for value in msgspec.structs.asdict(guess).values():
        yield hashlib.sha256(str(value).encode()).hexdigest()


def test_no_hash_in_it_is_of_a_field_that_can_be_guessed() -> None:
    """The attack itself: every digest that a guess gives is looked for among the digits that were handed over."""
    size = low_entropy()
    shown = set(DIGITS.findall(written(size)))
    assert shown  # the digest of the usage, at least
    for guess in guesses(size.inputs):
        for digest in hashes_of(guess):
            assert not any(digest.startswith(one) or one.startswith(digest) for one in shown), guess.savings


def test_nothing_that_is_not_shown_moves_a_byte() -> None:
    """Other savings, seed, risk, offer, paths and every figure but those on the list: the same edition."""
    size = low_entropy()
    before = written(size)
    for name in Inputs.__struct_fields__:
        if name in ("demand_source", "demand_sha256"):  # named in it, or said by its method
            continue
        other = replace(size.inputs, **{name: {"history_months": 23, "first_month": "2027-06"}.get(name, "7" * 64)})
        assert written(replace(size, inputs=other)) == before, name
    other_figures = Planted(2).document
    kept = replace(other_figures, inputs=size.inputs, guard=size.guard, scope=size.scope)
    assert written(kept) == before


def test_what_is_shown_does_move_its_id() -> None:
    size = low_entropy()
    found = counterparty_brief(size, version=VERSION, asks=ASKS)
    other = counterparty_brief(size, version=VERSION, asks=["one_point"])
    assert re.fullmatch(r"edition-[0-9a-f]{16}", found.edition_id)
    assert found.edition_id != other.edition_id
