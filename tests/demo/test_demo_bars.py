"""The demo's project: bars that can be read, true answers for what was logged, workloads the map finds by these ids."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from baseload.demo import DemoManifest
from baseload.demo.answers.bars import BARS, DemoBar
from baseload.demo.answers.speaker import answer_text, recorded_take
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.writers.project import workload_key
from baseload.prices.book import PriceBook
from baseload.project import Project, parse_project
from baseload.quality.trial.bars import GraderFiles, bar_of, files_of, grader_of, known_id, truths_of
from baseload.usage.read import read_paths
from baseload.usage.reader import ReadContext
from baseload.values import DAY_US, Call, OrgKey, Problem
from baseload.workloads.cascade import base_key
from baseload.workloads.signature import Signature

SERVICES = {service.name: service for service in LARKFIELD.services}
_ID = re.compile(r"(?:Message|Record|Contract) (\d+)")


@pytest.fixture(scope="module")
def project(folder: Path, manifest: DemoManifest) -> Project:
    return parse_project((folder / "baseload.toml").read_text())


def logged(folder: Path, service: str) -> list[dict[str, Any]]:
    files = sorted((folder / "logs" / service).glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


@pytest.mark.parametrize("place", range(len(BARS)), ids=[bar.service for bar in BARS])
def test_a_bar_of_the_project_is_the_one_declared(folder: Path, project: Project, place: int) -> None:
    table, declared = project.bar[place], BARS[place]
    files = GraderFiles(folder=folder, contents={n: (folder / n).read_bytes() for n in files_of(table.grader)})
    bar = bar_of(table, table.workload, files)
    assert (bar.points, bar.budget_usd, bar.most_calls) == (declared.margin, declared.budget_usd, declared.most_calls)
    assert bar.tier_required == grader_of(table.grader, files).tier == "truth"
    assert table.approved_by == declared.approved_by
    settled = next(rule for rule in project.workload if rule.id == table.workload)
    assert settled.data_use == "batch_allowed"
    truths, problems = truths_of(table.grader, files)
    answered = [row for row in logged(folder, declared.service) if row["status"] == 200]
    assert not problems
    assert set(truths) == {known_id(row["response"]["id"]) for row in answered}


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.service)
def test_the_recorded_answers_are_those_of_the_models_that_gave_them(
    folder: Path, manifest: DemoManifest, bar: DemoBar
) -> None:
    seen = set()
    for row in logged(folder, bar.service):
        number = int(_ID.match(row["request"]["messages"][-1]["content"])[1])  # type: ignore[index]  # a gradeable record
        if row["status"] == 200 and number not in seen:  # a repeat is another asking
            seen.add(number)
            model = row["request"]["model"]
            expected = answer_text(bar.service, model, number, seed=manifest.seed, take=recorded_take(0))
            assert row["response"]["content"][-1]["text"] == expected
    assert len(seen) > 20


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.service)
def test_the_map_knows_the_workload_by_the_id_in_the_project(
    folder: Path, manifest: DemoManifest, book: PriceBook, bar: DemoBar
) -> None:
    service = SERVICES[bar.service]
    context = ReadContext(org_key=OrgKey(b"k" * 32), resolve_model=book.resolve)
    end_us = manifest.as_of_day * DAY_US
    keys = set()
    for file in read_paths([folder / "logs" / bar.service], context, as_of_us=end_us):
        for record in file.records:
            assert not isinstance(record, Problem)
            if isinstance(record, Call):
                named = {name: getattr(record, name) for name in ("source", "account", "api_key", "tags")}
                keys.add(base_key(Signature(signature="", **named), ()))
    assert {key.id for key in keys if key} == {workload_key(service, LARKFIELD.account(service.account)).id}
