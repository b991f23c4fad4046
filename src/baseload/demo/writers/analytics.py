"""Usage and Cost Analytics API pages, as `baseload pull anthropic` saves them (anthropic-facts section 6.1)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from baseload.demo.billing import PARTS, BillLine
from baseload.demo.company import Company, Service
from baseload.demo.ids import named_id
from baseload.demo.writers.files import Output
from baseload.values import date_of_day

PAGE_ROWS = 1000
GROUPED = ("api_key_id", "inference_geo", "model", "service_tier", "speed")
DIMENSIONS = (
    "actor",
    "actor_type",
    "agent_id",
    "api_key_id",
    "claude_tag_category",
    "claude_tag_user_id",
    "context_window",
    "deployment_id",
    "environment_id",
    "inference_geo",
    "model",
    "organization_id",
    "product",
    "rbac_group_id",
    "service_tier",
    "session_id",
    "slack_channel_id",
    "speed",
    "user_profile_id",
    "workspace_id",
)
TOKEN_TYPES = dict(
    zip(
        PARTS,
        (
            "uncached_input_tokens",
            "cache_read_input_tokens",
            "cache_creation.ephemeral_5m_input_tokens",
            "cache_creation.ephemeral_1h_input_tokens",
            "output_tokens",
        ),
        strict=False,
    )
)
NO_GEO_MODELS = ("claude-sonnet-4-5", "claude-haiku-4-5")  # the parameter exists from the 4.6 models on


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """One fetch of some months: when, and which days it saw with less than was billed in the end."""

    folder: str
    day: int
    account: str
    early_days: frozenset[int] = frozenset()


EARLY_SHARE = (9, 200)
"""Of a day that had not fully arrived: 4.5 % is missing."""


def write_analytics(output: Output, lines: Sequence[BillLine], company: Company, pull: Pull) -> None:
    """`usage-YYYY-MM.json` and `cost-YYYY-MM.json` for every month of the lines, further pages beside them."""
    services = {service.name: service for service in company.services}
    months: dict[str, list[BillLine]] = {}
    for line in lines:
        seen = _as_seen(line) if line.day in pull.early_days else line
        months.setdefault(date_of_day(line.day).strftime("%Y-%m"), []).append(seen)
    for month, members in sorted(months.items()):
        usage = [_usage_row(line, services[line.service]) for line in members]
        cost = [row for line in members for row in _cost_rows(line, services[line.service])]
        _write_pages(output, "usage", month, usage, pull)
        _write_pages(output, "cost", month, cost, pull)


def _write_pages(output: Output, report: str, month: str, rows: list[dict[str, Any]], pull: Pull) -> None:
    pages = [rows[first : first + PAGE_ROWS] for first in range(0, len(rows), PAGE_ROWS)]
    names = [
        f"{report}-{month}" + (f"-p{number}" if number > 1 else "") + ".json" for number in range(1, len(pages) + 1)
    ]
    for index, page in enumerate(pages):
        following = names[index + 1] if index + 1 < len(names) else ""
        document = {
            "data": page,
            "has_more": bool(following),
            "next_page": named_id("page", pull.account, following) if following else None,
            "data_refreshed_at": f"{date_of_day(pull.day).isoformat()}T04:00:00Z",
            "baseload_pull": {
                "endpoint": f"/v1/organizations/analytics/{report}",
                "group_by": [*GROUPED, *(("cost_type", "token_type") if report == "cost" else ())],
                "organization_id": pull.account,
                "retrieved_at": f"{date_of_day(pull.day).isoformat()}T08:12:00Z",
                "next_file": following,
            },
        }
        output.write(f"{pull.folder}/{names[index]}", msgspec.json.encode(document) + b"\n")


def _as_seen(line: BillLine) -> BillLine:
    """The line as the first pull saw it, before the last of its usage had arrived."""
    less, whole = EARLY_SHARE
    early = {
        name: tuple(value - value * less // whole for value in getattr(line, name))
        for name in ("counts", "list_nano", "billed_nano")
    }
    return msgspec.structs.replace(line, **early)


def _usage_row(line: BillLine, service: Service) -> dict[str, Any]:
    requests, uncached, read, write_5m, write_1h, output, searches = line.counts
    usage = {
        "uncached_input_tokens": uncached,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": write_5m, "ephemeral_1h_input_tokens": write_1h},
        "output_tokens": output,
        "server_tool_use": {"web_search_requests": searches},
        "total_tokens": uncached + read + write_5m + write_1h + output,
        "requests": requests,
    }
    return {**_bucket(line), "group": _group(line, service), "usage": usage}


def _cost_rows(line: BillLine, service: Service) -> Iterator[dict[str, Any]]:
    group = _group(line, service)
    for part, listed, billed in zip(PARTS, line.list_nano, line.billed_nano, strict=True):
        if listed:
            kind = {"cost_type": "tokens" if part in TOKEN_TYPES else "web_search", "token_type": TOKEN_TYPES.get(part)}
            cost = {"amount": cents(billed), "list_amount": cents(listed), "currency": "USD", "requests": None}
            yield {**_bucket(line), "group": {**group, **kind}, "cost": cost}


def cents(nano: int) -> str:
    """A decimal string of cents with six decimals, as the report gives amounts.

    >>> cents(8_478_659_000)
    '847.865900'
    """
    return f"{(Decimal(nano) / 10_000_000).quantize(Decimal('0.000001'))}"


def _bucket(line: BillLine) -> dict[str, str]:
    start = date_of_day(line.day)
    return {
        "starting_at": f"{start.isoformat()}T00:00:00Z",
        "ending_at": f"{(start + dt.timedelta(days=1)).isoformat()}T00:00:00Z",
    }


def _group(line: BillLine, service: Service) -> dict[str, Any]:
    """The dimensions; those not grouped by are present and null."""
    known = {
        "api_key_id": key_id(service),
        "inference_geo": None if line.model.startswith(NO_GEO_MODELS) else line.geo,
        "model": line.model,
        "service_tier": service.tier,
        "speed": line.speed,
    }
    return {name: known.get(name) for name in DIMENSIONS}


def key_id(service: Service) -> str:
    """The id of a service's API key in its organisation."""
    return named_id("apikey", service.account, service.api_key_name)
