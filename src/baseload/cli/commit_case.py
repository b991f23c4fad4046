"""`baseload commit case`: what to weigh beside the size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder, Source

if TYPE_CHECKING:
    from baseload.cli.commit_demand import Wanted
    from baseload.cli.output import Progress
    from baseload.commit.case.document import CaseDocument
    from baseload.commit.case.terms import Given
    from baseload.commit.size.demand import Demand


def case(
    *usage: Annotated[
        Path,
        Parameter(help="With --ledger: files, folders or one ledger; the project's own ledger when none."),
    ],
    offer: Annotated[Path, Parameter(help="The offer, a YAML file; its keys: docs/reference/offer.md.")],
    demand: Annotated[
        Path | None, Parameter(help="CSV of list dollars: month (YYYY-MM) or date, list_usd, optionally workload.")
    ] = None,
    ledger: Annotated[
        bool, Parameter(name="--ledger", negative=(), show_default=False, help="Demand from a ledger of usage.")
    ] = False,
    paths: Annotated[
        Path | None,
        Parameter(name="--paths", help="Your own sample paths, Parquet: integer path and month (0 = first), list_usd."),
    ] = None,
    plan: Annotated[
        Path | None, Parameter(help="plan.json of `baseload plan`: savings, work and ship dates come from it.")
    ] = None,
    savings: Annotated[
        str | None,
        Parameter(help="One saving on everything: low,likely,high,ship_date (0.3,0.45,0.6,2027-03-01)."),
    ] = None,
    start: Annotated[
        str | None, Parameter(help="First contract month, YYYY-MM. Default: the month after the demand ends.")
    ] = None,
    effort_weeks: Annotated[
        float | None, Parameter(help="Person-weeks of shipping it all. Default: those of --plan.")
    ] = None,
    week_usd: Annotated[float | None, Parameter(help="What a person-week costs, everything on it.")] = None,
    trial_usd: Annotated[float | None, Parameter(help="Trials, once.")] = None,
    running_usd_month: Annotated[
        float | None, Parameter(help="Shadow traffic, judges and the gateway, every month.")
    ] = None,
    signature_weeks: Annotated[float | None, Parameter(help="Person-weeks of negotiating and signing.")] = None,
    signing: Annotated[str | None, Parameter(help="The day of signing or renewal, YYYY-MM-DD.")] = None,
    bundle: Annotated[
        str | None, Parameter(help="Asks to price together: name,name,… Default: the three dearest.")
    ] = None,
    cloud: Annotated[
        Literal["aws", "gcp", "azure"] | None, Parameter(help="The same models through this cloud, as an alternative.")
    ] = None,
    cloud_discount: Annotated[float | None, Parameter(help="Its discount on them, a fraction.")] = None,
    cloud_shadow_value: Annotated[
        float | None, Parameter(help="What a dollar burned down there saves of your cloud commitment, a fraction.")
    ] = None,
    cloud_commit_usd: Annotated[float | None, Parameter(help="That cloud commitment, dollars a year.")] = None,
    cloud_cap: Annotated[float | None, Parameter(help="Most of it that may burn down so, a fraction.")] = None,
    delay_months: Annotated[
        int | None,
        Parameter(help="Months on demand before a later signing. Default: until the plan has likely shipped, else 9."),
    ] = None,
    seed: Annotated[int, Parameter(help="The same seed and input give the same bytes.")] = 0,
    paths_count: Annotated[int, Parameter(help="Sample paths to draw.")] = 2_000,
    json: Json = False,
    source: Source = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
) -> int:
    """What to weigh beside the size: dates, work, alternatives, where to walk away, asks together, rights.

    When to sign and what would change that; signature, engineering or both, net of effort; backwards from the day of
    signing, what can be proven in time; what can be done instead, before and after the plan; the discount and the size
    at which to walk away; asks as a bundle; what a right is worth used by what is known then. Claims are printed where
    they fail, too. What is not given is left open, and named.

    Examples
    --------
    baseload commit case --demand demand.csv --offer offer.yaml --savings 0.3,0.45,0.6,2027-03 --signing 2027-06-30
    baseload commit case --ledger --offer offer.yaml --plan baseload-plan/plan.json --week-usd 5000
    baseload commit case --demand demand.csv --offer offer.yaml --bundle overage_committed,refund_50
    baseload commit case --demand demand.csv --offer offer.yaml --cloud aws --cloud-discount 0.05 --json | jq .leverage
    """
    from baseload.cli.commit_demand import Wanted, demand_from, offer_file, one_saving, one_source
    from baseload.cli.output import exit_code, print_json, print_problems, progress, stdout
    from baseload.commit.case.terms import Given, bundle_names, cloud_of, signing_day
    from baseload.commit.case.text import case_text

    one_source(demand, ledger, paths, usage)
    one_saving(plan, savings)
    given = Given(
        person_weeks=effort_weeks,
        signature_weeks=signature_weeks,
        week_usd=week_usd,
        trial_usd=trial_usd,
        running_usd_per_month=running_usd_month,
        signing=signing_day(signing),
        bundle=bundle_names(bundle),
        cloud=cloud_of(cloud, cloud_discount, cloud_shadow_value, cloud_commit_usd, cloud_cap),
        delay_months=delay_months,
    )
    with progress("Reading") as bar:
        terms, sha = offer_file(offer)
        wanted = Wanted(terms, plan, savings, start, seed, paths_count, source, project, as_of)
        found, said, demand_sha = demand_from(wanted, demand, paths, usage)
        document = _made(wanted, found, given, (*said,), (sha, demand_sha), bar)
    if json:
        print_json(document)
    else:
        console = stdout()
        for line in case_text(document):  # never cut, however narrow the terminal
            console.print(_visible(line), markup=False, emoji=False, soft_wrap=True)
        print_problems(document.problems)
    return exit_code(document.problems)


def _made(
    wanted: Wanted, demand: Demand, given: Given, said: tuple[str, ...], hashes: tuple[str, str], bar: Progress
) -> CaseDocument:
    import msgspec

    from baseload.cli.book import read_file
    from baseload.cli.commit_demand import sha256_of
    from baseload.commit.case.build import STAGES
    from baseload.commit.case.build import case as made
    from baseload.commit.case.terms import CaseRequest, plan_terms

    _enough(demand, wanted.term)
    plan, why, sha = None, "", ""
    if wanted.plan is not None:
        data = read_file(wanted.plan, "plan")  # an object: its savings have been read
        (plan, why), sha = plan_terms(msgspec.json.decode(data, type=dict[str, object])), sha256_of(data)
    request = CaseRequest(
        offer=wanted.terms,
        demand=demand,
        given=given,
        plan=plan,
        no_plan_work=why,
        offer_sha256=hashes[0],
        demand_sha256=hashes[1],
        savings_text=wanted.savings or ("plan" if wanted.plan else ""),
        savings_sha256=sha,
        warnings=said,
    )
    done = 0

    def say(label: str) -> None:
        nonlocal done
        done += 1
        bar.advance(done, STAGES, label)

    return made(request, say)


def _enough(demand: Demand, term_months: int) -> None:
    """Without sample paths there is nothing to weigh. Raises DemandError."""
    from baseload.demand.history import LEAST_MONTHS, DemandError
    from baseload.demand.ranges import refuse_quantiles

    short = demand.history is not None and refuse_quantiles(demand.history, term_months) is not None
    if short or not demand.scenarios:
        raise DemandError(
            f"under {LEAST_MONTHS} whole months of history nobody can say what an alternative is expected to cost; "
            "expected a longer demand, or your own sample paths with --paths"
        )


def _visible(line: str) -> str:
    """Characters that steer a terminal are not passed on."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in line)
