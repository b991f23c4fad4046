"""What the clauses of one offer share: sizes, tables, random weights and scales of discount points.

Where yearly totals price both sides of a question, both are priced at every size. Elsewhere the offer is priced at
every size of a smaller set; the other side at those that are best on thin paths, and at the offer's best ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np

from baseload.commit.arrays import Array
from baseload.commit.clauses import Overage
from baseload.commit.contract import Contract
from baseload.commit.paths import Paths
from baseload.commit.worth import draft
from baseload.commit.worth.interval import weights
from baseload.commit.worth.options import Measure, has_rights
from baseload.commit.worth.points import PointScale, thin_rows
from baseload.commit.worth.shelf import Shelf, best_rows, worth_pricing
from baseload.commit.worth.sizes import COARSE, FEW, FINE, in_list, list_floors, sizes_for
from baseload.commit.worth.suited import MONTHLY_PATHS, around, closely_around, on_floors, suited, thinned
from baseload.commit.worth.table import Table, is_yearly, usd_of

AT_LIST: Final = Overage(rule="list")
COMMITTED: Final = Overage(rule="committed")
_LOOKS: Final = 8


class Question(NamedTuple):
    """A clause as two contracts; with `blend` the variant costs the mean of it with overage at list and committed."""

    clause: str
    kind: Literal["has", "ask"]
    says: str
    base: Contract
    variant: Contract
    measure: Measure
    wording: str
    blend: bool = False

    def asked_of(self) -> tuple[Contract, ...]:
        """Every contract whose own optimum matters."""
        rules = (AT_LIST, COMMITTED) if self.blend else ()
        return (self.base, self.variant, *(draft.replaced(self.variant, {"overage": rule}) for rule in rules))


class Sides(NamedTuple):
    """Without the clause and with it."""

    before: Table
    after: Table


class Workshop:
    """Prices questions about one offer. `sizes` in its basis are looked at beside the usual ones."""

    def __init__(
        self,
        contract: Contract,
        paths: Paths,
        seed: int,
        sizes: Sequence[Sequence[Decimal]],
        questions: Sequence[Question],
    ) -> None:
        self._contract, self._paths, self._questions = contract, paths, questions
        self._extra = [[float(amount) for amount in size] for size in sizes]
        self._others = list(dict.fromkeys(one for question in questions for one in question.asked_of()))
        self._all = Shelf(paths)
        self._few = self._all if paths.count <= MONTHLY_PATHS else Shelf(thinned(paths, MONTHLY_PATHS))
        self._suited: dict[tuple[Contract, Measure], Array] = {}
        self._sets: dict[tuple[Measure, bool], Array] = {}
        self._cores: dict[Measure, Array] = {}
        self._scales: dict[tuple[Contract, Measure], PointScale] = {}
        self.weights = weights(paths.count, seed)

    def sides(self, question: Question) -> Sides:
        """Both contracts at the same sizes."""
        base, variant, measure = question.base, question.variant, question.measure
        yearly = all(self._yearly(one, measure) for one in question.asked_of())
        sizes = self._sizes(measure, yearly=yearly)
        if question.blend:
            return Sides(self._all.table(base, sizes, measure), self._half_way(question, sizes))
        if yearly:
            return Sides(self._all.table(base, sizes, measure), self._all.table(variant, sizes, measure))
        if question.kind == "ask":
            whole = self._all.table(base, sizes, measure)
            after = self._at_best(variant, whole, measure)
            return Sides(whole, self._or_unused(question, after) if _adds_right(question) else after)
        whole = self._all.table(variant, sizes, measure)
        return Sides(self._at_best(base, whole, measure), whole)

    def scale(self, question: Question, before: Table) -> PointScale:
        """How the least cost without the clause falls as discounts rise."""
        key = (question.base, question.measure)
        if key not in self._scales:
            yearly = self._yearly(*key)
            sizes = self._sizes(question.measure, yearly=True) if yearly else before.list_sizes
            table = self._all.table(question.base, sizes, question.measure)
            self._scales[key] = PointScale(table, self._paths, question.measure)
        return self._scales[key]

    def at_fixed(self, question: Question, before: Table) -> float:
        """What the clause is worth at the stated size, else at the best one without it."""
        sizes = before.sizes[before.best][None, :]
        if self._contract.commit_usd_by_year:
            sizes = np.array([[float(amount) for amount in self._contract.commit_usd_by_year]])
        with_it = question.asked_of()[2:] or (question.variant,)
        measure = question.measure
        costs = [float(usd_of(one, sizes, self._paths, measure).mean()) for one in (question.base, *with_it)]
        return costs[0] - sum(costs[1:]) / len(with_it)

    def _yearly(self, contract: Contract, measure: Measure) -> bool:
        return is_yearly(contract, self._paths, measure)

    def _at_best(self, contract: Contract, whole: Table, measure: Measure) -> Table:
        few = self._few.table(contract, whole.list_sizes, measure)
        return self._all.table(contract, worth_pricing(few, whole), measure)

    def _or_unused(self, question: Question, after: Table) -> Table:
        """Whoever gets one right more may leave it alone: a rule over several rights is only nearly the best."""
        before = self._all.table(question.base, after.list_sizes, question.measure)
        better = (before.means < after.means)[:, None]
        return msgspec.structs.replace(after, usd=np.where(better, before.usd, after.usd))

    def _half_way(self, question: Question, sizes: Array) -> Table:
        """Overage half way: what exceeds the balance does not depend on its price, so cost is the mean of the two."""
        two = [self._all.table(one, sizes, question.measure) for one in question.asked_of()[2:]]
        return msgspec.structs.replace(two[0], contract=question.variant, usd=(two[0].usd + two[1].usd) / 2)

    def _sizes(self, measure: Measure, *, yearly: bool) -> Array:
        """List-dollar sizes that all questions of this kind are looked at."""
        key = (measure, yearly)
        if key not in self._sets:
            self._sets[key] = self._fine() if yearly else self._coarse(measure)
        return self._sets[key]

    def _fine(self) -> Array:
        yearly = [one for one in self._others if self._yearly(one, "cost")]
        found = [around(self._suits(one, "cost")[:1], one.term_months) for one in yearly]
        others = [self._suits(one, "cost") for one in yearly]
        usual = sizes_for(self._contract, self._paths, FINE, self._extra, self._others)
        mixed = [on_floors(self._suits(yearly[0], "cost")[0], list_floors(self._contract))]
        return np.unique(np.concatenate([usual, *found, *others, *mixed]), axis=0)

    def _coarse(self, measure: Measure) -> Array:
        asked = (one for question in self._questions if question.measure == measure for one in question.asked_of())
        each = [self._suits(one, measure) for one in dict.fromkeys(asked)]
        found = [one[:1] for one in each] if has_rights(self._contract) else [closely_around(one) for one in each]
        return np.unique(np.concatenate([self._core(measure), *found]), axis=0)

    def _core(self, measure: Measure) -> Array:
        """Where every size is run several times: the best sizes of the offer on thin paths, some of every magnitude."""
        if measure not in self._cores:
            points = FEW if has_rights(self._contract) else COARSE
            sizes = sizes_for(self._contract, self._paths, points, self._extra, self._others)
            table = self._few.table(self._contract, sizes, "cost")
            stated = [float(amount) for amount in self._contract.commit_usd_by_year]
            more = [in_list(self._contract, one) for one in (stated, *self._extra) if one]
            self._cores[measure] = np.unique(np.array([*sizes[thin_rows(table)], *more]), axis=0)
        return self._cores[measure]

    def _suits(self, contract: Contract, measure: Measure) -> Array:
        key = (contract, measure)
        if key not in self._suited:
            looks = None
            if not self._yearly(contract, measure):
                looks = np.concatenate([self._looks(contract, measure), *self._met()])
                if not has_rights(contract):
                    looks = np.concatenate([looks, on_floors(looks[0], list_floors(self._contract))])
            self._suited[key] = suited(contract, self._paths, measure, looks)
        return self._suited[key]

    def _looks(self, contract: Contract, measure: Measure) -> Array:
        return best_rows(self._few.table(contract, self._core(measure), measure), _LOOKS)

    def _met(self) -> Iterable[Array]:
        """The best of everything that yearly totals price: searched first, exact or nearly."""
        for one in self._others:
            if self._yearly(one, "cost"):
                yield self._suits(one, "cost")[:1]


def _adds_right(question: Question) -> bool:
    """Is the clause one of the buyer's rights where the offer has none of its kind?"""
    kinds = ("step_down", "step_up", "termination")
    return any(getattr(question.base, kind) is None and getattr(question.variant, kind) is not None for kind in kinds)
