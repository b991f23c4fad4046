"""The demo's last chapter: the move that held its bar, served by the gateway, and what it saved there."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from baseload.cli.trial_inputs import TrialInputs
    from baseload.demo.through_gateway import ThroughGateway
    from baseload.quality.trial.document import TrialDocument

NEEDS_EXTRA = "Gateway: not run; it needs pip install 'baseload[gateway]'."


def can_serve() -> bool:
    """Whether the gateway's extra is installed."""
    return all(find_spec(name) is not None for name in ("httptools", "uvloop"))


def demo_gateway(
    folder: Path, trials: Sequence[TrialDocument], inputs: Sequence[TrialInputs], *, seed: int
) -> ThroughGateway | None:
    """The best tested trial that held, through the gateway; None where none did."""
    from baseload.demo.larkfield import LARKFIELD
    from baseload.demo.through_gateway import move_of, through_gateway

    held = [one for one in trials if one.state == "holds"]
    trial = max(held, key=lambda one: one.decision.n_used, default=None)
    found = next((one for one in inputs if trial is not None and one.workload.id == trial.workload), None)
    if trial is None or found is None:
        return None
    requests = _requests(folder, found)
    tags = {"app": trial.workload_name}
    return through_gateway(
        move_of(trial), requests, tags, folder / ".baseload" / "gateway-demo", LARKFIELD, book=found.book, seed=seed
    )


def _requests(folder: Path, inputs: TrialInputs) -> list[dict[str, Any]]:
    """The workload's own recorded requests to its incumbent, as they were sent."""
    from baseload.cli.bodies import open_bodies
    from baseload.demo.through_gateway import MOST_REQUESTS
    from baseload.vault.body import Body

    own = (call for call in inputs.calls if call.model == inputs.incumbent)
    calls = sorted(own, key=lambda call: (call.start_us, call.call_id))[:MOST_REQUESTS]
    opened = open_bodies(folder, inputs.project, calls, as_of_day=inputs.as_of_day)
    found = {call.call_id: dict(body.request) for call, body in opened if isinstance(body, Body)}
    return [found[call.call_id] for call in calls if call.call_id in found]


def gateway_line(found: ThroughGateway) -> str:
    """Realised next to planned, in a line."""
    saved = found.saved
    moved = f"Through the gateway: {found.move.workload_name}, {found.calls} sessions"
    if saved.share is None or saved.low_usd is None or saved.high_usd is None or not saved.saved_usd:
        return f"{moved}; {saved.reason}"
    scale = saved.share / saved.saved_usd
    low, high = saved.low_usd * scale, saved.high_usd * scale
    planned = "no price" if found.move.planned_share is None else f"{found.move.planned_share:.1%}"
    return (
        f"{moved} of which {saved.reference} held back at random: {saved.share:.1%} less realised (95 %: {low:.1%} to "
        f"{high:.1%}), {planned} planned."
    )
