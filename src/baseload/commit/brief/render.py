"""Both editions as Markdown. Text from outside is shown as text: it starts no heading, link, table cell or HTML."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from baseload.commit.asks.wording import FOR_COUNSEL
from baseload.commit.brief.document import TAGS, CounterpartyBrief, InternalBrief, Line, Row
from baseload.commit.contract import Contract

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|#~])")
_TAG: Final = re.compile(r"\\\[([PABSM])\\\](?![(\[:])")
_SPACE: Final = re.compile(r"\s+")
MOST_CHARACTERS: Final = 1_000


def internal_markdown(brief: InternalBrief) -> str:
    """Our side's edition. Every figure has its field of the size document beside it."""
    parts = [
        f"# Negotiation brief{': ' if brief.offer else ''}{plain(brief.offer)}",
        _head(brief),
        _section("The answer", _lines(brief.answer)),
        _section(
            "The account team's four arguments",
            "\n\n".join(_argument(one.claim, one.answers) for one in brief.arguments),
        ),
        _section("Asks, by dollars", _asks(brief)),
        _section("Where to walk away", _lines(brief.walk_away)),
        _section("What can be done instead", "\n\n".join(filter(None, (_lines(brief.leverage), _moves(brief))))),
        _section(
            "What the work is worth",
            _table(("way", "saves", "effort", "net value", "80 % of paths", "pays back", "up to weeks"), brief.effort),
        ),
        _section(
            "Backwards from the signing",
            _table(
                ("change", "ships", "ship by", "start by", "shipped in time", "proven in time", "verdict"),
                brief.schedule,
            ),
        ),
        _section(
            "Offers compared",
            _table(("rank", "offer", "commitment", "expected cost", "more than the first"), brief.offers),
        ),
        _section(
            "When to sign",
            _table(
                ("plan", "commitment", "expected cost", "80 % of paths", "over the cheapest (90 %)", "means"),
                brief.timing,
            ),
        ),
        _section(
            "Bands",
            "Nobody publishes a rate card. "
            + _tags()
            + "\n\n"
            + _table(("set", "reliability", "commitment", "expected cost"), brief.bands),
            bool(brief.bands),
        ),
        _section(
            "If savings land, or not",
            _table(("savings", "means", "best commitment", "its cost", "cost of the recommended one"), brief.scenarios),
        ),
        _section(
            "What it rests on",
            _table(("input", "grade", "range", "commitment", "moves the cost by", "flips"), brief.rests_on),
        ),
        _section("Cautions", _list(brief.cautions)),
        _section("Terms the offer leaves open", _keys(brief.open_terms)),
        _section("Suggested wording", _wordings([(one.says, one.wording) for one in brief.asks])),
        _section("Evidence", _lines(brief.evidence)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def counterparty_markdown(brief: CounterpartyBrief) -> str:
    """Their edition, from its own record and nothing else."""
    months = [
        Row(
            cells=(
                one.month,
                one.channel,
                one.invoiced_usd,
                one.usage_usd,
                one.ledger_usd,
                f"{100 * one.explained:.1f} %",
                one.status,
            ),
            source="",
        )
        for one in brief.months
    ]
    parts = [
        "# Claude commitment: baseline and requests",
        f"Edition `{brief.edition_id}` (Baseload {plain(brief.version)}).",
        _section("Method", _list(brief.method)),
        _section("Baseline", _list(brief.baseline)),
        _section(
            "Invoices and ledger",
            _table(("month", "channel", "invoice", "its usage", "ledger", "explained", "status"), months),
        ),
        _section("Evidence", _list([f"{one.what}: SHA-256 {one.sha256}" for one in brief.evidence])),
        _section("Requests", _wordings([(one.asks, one.wording) for one in brief.requests])),
        _section("Definitions", _list(brief.definitions)),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def plain(text: str) -> str:
    """Text from outside on one line, its marks of Markdown and HTML escaped, control characters gone.

    >>> plain("a|b <script> # x"), plain("one\\ntwo")
    ('a\\\\|b \\\\<script\\\\> \\\\# x', 'one two')
    """
    kept = "".join(one if unicodedata.category(one)[0] != "C" else " " for one in text)
    escaped = _SPECIAL.sub(r"\\\1", _SPACE.sub(" ", kept).strip()[:MOST_CHARACTERS])
    return _TAG.sub(r"[\1]", escaped)


def _head(brief: InternalBrief) -> str:
    compared = f" `compare` is `{brief.compare_id}`." if brief.compare_id else ""
    compared += f" `case` is `{brief.case_id}`." if brief.case_id else ""
    return (
        "Internal. Not for the counterparty: `--audience counterparty` makes their edition.\n\n"
        f"Run `{brief.run_id}` (Baseload {plain(brief.version)}, seed {brief.seed}). Each figure is the field in "
        f"brackets of that run's size document.{compared}"
    )


def _moves(brief: InternalBrief) -> str:
    return _table(("move", "plan", "cost", "over signing now", "lead"), brief.moves)


def _section(title: str, body: str, there: bool = True) -> str:
    return f"## {title}\n\n{body}" if body and there else ""


def _lines(lines: Sequence[Line]) -> str:
    return "\n".join(f"- {plain(line.says)} `[{line.source}]`" for line in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {plain(item)}" for item in items)


def _keys(names: Sequence[str]) -> str:
    """Keys of an offer, as a question each; a name that is none is shown as text."""
    known = Contract.__struct_fields__
    said = ", ".join(f"`{name}`" if name in known else plain(name) for name in names)
    return f"Each is assumed and a question to the vendor: {said}." if names else ""


def _argument(claim: str, answers: Sequence[Line]) -> str:
    return f"### “{claim}”\n\n{_lines(answers)}"


def _asks(brief: InternalBrief) -> str:
    rows = [
        Row(
            cells=(str(one.rank), one.says, one.worth, one.between, one.points, "; or ".join(one.gives) or "nothing"),
            source=one.source,
        )
        for one in brief.asks
    ]
    head = ("#", "ask", "worth", "90 %", "discount points", "give for it, at most one of")
    return "\n\n".join(filter(None, (brief.asks_note, _table(head, rows))))


def _wordings(asks: Sequence[tuple[str, str]]) -> str:
    shown = [f"**{plain(says)}**\n\n> {plain(wording)}" for says, wording in asks if wording]
    return "\n\n".join([FOR_COUNSEL, *shown]) if shown else ""


def _table(head: Sequence[str], rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    sourced = any(row.source for row in rows)
    names = [*head, *(["figure"] if sourced else [])]
    lines = [names, ["---"] * len(names)]
    lines += [[*map(plain, row.cells), *([f"`[{row.source}]`"] if sourced else [])] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _tags() -> str:
    said = {"vendor": "the vendor's own document", "adviser": "a buyers' adviser", "press": "press", "paper": "a paper",
            "measured": "measured"}  # fmt: skip
    return ", ".join(f"{TAGS[name].strip('[]')} = {meaning}" for name, meaning in said.items()) + "."
