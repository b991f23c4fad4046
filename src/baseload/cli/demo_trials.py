"""The demo's trials: its bars, its own calls, and a stand-in for the models on loopback."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from baseload.cli.bodies import open_bodies
from baseload.cli.trial_inputs import every_input
from baseload.cli.trial_setup import setup_of
from baseload.demo.answers.bars import BARS
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.trials import KEY, run_demo_trials
from baseload.demo.writers.project import workload_key
from baseload.quality.trial.judging import Replies

if TYPE_CHECKING:
    from baseload.cli.trial_inputs import TrialInputs
    from baseload.quality.trial.document import TrialDocument
    from baseload.quality.trial.setup import TrialSetup
    from baseload.values import Call, Problem
    from baseload.vault.body import Body

NEEDS_EXTRA = "Trials: not run, so that no cheaper model is proven; they need pip install 'baseload[trials]'."
_EXTRA = ("anthropic", "jsonschema")


def can_try() -> bool:
    """Whether what trials need is installed."""
    return all(find_spec(name) is not None for name in _EXTRA)


def demo_trials(
    folder: Path, *, seed: int, as_of: dt.date, on_trial: Callable[[int, int, str], None]
) -> list[TrialDocument]:
    """Every trial of the demo's bars, on the project's own ledger; their verdicts are where `plan` looks for them."""
    inputs = every_input(folder, as_of=as_of)
    setups: list[TrialSetup] = []
    calls: dict[str, Call] = {}
    by_id = {one.workload.id: one for one in inputs}
    services = {service.name: service for service in LARKFIELD.services}
    for bar in BARS:
        service = services[bar.service]
        found = by_id.get(workload_key(service, LARKFIELD.account(service.account)).id)
        if found is not None and found.calls:
            calls |= {call.call_id: call for call in found.calls}
            setups += filter(_has_truths, (_setup(found, one.model) for one in bar.tries))
    if not setups:
        return []

    def bodies(wanted: Sequence[Call]) -> Iterator[tuple[Call, Body | Problem]]:
        whole = [calls[call.call_id] for call in wanted]
        return open_bodies(folder, inputs[0].project, whole, as_of_day=inputs[0].as_of_day)

    return run_demo_trials(
        setups,
        folder / ".baseload",
        LARKFIELD,
        bodies=bodies,
        book=inputs[0].book,
        seed=seed,
        day=inputs[0].as_of_day,
        on_trial=lambda number, setup: on_trial(number, len(setups), setup.workload_name),
    )


def _setup(inputs: TrialInputs, model: str) -> TrialSetup:
    """As `trial run` sets it up, but for what only this machine has: the same company gives the same evidence
    everywhere.
    """
    setup, _, _ = setup_of(replace(inputs, model=model), Replies(), "batch", "")
    unkeyed = tuple(replace(call, request_hash="") for call in setup.calls)
    return replace(setup, calls=unkeyed, key=KEY, simulated=True)


def _has_truths(setup: TrialSetup) -> bool:
    """A very small company may have no call that could be graded."""
    known = setup.known or ()
    return any(call.call_id in known for call in setup.calls)


def trial_line(trial: TrialDocument) -> str:
    """One trial in a line of the demo."""
    words = {"holds": "holds", "breaks": "breaks", "not_shown": "not shown", "invalid": "invalid"}
    found = trial.decision
    seen = "" if found.estimate is None else f", {found.estimate * 100:+.1f} points on {found.n_used} calls"
    bar = f"bar of {trial.bar.points * 100:g} points"
    return f"{trial.workload_name}: {trial.candidate} {words[trial.state]} ({bar}{seen})"
