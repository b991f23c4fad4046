"""The pull as a generator of actions: it decides the next request from the state and the answers, and does nothing.

    flow = pull(state)
    action = next(flow)                  # Send, Wait, Save or Remove
    action = flow.send(Reply(…))         # the answer to Send; None to the others

The shell carries actions out (`client.run`); tests answer with literals. Nothing here knows a clock, a key, a socket or
a file. A state is saved with every page, so that a pull that was killed goes on with the page it lacked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Generator, Mapping
from typing import Any, Final, TypeAlias

import msgspec

from baseload.errors import PullError
from baseload.usage.normal import BadRecord, decode_json
from baseload.usage.pull.actions import Action, Remove, Reply, Save, Send, Wait
from baseload.usage.pull.replies import refusal, wait_of
from baseload.usage.pull.series import SERIES, Series, Window, params_of
from baseload.usage.pull.state import PullState, Task, clipped, replace_task, without

MOST_RESTARTS: Final = 3
_REFUSED: Final = (403, 404)
_EXPIRED: Final = 410


Flow: TypeAlias = Generator[Action, Any, PullState]
"""Sent back: a Reply to Send, None to everything else."""


def pull(state: PullState, *, pace: float = 0.0) -> Flow:
    """Everything left of a pull. `pace` is the least number of seconds between two requests.

    Returns the finished state. Raises PullError when the key is refused, a spend cap is hit, the server keeps failing,
    or an answer is no report.
    """
    if not state.probed:
        state = yield from _probe(state, pace)
        yield Save(state=state)
    while (place := _next(state)) is not None:
        state = yield from _page(state, place, pace)
    state = msgspec.structs.replace(state, finished=True)
    yield Save(state=state)
    return state


def _next(state: PullState) -> int | None:
    return next((place for place, task in enumerate(state.tasks) if not task.done), None)


def _probe(state: PullState, pace: float) -> Flow:
    """Ask each Analytics endpoint once: whether it answers, and through which day its data are complete."""
    through: list[dt.date] = []
    for path in sorted({SERIES[task.series].path for task in state.tasks if SERIES[task.series].analytics}):
        task = [task for task in state.tasks if SERIES[task.series].path == path][-1]
        series = SERIES[task.series]
        last = Window(start=task.window.end - dt.timedelta(days=1), end=task.window.end)
        reply = yield from _answered(series, last, "", pace)
        if reply.status in _REFUSED:
            state = _fall_back(state, series, reply)
            continue
        page = _page_of(reply)
        state = _named(state, reply)
        if refreshed := str(page.get("data_refreshed_at") or "")[:10]:
            through.append(dt.date.fromisoformat(refreshed))
    state = msgspec.structs.replace(state, probed=True)
    if through and min(through) < state.until:
        note = f"data are complete through {min(through)} only; later days are left for the next pull"
        state = clipped(_noted(state, note), min(through))
    return state


def _fall_back(state: PullState, series: Series, reply: Reply) -> PullState:
    legacy = SERIES[series.instead]
    note = f"{series.path} answered {reply.status}; the legacy report {legacy.path} is pulled instead"
    return without(_noted(state, note), series.path)


def _page(state: PullState, place: int, pace: float) -> Flow:
    """The next page of one window, written and remembered."""
    task = state.tasks[place]
    series = SERIES[task.series]
    reply = yield from _answered(series, task.window, task.cursor, pace)
    if reply.status == _EXPIRED:
        return (yield from _restarted(state, place))
    if reply.status in _REFUSED:
        if series.analytics:
            return _fall_back(state, series, reply)
        if series.name in ("legacy-cost", "claude-code"):
            return _left_out(state, series, reply)
        raise refusal(reply)
    page = _page_of(reply)
    state = _named(state, reply)
    grown = _grown(task, page, reply)
    state = replace_task(state, place, grown)
    yield Save(state=state, name=task.next_file, content=_content(series, task, page, reply, grown))
    stale = tuple(name for name in grown.stale if name not in grown.files)
    if grown.done and grown.stale:
        state = replace_task(state, place, msgspec.structs.replace(grown, stale=()))
        yield Remove(state=state, names=stale)
    return state


def _restarted(state: PullState, place: int) -> Flow:
    """An expired cursor: the window starts again from its first page."""
    task = state.tasks[place]
    if task.restarts >= MOST_RESTARTS:
        raise PullError(
            f"the cursor of {task.series} from {task.window.start} expired {task.restarts + 1} times; "
            "expected to read one month within a cursor's life. Try again later, or pull fewer days with --until."
        )
    again = msgspec.structs.replace(task.again(), restarts=task.restarts + 1)
    state = replace_task(state, place, again)
    yield Save(state=state)
    return state


def _left_out(state: PullState, series: Series, reply: Reply) -> PullState:
    tasks = tuple(task for task in state.tasks if task.done or task.series != series.name)
    note = f"{series.path} answered {reply.status}; it is left out"
    return msgspec.structs.replace(_noted(state, note), tasks=tasks)


def _grown(task: Task, page: Mapping[str, Any], reply: Reply) -> Task:
    """The task with one more page."""
    cursor = str(page.get("next_page") or "") if page.get("has_more") is True else ""
    if cursor and cursor == task.cursor:
        raise PullError(f"the server gave the same cursor twice for {task.series} from {task.window.start}")
    return msgspec.structs.replace(
        task,
        cursor=cursor,
        files=(*task.files, task.next_file),
        rows=task.rows + len(page["data"]),
        refreshed_at=str(page.get("data_refreshed_at") or "") or reply.date,
        done=not cursor,
    )


def _content(series: Series, task: Task, page: Mapping[str, Any], reply: Reply, grown: Task) -> bytes:
    """The server's page with the mark that readers need to read it alone (`usage.buckets.PullMark`)."""
    mark = {
        "endpoint": series.path,
        "group_by": list(series.group_by),
        "starting_at": task.window.start.isoformat(),
        "ending_at": task.window.end.isoformat(),
        "organization_id": reply.organization_id,
        "retrieved_at": reply.date,
        "next_file": "" if grown.done else grown.next_file,
    }
    return msgspec.json.format(msgspec.json.encode({**page, "baseload_pull": mark}), indent=1) + b"\n"


def _answered(series: Series, window: Window, cursor: str, pace: float) -> Generator[Action, Any, Reply]:
    """The answer to one request, after waiting out limits and failures. Statuses 200, 403, 404 and 410 come back."""
    failures = 0
    while True:
        if pace:
            yield Wait(seconds=pace, why="pace")
        reply: Reply = yield Send(path=series.path, params=params_of(series, window, cursor), beta=series.beta)
        if reply.status in (200, *_REFUSED, _EXPIRED) and _is_whole(reply):
            return reply
        failures += 1
        yield wait_of(reply, failures)


def _is_whole(reply: Reply) -> bool:
    """A 200 whose body ends too early is a torn answer, however well it began."""
    if reply.status != 200:
        return True
    try:
        decode_json(reply.body)
    except BadRecord:
        return False
    return True


def _page_of(reply: Reply) -> Mapping[str, Any]:
    if reply.status != 200:
        raise refusal(reply)
    page = decode_json(reply.body)
    if not isinstance(page, Mapping) or not isinstance(page.get("data"), list):
        raise PullError("the server's answer is no report page: expected a JSON object with a list `data`")
    return page


def _named(state: PullState, reply: Reply) -> PullState:
    if not reply.organization_id or state.organization_id:
        return state
    return msgspec.structs.replace(state, organization_id=reply.organization_id)


def _noted(state: PullState, note: str) -> PullState:
    return msgspec.structs.replace(state, notes=(*state.notes, note))
