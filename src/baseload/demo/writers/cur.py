"""AWS Cost and Usage Report rows of Claude in Bedrock, sold as Marketplace products (usage-sources section 2.6)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from decimal import Decimal

from baseload.demo.billing import PARTS, BillLine
from baseload.demo.company import Service
from baseload.demo.writers.files import Output
from baseload.prices.book import PriceBook
from baseload.values import date_of_day, decimal_usd, iso_day

HEADER = (
    "line_item_usage_account_id,line_item_usage_start_date,line_item_product_code,product_product_name,"
    "line_item_usage_type,line_item_line_item_description,line_item_usage_amount,pricing_unit,line_item_currency_code,"
    "line_item_unblended_cost,line_item_iam_principal,bill_billing_entity\n"
)
REGION = "us-east-1"
REGION_CODE = "USE1"
METRICS = ("InputTokenCount", "CacheReadInputTokenCount", "CacheWriteInputTokenCount", "", "OutputTokenCount")
WORDS = ("Input", "Cache Read Input", "Cache Write Input", "", "Output")


def write_cur(output: Output, folder: str, lines: Sequence[BillLine], service: Service, book: PriceBook) -> None:
    """`cur2-YYYY-MM.csv`: a row per day and metric; amounts are the exact list price of the regional profile."""
    months: dict[str, list[BillLine]] = {}
    for line in lines:
        months.setdefault(date_of_day(line.day).strftime("%Y-%m"), []).append(line)
    for month, members in sorted(months.items()):
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        text.write(HEADER)
        for line in members:
            writer.writerows(_rows(line, service, book))
        output.write(f"{folder}/cur2-{month}.csv", text.getvalue().encode())


def role_arn(service: Service, session: str) -> str:
    """The role a Bedrock service runs under."""
    role = "".join(word.capitalize() for word in service.name.split("-")) + "Role"
    return f"arn:aws:sts::{service.account}:assumed-role/{role}/{session}"


def _rows(line: BillLine, service: Service, book: PriceBook) -> Iterator[list[str]]:
    product = f"{book.models[line.model].display_name} (Amazon Bedrock Edition)"
    for index in range(len(PARTS[:5])):
        tokens, billed = line.counts[index + 1], line.billed_nano[index]
        if tokens and METRICS[index]:
            yield [
                service.account,
                f"{iso_day(line.day)}T00:00:00Z",
                "c7aqmlv9claudeop46",
                product,
                f"{REGION_CODE}-MP:{REGION_CODE}_{METRICS[index]}-Units",
                f"AWS Marketplace software usage|{REGION}|Million {WORDS[index]} Tokens Regional",
                f"{Decimal(tokens) / 1_000_000:.6f}",
                "1M tokens",
                "USD",
                f"{decimal_usd(billed):.10f}",
                role_arn(service, "i-0a41c6"),
                "AWS Marketplace",
            ]
