"""`baseload init` and `baseload next`: what they print and write, and what they refuse to overwrite."""

from __future__ import annotations

import datetime as dt
import json
import sys
import types
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from baseload.cli.main import main
from baseload.project import Project, parse_project
from baseload.report import document as doc

NO_TOKENS = doc.TokenTotals(
    uncached_input_tokens=0, cache_read_tokens=0, cache_write_5m_tokens=0, cache_write_1h_tokens=0, output_tokens=0
)


def workload(rank: int, name: str, usd: str, share: float, **more: str) -> doc.WorkloadPart:
    facts = {"owner": "", "latency": "tolerant", "id": f"w-{rank:012x}"} | more
    return doc.WorkloadPart(
        name=name, why="test", stage="owner", rank=rank, requests=None, tokens=NO_TOKENS, list_usd=usd,
        list_high_usd=usd, share=share, cumulative_share=share, usd_per_request=None, models=(), daily_usd=(),
        task="unknown", task_confidence=0.0, task_evidence="", latency_evidence="calls at night", cost_center="",
        grade="measured", sources=("messages",), **facts,
    )  # fmt: skip


def saving(workload: str, lever: str, usd: str) -> doc.OpportunityPart:
    return doc.OpportunityPart(
        workload=workload, workload_name="", lever=lever, candidate="", low_usd="0.00", high_usd=usd,
        low_annual_usd=None, high_annual_usd=None, grade="assumed", assumption="",
    )  # fmt: skip


def day(date: str, usd: str) -> doc.DayPart:
    return doc.DayPart(day=date, requests=None, list_usd=usd, billed_usd=None, models={}, complete=True)


def a_map(**changes: object) -> doc.MapDocument:
    """Two workloads of 90 and 10 dollars; October is over, November is not."""
    window = doc.WindowPart(start="2026-10-01", end_exclusive="2026-11-20", days=50)
    parts: dict[str, object] = {
        "version": "0", "title": "t", "as_of": "2026-11-20", "window": window,
        "price_book": doc.PriceBookPart(checked="2026-11-20", age_days=0),
        "totals": doc.TotalsPart(
            requests=1000, uncached_input_tokens=0, cache_read_tokens=0, cache_write_5m_tokens=0,
            cache_write_1h_tokens=0, output_tokens=0, list_usd="100.00", list_high_usd="100.00", billed_usd="95.00",
            annual_run_rate_usd=None, unpriced_rows=0, scaled=False,
        ),
        "headline": doc.HeadlinePart(status="not reconciled", status_why="", sentence="", top_model="",
                                     top_model_name="", top_model_share=None, workloads=2, workloads_for_80_percent=1),
        "run_rate": doc.RunRatePart(
            annual_usd=None, low_usd=None, high_usd=None, interval="", window=window, complete_days=0,
            observed_usd="100.00", gaps=(), outlier_days=(), sampling_rate=1, alternatives=(), why_null="", grade="",
        ),
        "workloads": (workload(1, "big", "90.00", 0.9), workload(2, "small", "10.00", 0.1, owner="Ann")),
        "opportunities": (saving("w-000000000001", "batch", "40.00"), saving("w-000000000001", "batch", "45.00")),
        "by_day": (day("2026-10-31", "60.00"), day("2026-11-01", "40.00")),
        "levers": (), "by_model": (), "readiness": (), "bridge": (), "reconciliation": (), "figures": (),
        "problem_counts": (), "problems": (),
    }  # fmt: skip
    return doc.MapDocument(**(parts | changes))  # type: ignore[arg-type]


