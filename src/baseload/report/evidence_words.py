"""How an evidence page says scores, shares, prices of a miss and the states of a trial."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Final

from markupsafe import Markup, escape

from baseload.levers.route.status import MEANINGS, Status, status_of
from baseload.quality.decide import NOT_SHOWN
from baseload.quality.sampling.sample import HEAVIEST
from baseload.quality.trial.document import ArmSummary, GuardResult, TrialDocument
from baseload.report import names, numbers
from baseload.report.trial_words import payback as payback_words

LONGEST_TEXT: Final = 4_000
"""Characters of one answer beside the other; what is cut is said."""
TONES: Final[Mapping[str, str]] = {"holds": "good", "breaks": "bad", "not_shown": "warn", "invalid": "bad"}
ARMS: Final[Mapping[str, str]] = {
    "candidate": "Candidate",
    "incumbent": "Incumbent, as recorded",
    "incumbent_again": "Incumbent, asked again",
}
HOW: Final[Mapping[str, str]] = {
    "equal": "the same answer",
    "both_failed": "both failed",
    "graded": "graded",
    "judged": "judged, both orders",
    "human": "a person",
}
TIERS: Final[Mapping[str, str]] = {
    "truth": "against known answers or tests",
    "adjudicated": "by a blind judge or person",
    "same_as_incumbent": "by agreement with the incumbent: agreement is a screen, not quality",
}
REDACTION: Final[Mapping[str, str]] = {
    "raw": "as recorded, to both arms",
    "redacted": "with typed placeholders for personal data, to both arms: another task than the recorded one",
}


def status(document: TrialDocument) -> Status:
    """ "proven", "simulated", "broken", "not shown" or "invalid"."""
    return status_of(document.state, document.grade)


def meaning(document: TrialDocument) -> str:
    """What that word means."""
    return MEANINGS[status(document)]


def points(score: float | None, places: int = 2) -> str:
    """A difference of mean scores in points: hundredths of a score, with its sign.

    >>> points(0.0123), points(-0.02), points(0.0), points(None)
    ('+1.23', '−2.00', '0.00', '—')
    """
    if score is None:
        return numbers.MISSING
    shown = f"{abs(score) * 100:.{places}f}"
    if not float(shown):
        return shown
    return f"{numbers.MINUS if score < 0 else '+'}{shown}"


def points_range(low: float | None, high: float | None) -> str:
    """Both ends of an interval.

    >>> points_range(-0.019, 0.004)
    '−1.90 to +0.40'
    """
    return numbers.MISSING if low is None or high is None else f"{points(low)} to {points(high)}"


def margin(value: float) -> str:
    """A margin, which is a loss and has no sign.

    >>> margin(0.02), margin(0.01625)
    ('2 points', '1.625 points')
    """
    shown = f"{value * 100:.3f}".rstrip("0").rstrip(".")
    return f"{shown} point{'' if shown == '1' else 's'}"


def wealth(value: float | None) -> str:
    """A wealth: what one was staked at the start has become.

    >>> wealth(20.314), wealth(1523.0), wealth(0.0004), wealth(1.0)
    ('20.3', '1,523', '0.0004', '1')
    """
    if value is None:
        return numbers.MISSING
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.0001 else f"{value:.0e}"


def needed(document: TrialDocument) -> str:
    """The wealth that decides: 1/alpha."""
    return wealth(1 / document.decision.alpha)


def milliseconds(value: float | None) -> str:
    """A latency.

    >>> milliseconds(812.4), milliseconds(15230.0), milliseconds(None)
    ('812 ms', '15.2 s', '—')
    """
    if value is None:
        return numbers.MISSING
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


def tokens(value: float | None) -> str:
    """A mean or median number of tokens."""
    return numbers.MISSING if value is None else f"{value:,.0f}"


def number(value: Decimal | None, places: int = 1) -> str:
    """A number a month, or of months.

    >>> number(Decimal("1234.56")), number(Decimal("-3")), number(None)
    ('1,234.6', '−3', '—')
    """
    if value is None:
        return numbers.MISSING
    shown = f"{value:,.{places}f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown).replace("-", numbers.MINUS)


def counted(value: Decimal) -> str:
    """A share of dollars, rounded down.

    >>> counted(Decimal("0.9789"))
    '97 %'
    """
    return f"{int(value * 100)} %"


def amount(value: Decimal | None) -> str | None:
    """A Decimal as the templates' money filters take it."""
    return None if value is None else f"{value:f}"


def miss(value: Decimal | None) -> str:
    """A price of a miss: cents, rounded down so that no miss is said to be cheaper than it may be.

    >>> miss(Decimal("4.3561")), miss(Decimal("0.0431")), miss(None)
    ('$4.35', '$0.0431', '—')
    """
    if value is None:
        return numbers.MISSING
    if value < Decimal("0.1"):
        return numbers.usd_each(f"{value:f}")
    return f"${value.quantize(Decimal('0.01'), rounding=ROUND_DOWN):,}"


