"""The decisions only a person can make, dearest first, and never more than somebody would answer."""

from __future__ import annotations

from msgspec.structs import replace
from workload_tables import USD

from baseload.project import Invoice, Project, WorkloadRule
from baseload.project_bars import BarTable, SignalsTable
from baseload.workloads.decisions import Decision, Subject, Usage, decisions
from baseload.workloads.key import UNATTRIBUTED


def subject(name: str, usd: int, *, share: float = 0.5, owner: str = "Ann", **more: object) -> Subject:
    return Subject(id=f"w-{name}", name=name, stage="owner", list_nano=usd * USD, share=share, owner=owner, **more)  # type: ignore[arg-type]


def usage(*subjects: Subject, **more: object) -> Usage:
    total = sum(one.list_nano for one in subjects)
    return Usage(subjects=subjects, list_nano=total, bill_known=True, **more)  # type: ignore[arg-type]


def asked(found: list[Decision]) -> list[tuple[str, str]]:
    return [(one.kind, one.subject_name) for one in found]


def test_an_unowned_workload_asks_for_its_owner_and_an_owned_one_does_not() -> None:
    found = decisions(usage(subject("a", 10, owner=""), subject("b", 20)), Project())
    assert asked(found) == [("owner", "a")]
    assert found[0].blocks_nano == 10 * USD
    assert found[0].saving_nano is None


def test_spend_that_could_wait_asks_for_a_deadline_only_where_a_batch_would_save() -> None:
    saving = {"batch": 4 * USD}
    found = decisions(
        usage(
            subject("could", 10, latency="unknown", saving_nano=saving),
            subject("waits", 10, latency="tolerant", saving_nano=saving),
            subject("cannot", 10, latency="interactive", saving_nano=saving),
            subject("nothing", 10, latency="tolerant"),
        ),
        Project(),
    )
    assert asked(found) == [("deadline", "could"), ("deadline", "waits")]
    assert found[0].saving_nano == 4 * USD


def test_a_route_asks_for_a_bar_and_for_leave_to_replay() -> None:
    found = decisions(usage(subject("a", 10, saving_nano={"route": 6 * USD})), Project())
    assert asked(found) == [("bar", "a"), ("data_use", "a")]


WAITING = subject("a", 10, latency="tolerant", saving_nano={"route": USD, "batch": USD})
RULE = WorkloadRule(name="x", id="w-a", owner="Ann", deadline="4h", data_use="none")


def bar(workload: str) -> BarTable:
    return BarTable(workload=workload, grader=SignalsTable(), budget_usd="25")


def test_what_the_project_says_is_not_asked_again() -> None:
    for named in ("w-a", "a"):
        assert decisions(usage(WAITING), Project(workload=(RULE,), bar=(bar(named),))) == []


def test_a_bar_in_words_is_none_that_a_trial_could_show() -> None:
    worded = replace(RULE, bar="98 %")
    [found] = decisions(usage(WAITING), Project(workload=(worded,), bar=(bar("w-other"),)))
    assert (found.kind, found.subject) == ("bar", "w-a")
    assert found.how.startswith('[[bar]] with workload = "w-a"')


def test_older_spellings_of_leave_to_replay_still_answer() -> None:
    for said in ("yes", "no", "same_platform", "batch_allowed"):
        project = Project(workload=(replace(RULE, data_use=said),), bar=(bar("w-a"),))
        assert decisions(usage(WAITING), project) == []


def test_the_dearest_question_comes_first_and_at_equal_dollars_the_larger_saving() -> None:
    found = decisions(
        usage(
            subject("small", 10, owner=""),
            subject("big", 90, owner="", latency="tolerant", saving_nano={"batch": 30 * USD, "route": 50 * USD}),
        ),
        Project(),
    )
    assert asked(found) == [
        ("bar", "big"),
        ("data_use", "big"),
        ("deadline", "big"),
        ("owner", "big"),
        ("owner", "small"),
    ]


def test_many_small_workloads_are_one_question() -> None:
    small = [subject(f"s{n}", 1, share=0.009, owner="") for n in range(7)]
    found = decisions(usage(subject("a", 700), *small), Project())
    assert asked(found) == [("owner", "7 small workloads")]
    assert found[0].blocks_nano == 7 * USD


def test_months_without_an_invoice_are_one_question_for_all_their_dollars() -> None:
    months = {"2026-08": 3 * USD, "2026-09": 4 * USD, "2026-10": 5 * USD, "2026-07": 0}
    project = Project(invoice=(Invoice(month="2026-09", amount="4"),))
    found = decisions(usage(subject("a", 12), months=months), project)
    assert asked(found) == [("invoice", "2026-08, 2026-10")]
    assert found[0].blocks_nano == 8 * USD


def test_without_a_bill_or_an_overlay_every_dollar_waits_for_your_prices() -> None:
    listed = Usage(subjects=(subject("a", 12),), list_nano=12 * USD)
    assert asked(decisions(listed, Project())) == [("price_overlay", "prices")]
    assert decisions(listed, Project(price_overlay="prices.yaml")) == []


def test_an_unknown_model_comes_first_when_it_hides_a_real_share_of_the_rows() -> None:
    known = subject("a", 10, owner="")
    often = usage(known, rows=100, unpriced_rows=1, unknown_models=('my "model"',))
    found = decisions(often, Project())
    assert [one.kind for one in found] == ["model", "owner"]
    assert found[0].blocks_nano is None
    assert found[0].how.startswith('"my \\"model\\"" = ')
    rarely = usage(known, rows=1000, unpriced_rows=1, unknown_models=("m",))
    assert [one.kind for one in decisions(rarely, Project())] == ["owner", "model"]


def test_unattributed_spend_asks_whose_it_is_and_nothing_else() -> None:
    rest = Subject(id=UNATTRIBUTED.id, name="unattributed", stage="unattributed", list_nano=5 * USD, share=0.1)
    assert asked(decisions(usage(rest), Project())) == [("unattributed", "unattributed")]


def test_nothing_spent_asks_nothing() -> None:
    assert decisions(Usage(subjects=(), list_nano=0), Project()) == []