class Maps:
    """Stands for the pipeline: answers with one document and remembers what it was asked."""

    def __init__(self, document: doc.MapDocument) -> None:
        self.document = document
        self.asked: list[tuple[Sequence[Path], Path, Project]] = []

    def build_map(
        self,
        paths: Sequence[Path],
        project_dir: Path,
        *,
        source: str | None = None,
        project: Project | None = None,
        as_of: dt.date | None = None,
    ) -> doc.MapDocument:
        self.asked.append((paths, project_dir, project or Project()))
        return self.document


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> Maps:
    found = Maps(a_map())
    module = types.ModuleType("baseload.cli.run")
    module.build_map = found.build_map  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "baseload.cli.run", module)
    return found


def run(*tokens: str) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(tokens)
    return int(exit_.value.code or 0)


def test_init_writes_a_file_that_the_project_reads_back(maps: Maps, tmp_path: Path) -> None:
    assert run("init", "usage", "--project", str(tmp_path)) == 0
    project = parse_project((tmp_path / "baseload.toml").read_text(encoding="utf-8"))
    assert [(rule.name, rule.id) for rule in project.workload] == [("big", "w-000000000001")]
    assert maps.asked[0][0] == (Path("usage"),)


def test_init_never_replaces_a_file_silently(maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "baseload.toml"
    path.write_text('name = "mine"\n', encoding="utf-8")
    assert run("init", "usage", "--project", str(tmp_path)) == 2
    assert "--force" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == 'name = "mine"\n'
    assert maps.asked == []  # refused before any work


def test_init_with_force_keeps_the_old_file_and_its_settings(maps: Maps, tmp_path: Path) -> None:
    path = tmp_path / "baseload.toml"
    path.write_text('name = "mine"  # my note\n', encoding="utf-8")
    for number in (1, 2):
        assert run("init", "usage", "--project", str(tmp_path), "--force") == 0
        assert parse_project(path.read_text(encoding="utf-8")).name == "mine"
        assert (tmp_path / f"baseload.toml.{number}").exists()
    assert "# my note" in (tmp_path / "baseload.toml.1").read_text(encoding="utf-8")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["baseload.toml", "baseload.toml.1", "baseload.toml.2"]


def test_init_takes_owners_from_a_csv_into_the_map_and_the_file(maps: Maps, tmp_path: Path) -> None:
    (tmp_path / "teams.csv").write_text("key,owner\nbig,Search\n", encoding="utf-8")
    assert run("init", "u", "--project", str(tmp_path), "--owners", str(tmp_path / "teams.csv")) == 0
    assert maps.asked[0][2].owner_csv == "teams.csv"
    assert parse_project((tmp_path / "baseload.toml").read_text(encoding="utf-8")).owner_csv == "teams.csv"


def test_init_says_which_owner_rows_it_could_not_use(
    maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "t.csv").write_text("key,owner\nbig,Search\nsmall,\n", encoding="utf-8")
    assert run("init", "u", "--project", str(tmp_path), "--owners", str(tmp_path / "t.csv")) == 1
    assert "owner-csv-no-owner" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "who,what\na,b\n"])
