"""`baseload demo`: a company that does not exist, read back by the real readers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from baseload.planning import Plan
    from baseload.report.document import MapDocument, OpportunityPart

END_DATE = dt.date(2026, 11, 20)
"""Fixed, so that the demo prints the same figures on every machine and day."""

SCRATCH = "company"
"""What the raw files' folder is called where it was not kept."""

FOLDER = Path("baseload-report")

app = App(
    name="demo",
    help="The whole story on a built-in company; writes the report.",
    help_epilogue=epilogue(["baseload demo", "baseload demo upstream --port 8787"]),
)
app.command(
    "baseload.cli.demo_upstream:upstream", name="upstream", help="A local stand-in for the Claude API, on loopback."
)


@app.default
def demo(
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the report.")] = FOLDER,
    json: Json = False,
    seed: Annotated[int, Parameter(help="Another company of the same kind.")] = 7,
    scale: Annotated[float, Parameter(help="Volume relative to the full company.")] = 1.0,
    keep: Annotated[Path | None, Parameter(help="Keep the raw source files in this folder.")] = None,
) -> int:
    """Simulate half a year of a company's usage, write it as raw source files, map it and plan for it.

    The billing files cover everything; the call logs are a declared 1-in-N sample. What was planted is printed against
    what was found. The plan stands beside the map: plan.html and policy.yaml. The same seed and scale give the same
    files on every machine and day.

    Examples
    --------
    baseload demo
    baseload demo --keep company -o report
    baseload demo --json | jq '.planted[] | {name, found}'
    """
    import tempfile

    from baseload.cli.map import show
    from baseload.cli.output import print_json, stdout
    from baseload.cli.plan import write_to

    with tempfile.TemporaryDirectory(prefix="baseload-demo-") as scratch:
        document, plan = _company(keep or Path(scratch), seed, scale, named=SCRATCH if keep is None else str(keep))
    if json:
        print_json(document)
    else:
        show(document, output)
        written = write_to(plan, output)
        stdout().print(f"{plan.document.headline}\nPlan: {written[0]}", markup=False, highlight=False)
    return 0


def _company(folder: Path, seed: int, scale: float, *, named: str) -> tuple[MapDocument, Plan]:
    import shutil

    from msgspec.structs import replace

    from baseload.cli.output import progress
    from baseload.cli.places import load_org_key, map_ledger_folder
    from baseload.cli.run import build_map, build_plan
    from baseload.demo.planted import match_planted
    from baseload.demo.write import write_company
    from baseload.prices.load import load_book
    from baseload.values import day_of_date

    with progress("Simulating") as bar:
        manifest = write_company(
            folder, seed=seed, as_of_day=day_of_date(END_DATE), book=load_book(), scale=scale, progress=bar.advance
        )
    paths = [Path(path) for path in manifest.usage_paths]
    recompute = f"baseload demo --keep {named}"
    document = build_map(paths, folder, as_of=END_DATE, clock=END_DATE, recompute=recompute)
    plan = build_plan(paths, folder, as_of=END_DATE, clock=END_DATE, recompute=recompute)
    if named == SCRATCH:
        shutil.rmtree(map_ledger_folder(paths, load_org_key()), ignore_errors=True)  # nobody can map these PATHs again
    seen = replace(document, opportunities=(*document.opportunities, *_planned(document, plan)))
    return replace(document, planted=match_planted(manifest.planted, seen)), plan


def _planned(document: MapDocument, plan: Plan) -> Iterator[OpportunityPart]:
    """What the cache plan alone would save, as rows of the map."""
    from baseload.report.opportunities import opportunity_part

    names = {workload.id: workload.name for workload in document.workloads}
    for row in plan.cache_opportunities:
        yield opportunity_part(row, names.get(row.workload, row.workload), plan.window.days)
