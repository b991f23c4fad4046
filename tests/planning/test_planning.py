"""From files to the plan, by hand (`two_programs`): totals, control totals, verdicts and the project's settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from two_programs import TODAY, VERDICT_ID, write_logs, write_report, write_verdict

from baseload.cli.run import build_plan
from baseload.plan.document import ChoicePart, PlanDocument, PlanWorkload, SpanPart
from baseload.plan.sheets import COLUMNS, change_rows
from baseload.planning import Plan, effective_rate_of
from baseload.project import parse_project
from baseload.values import Table


@pytest.fixture(scope="module", autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No ledger or key of the user; one ledger of the logs for the whole module."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        patch.delenv("BASELOAD_ORG_KEY", raising=False)
        yield


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_logs(tmp_path_factory.mktemp("company") / "logs")


def planned(*paths: Path, folder: Path, settings: str = "") -> Plan:
    return build_plan(paths, folder, project=parse_project(settings), as_of=TODAY, clock=TODAY)


@pytest.fixture(scope="module")
def plain(logs: Path, own_folders: None) -> Plan:
    """Without a verdict or a setting."""
    return planned(logs, folder=logs.parent)


def named(document: PlanDocument, name: str) -> PlanWorkload:
    return next(one for one in document.workloads if one.name == name)


def scenario(document: PlanDocument, name: str) -> Decimal:
    return next(Decimal(one.saving.likely_usd) for one in document.totals.scenarios if one.name == name)


def choice(workload: PlanWorkload, name: str) -> ChoicePart:
    return next(one.choice for one in workload.scenarios if one.name == name)


def test_the_bill_is_the_run_rate_of_the_calls(plain: Plan) -> None:
    document = plain.document
    assert document.basis.unit == "a year"
    assert (document.basis.window.start, document.basis.window.days) == ("2026-10-23", 28)
    assert (document.totals.as_billed_usd, document.totals.unplanned_usd) == ("310.25", "0.00")
    assert [(one.name, one.as_billed_usd) for one in document.workloads] == [
        ("extract", "200.75"),
        ("triage", "109.50"),
    ]


def test_every_table_of_the_plan_adds_up_to_its_total(plain: Plan) -> None:
    totals, workloads = plain.document.totals, plain.document.workloads
    steps = [Decimal(one.saving.likely_usd) for one in totals.waterfall if one.saving]
    assert Decimal(totals.as_billed_usd) - sum(steps) == Decimal(totals.optimized.likely_usd)
    assert sum(steps) == Decimal(totals.saving.likely_usd) == sum(Decimal(one.saving_usd) for one in totals.shapley)
    assert sum(Decimal(one.saving.likely_usd) for one in workloads) == Decimal(totals.saving.likely_usd)
    assert sum(Decimal(one.as_billed_usd) for one in workloads) == Decimal(totals.as_billed_usd)
    for one in workloads:
        assert sum(Decimal(step.saving.likely_usd) for step in one.steps) == Decimal(one.saving.likely_usd)
        assert Decimal(one.as_billed_usd) - Decimal(one.saving.likely_usd) == Decimal(one.optimized.likely_usd)


def test_both_ends_of_every_table_add_up_to_its_total(plain: Plan) -> None:
    totals, workloads = plain.document.totals, plain.document.workloads
    unplanned = Decimal(totals.unplanned_usd)

    def added(spans: Iterable[SpanPart]) -> tuple[Decimal, ...]:
        found = [ends(span) for span in spans]
        return tuple(sum(column, Decimal(0)) for column in zip(*found, strict=True))

    assert added(one.saving for one in workloads) == ends(totals.saving)
    assert tuple(end + unplanned for end in added(one.optimized for one in workloads)) == ends(totals.optimized)
    for place, level in enumerate(one for one in totals.waterfall if one.saving is not None):
        assert level.saving is not None
        assert added(one.steps[place].saving for one in workloads) == ends(level.saving)
    for place, scenario_ in enumerate(totals.scenarios):
        assert added(one.scenarios[place].saving for one in workloads) == ends(scenario_.saving)
    assert plain.document.adoption is not None
    assert added(one.saving for one in plain.document.adoption.changes)[1] == Decimal(totals.saving.likely_usd)
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in change_rows(plain.adoption)]
    assert [(row["low_usd"], row["likely_usd"], row["high_usd"]) for row in rows] == [
        (one.saving.low_usd, one.saving.likely_usd, one.saving.high_usd) for one in plain.document.adoption.changes
    ]
    assert all(re.fullmatch(r"-?\d+\.\d\d", row["per_week_of_work_usd"]) for row in rows)


def ends(span: SpanPart) -> tuple[Decimal, ...]:
    return Decimal(span.low_usd), Decimal(span.likely_usd), Decimal(span.high_usd)


def test_what_nobody_tested_is_in_the_plan_and_in_nothing_that_may_run(plain: Plan) -> None:
    document = plain.document
    assert named(document, "triage").choice.model == "claude-sonnet-5-5"
    # half the price of 0.30 a day, and less where Sonnet says more: at most 54.75 a year
    assert Decimal(0) < Decimal(named(document, "triage").saving.likely_usd) <= Decimal("54.75")
    assert scenario(document, "deployable") == scenario(document, "conservative") == 0
    assert document.baseline is not None
    assert document.baseline.conservative.usd == "310.25"
    assert document.baseline.optimized.grade == "assumed"
    assert {entry.decision for entry in plain.policy.entries} == {"leave"}


def test_a_report_of_the_same_usage_is_its_control_total(logs: Path) -> None:
    # the report has 0.90 a day on Opus 5.5, of which the log knows 0.30; Opus 4.8 stands in the log alone:
    # (0.90 + 0.55) x 365 = 529.25, and never 0.30 + 0.90
    report = write_report(logs.parent / "claude_api_tokens.csv")
    document = planned(logs, report, folder=logs.parent, settings='account = "acme"').document
    assert document.totals.as_billed_usd == "529.25"
    assert named(document, "triage").as_billed_usd == "109.50"
    assert sum(Decimal(one.as_billed_usd) for one in document.workloads) == Decimal("529.25")


@pytest.fixture
def borne_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Verdicts count as if their records lay beside them; what records say is in tests/cli/test_cli_trial_show.py."""
    monkeypatch.setattr("baseload.cli.run.held_to_records", lambda folder, verdicts, day: (dict(verdicts), []))


