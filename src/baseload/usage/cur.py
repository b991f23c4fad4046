"""AWS Cost and Usage Report rows (CUR 2.0, and the older CUR) that bill Claude on Bedrock, by column name.

Claude is sold through AWS Marketplace: the product code is opaque and the service is not "Amazon Bedrock"; the product
name and the usage type say what it is. One line item gives two rows: its tokens (quantity times unit), and its money
(`cost_type`). Money is the net cost where the report has it, else the unblended cost; tax, credits, fees and refunds
are not usage and are summed in one problem for the invoice bridge. Times are UTC; no report counts requests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from baseload.usage.buckets import amount_field, bucket_id, grain_of, require_usd, statement_rank
from baseload.usage.csv_rows import header_of, number_repeats, rows
from baseload.usage.cur_types import UsageType, old_model_name, usage_type_of
from baseload.usage.normal import (
    MAX_BUCKET_TOKENS,
    BadRecord,
    decode_json,
    join_flags,
    problem,
    tags_text,
    time_field,
)
from baseload.usage.providers import principal_of
from baseload.usage.reader import ReadContext, Reader, Record, SourceFile
from baseload.values import DAY_US, HOUR_US, Call, Problem, usd_text

NAME: Final = "cur"
_NEEDED: Final = {"lineitemusagetype", "lineitemunblendedcost"}
_USAGE_LINES: Final = frozenset({"", "usage", "discountedusage", "savingsplancoveredusage"})
_UNITS: Final = {"1mtokens": 1_000_000, "1ktokens": 1_000, "tokens": 1, "token": 1}
_PROFILE: Final = "application-inference-profile/"
_CLAUDE: Final = ("claude", "anthropic")
_TAG_PREFIXES: Final = ("resourcetags/user:", "resource_tags_user_", "resource_tags/user:")
_IDENTITY: Final = (
    "lineitemproductcode",
    "lineitemusagetype",
    "lineitemlineitemtype",
    "lineitemoperation",
    "lineitemresourceid",
    "lineitemiamprincipal",
    "lineitemlineitemdescription",
    "pricingunit",
)


class _Item(NamedTuple):
    """One line item that is ours: its row number and its columns by plain name."""

    number: int
    row: Mapping[str, str]
    tags: str
    name: str  # of the product


def _recognise(head: bytes, _name: str) -> int:
    return 2 if {_plain(name) for name in header_of(head)} >= _NEEDED else 0


def _read(file: SourceFile, context: ReadContext) -> Iterator[Record]:
    calls: list[Call] = []
    not_usage: Counter[str] = Counter()
    ids: dict[str, tuple[tuple[int, int], dict[str, str]]] = {}
    others = 0
    items: list[_Item] = []
    for found in rows(NAME, file):
        if isinstance(found, Problem):
            yield found
        elif item := _item(*found):
            items.append(item)
        else:
            others += 1
    missing_end_us = _missing_end(items)
    for item in items:
        try:
            require_usd(item.row, "lineitemcurrencycode")
            kind = item.row.get("lineitemlineitemtype", "").lower()
            if kind not in _USAGE_LINES and "discount" not in kind:
                not_usage[item.row["lineitemlineitemtype"]] += _billed(item.row)
                continue
            bounds = _bounds(item.row, missing_end_us)
            for call, group in _calls(item, bounds, file.path, context):
                ids[call.call_id] = (bounds, group)
                calls.append(call)
        except BadRecord as bad:
            yield bad.problem(NAME, file.path, item.number)
    yield from number_repeats(calls, lambda call, n: bucket_id(NAME, call.account, *ids[call.call_id], occurrence=n))
    yield from _notes(file.path, len(items), others, not_usage)


def _plain(name: str) -> str:
    """A column name without its punctuation: the older report writes `lineItem/UsageType`, CUR 2.0 snake case."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _item(number: int, raw: Mapping[str, str]) -> _Item | None:
    """The line item when it bills Claude; None for anything else on the bill."""
    row = {_plain(name): cell.strip() for name, cell in raw.items()}
    product = _map(row.get("product", ""))
    name = row.get("productproductname") or str(product.get("product_name") or product.get("servicename") or "")
    usage_type = row.get("lineitemusagetype", "")
    words = f"{name} {usage_type} {row.get('lineitemlineitemdescription', '')}".lower()
    if not any(word in words for word in _CLAUDE):
        return None
    tags = {**_map(row.get("resourcetags", "")), **_map(row.get("tags", ""))}
    for column, cell in raw.items():
        prefix = next((prefix for prefix in _TAG_PREFIXES if column.startswith(prefix)), "")
        if prefix and cell:
            tags[column.removeprefix(prefix)] = cell
    return _Item(number, row, tags_text(tags), name or old_model_name(usage_type))


def _map(text: str) -> dict[str, Any]:
    """A map column, which CSV holds as JSON; anything else is no tags (labels never cost a record)."""
    try:
        value = decode_json(text) if text.startswith("{") else {}
    except BadRecord:
        return {}
    return dict(value) if isinstance(value, Mapping) else {}


def _missing_end(items: Iterable[_Item]) -> int:
    """Length of a bucket whose end the report does not give: an hour when any row starts inside a day."""
    for item in items:
        start = item.row.get("lineitemusagestartdate", "")
        if start[11:] not in ("", "00:00:00Z", "00:00:00", "00:00:00.000Z"):
            return HOUR_US
    return DAY_US


