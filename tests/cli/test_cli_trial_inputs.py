"""What a trial begins with: one workload of the ledger, its incumbent, its calls, its bar, its permission."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from baseload.cli.ledger import import_paths
from baseload.cli.main import main
from baseload.cli.trial_inputs import every_input, requests_of, trial_inputs
from baseload.errors import UsageError
from baseload.levers.position import Position
from baseload.prices.book import PriceKey
from baseload.values import Tokens, Window

OPUS, HAIKU = "claude-opus-5-5", "claude-haiku-5-5"
BAR = '[[bar]]\nworkload = "{name}"\nbudget_usd = "25"\n[bar.grader]\nkind = "label"\ntruth = "t.jsonl"\n'


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """Ten days; ten calls of app one on Opus and five on Haiku, twenty of app two on Haiku."""
    monkeypatch.setenv("BASELOAD_ORG_KEY", "sixteen characters and more")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    lines = [call(n, "one", OPUS) for n in range(10)] + [call(100 + n, "one", HAIKU) for n in range(5)]
    lines += [call(200 + n, "two", HAIKU) for n in range(20)]
    (tmp_path / "log.jsonl").write_text("".join(lines))
    settings(tmp_path, "")
    assert import_paths(Path("log.jsonl")) == 0
    capsys.readouterr()
    return tmp_path


def call(number: int, app: str, model: str) -> str:
    request = {
        "model": model, "max_tokens": 50, "system": f"You are app {app}.",
        "messages": [{"role": "user", "content": f"question {number}"}],
    }  # fmt: skip
    response = {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "yes"}], "usage": {"input_tokens": 1000, "output_tokens": 100},
    }  # fmt: skip
    time = f"2026-11-{1 + number % 10:02d}T10:00:00Z"
    return json.dumps({"timestamp": time, "request": request, "response": response, "tags": {"app": app}}) + "\n"


def settings(home: Path, text: str) -> None:
    rules = "".join(f'[[workload]]\nname = "{app}"\ntag = {{ app = "{app}" }}\n' for app in ("One", "Two"))
    (home / "baseload.toml").write_text(f"schema = 1\n{rules}{text}")


def test_the_incumbent_is_the_model_of_most_dollars_and_its_calls_are_given(home: Path) -> None:
    found = trial_inputs(home, "One", HAIKU)
    assert (found.incumbent, found.model, found.effort) == (OPUS, HAIKU, "")
    assert dict(found.by_model) == {OPUS: 10, HAIKU: 5}
    assert {one.model for one in found.calls} == {OPUS}
    assert len(found.calls) == 10
    starts = [one.start_us for one in found.calls]
    assert starts == sorted(starts, reverse=True)
    assert all(one.body_ref and one.request_hash for one in found.calls)


def test_dollars_and_calls_are_those_of_the_incumbent_in_the_window(home: Path) -> None:
    found = trial_inputs(home, "One")
    # Opus 5.5: $4 and $20 a million tokens; 1,000 in and 100 out cost $0.004 + $0.002
    assert found.list_usd_per_call == Decimal("0.006")
    assert found.list_nano == 10 * 6_000_000
    assert found.window == Window(start_day=20_758, end_day_exclusive=20_768)  # 2026-11-01 to 2026-11-10, ten days
    assert found.calls_a_month == Decimal(365) / 12  # one a day
    assert found.tokens.uncached_input_tokens == 10_000
    assert sum(one.list_nano for one in found.positions) == found.list_nano
    assert found.list_usd_a_month == Decimal("0.006") * Decimal(365) / 12


def test_what_the_project_says_of_it_is_there(home: Path) -> None:
    (home / "t.jsonl").write_text('{"call": "msg_1", "truth": "yes"}\n')
    bars = BAR.format(name="One") + BAR.format(name="Nobody")
    settings(home, 'data_use = "batch_allowed"\n' + bars)
    two, one = trial_inputs(home, "Two"), trial_inputs(home, "One")
    assert (one.data_use, two.data_use) == ("none", "batch_allowed")
    assert one.bar is not None
    assert (one.bar.workload, one.bar.budget_usd) == (one.workload.id, Decimal(25))
    assert one.files is not None
    assert set(one.files.contents) == {"t.jsonl"}
    assert (two.bar, two.bar_table, two.files) == (None, None, None)
    assert [problem.code for problem in one.problems] == ["bar-unmet"]


@pytest.mark.parametrize(
    ("positions", "found"),
    [
        ([(10, 60)], (10, Decimal(1))),
        ([(10, 60), (5, 30)], (15, Decimal(1))),
        ([(10, 60), (None, 20)], (13, Decimal("0.75"))),  # 10 calls of 60 of 80 dollars: 13.33 of all
        ([(None, 20)], (None, Decimal(0))),
        ([(0, 60), (None, 20)], (None, Decimal(0))),
        ([], (0, Decimal(1))),
    ],
)
def test_calls_that_nobody_counts_are_scaled_by_dollars(
    positions: list[tuple[int | None, int]], found: tuple[int | None, Decimal]
) -> None:
    key = PriceKey(OPUS, "anthropic", "global", "standard", "standard", "0-100k")
    made = [
        Position(workload="w", key=key, requests=requests, tokens=Tokens(), list_nano=nano, list_high_nano=nano)
        for requests, nano in positions
    ]
    assert requests_of(made) == found


def test_a_bar_that_binds_to_nothing_is_a_problem_of_the_map_too(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "t.jsonl").write_text("")
    settings(home, BAR.format(name="Nobody"))
    with pytest.raises(SystemExit) as ended:
        main(["map", "log.jsonl", "--project", str(home), "--json", "--as-of", "2026-11-22"])
    assert ended.value.code == 1
    counts = json.loads(capsys.readouterr().out)["problem_counts"]
    assert {"code": "bar-unmet", "count": 1} in counts


def test_a_bar_binds_by_id_before_it_binds_by_name(home: Path) -> None:
    (home / "t.jsonl").write_text("")
    named = trial_inputs(home, "One").workload.id
    settings(home, BAR.format(name="One") + BAR.format(name=named).replace('"25"', '"7"'))
    found = trial_inputs(home, named)
    assert found.bar is not None
    assert found.bar.budget_usd == 7
    assert [problem.code for problem in found.problems] == ["bar-twice"]


def test_every_workload_is_given_dearest_first(home: Path) -> None:
    # One: ten calls of Opus at $0.006 are $0.06; Two: twenty of Haiku at $0.00015 are far less
    assert [one.workload.name for one in every_input(home)] == ["One", "Two"]
    assert every_input(home)[1].incumbent == HAIKU


@pytest.mark.parametrize(
    ("workload", "model", "said"),
    [
        ("Three", "", "'Three' is no workload of this ledger, which has 2 workloads"),
        ("One", "claude-unheard-of", "the price book does not know it"),
    ],
)
def test_what_is_not_there_is_named(home: Path, workload: str, model: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        trial_inputs(home, workload, model)


def test_a_file_of_the_bar_that_is_not_there_is_named(home: Path) -> None:
    settings(home, BAR.format(name="One"))
    with pytest.raises(UsageError, match=r"t\.jsonl: No such file.*file of the bar of 'One'"):
        trial_inputs(home, "One")


def test_people_may_label_later(home: Path) -> None:
    human = BAR.replace('kind = "label"\ntruth = "t.jsonl"', 'kind = "human"\nlabels = "people.csv"')
    settings(home, human.format(name="One"))
    found = trial_inputs(home, "One")
    assert found.bar is not None
    assert found.files is not None
    assert found.files.contents == {}


def test_a_project_without_a_ledger_says_how_to_fill_it(tmp_path: Path) -> None:
    none = tmp_path / "none"
    none.mkdir()
    with pytest.raises(UsageError, match="Fill it with `baseload import PATH`"):
        trial_inputs(none, "One")
