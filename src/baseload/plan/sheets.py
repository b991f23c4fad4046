"""Change sheets: one Markdown page per workload for the people who edit its code, and the ranked list of all changes.

A sheet holds structure and figures, never a word of a prompt. Names come from logs and are escaped: a sheet is opened
in editors and browsers that run what they find.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from baseload.levers.route.status import status_of
from baseload.plan.adoption import Adoption, Shipped
from baseload.plan.cents import cents_text, column_in_cents, nearest_cent
from baseload.plan.changes import Change, Kind
from baseload.plan.choice import Lever
from baseload.plan.claude_code import FILE, Fragment, settings_fragment
from baseload.plan.planned import Planned
from baseload.plan.policy_plan import duration
from baseload.plan.sheet_code import batch_code, call_diff, request_json
from baseload.plan.sheet_request import Request, requests_of
from baseload.plan.span import Span
from baseload.plan.words import days_text, dollars, span_dollars
from baseload.workloads.naming import slug

INDEX: Final = "README.md"
COLUMNS: Final = (
    *("rank", "workload", "workload_name", "owner", "lever", "change", "low_usd", "likely_usd", "high_usd", "grade"),
    *("person_days", "kinds", "per_week_of_work_usd", "needs_trial", "ships_in_week"),
)
"""Of changes.csv; dollars are list dollars a year."""
WORK: Final[Mapping[Kind, str]] = {
    "config": "a setting",
    "gateway_policy": "an entry of the gateway's policy",
    "code": "code",
    "prompt": "the order of the prompt",
    "trial": "a quality trial first",
}
_STEP: Final[Mapping[Lever, str]] = {
    "fix": "Remove waste",
    "effort": "Ask for less effort",
    "route": "Run on another model",
    "cache": "Cache the repeated part",
    "batch": "Send it in batches",
}
_SPECIAL: Final = frozenset("\\`*_[]<>|#~!&")


def change_sheets(planned: Iterable[Planned], adoption: Adoption) -> dict[str, str]:
    """File name -> text: a sheet for each workload with a change, README.md with all of them ranked, and the settings
    of Claude Code where the plan has any. File names depend on nothing but the workload."""
    changing = [one for one in planned if one.steps]
    files = {file_name(one): sheet(one, adoption) for one in changing}
    fragment = settings_fragment(changing)
    if fragment.settings:
        files[FILE] = fragment.json()
    return {INDEX: _index(changing, adoption, fragment), **files}


def change_rows(adoption: Adoption) -> list[tuple[str, ...]]:
    """Rows of changes.csv under COLUMNS, best first; the writer makes text cells safe for spreadsheets.

    Dollars are whole cents, and add up as in the plan's own document.
    """
    return list(map(_row, adoption.changes, column_in_cents([one.change.saving for one in adoption.changes])))


def file_name(one: Planned) -> str:
    """`support-triage-9f3a61.md`: readable, and never two alike.

    >>> slug("Ticket Triage")
    'ticket-triage'
    """
    return f"{slug(one.workload.name)}-{slug(one.workload.id)[-6:].strip('-')}.md"


def sheet(one: Planned, adoption: Adoption) -> str:
    """One workload's sheet."""
    before, after = requests_of(one)
    parts = (
        _head(one, adoption),
        _untested(one),
        _steps(one, adoption),
        _evidence(one),
        _settings(one) if one.coding_agent else _code(before, after),
        _rewrites(one),
        _batch(one, after),
        _roll_back(one),
    )
    return "\n".join(line for part in parts for line in part)


def plain(text: str) -> str:
    """Text from logs as inert Markdown on one line.

    >>> plain("a | <b>"), plain("x" * 3)
    ('a \\\\| \\\\<b\\\\>', 'xxx')
    """
    kept = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return "".join(f"\\{char}" if char in _SPECIAL else char for char in kept)


