"""When two prompt templates are the same program: alike in everything that can be measured without their text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from baseload.workloads.cues import tasks_of_cues
from baseload.workloads.signature import Signature

SIZE_FACTOR = 2.0
"""Mean prompts and mean outputs further apart than this factor are of two programs."""


class Member(NamedTuple):
    """One signature with what it weighs and what its calls look like."""

    row: Signature
    spend_nano: int = 0
    calls: int = 0
    family: str = ""  # its template, or the oldest template it is a near-duplicate of by blocks
    prompt_tokens: int = 0
    output_tokens: int = 0
    first_start_us: int = 0


class Likeness(NamedTuple):
    """What a template's calls are compared by. Sizes are per call; features are those any of its calls used."""

    tools: frozenset[str]
    features: frozenset[str]
    task: str  # what its cues speak for most, "" for nothing
    prompt: float
    output: float


def clusters(templates: Mapping[str, Sequence[Member]]) -> dict[str, str]:
    """Template -> the oldest template that is alike; itself where none is.

    The oldest leads, so that an id does not change when another opening turns up.
    """
    leaders: list[tuple[str, Likeness]] = []
    found = {}
    for template in sorted(templates, key=lambda one: (min(m.first_start_us for m in templates[one]), one)):
        own = likeness(templates[template])
        leader = next((name for name, other in leaders if is_alike(own, other)), template)
        found[template] = leader
        if leader == template:
            leaders.append((template, own))
    return found


def likeness(members: Sequence[Member]) -> Likeness:
    """What the calls of one template are like together."""
    calls = sum(member.calls for member in members) or 1
    words: Counter[str] = Counter()
    for member in members:
        for task, (weight, _) in tasks_of_cues(member.row.task_cues).items():
            words[task] += round(100 * weight * member.calls)
    heaviest = max(words, key=lambda task: (words[task], task), default="")
    return Likeness(
        tools=frozenset(member.row.tools_fp for member in members),
        features=frozenset(name for member in members for name in member.row.request_features.split(",") if name),
        task=heaviest,
        prompt=sum(member.prompt_tokens for member in members) / calls,
        output=sum(member.output_tokens for member in members) / calls,
    )


def is_alike(one: Likeness, other: Likeness) -> bool:
    """Whether two templates could be one program fed with different data."""
    same_form = one.tools == other.tools and one.features == other.features and one.task == other.task
    return same_form and _is_near(one.prompt, other.prompt) and _is_near(one.output, other.output)


def _is_near(one: float, other: float) -> bool:
    low, high = sorted((one, other))
    return high <= SIZE_FACTOR * low if low else high == 0
