"""`baseload trial plan`: what finding out would take and what it is worth, before anything is spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from baseload.cli.help import AsOf, Json, ProjectFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from baseload.cli.trial_plan_scene import LeftOut, Scene
    from baseload.quality.trial.planning import TrialPlan


def plan(
    workload: Annotated[
        str, Parameter(help="Id or name of a workload; all of them when none is given.", show_default=False)
    ] = "",
    *,
    model: Annotated[
        str, Parameter(help="The candidate; else every model the plan lists for the workload.", show_default=False)
    ] = "",
    effort: Annotated[
        Literal["low", "medium", "high", "xhigh", "max"] | None,
        Parameter(help="The candidate's effort; else as calls ask for today."),
    ] = None,
    transport: Annotated[
        Literal["batch", "synchronous"] | None,
        Parameter(help="How calls would be sent; else in batches where that is allowed."),
    ] = None,
    project: ProjectFolder = None,
    as_of: AsOf = None,
    json: Json = False,
) -> int:
    """What a trial takes before anything is spent: calls, dollars, months to pay back, the smallest margin.

    Reads the project's own ledger and asks no model. Without a workload it lists all, dearest question first: dollars
    at stake for a dollar of trial. Where there can be no trial it says why and what to do next: the command that
    starts capture, the line for baseload.toml, a ready bar.

    Ends with 1 where the workload named has no candidate that can be tried.

    Examples
    --------
    baseload trial plan
    baseload trial plan "Ticket triage" --model claude-haiku-5-5
    baseload trial plan w-3bb241a81b35 --json | jq '.plans[0].money.batch'
    """
    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, exit_code, print_json, print_problems
    from baseload.cli.trial_plan_scene import open_scene
    from baseload.cli.trial_plan_text import print_all, print_left_out, print_one
    from baseload.errors import UsageError

    if not workload and (model or effort):
        raise UsageError("--model and --effort are about one workload: name it, as `baseload rank` lists it")
    scene = open_scene(project, as_of)
    chosen = [scene.named(workload)] if workload else scene.workloads
    by_workload = {one.id: _plans(scene, one.id, model, effort or "", transport) for one in chosen}
    without = [(one.id, one.name) for one in chosen if not by_workload[one.id]]
    plans = _in_order(by_workload, portfolio=not workload)
    left_out = scene.left_out(chosen[0].id) if workload and not model and not effort else []
    if json:
        print_json(_document(scene, plans, without, left_out, workload=chosen[0].id if workload else None))
    elif workload:
        print_one(plans, chosen[0].name)
        print_left_out(left_out)
    else:
        print_all(plans, without)
    if not json:
        print_problems(scene.problems)
    if workload and not any(one.state != "refused" for one in plans):
        return EXIT_PROBLEMS
    return exit_code(scene.problems) if scene.problems else EXIT_DONE


def _plans(
    scene: Scene, workload: str, model: str, effort: str, transport: Literal["batch", "synchronous"] | None
) -> list[TrialPlan]:
    from baseload.quality.trial.planning import plan_trial

    return [plan_trial(one, scene.book) for one in scene.questions(workload, model, effort, transport)]


def _in_order(by_workload: dict[str, list[TrialPlan]], *, portfolio: bool) -> Sequence[TrialPlan]:
    """All candidates of one workload, the one to try first; of a portfolio each workload's first, best value first."""
    from baseload.quality.trial.planning_order import first_to_try, ranked

    tried = {name: first_to_try(plans) for name, plans in by_workload.items()}
    if portfolio:
        return ranked(plans[0] for plans in tried.values() if plans)
    return [one for plans in tried.values() for one in plans]


def _document(
    scene: Scene,
    plans: Sequence[TrialPlan],
    without: Sequence[tuple[str, str]],
    left_out: Sequence[LeftOut],
    *,
    workload: str | None,
) -> dict[str, object]:
    from baseload.quality.trial.planning import SCHEMA
    from baseload.quality.trial.planning_order import together
    from baseload.values import iso_day

    window = scene.found.window
    return {
        "schema": SCHEMA,
        "as_of": scene.today.isoformat(),
        "prices_checked": scene.book.checked.isoformat(),
        "window": {
            "start": iso_day(window.start_day),
            "end_exclusive": iso_day(window.end_day_exclusive),
            "days": window.days,
        },
        "workload": workload,
        "plans": plans,
        "without_candidate": [{"workload": name, "workload_name": shown} for name, shown in without],
        "left_out": [one._asdict() for one in left_out],
        "together": together(plans),
        "problems": scene.problems,
    }
