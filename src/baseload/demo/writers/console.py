"""Claude Console CSV exports of an organisation without an admin key (usage-sources section 2.2, newest columns)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

from baseload.demo.billing import PARTS, BillLine
from baseload.demo.company import Company, Service
from baseload.demo.writers.analytics import key_id
from baseload.demo.writers.files import Output
from baseload.prices.book import PriceBook
from baseload.values import date_of_day, decimal_usd, iso_day

USAGE_HEADER = (
    "usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,"
    "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
    "usage_output_tokens,web_search_count,inference_geo,speed\n"
)
COST_HEADER = (
    "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,list_price_usd,cost_type,"
    "inference_geo,speed,api_key_id,api_key_status\n"
)
TOKEN_TYPES = ("input_no_cache", "input_cache_read", "input_cache_write_5m", "input_cache_write_1h", "output")
CONTEXT = "≤ 200k"


def write_console(output: Output, folder: str, lines: Sequence[BillLine], company: Company, book: PriceBook) -> None:
    """`claude_api_tokens_YYYY_MM.csv` and `claude_api_cost_YYYY_MM.csv` for every month of the lines."""
    services = {service.name: service for service in company.services}
    months: dict[str, list[BillLine]] = {}
    for line in lines:
        months.setdefault(date_of_day(line.day).strftime("%Y_%m"), []).append(line)
    for month, members in sorted(months.items()):
        tokens = [_token_row(line, services[line.service]) for line in members]
        cost = [row for line in members for row in _cost_rows(line, services[line.service], book)]
        output.write(f"{folder}/claude_api_tokens_{month}.csv", _csv(USAGE_HEADER, tokens))
        output.write(f"{folder}/claude_api_cost_{month}.csv", _csv(COST_HEADER, cost))


def _csv(header: str, rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    text.write(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _token_row(line: BillLine, service: Service) -> list[object]:
    _, uncached, read, write_5m, write_1h, output, searches = line.counts
    return [
        iso_day(line.day),
        line.model,
        service.api_key_name,
        service.workspace,
        service.tier,
        CONTEXT,
        uncached,
        write_5m,
        write_1h,
        read,
        output,
        searches,
        line.geo,
        _speed(line),
    ]


def _cost_rows(line: BillLine, service: Service, book: PriceBook) -> Iterator[list[object]]:
    name = book.models[line.model].display_name
    for part, listed, billed in zip(PARTS, line.list_nano, line.billed_nano, strict=True):
        if listed:
            searches = part == "web_search_requests"
            kind = "" if searches else TOKEN_TYPES[PARTS.index(part)]
            yield [
                iso_day(line.day),
                name,
                service.workspace,
                service.api_key_name,
                "message",
                CONTEXT,
                kind,
                dollars(billed),
                dollars(listed),
                "web_search" if searches else "token",
                line.geo,
                _speed(line),
                key_id(service),
                "active",
            ]


def dollars(nano: int) -> str:
    """Dollars rounded to the cent: all that the cost export keeps of a row.

    >>> dollars(1_305_000_000), dollars(4_000_000)
    ('1.30', '0.00')
    """
    return f"{decimal_usd(nano).quantize(Decimal('0.01'), rounding=ROUND_HALF_EVEN)}"


def _speed(line: BillLine) -> str:
    return line.speed if line.speed == "fast" else ""
