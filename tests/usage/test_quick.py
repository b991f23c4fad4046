"""The quick look: exact, the same as the rows of the readers, aggregates apart, nothing silently unpriced."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from usage_reading import NOW_US, classes, codes, context, jsonl, read_all, response_line

from baseload.prices.load import load_book
from baseload.usage.detect import READERS
from baseload.usage.files import Found
from baseload.usage.quick import OpenFile, Totals, quick_totals
from baseload.usage.quick_report import COUNT_NAMES, look_of, usd_string
from baseload.usage.read import Run
from baseload.values import TOKEN_CLASSES, Call, day_of

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def totals_of(*paths: Path, **options: Any) -> Totals:
    opened = Run(context(want_features=False), NOW_US, None, {}, READERS).open

    def open_file(found: Found) -> OpenFile:
        return opened(found)

    return quick_totals(paths, open_file, as_of_us=NOW_US, **options)


def summed(totals: Totals) -> tuple[int, ...]:
    return tuple(sum(column) for column in zip(*totals.calls.values(), strict=True))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Three megabytes of transcripts with every trap planted, and what they amount to."""
    sys.path.insert(0, str(BENCHMARKS))
    from make_claude_tree import make_tree

    folder = tmp_path_factory.mktemp("tree")
    return folder, make_tree(folder, megabytes=3, seed=11)


def planted(truth: dict[str, Any]) -> set[str]:
    return {name for name, count in truth["made"].items() if count}


def test_the_tree_has_every_trap(tree: tuple[Path, dict[str, Any]]) -> None:
    assert planted(tree[1]) >= {
        "forks", "subagents", "replayed_lines", "no_request_id", "torn", "nested_task_usage", "synthetic",
    }  # fmt: skip


