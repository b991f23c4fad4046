"""offer.yaml: what is read, what is refused and in which words, and that writing reads back."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from commit_making import LADDER, bands, contract, contracts, even
from hypothesis import given, settings
from msgspec.structs import replace

from baseload.commit.band_sets import BAND_SETS
from baseload.commit.basis import in_net_basis
from baseload.commit.clauses import Bridge, Channel, StepDown, Unused
from baseload.commit.contract import Contract
from baseload.commit.offer import read_offer
from baseload.commit.offer_schema import offer_schema
from baseload.commit.offer_write import COMMENTS, write_offer
from baseload.commit.refusal import CommitError
from baseload.commit.simulate import simulate

MINIMAL = """
term_months: 24
commit_basis: list
bands: [{from_usd: 0, discount: 0.20}]
overage: list
unused: forfeit
"""


def read(text: str) -> Contract:
    return read_offer(text.encode()).contract


def test_the_smallest_offer_has_no_size_and_says_what_it_assumes() -> None:
    offer = read_offer(MINIMAL.encode())
    assert offer.contract.commit_usd_by_year == ()
    assert {"period", "payment", "price_rule", "hold_months"} < set(offer.assumed)
    assert not {"overage", "unused", "name", "currency"} & set(offer.assumed)


def test_a_clause_may_be_one_word_or_number() -> None:
    one = read(MINIMAL + "commit_usd_by_year: 2_000_000\ncarry_forward: 0.5\nchannel: aws\nprice_rule: lower_of\n")
    assert one.commit_usd_by_year == (Decimal(2_000_000),) * 2
    assert (one.carry_forward.share, one.channel.name, one.price_rule.rule) == (Decimal("0.5"), "aws", "lower_of")


def test_shorter_names_and_none_are_read_too() -> None:
    one = read(MINIMAL + "commit: [1, 2]\nMFN: true\nstep_down: none\nroll_condition: none\n")
    assert (one.commit_usd_by_year, one.mfn, one.step_down) == ((1, 2), True, None)
    assert read(MINIMAL.replace("unused: forfeit", "unused: convert_to_credit")).unused.rule == "credit"


REFUSED = {
    "discounts as percent": ("0.20", "20", "bands.discount: 20; expected a fraction from 0 up to, not including, 1"),
    "a discount of all": ("0.20", "1", "bands.discount: 1; expected a fraction"),
    "bands that fall back": ("[{", "[{from_usd: 9, discount: 0.1}, {", "bands.from_usd: 0 after 9; expected incr"),
    "discounts that fall": (
        "0.20}]", "0.20}, {from_usd: 9, discount: 0.1}]", "bands.discount: 0.1 after 0.20; expected discounts"
    ),
    "no band": ("[{from_usd: 0, discount: 0.20}]", "[]", "bands: 0 bands; expected 1 to 50"),
    "a ramp longer than the term": ("overage", "commit: [1, 2, 3]\noverage", "3 amounts; expected 2, one for each"),
    "a ramp shorter than the term": ("overage", "commit: [1]\noverage", "1 amounts; expected 2, one for each"),
    "overage below the commit rate": (
        "overage: list", "overage: {rule: multiple, multiple: 0.9}",
        "overage.multiple: 0.9; expected 1 to 10: overage never costs less than the committed rate"
    ),
    "a negative commitment": ("overage", "commit: -1\noverage", "commit_usd_by_year: -1; expected US dollars, 0"),
    "no number": ("overage", "commit: nan\noverage", "commit_usd_by_year: NaN; expected US dollars, 0 or more"),
    "an absurd commitment": ("overage", "commit: 1e13\noverage", "expected at most 1,000,000,000,000 US dollars"),
    "an absurd term": ("24", "240", "term_months: 240; expected 1 to 120 months"),
    "another currency": ("overage", "currency: EUR\noverage", "currency: EUR; expected USD: currencies are not mixed"),
    "a foreign amount": ("from_usd: 0", "from_usd: EUR 5", "bands[0].from_usd: EUR 5; expected a plain number"),
    "a sign": ("from_usd: 0", "from_usd: $5", "every amount is in USD, currencies are not mixed"),
    "an unknown word": ("overage: list", "overage: free", "overage.rule: free; expected one of list, committed, mult"),
    "an unknown key": ("overage", "ovrage: 1\noverage", "ovrage: not a key; expected overage, perhaps"),
    "a key of nothing": ("overage", "zz: 1\noverage", "zz: not a key; expected a key of docs/reference/offer.md"),
    "a clause without its number": (
        "overage", "step_down: {share: 0.1}\noverage", "step_down.windows: missing; expected all of what step_"
    ),
    "half a month": ("24", "24.5", "term_months: 24.5; expected a whole number"),
    "a missing key": ("unused: forfeit", "", "unused: missing; expected term_months, commit_basis, bands"),
    "two names": ("overage", "commit: 1\ncommit_usd_by_year: 1\noverage", "commit: given beside its longer name"),
    "a window after the end": (
        "overage", "step_down: {windows: [24], share: 0.1}\noverage", "step_down.windows: 24; expected at most 23"
    ),
    "windows out of order": (
        "overage", "step_down: {windows: [6, 3], share: 0.1}\noverage", "months in increasing order, each once"
    ),
    "a true-up without arrears": ("overage", "shortfall_rate: list\noverage", "net beside payment annual"),
    "a hold of nothing": ("overage", "hold_months: 6\noverage", "hold_months: 6; expected a price_rule that holds"),
    "a hold beyond the term": ("overage", "hold_months: 25\nprice_rule: lower_of\noverage", "expected 0 to 24 months"),
    "lower of, and not": (
        "overage", "price_rule: lower_of\nlist_decrease_passthrough: false\noverage", "list_decrease_passthrough: False"
    ),
    "a condition without a roll": ("overage", "roll_condition: {renew_at_least: 1}\noverage", "unused: roll beside it"),
    "marginal and retroactive": ("overage", "overage_retro: true\nband_mode: marginal\noverage", "overage_retro: True"),
    "a shadow without a cloud": ("overage", "channel: {name: aws, shadow_value: 0.1}\noverage", "cloud_commit_usd"),
    "carved out twice over": (
        "overage", "carve_outs: [{name: a, usage_share: 0.6}, {name: b, usage_share: 0.6}]\noverage", "sum to at most 1"
    ),
    "an anchor": ("24", "&a 24", "line 2: an anchor"),
    "a key twice": ("overage", "overage: list\noverage", "the key 'overage' is given twice"),
    "no mapping": (MINIMAL, "- a", "offer.yaml: a list; expected the keys of"),
    "nothing": (MINIMAL, "", "offer.yaml: empty; expected plain YAML"),
    "no YAML": (MINIMAL, "a: [", "not readable as YAML"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_an_offer_that_contradicts_itself_is_refused_by_field_value_and_rule(name: str) -> None:
    old, new, message = REFUSED[name]
    assert old in MINIMAL
    with pytest.raises(CommitError) as refused:
        read(MINIMAL.replace(old, new, 1))
    assert str(refused.value).startswith("offer.yaml: ")
    assert message in str(refused.value)


@settings(max_examples=40, deadline=None)
@given(one=contracts())
def test_what_is_written_reads_back_the_same(one: Contract) -> None:
    rich = replace(
        one,
        name='An "offer": 5 % off',
        term_months=36,
        commit_usd_by_year=(Decimal("1.5"),) * 3,
        hold_months=None,
        step_down=StepDown(windows=(6, 18), share=Decimal("0.3"), count=2, fee_usd=Decimal("0.1")),
        channel=Channel(name="gcp", marketplace_cap=Decimal("0.25")),
        bridge=Bridge(term_months=3, discount=Decimal("0.08")),
    )
    for every_key in (True, False):
        assert read(write_offer(rich, every_key=every_key)) == rich


def test_every_parameter_has_its_comment() -> None:
    assert tuple(COMMENTS) == Contract.__struct_fields__


def test_the_published_schema_is_that_of_the_records(root: Path) -> None:
    """Run `python tools/offer_schema.py` when the records change."""
    assert (root / "docs" / "reference" / "offer.schema.json").read_bytes() == offer_schema()
    schema: dict[str, Any] = msgspec.json.decode(offer_schema())
    assert schema["$defs"]["Contract"]["required"] == ["term_months", "commit_basis", "bands", "overage", "unused"]
    assert b'"format": "decimal"' not in offer_schema()


def test_the_examples_read_and_the_band_sets_are_the_shipped_ones(root: Path) -> None:
    folder = root / "examples" / "offers"
    found = {
        path.stem: read_offer(path.read_bytes(), path.name).contract
        for path in sorted(folder.glob("*.yaml"))
        if path.stem != "signed"
    }
    for one in BAND_SETS:
        assert found[one.name].bands == one.bands
        text = (folder / f"{one.name}.yaml").read_text(encoding="utf-8")
        assert "assumption" in text
        assert "edit" in text
    assert found["founding-example"].commit_usd_by_year == (2_000_000,)
    assert len(found) >= 5


def test_every_band_set_says_how_far_to_trust_it() -> None:
    assert [one.reliability for one in BAND_SETS] == ["adviser"] * 3
    assert all(one.note for one in BAND_SETS)


def test_a_list_amount_that_costs_less_than_the_next_band_has_no_net_twin() -> None:
    """999 at 10 % is 899 net, and 899 net is in the 20 % band, which begins at 800."""
    with pytest.raises(CommitError, match="commit_usd_by_year: 999; expected an amount"):
        in_net_basis(contract(999, bands=LADDER))
    net = in_net_basis(contract(1_000, bands=LADDER))
    assert net.commit_usd_by_year == (800,)
    assert [band.from_usd for band in net.bands] == [0, 90, 800, 7_000]
    assert simulate(net, even(1_500)).cost_usd[0] == pytest.approx(1_300)
    assert in_net_basis(net) is net


def test_marginal_bands_have_a_net_twin_of_every_amount() -> None:
    """The first 100 at list, 400 at 10 %: 460 net."""
    marginal = contract(500, bands=bands((100, "0.10"), (1_000, "0.20")), band_mode="marginal")
    net = in_net_basis(marginal)
    assert net.commit_usd_by_year == (460,)
    for usage in (300, 700):
        first, second = (simulate(one, even(usage)).cost_usd[0] for one in (marginal, net))
        assert first == pytest.approx(second)


@pytest.mark.parametrize(
    ("clause", "terms"),
    [
        (Unused, {"rule": "forfeit", "share": Decimal("0.5")}),
        (Unused, {"rule": "refund", "cap": Decimal("0.5")}),
        (Unused, {"rule": "refund", "months": 3}),
        (Channel, {"shadow_value": Decimal("0.5")}),
        (StepDown, {"windows": (2,), "share": Decimal("0.5"), "notice_months": 3}),
        (StepDown, {"windows": (2,), "share": Decimal("0.5"), "count": 2}),
    ],
)
def test_a_clause_that_contradicts_itself_is_refused(clause: Any, terms: dict[str, Any]) -> None:
    with pytest.raises(CommitError):
        clause(**terms)


def test_a_multiple_is_stated_and_what_comes_back_of_the_unused_is_named_where_it_is_not() -> None:
    plain = "term_months: 12\ncommit_basis: list\nbands: [{from_usd: 0, discount: 0.2}]\n"
    with pytest.raises(CommitError, match=r"overage\.multiple: missing"):
        read_offer(f"{plain}overage: multiple\nunused: forfeit\n".encode())
    assert "unused.share" in read_offer(f"{plain}overage: list\nunused: refund\n".encode()).assumed
    assert {"unused.share", "unused.months"} <= set(
        read_offer(f"{plain}overage: list\nunused: roll\n".encode()).assumed
    )
    assert not any("unused." in one for one in read_offer(f"{plain}overage: list\nunused: forfeit\n".encode()).assumed)
