"""From answers to units: one prompt in one trial, with the score and the cost of every model of the ladder.

Models are compared inside one trial alone: repeated rows of one prompt, model and trial are averaged, and two trials of
a prompt stay two units of one cluster. What a weak model failed to answer counts as a miss (`cells`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import NothingToRead, UsageError
from baseload.quality.router.cells import Cell, Cells, Key, cells_of
from baseload.quality.router.clusters import clusters, identity
from baseload.quality.router.table import SOURCE, Answers, Row
from baseload.values import Problem

Floats = NDArray[np.float64]

KINDS: Final = "dataset/category"
"""Categories are told apart by their dataset."""


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """The prompts to learn from or to judge on, in an order their own hashes give.

    `quality` and `cost` have a row a unit and a column a model of `models`: strong first, then weak from the dearest to
    the cheapest. `lead` is the unit whose text decides for this one: the first of its session; `identities` say what
    that text is. `cluster` numbers units that are not independent: one session, one prompt, one text. `asked` are the
    prompts of the strong model, used or not; `not_asked` the categories in which a weak model has no answer.
    """

    models: tuple[str, ...]
    keys: tuple[str, ...]
    identities: tuple[str, ...]
    texts: tuple[str, ...]
    categories: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    numbers: Floats
    number_names: tuple[str, ...]
    level_names: tuple[str, ...]
    quality: Floats
    cost: Floats
    lead: NDArray[np.int64]
    cluster: NDArray[np.int64]
    text_from: str
    category_from: str
    cost_basis: str
    asked: int
    not_asked: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


def units_of(
    answers: Answers, strong: str, weak: Sequence[str], text_from: str = "", category_from: str = ""
) -> tuple[Units, list[Problem]]:
    """The units of one ladder. `text_from` "" = the prompts, or the ids where no prompt has text; `category_from` "" =
    the category, with the dataset before it where the table has several.

    Raises UsageError for a model the table does not have or has no cost of, NothingToRead where no prompt has all.
    """
    wanted = _checked(answers, strong, weak)
    problems: list[Problem] = []
    cells = cells_of(answers, strong, weak, problems)
    complete = cells.found
    if not complete:
        raise NothingToRead(
            f"{answers.file}: no prompt has a score and a cost of all of {', '.join(wanted)} in one trial; "
            "models are compared inside one trial alone"
        )
    costs = {name: float(np.mean([cell[name].dollars for cell in complete.values()])) for name in wanted}
    ladder = (strong, *sorted(weak, key=lambda name: (-costs[name], _shown_quality(complete, name))))
    rows = [cell[strong].row for cell in complete.values()]
    if not text_from:
        text_from = "prompt" if any(row.prompt.strip() for row in rows) else "prompt_id"
    if text_from == "prompt_id":
        said = "no prompt has text: the words of its id stand for it"
        problems.append(Problem(source=SOURCE, file=answers.file, row=0, code="no-text", message=said))
    if not category_from:
        datasets = {row.dataset for row in rows} | {kind[0] for kind in cells.not_asked}
        category_from = KINDS if len(datasets) > 1 else "category"
    return _assembled(answers, cells, ladder, text_from, category_from), problems


def _shown_quality(complete: Mapping[Key, Mapping[str, Cell]], name: str) -> float:
    return float(np.mean([cell[name].score for cell in complete.values()]))


def _checked(answers: Answers, strong: str, weak: Sequence[str]) -> list[str]:
    wanted = [strong, *weak]
    if not weak:
        raise UsageError("no weak model; expected --weak MODEL at least once")
    doubled = [name for name, many in Counter(wanted).items() if many > 1]
    if doubled:
        raise UsageError(f"{doubled[0]} is named twice; expected different models")
    there = answers.models
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise UsageError(f"{answers.file}: no model {', '.join(unknown)}; there are {', '.join(there)}")
    return wanted


def named(dataset: str, category: str, category_from: str) -> str:
    """A category as the units name it."""
    return f"{dataset}/{category}" if category_from == KINDS else category


def _assembled(answers: Answers, cells: Cells, ladder: tuple[str, ...], text_from: str, category_from: str) -> Units:
    strong = ladder[0]
    turn = answers.number_names.index("turn") if "turn" in answers.number_names else -1

    def when(row: Row) -> tuple[float, str]:
        at = row.numbers[turn] if turn >= 0 else None
        return at if at is not None else 0.0, row.prompt_id + row.trial

    def text(row: Row) -> str:
        return row.prompt if text_from == "prompt" else row.prompt_id

    items = sorted(cells.found.items(), key=lambda item: when(item[1][strong].row))
    rows = [cell[strong].row for _, cell in items]
    opening: dict[str, Row] = {}
    for row in rows:
        opening.setdefault(row.session, row)
    deciding = [opening[row.session] if row.session else row for row in rows]
    same = [identity(row, text(row)) for row in deciding]
    groups = clusters(rows, same)
    order = sorted(range(len(rows)), key=lambda at: (groups[at], *when(rows[at])))
    ordered, rows = [items[at][1] for at in order], [rows[at] for at in order]
    first: dict[str, int] = {}
    lead = [first.setdefault(row.session, at) if row.session else at for at, row in enumerate(rows)]
    numbered = {group: number for number, group in enumerate(dict.fromkeys(groups[at] for at in order))}
    bases = {cell[name].row.cost_basis for cell in ordered for name in ladder} - {""}
    return Units(
        models=ladder,
        keys=tuple(f"{row.dataset}\x1f{row.prompt_id}\x1f{row.trial}" for row in rows),
        identities=tuple(same[at] for at in order),
        texts=tuple(text(row) for row in rows),
        categories=tuple(named(row.dataset, row.category, category_from) for row in rows),
        levels=tuple(row.levels for row in rows),
        numbers=np.array([[value or 0.0 for value in row.numbers] for row in rows]).reshape(len(rows), -1),
        number_names=answers.number_names,
        level_names=answers.level_names,
        quality=np.array([[cell[name].score for name in ladder] for cell in ordered]),
        cost=np.array([[cell[name].dollars for name in ladder] for cell in ordered]),
        lead=np.array(lead, dtype=np.int64),
        cluster=np.array([numbered[groups[at]] for at in order], dtype=np.int64),
        text_from=text_from,
        category_from=category_from,
        cost_basis=bases.pop() if len(bases) == 1 else "mixed",
        asked=cells.asked,
        not_asked=tuple(sorted({named(*kind, category_from) for kind in cells.not_asked})),
    )
