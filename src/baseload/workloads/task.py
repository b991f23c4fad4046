"""What kind of work a workload is, judged on all its calls together: from their shape, their prompts' cues, their name.

Each observation speaks for one task with some points; the task with most wins if it leads clearly, else the answer is
"unknown". Observations and thresholds follow usage-sources section 7; docs/concepts-workloads.md gives the
measured accuracy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from baseload.workloads.cues import FORM_CUE, LOOP_CUE, tasks_of_cues, tasks_of_name
from baseload.workloads.shape import Shape

MIN_CONFIDENCE = 0.45
"""Below it the task is "unknown": a guess is worth less than a question."""
_FAINT = 0.2  # points under which cues are noise
_DOUBT = 1.0
"""Points that stand for everything not seen; one weak observation alone is no verdict."""
CUE_POINTS = 2.0
NAME_POINTS = 1.2
FORM_FEATURES = frozenset({"structured_outputs", "forced_tool"})
"""Request features that make the answer a filled form."""
_CUE_SENTENCES = {"code_output": "answers hold fenced code"}


class Evidence(NamedTuple):
    """One observation: which task it speaks for, how loudly, and how a reader would say it.

    A shape often fits several tasks (`or_else`): it then speaks for the one that words speak for most, else `task`.
    """

    task: str
    points: float
    sentence: str
    or_else: tuple[str, ...] = ()


_CODING_AGENT = Evidence("agentic", 2.5, "calls of a coding agent")


class Verdict(NamedTuple):
    """(task, confidence 0..1, evidence as one sentence)."""

    task: str
    confidence: float
    evidence: str


def classify(
    shape: Shape,
    cues: Mapping[str, int],
    *,
    names: Iterable[str] = (),
    is_coding_agent: bool = False,
    features: Iterable[str] = (),
) -> Verdict:
    """The task of one workload. `cues` maps comma-joined cue lists to calls that had them.

    Confidence = points of the winner / (winner + runner-up + 1): 0.5 is "one good reason and nothing against".
    """
    words = [_CODING_AGENT] if is_coding_agent else [*_by_cues(cues), *_by_name(tuple(names))]
    by_words = _points(words)
    found = [*words, *(_settled(evidence, by_words) for evidence in _by_shape(shape, cues, _is_form(cues, features)))]
    if not found:
        return Verdict("unknown", 0.0, _why_unknown(shape))
    points = _points(found)
    (task, best), second = _leaders(points)
    confidence = round(best / (best + second + _DOUBT), 2)
    if confidence < MIN_CONFIDENCE:
        return Verdict("unknown", confidence, f"No kind of task leads clearly: {_said(found)}.")
    said = _said(evidence for evidence in found if evidence.task == task)
    return Verdict(task, confidence, f"{said[:1].upper()}{said[1:]}.")


def _points(found: Iterable[Evidence]) -> dict[str, float]:
    points: defaultdict[str, float] = defaultdict(float)
    for evidence in found:
        points[evidence.task] += evidence.points
    return points


def _settled(evidence: Evidence, said: Mapping[str, float]) -> Evidence:
    """A shape that fits several tasks, given to the one that words speak for most."""
    task = max((evidence.task, *evidence.or_else), key=lambda task: said.get(task, 0.0))
    return evidence._replace(task=task)


def _leaders(points: Mapping[str, float]) -> tuple[tuple[str, float], float]:
    ranked = sorted(points.items(), key=lambda item: (-item[1], item[0]))
    return ranked[0], (ranked[1][1] if len(ranked) > 1 else 0.0)


def _by_cues(cues: Mapping[str, int]) -> Iterator[Evidence]:
    """Each task gets CUE_POINTS x the share of calls whose prompts speak for it, shared among all they speak for."""
    total = sum(cues.values())
    points: defaultdict[str, float] = defaultdict(float)
    word: dict[str, str] = {}
    for text, calls in sorted(cues.items()):
        tasks = tasks_of_cues(text)
        for task, (weight, cue) in tasks.items():
            points[task] += CUE_POINTS * weight * calls / total / len(tasks) ** 0.5 if total else 0.0
            word.setdefault(task, cue)
    for task, sum_of_points in points.items():
        if sum_of_points >= _FAINT:
            yield Evidence(task, sum_of_points, _CUE_SENTENCES.get(word[task], f"prompts say {word[task]}"))


def _by_name(names: tuple[str, ...]) -> Iterator[Evidence]:
    tasks = tasks_of_name(*names)
    for task, word in tasks.items():
        yield Evidence(task, NAME_POINTS / len(tasks), f'its name says "{word}"')


def _by_shape(shape: Shape, cues: Mapping[str, int], is_form: bool) -> Iterator[Evidence]:
    if not shape.calls:
        return
    loop = _loop_share(shape, cues, is_form)
    if loop >= 0.2:
        yield Evidence("agentic", 3.0, f"{loop:.0%} of calls go on with a tool's result")
    elif shape.mean_messages >= 4:
        yield Evidence("chat", 1.4, f"{shape.mean_messages:.0f} messages a request and no tool loop")
    if shape.thinking_share >= 0.6 and loop < 0.2:
        yield Evidence("reasoning", 1.3, f"{shape.thinking_share:.0%} of the output is thinking")
    if loop < 0.2:
        yield from _short_answers(shape, is_form)
        yield from _long_answers(shape, is_form)


def _loop_share(shape: Shape, cues: Mapping[str, int], is_form: bool) -> float:
    """Share of calls inside a tool loop.

    Where prompts were not seen, a stop to call a tool stands for it, unless it is no loop: a loop has several
    messages and ends without a tool call, a form is filled by one.
    """
    seen = sum(calls for text, calls in cues.items() if text)
    if 2 * seen >= shape.calls:
        return sum(calls for text, calls in cues.items() if LOOP_CUE in text.split(",")) / seen
    no_loop = is_form or shape.tool_result_share > 0.98 or 0 < shape.mean_messages < 2
    return 0.0 if no_loop else shape.tool_result_share


def _short_answers(shape: Shape, is_form: bool) -> Iterator[Evidence]:
    tiny = shape.share_of_bins("out_le_20")
    if tiny >= 0.8:
        yield Evidence("classification", 1.3, f"{tiny:.0%} of answers are at most 20 tokens", ("routing",))
    elif is_form and shape.out_in_ratio < 0.6:
        short = shape.share_of_bins("out_le_20", "out_le_100") >= 0.8
        siblings = ("classification", "routing") if short else ()
        said = f"a set form is filled from prompts of {shape.mean_prompt:,.0f} tokens"
        yield Evidence("extraction", 1.3, said, siblings)


def _long_answers(shape: Shape, is_form: bool) -> Iterator[Evidence]:
    one_shot = shape.mean_messages <= 3 and not is_form
    ratio, said = shape.out_in_ratio, f"output is {shape.out_in_ratio:.0%} of the prompt"
    if not one_shot or shape.share_of_bins("out_le_20", "out_le_100") > 0.5:
        return
    if shape.mean_prompt >= 1500 and 0.005 <= ratio <= 0.35:
        yield Evidence("summarisation", 0.7, said, ("qa", "extraction"))
    if 0.6 <= ratio <= 1.3 and shape.mean_prompt >= 200:
        yield Evidence("formatting", 0.8, said, ("codegen",))


def _is_form(cues: Mapping[str, int], features: Iterable[str]) -> bool:
    """Whether answers are data: forced by a schema or tool, or most of them are JSON."""
    as_data = sum(calls for text, calls in cues.items() if FORM_CUE in text.split(","))
    return bool(FORM_FEATURES.intersection(features)) or 2 * as_data > sum(cues.values())


def _said(found: Iterable[Evidence]) -> str:
    """The three loudest observations."""
    ranked = sorted(found, key=lambda evidence: (-evidence.points, evidence.sentence))
    return "; ".join(list(dict.fromkeys(evidence.sentence for evidence in ranked))[:3])


def _why_unknown(shape: Shape) -> str:
    if not shape.calls:
        return "Only billing rows: what a call is like was not seen."
    return "Neither the shape of its calls nor their words point to a kind of task."
