"""The files are what the real systems write: checked against the provider's own types, then by the real readers."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anthropic.types import Message, MessageCreateParams
from anthropic.types.beta.organization.analytics.beta_analytics_cost_item import BetaAnalyticsCostItem
from anthropic.types.beta.organization.analytics.beta_analytics_usage_item import BetaAnalyticsUsageItem
from anthropic.types.message_create_params import MessageCreateParamsBase
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from demo_window import END, WINDOW
from pydantic import TypeAdapter

from baseload.demo import DemoManifest
from baseload.demo.billing import BillLine, of_account
from baseload.demo.larkfield import LARKFIELD
from baseload.prices.book import PriceBook
from baseload.usage import analytics_api, batches, bedrock_log, claude_code, console_csv, cur, messages
from baseload.usage.reader import ReadContext, Reader
from baseload.usage.source_file import LocalFile
from baseload.values import Call, OrgKey, Problem

MESSAGES = [service.name for service in LARKFIELD.services if service.logs == "messages"]
REQUEST = TypeAdapter(MessageCreateParams)
KNOWN_FIELDS = MessageCreateParamsBase.__annotations__.keys() | {"stream", "temperature"}
"""The SDK no longer offers `temperature`; models up to 4.6 still take it (anthropic-facts section 5.4)."""


def json_lines(file: Path) -> Iterator[dict[str, Any]]:
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    yield from (msgspec.json.decode(line) for line in data.splitlines())


def read(reader: Reader, files: list[Path], book: PriceBook) -> tuple[dict[str, Call], list[Problem]]:
    """Calls by id, the best copy of each, and all problems."""
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=book.resolve)
    calls: dict[str, Call] = {}
    problems = []
    for path in files:
        file = LocalFile(path)
        assert reader.recognise(file.head(), path.name) >= 1
        for record in reader.read(file, context):
            if isinstance(record, Problem):
                problems.append(record)
            elif record.call_id not in calls or calls[record.call_id].rank < record.rank:
                calls[record.call_id] = record
        problems += file.take_problems()
        file.close()
    return calls, problems


@pytest.fixture
def logs(folder: Path, manifest: DemoManifest) -> Path:
    assert manifest.sampled_calls > 0
    return folder / "logs"


@pytest.fixture
def billing(folder: Path, manifest: DemoManifest) -> Path:
    assert manifest.files > 0
    return folder / "billing"


# the provider's types


@pytest.mark.parametrize("name", MESSAGES)
def test_requests_and_responses_are_valid_messages(logs: Path, name: str) -> None:
    files = sorted((logs / name).glob("*.jsonl"))
    for record in [record for file in files for record in list(json_lines(file))[:12]]:
        REQUEST.validate_python(record["request"])
        assert record["request"].keys() <= KNOWN_FIELDS
        if record["status"] == 200:
            message = Message.model_validate(record["response"])
            assert message.model == record["request"]["model"]
            assert message.stop_reason == ("tool_use" if message.content[-1].type == "tool_use" else "end_turn")


def test_batches_are_valid(logs: Path) -> None:
    folder = logs / "catalog-labels"
    objects = [msgspec.json.decode(file.read_bytes()) for file in folder.glob("msgbatch_*.json")]
    assert objects
    for found in objects:
        batch = MessageBatch.model_validate(found)
        results = [
            MessageBatchIndividualResponse.model_validate(row)
            for row in json_lines(folder / f"{batch.id}_results.jsonl")
        ]
        sent = list(json_lines(folder / f"{batch.id}_requests.jsonl"))
        assert {result.custom_id for result in results} == {request["custom_id"] for request in sent}
        assert batch.request_counts.succeeded == len(results)


def test_report_pages_are_valid(billing: Path) -> None:
    for file in billing.rglob("*.json"):
        page = msgspec.json.decode(file.read_bytes())
        kind = {"usage": BetaAnalyticsUsageItem, "cost": BetaAnalyticsCostItem}.get(file.name.split("-")[0])
        for row in page["data"][:40] if kind else ():
            kind.model_validate(row)  # type: ignore[union-attr] # the loop is empty without a kind
        assert len(page.get("data", ())) <= 1000


def test_transcripts_hold_valid_messages(logs: Path) -> None:
    files = sorted((logs / "claude-code").rglob("*.jsonl"))
    lines = [line for file in files[:10] for line in json_lines(file)]
    answers = [line["message"] for line in lines if line["type"] == "assistant"]
    assert answers
    for answer in answers:
        Message.model_validate(answer)


def test_every_line_of_a_transcript_hangs_on_the_line_before(logs: Path) -> None:
    for file in sorted((logs / "claude-code").rglob("*.jsonl"))[:10]:
        lines = list(json_lines(file))
        assert [line["parentUuid"] for line in lines] == [None, *(line["uuid"] for line in lines[:-1])]
        assert {line["sessionId"] for line in lines} == {file.stem}


def test_cache_marks_stay_within_the_four_a_request_may_have(logs: Path) -> None:
    for file in logs.rglob("*.jsonl"):
        assert max((line.count(b'"cache_control"') for line in file.read_bytes().splitlines()), default=0) <= 4


# the real readers


def test_the_usage_report_reads_back_as_the_true_totals(
    billing: Path, lines: tuple[BillLine, ...], book: PriceBook
) -> None:
    calls, problems = read(analytics_api.READER, sorted(billing.rglob("usage-*.json")), book)
    own = of_account(lines, LARKFIELD, "larkfield")
    assert problems == []
    assert sum(call.requests or 0 for call in calls.values()) == sum(line.counts[0] for line in own)
    assert sum(call.prompt_tokens for call in calls.values()) == sum(sum(line.counts[1:5]) for line in own)
    assert sum(call.output_tokens for call in calls.values()) == sum(line.counts[5] for line in own)
    assert {call.account for call in calls.values()} == {"larkfield"}
    assert all(call.model for call in calls.values())


def test_the_later_fetch_wins(billing: Path, lines: tuple[BillLine, ...], book: PriceBook) -> None:
    own = of_account(lines, LARKFIELD, "larkfield")
    calls, _ = read(analytics_api.READER, sorted(billing.rglob("cost-*.json")), book)
    billed = sum(call.billed_nano_usd or 0 for call in calls.values())
    assert billed == pytest.approx(sum(sum(line.billed_nano) for line in own), abs=len(calls) * 5)


def test_the_console_export_and_the_cloud_bill_read_back(
    billing: Path, lines: tuple[BillLine, ...], book: PriceBook
) -> None:
    tokens, problems = read(console_csv.READER, sorted(billing.rglob("claude_api_tokens_*.csv")), book)
    brand = of_account(lines, LARKFIELD, "papertrail")
    assert problems == []
    assert sum(call.prompt_tokens for call in tokens.values()) == sum(sum(line.counts[1:5]) for line in brand)
    assert {call.speed for call in tokens.values()} == {"standard", "fast"}
    bill, problems = read(cur.READER, sorted(billing.rglob("cur2-*.csv")), book)
    assert problems == []
    assert {call.geo for call in bill.values()} == {"regional"}
    assert {call.model for call in bill.values()} == {"claude-opus-4-6"}


def test_the_logs_read_back_without_a_problem_and_none_twice(
    logs: Path, manifest: DemoManifest, book: PriceBook
) -> None:
    count = 0
    for service in LARKFIELD.services:
        readers = {
            "messages": (messages.READER, "*.jsonl"),
            "claude_code": (claude_code.READER, "**/*.jsonl"),
            "bedrock": (bedrock_log.READER, "**/*.gz"),
            "batch": (batches.READER, "*_results.jsonl"),
        }
        if service.logs:
            reader, pattern = readers[service.logs]
            calls, problems = read(reader, sorted((logs / service.name).glob(pattern)), book)
            assert problems == [], service.name
            count += sum(call.requests or 0 for call in calls.values())
            days = {call.start_us // 86_400_000_000 for call in calls.values()}
            assert min(days) >= WINDOW.start_day, service.name
            assert max(days) < END, service.name
    assert count == manifest.sampled_calls


def test_calls_and_reports_name_keys_in_the_same_words(billing: Path, logs: Path, book: PriceBook) -> None:
    reported = {
        call.api_key for call in read(analytics_api.READER, sorted(billing.rglob("usage-*.json")), book)[0].values()
    }
    exported = {
        (call.api_key, call.workspace)
        for call in read(console_csv.READER, sorted(billing.rglob("claude_api_tokens_*.csv")), book)[0].values()
    }
    for service in LARKFIELD.services:
        if service.logs == "messages":
            calls, _ = read(messages.READER, sorted((logs / service.name).glob("2026-10.jsonl")), book)
            for call in calls.values():
                assert call.api_key in reported or (call.api_key, call.workspace) in exported, service.name


def test_the_cloud_log_and_the_cloud_bill_name_the_same_role(billing: Path, logs: Path, book: PriceBook) -> None:
    bill, _ = read(cur.READER, sorted(billing.rglob("cur2-*.csv")), book)
    log, _ = read(bedrock_log.READER, sorted(logs.rglob("*.json.gz")), book)
    assert (
        {call.api_key for call in bill.values()}
        == {call.api_key for call in log.values()}
        == {"role/ClaimsSummaryRole"}
    )


@pytest.mark.parametrize("name", ["support-triage", "help-center-answers", "sql-assistant", "shop-assistant"])
def test_the_fixed_part_of_a_prompt_is_a_prefix_block_that_calls_share(logs: Path, name: str, book: PriceBook) -> None:
    calls, _ = read(messages.READER, sorted((logs / name).glob("2026-10.jsonl")), book)
    firsts = {call.prefix_blocks.split(" ")[0].split(":")[0] for call in calls.values() if call.requests}
    blocks = [call.prefix_blocks for call in calls.values() if call.requests]
    assert all(sum(int(block.split(":")[1]) for block in text.split(" ")) > 512 for text in blocks)
    if name == "help-center-answers":
        assert len(firsts) == len(blocks)  # the time stamp stands before the static part
    else:
        assert len(firsts) < max(len(blocks) / 5, 3)


def test_identical_repeats_have_equal_request_hashes(logs: Path, book: PriceBook) -> None:
    calls, _ = read(messages.READER, sorted((logs / "address-enrichment").glob("*.jsonl")), book)
    hashes = [call.request_hash for call in calls.values() if call.requests]
    # 0.3 repeats a call, more on the incident day: well over a tenth of all calls repeat another
    assert len(hashes) - len(set(hashes)) > len(hashes) / 10


def test_no_two_calls_share_an_id(logs: Path) -> None:
    ids = [record["response"]["id"] for name in MESSAGES for file in (logs / name).glob("*.jsonl")
           for record in json_lines(file) if record["status"] == 200]  # fmt: skip
    assert len(ids) == len(set(ids)) > 1000


def test_only_models_that_think_when_nothing_is_said_show_thinking(logs: Path) -> None:
    for file in (logs / "shop-assistant").glob("*.jsonl"):
        for record in json_lines(file):
            blocks = {block["type"] for block in record["response"].get("content", ())}
            assert "thinking" not in blocks or record["request"]["model"].startswith("claude-sonnet-5")
