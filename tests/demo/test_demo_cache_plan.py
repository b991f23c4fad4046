"""The two cache faults planted in the demo company are found by the plan from its sampled calls, at their price."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from demo_window import END
from msgspec.structs import replace

from baseload.demo.larkfield import LARKFIELD
from baseload.demo.planted import RECENT_DAYS, TOLERANCE, _noted, _prefix_beside_plain
from baseload.demo.simulate import simulate
from baseload.demo.truth import COUNTS, Truth
from baseload.demo.write import _write_logs
from baseload.demo.writers.files import Output
from baseload.engine.duckdb import DuckDBEngine
from baseload.ledger.importing import import_records
from baseload.ledger.store import Ledger
from baseload.levers.cache.misses import MissRow, explain_misses
from baseload.levers.cache.opportunity import planned_opportunities
from baseload.levers.cache.rows import rows_by_workload
from baseload.levers.cache.workload import cache_outcomes
from baseload.levers.options import CacheOutcome
from baseload.levers.position import Position
from baseload.prices.book import PriceKey
from baseload.prices.load import load_book
from baseload.usage.read import read_paths
from baseload.usage.reader import ReadContext
from baseload.values import TOKEN_CLASSES, OrgKey, Tokens, Window

STAMPED, QUARTERLY = "help-center-answers", "sql-assistant"


class Seen(NamedTuple):
    """What the ledger of the two services says of one of them."""

    plan: CacheOutcome
    outcomes: list[CacheOutcome]
    misses: list[MissRow]


@pytest.fixture(scope="module")
def services() -> Truth:
    company = replace(LARKFIELD, services=tuple(s for s in LARKFIELD.services if s.name in (STAMPED, QUARTERLY)))
    return simulate(company, Window(start_day=END - 184, end_day_exclusive=END), load_book(), seed=7)


@pytest.fixture(scope="module")
def seen(services: Truth, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """By service: its calls written, read and studied as a user's would be."""
    root, book = tmp_path_factory.mktemp("services"), load_book()
    company = replace(LARKFIELD, services=tuple(s for s in LARKFIELD.services if s.name in services.runs))
    _write_logs(Output(root), services, company, 7, None)
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=book.resolve)
    files = read_paths([root / "logs"], context, as_of_us=(END + 1) * 86_400_000_000)
    with Ledger.open(Path(root / "ledger"), create=True) as ledger, DuckDBEngine(threads=1) as engine:
        import_records(ledger, files)
        ledger.attach(engine)
        keys = ledger.signatures()
        key_of = dict(zip(keys["signature"].tolist(), keys["api_key"].tolist(), strict=True))
        split = dict(rows_by_workload(engine, key_of.__getitem__))
    assert len(split) == 2
    found = {}
    models = [book.models[name] for name in ("claude-opus-4-8", "claude-opus-5-5")]
    for rows in split.values():
        outcomes, problems = cache_outcomes(rows, models, book, END)
        assert problems == []
        name = STAMPED if (rows["sampling_rate"] == 1100).all() else QUARTERLY
        plan = [one for one in outcomes if one.policy in ("plan", "edited")][-1]
        found[name] = Seen(plan, outcomes, explain_misses(rows, book, END)[0])
    return found


def positions(truth: Truth, service: str) -> list[Position]:
    """The true tokens of the last 28 days at their prices."""
    by_model: dict[str, np.ndarray[tuple[int], np.dtype[np.int64]]] = {}
    for cell, total in truth.runs[service].cells.items():
        if cell.day >= END - RECENT_DAYS:
            by_model[cell.model] = by_model.get(cell.model, np.zeros(len(COUNTS), np.int64)) + total
    return [
        Position(
            workload=service,
            key=PriceKey(model, "anthropic", "global", "standard", "standard", "0-100k"),
            requests=int(total[0]),
            tokens=Tokens(**{name: int(total[COUNTS.index(name)]) for name in TOKEN_CLASSES}),
            list_nano=0,
            list_high_nano=0,
        )
        for model, total in by_model.items()
    ]


def planted_nano(truth: Truth, service: str) -> int:
    saving = _prefix_beside_plain if service == STAMPED else _noted(truth, "ttl_1h")
    cells = [(cell, total) for cell, total in truth.runs[service].cells.items() if cell.day >= END - RECENT_DAYS]
    declared = next(found for found in LARKFIELD.services if found.name == service)
    return saving(declared, cells, load_book())


@pytest.mark.parametrize("service", [STAMPED, QUARTERLY])
def test_the_plan_is_worth_what_was_planted(services: Truth, seen: dict[str, Seen], service: str) -> None:
    (row,) = planned_opportunities({service: seen[service].outcomes}, positions(services, service), load_book(), END)
    planted = planted_nano(services, service)
    assert row.low_nano <= planted * (1 + TOLERANCE)
    assert planted * (1 - TOLERANCE) <= row.high_nano
    assert row.low_nano > planted // 2


def test_the_time_stamp_is_named_and_moved(seen: dict[str, Seen]) -> None:
    plan, misses = seen[STAMPED].plan, seen[STAMPED].misses
    assert plan.policy == "edited"
    assert plan.move_after_prefix[0].startswith("time stamp, date")
    assert [mark.after for mark in plan.marks] == ["system:0"]
    assert misses[0].reason == "system_changed"
    assert "time stamp" in misses[0].detail
    assert misses[0].nano_usd > 0.9 * sum(row.nano_usd for row in misses)


def test_quarter_hourly_prefixes_get_the_hour(seen: dict[str, Seen]) -> None:
    plan, misses = seen[QUARTERLY].plan, seen[QUARTERLY].misses
    assert [(mark.after, mark.ttl) for mark in plan.marks] == [("system:0", "1h")]
    assert plan.move_after_prefix == ()
    assert (misses[0].reason, misses[0].detail) == ("gap_over_ttl", "5m expired, 1h would live")