def why(document: TrialDocument) -> str:
    """The reason, without the word for the state that stands before it; how near breaking was where nothing was shown.

    What lies clearly below the bar leaves every plan, whatever stopped the test.
    """
    reason, found = document.reason.removeprefix(NOT_SHOWN), document.decision
    if document.state != "not_shown" or found.e_value_break is None:
        return reason
    below = "; clearly below the bar, so no plan counts on it" if document.clearly_below else ""
    breaking = f"wealth {wealth(found.e_value_break)} of {needed(document)}"
    return f"{reason}{below}; that it breaks was not shown either ({breaking})"


def across(document: TrialDocument) -> str:
    """Why a verdict counts although the interval lies on both sides of the bar; "" where it does not."""
    found, bar = document.decision, -document.tested_margin
    decided = {"holds": found.e_value, "breaks": found.e_value_break}.get(document.state)
    if decided is None or decided * found.alpha < 1 or found.low is None or found.high is None:
        return ""  # a guard's veto is explained by itself
    if not found.low < bar < found.high:
        return ""
    return (
        f"The interval lies on both sides of the bar and decides nothing: the verdict is the wealth's, a one-sided "
        f"test at {share(found.alpha)} at every look; the interval is a two-sided 95 % confidence sequence beside it."
    )


def attempt(document: TrialDocument) -> str:
    """Which attempt it is and what it was tested at; "" for a first one."""
    found = document.attempts
    if not found:
        return ""
    if not found.counted:
        return f"Attempt {found.number}: none of the earlier ones counts any more."
    what = "1 earlier one" if found.counted == 1 else f"{found.counted} earlier ones"
    left = "all" if found.alpha_left >= 1 else share(found.alpha_left)
    return (
        f"Attempt {found.number}: {what} left {left} of the bar's alpha of {share(document.bar.level)}, so this one, "
        f"on sessions not compared before, was tested at {share(found.alpha)}. All attempts together pass a candidate "
        f"that is worse by the margin with a chance of at most {share(document.bar.level)}."
    )


def cut_weights(document: TrialDocument) -> str:
    """What the cap on weights keeps out of the mean; "" where nothing was cut."""
    cut = document.sample.capped_share
    if not cut:
        return ""
    return (
        f"Weights: a call stands for at most {HEAVIEST:g}; {share(cut)} of the calls lie beyond that and count in no "
        "mean, the one weighted by dollars neither."
    )


def share(value: float) -> str:
    """A share with two digits that say something.

    >>> share(0.05), share(0.0123), share(0.000004), share(1.0)
    ('5 %', '1.2 %', '0.0004 %', '100 %')
    """
    return f"{Decimal(f'{value * 100:.2g}'):f} %"


def completed(document: TrialDocument) -> str:
    """What a completed task is in this trial."""
    if any(one.by_scores for one in document.arms):
        return "A completed task is one point of score: a wrong answer completes nothing."
    return "A completed task is an answer that did not fail; whether it is right is not in it."


def break_even(document: TrialDocument) -> str:
    """What a miss may cost before the move stops paying."""
    misses, saving = document.misses, document.money.saving_per_call_usd
    if saving is None and not document.decision.n_used:
        return "Whether it pays cannot be said: no call was compared."
    if saving is None:
        return "Whether it pays cannot be said: an arm has no price."
    if saving <= 0:
        return "It does not pay at any price of a miss: the candidate costs no less."
    at_margin = misses.break_even_at_margin_usd_per_miss
    worst = f" If it is as bad as the bar allows: {miss(at_margin)}." if at_margin else ""
    if misses.break_even_usd_per_miss is None:
        return f"No quality is lost at the estimate, so it pays whatever a miss costs.{worst}"
    return f"Pays unless a miss costs more than {miss(misses.break_even_usd_per_miss)}.{worst}"


def payback(document: TrialDocument) -> str:
    """How soon the trial's own dollars come back."""
    months = document.money.payback_months
    return "it is not paid back" if months is None else payback_words(f"{months:f}")


def guard(result: GuardResult) -> str:
    """A stratum's own test in a word; only a break vetoes."""
    if not result.n:
        return "none in the sample"
    return {"holds": "holds on its own", "breaks": "breaks: vetoes the verdict"}.get(result.state, "no answer")


def arm(summary: ArmSummary) -> str:
    """An arm's name for a reader."""
    return ARMS.get(summary.arm, summary.arm.replace("_", " "))


def passage(text: str) -> Markup:
    """A longer text with its lines, freed of hidden characters, escaped and bounded."""
    cut = text[:LONGEST_TEXT]
    lines = "\n".join(names.legible(line, LONGEST_TEXT) for line in cut.split("\n"))
    rest = len(text) - len(cut)
    return escape(lines) + (Markup("…\n[{:,} more characters]").format(rest) if rest else Markup())


def verify_command(name: str, document: TrialDocument) -> str:
    """What recomputes the verdict from its record, run in the project's folder."""
    return f"baseload trial verify .baseload/trials/{name}/record.jsonl --head {document.verdict_id}"
