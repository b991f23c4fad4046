"""Whose model a record names, on which platform, at which geo class: what every multi-provider source must decide.

Sources: anthropic-facts section 2 (ids, profile prefixes, price rule) and usage-sources 2.6 to 2.12.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from baseload.prices.names import NameHints, spell
from baseload.usage.fields import BadRecord
from baseload.values import Problem

_OPAQUE: Final = "application-inference-profile/"
_BEDROCK_HOST: Final = re.compile(r"bedrock[a-z-]*\.([a-z0-9-]+)\.")
_GCP_LOCATION: Final = re.compile(r"/locations/([a-z0-9-]+)/")

_PLATFORMS: Final = {
    "anthropic": "anthropic",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "bedrock_mantle": "bedrock",
    "aws": "bedrock",
    "aws.bedrock": "bedrock",
    "aws_bedrock": "bedrock",
    "amazon bedrock": "bedrock",
    "amazon-bedrock": "bedrock",
    "vertex_ai": "vertex",
    "vertex_ai_beta": "vertex",
    "vertex_ai-anthropic_models": "vertex",
    "gcp.vertex_ai": "vertex",
    "vertex": "vertex",
    "google": "vertex",
    "google vertex": "vertex",
    "google-vertex": "vertex",
    "azure_ai": "foundry",
    "azure": "foundry",
    "az.ai.inference": "foundry",
    "azure.ai.inference": "foundry",
    "azure.ai.foundry": "foundry",
    "openrouter": "openrouter",
}


def is_claude(model_raw: str, resolved: str = "") -> bool:
    """True for a model of this price book or a name that says so; a name nobody knows is another provider's."""
    name = model_raw.lower()
    return bool(resolved) or "claude" in name or "anthropic" in name


def is_other_provider(model_raw: str, resolved: str) -> bool:
    """True for a named model that is nobody's Claude; a Bedrock profile hides its model, so it may be one."""
    return bool(model_raw) and _OPAQUE not in model_raw and not is_claude(model_raw, resolved)


def platform_of(provider: str, default: str = "anthropic") -> str:
    """The platform a provider name of a gateway or tracer stands for; `default` when it is not one of the known."""
    return _PLATFORMS.get(provider.strip().lower(), default)


@lru_cache(maxsize=4096)
def hints_of(model_raw: str) -> NameHints:
    """What a model's spelling says besides the model: platform, geo, tier, speed; "" where it says nothing."""
    return spell(model_raw).hints


class Geo(NamedTuple):
    """A geo class, and the flag that says it was assumed ("" when the record says it)."""

    geo: str
    flag: str = ""


def bedrock_geo(model_id: str, region: str = "", inference_region: str = "") -> Geo:
    """Price class of a Bedrock model id: `global.` profiles are list price, geographic profiles and bare ids regional.

    An application inference profile hides which profile it copies: when the request ran in another part of the world
    it is global; otherwise the dearer `regional` is assumed and flagged `geo_assumed`.
    """
    if region.startswith("us-gov") or inference_region.startswith("us-gov"):
        return Geo("us_gov")
    said = hints_of(model_id).geo
    if said or _OPAQUE not in model_id:
        return Geo(said or "regional")
    if inference_region and region and inference_region.partition("-")[0] != region.partition("-")[0]:
        return Geo("global")
    return Geo("regional", "geo_assumed")


def region_of(address: str) -> str:
    """The AWS region in a Bedrock host name or URL; "" when there is none.

    >>> region_of("https://bedrock-runtime.us-east-1.amazonaws.com/model/x/invoke")
    'us-east-1'
    """
    found = _BEDROCK_HOST.search(address)
    return found[1] if found else ""


def vertex_geo(endpoint: str) -> Geo:
    """Price class of a Vertex endpoint: `locations/global` is list price, every other location regional."""
    found = _GCP_LOCATION.search(endpoint)
    location = found[1] if found else endpoint.strip().lower()
    if not location:
        return Geo("regional", "geo_assumed")
    return Geo("global" if location == "global" else "regional")


class Principal(NamedTuple):
    """Who an AWS ARN is: a name that may be shown (role or user) and the whole identity to fingerprint."""

    name: str
    identity: str


def principal_of(arn: str) -> Principal:
    """Role or user of an IAM ARN. The session of an assumed role is dropped (it changes by process), except for
    people signed in through IAM Identity Center, whose session is the person.

    >>> principal_of("arn:aws:sts::123456789012:assumed-role/CcaRole/GitHubActions")
    Principal(name='role/CcaRole', identity='arn:aws:sts::123456789012:assumed-role/CcaRole')
    """
    resource = arn.split(":", 5)[-1]
    kind, _, rest = resource.partition("/")
    if kind == "assumed-role":
        role, _, session = rest.partition("/")
        whole = arn if role.startswith("AWSReservedSSO_") or not session else arn[: -len(session) - 1]
        return Principal(f"role/{role}", whole)
    if kind in ("user", "role"):
        return Principal(f"{kind}/{rest.rsplit('/', 1)[-1]}", arn)
    return Principal(resource if kind == "root" else "", arn)


class LeftOut:
    """Counts a file's records of other providers, to say so once: information, not a fault."""

    def __init__(self) -> None:
        self._count = 0

    def add(self) -> None:
        self._count += 1

    def problems(self, source: str, file: str) -> Iterator[Problem]:
        """At most one Problem with the count."""
        if self._count:
            records = "record" if self._count == 1 else "records"
            verb = "was" if self._count == 1 else "were"
            message = f"{self._count} {records} of other providers {verb} left out"
            bad = BadRecord("other-provider", message, value=self._count, expected="Claude models are what is read")
            yield bad.problem(source, file, 0)
