"""One trial's evidence as one self-contained page: what an auditor reads, beside the record that proves it."""

from __future__ import annotations

from baseload import __version__
from baseload.report import evidence_words
from baseload.report.evidence_charts import trial_charts
from baseload.report.evidence_view import Checked, trial_view
from baseload.report.page_kit import rendered

STYLES = "report.css plan.css evidence.css"


def render_evidence_html(trial: Checked, *, plan: str = "") -> bytes:
    """The page, UTF-8. The same trial always gives the same bytes. `plan` is where the plan lies, "" = nowhere."""
    seen = trial_view(trial)
    values = {
        "view": seen,
        "document": seen.document,
        "words": evidence_words,
        "version": __version__,
        "plan": plan,
    }
    return rendered("trial_page.html.j2", values, trial_charts(seen.document), places=2, styles=STYLES)
