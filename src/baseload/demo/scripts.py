"""Turning declared texts into request bodies of the right proportions.

Every text is abridged by one factor per service: its instructions have the length written in `prompts.py`, and all
other parts keep their size relative to them, so that a reader who shares out the billed tokens by length gets each
part's true tokens. Nothing is copied from a real conversation.
"""

from __future__ import annotations

import re
import zlib
from functools import cache
from itertools import accumulate

import msgspec
import numpy as np

from baseload.demo.prompts import SCRIPTS, Script

MIN_CHARS = 40  # of a variable text: a question of a few characters would look broken
POOL_SENTENCES = 420
SLOTS: dict[str, tuple[str, ...]] = {
    "product": (
        "standing desks",
        "label printers",
        "A4 paper",
        "toner",
        "archive boxes",
        "office chairs",
        "whiteboards",
        "pallet wrap",
        "shelving",
        "hand scanners",
        "safety shoes",
        "coffee machines",
        "desk lamps",
        "binders",
    ),
    "company": (
        "Brightwater Ltd",
        "Oakmere AG",
        "Tallow & Finch",
        "Hartwell Group",
        "Norrland Bygg",
        "Casa Verde SL",
        "Pemberton Labs",
        "Lindqvist AB",
        "Quayside Hotels",
        "Ferrum GmbH",
        "Atelier Rousseau",
        "Dunmore Foods",
    ),
    "name": (
        "Amina Rahimi",
        "Jon Petersen",
        "Claire Dubois",
        "Tomas Novak",
        "Ifeoma Obi",
        "Sven Lund",
        "Maria Costa",
        "Priya Nair",
        "David Marsh",
        "Yuki Tanaka",
        "Elena Petrova",
        "Omar Haddad",
    ),
    "city": ("Leeds", "Rotterdam", "Lyon", "Graz", "Porto", "Malmo", "Bologna", "Ghent", "Bremen", "Cork", "Turku"),
    "word": ("pricing", "stock", "routing", "billing", "returns", "quotes", "carriers", "ledger", "catalog", "search"),
}
_SLOT = re.compile(r"\{(product2?|company2?|name|city|word2?|number|amount|date|clause|n|id|prefix)\}")


class Wording:
    """The texts of one service, ready to be cut to size."""

    def __init__(self, script: Script, static_tokens: int, seed: int) -> None:
        self.script = script
        rng = np.random.default_rng(seed)
        self.system = self._instructions(rng)
        tools = len(msgspec.json.encode(script.tools)) if script.tools else 0
        self.chars_per_token = script.chars_per_token or (len(self.system) + tools) / static_tokens
        texts = [script.sentences[index] for index in rng.integers(len(script.sentences), size=POOL_SENTENCES)]
        filled = [fill(text, rng, number) for number, text in enumerate(texts, 1)]
        self.sentences = tuple(filled)
        self._pool = " ".join(filled)
        self._starts = [0, *accumulate(len(text) + 1 for text in filled)]
        self._replies = [fill(text, rng, number) for number, text in enumerate(script.replies * 40, 1)]

    def _instructions(self, rng: np.random.Generator) -> str:
        """The system text, lengthened by numbered rules to the size the script wants."""
        parts = [fill(self.script.system, rng, 0)]
        length = len(parts[0])
        while self.script.rules and length < self.script.static_chars:
            rule = self.script.rules[len(parts) % len(self.script.rules)]
            parts.append(fill(rule, rng, len(parts)))
            length += len(parts[-1]) + 1
        return "\n".join(parts)

    def system_of(self, prefix: int) -> str:
        """The instructions for one of many prefixes: its own from the first line on."""
        return self.system.replace("{prefix}", f"{prefix:03d}")

    def chars_of(self, tokens: int) -> int:
        """The length of a variable text that stands for so many tokens."""
        return max(round(tokens * self.chars_per_token), MIN_CHARS)

    def passage(self, tokens: int, place: int) -> str:
        """Variable text standing for `tokens`, at least one whole sentence; `place` chooses where it starts."""
        chars = self.chars_of(tokens)
        sentence = place * 61 % POOL_SENTENCES
        start = self._starts[sentence]
        text = self._pool[start : max(start + chars, self._starts[sentence + 1] - 1)]
        while len(text) < chars:
            text += self._pool[: chars - len(text)]
        return text.strip()

    def opening(self, number: int) -> str:
        return self.script.opening.replace("{id}", f"{number:,}".replace(",", ""))

    def reply(self, place: int) -> str:
        return self._replies[place % len(self._replies)]


@cache
def wording(service: str, static_tokens: int) -> Wording:
    """The wording of a service; the same for every seed of the simulator, because words are not traffic."""
    return Wording(SCRIPTS[service], static_tokens, seed=zlib.crc32(service.encode()))


def fill(text: str, rng: np.random.Generator, number: int) -> str:
    """A text with its slots filled; `{id}` and `{prefix}` are left for later."""

    def value(match: re.Match[str]) -> str:
        slot = match.group(1)
        if slot in ("id", "prefix"):
            return match.group(0)
        if slot == "n":
            return str(number)
        return _value(slot.rstrip("2"), rng)

    return _SLOT.sub(value, text)


def _value(slot: str, rng: np.random.Generator) -> str:
    if slot in SLOTS:
        return SLOTS[slot][int(rng.integers(len(SLOTS[slot])))]
    if slot == "number":
        return str(int(rng.integers(2, 90)))
    if slot == "amount":
        return f"EUR {int(rng.integers(20, 9000)):,}.{int(rng.integers(100)):02d}"
    if slot == "clause":
        return f"{int(rng.integers(1, 24))}.{int(rng.integers(1, 9))}"
    return f"2026-{int(rng.integers(1, 13)):02d}-{int(rng.integers(1, 28)):02d}"
