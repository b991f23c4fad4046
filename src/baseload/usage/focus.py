"""FOCUS exports (1.0 and later, CSV): the rows that bill Claude, by column name.

A FOCUS file is a whole cloud bill: rows of other services are not ours and are passed over; only a file without a
single Claude row is a problem, which then counts what it held. Rows of money: `BilledCost` is the bill, `ListCost` the
provider's list price, tokens stay 0. Tax, credits and purchases are not usage; one problem gives their sums, because
the invoice bridge wants them in baseload.toml. Datetimes are UTC and end-exclusive by the FOCUS specification.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from baseload.usage.buckets import amount_field, bucket_id, grain_of, require_usd, statement_rank
from baseload.usage.csv_rows import header_of, number_repeats, rows
from baseload.usage.normal import BadRecord, decode_json, join_flags, problem, tags_text, time_field
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import Call, Problem, usd_text

NAME: Final = "focus"

_CLAUDE = re.compile(r"anthropic|claude", re.IGNORECASE)
_MODEL = re.compile(r"claude[\w.@:\- ]*", re.IGNORECASE)
_AFTER_MODEL = re.compile(r"\b(?:input|output|cache|tokens?|batch|usage)\b", re.IGNORECASE)
_NAMING: Final = (
    "providername",
    "serviceprovidername",
    "publishername",
    "servicename",
    "chargedescription",
    "skumeter",
    "skuid",
    "skupriceid",
    "skupricedetails",
)
"""Columns whose word "Claude" or "Anthropic" makes the row ours. A resource may carry any name its owner liked."""
_AI_NAMING: Final = ("resourcename", "resourceid")
_IDENTITY: Final = (
    *_NAMING,
    *_AI_NAMING,
    "billingaccountid",
    "subaccountid",
    "chargecategory",
    "chargeclass",
    "regionid",
    "tags",
    "pricingunit",
)
_PLATFORMS: Final = (
    ("openrouter", "openrouter"),
    ("claude platform on aws", "anthropic_aws"),
    ("amazon", "bedrock"),
    ("aws", "bedrock"),
    ("bedrock", "bedrock"),
    ("google", "vertex"),
    ("microsoft", "foundry"),
    ("azure", "foundry"),
)
_CLASS_WORDS: Final = (
    (("cache", "write", "1h"), "cache_write_1h_tokens"),
    (("cache", "write"), "cache_write_5m_tokens"),
    (("cache", "read"), "cache_read_tokens"),
    (("output",), "output_tokens"),
    (("input",), "uncached_input_tokens"),
)


def _recognise(head: bytes, _name: str) -> int:
    return 2 if {"billedcost", "chargeperiodstart", "chargecategory"} <= header_of(head) else 0


def _read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    calls: list[Call] = []
    others: Counter[str] = Counter()
    not_usage: Counter[str] = Counter()
    ids: dict[str, tuple[tuple[int, int], dict[str, str]]] = {}
    for item in rows(NAME, file):
        if isinstance(item, Problem):
            yield item
            continue
        number, raw = item
        row = {name: "" if cell.strip().upper() == "NULL" else cell.strip() for name, cell in raw.items()}
        if not _is_claude(row):
            others[row.get("servicename", "")] += 1
            continue
        try:
            require_usd(row, "billingcurrency")
            category = row.get("chargecategory", "")
            if category not in ("Usage", "Adjustment", ""):
                not_usage[category] += amount_field(row, "billedcost", cents=False) or 0
                continue
            call, identity = _call(file.path, number, row, context)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, number)
            continue
        ids[call.call_id] = identity
        calls.append(call)
    yield from number_repeats(calls, lambda call, n: bucket_id(NAME, call.account, *ids[call.call_id], occurrence=n))
    yield from _notes(file.path, len(calls), others, not_usage)


def _is_claude(row: Mapping[str, str]) -> bool:
    if any(_CLAUDE.search(row.get(name, "")) for name in _NAMING):
        return True
    is_ai = "AI" in row.get("servicecategory", "")
    return is_ai and any(_CLAUDE.search(row.get(name, "")) for name in _AI_NAMING)


def _call(
    file: str, number: int, row: Mapping[str, str], context: ReadContext
) -> tuple[Call, tuple[tuple[int, int], dict[str, str]]]:
    """The row's Call and what its identity is made of."""
    billed = amount_field(row, "billedcost", cents=False)
    if billed is None:
        raise BadRecord("bad-amount", "BilledCost is missing", expected='a decimal such as "1.50"')
    bounds = (
        time_field(row.get("chargeperiodstart"), "ChargePeriodStart")[0],
        time_field(row.get("chargeperiodend"), "ChargePeriodEnd")[0],
    )
    group = {name: row.get(name, "") for name in _IDENTITY}
    platform = _platform(row)
    account, workspace = _account(row, platform, context)
    model_raw, model = _model(row, context)
    words = " ".join(row.get(name, "") for name in ("skumeter", "chargedescription", "skupricedetails")).lower()
    token_class = _token_class(row.get("skumeter", "").lower()) or _token_class(words)
    searches = "web search" in words or "web_search" in words
    call = Call(
        call_id=bucket_id(NAME, account, bounds, group),
        rank=statement_rank(None, billed),
        source=NAME,
        account=account,
        source_file=file,
        source_row=number,
        flags=join_flags("speed_unknown", "correction" if row.get("chargeclass") else ""),
        grain=grain_of(*bounds),
        requests=None,
        start_us=bounds[0],
        end_us=bounds[1],
        workspace=workspace,
        tags=_tags(row),
        model_raw=model_raw,
        model=model,
        platform=platform,
        tier="batch" if "batch" in words else "standard",
        billed_nano_usd=billed,
        reported_list_nano_usd=amount_field(row, "listcost", cents=False),
        cost_type="web_search" if searches else "tokens" if token_class else "other",
        token_class="" if searches else token_class,
    )
    return call, (bounds, group)


