"""`baseload cache` on prefix-hash traces, as people and scripts see it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from baseload.cli.cache_traces import build_cache, print_cache
from baseload.cli.main import main
from baseload.levers.cache.evaluate import CacheDocument


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own, no project above."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Two sessions of Opus 4.6; the second sends 6,400, then (ten seconds later) 6,464 tokens and 36 more."""
    rows = [("a", 0, range(100), 6400), ("b", 0, range(100), 6400), ("b", 10, range(101), 6500)]
    return sessions(tmp_path / "requests.parquet", rows)


def sessions(path: Path, rows: Sequence[tuple[str, float, Any, int]], model: str = "claude-opus-4-6") -> Path:
    selects = [
        f"SELECT '{name}' AS trace_id, {t}::DOUBLE AS t, '{model}' AS model, {tokens} AS input_tokens, "
        f"{list(ids)}::INTEGER[] AS hash_ids"
        for name, t, ids, tokens in rows
    ]
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({' UNION ALL '.join(selects)}) TO '{path}' (FORMAT parquet)")
    return path


def run(capsys: pytest.CaptureFixture[str], *tokens: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["cache", *map(str, tokens)])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def document(capsys: pytest.CaptureFixture[str], *tokens: object) -> dict[str, Any]:
    code, out, _ = run(capsys, *tokens, "--json")
    found: dict[str, Any] = json.loads(out)
    assert found["schema"] == "baseload.cache/1"
    assert code == (1 if found["problems"] else 0)
    return found


