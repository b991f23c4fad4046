"""Words that speak for a kind of task: cues a reader found in prompts, and words in the names people give."""

from __future__ import annotations

import re
from functools import lru_cache

CUE_WEIGHTS: dict[str, tuple[str, float]] = {
    "answer": ("qa", 0.6),
    "chat": ("chat", 0.8),
    "classify": ("classification", 1.0),
    "code": ("codegen", 0.9),
    "code_output": ("codegen", 0.7),
    "extract": ("extraction", 1.0),
    "format": ("formatting", 0.5),
    "reason": ("reasoning", 0.6),
    "route": ("routing", 0.8),
    "summarise": ("summarisation", 1.0),
    "translate": ("formatting", 1.2),
}
"""Cue of docs/reference/task-cues.md -> (task, weight). Words that prompts of every kind use weigh less; cues that
are missing here (`system`, `tools`, `tool_use`, `image`, `document`) say nothing about the task by themselves."""

LOOP_CUE = "tool_result"
"""The request goes on with a tool's result: a step of an agent's loop."""

FORM_CUE = "json_output"
"""The answer is data, not prose: it makes a form of any short task, so it is read together with the shape."""

_NAME_STEMS: tuple[tuple[str, str], ...] = (
    ("agent", "agentic"), ("autonom", "agentic"), ("repair", "agentic"), ("copilot", "agentic"),
    ("classif", "classification"), ("categor", "classification"), ("label", "classification"),
    ("sentiment", "classification"), ("intent", "classification"), ("moderat", "classification"),
    ("spam", "classification"), ("tagg", "classification"), ("triage", "classification"),
    ("scoring", "classification"), ("screen", "classification"), ("guard", "classification"),
    ("router", "routing"), ("routing", "routing"), ("dispatch", "routing"), ("handoff", "routing"),
    ("extract", "extraction"), ("parser", "extraction"), ("parsing", "extraction"), ("ocr", "extraction"),
    ("redact", "extraction"), ("scrap", "extraction"), ("enrich", "extraction"),
    ("summar", "summarisation"), ("tldr", "summarisation"), ("digest", "summarisation"), ("recap", "summarisation"),
    ("code", "codegen"), ("coding", "codegen"), ("sql", "codegen"), ("refactor", "codegen"), ("debug", "codegen"),
    ("formatter", "formatting"), ("rewrit", "formatting"), ("rephras", "formatting"), ("paraphras", "formatting"),
    ("translat", "formatting"), ("proofread", "formatting"), ("grammar", "formatting"), ("localis", "formatting"),
    ("localiz", "formatting"),
    ("reason", "reasoning"), ("solver", "reasoning"), ("planner", "reasoning"), ("planning", "reasoning"),
    ("analys", "reasoning"), ("analyz", "reasoning"),
    ("rag", "qa"), ("question", "qa"), ("answer", "qa"), ("qa", "qa"), ("faq", "qa"), ("retriev", "qa"),
    ("knowledge", "qa"), ("help", "qa"), ("lookup", "qa"),
    ("chat", "chat"), ("conversation", "chat"), ("assistant", "chat"), ("companion", "chat"),
)  # fmt: skip
"""(stem, task). A word of a name belongs to the first stem it starts with."""
_SHORT = frozenset({"ocr", "qa", "rag", "sql", "help", "code"})
"""Stems that other words begin with by chance: only the word itself counts."""
_WORD = re.compile(r"[a-z]+")


def tasks_of_cues(cues: str) -> dict[str, tuple[float, str]]:
    """Task -> (weight, heaviest cue) of the cues that speak for it, from a comma-joined list of cues.

    >>> tasks_of_cues("code,code_output,json_output,system")
    {'codegen': (1.6, 'code')}
    """
    found: dict[str, tuple[float, str]] = {}
    for cue in sorted(cues.split(","), key=lambda cue: -CUE_WEIGHTS.get(cue, ("", 0.0))[1]):
        task, weight = CUE_WEIGHTS.get(cue, ("", 0.0))
        if task:
            known, heaviest = found.get(task, (0.0, cue))
            found[task] = round(known + weight, 2), heaviest
    return found


@lru_cache(maxsize=4096)
def task_of_word(word: str) -> str:
    """The task one word of a name speaks for, "" for none.

    >>> task_of_word("summariser"), task_of_word("rag"), task_of_word("ragged")
    ('summarisation', 'qa', '')
    """
    for stem, task in _NAME_STEMS:
        if word == stem or (stem not in _SHORT and word.startswith(stem)):
            return task
    return ""


def tasks_of_name(*names: str) -> dict[str, str]:
    """Task -> the first word of some names that speaks for it.

    >>> tasks_of_name("invoice-extractor-prod")
    {'extraction': 'extractor'}
    """
    found: dict[str, str] = {}
    for name in names:
        for word in _WORD.findall(name.casefold()):
            task = task_of_word(word)
            if task:
                found.setdefault(task, word)
    return found