@pytest.mark.usefixtures("borne_out")
def test_a_verdict_that_holds_opens_the_conservative_plan_and_the_policy(
    logs: Path, tmp_path: Path, plain: Plan
) -> None:
    triage = named(plain.document, "triage").id
    write_verdict(tmp_path, triage)
    found = planned(logs, folder=tmp_path)
    # the same tokens at half the price: 109.50 / 2
    assert scenario(found.document, "conservative") == scenario(found.document, "deployable") == Decimal("54.75")
    assert found.document.baseline is not None
    assert found.document.baseline.conservative.usd == "255.50"
    assert (named(found.document, "triage").verdict, named(found.document, "triage").verdict_id) == (
        "holds",
        VERDICT_ID,
    )
    entries = {entry.workload.name: entry for entry in found.policy.entries}
    pinned = entries["triage"]
    assert (pinned.decision, pinned.model, pinned.verdict_id) == ("pin", "claude-sonnet-5-5", VERDICT_ID)
    assert pinned.from_models == ("claude-opus-5-5",)
    assert pinned.match.api_key == ("triage",)
    assert entries["extract"].decision == "leave"


@pytest.mark.usefixtures("borne_out")
def test_a_verdict_that_counted_no_answers_may_run_and_proves_no_dollar(
    logs: Path, tmp_path: Path, plain: Plan
) -> None:
    path = write_verdict(tmp_path, named(plain.document, "triage").id)
    said = json.loads(path.read_text(encoding="utf-8"))
    del said["output_ratio_low"], said["output_ratio_high"]
    path.write_text(json.dumps(said), encoding="utf-8")
    found = planned(logs, folder=tmp_path)
    assert choice(named(found.document, "triage"), "deployable").model == "claude-sonnet-5-5"
    assert scenario(found.document, "conservative") == 0
    assert found.document.baseline is not None
    assert found.document.baseline.conservative.usd == "310.25"
    assert {entry.workload.name: entry.decision for entry in found.policy.entries}["triage"] == "pin"