def policies(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {policy["name"]: policy for policy in found["policies"]}


def test_the_figures_of_a_trace_by_hand(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Opus 4.6: 5 USD plain, 0.50 read, 6.25 and 10 written, per million tokens. Session b alone is judged.

    all_5m: 6,400 written; then 6,400 read, 64 written, 36 plain. The bound leaves the last 64 plain.
    """
    found = document(capsys, trace, "--as-of", "2026-11-22")
    assert (found["requests"], found["train_requests"], found["sessions"]) == (2, 1, 1)
    assert Decimal(found["uncached_usd"]) == Decimal(12_900 * 5) / 1_000_000
    by_name = policies(found)
    assert Decimal(by_name["all_5m"]["usd"]) * 1_000_000 == 6_464 * Decimal("6.25") + 6_400 * Decimal("0.5") + 36 * 5
    assert (by_name["all_5m"]["write_tokens"], by_name["all_5m"]["read_tokens"]) == (6_464, 6_400)
    assert Decimal(by_name["all_1h"]["usd"]) * 1_000_000 == 6_464 * 10 + 6_400 * Decimal("0.5") + 36 * 5
    assert Decimal(by_name["clairvoyant"]["usd"]) * 1_000_000 == 6_400 * Decimal("6.75") + 100 * 5
    assert by_name["none"]["ratio"] == 1.0
    assert by_name["all_5m"]["hit_rate"] == pytest.approx(6_400 / 12_900)


def test_price_and_minimum_come_from_the_model_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3,200 tokens: under Opus 4.6's minimum of 4,096, over Opus 5.5's of 512."""
    path = sessions(tmp_path / "r.parquet", [("s", 0, range(50), 3200), ("s", 1, range(51), 3264)])
    assert policies(document(capsys, path, "--train-share", "0"))["all_5m"]["write_tokens"] == 0
    assert policies(document(capsys, path, "--train-share", "0", "--no-minimum"))["all_5m"]["write_tokens"] == 3_264
    other = document(capsys, path, "--train-share", "0", "--model", "claude-opus-5-5", "--as-of", "2026-11-22")
    assert policies(other)["all_5m"]["write_tokens"] == 3_264
    assert other["models"] == ["claude-opus-5-5"]
    assert Decimal(other["uncached_usd"]) * 1_000_000 == 4 * 6_464


def test_reads_may_be_priced_by_hand(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    read = [
        Decimal(policies(document(capsys, trace, "--read-multiplier", share))["all_5m"]["usd"])
        for share in ("0.1", "0")
    ]
    assert (read[0] - read[1]) * 1_000_000 == 6_400 * Decimal("0.5")


def test_a_trace_without_models_says_what_it_is_priced_as(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "trace.jsonl"
    lines = [{"timestamp": t, "input_length": 1024, "output_length": 1, "hash_ids": [t, 2]} for t in range(4)]
    path.write_text("\n".join(map(json.dumps, lines)))
    found = document(capsys, path, "--as-of", "2026-11-22")
    assert found["models"] == ["claude-sonnet-5-5"]
    assert (found["requests"], found["sessions"], found["lanes"]) == (2, None, 1)
    assert "newest Sonnet" in found["notes"][0]
    _, out, _ = run(capsys, path)
    assert "newest Sonnet" in " ".join(out.split())


def test_a_table_for_people(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, trace)
    assert code == 0
    for said in (
        "2 judged requests",
        "All dollars: simulated,",
        "no cache",
        "all, 5 minutes",
        "all, 1 hour",
        "plan",
        "clairvoyant",
    ):
        assert said in out
    assert "… if hours do not cover" in out
    assert "what its last request left, nothing older" in " ".join(out.split())


def test_the_document_names_every_policy_in_order(trace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert list(policies(document(capsys, trace))) == [
        "none",
        "all_5m",
        "all_1h",
        "plan",
        "plan_careful",
        "online",
        "clairvoyant",
        "clairvoyant_keep_alive",
    ]


@pytest.mark.parametrize(
    ("closed", "said"),
    [
        (-0.1, "costs more here than the best single rule"),
        (0.0, "goes 0% of the way"),
        (0.864, "goes 86% of the way"),
        (1.0, "goes 100% of the way"),
        (1.2, "costs less than clairvoyant, which has no keep-alive"),
        (None, "Learnt on"),
    ],
)
def test_the_last_lines_say_where_the_plan_stands(
    trace: Path, capsys: pytest.CaptureFixture[str], closed: float | None, said: str
) -> None:
    """The same document with another share: a plan below the bound is not said to go 120 % of a way."""
    print_cache(msgspec.structs.replace(judged_document(trace), gap_closed=closed))
    out = " ".join(capsys.readouterr().out.split())
    assert said in out
    assert out.count("The plan ") == (closed is not None)


def test_what_nobody_has_measured_is_said_where_it_moves_the_bill(
    trace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = judged_document(trace)
    dearer = [
        msgspec.structs.replace(policy, ratio=0.9) if policy.name == "plan_careful" else policy
        for policy in found.policies
    ]
    for shown, there in ((msgspec.structs.replace(found, policies=tuple(dearer)), True), (found, False)):
        print_cache(shown)
        out = " ".join(capsys.readouterr().out.split())
        assert ("If it does not, the plan costs 0.9000." in out) == there


class Silent:
    """Progress that nobody sees."""

    def advance(self, done: int, total: int | None, label: str) -> None:
        """Nothing."""


def judged_document(trace: Path) -> CacheDocument:
    return build_cache(
        [trace],
        model=None,
        share=Decimal("0.5"),
        minimum=True,
        reads=None,
        as_of=dt.date(2026, 11, 22),
        bar=Silent(),
    )


def test_unknown_models_are_one_problem_and_the_rest_is_judged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sessions(tmp_path / "known.parquet", [("a", 0, range(3), 200), ("b", 0, range(3), 200)])
    sessions(tmp_path / "other.parquet", [("c", 0, range(3), 200), ("c", 1, range(2), 200)], model="gpt-oss")
    code, out, _ = run(capsys, tmp_path, "--train-share", "0", "--json")
    found = json.loads(out)
    assert (code, found["requests"]) == (1, 2)
    assert [(problem["code"], problem["value"]) for problem in found["problems"]] == [("unknown-model", "gpt-oss")]
    assert "2 requests" in found["problems"][0]["message"]


def test_the_same_session_in_two_files_is_two_and_said_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        sessions(tmp_path / f"{name}.parquet", [("a", 0, range(100), 6400), ("a", 1, range(101), 6464)])
    found = document(capsys, tmp_path, "--train-share", "0")
    assert (found["sessions"], found["lanes"]) == (2, 2)
    assert [problem["code"] for problem in found["problems"]] == ["session-in-two-files"]
    assert policies(found)["all_5m"]["read_tokens"] == 2 * 6_400


def test_nothing_to_judge_is_an_error_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sessions(tmp_path / "r.parquet", [("a", 0, range(3), 200)], model="unheard-of")
    code, _, err = run(capsys, path)
    assert code == 3
    assert "--model" in err
    path.write_bytes(path.read_bytes()[:50])
    code, _, err = run(capsys, path)
    assert code == 3
    assert "r.parquet" in err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--train-share", "1"],
        ["--train-share", "half"],
        ["--train-share", "nan"],
        ["--read-multiplier", "1.5"],
        ["--read-multiplier", "-1"],
        ["--model", "unheard-of"],
        ["--model", "claude-mythos-preview"],
    ],
)
def test_a_wrong_option_is_said_with_what_was_expected(
    trace: Path, capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    code, out, err = run(capsys, trace, *wrong)
    assert (code, out) == (2, "")
    assert wrong[0] in err


def test_traces_of_different_kinds_and_mixtures_with_logs_are_refused(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "trace.jsonl"
    other.write_text('{"timestamp": 0, "input_length": 512, "output_length": 1, "hash_ids": [1]}\n')
    code, _, err = run(capsys, trace, other, "--model", "claude-opus-5-5")
    assert (code, "different kinds" in err) == (2, True)
    log = tmp_path / "notes.txt"
    log.write_text("nothing")
    code, _, err = run(capsys, trace, log)
    assert (code, "apart" in err) == (2, True)
    code, _, err = run(capsys, log, "--no-minimum")
    assert (code, "--no-minimum" in err) == (2, True)


@pytest.mark.parametrize("json_asked", [[], ["--json"]])
def test_sums_without_calls_say_what_they_cannot_show(
    json_asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    export = tmp_path / "spend.csv"
    export.write_text(
        "usage_date_utc,model_version,api_key,workspace,usage_type,usage_input_tokens_no_cache,"
        "usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,"
        "usage_output_tokens,web_search_count\n2026-10-01,claude-opus-5-5,,,standard,150000,0,0,0,15000,0\n"
    )
    code, out, err = run(capsys, export, *json_asked)
    assert (code, out) == (3, "")
    assert "no single calls" in " ".join(err.split())
    assert "request logs with bodies" in " ".join(err.split())


def test_a_path_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, tmp_path / "gone.parquet")
    assert code == 2
    assert "gone.parquet" in err


def test_help_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert "baseload cache traces/requests.parquet" in out
    assert "--no-minimum" in out