def _bounds(row: Mapping[str, str], missing_end_us: int) -> tuple[int, int]:
    start_us, _ = time_field(row.get("lineitemusagestartdate"), "line_item_usage_start_date")
    end = row.get("lineitemusageenddate")
    return start_us, time_field(end, "line_item_usage_end_date")[0] if end else start_us + missing_end_us


def _calls(
    item: _Item, bounds: tuple[int, int], file: str, context: ReadContext
) -> Iterator[tuple[Call, dict[str, str]]]:
    """The money row and then, where the line item is tokens, their row; each with what its identity is made of.

    Money comes first, so that a bad quantity (BadRecord) does not lose it.
    """
    row = item.row
    said = usage_type_of(row["lineitemusagetype"])
    shared = _shared(item, said, bounds, file, context)
    group = {name: row.get(name, "") for name in _IDENTITY} | {"tags": item.tags, "product": item.name}
    billed = _billed(row)
    yield (
        Call(
            **shared,
            call_id=bucket_id(NAME, shared["account"], bounds, group),
            rank=statement_rank(None, billed),
            flags=join_flags(*said.flags),
            billed_nano_usd=billed,
            reported_list_nano_usd=amount_field(row, "pricingpublicondemandcost", cents=False),
            cost_type="tokens" if said.token_class else "other",
            token_class=said.token_class,
        ),
        group,
    )
    if said.token_class:
        group = {**group, "part": "tokens"}
        tokens, exact = _tokens(row)
        counted: dict[str, Any] = {said.token_class: tokens}
        yield (
            Call(
                **shared,
                call_id=bucket_id(NAME, shared["account"], bounds, group),
                rank=statement_rank(None, tokens),
                flags=join_flags(*said.flags, "" if exact else "rounded_tokens"),
                **counted,
            ),
            group,
        )


def _shared(item: _Item, said: UsageType, bounds: tuple[int, int], file: str, context: ReadContext) -> dict[str, Any]:
    """Fields that the tokens and the money of a line item have in common."""
    row = item.row
    who = principal_of(row.get("lineitemiamprincipal", ""))
    _, profile, profile_id = row.get("lineitemresourceid", "").partition(_PROFILE)
    on_platform = "claude platform" in item.name.lower()
    return {
        "source": NAME,
        "account": context.account or row.get("lineitemusageaccountid", ""),
        "source_file": file,
        "source_row": item.number,
        "grain": grain_of(*bounds),
        "requests": None,
        "start_us": bounds[0],
        "end_us": bounds[1],
        "workspace": profile + profile_id,
        "api_key": who.name,
        "user_id": context.org_key.fingerprint("user", who.identity) if who.identity else "",
        "tags": item.tags,
        "model_raw": item.name,
        "model": context.resolve_model(item.name),
        "platform": "anthropic_aws" if on_platform else "bedrock",
        "geo": "global" if on_platform else said.geo,
        "tier": said.tier,
        "context": said.context if said.token_class else "",
    }


def _billed(row: Mapping[str, str]) -> int:
    """Nano-dollars of the line item: after the customer's discounts where the report has a net column."""
    column = "lineitemnetunblendedcost" if row.get("lineitemnetunblendedcost") else "lineitemunblendedcost"
    billed = amount_field(row, column, cents=False)
    if billed is None:
        raise BadRecord("bad-amount", "line_item_unblended_cost is missing", expected='a decimal such as "1.50"')
    return billed


def _unit(row: Mapping[str, str]) -> int | None:
    """Tokens in one unit of `line_item_usage_amount`; None when neither the unit nor the description says."""
    unit = _UNITS.get(_plain(row.get("pricingunit", "")))
    if unit is None and "million" in row.get("lineitemlineitemdescription", "").lower():
        return 1_000_000
    return unit


def _tokens(row: Mapping[str, str]) -> tuple[int, bool]:
    """Tokens of the line item, and whether amount times unit was whole. Raises BadRecord."""
    unit = _unit(row)
    if unit is None:
        raise BadRecord(
            "unknown-unit",
            "The unit of the quantity is not known: its money was counted, its tokens were not",
            value=row.get("pricingunit"),
            expected="1M tokens or 1K tokens in pricing_unit",
            next_step="Add pricing_unit to the report's columns and export it again.",
        )
    text = row.get("lineitemusageamount", "")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or abs(amount) > MAX_BUCKET_TOKENS // unit:
        raise BadRecord(
            "not-a-number",
            "line_item_usage_amount is not a usable number: the money was counted, the tokens were not",
            value=text,
            expected="a decimal such as 0.25",
        )
    if amount < 0:
        raise BadRecord(
            "negative-tokens",
            "line_item_usage_amount is negative: the money was counted, the tokens were not",
            value=text,
            expected="0 or more",
        )
    exact = amount * unit
    return int(exact.to_integral_value()), exact == exact.to_integral_value()


def _notes(file: str, ours: int, others: int, not_usage: Counter[str]) -> Iterator[Problem]:
    if not ours:
        yield problem(
            NAME,
            file,
            0,
            "no-claude-rows",
            f"None of the {others:,} line items bills Claude",
            value=others,
            expected="Marketplace rows whose product name says Claude",
            next_step="Export the payer account or the months that carry Claude usage, with product_product_name.",
        )
    if not_usage:
        sums = ", ".join(f"{kind} {usd_text(nano)} USD" for kind, nano in sorted(not_usage.items()))
        yield problem(
            NAME,
            file,
            0,
            "cur-not-usage",
            "Claude line items that are not usage were left out of the totals",
            value=sums,
            expected="line item type Usage",
            next_step="Enter tax and credits in the [[invoice]] of baseload.toml.",
        )


READER = Reader(name=NAME, recognise=_recognise, read=_read)