def _head(one: Planned, adoption: Adoption) -> Iterator[str]:
    mine = [shipped.change for shipped in adoption.changes if shipped.change.workload == one.workload.id]
    days = sum((change.person_days for change in mine), start=type(adoption.pace.capacity_days_per_week)(0))
    yield f"# {plain(one.workload.name)}: what to change"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| owner | {plain(one.workload.owner) or 'nobody named'} |"
    yield f"| saves a year, at list price | {span_dollars(one.saving)} |"
    yield f"| of | {dollars(one.billed_nano)} a year as billed |"
    yield f"| work | {days_text(days)} person-days (by kind of work: an estimate) |"
    yield f"| workload | {plain(one.workload.id)} |"
    yield ""


def _untested(one: Planned) -> Iterator[str]:
    if one.choice.route and not one.route.proven:
        yield f"> **Do not ship the model change yet.** Nobody has tested {plain(_target(one))} on this workload's own"
        yield "> calls. Run a quality trial first; the other changes were priced on top of it."
        yield ""


def _steps(one: Planned, adoption: Adoption) -> Iterator[str]:
    yield "## The changes, in order"
    yield ""
    yield "| change | saves a year | known how | work | person-days | ships in week |"
    yield "|---|---|---|---|---|---|"
    for shipped in adoption.changes:
        change = shipped.change
        if change.workload == one.workload.id:
            work = ", ".join(WORK[kind] for kind in change.kinds)
            yield (
                f"| {step_words(one, change.lever)} | {span_dollars(change.saving)} | {change.grade} | {work} "
                f"| {days_text(change.person_days)} | {shipped.week} |"
            )
    yield ""
    yield "Each line is priced on top of the lines above it, so they add up and none is counted twice."
    yield ""


def step_words(one: Planned, lever: Lever) -> str:
    """A change in a few words, with what it changes to."""
    what = _STEP[lever]
    if lever == "route":
        return f"{what}: {plain(_target(one))} instead of {plain(one.today.model or 'today’s')}"
    if lever == "effort":
        return f"{what}: {plain(one.route.effort or 'the default')}"
    if lever == "fix":
        kinds = sorted({one.menu.fixes[index].kind for index in one.choice.fixes})
        said = {"repeat": "identical repeats", "speed": "fast mode", "geo": "the regional surcharge"}
        return f"{what}: {', '.join(said[kind] for kind in kinds)}"
    cache = one.cache
    if lever == "cache" and cache is not None:
        marks = f"{len(cache.marks)} mark{'s' if len(cache.marks) > 1 else ''}"
        marks += ", once the prompt is edited and its answers checked" if cache.move_after_prefix else ""
        return f"{what}: {marks}" if cache.marks else f"{what}: policy {cache.policy}"
    return what


def _evidence(one: Planned) -> Iterator[str]:
    """What the figures rest on, in the words of whoever measured it."""
    cache, batch = one.cache, one.menu.batch if one.choice.batch else None
    said = [one.workload.why, one.workload.task_evidence, one.workload.latency_evidence]
    if one.choice.route:
        verdict = status_of(one.route.verdict, one.route.verdict_grade) + (
            f" by trial {one.route.verdict_id}" if one.route.verdict_id else ""
        )
        said.append(f"{_target(one)}: {verdict}. {one.route.note}")
    said += [one.menu.fixes[index].note for index in one.choice.fixes]
    if cache is not None:
        said.append(
            f"Cache policy {cache.policy} on {cache.calls:,} calls: {cache.read_share:.0%} of prompt tokens read, "
            f"{cache.write_5m_share + cache.write_1h_share:.0%} written, give or take {cache.spread:.0%} of the input "
            f"cost. {cache.note}"
        )
    if batch is not None:
        said.append(
            f"Batches on {batch.calls:,} calls: {batch.met_share:.1%} answered inside {duration(batch.deadline_us)} "
            f"({batch.deadline_source}). {batch.note}"
        )
    yield "## Evidence"
    yield ""
    yield from (f"- {plain(text)}" for text in said if text.strip())
    yield ""


def _code(before: Request, after: Request) -> Iterator[str]:
    yield "## The request"
    yield ""
    yield "Structure only: everything in angle brackets is yours and stays as it is, unless its place changes."
    yield ""
    yield from _fenced("Before", "json", request_json(before))
    yield from _fenced("After", "json", request_json(after))
    diff = call_diff(before, after)
    yield from _fenced("The same in Python", "diff", diff) if diff else ()


