"""What `baseload trial run` hands to the trial: grader and truths of the bar, bodies, key, seed, whose API it is."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from baseload.cli.bodies import key_file, open_bodies, stored_calls, vault_folder
from baseload.cli.places import find_project, load_org_key, load_project
from baseload.cli.run import PROJECT_LEDGER
from baseload.cli.trial_folder import TRIALS
from baseload.errors import UsageError
from baseload.ledger.store import Ledger
from baseload.project_bars import INCUMBENT, JudgeTable
from baseload.quality.graders.answers import Answer, Unparsable
from baseload.quality.replay.journal import Seal
from baseload.quality.replay.sdk import connect
from baseload.quality.replay.transport import Refused, Transport
from baseload.quality.trial.bars import grader_of
from baseload.quality.trial.begun import Bodies
from baseload.quality.trial.document import Approval, folder_name
from baseload.quality.trial.judging import Replies
from baseload.quality.trial.run import Judging
from baseload.quality.trial.setup import Reference, TrialSetup
from baseload.quality.trial.tables import approval_of, needs_truths, truth_of_incumbent, truths_of
from baseload.values import Call, Problem

if TYPE_CHECKING:
    from baseload.cli.trial_inputs import TrialInputs
    from baseload.project_bars import BarTable
    from baseload.vault.body import Body
    from baseload.vault.key import VaultKey

KEY_VARIABLE = "ANTHROPIC_API_KEY"
URL_VARIABLE = "ANTHROPIC_BASE_URL"
API = "https://api.anthropic.com"
STAND_IN = "wrkspc_upstream"
"""The workspace of `baseload demo upstream`: what it says is no evidence of any model's quality."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def only_bar(project: Path | None) -> str:
    """The workload of the project's only bar. Raises UsageError where there are none, or several."""
    bars = load_project(project or find_project(Path.cwd()) or Path()).bar
    if len(bars) != 1:
        listed = ", ".join(bar.workload[:40] for bar in bars[:8]) or "no [[bar]] in baseload.toml"
        raise UsageError(f"no workload named; expected one with a bar ({listed}). `baseload trial plan` lists them.")
    return bars[0].workload


def api_key() -> str:
    """The key, from the environment alone. Raises UsageError where there is none."""
    found = os.environ.get(KEY_VARIABLE, "")
    if not found:
        raise UsageError(
            f"{KEY_VARIABLE} is not set; expected the key calls are replayed with. It is read nowhere else."
        )
    return found


def api_url(given: str) -> str:
    return given or os.environ.get(URL_VARIABLE, "") or API


def setup_of(
    inputs: TrialInputs, replies: Replies, transport: Literal["batch", "synchronous"] | None, budget: str
) -> tuple[TrialSetup, Judging | None, list[Problem]]:
    """The trial of the workload's bar. Raises UsageError where there is no bar, or its grader cannot be made.

    The seed is made of bar and candidate, so that nobody chooses it. A plug-in grader runs from here on: close it.
    """
    table, bar, files = inputs.bar_table, inputs.bar, inputs.files
    if table is None or bar is None or files is None:
        raise UsageError(
            f"{inputs.workload.name[:40]} has no bar; expected a [[bar]] in baseload.toml. `baseload trial plan "
            f"{inputs.workload.id}` writes one to begin with."
        )
    truths, problems = truths_of(table.grader, files)
    signed, labels = approval_of(table), getattr(table.grader, "labels", ())
    setup = TrialSetup(
        bar=bar,
        workload=inputs.workload.id,
        workload_name=inputs.workload.name,
        incumbent=inputs.incumbent,
        candidate=inputs.model,
        effort=inputs.effort,
        calls=inputs.calls,
        grader=grader_of(table.grader, files),
        reference=_reference(table, truths),
        known=frozenset(truths) if needs_truths(table.grader) else None,
        agreement=getattr(table.grader, "truth", "") == INCUMBENT,
        labels=labels if isinstance(labels, tuple) else (),
        transport=transport or ("batch" if inputs.data_use == "batch_allowed" else "synchronous"),
        cap_usd=_usd(budget) if budget else bar.budget_usd,
        data_use=inputs.data_use,
        zero_data_retention=inputs.project.zero_data_retention,
        redaction="redacted" if table.redact else "raw",
        held_back_days=table.held_back_days,
        in_vault=stored_calls(inputs.folder, inputs.project, as_of_day=inputs.as_of_day),
        seed=f"{bar.sha256}/{inputs.model}/{inputs.effort}",
        key=load_org_key().secret[:64],
        calls_a_month=inputs.calls_a_month,
        calls_counted_share=inputs.counted_share,
        approval=None if signed is None else Approval(who=signed.who, on=signed.on.isoformat(), comment=signed.comment),
    )
    judge = table.grader.model if isinstance(table.grader, JudgeTable) else ""
    judging = Judging(model=_judge(inputs, judge), replies=replies) if judge else None
    return setup, judging, problems


