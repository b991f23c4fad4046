"""Extraction: a JSON record, first against its schema, then field by field against the true one."""

from __future__ import annotations

from typing import Any, Literal

from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked, Unparsable, json_in
from baseload.quality.graders.fields import Rules, compare
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.normal import same_value
from baseload.quality.graders.schema import Schema


class ExtractionGrader:
    """Field F1, or all-or-nothing; a record that breaks its schema, or a critical field, scores 0.

    `score` "f1" is the share of right fields (leaves), "all" is 1 only where every field is right and none is extra.
    """

    id = "extraction"
    version = "1"
    tier: Tier = "truth"

    def __init__(
        self, *, schema: Schema | None = None, rules: Rules | None = None, score: Literal["f1", "all"] = "f1"
    ) -> None:
        self._schema = schema
        self._rules = rules or {}
        self._score = score

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the true record."""
        del call
        record = json_in(output.text)
        fault = self._schema.fault(record) if self._schema else ""
        if fault:
            raise Unparsable(f"the record breaks its schema: {fault}")
        found = compare(reference, record, self._rules)
        if found.critical_wrong:
            return Grade(score=0, reason=f"critical field wrong: {found.critical_wrong[0][:60]}", tier=self.tier)
        right = found.f1 if self._score == "f1" else float(found.f1 > 1 - 1e-9)
        reason = f"{found.right:g} of {found.expected} fields right, {found.found} found"
        return Grade(score=min(1.0, right), reason=reason, tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return same_value(json_in(a.text), json_in(b.text))
