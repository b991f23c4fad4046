"""The edition that leaves the house says nothing that was not on the list: proven on planted canaries, byte by byte."""

from __future__ import annotations

import inspect
import re

import msgspec
import pytest
from brief_planting import HASHES, SHOWN, Planted
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from baseload.commit.brief.counterparty import counterparty_brief
from baseload.commit.brief.document import CounterpartyBrief
from baseload.commit.brief.internal import internal_brief
from baseload.commit.brief.invoices import Shown, own_invoices, read_bridge
from baseload.commit.brief.render import counterparty_markdown, internal_markdown
from baseload.commit.case.document import CaseDocument
from baseload.commit.refusal import CommitError
from baseload.commit.size.document import SizeDocument
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
    written = re.sub(rb"edition-[0-9a-f]{16}", b"", written)
    shown = {str(planted.values[path]) for path in SHOWN}
    leaked = [secret for secret in planted.secrets() if secret.encode() in written and secret not in shown]
    assert leaked == []


def beside(planted: Planted, seed: int) -> tuple[Planted, bytes]:
    """A case of the same offer and demand, a canary in every other field of it."""
    case = Planted(seed, CaseDocument)
    inputs = replace(case.document.inputs, **{name: getattr(planted.document.inputs, name) for name in SAME})
    return case, msgspec.json.encode(replace(case.document, inputs=inputs))


SAME = ("offer_sha256", "demand_source", "demand_sha256", "savings", "savings_sha256", "first_month", "term_months")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_canary_of_a_case_is_in_any_byte(seed: int) -> None:
    """The internal edition is made of size and case first, as whoever prints both would."""
    planted = Planted(seed)
    case, data = beside(planted, seed + 1)
    internal_brief(planted.document, version="0.0.0", case=data)
    _, written = edition(planted)
    for path in HASHES:
        written = written.replace(str(planted.values[path]).encode(), b"")
    written = re.sub(rb"run-[0-9a-f]{16}", b"", written)
    shown = {str(planted.values[path]) for path in SHOWN}
    assert [one for one in case.secrets() if one.encode() in written and one not in shown] == []


def test_the_canaries_of_a_case_would_be_seen() -> None:
    """They stand in our own edition, so the search finds them where they are."""
    planted = Planted(7)
    case, data = beside(planted, 8)
    found = internal_brief(planted.document, version="0.0.0", case=data)
    ours = internal_markdown(found) + msgspec.json.encode(found).decode()
    seen = {path for path, value in case.values.items() if str(value) in ours}
    assert {"walk_away[0].says", "leverage.claims[1].says", "schedule.rows[2].name", "missing[0].says"} <= seen


def test_the_other_edition_takes_no_case_at_all() -> None:
    assert not {"case", "compare"} & set(inspect.signature(counterparty_brief).parameters)
    theirs = set(CounterpartyBrief.__struct_fields__)
    assert not theirs & {"case_id", "leverage", "moves", "effort", "schedule", "walk_away"}


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


def ledger_size(**changes: object) -> SizeDocument:
    """A size that read a ledger of 24 months until October 2026."""
    document = Planted(1).document
    inputs = msgspec.structs.replace(
        document.inputs, demand_source="ledger", first_month="2026-11", history_months=24, **changes
    )
    return msgspec.structs.replace(document, inputs=inputs)


def shown(*invoices: dict[str, object], end: str = "2026-11-03", channel: str = "anthropic") -> Shown:
    data = msgspec.json.encode(
        {
            "schema": "baseload.map/1",
            "window": {"start": "2026-06-01", "end_exclusive": end, "days": 150},
            "workloads": [{"name": "SECRET-WORKLOAD"}],
            "bridge": list(invoices),
        }
    )
    return own_invoices(read_bridge(data, "map.json"), ledger_size().inputs, channel)


