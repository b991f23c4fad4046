"""How each headline figure is known: its grade, a sentence, its sources, and a command that computes it again."""

from __future__ import annotations

from baseload.report.document import FigurePart
from baseload.report.facts import MapFacts
from baseload.values import iso_day, usd_text


def figures(facts: MapFacts) -> tuple[FigurePart, ...]:
    """One entry per figure of the headline and per lever."""
    sources = tuple(facts.sources)
    window = facts.run_rate.window
    rate_sentence = (
        f"List price of {window.days} complete UTC days from {iso_day(window.start_day)} to "
        f"{iso_day(window.end_day_exclusive - 1)}, x 365/{window.days}; tokens counted by the sources below, priced at "
        f"each day's price in the book checked {facts.book.checked}."
        if window
        else f"Not stated: {facts.run_rate.why_null}."
    )
    scaled = _said_of_samples(facts)
    found = [
        _figure("run_rate", facts.grade, rate_sentence + scaled, sources, facts, "run_rate"),
        _figure(
            "observed",
            facts.grade,
            "List price of every priced row of the whole period, each at the price of its day." + scaled,
            sources,
            facts,
            "totals",
        ),
        _figure(
            "top_model_share",
            facts.grade,
            "List dollars of the dearest model that holds at least 5 % of the spend, and of every model as dear or "
            "dearer, divided by all list dollars.",
            sources,
            facts,
            "headline",
        ),
        _figure(
            "concentration",
            facts.grade,
            "Workloads by list dollars, dearest first, until they hold 80 %.",
            sources,
            facts,
            "workloads",
        ),
    ]
    found += [
        _figure(
            f"opportunity.{lever.lever}",
            "unknown" if facts.nothing_priced else lever.grade,
            lever.sentence,
            sources,
            facts,
            "levers",
        )
        for lever in facts.levers
    ]
    return tuple(found)


def _figure(figure: str, grade: str, sentence: str, sources: tuple[str, ...], facts: MapFacts, part: str) -> FigurePart:
    recompute = f"{facts.recompute} --json | jq .{part}"
    return FigurePart(figure=figure, grade=grade, sentence=sentence, made_from=sources, recompute=recompute)


def _said_of_samples(facts: MapFacts) -> str:
    if facts.sampling_rate == 1:
        return ""
    said = f" Call logs are up to 1-in-{facts.sampling_rate:,} samples: they divide the control totals among workloads"
    if facts.sampled_nano:
        return f"{said}, and {usd_text(facts.sampled_nano)} USD of scaled calls lie in no control total."
    if facts.bridge.bands:
        bands = "; ".join(note.says for note in facts.bridge.bands)
        return f"{said}. The tokens of the totals were counted; of their prices, {bands}."
    return f"{said}; the totals themselves were counted."
