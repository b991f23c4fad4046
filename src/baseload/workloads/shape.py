"""What the calls of a workload look like together: sums of the ledger's shape rows, and figures derived from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec

from baseload.values import Table

OUTPUT_BINS = ("out_le_20", "out_le_100", "out_le_500", "out_le_2000", "out_gt_2000")
"""Calls by output tokens: at most 20, 21-100, 101-500, 501-2,000, more."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over calls (never over aggregate rows). Zero calls means that no call was seen, not that none was made."""

    calls: int = 0
    stream_calls: int = 0
    stream_known: int = 0
    failures: int = 0
    tool_result_calls: int = 0
    uncached_input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_5m_tokens: int = 0
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    thinking_sum: int = 0
    out_le_20: int = 0
    out_le_100: int = 0
    out_le_500: int = 0
    out_le_2000: int = 0
    out_gt_2000: int = 0
    messages_sum: int = 0

    def __add__(self, other: Shape) -> Shape:
        return Shape(**{name: getattr(self, name) + getattr(other, name) for name in self.__struct_fields__})

    @property
    def prompt_tokens(self) -> int:
        return (
            self.uncached_input_tokens
            + self.cache_read_tokens
            + self.cache_write_5m_tokens
            + self.cache_write_1h_tokens
        )

    @property
    def mean_prompt(self) -> float:
        """Prompt tokens per call; 0 without calls."""
        return self.prompt_tokens / self.calls if self.calls else 0.0

    @property
    def mean_output(self) -> float:
        return self.output_tokens / self.calls if self.calls else 0.0

    @property
    def out_in_ratio(self) -> float:
        """Output over prompt tokens; 0 without a prompt."""
        return self.output_tokens / self.prompt_tokens if self.prompt_tokens else 0.0

    @property
    def thinking_share(self) -> float:
        """Share of output that is thinking; 0 also where sources do not say, so it can only be evidence *for*."""
        return self.thinking_sum / self.output_tokens if self.output_tokens else 0.0

    @property
    def tool_result_share(self) -> float:
        return self.tool_result_calls / self.calls if self.calls else 0.0

    @property
    def mean_messages(self) -> float:
        """Messages per request; 0 where sources do not say."""
        return self.messages_sum / self.calls if self.calls else 0.0

    @property
    def stream_share(self) -> float | None:
        """Share of calls that streamed; None where sources do not say."""
        return self.stream_calls / self.stream_known if self.stream_known else None

    def share_of_bins(self, *names: str) -> float:
        """Share of calls whose output falls in the named bins."""
        return sum(getattr(self, name) for name in names) / self.calls if self.calls else 0.0


def shapes_by_signature(table: Table) -> dict[str, Shape]:
    """Signature -> its shape; a column the table lacks counts as zero, a masked value too."""
    signatures = table["signature"].tolist()
    columns = {name: _integers(table, name, len(signatures)) for name in Shape.__struct_fields__}
    found: dict[str, Shape] = {}
    for row, signature in enumerate(signatures):
        shape = Shape(**{name: column[row] for name, column in columns.items()})
        found[signature] = found[signature] + shape if signature in found else shape
    return found


def hours_by_signature(table: Table | None) -> dict[str, Counter[int]]:
    """Signature -> calls by UTC hour of day, from the ledger's hours rows; {} without the table."""
    found: dict[str, Counter[int]] = {}
    if table is None:
        return found
    for signature, hour, calls in zip(
        table["signature"].tolist(), table["hour"].tolist(), table["calls"].tolist(), strict=True
    ):
        found.setdefault(signature, Counter())[int(hour)] += int(calls)
    return found


def total_shape(shapes: Mapping[str, Shape], signatures: list[str]) -> Shape:
    """The shape of several signatures together; those without calls add nothing."""
    return sum((shapes[signature] for signature in signatures if signature in shapes), Shape())


def _integers(table: Table, name: str, count: int) -> list[int]:
    if name not in table:
        return [0] * count
    values: list[Any] = table[name].tolist()
    return [int(value or 0) for value in values]
