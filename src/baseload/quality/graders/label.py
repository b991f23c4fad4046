"""Labels: the class a text was put into, against the true one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from baseload.errors import UsageError
from baseload.quality.bar import Tier
from baseload.quality.graders.answers import Answer, Asked, Unparsable, json_in, unfenced
from baseload.quality.graders.grader import Grade
from baseload.quality.graders.normal import label

_FIELDS: Final = ("label", "class", "category", "intent")


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """How a label is read from an answer: the whole text, or one field of a JSON object.

    `known` are all labels there are, () = any text is one; `aliases` maps other spellings to them.
    """

    known: tuple[str, ...] = ()
    aliases: Mapping[str, str] = {}
    field: str = ""  # "" = the text itself, or the one obvious field of an object

    def __post_init__(self) -> None:
        if len({label(name) for name in self.known}) != len(self.known):
            raise UsageError("two labels of the set differ in case, quotes or hyphens alone: they cannot be told apart")

    def of(self, answer: Answer) -> str:
        """The label an answer states, normalised. Raises Unparsable where it states none of the known ones."""
        found = label(self._stated(answer.text))
        found = label({label(name): kept for name, kept in self.aliases.items()}.get(found, found))
        if not found or (self.known and found not in {label(name) for name in self.known}):
            raise Unparsable("no label of the set")
        return found

    def _stated(self, text: str) -> str:
        bare = unfenced(text)
        if not self.field and not bare.startswith("{"):
            return bare
        value = json_in(bare)
        names = (self.field,) if self.field else _FIELDS
        stated = next((value[name] for name in names if isinstance(value, dict) and name in value), None)
        if not isinstance(stated, str):
            raise Unparsable("no label in the object")
        return stated


class LabelGrader(msgspec.Struct, frozen=True, kw_only=True):
    """1 for the true label, 0 for another.

    With `weights` (class -> 1 / (classes x its share), from `recall_weights`) a right answer scores weight / largest
    weight: the mean score times `scale` is macro recall, so that a margin of points of it is margin / `scale` here.
    """

    labels: Labels = Labels()
    weights: Mapping[str, float] = {}
    id: str = "label"
    version: str = "1"
    tier: Tier = "truth"

    @property
    def scale(self) -> float:
        """Points of the measure in one point of mean score; 1 without weights."""
        return max(self.weights.values(), default=1.0)

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the true label. Raises UsageError where it is none, or has no weight."""
        del call
        truth = label(reference) if isinstance(reference, str) else ""
        if not truth:
            raise UsageError("a label grader needs the true label of every call as its reference")
        if self.weights and truth not in self.weights:
            raise UsageError("a class has no weight: make the weights from the truths of the whole sample")
        worth = self.weights[truth] / self.scale if self.weights else 1.0
        right = self.labels.of(output) == truth
        return Grade(score=worth if right else 0.0, reason="right label" if right else "wrong label", tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return self.labels.of(a) == self.labels.of(b)


def recall_weights(truths: Iterable[str]) -> dict[str, float]:
    """Class -> 1 / (classes x share of the class): the weighted share of right calls is then macro recall.

    >>> recall_weights(["spam", "ham", "ham", "ham"])
    {'spam': 2.0, 'ham': 0.6666666666666666}
    """
    counts = Counter(map(label, truths))
    return {name: counts.total() / (len(counts) * count) for name, count in counts.items()}


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Mean over the true classes of F1, from (truth, stated) pairs: reported beside the verdict, no basis of one.

    A class never stated has F1 0; no pair at all is 0.
    """
    truths, stated = Counter(truth for truth, _ in pairs), Counter(said for _, said in pairs)
    right = Counter(truth for truth, said in pairs if truth == said)
    return sum(2 * right[name] / (truths[name] + stated[name]) for name in truths) / len(truths) if truths else 0.0


class UtilityGrader(msgspec.Struct, frozen=True, kw_only=True):
    """Routing: what sending a call of the true kind to the stated place is worth, from a table, scaled to 0 to 1.

    `table` is truth -> stated -> utility. A stated label that its row does not name is worth the least of the table;
    mean score x `scale` + `least` is mean utility.
    """

    table: Mapping[str, Mapping[str, float]]
    labels: Labels = Labels()
    id: str = "routing"
    version: str = "1"
    tier: Tier = "truth"

    def __post_init__(self) -> None:
        values = [value for row in self.table.values() for value in row.values()]
        if not values or min(values) == max(values) or not all(-1e12 < value < 1e12 for value in values):
            raise UsageError("a utility table needs at least two different finite values")

    @property
    def least(self) -> float:
        return min(value for row in self.table.values() for value in row.values())

    @property
    def scale(self) -> float:
        """Utility in one point of score."""
        return max(value for row in self.table.values() for value in row.values()) - self.least

    def grade(self, call: Asked, output: Answer, reference: Any) -> Grade:
        """`reference` is the true label. Raises UsageError where the table has no row of it."""
        del call
        rows = {label(truth): row for truth, row in self.table.items()}
        row = rows.get(label(reference) if isinstance(reference, str) else "")
        if row is None:
            raise UsageError("the utility table has no row of a true label")
        worth = {label(stated): value for stated, value in row.items()}.get(self.labels.of(output), self.least)
        return Grade(score=(worth - self.least) / self.scale, reason="utility of the route", tier=self.tier)

    def same(self, a: Answer, b: Answer) -> bool:
        return self.labels.of(a) == self.labels.of(b)
