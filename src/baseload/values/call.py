"""The one row everything is computed from: an API call, or a bucket of them from an aggregate source."""

from __future__ import annotations

import msgspec

AGGREGATE_GRAINS = ("minute", "hour", "day", "month", "range")
"""Grains of control totals; `"call"` is the grain of one request."""


class Call(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One API call (`grain == "call"`) or one bucket of an aggregate source.

    Text that a source does not give is "" where the column groups (account, workspace, …) and None where absence
    means something. Integers that a source does not give are None, never 0. See docs/reference/ledger.md.
    """

    # identity (design.md section 5, Identity)
    call_id: str  # 32 hex digits: usage.normal.call_id(...); never from path or row
    rank: int = 0  # completeness: of several copies of one call_id the highest is the call
    # provenance
    source: str  # reader name: "claude_code", "bedrock_log", …
    account: str = ""  # organisation / cloud account / gateway the record comes from
    source_file: str = ""
    source_row: int = 0
    flags: str = ""  # sorted, comma-joined: "ttl_unknown", "output_suspect", "naive_time", "sampled", …
    grain: str = "call"
    requests: int | None = 1  # calls in this row; None where the source does not say; 0 for an unbilled failure
    sampling_rate: int = 1  # 1-in-N: every row stands for N like it
    # when (UTC microseconds)
    start_us: int
    first_token_us: int | None = None
    end_us: int | None = None  # end of the call; for a bucket its exclusive end
    # who
    workspace: str = ""
    api_key: str = ""  # key id or key name, never a secret
    user_id: str = ""  # keyed fingerprint of the user or role; a service principal may stay readable
    agent: str = ""  # explicit label of the caller: agent, query source, prompt name, skill, trace name
    tags: str = ""  # canonical JSON object of the caller's own tags: sorted keys, no spaces; "" when none
    # what
    model_raw: str = ""  # as logged
    model: str = ""  # resolved id of the price book; "" when unknown
    platform: str = (
        "anthropic"  # anthropic | anthropic_aws | bedrock | vertex | google_anthropic | foundry | openrouter
    )
    geo: str = "global"  # global | us | regional | us_gov
    tier: str = "standard"  # standard | batch | priority | flex
    speed: str = "standard"  # standard | fast
    context: str = ""  # prompt-length band of an aggregate row ("0-200k", "200k-1M"); "" when unsaid or a call
    effort: str = ""
    stream: bool | None = None
    stop_reason: str = ""
    max_tokens: int | None = None
    http_status: int | None = None
    # tokens: four disjoint input classes, and output with thinking included
    uncached_input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    thinking_tokens: int | None = None  # inside output_tokens; None where the source does not say
    web_search_requests: int = 0
    web_fetch_requests: int = 0
    code_execution_requests: int = 0
    # shape: computed once by the reader
    features_version: int = 1
    session_id: str = ""  # keyed fingerprint
    parent_id: str = ""
    attempt: int | None = None  # 1 = first try
    tools_fp: str = ""
    system_fp: str = ""
    template_id: str = ""  # masked-prefix hash of system + first user text
    request_hash: str = ""  # keyed hash of the whole request: equal means an identical repeat
    request_features: str = ""  # sorted, comma-joined names of prices capability rows the request relies on
    task_cues: str = ""  # sorted, comma-joined: words of docs/reference/task-cues.md
    messages: int | None = None  # number of messages in the request
    prefix_blocks: str = ""  # "hash:tokens:code:cues …", a block each in render order (usage/prefix_text.py); no text
    body_ref: str = ""  # "file-hash:offset:length", re-read and verified when needed
    # money
    billed_nano_usd: int | None = None  # what the bill says, after discount, before credits and tax
    reported_list_nano_usd: int | None = None  # list price as the *provider's* report states it
    reported_cost_nano_usd: int | None = None  # a tool's own estimate (gateway, transcript): never a bill
    cost_type: str = ""  # cost rows only: tokens | web_search | code_execution | session_usage | other
    token_class: str = ""  # cost rows only: one of TOKEN_CLASSES, or ""

    @property
    def prompt_tokens(self) -> int:
        """Sum of the four disjoint input classes."""
        return (
            self.uncached_input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )


CALL_FIELDS: tuple[str, ...] = Call.__struct_fields__