def test_the_quick_look_equals_the_planted_truth(tree: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = tree
    totals = totals_of(folder / "projects")
    by_cell: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for cell, counts in totals.calls.items():
        by_cell[cell.day, cell.model].update(dict(zip(COUNT_NAMES, counts, strict=True)))
    assert codes(totals.problems) == ["bad-json"] * truth["made"]["torn"]
    wanted = {(cell["day"], cell["model"]): cell for cell in truth["by_day_model"]}
    assert len(by_cell) == len(wanted)
    for (day, model), counts in by_cell.items():
        cell = wanted[str(iso(day)), model]
        assert {name: counts[name] for name in COUNT_NAMES[:-1]} == {name: cell[name] for name in COUNT_NAMES[:-1]}


def iso(day: int) -> str:
    from baseload.values import iso_day

    return iso_day(day)


def test_the_rows_of_the_reader_equal_the_planted_truth_too(tree: tuple[Path, dict[str, Any]]) -> None:
    folder, truth = tree
    best: dict[str, Call] = {}
    for call in read_all(folder / "projects")[0]:
        held = best.get(call.call_id)
        if held is None or (call.rank, -call.start_us) > (held.rank, -held.start_us):
            best[call.call_id] = call
    by_cell: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for call in best.values():
        by_cell[iso(day_of(call.start_us)), call.model_raw].update(
            {"requests": call.requests or 0} | dict(zip(TOKEN_CLASSES, classes(call), strict=True))
        )
    assert {place: dict(counts) for place, counts in by_cell.items()} == {
        (cell["day"], cell["model"]): {name: cell[name] for name in ("requests", *TOKEN_CLASSES)}
        for cell in truth["by_day_model"]
    }


def test_spaces_in_the_json_change_no_figure(tmp_path: Path) -> None:
    from make_claude_tree import make_tree

    truth = make_tree(tmp_path, megabytes=0.5, seed=3, plain=True)
    assert summed(totals_of(tmp_path / "projects"))[0] == truth["totals"]["requests"]


def test_a_call_that_two_sources_logged_counts_once(tmp_path: Path) -> None:
    body = {"id": "msg_a", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": []}
    logged = {"timestamp": "2026-09-03T00:00:00Z", "request": {"model": "m"}, "response": body}
    counted = {"input_tokens": 10, "output_tokens": 31}
    (tmp_path / "api.jsonl").write_bytes(jsonl(logged | {"response": body | {"usage": counted}}))
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a", 20), response_line("msg_b", 5)))
    totals = totals_of(tmp_path)
    # msg_a with the fuller 31 output tokens, msg_b with 5
    assert summed(totals) == (2, 20, 0, 0, 0, 36, 0)
    assert (totals.copies, dict(totals.files)) == (1, {"claude_code": 1, "messages": 1})
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a", 40), response_line("msg_b", 5)))
    assert summed(totals_of(tmp_path)) == (2, 20, 0, 0, 0, 45, 0)


def test_a_bad_response_is_one_problem_with_its_row_and_the_rest_counts(tmp_path: Path) -> None:
    lines = [response_line("msg_a"), response_line("msg_x", -5), response_line("msg_y", timestamp="soon")]
    path = tmp_path / "s.jsonl"
    path.write_bytes(jsonl(*lines, response_line("msg_b")))
    totals = totals_of(path)
    assert summed(totals)[0] == 2
    assert [(p.code, p.row) for p in totals.problems] == [("negative-tokens", 2), ("bad-time", 3)]
    assert totals.copies == 0


def test_torn_lines_far_into_a_large_file_have_their_true_row(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(jsonl(*(response_line(f"msg_{n}") for n in range(2_000)), '{"torn', response_line("msg_last")))
    totals = totals_of(path)
    assert (summed(totals)[0], [(p.code, p.row) for p in totals.problems]) == (2_001, [("bad-json", 2_001)])


def test_aggregates_are_control_totals_and_never_added_to_calls(tmp_path: Path, shared_data: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a")))
    report = shared_data / "usage/anthropic-admin-api/usage_report_messages.json"
    totals = totals_of(tmp_path, report)
    assert summed(totals)[:2] == (1, 10)
    look = look_of(totals, load_book(), ["day"])
    assert (look.basis, look.total.counts[0], len(look.controls)) == ("calls", 1, 1)
    alone = look_of(totals_of(report), load_book(), ["day"])
    assert alone.basis.startswith("admin_api")
    assert alone.total.counts[0] is None  # that report says nowhere how many requests
    assert alone.total.counts[1] > 0  # type: ignore[operator]  # a count, not the missing requests


def test_groups_add_up_to_the_total_whatever_the_grouping(tree: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = tree
    book = load_book()
    for by in (["day"], ["model"], ["key"], ["session"], ["day", "model", "key", "session"]):
        look = look_of(totals_of(folder / "projects", by=by), book, by)
        assert sum((row.list_usd for row in look.groups), Decimal(0)) == look.total.list_usd
        assert tuple(sum(column) for column in zip(*(row.counts for row in look.groups), strict=True)) == (  # type: ignore[arg-type]  # transcripts always say their requests
            look.total.counts
        )


def test_a_call_is_priced_at_list_to_the_last_digit(tmp_path: Path) -> None:
    # Sonnet 4.5 in September 2026: 3 USD in, 0.30 read, 3.75 / 6 written, 15 out, per million tokens
    split = {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 400}
    cached = {"cache_read_input_tokens": 200, "cache_creation_input_tokens": 700, "cache_creation": split}
    counted = {"input_tokens": 100} | cached
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a", 500, usage=counted)))
    look = look_of(totals_of(tmp_path), load_book(), ["model"])
    # (100 x 3 + 200 x 0.30 + 300 x 3.75 + 400 x 6 + 500 x 15) / 1,000,000 = 11,385 / 1,000,000
    assert look.total.list_usd == look.total.list_high_usd == Decimal("0.011385")
    assert look.groups[0].labels == ("claude-sonnet-4-5-20250929",)


def test_writes_of_unknown_lifetime_make_the_price_a_range(tmp_path: Path) -> None:
    counted = {"input_tokens": 0, "cache_creation_input_tokens": 100_000}
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a", 0, usage=counted)))
    total = look_of(totals_of(tmp_path), load_book(), ["day"]).total
    assert (total.list_usd, total.list_high_usd) == (Decimal("0.375"), Decimal("0.6"))


def test_what_has_no_price_is_said_and_never_zero_in_silence(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a", message={"model": "claude-imagined-9"})))
    look = look_of(totals_of(tmp_path), load_book(), ["day"])
    assert (look.total.list_usd, look.total.unpriced_tokens) == (Decimal(0), 30)
    assert list(look.unpriced) == ["claude-imagined-9"]


def test_a_declared_sample_is_said(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(jsonl(response_line("msg_a")))
    assert not totals_of(tmp_path).is_sampled
    (tmp_path / "baseload-source.json").write_text(json.dumps({"schema": "baseload.source/1", "sampling_rate": 10}))
    assert totals_of(tmp_path).is_sampled


def test_dollars_are_plain_decimal_strings() -> None:
    assert [usd_string(Decimal(text)) for text in ("0", "1E+3", "0.0050", "2.5", "1485.80753625")] == [
        "0.00", "1000.00", "0.005", "2.50", "1485.80753625",
    ]  # fmt: skip


def test_the_quick_look_leaves_out_other_providers_and_says_null_counts_as_the_reader_does(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_bytes(
        jsonl(
            response_line("msg_1"),
            response_line("msg_2", message={"model": "gpt-4o"}),
            response_line("msg_3", usage={"input_tokens": None}),
        )
    )
    totals = totals_of(tmp_path, resolve_model=lambda raw: "")
    assert summed(totals)[:2] == (2, 10)
    _, problems = read_all(tmp_path, context=context(resolve_model=lambda raw: ""))
    assert totals.problems == problems
    assert codes(problems) == ["null-tokens", "other-provider"]
