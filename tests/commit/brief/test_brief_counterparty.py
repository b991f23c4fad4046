"""The edition that leaves the house says nothing that was not on the list: proven on planted canaries, byte by byte."""

from __future__ import annotations

import re

import msgspec
import pytest
from brief_planting import HASHES, SHOWN, Planted
from hypothesis import given, settings
from hypothesis import strategies as st

from baseload.commit.brief.counterparty import InvoiceMonth, counterparty_brief, read_bridge
from baseload.commit.brief.document import CounterpartyBrief
from baseload.commit.brief.render import counterparty_markdown
from baseload.commit.refusal import CommitError
from baseload.commit.worth.asks import ASKS, BY_NAME

FORBIDDEN = re.compile(
    r"walk.?away|regret|p10|p50|p90|percentile|quantile|forecast|alternative|fall.?back|on demand|break.?even|"
    r"shortfall|expected cost|scenario|savings?\b|bridge or wait|route first|cash at risk|workload|prompt|"
    r"discount points",
    re.IGNORECASE,
)


def edition(planted: Planted) -> tuple[CounterpartyBrief, bytes]:
    """The record and everything that is written of it: Markdown and JSON."""
    found = counterparty_brief(planted.document, version="0.0.0")
    return found, counterparty_markdown(found).encode() + msgspec.json.encode(found)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_planted_text_or_number_is_in_any_byte(seed: int) -> None:
    planted = Planted(seed)
    _, written = edition(planted)
    hashes = [str(planted.values[path]) for path in HASHES]
    for one in hashes:  # random digits of a hash prove nothing
        written = written.replace(one.encode(), b"")
    written = re.sub(rb"run-[0-9a-f]{16}", b"", written)
    shown = {str(planted.values[path]) for path in SHOWN}
    leaked = [secret for secret in planted.secrets() if secret.encode() in written and secret not in shown]
    assert leaked == []


def test_the_canaries_are_everywhere_and_would_be_seen() -> None:
    """The guard itself: over three hundred values planted, and one that is written on purpose is found."""
    planted = Planted(7)
    assert len(planted.values) > 300
    assert {"recommended.regret_mean_usd", "curve[0].commit_usd", "odd_months[1].workload"} < set(planted.values)
    leak = str(planted.values["odd_months[1].workload"])
    assert leak in set(planted.secrets())
    _, written = edition(planted)
    assert leak.encode() in written + leak.encode()


def test_no_word_of_our_own_reckoning_is_in_it() -> None:
    _, written = edition(Planted(1))
    assert FORBIDDEN.findall(written.decode()) == []


def test_no_ask_of_the_table_holds_such_a_word() -> None:
    assert [ask.name for ask in ASKS if FORBIDDEN.search(f"{ask.says} {ask.wording}")] == []


def test_what_may_be_shown_is_there() -> None:
    planted = Planted(3)
    found, written = edition(planted)
    used = f"${float(planted.values['guard.last_12_months_usd']):,.0f}".encode()
    assert used in written
    assert {one.sha256 for one in found.evidence} == {str(planted.values[path]) for path in HASHES}
    assert b"for counsel" in written.lower()


def test_of_a_clause_only_the_strongest_ask_is_made_and_none_by_its_worth() -> None:
    """A weaker one beside it would say where we would settle; an order by dollars would say what we want most."""
    planted = Planted(5)
    found, _ = edition(planted)
    says = [one.asks for one in found.requests]
    names = [ask.name for ask in ASKS if ask.says in says]
    clauses = [BY_NAME[name].clause for name in names]
    assert len(clauses) == len(set(clauses))
    assert says == [ask.says for ask in ASKS if ask.says in says]


def test_asks_may_be_chosen_but_not_two_of_one_clause() -> None:
    document = Planted(5).document
    found = counterparty_brief(document, version="0", asks=["one_point", "overage_committed"])
    assert [one.asks for one in found.requests] == [BY_NAME["overage_committed"].says, BY_NAME["one_point"].says]
    with pytest.raises(CommitError, match="overage_committed and overage_half_way; expected one ask of each clause"):
        counterparty_brief(document, version="0", asks=["overage_committed", "overage_half_way"])
    with pytest.raises(CommitError, match="--ask: cheaper; expected one of overage_committed"):
        counterparty_brief(document, version="0", asks=["cheaper"])


def invoice(**changes: object) -> dict[str, object]:
    return {
        "month": "2026-10",
        "channel": "anthropic",
        "account": "SECRET-ACCOUNT",
        "currency": "USD",
        "invoice_usd": "184233.10",
        "lines": [
            {"label": "Tax", "usd": "1233.10", "grade": "billed", "note": "SECRET-NOTE"},
            {"label": "Seats", "usd": "9000.00", "grade": "billed"},
            {"label": "Unattributed", "usd": "4000.00", "grade": "assumed"},
            {"label": "Ledger", "usd": "170000.00", "grade": "measured"},
        ],
        "explained_share": 0.9770114,
        "status": "reconciled",
        "why": "SECRET-WHY",
        **changes,
    }


def bridge(*invoices: dict[str, object]) -> tuple[InvoiceMonth, ...]:
    data = msgspec.json.encode(
        {"schema": "baseload.map/1", "workloads": [{"name": "SECRET-WORKLOAD"}], "bridge": list(invoices)}
    )
    return read_bridge(data, "map.json")


def test_the_baseline_is_reconciled_with_invoices_month_by_month() -> None:
    """184,233.10 less 1,233.10 tax and 9,000 seats is 174,000 of usage; the ledger holds 170,000 of it."""
    found = counterparty_brief(Planted(1).document, version="0", bridge=bridge(invoice()))
    (month,) = found.months
    assert (month.invoiced_usd, month.usage_usd, month.ledger_usd) == ("$184,233", "$174,000", "$170,000")
    text = counterparty_markdown(found)
    assert "| 2026-10 | anthropic | $184,233 | $174,000 | $170,000 | 97.7 % | reconciled |" in text
    assert "SECRET" not in text + msgspec.json.encode(found).decode()


@pytest.mark.parametrize(
    "changes",
    [{"channel": "SECRET-GATEWAY"}, {"status": "SECRET"}, {"month": "SECRET"}, {"currency": "EUR"}],
)
def test_a_month_with_a_word_that_is_not_on_the_list_is_left_out(changes: dict[str, object]) -> None:
    found = counterparty_brief(Planted(1).document, version="0", bridge=bridge(invoice(**changes)))
    assert found.months == ()
    assert "SECRET" not in counterparty_markdown(found)


def test_a_hash_that_is_none_is_left_out() -> None:
    document = Planted(1).document
    inputs = msgspec.structs.replace(document.inputs, demand_sha256="triage-prompts.csv", offer_sha256="")
    found = counterparty_brief(msgspec.structs.replace(document, inputs=inputs), version="0")
    assert found.evidence == ()
    assert "triage" not in counterparty_markdown(found)


def test_another_document_is_no_map() -> None:
    with pytest.raises(CommitError, match=r"map.json: schema: baseload.rank/1; expected baseload.map/1"):
        read_bridge(b'{"schema": "baseload.rank/1"}', "map.json")
    with pytest.raises(CommitError, match=r"map.json"):
        read_bridge(b"{", "map.json")