def test_the_baseline_is_reconciled_with_invoices_by_their_totals() -> None:
    """184,233.10 less 1,233.10 tax and 9,000 seats is 174,000 of usage; the ledger holds 170,000 of it. Twice that."""
    both = shown(invoice(month="2026-09"), invoice())
    found = counterparty_brief(ledger_size(), version="0", invoices=both)
    assert found.months == ()
    said = (
        "Your invoices of 2026-09 to 2026-10: $368,466, of which $348,000 is usage; the ledger holds $340,000. Of 2, 2"
    )
    assert any(said in one for one in found.baseline)
    assert "SECRET" not in counterparty_markdown(found) + msgspec.json.encode(found).decode()


def test_each_invoice_is_shown_where_that_is_asked_for() -> None:
    found = counterparty_brief(ledger_size(), version="0", invoices=shown(invoice()), by_month=True)
    (month,) = found.months
    assert (month.invoiced_usd, month.usage_usd, month.ledger_usd) == ("$184,233", "$174,000", "$170,000")
    text = counterparty_markdown(found)
    assert "| 2026-10 | anthropic | $184,233 | $174,000 | $170,000 | 97.7 % | reconciled |" in text
    assert "SECRET" not in text + msgspec.json.encode(found).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": "aws"},
        {"channel": "SECRET-GATEWAY"},
        {"status": "SECRET"},
        {"month": "SECRET"},
        {"currency": "EUR"},
        {"month": "2024-10"},
        {"month": "2026-11"},
    ],
)
def test_an_invoice_of_another_channel_word_or_period_is_left_out_and_counted(changes: dict[str, object]) -> None:
    other = invoice(**{"invoice_usd": "777777.00", **changes})
    found = counterparty_brief(ledger_size(), version="0", invoices=shown(invoice(), other), by_month=True)
    written = counterparty_markdown(found)
    assert len(found.months) == 1
    assert "Invoices that are not shown in this edition: 1." in found.baseline
    assert "SECRET" not in written
    assert "777,777" not in written
    assert "aws" not in written


def test_a_map_that_is_not_of_the_size_is_refused() -> None:
    with pytest.raises(
        CommitError, match="usage until 2026-12-03; expected a map of the ledger that the size was made"
    ):
        shown(invoice(), end="2026-12-03")
    with pytest.raises(CommitError, match="no invoice of gcp"):
        shown(invoice(), channel="gcp")
    with pytest.raises(CommitError, match="--channel: SECRET"):
        shown(invoice(), channel="SECRET")
    data = b'{"schema": "baseload.map/1", "window": {"end_exclusive": "2026-11-03"}}'
    with pytest.raises(CommitError, match="beside a size of --demand; expected a size of `commit size --ledger`"):
        own_invoices(read_bridge(data, "map.json"), Planted(1).document.inputs, "anthropic")


def test_the_method_says_what_was_done_and_nothing_else() -> None:
    """A typed table was not read from calls; sample paths are no usage; a short history is not simulated."""
    ledger = ledger_size()
    stated, own = (
        msgspec.structs.replace(ledger, inputs=msgspec.structs.replace(ledger.inputs, demand_source=source))
        for source in ("demand", "paths")
    )
    short = msgspec.structs.replace(
        ledger, recommended=msgspec.structs.replace(ledger.recommended, expected_cost_usd=None)
    )
    said = {
        name: " ".join(counterparty_brief(one, version="0", asks=[]).method)
        for name, one in (("ledger", ledger), ("demand", stated), ("paths", own), ("short", short))
    }
    assert "call logs" in said["ledger"]
    assert [name for name, text in said.items() if "call logs" in text] == ["ledger", "short"]
    assert "it was not worked out from calls" in said["demand"]
    assert "No usage seen is stated" in said["paths"]
    assert [name for name, text in said.items() if "month by month through a ledger" in text] == [
        "ledger", "demand", "paths"]  # fmt: skip
    assert not any("nvoice" in text for text in said.values())
    with_map = counterparty_brief(ledger, version="0", asks=[], invoices=shown(invoice()))
    assert "Invoices are led over" in " ".join(with_map.method)


def test_sample_paths_leave_no_hash_of_the_future() -> None:
    document = ledger_size()
    inputs = msgspec.structs.replace(document.inputs, demand_source="paths")
    found = counterparty_brief(msgspec.structs.replace(document, inputs=inputs), version="0", asks=[])
    assert found.evidence == ()


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
