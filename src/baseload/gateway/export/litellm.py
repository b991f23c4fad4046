"""A policy as files for the LiteLLM proxy: a plug-in that decides as the gateway does, its policy, its configuration.

The plug-in is a few lines: what it runs is `litellm_hook`, so that there is one code for one decision.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from baseload.gateway.export.parts import Exported, Lost, does_nothing, lost
from baseload.plan.policy import Entry, Policy
from baseload.plan.policy_write import scalar
from baseload.prices.book import PriceBook

PLUGIN: Final = "baseload_litellm.py"
POLICY: Final = "policy.yaml"
CONFIG: Final = "litellm-config.yaml"

_PLUGIN: Final = '''\
"""Applies a Baseload policy inside the LiteLLM proxy. Written by `baseload export litellm`; see its page in the docs.

Stands beside LiteLLM's configuration, with {policy}. Policy {policy_id}.
"""

from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger

from baseload.cli.places import load_org_key
from baseload.gateway.export.litellm_hook import load_hook

NAMES = {names}
"""LiteLLM's model names -> model ids of Baseload's price book, for those that differ."""
KEY_CHECK = {check!r}
"""Shows that the organisation's key is the one the policy's fingerprints were made with; "" = it has none."""


class BaseloadPolicy(CustomLogger):
    def __init__(self):
        super().__init__()
        self.hook = load_hook(
            Path(__file__).with_name({policy!r}),
            names=NAMES,
            org_key=load_org_key if KEY_CHECK else None,
            check=KEY_CHECK,
        )

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        return self.hook.changed(data, call_type)

    async def async_post_call_response_headers_hook(self, data, user_api_key_dict, response, **more):
        return self.hook.headers(data)


plugin = BaseloadPolicy()
'''

_CONFIG: Final = """\
# What LiteLLM's configuration needs for this policy; merge it into your own.
# Targets of the policy: {targets}.
model_list:
{models}
litellm_settings:
  callbacks: [baseload_litellm.plugin]
"""


def exported(
    policy: Policy,
    text: str,
    book: PriceBook,
    *,
    check: str = "",
    names: Mapping[str, str] | None = None,
    upstream: str = "",
) -> Exported:
    """The files. `text` is the policy's own, kept with its comments; `check` the `litellm_hook.key_check` it needs.

    `names`: LiteLLM's model names -> ids of the price book. `upstream`: base address for LiteLLM, "" = its own default.
    """
    known = dict(sorted((names or {}).items()))
    losses = tuple(one for entry in policy.entries for one in _losses(entry, book))
    unserved = {one.workload for one in losses if one.extent == "entry"}
    served = tuple(entry for entry in policy.entries if not does_nothing(entry) and entry.workload.id not in unserved)
    targets = sorted({entry.model for entry in served if entry.model})
    return Exported(
        target="litellm",
        policy_id=policy.policy_id,
        workloads=tuple(entry.workload.id for entry in served),
        lost=losses,
        files={
            PLUGIN: _PLUGIN.format(policy=POLICY, policy_id=policy.policy_id, names=known, check=check),
            CONFIG: _config(targets, known, upstream),
            POLICY: text,
        },
    )


def _losses(entry: Entry, book: PriceBook) -> Iterator[Lost]:
    if does_nothing(entry):
        return
    if entry.model and book.resolve(entry.model) not in book.models:
        yield lost(entry, f"model {entry.model[:60]!r} is not in the price book, whose rules every move is held to")
        return
    if entry.decision == "route":
        yield lost(entry, "a fitted router needs Baseload whole, which LiteLLM's own dependencies rule out")
        return
    has_marks = entry.cache is not None and bool(entry.cache.marks)
    if entry.batch is not None:
        only = entry.decision == "leave" and not has_marks
        yield lost(entry, "LiteLLM cannot hold a call for a batch; it is answered at once", "entry" if only else "part")
    if entry.cache is not None and entry.cache.keep_alive:
        yield lost(entry, "LiteLLM sends no request of its own to keep a cache alive", "part")


def _config(targets: list[str], names: Mapping[str, str], upstream: str) -> str:
    """Every Claude model under its own name, and those that go by another name here."""
    wanted = {"claude-*": "claude-*"} | dict(names.items())
    lines = [line for name, model in wanted.items() for line in _model(name, model, upstream)]
    return _CONFIG.format(targets=", ".join(targets) or "none", models="\n".join(lines))


def _model(name: str, model: str, upstream: str) -> Iterator[str]:
    yield f"  - model_name: {scalar(name)}"
    yield "    litellm_params:"
    yield f"      model: {scalar('anthropic/' + model)}"
    yield "      api_key: os.environ/ANTHROPIC_API_KEY"
    if upstream:
        yield f"      api_base: {scalar(upstream)}"
