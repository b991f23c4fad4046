"""The services of the bought-up brand, in its own Claude organisation, and of the insurance arm on AWS."""

from __future__ import annotations

from baseload.demo.accounts import AWS, BRAND
from baseload.demo.calendar import EU_OFFICE, OFFICE, US_OFFICE
from baseload.demo.company import Era, Service, Single, Volume

SERVICES = (
    # Catalogue copy rewritten line by line on the flagship model.
    Service(
        name="product-copy",
        owner="Papertrail Marketing",
        cost_center="PT-210",
        account=BRAND,
        api_key_name="copy-rewriter",
        workspace="Papertrail",
        logs="messages",
        sampling_rate=600,
        volume=Volume(per_day=13_600, week=OFFICE, hours=EU_OFFICE, growth=0.02, holiday=0.9),
        eras=(Era(start="", model="claude-opus-4-7"), Era(start="2026-08-20", model="claude-opus-4-8")),
        shape=Single(static=620, variable=(430, 0.45), output=(410, 0.35), thinking=(70, 0.6)),
        max_tokens=3000,
    ),
    Service(
        name="sales-email-drafts",
        owner="Papertrail Sales",
        cost_center="PT-340",
        account=BRAND,
        api_key_name="email-drafts",
        workspace="Papertrail",
        logs="messages",
        sampling_rate=400,
        volume=Volume(per_day=7600, week=OFFICE, hours=EU_OFFICE, growth=0.03, holiday=0.9, month_end=1.3),
        eras=(Era(start="", model="claude-opus-4-7"), Era(start="2026-06-25", model="claude-opus-4-8")),
        shape=Single(static=1150, variable=(900, 0.4), output=(330, 0.3), thinking=(110, 0.5)),
        stream=True,
        max_tokens=2048,
    ),
    # Fast mode was switched on for a demonstration in August and never off.
    Service(
        name="meeting-notes",
        owner="Papertrail Sales",
        cost_center="PT-350",
        account=BRAND,
        api_key_name="meeting-notes",
        workspace="Papertrail",
        logs="messages",
        sampling_rate=180,
        volume=Volume(per_day=1950, week=OFFICE, hours=EU_OFFICE, growth=0.04, holiday=0.9),
        eras=(
            Era(start="", model="claude-opus-4-7"),
            Era(start="2026-06-18", model="claude-opus-4-8"),
            Era(start="2026-08-10", model="claude-opus-4-8", speed="fast"),
        ),
        shape=Single(static=800, variable=(9800, 0.45), output=(620, 0.3), thinking=(160, 0.5)),
        max_tokens=4096,
    ),
    # On Bedrock through a regional inference profile, a tenth dearer than the global one.
    Service(
        name="claims-summary",
        owner="Larkfield Cover",
        cost_center="LC-880",
        account=AWS,
        api_key_name="claims-summary",
        workspace="us-east-1",
        logs="bedrock",
        sampling_rate=320,
        volume=Volume(per_day=7600, week=OFFICE, hours=US_OFFICE, growth=0.01, holiday=0.3, month_end=1.2),
        eras=(Era(start="", model="claude-opus-4-6", geo="regional"),),
        shape=Single(static=1500, variable=(6200, 0.55), output=(540, 0.35)),
        platform="bedrock",
        max_tokens=2048,
    ),
)