def _judge(inputs: TrialInputs, name: str) -> str:
    found = inputs.book.resolve(name)
    if not found or found == inputs.model:
        raise UsageError(f"judge {name[:60]}; expected a known model that is not the candidate: nobody judges itself")
    return found


def _reference(table: BarTable, truths: dict[str, Any]) -> Reference:
    """What a call's answers are graded against; a call without any raises Unparsable and is not replayed."""
    spec, of_incumbent = table.grader, getattr(table.grader, "truth", "") == INCUMBENT

    def reference(call: str, recorded: Answer | None) -> Any:
        if needs_truths(spec):
            return truths[call]
        if recorded is None and of_incumbent:
            raise Unparsable("no recorded answer")
        return None if recorded is None else truth_of_incumbent(spec, recorded) if of_incumbent else recorded.text

    return reference


def _usd(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise UsageError(f"--budget {text[:20]!r}; expected dollars, such as 2.50") from None


def bodies_of(inputs: TrialInputs) -> Bodies:
    """How the trial reads bodies: from the source files, else from the vault."""

    def bodies(calls: Sequence[Call]) -> Iterable[tuple[Call, Body | Problem]]:
        with Ledger.open(inputs.folder / PROJECT_LEDGER) as ledger:
            yield from open_bodies(inputs.folder, inputs.project, calls, ledger=ledger, as_of_day=inputs.as_of_day)

    return bodies


@asynccontextmanager
async def opened(url: str, key: str, setup: TrialSetup) -> AsyncIterator[tuple[Transport, TrialSetup]]:
    """The API, and the setup that says whether its answers are a stand-in's.

    A stand-in names its workspace; a loopback address without a workspace is taken for one. Raises UsageError where
    the API does not answer.
    """
    async with connect(url, key) as transport:
        workspace = await _workspace(transport)
        simulated = workspace == STAND_IN or (is_local(url) and not workspace)
        yield transport, msgspec.structs.replace(setup, simulated=simulated)


def is_local(url: str) -> bool:
    """Whether it lies on this machine: most likely a stand-in, which only its answers can say."""
    return urlsplit(url).hostname in _LOOPBACK


async def _workspace(transport: Transport) -> str:
    try:
        return await transport.workspace()
    except Refused as error:
        raise UsageError(f"the API refused the key: {error}; expected a key that may create messages") from error


def place_of(inputs: TrialInputs, setup: TrialSetup) -> Path:
    return inputs.folder / TRIALS / folder_name(setup.workload, setup.candidate, setup.effort)


def journal_seal(inputs: TrialInputs) -> Seal | None:
    """Where the project has a vault, the journal's answers lie under its key; None = they lie as they are."""
    from baseload.vault.key import VARIABLE, find_key

    if not vault_folder(inputs.folder, inputs.project).is_dir():
        return None
    key = find_key(os.environ.get(VARIABLE, ""), key_file(inputs.folder, inputs.project))
    return None if key is None else _VaultSeal(key)


class _VaultSeal:
    """Answers under the vault's key."""

    def __init__(self, key: VaultKey) -> None:
        self._key = key

    def seal(self, plain: bytes) -> bytes:
        from baseload.vault.frame import seal

        return seal(plain, b"journal", self._key)

    def open(self, sealed: bytes) -> bytes:
        from baseload.vault.frame import unsealed

        return unsealed(sealed, b"journal", self._key)
