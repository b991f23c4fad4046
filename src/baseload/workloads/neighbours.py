"""Near-duplicate templates: versions of one prompt, found by the prompt blocks they share.

Fingerprints of text say equal or not equal and nothing in between, so nearness is judged where a source gave the
prompt as a chain of hashed blocks (`Call.prefix_blocks`), and nowhere else: prompts of similar *length* are not
similar prompts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

MIN_OVERLAP = 0.8
"""Share of the longer prompt's tokens that both prompts must have in equal blocks."""
MIN_TOKENS = 256
"""Shorter prompts are compared by their template alone: a shared greeting proves nothing."""
MAX_BLOCK_TEMPLATES = 64
"""Of the templates that share one block, only the oldest so many are compared: more is a company-wide preamble."""
LEADING_BLOCKS = 64
LEADING_TOKENS = 16_000
"""So much of a prompt is compared: what comes later is a conversation, not a prompt."""


def template_prefixes_sql() -> str:
    """The blocks of one prompt per template: template_id, prefix_blocks. Tables as in `ledger.queries`; one scan."""
    return """
SELECT stored_calls.template_id, MIN(stored_calls.prefix_blocks) AS prefix_blocks
FROM stored_calls LEFT JOIN superseded ON superseded.row_id = stored_calls.row_id
WHERE superseded.row_id IS NULL AND stored_calls.template_id <> '' AND stored_calls.prefix_blocks <> ''
GROUP BY stored_calls.template_id"""


def families(prefixes: Mapping[str, str], first_start_us: Mapping[str, int]) -> dict[str, str]:
    """Template id -> template id of the oldest template it is a version of; itself where it is near to none.

    The oldest leads, so that a new version of a prompt never renames the workload. Each template is compared with
    leaders only: a chain of small edits ends where the text has become another one.
    """
    blocks = {template: read_blocks(text) for template, text in prefixes.items()}
    leaders_by_block: defaultdict[str, list[str]] = defaultdict(list)
    leader_of: dict[str, str] = {}
    for template in sorted(blocks, key=lambda template: (first_start_us.get(template, 0), template)):
        own = blocks[template]
        near = {leader for block in own for leader in leaders_by_block[block][:MAX_BLOCK_TEMPLATES]}
        best = max(((overlap(own, blocks[leader]), leader) for leader in sorted(near)), default=(0.0, ""))
        if best[0] >= MIN_OVERLAP:
            leader_of[template] = best[1]
            continue
        leader_of[template] = template
        if sum(own.values()) >= MIN_TOKENS:
            for block in own:
                leaders_by_block[block].append(template)
    return leader_of


def read_blocks(text: str) -> dict[str, int]:
    """Block hash -> tokens of the first LEADING_BLOCKS, up to LEADING_TOKENS; an unreadable block is left out.

    >>> read_blocks("a1:64:t b2:32:s5")
    {'a1': 64, 'b2': 32}
    """
    found: dict[str, int] = {}
    total = 0
    for part in text.split(maxsplit=LEADING_BLOCKS)[:LEADING_BLOCKS]:
        block, _, rest = part.partition(":")
        tokens = rest.partition(":")[0]
        if tokens.isdecimal():
            found[block] = found.get(block, 0) + int(tokens)
            total += int(tokens)
            if total >= LEADING_TOKENS:
                break
    return found


def overlap(one: Mapping[str, int], other: Mapping[str, int]) -> float:
    """Tokens in blocks both have, over the tokens of the longer one; 0 when either is under MIN_TOKENS."""
    sizes = sum(one.values()), sum(other.values())
    if min(sizes) < MIN_TOKENS:
        return 0.0
    return sum(min(tokens, other[block]) for block, tokens in one.items() if block in other) / max(sizes)
