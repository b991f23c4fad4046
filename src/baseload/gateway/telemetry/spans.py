"""OpenTelemetry spans of attempts, by the GenAI semantic conventions; content is never in them.

Imported only where an endpoint is set: it needs the extra `otel`. Spans are exported on a thread of the SDK's own.
"""

from __future__ import annotations

from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.util.types import AttributeValue

from baseload.gateway.config import TelemetrySettings
from baseload.gateway.state.records import Topic
from baseload.gateway.telemetry.labels import arm_of
from baseload.gateway.trip import Finished, Metering
from baseload.usage.fields import BadRecord
from baseload.usage.gateway_rows import usage_of

_NS: Final = 1_000
_PROVIDERS: Final = {"anthropic": "anthropic", "bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}


class Spans:
    """A part of the gateway and one of its watchers. `exporter` is OTLP over HTTP where none is given."""

    def __init__(self, settings: TelemetrySettings, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({"service.name": settings.service_name})
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(
            BatchSpanProcessor(exporter or OTLPSpanExporter(endpoint=settings.otlp_endpoint))
        )
        self._tracer = self._provider.get_tracer("baseload.gateway")

    def __repr__(self) -> str:
        return "Spans()"

    def keeps(self, trip: Metering) -> bool:  # noqa: ARG002 - content is never in a span
        return False

    def finished(self, attempt: Finished) -> None:
        start, end = attempt.start, attempt.end
        model = start.sent_model or start.model
        span = self._tracer.start_span(
            f"chat {model}"[:200], kind=SpanKind.CLIENT, attributes=attributes_of(attempt), start_time=start.us * _NS
        )
        if end.outcome != "ok":
            span.set_status(Status(StatusCode.ERROR))
        span.end(end_time=max(end.us, start.us) * _NS)

    async def start(self) -> None:
        """Nothing: the exporter connects by itself."""

    async def changed(self, topics: frozenset[Topic]) -> None:
        """Nothing of the shared state counts here."""

    async def tick(self, now_us: int) -> None:
        """Nothing: the SDK exports by its own clock."""

    async def stop(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def attributes_of(attempt: Finished) -> dict[str, AttributeValue]:
    """What a span says of an attempt: names, counts and times, never a word of prompt or answer."""
    start, end = attempt.start, attempt.end
    found: dict[str, AttributeValue] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": _PROVIDERS.get(start.platform, start.platform),
        "gen_ai.request.model": start.sent_model or start.model,
        "baseload.asked.model": start.model,
        "baseload.workload": start.workload,
        "baseload.policy_id": start.policy_id,
        "baseload.reason": start.reason,
        "baseload.stage": start.stage,
        "baseload.arm": arm_of(start.arm, start.reason),
        "baseload.attempt": start.attempt,
    }
    found |= {name: value for name, value in (
        ("gen_ai.response.model", end.model), ("gen_ai.response.id", end.message_id),
        ("error.type", end.error or (str(end.status) if end.status >= 400 else "")),
    ) if value}  # fmt: skip
    if end.stop_reason:
        found["gen_ai.response.finish_reasons"] = (end.stop_reason,)
    if start.max_tokens is not None:
        found["gen_ai.request.max_tokens"] = start.max_tokens
    if end.status:
        found["http.response.status_code"] = end.status
    if end.cost_nano is not None:
        found["baseload.list_cost_nano_usd"] = end.cost_nano
    return found | _tokens(attempt)


def _tokens(attempt: Finished) -> dict[str, AttributeValue]:
    try:
        used = usage_of(attempt.start, attempt.end)
    except BadRecord:
        used = None
    if used is None:
        return {}
    tokens = used.tokens
    written = tokens.cache_write_5m_tokens + tokens.cache_write_1h_tokens
    return {
        "gen_ai.usage.input_tokens": tokens.uncached_input_tokens + tokens.cache_read_tokens + written,
        "gen_ai.usage.output_tokens": tokens.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": tokens.cache_read_tokens,
        "gen_ai.usage.cache_creation.input_tokens": written,
    }
