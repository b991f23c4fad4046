"""What single calls show of one workload that decides where it can run; empty where only billing rows exist."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from baseload.ledger.peaks import Peak
from baseload.ledger.prompt_sizes import SizeBin
from baseload.ledger.request_settings import Settings
from baseload.ledger.session_models import SessionMix
from baseload.workloads.shape import Shape


class RouteShape(msgspec.Struct, frozen=True, kw_only=True):
    """Prompt lengths, settings, busiest minute, sessions and thinking of one workload.

    Without `sizes` prompt lengths are known only as far as price bands tell. `thinking_share` is of its output tokens,
    0 also where sources do not say.
    """

    sizes: tuple[SizeBin, ...] = ()
    settings: Settings = Settings()
    peak: Peak | None = None
    mix: SessionMix = SessionMix()
    thinking_share: float = 0.0


def route_shapes(
    workload_of: Mapping[str, str],
    *,
    sizes: Mapping[str, tuple[SizeBin, ...]],
    settings: Mapping[str, Settings],
    shapes: Mapping[str, Shape],
    peaks: Mapping[str, Peak],
    mixes: Mapping[str, SessionMix],
) -> dict[str, RouteShape]:
    """Workload -> its shape. `workload_of`, `sizes`, `settings` and `shapes` are by signature, the rest by workload."""
    members: dict[str, list[str]] = {}
    for signature, workload in workload_of.items():
        members.setdefault(workload, []).append(signature)
    found = {}
    for workload, signatures in members.items():
        whole = sum((shapes[name] for name in signatures if name in shapes), Shape())
        found[workload] = RouteShape(
            sizes=merged(one for name in signatures for one in sizes.get(name, ())),
            settings=sum((settings[name] for name in signatures if name in settings), Settings()),
            peak=peaks.get(workload),
            mix=mixes.get(workload, SessionMix()),
            thinking_share=whole.thinking_share,
        )
    return found


def merged(sizes: Iterable[SizeBin]) -> tuple[SizeBin, ...]:
    """One bin for each price key and edge, in order of both."""
    found: dict[tuple[str, int], SizeBin] = {}
    for one in sizes:
        key = (one.price_key, one.up_to)
        other = found.get(key)
        found[key] = one if other is None else _both(other, one)
    return tuple(found[key] for key in sorted(found))


def _both(one: SizeBin, other: SizeBin) -> SizeBin:
    return SizeBin(
        price_key=one.price_key, up_to=one.up_to, calls=one.calls + other.calls, tokens=one.tokens + other.tokens
    )
