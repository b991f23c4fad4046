"""What the upstream does with a request: no socket here, so that every answer can be had without one."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from baseload.demo.upstream.answers import Answers, Refusal
from baseload.demo.upstream.api_errors import ApiError, error_object, invalid, not_found
from baseload.demo.upstream.batches import UNSUPPORTED, Batch, BatchStore, Result
from baseload.demo.upstream.catalogue import model_object, page
from baseload.demo.upstream.faults import Behaviour
from baseload.demo.upstream.http import Headers, Request
from baseload.demo.upstream.messages import events, message_object
from baseload.demo.upstream.prompt_cache import (
    DEFAULT_MINIMUM,
    PromptCache,
    Split,
    blocks_of,
    cumulative,
    prompt_tokens,
)
from baseload.prices.book import Model, PriceBook
from baseload.quality.legality import ApiVersion, faults

MOST_MESSAGE_BYTES: Final = 32 * 1024 * 1024
VERSIONS: Final[tuple[ApiVersion, ...]] = ("2023-06-01", "2026-10-21")
MOST_BILLED: Final = 1_000_000
WORKSPACE: Final = "wrkspc_upstream"
_JSON: Final[Headers] = (("content-type", "application/json"),)


class Billed(NamedTuple):
    """What one answer would be charged for."""

    tier: str
    model: str
    usage: Mapping[str, Any]


class Expired(ApiError):
    """A batch item nobody got to within 24 hours; a timeout to a caller who waits."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer: whole, or `events` of a stream. `begin` is called when its first byte is about to go."""

    status: int = 200
    headers: Headers = _JSON
    body: bytes = b""
    events: tuple[bytes, ...] = ()
    begin: Callable[[], None] | None = None


