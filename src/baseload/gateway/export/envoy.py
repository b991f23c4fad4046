"""A policy as an Envoy bootstrap: one listener, one upstream, and a Lua filter that writes another model's name.

made = exported(policy, book, upstream="https://api.anthropic.com", port=8788)
made.files["envoy.yaml"]      # envoy -c envoy.yaml
"""

from __future__ import annotations

import ipaddress
import textwrap
from collections.abc import Mapping
from typing import Final

from baseload.gateway.config import origin_of
from baseload.gateway.exchange import MOST_BODY_BYTES, Origin
from baseload.gateway.export.envoy_lua import script
from baseload.gateway.export.envoy_rules import rules_of
from baseload.gateway.export.parts import Exported
from baseload.plan.policy import Policy
from baseload.plan.policy_write import scalar
from baseload.prices.book import PriceBook

BOOTSTRAP: Final = "envoy.yaml"
CA_FILE: Final = "/etc/ssl/certs/ca-certificates.crt"
_HTTP: Final = "type.googleapis.com/envoy.extensions"

_BOOTSTRAP: Final = """\
# Applies a Baseload policy in Envoy 1.40. Written by `baseload export envoy`; see its page in the docs.
# Policy {policy_id}.
static_resources:
  listeners:
    - name: messages
      address: {{socket_address: {{address: {host}, port_value: {port}}}}}
      # A request whose model may change is held whole; the API takes 32 MB.
      per_connection_buffer_limit_bytes: {buffer}
      filter_chains:
        - filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": {http}.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: messages
                server_header_transformation: PASS_THROUGH
                generate_request_id: false
                stream_idle_timeout: 600s
                route_config:
                  virtual_hosts:
                    - name: messages
                      domains: ["*"]
                      routes:
                        - match: {{prefix: "/"}}
                          route:
                            cluster: upstream
                            timeout: 0s
                            host_rewrite_literal: {authority}
{prefix}                http_filters:
                  - name: envoy.filters.http.lua
                    typed_config:
                      "@type": {http}.filters.http.lua.v3.Lua
                      default_source_code:
                        inline_string: |
{lua}
                  - name: envoy.filters.http.router
                    typed_config:
                      "@type": {http}.filters.http.router.v3.Router
                      suppress_envoy_headers: true
  clusters:
    - name: upstream
      type: {kind}
      connect_timeout: 10s
      load_assignment:
        cluster_name: upstream
        endpoints:
          - lb_endpoints:
              - endpoint:
                  address: {{socket_address: {{address: {upstream_host}, port_value: {upstream_port}}}}}
{tls}"""

_TLS: Final = """\
      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": {http}.transport_sockets.tls.v3.UpstreamTlsContext
          sni: {host}
          common_tls_context:
            validation_context:
              trusted_ca: {{filename: {ca_file}}}
              match_typed_subject_alt_names:
                - {{san_type: DNS, matcher: {{exact: {host}}}}}
"""


def exported(
    policy: Policy,
    book: PriceBook,
    *,
    upstream: str,
    port: int,
    host: str = "127.0.0.1",
    keys: Mapping[str, str] | None = None,
    ca_file: str = CA_FILE,
) -> Exported:
    """The bootstrap. `keys`: names of callers' keys as the policy has them -> environment variables that hold them.

    Raises ValueError for an `upstream` that is no http or https address.
    """
    origin = origin_of(upstream)
    rules = rules_of(policy, book, keys or {})
    lua = textwrap.indent(script(rules.rules, policy.policy_id), " " * 26).rstrip()
    made = _BOOTSTRAP.format(
        policy_id=policy.policy_id,
        host=scalar(host),
        port=port,
        buffer=MOST_BODY_BYTES + 1024 * 1024,
        http=_HTTP,
        authority=scalar(_authority(origin)),
        prefix=_prefix(origin),
        lua=lua,
        kind="STATIC" if _is_address(origin.host) else "STRICT_DNS",
        upstream_host=scalar(origin.host),
        upstream_port=origin.port,
        tls=_TLS.format(http=_HTTP, host=scalar(origin.host), ca_file=scalar(ca_file)) if origin.tls else "",
    )
    return Exported(
        target="envoy",
        policy_id=policy.policy_id,
        workloads=tuple(sorted(rule.workload for rule in rules.rules if rule.moves)),
        lost=rules.lost,
        files={BOOTSTRAP: made},
    )


def _authority(origin: Origin) -> str:
    usual = 443 if origin.tls else 80
    return origin.host if origin.port == usual else f"{origin.host}:{origin.port}"


def _prefix(origin: Origin) -> str:
    """A path before every target is put there by Envoy's router."""
    base = origin.base_path.decode()
    return f"{' ' * 28}prefix_rewrite: {scalar(base + '/')}\n" if base else ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
