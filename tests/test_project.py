"""`baseload.toml`, the tables of the plan: what is read, and a bad value named with its place and what was expected."""

from __future__ import annotations

import datetime as dt

import pytest

from baseload.errors import ProjectError
from baseload.project import DeclaredLimits, PlanSettings, PoolLimits, parse_project

COMMITMENT = '[commitment]\nbalance = "1250000.00"\nas_of = 2026-11-01\nends = 2027-07-01\n'


def test_an_empty_project_has_the_defaults_of_the_page() -> None:
    project = parse_project("")
    assert project.limits == DeclaredLimits()
    assert project.commitment is None
    assert project.plan == PlanSettings(
        fiscal_year_start=1, effective_rate="", capacity_days_per_week="5", realization="0.8", trial_weeks=2,
        gateway=True, batch_window="10m", batch_completion="", person_days={},
    )  # fmt: skip


def test_every_table_of_the_plan_is_read() -> None:
    project = parse_project(
        '[limits]\ntier = "scale"\n[limits.pool.haiku-5-5]\nrequests = 10\ninput_tokens = 20\noutput_tokens = 30\n'
        '[plan]\nfiscal_year_start = 12\neffective_rate = "2"\nrealization = "0"\nbatch_window = "90s"\n'
        '[plan.person_days]\ntrial = "0.5"\n' + COMMITMENT + 'overage_rate = "0.9"\n'
    )
    assert project.limits.tier == "scale"
    assert project.limits.pool == {"haiku-5-5": PoolLimits(requests=10, input_tokens=20, output_tokens=30)}
    assert (project.plan.fiscal_year_start, project.plan.effective_rate, project.plan.realization) == (12, "2", "0")
    assert project.plan.person_days == {"trial": "0.5"}
    assert project.commitment is not None
    assert project.commitment.balance_nano == 1_250_000 * 10**9
    assert project.commitment.ends == dt.date(2027, 7, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[plan]\neffective_rate = "0"', r'effective_rate is .0.; .*"0\.85"'),
        ('[plan]\neffective_rate = "85 %"', r"effective_rate is .85 %."),
        ('[plan]\neffective_rate = "2.01"', r"effective_rate is .2\.01.; .* to 2"),
        ("[plan]\neffective_rate = 0.85", r"Expected `str`, got `float` - at `\$\.plan\.effective_rate`"),
        ('[plan]\nrealization = "1.1"', r"realization is .1\.1.; .* 0 to 1"),
        ('[plan]\nrealization = "-0.1"', r"realization is .-0\.1."),
        ('[plan]\ncapacity_days_per_week = "0"', r"capacity_days_per_week is .0."),
        ('[plan]\ncapacity_days_per_week = "NaN"', r"capacity_days_per_week is .NaN."),
        ("[plan]\nfiscal_year_start = 13", r"<= 12 - at `\$\.plan\.fiscal_year_start`"),
        ("[plan]\nfiscal_year_start = 0", r">= 1 - at `\$\.plan\.fiscal_year_start`"),
        ("[plan]\ntrial_weeks = 53", r"<= 52 - at `\$\.plan\.trial_weeks`"),
        ('[plan]\nbatch_window = "ten minutes"', r"\$\.plan\.batch_window"),
        ('[plan]\nbatch_window = "10"', r"\$\.plan\.batch_window"),
        ('[plan.person_days]\nmeeting = "1"', r"[Ii]nvalid enum value .meeting. - at `key` in `\$\.plan\.person_days`"),
        ('[plan.person_days]\ntrial = "0"', r"person_days\.trial is .0."),
        ('[plan]\npace = "5"', r"unknown field `pace`"),
        ('[limits]\ntier = "gold"', r"[Ii]nvalid enum value .gold. - at `\$\.limits\.tier`"),
        ("[limits.pool.haiku]\nrequests = -1", r">= 0 - at `\$\.limits\.pool\[\.\.\.\]\.requests`"),
        ("[limits.pool.haiku]\ntokens = 1", r"unknown field `tokens`"),
        (COMMITMENT.replace('"1250000.00"', '"much"'), r"balance is .much."),
        (COMMITMENT.replace('"1250000.00"', "1250000.00"), r"Expected `str`, got `float` - at `\$\.commitment"),
        (COMMITMENT + 'overage_rate = "3"', r"overage_rate is .3.; .* to 2"),
        ('[commitment]\nbalance = "1"\nas_of = 2026-11-01', r"missing required field `ends`"),
        ('[[invoice]]\nmonth = "2026-10"\namount = "1"\noverage = "NaN"', r"overage is .NaN."),
    ],
)  # fmt: skip
def test_a_bad_value_is_named_with_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(ProjectError, match=said) as raised:
        parse_project(text + "\n")
    assert str(raised.value).startswith("baseload.toml: ")


def test_what_a_commitment_covers_is_read() -> None:
    project = parse_project(
        '[commit]\ncurrent_contract = "signed.yaml"\noffers = ["a.yaml", "b.yaml"]\n'
        '[[commit.scope]]\nin_scope = false\nplatform = "bedrock"\n'
        '[[commit.scope]]\nin_scope = "unknown"\nproduct = "claude_code"\ncontract = "Direct"\n'
        '[[commit.scope]]\nin_scope = true\nworkspace = "prod-*"\naccount = "acme"\n'
    )
    assert (project.commit.current_contract, project.commit.offers) == ("signed.yaml", ("a.yaml", "b.yaml"))
    assert [row.in_scope for row in project.commit.scope] == [False, "unknown", True]
    assert (project.commit.scope[1].contract, project.commit.scope[2].workspace) == ("Direct", "prod-*")
    assert parse_project("").commit.scope == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[commit.scope]]\nplatform = "bedrock"', r"missing required field `in_scope`"),
        ('[[commit.scope]]\nin_scope = "maybe"', r"[Ii]nvalid enum value .maybe."),
        ('[[commit.scope]]\nin_scope = true\nmodel = "x"', r"unknown field `model`"),
        ('[[commit.scope]]\nin_scope = true\nworkspace = "a*b"', r"workspace is .a\*b.; expected \* at its end only"),
        (
            f'[[commit.scope]]\nin_scope = true\naccount = "{"x" * 201}"',
            r"<= 200 - at `\$\.commit\.scope\[0\]\.account`",
        ),
        ("[[commit.scope]]\nin_scope = true\n" * 1_001, r"<= 1000 - at `\$\.commit\.scope`"),
        ('[commit]\noffers = ["a.yaml", "a.yaml"]', r"offers holds a path twice"),
        ('[commit]\ncurrent = "x"', r"unknown field `current`"),
    ],
)
def test_a_scope_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(ProjectError, match=said):
        parse_project(text + "\n")