class Service:
    """Messages, Batches and Models over an `Answers`. `now` is seconds since 1970, given by the shell.

    A model that is not in the book, or is retired, is served where answers of it were recorded. `keys` maps a key to
    its workspace; None takes any key.
    """

    def __init__(
        self, answers: Answers, book: PriceBook, *, seed: int = 0, keys: Mapping[str, str] | None = None
    ) -> None:
        self.answers = answers
        self.behaviour = Behaviour()
        self.batches = BatchStore(self._batched, seed)
        self.billed: deque[Billed] = deque(maxlen=MOST_BILLED)  # everything answered, in order
        self._book = book
        self._models = book.models
        self._keys = keys
        self._cache = PromptCache()
        self._messages = 0
        self._now = 0.0

    def handle(self, request: Request, now: float) -> Reply:
        """Raises ApiError."""
        self._now = now
        workspace = self._workspace(request)
        version = request.header("anthropic-version")
        if version not in VERSIONS:
            raise invalid("anthropic-version: header is required; expected " + " or ".join(VERSIONS))
        parts = tuple(request.path.strip("/").split("/"))
        match request.method, parts:
            case "POST", ("v1", "messages"):
                return self._message(_object(request), workspace, version)
            case "POST", ("v1", "messages", "count_tokens"):
                return self._count(_object(request), version)
            case _, ("v1", "messages", "batches", *rest):
                return self._batch_call(request, workspace, tuple(rest))
            case "GET", ("v1", "models"):
                rows = [model_object(one, self._today()) for one in self._listed()]
                return _reply(page(rows, request.query, most=1000))
            case "GET", ("v1", "models", name):
                return _reply(model_object(self._known(name), self._today()))
        raise not_found(f"{request.method} {request.path[:80]}")

    def _workspace(self, request: Request) -> str:
        bearer = request.header("authorization").removeprefix("Bearer ").strip()
        key = request.header("x-api-key") or bearer
        if not key:
            raise ApiError(401, "x-api-key header is required")
        if self._keys is None:
            return WORKSPACE
        if key not in self._keys:
            raise ApiError(401, "invalid x-api-key")
        return self._keys[key]

    def _today(self) -> str:
        return dt.datetime.fromtimestamp(self._now, dt.UTC).date().isoformat()

    def _listed(self) -> list[Model]:
        return sorted(self._models.values(), key=lambda model: (model.released, model.id), reverse=True)

    def _known(self, name: str) -> Model:
        model = self._models.get(self._book.resolve(name))
        if model is None:
            raise not_found(f"model: {name[:60]}")
        return model

    def _message(self, body: Mapping[str, Any], workspace: str, version: str) -> Reply:
        message, split = self._answered(body, workspace, version, "standard")
        started = self._now

        def begin() -> None:
            self._cache.keep(split, started)
            self.billed.append(Billed("standard", str(message["model"]), message["usage"]))

        if body.get("stream") is True:
            headers = (("content-type", "text/event-stream; charset=utf-8"), ("cache-control", "no-cache"))
            return Reply(headers=headers, events=tuple(events(message)), begin=begin)
        return Reply(body=msgspec.json.encode(message), begin=begin)

    def _answered(
        self, body: Mapping[str, Any], workspace: str, version: str, tier: str
    ) -> tuple[dict[str, Any], Split]:
        """The message and how its prompt divided. Raises ApiError."""
        asked = _checked(body)
        model = self._models.get(self._book.resolve(asked))
        self._hold_legal(body, model, version)
        name = model.id if model else asked
        said = self.answers.say(name, body) if name in self.answers.models else self.answers.say(asked, body)
        if said is None:
            raise not_found(f"model: {name[:60]}: no answer is recorded for this request")
        if isinstance(said, Refusal):
            raise (Expired if said.expired else ApiError)(said.status, said.message)
        tokenizer = model.tokenizer if model else ""
        blocks = blocks_of(body, f"{workspace}/{name}")
        total = prompt_tokens(blocks, tokenizer) if said.prompt_tokens is None else said.prompt_tokens
        minimum = model.min_cacheable_tokens if model else DEFAULT_MINIMUM
        split = self._cache.split(blocks, cumulative(blocks, tokenizer, total), minimum, self._now)
        self._messages += 1
        message = message_object(
            said, name, split, body, message_id=f"msg_{self._messages:024d}", tokenizer=tokenizer, tier=tier
        )
        return message, split

    def _hold_legal(self, body: Mapping[str, Any], model: Model | None, version: str) -> None:
        """The capability table answers as the API would."""
        if model is None:
            return
        if model.retires and model.retires <= self._today() and not {model.id, body["model"]} & self.answers.models:
            raise not_found(f"model: {model.id}")
        held: ApiVersion = "2026-10-21" if version == "2026-10-21" else "2023-06-01"
        found = faults(body, model, api_version=held)
        if found:
            raise invalid(f"{found[0].feature}: {found[0].reason}")

    def _count(self, body: Mapping[str, Any], version: str) -> Reply:
        name = _checked(body, counting=True)
        model = self._models.get(self._book.resolve(name))
        if model is None and name not in self.answers.models:
            raise not_found(f"model: {name[:60]}")
        self._hold_legal(body, model, version)
        return _reply({"input_tokens": prompt_tokens(blocks_of(body, ""), model.tokenizer if model else "")})

    def _batch_call(self, request: Request, workspace: str, rest: tuple[str, ...]) -> Reply:
        store, now, base_url = self.batches, self._now, f"http://{request.header('host')}"
        match request.method, rest:
            case "POST", ():
                made = store.create(workspace, _object(request), now, self.behaviour.batch_s)
                return _reply(made.object(base_url, now))
            case "GET", ():
                rows = [one.object(base_url, now) for one in store.list(workspace, now)]
                return _reply(page(rows, request.query, most=1000))
            case "GET", (batch_id,):
                return _reply(store.get(workspace, batch_id, now).object(base_url, now))
            case "GET", (batch_id, "results"):
                return self._results(store.get(workspace, batch_id, now))
            case "POST", (batch_id, "cancel"):
                return _reply(store.cancel(workspace, batch_id, now, self.behaviour.cancel_s).object(base_url, now))
            case "DELETE", (batch_id,):
                store.delete(workspace, batch_id, now)
                return _reply({"id": batch_id, "type": "message_batch_deleted"})
        raise not_found(f"{request.method} {request.path[:80]}")

    def _results(self, batch: Batch) -> Reply:
        if not batch.results:
            raise not_found("results are there when the batch has ended")
        lines = b"".join(msgspec.json.encode(row) + b"\n" for row in batch.results)
        return Reply(headers=(("content-type", "application/x-jsonl"),), body=lines)

    def _batched(self, params: Mapping[str, Any], workspace: str) -> Result:
        """One item: the items of a batch come one after the other, so each may read what the one before wrote."""
        try:
            unsupported = [name for name in UNSUPPORTED if params.get(name)]
            if unsupported:
                raise invalid(f"{unsupported[0]}: not supported in batches")
            message, split = self._answered(params, workspace, VERSIONS[0], "batch")
        except Expired:
            return {"type": "expired"}
        except ApiError as error:
            return {"type": "errored", "error": error_object(error.status, str(error), None, error.error_code)}
        self._cache.keep(split, self._now)
        self.billed.append(Billed("batch", str(message["model"]), message["usage"]))
        return {"type": "succeeded", "message": message}


def _object(request: Request) -> dict[str, Any]:
    if len(request.body) > MOST_MESSAGE_BYTES and not request.path.startswith("/v1/messages/batches"):
        raise ApiError(413, "Request exceeds the maximum size")
    try:
        found = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise invalid("The request body is not valid JSON") from error
    if not isinstance(found, dict):
        raise invalid("The request body is not a JSON object")
    return found


def _checked(body: Mapping[str, Any], *, counting: bool = False) -> str:
    """The model's name. Raises ApiError where a field the API requires is missing or has the wrong type."""
    name, messages, most = body.get("model"), body.get("messages"), body.get("max_tokens")
    if not isinstance(name, str) or not name:
        raise invalid("model: Field required")
    if not isinstance(messages, list) or not messages:
        raise invalid("messages: at least one message is required")
    for number, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
            raise invalid(f"messages.{number}.role: expected user or assistant")
        if not isinstance(message.get("content"), (str, list)):
            raise invalid(f"messages.{number}.content: expected a string or a list")
    if not counting and (isinstance(most, bool) or not isinstance(most, int) or most < 0):
        raise invalid("max_tokens: Field required")
    return name


def _reply(found: Mapping[str, Any]) -> Reply:
    return Reply(body=msgspec.json.encode(found))
