"""From answers to units: one prompt in one trial, with the score and the cost of every model of the ladder.

Models are compared inside one trial alone: repeated rows of one prompt, model and trial are averaged, and two trials of
a prompt stay two units of one cluster. A prompt that a model of the ladder did not answer is left out, and said.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from baseload.errors import NothingToRead, UsageError
from baseload.quality.router.table import SOURCE, Answers, Row
from baseload.values import Problem

Floats = NDArray[np.float64]

RELATIVE: Final = "est_tokens"
_FEW_COSTS: Final = 0.5


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """The prompts to learn from or to judge on, in an order their own hashes give.

    `quality` and `cost` have a row a unit and a column a model of `models`: strong first, then weak from the dearest to
    the cheapest. `lead` is the unit whose text decides for this one: the first of its session. `cluster` numbers units
    that are not independent: one session, else one prompt.
    """

    models: tuple[str, ...]
    keys: tuple[str, ...]
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
    cells = _cells(answers, set(wanted), strong, problems)
    complete = {key: cell for key, cell in cells.items() if len(cell) == len(wanted)}
    problems += _left_out(answers, cells, complete, wanted)
    if not complete:
        raise NothingToRead(
            f"{answers.file}: no prompt has a score and a cost of all of {', '.join(wanted)} in one trial; "
            "models are compared inside one trial alone"
        )
    costs = {name: float(np.mean([cell[name][1] for cell in complete.values()])) for name in wanted}
    ladder = (strong, *sorted(weak, key=lambda name: (-costs[name], _shown_quality(complete, name))))
    if not text_from:
        text_from = "prompt" if any(cell[strong][2].prompt.strip() for cell in complete.values()) else "prompt_id"
    if text_from == "prompt_id":
        problems.append(_table_problem(answers, "no-text", "no prompt has text: the words of its id stand for it"))
    if not category_from:
        category_from = "dataset/category" if len({key[0] for key in complete}) > 1 else "category"
    return _assembled(answers, complete, ladder, text_from, category_from), problems


Cell = dict[str, tuple[float, float, Row]]
"""Model -> (score, dollars, its first row)."""


def _shown_quality(complete: dict[tuple[str, str, str], Cell], name: str) -> float:
    return float(np.mean([cell[name][0] for cell in complete.values()]))


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
    for name in wanted:
        priced = [row.cost_usd is not None and row.cost_basis != "" for row in answers.rows if row.model == name]
        if sum(priced) < _FEW_COSTS * len(priced):
            raise UsageError(
                f"{answers.file}: {name} has a cost and a cost_basis on {sum(priced)} of {len(priced)} rows; a saving "
                "without costs is no figure. Expected cost_usd with measured, list_price or est_tokens"
            )
    return wanted


def _cells(
    answers: Answers, wanted: set[str], strong: str, problems: list[Problem]
) -> dict[tuple[str, str, str], Cell]:
    """(dataset, prompt, trial) -> its models; repeated rows averaged, an unusable weak score counted as a miss."""
    rows: dict[tuple[tuple[str, str, str], str], list[Row]] = defaultdict(list)
    for row in answers.rows:
        if row.model in wanted:
            rows[(row.dataset, row.prompt_id, row.trial), row.model].append(row)
    cells: dict[tuple[str, str, str], Cell] = defaultdict(dict)
    for (key, model), same in rows.items():
        if len(same) > 1:
            problems.append(_repeated(answers, same))
        scores = [0.0 if row.score is None else row.score for row in same if row.score is not None or model != strong]
        costs = [row.cost_usd for row in same if row.cost_usd is not None]
        if scores and costs:
            cells[key][model] = (float(np.mean(scores)), float(np.mean(costs)), same[0])
    return cells


def _repeated(answers: Answers, same: Sequence[Row]) -> Problem:
    return Problem(
        source=SOURCE, file=answers.file, row=same[1].number, code="duplicate-id", value=same[0].prompt_id[:60],
        message=f"{len(same)} rows of one prompt, model and trial: averaged, and counted once",
        expected="one row a (prompt_id, model, trial)", next_step="give repeats a trial of their own",
    )  # fmt: skip


def _left_out(
    answers: Answers, cells: dict[tuple[str, str, str], Cell], complete: dict[tuple[str, str, str], Cell],
    wanted: Sequence[str],
) -> Iterable[Problem]:  # fmt: skip
    """Prompts of the strong model's trials that lack an answer of another: they are in no figure."""
    strong = wanted[0]
    asked = {key for key, cell in cells.items() if strong in cell}
    for name in wanted[1:]:
        lost = sum(name not in cells[key] for key in asked)
        trials = {key[2] for key in asked if name in cells[key]}
        lost_inside = sum(name not in cells[key] for key in asked if key[2] in trials)
        if lost_inside:
            text = f"{lost_inside} prompts have no answer of a weak model where others of their trial do: left out"
            yield _table_problem(answers, "not-answered", text, name)
        elif lost:
            yield _table_problem(answers, "other-trials", f"{lost} prompts are of trials a weak model is not in", name)
    only_weak = len({key for key, cell in cells.items() if strong not in cell} - set(complete))
    if only_weak:
        yield _table_problem(answers, "no-strong", f"{only_weak} prompts have no answer of the strong model", strong)


