"""The signature dimension: every distinct way a call can be labelled, a few thousand rows for any number of calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from baseload.values import AGGREGATE_GRAINS, Table


class Signature(NamedTuple):
    """One row of `ledger.signatures()`; text that a source does not give is ""."""

    signature: str
    source: str = ""
    account: str = ""
    workspace: str = ""
    api_key: str = ""
    agent: str = ""
    tags: str = ""
    tools_fp: str = ""
    system_fp: str = ""
    template_id: str = ""
    request_features: str = ""
    task_cues: str = ""
    grain: str = "call"
    user_id: str = ""

    @property
    def is_call(self) -> bool:
        return self.grain not in AGGREGATE_GRAINS

    @property
    def is_coding_agent(self) -> bool:
        """Claude Code, from any source: transcripts, telemetry, its own report, or a report by product."""
        told = self.source.startswith("claude_code") or self.source.endswith("/claude_code")
        return told or self.agent.replace("_", "-").startswith("claude-code")

    @property
    def saw_prompt(self) -> bool:
        """Whether the reader had the request's text before it, so that structure and template mean something."""
        return bool(self.template_id or self.system_fp)


def signature_rows(table: Table) -> Iterator[Signature]:
    """Signatures of a table, sorted by their hash, so that no result depends on the order of rows."""
    count = len(table["signature"])
    columns = [_texts(table, name, count) for name in Signature._fields]
    yield from sorted(Signature(*values) for values in zip(*columns, strict=True))


def _texts(table: Table, name: str, count: int) -> list[str]:
    if name not in table:
        return [Signature._field_defaults[name]] * count
    return ["" if value is None else str(value) for value in _plain(table[name])]


def _plain(column: Any) -> list[Any]:
    values: list[Any] = column.tolist()  # a masked array gives None where masked
    return values
