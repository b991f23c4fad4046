"""`baseload demo`: a company that does not exist, read back by the real readers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from baseload.planning import Plan
    from baseload.report.document import MapDocument, OpportunityPart
    from baseload.report.evidence_view import Checked

END_DATE = dt.date(2026, 11, 20)
"""Fixed, so that the demo prints the same figures on every machine and day."""

MOST_SCALE = 20
"""Times the full company: half a gigabyte of files."""

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
    """Simulate half a year of a company's usage, write it as raw source files, map it, try cheaper models, and plan.

    The billing files cover everything; the call logs are a declared 1-in-N sample. What was planted is printed against
    what was found. Where the extra `trials` is installed, cheaper models are tried on the company's own calls, by the
    official SDK against a stand-in on this machine: what they find is graded simulated. The plan stands beside the map:
    plan.html and policy.yaml. With the extra `gateway` a move that held its bar is served by the gateway, and what that
    saved is told beside what was planned. The same seed and scale give the same files on every machine and day.

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

    _check(seed, scale)
    with tempfile.TemporaryDirectory(prefix="baseload-demo-") as scratch:
        found = _company(keep or Path(scratch), seed, scale, named=SCRATCH if keep is None else str(keep))
    if json:
        print_json(found.document)
    else:
        show(found.document, output)
        written = write_to(found.plan, output, found.evidence)
        said = "\n".join((found.trials, found.plan.document.headline, f"Plan: {written[0]}", *found.served))
        stdout().print(said, markup=False, highlight=False)
    return 0


def _check(seed: int, scale: float) -> None:
    """Raises UsageError: what is too large would fill the disk for hours."""
    from baseload.errors import UsageError

    if not 0 < scale <= MOST_SCALE:
        raise UsageError(f"--scale {scale}: expected a number above 0, at most {MOST_SCALE}; 1 is the full company")
    if not 0 <= seed < 2**63:
        raise UsageError(f"--seed {seed}: expected 0 or more")


class _Told(NamedTuple):
    """The whole story: what the trials came to, in words and with their evidence, and the map and the plan that know
    it.
    """

    trials: str
    evidence: Sequence[Checked]
    document: MapDocument
    plan: Plan
    served: tuple[str, ...]  # what the gateway came to, in words


def _company(folder: Path, seed: int, scale: float, *, named: str) -> _Told:
    from msgspec.structs import replace

    from baseload.cli.output import progress
    from baseload.cli.plan import project_trials
    from baseload.cli.run import build_map, build_plan
    from baseload.demo.planted import match_planted
    from baseload.demo.write import write_company
    from baseload.prices.load import load_book
    from baseload.values import day_of_date

    _make_room(folder)
    with progress("Simulating") as bar:
        manifest = write_company(
            folder, seed=seed, as_of_day=day_of_date(END_DATE), book=load_book(), scale=scale, progress=bar.advance
        )
    _import(folder, [Path(path).absolute() for path in manifest.usage_paths])
    recompute = f"baseload demo --keep {named}"
    trials = _trials(folder, seed)
    document = build_map((), folder, as_of=END_DATE, clock=END_DATE, recompute=recompute)
    plan = build_plan((), folder, as_of=END_DATE, clock=END_DATE, recompute=recompute)
    seen = replace(document, opportunities=(*document.opportunities, *_planned(document, plan)))
    whole = replace(document, planted=match_planted(manifest.planted, seen))
    return _Told(trials, project_trials(folder), whole, plan, _served(folder, seed))


def _make_room(folder: Path) -> None:
    """Remove what an earlier demo made of its files. Raises UsageError where the folder is another project's."""
    import shutil

    from baseload.cli.run import PROJECT_LEDGER
    from baseload.demo.write import PLANTED_FILE
    from baseload.errors import UsageError

    made = (folder / PROJECT_LEDGER).parent
    if not made.exists():
        return
    if not (folder / PLANTED_FILE).is_file():
        raise UsageError(f"--keep {folder} holds a project of yours. Name another folder for the demo's files.")
    shutil.rmtree(made)


def _import(folder: Path, paths: Sequence[Path]) -> None:
    """Into the project's own ledger, so that every command works in a kept folder."""
    from baseload.cli.book import open_book
    from baseload.cli.places import load_project
    from baseload.cli.run import PROJECT_LEDGER, import_into
    from baseload.ledger.store import Ledger

    settings = load_project(folder)
    with Ledger.open(folder / PROJECT_LEDGER, create=True) as ledger:
        import_into(ledger, paths, settings, open_book(settings, folder), None, END_DATE)


def _trials(folder: Path, seed: int) -> str:
    """What the trials came to, a line each; one line where they cannot be run."""
    from baseload.cli.demo_trials import NEEDS_EXTRA, can_try, demo_trials, trial_line
    from baseload.cli.output import progress

    if not can_try():
        return NEEDS_EXTRA
    with progress("Trying") as bar:
        found = demo_trials(folder, seed=seed, as_of=END_DATE, on_trial=bar.advance)
    return "\n".join(("Trials, their answers simulated by a stand-in for the models:", *map(trial_line, found)))


def _served(folder: Path, seed: int) -> tuple[str, ...]:
    """What a move that held its bar saves through the gateway; nothing where there is none."""
    from baseload.cli.demo_gateway import NEEDS_EXTRA, can_serve, demo_gateway, gateway_line
    from baseload.cli.trial_inputs import every_input
    from baseload.quality.trial.document import load_trial

    trials = [load_trial(path.read_bytes()) for path in sorted(folder.glob(".baseload/trials/*/trial.json"))]
    if not trials:
        return ()
    if not can_serve():
        return (NEEDS_EXTRA,)
    found = demo_gateway(folder, trials, every_input(folder, as_of=END_DATE), seed=seed)
    return () if found is None else (gateway_line(found),)


def _planned(document: MapDocument, plan: Plan) -> Iterator[OpportunityPart]:
    """What the cache plan alone would save, as rows of the map."""
    from baseload.report.opportunities import opportunity_part

    names = {workload.id: workload.name for workload in document.workloads}
    for row in plan.cache_opportunities:
        yield opportunity_part(row, names.get(row.workload, row.workload), plan.window.days)
