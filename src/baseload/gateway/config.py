"""`gateway.toml`: what one gateway listens on, whom it asks, what it keeps and what it may spend, as frozen records.

Every table is optional: no file at all is a pipe to Anthropic's API on loopback that meters. Secrets never stand here:
a setting that ends in `_env` names the environment variable, one that ends in `_file` the 0600 file, that holds them.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import msgspec

from baseload.errors import UsageError
from baseload.gateway.config_words import words_of
from baseload.gateway.exchange import MOST_BODY_BYTES, Origin

FilePath = Annotated[str, msgspec.Meta(max_length=1_000)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
EnvName = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z_][A-Za-z0-9_]{0,127})?$")]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65_535)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Money = Annotated[str, msgspec.Meta(pattern=r"^\d{1,12}(\.\d{1,9})?$")]
Kind = Literal["anthropic", "bedrock", "vertex"]

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
ANTHROPIC: Final = "https://api.anthropic.com"


class GatewayConfigError(UsageError):
    """`gateway.toml` does not say what it must; the message names key, value and what was expected."""


def origin_of(url: str) -> Origin:
    """Where an http or https address points. Raises ValueError; a user name or password in it is refused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("an address that cannot be read; expected https://host[:port][/path]") from None
    if parts.username or parts.password:
        raise ValueError("an address with a user name or password; expected them in the environment")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"address {url[:60]!r}; expected https://host[:port][/path]")
    tls = parts.scheme == "https"
    path = parts.path.rstrip("/").encode("ascii", "strict") if parts.path.isascii() else b""
    return Origin(host=parts.hostname, port=port or (443 if tls else 80), tls=tls, base_path=path)


class Listen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where callers reach it. Beyond loopback virtual keys are required; `admin_port` None = no admin endpoints.

    `workers` processes share the port. Port 0 takes a free one.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Port = 8788
    admin_host: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] = "127.0.0.1"
    admin_port: Port | None = None
    admin_token_env: EnvName = "BASELOAD_ADMIN_TOKEN"  # noqa: S105 - a name, no secret
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    tls_cert: FilePath = ""
    tls_key: FilePath = ""

    def __post_init__(self) -> None:
        if bool(self.tls_cert) != bool(self.tls_key):
            raise ValueError("tls_cert without tls_key or the other way round; expected both files or neither")

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK


class UpstreamSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place that answers; several are tried in the order given, each while its circuit is closed.

    `key_env` holds one key or several, comma-separated; it is used only where virtual keys are defined. `betas`: the
    `anthropic-beta` values this backend takes; empty = all on Anthropic, none elsewhere. `models` maps the ids of the
    price book to the backend's own; a model that is missing goes by its own id.
    """

    name: Name = "anthropic"
    kind: Kind = "anthropic"
    base_url: Text = ANTHROPIC
    key_env: EnvName = "ANTHROPIC_API_KEY"
    key_file: FilePath = ""
    region: Text = ""
    project: Text = ""
    betas: tuple[Text, ...] = ()
    models: dict[str, Text] = msgspec.field(default_factory=dict)
    timeout_s: Seconds = 600.0
    connect_s: Seconds = 10.0

    def __post_init__(self) -> None:
        origin_of(self.base_url)
        if self.kind != "anthropic" and not self.region:
            raise ValueError(f"upstream {self.name} of kind {self.kind} without a region; expected one")
        if self.kind == "vertex" and not self.project:
            raise ValueError(f"upstream {self.name} of kind vertex without a project; expected its id")

    @property
    def origin(self) -> Origin:
        return origin_of(self.base_url)


class Retry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Before the first byte only. `share`: retries allowed per request sent in the last while, so that a storm ends."""

    tries: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    statuses: tuple[int, ...] = (429, 500, 502, 503, 504, 529)
    most_wait_s: Seconds = 10.0
    share: Share = 0.2
    open_after: Annotated[int, msgspec.Meta(ge=1)] = 10  # failures in a row open an upstream's circuit
    open_s: Seconds = 15.0


class PolicySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is decided by. No file: a pure pipe that meters. `observe`: nothing is changed whatever the file says.

    `start`: an entry that was never served begins in `shadow` and climbs (quality/watch), or is applied `at_once`.
    `holdback`: share of sessions that keep the original model for ever; what savings are measured against.
    """

    file: FilePath = ""
    observe: bool = False
    start: Literal["shadow", "at_once"] = "shadow"
    holdback: Share = 0.05
    cache: Literal["off", "policy", "online"] = "policy"
    settings: FilePath = ""  # a project's baseload.toml: names of keys, data_use


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The call log. `commit_ms`: what a power loss can cost; a killed process loses nothing.

    `keep_shipped_days`: a complete segment is deleted so long after its last record, once all of it was shipped.
    """

    folder: FilePath = ".baseload/gateway/log"
    commit_ms: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 20
    when_full: Literal["serve", "refuse"] = "serve"
    segment_mb: Annotated[int, msgspec.Meta(ge=1, le=1_024)] = 64
    ship_to: Literal["", "ledger", "postgresql"] = "ledger"
    ledger: FilePath = ".baseload/ledger"
    keep_shipped_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 30
    prefixes: bool = True  # block hashes of prompts; never text


class StateSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where stage, share, alarms, keys, budgets and the batch queue live: a file, or PostgreSQL for several replicas.

    `url_env` names the variable with a `postgresql://` address, which may hold a password.
    """

    file: FilePath = ".baseload/gateway/state.db"
    url_env: EnvName = ""


class BudgetSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many list dollars a calendar month (UTC) for what is named; both "" = for everything.

    `when_down`: with the state store out of reach, calls are refused (`closed`) or served (`open`).
    """

    usd: Money
    workload: Text = ""
    key: Text = ""
    when_down: Literal["closed", "open"] = "closed"

    def __post_init__(self) -> None:
        if Decimal(self.usd) <= 0:
            raise ValueError("budget of 0 dollars; expected more than 0")


class SampleSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bodies kept in the encrypted vault, for trials; only of workloads whose `data_use` is not none."""

    folder: FilePath = ""  # "" = none are kept
    key_env: EnvName = "BASELOAD_VAULT_KEY"
    key_file: FilePath = ""
    one_in: Annotated[int, msgspec.Meta(ge=1)] = 20  # sessions
    workloads: tuple[Text, ...] = ()


class BatchSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Diversion into Message Batches of the workloads whose policy entry has a `batch`."""

    enabled: bool = False
    upstream: Name = "anthropic"
    poll_s: Seconds = 30.0
    most_items: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 10_000
    ping_s: Seconds = 15.0
    wait_s: Seconds = 600.0  # a caller without a declared timeout is held no longer
    keep_results_s: Annotated[float, msgspec.Meta(ge=0, le=2_505_600)] = 86_400.0


class ShadowSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sampled calls are sent to the candidate too, out of the caller's path; never beyond the cap of a UTC day."""

    usd_per_day: Money = "0"
    transport: Literal["batch", "synchronous"] = "batch"


class TelemetrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Spans by OTLP, off without an endpoint; content is never in them."""

    otlp_endpoint: Text = ""
    service_name: Name = "baseload-gateway"
    log_level: Literal["error", "warning", "info"] = "info"

    def __post_init__(self) -> None:
        if self.otlp_endpoint:
            origin_of(self.otlp_endpoint)


class LimitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one caller and one process may take."""

    body_bytes: Annotated[int, msgspec.Meta(ge=1_024, le=MOST_BODY_BYTES)] = MOST_BODY_BYTES
    head_bytes: Annotated[int, msgspec.Meta(ge=1_024, le=1 << 20)] = 64 * 1024
    headers: Annotated[int, msgspec.Meta(ge=8, le=1_000)] = 100
    head_s: Seconds = 10.0
    body_s: Seconds = 60.0  # without a byte of the body
    idle_s: Seconds = 600.0
    connections: Annotated[int, msgspec.Meta(ge=1)] = 10_000
    buffered_mb: Annotated[int, msgspec.Meta(ge=1)] = 256  # request bodies held at once
    drain_s: Seconds = 30.0


class GatewayConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One gateway. `virtual_keys`: callers must present one; None = where any is defined in the state store."""

    schema: Literal[1] = 1
    listen: Listen = Listen()
    upstream: tuple[UpstreamSettings, ...] = (UpstreamSettings(),)
    retry: Retry = Retry()
    policy: PolicySettings = PolicySettings()
    log: LogSettings = LogSettings()
    state: StateSettings = StateSettings()
    budget: tuple[BudgetSettings, ...] = ()
    sample: SampleSettings = SampleSettings()
    batch: BatchSettings = BatchSettings()
    shadow: ShadowSettings = ShadowSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    limits: LimitSettings = LimitSettings()
    virtual_keys: bool | None = None
    org_key_env: EnvName = "BASELOAD_ORG_KEY"

    def __post_init__(self) -> None:
        names = [one.name for one in self.upstream]
        if not names or len(set(names)) != len(names):
            raise ValueError(f"upstreams {', '.join(names)[:60] or 'none'}; expected at least one, each name once")
        if self.batch.enabled and self.batch.upstream not in names:
            raise ValueError(f"batch.upstream is {self.batch.upstream}; expected one of {', '.join(names)[:60]}")
        if not self.listen.is_loopback and self.virtual_keys is False:
            raise ValueError(
                f"host {self.listen.host} is beyond loopback with virtual_keys = false; expected true there"
            )


def parse_config(text: str, path: str = "gateway.toml") -> GatewayConfig:
    """The gateway a TOML text describes. Raises GatewayConfigError naming the key, the value and what was expected."""
    settings: Any = None
    try:
        settings = tomllib.loads(text)
        return msgspec.convert(settings, GatewayConfig)
    except tomllib.TOMLDecodeError as error:
        raise GatewayConfigError(f"{path}: not valid TOML: {error}. Mend that line and load it again.") from error
    except msgspec.ValidationError as error:
        said = words_of(str(error), settings)
        raise GatewayConfigError(f"{path}: {said}. See docs/reference/gateway.md for every key.") from error


def dollars(text: str) -> Decimal:
    """A money setting as a Decimal; "" is 0. Raises ValueError."""
    try:
        return Decimal(text or "0")
    except InvalidOperation:
        raise ValueError(f"{text[:60]!r} is no amount; expected dollars such as 12.50") from None
