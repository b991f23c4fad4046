"""The plan as one self-contained page, in the look of the map: every figure in a table, pictures where they help."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from baseload.plan.document import PlanDocument
from baseload.report import numbers, plan_words, trial_words
from baseload.report.page_kit import rendered
from baseload.report.plan_charts import plan_charts
from baseload.report.plan_view import PlanView, plan_view

STYLES = "report.css plan.css"
FILES = ("plan.json", "plan-workloads.csv", "plan-changes.csv", "plan-waterfall.csv")


def render_plan_html(
    document: PlanDocument, *, beside: Sequence[str] = (), evidence: Mapping[str, str] = MappingProxyType({})
) -> bytes:
    """The page, UTF-8. The same document always gives the same bytes.

    `beside` are more files of the folder; `evidence` has the page of each trial, by its verdict's id.
    """
    seen = plan_view(document)
    values = {
        "document": document,
        "view": seen,
        "unit": document.basis.unit,
        "words": plan_words,
        "trials": trial_words,
        "evidence": evidence,
        "unused": _unused(document, evidence),
        "contents": _contents(seen, has_unused=bool(_unused(document, evidence))),
        "files": (*beside, *FILES),
    }
    places = numbers.places_for(document.totals.as_billed_usd)
    return rendered("plan_page.html.j2", values, plan_charts(document), places=places, styles=STYLES)


def _unused(document: PlanDocument, evidence: Mapping[str, str]) -> dict[str, str]:
    """Pages of trials that no row of the plan links to, by verdict: a page that nothing leads to is not evidence."""
    used = {move.verdict_id for move in trial_words.moves(document)}
    return {name: page for name, page in evidence.items() if name not in used}


def _contents(seen: PlanView, *, has_unused: bool) -> list[tuple[str, str]]:
    document = seen.document
    sections = [
        ("headline", "Headline", True),
        ("waterfall", "From the bill to the plan", True),
        ("rules", "What rests on what", True),
        ("moves", "What is proven", bool(seen.moves) or has_unused),
        ("changes", "What to do first", True),
        ("weeks", "Week by week", document.adoption is not None),
        ("cash", "Cash", document.cash is not None),
        ("workloads", "Workloads", True),
        ("each", "Workload by workload", bool(seen.drills)),
        ("evidence", "How to read this", True),
        ("problems", "Problems", True),
    ]
    return [(anchor, title) for anchor, title, there in sections if there]