def _table_problem(answers: Answers, code: str, message: str, value: str = "") -> Problem:
    return Problem(source=SOURCE, file=answers.file, row=0, code=code, message=message, value=value[:60])


def digest(text: str, salt: str) -> int:
    """A stable number of a text; of no row's place and of no model's name."""
    return int.from_bytes(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, salt=salt.encode()).digest()
    )


def _assembled(
    answers: Answers, complete: dict[tuple[str, str, str], Cell], ladder: tuple[str, ...], text_from: str,
    category_from: str,
) -> Units:  # fmt: skip
    strong = ladder[0]
    turn = answers.number_names.index("turn") if "turn" in answers.number_names else -1

    def place(item: tuple[tuple[str, str, str], Cell]) -> tuple[int, float, str]:
        row = item[1][strong][2]
        when = row.numbers[turn] if turn >= 0 else None
        return digest(group_of(row), "order"), when if when is not None else 0.0, row.prompt_id + row.trial

    ordered = sorted(complete.items(), key=place)
    rows = [cell[strong][2] for _, cell in ordered]
    groups = [group_of(row) for row in rows]
    first: dict[str, int] = {}
    lead = [first.setdefault(row.session, at) if row.session else at for at, row in enumerate(rows)]
    numbered = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    numbers = np.array([[value or 0.0 for value in row.numbers] for row in rows]).reshape(len(rows), -1)
    bases = {cell[name][2].cost_basis for _, cell in ordered for name in ladder}
    return Units(
        models=ladder,
        keys=tuple(f"{row.dataset}\x1f{row.prompt_id}\x1f{row.trial}" for row in rows),
        texts=tuple(row.prompt if text_from == "prompt" else row.prompt_id for row in rows),
        categories=tuple(
            f"{row.dataset}/{row.category}" if category_from == "dataset/category" else row.category for row in rows
        ),
        levels=tuple(row.levels for row in rows),
        numbers=numbers,
        number_names=answers.number_names,
        level_names=answers.level_names,
        quality=np.array([[cell[name][0] for name in ladder] for _, cell in ordered]),
        cost=np.array([[cell[name][1] for name in ladder] for _, cell in ordered]),
        lead=np.array(lead, dtype=np.int64),
        cluster=np.array([numbered[group] for group in groups], dtype=np.int64),
        text_from=text_from,
        category_from=category_from,
        cost_basis=bases.pop() if len(bases) == 1 else "mixed",
    )


def group_of(row: Row) -> str:
    """What makes rows depend on each other: their session, else their prompt."""
    return f"s\x1f{row.session}" if row.session else f"p\x1f{row.dataset}\x1f{row.prompt_id}"
