"""From rows to cells: what every model of a ladder scored and cost on one prompt in one trial.

A failed answer scores 0 and is never skipped, however the table says that it failed: with a score of 0 and no cost,
without a score, or by no row at all. What was never asked is no failure: a trial, a dataset or a whole category in
which a model has no row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

import msgspec
import numpy as np

from baseload.errors import UsageError
from baseload.quality.router.table import SOURCE, Answers, Row
from baseload.values import Problem

RELATIVE: Final = "est_tokens"
BASES: Final = ("measured", "list_price", RELATIVE)
_FEW_COSTS: Final = 0.01
"""Above this share of answers without a cost, or without a basis for it, a saving is no figure."""
_A_SET: Final = 10
"""So many prompts without one row of a model are a set it was not asked; fewer are failures."""

Key = tuple[str, str, str]
"""Dataset, prompt, trial."""
Kind = tuple[str, str]
"""Dataset, category."""


class Cell(NamedTuple):
    """One model's answer: score, dollars, and the first of its rows; the strong model's where it has none."""

    score: float
    dollars: float
    row: Row


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """Prompts that every model of the ladder was asked in one trial; `asked` of the strong one, whatever came of it.

    `not_asked` are the categories in which a weak model has no row at all: nothing is known of it there.
    """

    found: dict[Key, dict[str, Cell]]
    asked: int
    not_asked: tuple[Kind, ...]


def cells_of(answers: Answers, strong: str, weak: Sequence[str], problems: list[Problem]) -> Cells:
    """The cells of one ladder. Raises UsageError where costs are missing or their basis is no known one."""
    rows: dict[str, dict[Key, list[Row]]] = {name: defaultdict(list) for name in (strong, *weak)}
    for row in answers.rows:
        if row.model in rows:
            rows[row.model][row.dataset, row.prompt_id, row.trial].append(row)
    usual = {name: _usual_cost(answers, name, rows[name]) for name in rows}
    found: dict[Key, dict[str, Cell]] = defaultdict(dict)
    for name, of_model in rows.items():
        dollars = max(usual[name], usual[strong])
        problems += _without_cost(answers, name, of_model, dollars)
        for key, same in of_model.items():
            if len(same) > 1:
                problems.append(_repeated(answers, same))
            scores = [
                row.score if row.score is not None else 0.0 for row in same if row.score is not None or name != strong
            ]
            if scores:
                costs = [row.cost_usd if _priced(row) else dollars for row in same]
                found[key][name] = Cell(float(np.mean(scores)), float(np.mean([one or 0.0 for one in costs])), same[0])
    trials = {key[2] for key in rows[strong]}
    alone = Counter(key[2] in trials for key, cell in found.items() if strong not in cell)
    if alone[True]:
        problems.append(
            _said(answers, "no-strong", f"{alone[True]} prompts lack an answer of the strong model", strong)
        )
    if alone[False]:
        said = f"{alone[False]} prompts are of trials the strong model is not in"
        problems.append(_said(answers, "other-trials", said, strong))
    asked = {key: cell for key, cell in found.items() if strong in cell}
    kinds: set[Kind] = set()
    for name in weak:
        kinds |= _missed(answers, asked, name, strong, max(usual[name], usual[strong]), rows[name], problems)
    whole = {key: cell for key, cell in asked.items() if len(cell) == len(rows)}
    return Cells(found=whole, asked=len(rows[strong]), not_asked=tuple(sorted(kinds)))


def _priced(row: Row) -> bool:
    return row.cost_usd is not None and row.cost_basis != ""


def _usual_cost(answers: Answers, name: str, rows: Mapping[Key, Sequence[Row]]) -> float:
    """Mean dollars of a model's answers. A failed answer may lack its cost; others may not."""
    every = [row for same in rows.values() for row in same]
    unknown = sorted({row.cost_basis for row in every} - {"", *BASES})
    if unknown:
        raise UsageError(
            f"{answers.file}: cost_basis {unknown[0][:40]} on rows of {name}; expected {', '.join(BASES)}: a saving of "
            "unknown dollars is no figure"
        )
    needed = [row for row in every if row.score]
    bare, known = sum(not _priced(row) for row in needed), [row.cost_usd or 0.0 for row in every if _priced(row)]
    if not known or bare > _FEW_COSTS * len(needed):
        raise UsageError(
            f"{answers.file}: {name} has a cost and a cost_basis on {len(known)} of {len(every)} rows, and {bare} of "
            f"{len(needed)} answers with a score lack one; a saving without costs is no figure. Expected cost_usd with "
            f"{', '.join(BASES[:-1])} or {BASES[-1]}"
        )
    return float(np.mean(known))


def _without_cost(answers: Answers, name: str, rows: Mapping[Key, Sequence[Row]], dollars: float) -> Iterator[Problem]:
    bare = sum(not _priced(row) for same in rows.values() for row in same)
    if bare:
        text = f"{bare} answers of a model have no cost: counted at ${dollars:.6g} each, its mean or the strong one's"
        yield _said(answers, "no-cost", text, name)


def _missed(
    answers: Answers, asked: Mapping[Key, dict[str, Cell]], name: str, strong: str, dollars: float,
    rows: Mapping[Key, Sequence[Row]], problems: list[Problem],
) -> set[Kind]:  # fmt: skip
    """Give a weak model its misses, and return the categories it was never asked."""
    lacks = [key for key in asked if name not in asked[key]]
    trials, elsewhere = {key[2] for key in rows}, {key[:2] for key in rows}
    strangers = _sets((key[2] for key in asked), trials)
    other = [key for key in lacks if key[2] not in trials and (key[2] in strangers or key[:2] in elsewhere)]
    left = set(lacks) - set(other)
    of = {key: _kind(cell[strong]) for key, cell in asked.items() if key not in set(other)}
    kinds = _sets(of.values(), {(row.dataset, row.category) for same in rows.values() for row in same})
    never = {key for key in left if of[key] in kinds}
    for key in left - never:
        asked[key][name] = Cell(0.0, dollars, asked[key][strong].row)
    missed = len(left) - len(never)
    if other:
        problems.append(
            _said(answers, "other-trials", f"{len(other)} prompts are of trials a weak model is not in", name)
        )
    if never:
        text = f"{len(never)} prompts are of categories a weak model has no row of: they stay with the strong one"
        problems.append(_said(answers, "not-asked", text, name))
    if missed:
        text = f"{missed} prompts have no answer of a weak model that was asked: misses, at ${dollars:.6g} each"
        problems.append(_said(answers, "not-answered", text, name))
    return kinds & {of[key] for key in never}


_Set = TypeVar("_Set", str, Kind)


def _sets(asked: Iterable[_Set], answered: set[_Set]) -> set[_Set]:
    """What is large enough to be a set of its own, and has no row of the model."""
    return {one for one, many in Counter(asked).items() if many >= _A_SET and one not in answered}


def _kind(cell: Cell) -> Kind:
    return cell.row.dataset, cell.row.category


def _repeated(answers: Answers, same: Sequence[Row]) -> Problem:
    return Problem(
        source=SOURCE, file=answers.file, row=same[1].number, code="duplicate-id", value=same[0].prompt_id[:60],
        message=f"{len(same)} rows of one prompt, model and trial: averaged, and counted once",
        expected="one row a (prompt_id, model, trial)", next_step="give repeats a trial of their own",
    )  # fmt: skip


def _said(answers: Answers, code: str, message: str, value: str = "") -> Problem:
    return Problem(source=SOURCE, file=answers.file, row=0, code=code, message=message, value=value[:60])
