"""The next source of evidence for a workload: what it is called, and exactly how to switch it on."""

from __future__ import annotations

import msgspec


class NextSource(msgspec.Struct, frozen=True, kw_only=True):
    """One source to switch on, cheapest in effort among those that show what is missing."""

    name: str
    steps: tuple[str, ...]


NOTHING = NextSource(name="none needed", steps=())
MORE_OF_THE_SAME = NextSource(
    name="more of the same",
    steps=("Its prompts are captured already: leave the source on until there are enough for a trial.",),
)

KEY_PER_WORKLOAD = NextSource(
    name="a key per workload",
    steps=(
        "Console > API keys: create one key for each application that shares this workspace or key; name it after it.",
        "Give each application its own key, and revoke the shared one when its usage has stopped.",
        "Pull again: `baseload pull anthropic --since DATE` groups by key, so each application becomes a workload.",
    ),
)
BEDROCK_LOG = NextSource(
    name="Bedrock invocation log",
    steps=(
        (
            "In the account and region of these calls, make an S3 bucket that bedrock.amazonaws.com may write to "
            "(s3:PutObject under AWSLogs/ACCOUNT/BedrockModelInvocationLogs/)."
        ),
        (
            "aws bedrock put-model-invocation-logging-configuration --region REGION --logging-config "
            '\'{"s3Config":{"bucketName":"BUCKET","keyPrefix":"bedrock"},"textDataDeliveryEnabled":true}\''
        ),
        'Let the callers send requestMetadata such as {"workload":"NAME"}; it becomes a tag.',
        "aws s3 sync s3://BUCKET/bedrock logs/ and then `baseload map logs/` (with the /data/ folders: long bodies).",
    ),
)
CLAUDE_CODE_OTEL = NextSource(
    name="Claude Code OpenTelemetry",
    steps=(
        (
            "In the managed settings of Claude Code set env: CLAUDE_CODE_ENABLE_TELEMETRY=1, OTEL_LOGS_EXPORTER=otlp, "
            "OTEL_EXPORTER_OTLP_ENDPOINT=your collector."
        ),
        "Add OTEL_RESOURCE_ATTRIBUTES=team=NAME on each team's machines; it becomes a tag.",
        "Let the collector's file exporter write OTLP JSON to a folder, and run `baseload map` on it.",
    ),
)
CLAUDE_CODE_BODIES = NextSource(
    name="Claude Code raw API bodies",
    steps=(
        (
            "On a few machines set env: CLAUDE_CODE_ENABLE_TELEMETRY=1, OTEL_LOGS_EXPORTER=otlp, "
            "OTEL_LOG_RAW_API_BODIES=file:DIR. The files hold prompts and code: choose a folder only the user can read."
        ),
        "Work as usual, then run `baseload map DIR` on the machine; only figures and keyed fingerprints leave it.",
    ),
)
VERTEX_LOG = NextSource(
    name="Vertex AI request-response logging",
    steps=(
        (
            "Regional endpoints only. POST …/publishers/anthropic/models/MODEL:setPublisherModelConfig with "
            '{"publisherModelConfig":{"loggingConfig":{"enabled":true,"samplingRate":1.0,'
            '"bigqueryDestination":{"outputUri":"bq://PROJECT.DATASET.TABLE"}}}}'
        ),
        "bq query --format=json over that table into FILE, and then `baseload map FILE`.",
    ),
)
LITELLM_PROMPTS = NextSource(
    name="LiteLLM spend logs with prompts",
    steps=(
        "In config.yaml under general_settings set store_prompts_in_spend_logs: true and restart the proxy.",
        "Export LiteLLM_SpendLogs again, and run `baseload map` on it.",
    ),
)
HELICONE_BODIES = NextSource(
    name="Helicone export with bodies",
    steps=("npx @helicone/export --format jsonl --include-body, and then `baseload map` on the file.",),
)
OTEL_CONTENT = NextSource(
    name="OpenTelemetry spans with content",
    steps=(
        (
            "Set OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true for the instrumented service "
            "(or the switch of your instrumentation that records prompts)."
        ),
        "Write OTLP JSON with the collector's file exporter, and run `baseload map` on the folder.",
    ),
)
LANGFUSE_INPUT = NextSource(
    name="Langfuse export with inputs",
    steps=("Let the SDK record input and output of generations, export observations with them, and map the file.",),
)
REQUEST_LOG = NextSource(
    name="a request log, or a gateway that keeps one",
    steps=(
        (
            'Where the client is called, append one JSON line per call: {"request": body as sent, "response": body as '
            "received}. A gateway in front of the callers can do it for all of them."
        ),
        "The lines hold prompts: keep the file where the application's own data may be kept.",
        "Run `baseload map FILE` on it beside the billing files; Baseload joins the two and adds nothing twice.",
    ),
)

_BY_SOURCE = (
    ("litellm", LITELLM_PROMPTS),
    ("helicone", HELICONE_BODIES),
    ("langfuse", LANGFUSE_INPUT),
    ("otel", OTEL_CONTENT),
)
_BY_PLATFORM = {"bedrock": BEDROCK_LOG, "vertex": VERTEX_LOG}


def next_source(
    *, sources: frozenset[str], platforms: frozenset[str], coding_agent: bool, saw_calls: bool, has_key: bool
) -> NextSource:
    """The cheapest source that would show the prompts of a workload which its present sources do not show.

    `saw_calls`: some source shows single calls; `has_key`: some row names a key, role, tag or agent.
    """
    if coding_agent:
        return CLAUDE_CODE_BODIES if saw_calls else CLAUDE_CODE_OTEL
    for head, switch in _BY_SOURCE:
        if any(source.startswith(head) for source in sources):
            return switch
    for platform, log in _BY_PLATFORM.items():
        if platform in platforms:
            return log
    return REQUEST_LOG if has_key else KEY_PER_WORKLOAD
