"""What a pull has done and what is left: one frozen record, saved beside the pages after each of them."""

from __future__ import annotations

import datetime as dt

import msgspec

from baseload.usage.pull.series import (
    ANALYTICS_DAYS,
    ANALYTICS_FIRST_DAY,
    PREFERRED,
    REVISED_DAYS,
    SERIES,
    Window,
    days_between,
    months_between,
)

SCHEMA = "baseload.pull-state/1"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One window of one report."""

    series: str
    window: Window
    cursor: str = ""  # of the next page; "" before the first
    files: tuple[str, ...] = ()  # pages written so far
    stale: tuple[str, ...] = ()  # pages of an earlier pull of this window, removed once the new ones are whole
    done: bool = False
    rows: int = 0
    refreshed_at: str = ""  # what the last page's data are complete through
    restarts: int = 0

    def file_name(self, page: int) -> str:
        return f"{self.series}-{self.window.start.isoformat()}-p{page:03d}.json"

    @property
    def next_file(self) -> str:
        return self.file_name(len(self.files) + 1)

    def settled(self) -> bool:
        """True when the provider no longer revises this window."""
        refreshed = self.refreshed_at[:10]
        return bool(refreshed) and dt.date.fromisoformat(refreshed) >= self.window.end + dt.timedelta(days=REVISED_DAYS)

    def again(self) -> Task:
        """The same window from its first page."""
        return Task(
            series=self.series,
            window=self.window,
            stale=tuple(sorted({*self.stale, *self.files})),
            restarts=self.restarts,
        )


class PullState(msgspec.Struct, frozen=True, kw_only=True):
    """One pull, finished or not."""

    schema: str = SCHEMA
    since: dt.date
    until: dt.date  # exclusive
    tasks: tuple[Task, ...] = ()
    probed: bool = False  # the Analytics API was asked what it can answer
    complete_through: dt.date | None = None  # nothing after it is asked for
    organization_id: str = ""
    notes: tuple[str, ...] = ()
    finished: bool = False


class PullPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    since: dt.date
    until: dt.date
    today: dt.date
    owners: bool = True
    claude_code: bool = False


def begin(plan: PullPlan, earlier: PullState | None) -> PullState:
    """The state to go on from: an unfinished pull of the same days is resumed, anything else is planned anew.

    Planned anew, windows of an earlier pull are kept where nothing about them can have changed since.
    """
    if earlier and not earlier.finished and (earlier.since, earlier.until) == (plan.since, plan.until):
        return earlier
    known = {(task.series, task.window.start): task for task in (earlier.tasks if earlier else ())}
    tasks = []
    for task in _tasks(plan):
        old = known.pop((task.series, task.window.start), None)
        if old and old.done and old.window == task.window and old.settled():
            tasks.append(old)
        else:
            tasks.append(msgspec.structs.replace(task, stale=old.again().stale) if old else task)
    kept = tuple(old for old in known.values() if old.done)
    return PullState(since=plan.since, until=plan.until, tasks=(*kept, *tasks))


def _tasks(plan: PullPlan) -> list[Task]:
    first = max(plan.since, min(analytics_floor(plan.today), plan.until))
    preferred = [name for name in PREFERRED if plan.owners or name != "usage-owners"]
    tasks = [
        Task(series=name, window=window)
        for window in months_between(plan.since, first)
        for name in ("legacy-usage", "legacy-cost")
    ]
    tasks += [Task(series=name, window=window) for window in months_between(first, plan.until) for name in preferred]
    if plan.claude_code:
        tasks += [Task(series="claude-code", window=window) for window in days_between(plan.since, plan.until)]
    return tasks


def analytics_floor(today: dt.date) -> dt.date:
    """The first day the Analytics API answers for, as a month's first so that windows stay whole months."""
    earliest = max(ANALYTICS_FIRST_DAY, today - dt.timedelta(days=ANALYTICS_DAYS - 1))
    if earliest.day == 1:
        return earliest
    return earliest.replace(year=earliest.year + earliest.month // 12, month=earliest.month % 12 + 1, day=1)


def replace_task(state: PullState, place: int, task: Task) -> PullState:
    tasks = (*state.tasks[:place], task, *state.tasks[place + 1 :])
    return msgspec.structs.replace(state, tasks=tasks)


def without(state: PullState, refused: str) -> PullState:
    """The state after one Analytics endpoint was refused: its windows are asked of the legacy report instead."""
    tasks: list[Task] = []
    planned = {(task.series, task.window.start) for task in state.tasks}
    for task in state.tasks:
        series = SERIES[task.series]
        if task.done or series.path != refused:
            tasks.append(task)
        elif (series.instead, task.window.start) not in planned:
            planned.add((series.instead, task.window.start))
            tasks.append(Task(series=series.instead, window=task.window))
    return msgspec.structs.replace(state, tasks=tuple(tasks))


def clipped(state: PullState, through: dt.date) -> PullState:
    """The state asking for nothing after `through`: what is not complete is left for the next pull."""
    tasks = []
    for task in state.tasks:
        if task.done or task.window.end <= through:
            tasks.append(task)
        elif task.window.start < through:
            tasks.append(msgspec.structs.replace(task, window=Window(start=task.window.start, end=through)))
    return msgspec.structs.replace(state, tasks=tuple(tasks), complete_through=through)
