"""An imitation of Anthropic's usage and cost reports on a loopback port: pages, limits, failures, bad requests.

It refuses what the real API refuses (beta header, five dimensions, 31 days), pages with cursors, and plays a script of
faults: request number -> fault. `tests/usage/test_pull_api.py` holds its pages against Anthropic's published types.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from typing import Any, Self

from aiohttp import web

KEY = "sk-ant-admin01-a-key-of-the-tests"
DATE = "Sat, 21 Nov 2026 20:30:00 GMT"
REFRESHED = "2026-11-21T20:00:00Z"
MODELS = ("claude-opus-5-5", "claude-haiku-5-5")
DIMENSIONS = (
    "actor",
    "actor_type",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "product",
    "service_tier",
    "speed",
    "workspace_id",
)
COST_ONLY = ("cost_type", "token_type")


class ReportApi:
    """The server. `faults` maps a request number (from 1) to a fault; `refused` paths answer 404."""

    def __init__(self, page_rows: int = 9) -> None:
        self.page_rows = page_rows
        self.faults: dict[int, str] = {}
        self.refused: set[str] = set()
        self.refreshed = REFRESHED
        self.extra_tokens = 0
        self.requests: list[tuple[str, list[tuple[str, str]]]] = []
        self.headers: list[dict[str, str]] = []
        self.pages: list[tuple[str, dict[str, Any]]] = []
        self.hold = threading.Event()  # cleared: answers wait
        self.hold.set()
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.hold.set()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    # answering

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.path, list(request.query.items())))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        while not self.hold.is_set():
            await asyncio.sleep(0.01)
        fault = self.faults.get(len(self.requests), "")
        if fault:
            return await self._fail(request, fault)
        if wrong := self._wrong(request):
            return _error(400, "invalid_request_error", wrong)
        if self.headers[-1].get("x-api-key") != KEY and KEY not in self.headers[-1].get("authorization", ""):
            return _error(401, "authentication_error", "invalid key")
        if request.path in self.refused:
            return _error(404, "not_found_error", "no such report")
        page = self.page(request.path, list(request.query.items()))
        self.pages.append((request.path, page))
        return web.json_response(page, headers={"anthropic-organization-id": "org-1", "date": DATE})

    async def _fail(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault == "torn":
            response = web.StreamResponse(headers={"content-length": "5000", "content-type": "application/json"})
            await response.prepare(request)
            await response.write(b'{"data":[')
            assert request.transport is not None
            request.transport.close()
            return response
        if fault == "half":
            return web.Response(body=b'{"data":[', content_type="application/json")
        status, _, after = fault.partition(" ")
        headers = {"retry-after": after} if after and after != "spend" else {}
        if status.startswith("3"):
            headers["location"] = f"{self.url}/elsewhere"
        details = {"error_code": "enforced_spend_limit_reached"} if after == "spend" else None
        return _error(int(status), "rate_limit_error", f"fault for {KEY}", headers, details)

    def _wrong(self, request: web.Request) -> str:
        query = request.query
        groups = query.getall("group_by[]", [])
        if not query.get("starting_at"):
            return "starting_at is required"
        if request.path.startswith("/v1/organizations/analytics/"):
            if "analytics-usage-cost-2026-08-24" not in request.headers.get("anthropic-beta", ""):
                return "the beta header is missing"
            counted = [name for name in groups if name not in COST_ONLY]
            allowed = DIMENSIONS + (COST_ONLY if request.path.endswith("/cost") else ())
            if len(counted) > 5 or not set(groups) <= set(allowed):
                return "group_by[]"
            if query.get("time_bucket_width") not in ("1m", "1h", "1d") or not query.get("ending_at"):
                return "time_bucket_width"
            if _day(query["starting_at"]) < dt.date(2026, 1, 1):
                return "starting_at is before 2026-01-01"
        if query.get("ending_at") and not 0 < (_day(query["ending_at"]) - _day(query["starting_at"])).days <= 31:
            return "the range may span at most 31 days"
        return ""

    def page(self, path: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        """One page of the report that the query asks for."""
        values = dict(query)
        groups = [value for name, value in query if name == "group_by[]"]
        start = _day(values["starting_at"])
        end = _day(values["ending_at"]) if "ending_at" in values else start + dt.timedelta(days=1)
        days = [start + dt.timedelta(days=n) for n in range((end - start).days)]
        if path.endswith("/usage"):
            rows = [self._usage(day, model, groups) for day in days for model in MODELS]
        elif path.endswith("/cost"):
            rows = [self._cost(day, model, groups) for day in days for model in MODELS]
        elif path.endswith("/claude_code"):
            rows = [_person_day(day) for day in days]
        else:
            rows = [_bucket(day, money=path.endswith("cost_report")) for day in days]
        size = min(self.page_rows, int(values.get("limit", "20")))
        first = int(values.get("page", "page_0").removeprefix("page_"))
        more = first + size < len(rows)
        page: dict[str, Any] = {
            "data": rows[first : first + size],
            "has_more": more,
            "next_page": f"page_{first + size}" if more else None,
        }
        if "/analytics/" in path:
            page["data_refreshed_at"] = self.refreshed
        return page

    def _usage(self, day: dt.date, model: str, groups: list[str]) -> dict[str, Any]:
        output = 1_000 * day.day + self.extra_tokens
        return _dated(day) | {
            "group": _group(groups, model, DIMENSIONS),
            "usage": {
                "uncached_input_tokens": 5_000,
                "cache_read_input_tokens": 70_000,
                "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 20},
                "output_tokens": output,
                "server_tool_use": {"web_search_requests": 1},
                "total_tokens": 75_320 + output,
                "requests": day.day,
            },
        }

    def _cost(self, day: dt.date, model: str, groups: list[str]) -> dict[str, Any]:
        group = _group(groups, model, (*DIMENSIONS, *COST_ONLY))
        return _dated(day) | {
            "group": group,
            "cost": {"amount": "8000.5", "list_amount": "10000.25", "currency": "USD", "requests": None},
        }


def _group(groups: list[str], model: str, dimensions: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "model": model,
        "service_tier": "standard",
        "context_window": "0-200k",
        "speed": "standard",
        "inference_geo": "global",
        "workspace_id": "wrkspc_1",
        "api_key_id": "apikey_1",
        "product": "messages_api",
        "cost_type": "tokens",
        "token_type": "output_tokens",
    }
    return {name: values.get(name) if name in groups else None for name in dimensions}


def _bucket(day: dt.date, *, money: bool) -> dict[str, Any]:
    shared = {
        "model": MODELS[0],
        "workspace_id": None,
        "service_tier": "standard",
        "context_window": "0-200k",
        "inference_geo": "global",
    }
    if money:
        result = {"amount": "8000.5", "currency": "USD", "cost_type": "tokens", "token_type": "output_tokens"}
        result |= {"description": "Claude Opus 5.5 Usage - Output Tokens"}
    else:
        result = {
            "uncached_input_tokens": 5_000,
            "cache_creation": {"ephemeral_1h_input_tokens": 20, "ephemeral_5m_input_tokens": 300},
            "cache_read_input_tokens": 70_000,
            "output_tokens": 1_000 * day.day,
            "server_tool_use": {"web_search_requests": 1},
            "api_key_id": "apikey_1",
            "account_id": None,
            "service_account_id": None,
        }
    return _dated(day) | {"results": [shared | result]}


def _person_day(day: dt.date) -> dict[str, Any]:
    return {
        "date": f"{day}T00:00:00Z",
        "actor": {"type": "user_actor", "email_address": "ann@example.com"},
        "organization_id": "org-1",
        "customer_type": "api",
        "terminal_type": "vscode",
        "model_breakdown": [
            {
                "model": MODELS[0],
                "tokens": {"input": 10, "output": 2, "cache_read": 300, "cache_creation": 40},
                "estimated_cost": {"amount": 18, "currency": "USD"},
            }
        ],
    }


def _dated(day: dt.date) -> dict[str, Any]:
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{day + dt.timedelta(days=1)}T00:00:00Z"}


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text[:10])


def _error(
    status: int, kind: str, message: str, headers: dict[str, str] | None = None, details: dict[str, str] | None = None
) -> web.Response:
    error = {"type": kind, "message": message} | ({"details": details} if details else {})
    return web.json_response({"type": "error", "error": error}, status=status, headers={"date": DATE} | (headers or {}))
