"""The router as a file: JSON, one self-contained document; what a gateway loads and `route eval` judges."""

from __future__ import annotations

from typing import Final

import msgspec

from baseload.errors import UsageError
from baseload.quality.router.certify import Certified, Kind, Promise
from baseload.quality.router.ridge import Weights
from baseload.quality.router.space import Space, rounded

SCHEMA: Final = "baseload.router/2"
_MOST_BYTES: Final = 5_000_000


class PolicyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One policy: what is predicted of a prompt, and what is done.

    Targets are the quality of each model, then the cost of each in mean costs of strong; weights have a list a target.
    `threshold` is the price of quality of a `route`: the loss a dollar saved up to which a prompt leaves the strong
    model; None with `always` = every prompt leaves it. `model` is the target of a `pin`.
    """

    features: str
    decision: Kind
    model: str
    threshold: float | None
    always: bool = False
    saving: float
    quality_ratio: float
    share_routed: float
    intercept: list[float]
    text: list[list[float]]
    surface: list[list[float]]
    levels: list[list[float]]


class RouterFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fitted router with its controls; shares and ratios are out-of-fold estimates of the rows it was fitted on.

    `models` is strong, then weak from the dearest to the cheapest as measured; `savings` the measured mean saving of
    each weak model in mean costs of strong. `more_prompts` 0: the saving was shown; None: no number would show one.
    `prompts` are independent ones; `used` of `asked` rows of the strong model are in all figures. `fitted` are 32-bit
    hashes of the prompts under `fitted_key`, base64, so that `route eval` can tell what it must not be judged on.
    """

    schema: str = SCHEMA
    strong: str
    models: list[str]
    floor: float
    confidence: float
    decision: Kind
    reason: str
    more_prompts: int | None
    prompts: int
    used: int
    asked: int
    cost_basis: str
    text_from: str
    category_from: str
    savings: list[float]
    quality: list[float]
    stay_strong: list[str]
    space: Space | None
    policy: PolicyFile
    controls: dict[str, PolicyFile]
    fitted_key: str
    fitted: str


def policy_file(features: str, certified: Certified, models: tuple[str, ...], weights: Weights | None) -> PolicyFile:
    """The policy as it is written: five digits a weight."""

    def lists(part: str) -> list[list[float]]:
        return [] if weights is None else [rounded(column) for column in getattr(weights, part).T]

    always = certified.threshold == float("inf")
    return PolicyFile(
        features=features,
        decision=certified.kind,
        model=models[certified.model] if certified.kind == "pin" else "",
        threshold=None if always else certified.threshold,
        always=always,
        saving=round(certified.saving, 6),
        quality_ratio=round(certified.quality_ratio, 6),
        share_routed=round(certified.share_routed, 6),
        intercept=[] if weights is None else rounded(weights.intercept),
        text=lists("text"),
        surface=lists("surface"),
        levels=lists("levels"),
    )


def encoded(router: RouterFile) -> bytes:
    """The file's bytes; equal fits give equal bytes."""
    return msgspec.json.encode(router) + b"\n"


def decoded(data: bytes, name: str) -> RouterFile:
    """A router from its file. Raises UsageError where it is none, or larger than any router is."""
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{name}: {len(data):,} bytes; expected a router of at most {_MOST_BYTES:,}")
    try:
        found = msgspec.json.decode(data, type=RouterFile)
    except msgspec.MsgspecError as error:
        raise UsageError(f"{name}: {error}; expected a router written by baseload route fit") from error
    if found.schema != SCHEMA:
        raise UsageError(f"{name}: schema {found.schema}; expected {SCHEMA}: fit it again")
    _check_shape(found, name)
    return found


def _check_shape(router: RouterFile, name: str) -> None:
    outputs = 2 * len(router.models)
    for policy in (router.policy, *router.controls.values()):
        widths = {len(part) for part in (policy.intercept, policy.text, policy.surface, policy.levels)}
        if not widths <= {0, outputs} or (policy.decision == "route" and not policy.intercept):
            raise UsageError(f"{name}: weights do not fit its {len(router.models)} models; fit it again")
        if policy.decision == "pin" and policy.model not in router.models:
            raise UsageError(f"{name}: pins {policy.model[:60]}, which is none of its models; fit it again")


__all__ = ["SCHEMA", "PolicyFile", "Promise", "RouterFile", "decoded", "encoded", "policy_file"]