def _platform(row: Mapping[str, str]) -> str:
    """Who serves the tokens, from the seller's names; Anthropic itself where no cloud is named."""
    names = ("providername", "serviceprovidername", "hostprovidername", "invoiceissuername", "servicename")
    text = " ".join(row.get(name, "") for name in names).lower()
    return next((platform for word, platform in _PLATFORMS if word in text), "anthropic")


def _account(row: Mapping[str, str], platform: str, context: ReadContext) -> tuple[str, str]:
    """Account and workspace: a cloud's sub-account is the account that its logs name, Anthropic's is a workspace."""
    billing, sub = row.get("billingaccountid", ""), row.get("subaccountid", "")
    if platform == "anthropic":
        return context.account or billing, sub
    return context.account or sub or billing, ""


def _model(row: Mapping[str, str], context: ReadContext) -> tuple[str, str]:
    """The longest text after "claude" that the price book knows, else the first such text as it stands."""
    first = ""
    for name in ("x_model", "skumeter", "resourcename", "skuid", "skupricedetails", "chargedescription", "resourceid"):
        for found in _MODEL.finditer(row.get(name, "")):
            candidate = _AFTER_MODEL.split(found.group())[0].strip(" .:-")
            first = first or candidate
            while candidate:
                if model := context.resolve_model(candidate):
                    return candidate, model
                candidate = re.sub(r"[ .:@\-]*[^ .:@\-]*$", "", candidate)
    return first, ""


def _token_class(words: str) -> str:
    return next((name for needed, name in _CLASS_WORDS if all(word in words for word in needed)), "")


def _tags(row: Mapping[str, str]) -> str:
    try:
        tags: Any = decode_json(row.get("tags", "") or "{}")
    except BadRecord:
        return ""
    return tags_text(tags) if isinstance(tags, Mapping) else ""


def _notes(file: str, ours: int, others: Counter[str], not_usage: Counter[str]) -> Iterator[Problem]:
    if not ours and not not_usage:
        yield problem(
            NAME,
            file,
            0,
            "no-claude-rows",
            f"None of the {others.total():,} rows bills Claude; they belong to {len(others):,} other services",
            value=others.total(),
            expected="rows that name Anthropic or Claude",
            next_step="Export the account or the months that carry Claude usage.",
        )
    if not_usage:
        sums = ", ".join(f"{category} {usd_text(nano)} USD" for category, nano in sorted(not_usage.items()))
        yield problem(
            NAME,
            file,
            0,
            "focus-not-usage",
            "Claude rows that are not usage were left out of the totals",
            value=sums,
            expected="ChargeCategory Usage or Adjustment",
            next_step="Enter tax, credits and seats in the [[invoice]] of baseload.toml.",
        )


READER = Reader(name=NAME, recognise=_recognise, read=_read)