def test_a_verdict_that_breaks_takes_what_it_tried_out_of_the_plan(logs: Path, tmp_path: Path, plain: Plan) -> None:
    before = named(plain.document, "triage")
    assert (before.choice.model, before.choice.effort) == ("claude-sonnet-5-5", "")
    write_verdict(tmp_path, before.id, state="breaks")
    document = planned(logs, folder=tmp_path).document
    triage = named(document, "triage")
    assert triage.choice.model != "claude-sonnet-5-5"  # nor at less effort than what broke
    assert triage.verdict == "assumed"
    assert scenario(document, "conservative") == 0


def test_a_verdict_that_cannot_be_read_is_a_problem_and_no_verdict(logs: Path, tmp_path: Path, plain: Plan) -> None:
    write_verdict(tmp_path, "w-1").write_text("{}", encoding="utf-8")
    document = planned(logs, folder=tmp_path).document
    assert [(one.code, one.file) for one in document.problems] == [("verdict-unreadable", "trial.json")]
    assert document.totals == plain.document.totals


def test_without_a_run_rate_the_figures_are_of_the_window_and_say_why(tmp_path: Path) -> None:
    # nine days of calls: 9 x 0.85
    document = planned(write_logs(tmp_path / "logs", days=9), folder=tmp_path).document
    assert document.basis.unit == "in the window"
    assert "complete days" in document.basis.why_not_a_year
    assert document.basis.window.days == 9
    assert document.totals.as_billed_usd == "7.65"
    assert (document.baseline, document.cash, document.adoption) == (None, None, None)


def test_the_pace_of_the_project_moves_the_weeks(logs: Path, plain: Plan, tmp_path: Path) -> None:
    # two changes of 0.5 + 3 person-days. At 5 a week they end in weeks 1 and 2, and a trial takes 2 weeks beside;
    # at 2.5 a week without trial weeks 3.5 / 2.5 = 1.4 and 7 / 2.5 = 2.8: weeks 2 and 3
    assert plain.document.adoption is not None
    assert [one.ships_in_week for one in plain.document.adoption.changes] == [3, 4]
    own = '[plan]\ncapacity_days_per_week = "2.5"\ntrial_weeks = 0\nrealization = "0.5"\n'
    slow = planned(logs, folder=tmp_path, settings=own).document
    assert slow.adoption is not None
    assert [one.ships_in_week for one in slow.adoption.changes] == [2, 3]
    landed = Decimal("310.25") - Decimal(slow.totals.saving.likely_usd) / 2
    assert abs(Decimal(slow.adoption.weeks[-1].run_rate.likely_usd) - landed) <= Decimal("0.01")


def test_person_days_and_a_missing_gateway_are_the_companys_own(logs: Path, tmp_path: Path) -> None:
    own = '[plan]\ngateway = false\n[plan.person_days]\ncode = "4"\ntrial = "1"\n'
    document = planned(logs, folder=tmp_path, settings=own).document
    assert document.adoption is not None
    assert {one.kinds for one in document.adoption.changes} == {("code", "trial")}
    assert {one.person_days for one in document.adoption.changes} == {"5"}


def test_cash_walks_through_the_declared_commitment(logs: Path, plain: Plan, tmp_path: Path) -> None:
    own = (
        '[plan]\nfiscal_year_start = 4\neffective_rate = "0.8"\n'
        '[commitment]\nbalance = "1000.00"\nas_of = 2026-11-22\nends = 2027-02-01\n'
    )
    cash = planned(logs, folder=tmp_path, settings=own).document.cash
    assert cash is not None
    assert (cash.window.start, cash.window.end_exclusive) == ("2026-11-22", "2027-04-01")
    assert cash.effective_rate == "0.8"
    # without the plan 71 days of 0.85 x 0.8 = 0.68 are drawn: 48.28
    assert cash.forfeited_before_usd == "951.72"
    assert Decimal(cash.forfeited_after_usd) > Decimal("951.72")
    assert Decimal(cash.cash_saved_usd) < Decimal(cash.effective_saved_usd) < Decimal(cash.list_saved_usd)
    assert plain.document.cash is not None
    assert plain.document.cash.window.end_exclusive == "2027-01-01"
    assert plain.document.cash.cash_saved_usd == plain.document.cash.list_saved_usd


