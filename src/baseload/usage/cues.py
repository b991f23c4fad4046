"""Words that hint at the kind of task, taken from a request's shape and its instructions; never the text itself.

The vocabulary is documented in docs/reference/task-cues.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from baseload.usage.prefix import text_in

SHAPE_CUES: Final = (
    "code_output",
    "document",
    "image",
    "json_output",
    "system",
    "tool_result",
    "tool_use",
    "tools",
)
"""What the request or response is made of."""

_VERBS: Final = {
    "answer": "answer answers answering question questions faq knowledge cite citations retrieved passages",
    "chat": "chat chatbot conversation conversational companion friendly converse",
    "classify": "classify classifier classification classifies categorize categorise category categories label labels "
    "sentiment intent intents moderation spam",
    "code": "code coding codebase program programmer programming function refactor refactoring debug implement python "
    "typescript javascript rust golang java sql compile repository commit unittest",
    "extract": "extract extracts extraction extracted extracting entities entity fields parse",
    "format": "format reformat rewrite rephrase normalize normalise convert conversion restructure proofread",
    "reason": "reason reasoning analyze analyse analysis prove solve derive plan planning evaluate deduce",
    "route": "route routes routing router triage dispatch escalate escalation handoff assign",
    "summarise": "summarize summarise summary summaries summarization summarisation condense digest tldr abstract",
    "translate": "translate translation translator translating localize localise localization",
}
VERB_CUES: Final = tuple(_VERBS)
"""What the instructions say, by the words that say it."""

CUE_OF_WORD = {word: cue for cue, words in _VERBS.items() for word in words.split()}
_WORDS = re.compile(r"[a-z]{3,}")
INSTRUCTION_CHARS: Final = 2_000
"""Of a system's text: what instructions there are stand at its start."""
_USER_CHARS: Final = 400
_FENCE = "```"


def task_cues(request: Mapping[str, Any], response: Mapping[str, Any] | None, *, system: str, first_user: str) -> str:
    """Sorted, comma-joined cues. Verbs are those of the system text's start; where it has none, of the user's."""
    found = set(verbs_in(system[:INSTRUCTION_CHARS]) or verbs_in(first_user[:_USER_CHARS]))
    if system:
        found.add("system")
    if request.get("tools"):
        found.add("tools")
    found |= _media_cues(request)
    if response is not None:
        found |= output_cues(response.get("content"))
    if _wants_json(request):
        found.add("json_output")
    return ",".join(sorted(found))


@lru_cache(maxsize=1024)
def verbs_in(text: str) -> frozenset[str]:
    """The verb cues of an instruction.

    >>> sorted(verbs_in("Classify the ticket and extract its order number."))
    ['classify', 'extract']
    """
    cues = map(CUE_OF_WORD.get, set(_WORDS.findall(text.lower())))
    return frozenset(cue for cue in cues if cue is not None)


def output_cues(content: object) -> set[str]:
    """What a response is made of: `tool_use`, `json_output` (whole text is JSON), `code_output` (a code fence)."""
    cues = set()
    blocks = content if isinstance(content, list) else []
    if any(isinstance(block, dict) and block.get("type") == "tool_use" for block in blocks):
        cues.add("tool_use")
    text = text_in(content).strip()
    if text.startswith(("{", "[", _FENCE + "json")):
        cues.add("json_output")
    elif _FENCE in text:
        cues.add("code_output")
    return cues


def _media_cues(request: Mapping[str, Any]) -> set[str]:
    """`image`, `document` anywhere in the conversation; `tool_result` when the last message continues a tool loop."""
    messages = request.get("messages")
    kinds = [_kinds_in(message) for message in messages] if isinstance(messages, list) else []
    cues = {cue for cue in ("image", "document") if any(cue in kind for kind in kinds)}
    if kinds and "tool_result" in kinds[-1]:
        cues.add("tool_result")
    return cues


def _kinds_in(message: object) -> set[object]:
    content = message.get("content") if isinstance(message, dict) else None
    return {block.get("type") for block in content if isinstance(block, dict)} if isinstance(content, list) else set()


def _wants_json(request: Mapping[str, Any]) -> bool:
    config = request.get("output_config")
    form = config.get("format") if isinstance(config, dict) else request.get("output_format")
    return isinstance(form, dict) and form.get("type") in ("json_schema", "json_object", "json")
