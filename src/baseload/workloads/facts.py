"""What is known of each signature beside its labels: spend, shape, arrivals, and the leading blocks of its prompts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from baseload.values import DAY_US, Table
from baseload.workloads.alike import Member
from baseload.workloads.latency import Arrivals
from baseload.workloads.neighbours import families
from baseload.workloads.shape import Shape
from baseload.workloads.signature import Signature


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts by signature; what a map lacks was not seen. `prefixes` is by template id."""

    spend_nano: Mapping[str, int]
    shapes: Mapping[str, Shape]
    hours: Mapping[str, Counter[int]]
    arrivals: Mapping[str, Arrivals]
    first_us: Mapping[str, int]  # start of the first call, UTC microseconds
    last_us: Mapping[str, int]
    prefixes: Mapping[str, str]

    def hours_of(self, signatures: Sequence[str]) -> Counter[int]:
        """Calls by UTC hour of day, of some signatures together."""
        return sum((self.hours[one] for one in signatures if one in self.hours), Counter())

    def arrivals_of(self, signatures: Sequence[str]) -> Arrivals:
        return sum((self.arrivals[one] for one in signatures if one in self.arrivals), Arrivals())

    def span_days(self, signatures: Sequence[str]) -> float:
        """Days between the first and the last call of some signatures; 0 where no call was seen."""
        firsts = [self.first_us[one] for one in signatures if one in self.first_us]
        lasts = [self.last_us[one] for one in signatures if one in self.last_us]
        return (max(lasts) - min(firsts)) / DAY_US if firsts and lasts else 0.0

    def members(self, rows: Sequence[Signature]) -> list[Member]:
        """One base group as the splitter sees it. Near-duplicates are looked for inside it alone, so that calls of
        others cannot change its ids."""
        leader_of = self._families(rows)
        found = []
        for row in rows:
            shape = self.shapes.get(row.signature, Shape())
            found.append(
                Member(
                    row=row,
                    spend_nano=self.spend_nano.get(row.signature, 0),
                    calls=shape.calls,
                    family=leader_of.get(row.template_id, row.template_id),
                    prompt_tokens=shape.prompt_tokens,
                    output_tokens=shape.output_tokens,
                    first_start_us=self.first_us.get(row.signature, 0),
                )
            )
        return found

    def _families(self, rows: Sequence[Signature]) -> dict[str, str]:
        born: dict[str, int] = {}
        for row in rows:
            if row.template_id in self.prefixes and row.signature in self.first_us:
                start = self.first_us[row.signature]
                born[row.template_id] = min(start, born.get(row.template_id, start))
        return families({template: self.prefixes[template] for template in born}, born)


def starts(shapes: Table, column: str) -> dict[str, int]:
    """Signature -> a time column of the shape rows; {} where the table lacks it."""
    if column not in shapes:
        return {}
    pairs = zip(shapes["signature"].tolist(), shapes[column].tolist(), strict=True)
    return {signature: int(start) for signature, start in pairs if start is not None}