def _settings(one: Planned) -> Iterator[str]:
    """Claude Code: settings of its own, alone; the file beside the sheets holds those of all."""
    fragment = settings_fragment([one])
    if not fragment.settings:
        return
    yield "## The settings"
    yield ""
    yield f"People run this from their own machines: merge `{FILE}` into the managed settings of Claude Code."
    yield ""
    yield from _fenced("For this workload alone", "json", fragment.json().rstrip())
    yield from (f"- {plain(note)}" for note in fragment.notes)
    yield ""


def _rewrites(one: Planned) -> Iterator[str]:
    if not (one.choice.route and one.route.rewrites):
        return
    yield "## What the new model needs changed"
    yield ""
    yield from (f"- {plain(rewrite.action)} ({plain(rewrite.feature)})" for rewrite in one.route.rewrites)
    yield ""
    yield "The gateway rewrites these by itself; in code they are yours. Test quality after any of them."
    yield ""


def _batch(one: Planned, after: Request) -> Iterator[str]:
    if not one.choice.batch or one.menu.batch is None:
        return
    deadline = duration(one.menu.batch.deadline_us)
    yield from _fenced("In batches, without a gateway", "python", batch_code(after, deadline).rstrip())
    yield "A batch takes no `stream` and no `speed`, and no turn that waits for a tool of yours. Cache hits inside a"
    yield "batch are best effort: keep the marked part identical in every item."
    yield ""


def _roll_back(one: Planned) -> Iterator[str]:
    yield "## Roll back"
    yield ""
    if one.coding_agent:
        yield "Take the keys above out of the managed settings; sessions started after that run as before."
    else:
        yield f"Gateway: set `pin_original: true` in the policy's entry of {plain(one.workload.id)}."
        yield "Code: revert the diff."
    yield ""


def _fenced(title: str, language: str, text: str) -> Iterator[str]:
    """A titled block; the fence is longer than any run of backticks in it."""
    fence = "```"
    while fence in text:
        fence += "`"
    yield f"**{title}**"
    yield ""
    yield f"{fence}{language}"
    yield text
    yield fence
    yield ""


def _index(planned: Sequence[Planned], adoption: Adoption, fragment: Fragment) -> str:
    by_id = {one.workload.id: one for one in planned}
    pace = adoption.pace
    lines = [
        "# Changes, by dollars per week of work",
        "",
        f"At {days_text(pace.capacity_days_per_week)} person-days a week; {pace.realization:.0%} of a saving lands.",
        "Person-days and pace are assumptions until your own stand in baseload.toml.",
        "",
        "| | workload | change | a year, per week of work | saves a year | known how | ships in week |",
        "|---|---|---|---|---|---|---|",
    ]
    for shipped in adoption.changes:
        change, one = shipped.change, by_id.get(shipped.change.workload)
        if one is not None:
            lines.append(
                f"| {shipped.rank} | [{plain(change.name)}]({file_name(one)}) | {step_words(one, change.lever)} "
                f"| {dollars(change.nano_per_week_of_work)} | {span_dollars(change.saving)} | {change.grade} "
                f"| {shipped.week} |"
            )
    if fragment.settings:
        lines += ["", f"Claude Code: `{FILE}`.", "", *(f"- {plain(note)}" for note in fragment.notes)]
    return "\n".join([*lines, ""])


def _row(shipped: Shipped, cents: Span) -> tuple[str, ...]:
    change: Change = shipped.change
    return (
        str(shipped.rank),
        change.workload,
        change.name,
        change.owner,
        change.lever,
        _STEP[change.lever],
        cents_text(cents.low),
        cents_text(cents.likely),
        cents_text(cents.high),
        change.grade,
        days_text(change.person_days),
        " + ".join(change.kinds),
        cents_text(nearest_cent(change.nano_per_week_of_work)),
        "yes" if change.needs_trial else "no",
        str(shipped.week),
    )


def _target(one: Planned) -> str:
    return f"{one.route.model} at effort {one.route.effort}" if one.route.effort else one.route.model
