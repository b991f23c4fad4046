"""Model names: every spelling a source uses, put in one form, and what the spelling says besides the model.

Nothing here knows a model: `spell` only rewrites text, and the price book looks the result up among names it lists, so
an unlisted model or snapshot date stays unknown. Sources: anthropic-facts 2 "Normaliser"; usage-sources 1.3, 2.6.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST_NAME = 300
"""Longer than any ARN or path; a longer text is no model name and is not searched."""

LINES = ("opus", "sonnet", "haiku", "fable", "mythos", "instant")

_GEO_OF_PREFIX = {"global": "global", "us-gov": "us_gov"}
_ARN = re.compile(r"^arn:(aws[a-z-]*):bedrock:([a-z0-9-]*):(\d*):([a-z-]+)/(.+)$")
_NAMED_ARN_KINDS = ("foundation-model", "inference-profile")  # every other kind is an opaque id of the customer's
_VERTEX_PATH = re.compile(r"(?:^|/)(?:locations/([a-z0-9-]+)/)?publishers/anthropic/models/([^/:]+)(?::\w+)?$")
_PROFILE = re.compile(r"^(global|us-gov|us|eu|jp|au|apac|ca|in|sa|me|af|mx)\.(?=anthropic\.)")
_AWS_REGION = re.compile(r"^[a-z]{2}(-gov|-iso[a-z]?)?-[a-z]+-\d$")
_GATEWAYS = {
    "anthropic": "",  # OpenRouter, LiteLLM and most gateways write it: it says nothing about the platform
    "~anthropic": "openrouter",
    "openrouter": "openrouter",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "converse": "bedrock",
    "invoke": "bedrock",
    "amazon-bedrock": "bedrock",
    "vertex_ai": "vertex",
    "vertex": "vertex",
    "google-vertex": "vertex",
    "google-vertex-anthropic": "vertex",
    "azure_ai": "foundry",
    "azure": "foundry",
    "litellm_proxy": "",
    "anthropic_text": "",
    "models": "",
}
_BEDROCK_VERSION = re.compile(r"-v\d+(:\d+)?(:\d+k|:mm)?$")
_CONTEXT_SUFFIX = re.compile(r":\d+k$|\[\d+[km]\]$")
_DASHED_DATE = re.compile(r"-(\d{4})-(\d{2})-(\d{2})(?=$|-)")
_VARIANTS = {
    "beta": {},
    "thinking": {},
    "extended": {},
    "online": {},
    "nitro": {},
    "floor": {},
    "exacto": {},
    "batch": {"tier": "batch"},
    "fast": {"speed": "fast"},
}


class NameHints(NamedTuple):
    """What a spelling says besides the model, for where the record itself is silent; "" where it says nothing."""

    platform: str = ""
    geo: str = ""
    tier: str = ""
    speed: str = ""


class Spelling(NamedTuple):
    """A raw name taken apart: `forms` are look-up keys, most specific first; none when the name is opaque."""

    forms: tuple[str, ...]
    hints: NameHints


def spell(raw: str) -> Spelling:
    """Take a raw model name apart.

    >>> spell("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    Spelling(forms=('sonnet-4-5-20250929',), hints=NameHints(platform='bedrock', geo='regional', tier='', speed=''))
    >>> spell("Claude 3.5 Sonnet 2024-10-22").forms
    ('sonnet-3-5-20241022',)
    """
    if len(raw) > LONGEST_NAME:
        return Spelling((), NameHints())
    text = " ".join(raw.lower().split())
    text, hints = _unwrap(text)
    text, profile = _without_profile(text)
    text, variant = _without_variants(text)
    merged = {**hints, **profile, **variant}
    return Spelling(forms=_forms(text), hints=NameHints(**merged))


def _unwrap(text: str) -> tuple[str, dict[str, str]]:
    """Remove an ARN, a publisher path or gateway prefixes; "" for an opaque ARN."""
    if arn := _ARN.match(text):
        partition, _, _, kind, name = arn.groups()
        named = kind in _NAMED_ARN_KINDS
        geo = "us_gov" if partition == "aws-us-gov" else "regional" if named else ""
        return (name if named else ""), {"platform": "bedrock", "geo": geo}
    if path := _VERTEX_PATH.search(text):
        location, name = path.groups()
        place = {"geo": "global" if location == "global" else "regional"} if location else {}
        return name, {"platform": "vertex", **place}
    return _without_gateways(text)


def _without_gateways(text: str) -> tuple[str, dict[str, str]]:
    hints: dict[str, str] = {}
    while True:
        head, separator, rest = text.partition("/")
        if not separator:
            head, separator, rest = text.partition(":")
        if separator and _AWS_REGION.match(head):
            hints["geo"] = "us_gov" if "-gov-" in head else "regional"
        elif separator and head in _GATEWAYS:
            if _GATEWAYS[head]:
                hints.setdefault("platform", _GATEWAYS[head])
        else:
            return text, hints
        text = rest


def _without_profile(text: str) -> tuple[str, dict[str, str]]:
    """Remove Bedrock's inference-profile and vendor prefixes: the profile decides the price (facts section 2)."""
    hints: dict[str, str] = {}
    if profile := _PROFILE.match(text):
        hints = {"platform": "bedrock", "geo": _GEO_OF_PREFIX.get(profile[1], "regional")}
        text = text[profile.end() :]
    if text.startswith("anthropic."):
        hints["platform"] = "bedrock"
        text = text.removeprefix("anthropic.")
    return text, hints


def _without_variants(text: str) -> tuple[str, dict[str, str]]:
    """Remove editions, context sizes and gateway variants (`:beta`, `[1m]`, `-fast`, "(Amazon Bedrock Edition)")."""
    text = re.sub(r"\s*\([^)]*\)$", "", text)
    text = _CONTEXT_SUFFIX.sub("", text)
    hints: dict[str, str] = {}
    while True:
        head, separator, tail = text.rpartition(":")
        if not separator or tail not in _VARIANTS:
            head, separator, tail = text.rpartition("-")
            if tail not in ("fast", "thinking"):
                return text, hints
        hints.update(_VARIANTS[tail])
        text = head


def _forms(text: str) -> tuple[str, ...]:
    if not text:
        return ()
    forms = [_ordered(text), _ordered(_BEDROCK_VERSION.sub("", text))]
    forms.append(forms[0].removesuffix("-latest").removesuffix("-default"))
    return tuple(dict.fromkeys(forms))


def _ordered(text: str) -> str:
    """Tokens in the order of the 4.x ids: line, version, the rest, date."""
    text = re.sub(r"[\s@]+", "-", text)
    text = _DASHED_DATE.sub(r"-\1\2\3", text)
    text = re.sub(r"(?<=\d)\.(?=\d)", "-", text)
    tokens = [token for token in text.split("-") if token]
    line = next((token for token in tokens if token in LINES), "")
    if not line or tokens[0] not in ("claude", line):
        return "-".join(tokens)
    rest = [token for token in tokens if token not in ("claude", line)]
    version = [token for token in rest if token.isdigit() and len(token) <= 2]
    date = [token for token in rest if token.isdigit() and len(token) == 8]
    other = [token for token in rest if token not in version and token not in date]
    return "-".join([line, *version, *other, *date])