@pytest.mark.parametrize(
    ("billed", "rate", "said"),
    [
        (40, Decimal("0.4"), []),
        (110, Decimal("1.1"), []),
        (39, None, [("effective-rate-odd", "0.3900")]),
        (1_000, None, [("effective-rate-odd", "10.0000")]),
        (None, None, []),
    ],
)
def test_a_bill_that_is_not_this_usages_is_said_and_not_used(
    billed: int | None, rate: Decimal | None, said: list[tuple[str, str]]
) -> None:
    found, problems = effective_rate_of(_settled(billed, 100), parse_project(""))
    assert found == rate
    assert [(one.code, one.value) for one in problems] == said
    declared = parse_project('[plan]\neffective_rate = "0.2"\n')
    assert effective_rate_of(_settled(billed, 100), declared) == (Decimal("0.2"), [])


def _settled(billed: int | None, listed: int) -> Table:
    """One account's one day: a bill and its list price."""
    return {
        "account": np.array(["a"], dtype=object),
        "day": np.array([1]),
        "billed_nano_usd": np.ma.masked_array([billed or 0], mask=[billed is None]),
        "list_nano": np.ma.masked_array([listed], mask=[False]),
    }


def test_what_was_used_since_the_balance_was_declared_is_taken_off_it(logs: Path, tmp_path: Path) -> None:
    # the ledger has nine days of 0.85 x 0.8 = 0.68 from 2026-11-12 on, and 71 more are drawn before the end: 54.40
    own = (
        '[plan]\nfiscal_year_start = 4\neffective_rate = "0.8"\n'
        '[commitment]\nbalance = "1000.00"\nas_of = 2026-11-12\nends = 2027-02-01\n'
    )
    cash = planned(logs, folder=tmp_path, settings=own).document.cash
    assert cash is not None
    assert cash.forfeited_before_usd == "945.60"


def test_a_plan_that_lands_nothing_is_still_a_plan(logs: Path, tmp_path: Path) -> None:
    cash = planned(logs, folder=tmp_path, settings='[plan]\nrealization = "0"\n').document.cash
    assert cash is not None
    assert cash.cash_saved_usd == "0.00"


def test_a_window_longer_than_the_deadline_is_shortened(logs: Path, tmp_path: Path, plain: Plan) -> None:
    triage = named(plain.document, "triage").id
    own = f'[plan]\nbatch_window = "2d"\n[[workload]]\nname = "triage"\nid = "{triage}"\ndeadline = "24h"\n'
    entries = {entry.workload.name: entry for entry in planned(logs, folder=tmp_path, settings=own).policy.entries}
    assert entries["triage"].batch is not None
    assert (entries["triage"].batch.deadline, entries["triage"].batch.window) == ("1d", "6h")


def test_declared_limits_hold_a_model_back(logs: Path, tmp_path: Path) -> None:
    # a call of 50,000 tokens does not fit a pool that takes one token a minute
    own = "[limits.pool.sonnet-5-5]\ninput_tokens = 1\n"
    document = planned(logs, folder=tmp_path, settings=own).document
    assert named(document, "triage").choice.model != "claude-sonnet-5-5"


def test_a_pool_that_is_not_there_is_said(logs: Path, tmp_path: Path) -> None:
    document = planned(logs, folder=tmp_path, settings="[limits.pool.sonnet]\ninput_tokens = 1\n").document
    [problem] = [one for one in document.problems if one.code == "pool-unknown"]
    assert problem.value == "limits.pool.sonnet"
    assert "sonnet-5-5" in problem.expected


def test_a_declared_deadline_may_run_and_zero_data_retention_forbids_it(
    logs: Path, tmp_path: Path, plain: Plan
) -> None:
    triage = named(plain.document, "triage").id
    own = f'[[workload]]\nname = "triage"\nid = "{triage}"\ndeadline = "24h"\n'
    waits = planned(logs, folder=tmp_path, settings=own)
    assert choice(named(waits.document, "triage"), "deployable").batch
    # half price at best
    assert Decimal(0) < scenario(waits.document, "deployable") <= Decimal("54.75")
    entry = next(one for one in waits.policy.entries if one.workload.name == "triage")
    assert entry.batch is not None
    kept = planned(logs, folder=tmp_path, settings="zero_data_retention = true\n" + own)
    assert not choice(named(kept.document, "triage"), "deployable").batch
    assert not any(one.choice.batch for one in kept.document.workloads)


def test_a_plan_asked_for_twice_is_the_same(logs: Path, plain: Plan) -> None:
    again = planned(logs, folder=logs.parent)
    assert again.document == plain.document
    assert again.policy == plain.policy