def test_init_refuses_an_owners_file_it_cannot_use_at_all(maps: Maps, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "t.csv"
    if content:
        path.write_text(content, encoding="utf-8")
    assert run("init", "u", "--project", str(tmp_path), "--owners", str(path)) == 2
    assert not (tmp_path / "baseload.toml").exists()


def test_init_to_standard_output_writes_no_file(maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "u", "--project", str(tmp_path), "-o", "-") == 0
    assert parse_project(capsys.readouterr().out).workload[0].name == "big"
    assert list(tmp_path.iterdir()) == []


def test_init_as_json(maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("init", "u", "--project", str(tmp_path), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["schema"], found["unowned_usd"], found["workloads"]) == (
        "baseload.init/1",
        "90.00",
        ["w-000000000001"],
    )
    assert parse_project(found["toml"]).workload


def test_next_lists_the_dearest_decision_first(maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("next", "u", "--project", str(tmp_path), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "baseload.next/1"
    assert [(one["kind"], one["name"], one["blocks_usd"], one["saving_high_usd"]) for one in found["decisions"]] == [
        ("deadline", "big", "90.00", "45.00"),  # the better of the two batch candidates
        ("owner", "big", "90.00", None),
        ("invoice", "2026-10", "60.00", None),  # November is not over
    ]


def test_a_month_that_began_before_the_window_is_not_asked_about(
    maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = doc.WindowPart(start="2026-10-02", end_exclusive="2026-11-20", days=49)
    maps.document = a_map(window=window)
    run("next", "u", "--project", str(tmp_path), "--json")
    assert [one["kind"] for one in json.loads(capsys.readouterr().out)["decisions"]] == ["deadline", "owner"]


def test_next_on_a_terminal_shows_questions_and_what_to_write(
    maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("next", "u", "--project", str(tmp_path), "--limit", "1") == 0
    shown = capsys.readouterr().out
    assert "90.00" in shown
    assert "… and 2 more" in shown
    assert f"Prices checked {maps.document.price_book.checked}." in shown


def test_old_prices_are_warned_of_wherever_dollars_are_shown(
    maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = doc.PriceBookPart(checked="2026-11-01", age_days=20, warning="The price book is 20 days old.")
    maps.document = msgspec.structs.replace(maps.document, price_book=old)
    for command in ("next", "init"):
        assert run(command, "u", "--project", str(tmp_path)) == 0
        assert "The price book is 20 days old." in capsys.readouterr().out
    assert run("next", "u", "--project", str(tmp_path), "--json") == 0
    assert json.loads(capsys.readouterr().out)["price_book"]["age_days"] == 20


def test_next_reads_what_the_project_settled(maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "baseload.toml").write_text(
        '[[invoice]]\nmonth = "2026-10"\namount = "60"\n'
        '[[workload]]\nname = "big"\nid = "w-000000000001"\ndeadline = "24h"\n',
        encoding="utf-8",
    )
    assert run("next", "u", "--project", str(tmp_path), "--json") == 0
    assert [one["kind"] for one in json.loads(capsys.readouterr().out)["decisions"]] == ["owner"]


def test_a_map_with_problems_exits_with_one(maps: Maps, tmp_path: Path) -> None:
    maps.document = a_map(problem_counts=(doc.ProblemCount(code="bad-json", count=1),))
    assert run("next", "u", "--project", str(tmp_path), "--json") == 1


def test_models_that_are_not_known_are_asked_about_by_their_logged_name(
    maps: Maps, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = doc.ProblemPart(
        source="s",
        file="f",
        row=0,
        code="unknown-model",
        message="",
        value="?arn:x|bedrock|global|standard|standard|any",
    )
    maps.document = a_map(problems=(problem,), totals=a_map().totals)
    run("next", "u", "--project", str(tmp_path), "--json")
    decisions = json.loads(capsys.readouterr().out)["decisions"]
    assert [one["name"] for one in decisions if one["kind"] == "model"] == ["arn:x"]


NOBODYS = '[[bar]]\nworkload = "nobody"\nbudget_usd = "25"\n[bar.grader]\nkind = "signals"\n'


def test_next_and_init_say_which_bar_binds_to_no_workload(
    maps: Maps, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "baseload.toml").write_text(NOBODYS + NOBODYS.replace("nobody", "big"), encoding="utf-8")
    assert run("next", "u", "--project", str(tmp_path), "--json") == 1
    found = json.loads(capsysbinary.readouterr().out)
    assert [(one["code"], one["value"]) for one in found["problems"]] == [("bar-unmet", "nobody")]
    assert run("next", "u", "--project", str(tmp_path)) == 1
    assert b"A bar is about a workload that is not here" in capsysbinary.readouterr().err
    assert run("init", "u", "--project", str(tmp_path), "-o", "-") == 1
    said = capsysbinary.readouterr()
    assert b"bar-unmet" in said.err
    assert [bar.workload for bar in parse_project(said.out.decode()).bar] == ["nobody", "big"]
