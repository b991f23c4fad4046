"""`baseload route`: which prompts of a workload a cheaper model may answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, epilogue

if TYPE_CHECKING:
    from baseload.quality.router.document import RouterFile
    from baseload.quality.router.evaluate import Evaluation
    from baseload.values import Problem

app = App(
    name="route",
    help="The router inside a workload: which prompts a cheaper model may answer, with a promise that was tested.",
    help_epilogue=epilogue(
        ["baseload route fit scores.parquet --strong claude-opus-5-5 --weak claude-haiku-5-5 -o router.json"]
    ),
)


@app.command
def fit(
    table: Annotated[
        Path, Parameter(help="Parquet, a row a (prompt, model, trial): prompt_id, prompt, model, score, cost_usd, …")
    ],
    *,
    strong: Annotated[str, Parameter(help="The model whose score the promise is measured against.")],
    weak: Annotated[list[str], Parameter(help="A cheaper model; give it again for a ladder.", negative=())],
    floor: Annotated[float, Parameter(help="Part of the strong model's score that is kept.")] = 0.95,
    confidence: Annotated[float, Parameter(help="Chance that the promise holds, at least.")] = 0.90,
    output: Annotated[Path, Parameter(name=["-o", "--output"], help="The router file to write, JSON.")],
    json: Json = False,
) -> int:
    """Fit a router on replayed prompts and decide: pin one model, route prompt by prompt, or leave all as it is.

    The threshold is tested on paired scores of prompts that its own scorer never saw, by a bound that holds for any
    number of prompts; never by what looks best. Where nothing was shown the answer is "leave", with the number of
    further prompts that would be needed, or the reason why no number would do.

    Examples
    --------
    baseload route fit scores.parquet --strong claude-opus-5-5 --weak claude-haiku-5-5 -o router.json
    baseload route fit scores.parquet --strong opus --weak sonnet --weak haiku --floor 0.98 -o router.json
    """
    from baseload.cli.output import exit_code, print_json, print_problems, progress
    from baseload.quality.router.certify import Promise
    from baseload.quality.router.document import encoded
    from baseload.quality.router.fit import checked
    from baseload.quality.router.fit import fit as fit_router
    from baseload.quality.router.table import read_table

    promise = checked(Promise(floor=floor, confidence=confidence))
    with progress("Fitting the router"):
        answers, problems = read_table(table)
        router, more = fit_router(answers, strong, weak, promise)
    data = encoded(router)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(data)
    problems, notes = _apart([*problems, *more])
    if json:
        print_json(_summary(router, data, output) | {"problems": problems, "notes": notes})
    else:
        _print_fit(router, len(data), output)
        _print_notes(notes)
        print_problems(problems)
    return exit_code(problems)


@app.command(name="eval")
def evaluate_router(
    router: Annotated[Path, Parameter(help="A router written by `baseload route fit`.")],
    table: Annotated[Path, Parameter(help="Parquet table of prompts the router never saw.")],
    *,
    json: Json = False,
) -> int:
    """What a router does on prompts it never saw: kept quality, cost, and the controls that any claim needs.

    Prompts the router was fitted on are told by hashes of their text and left out. Exit 1 where rows had problems;
    notes are none.

    Examples
    --------
    baseload route eval router.json held_out.parquet
    baseload route eval router.json held_out.parquet --json | jq .saving
    """
    import msgspec

    from baseload.cli.book import read_file
    from baseload.cli.output import exit_code, print_json, print_problems, progress
    from baseload.quality.router.document import decoded
    from baseload.quality.router.evaluate import evaluate
    from baseload.quality.router.table import read_table

    loaded = decoded(read_file(router, "router file"), str(router))
    with progress("Judging the router"):
        answers, problems = read_table(table)
        found, more = evaluate(loaded, answers)
    problems, notes = _apart([*problems, *more])
    if json:
        print_json(msgspec.to_builtins(found) | {"problems": problems, "notes": notes})
    else:
        _print_eval(found, loaded.strong)
        _print_notes(notes)
        print_problems(problems)
    return exit_code(problems)


def _apart(found: list[Problem]) -> tuple[list[Problem], list[Problem]]:
    """What somebody has to mend, and what a reader may want to know."""
    from baseload.quality.router.table import NOTES

    return [one for one in found if one.code not in NOTES], [one for one in found if one.code in NOTES]


def _print_notes(notes: list[Problem]) -> None:
    from baseload.cli.output import stdout

    for note in notes:
        value = f" [{note.value}]" if note.value else ""
        stdout().print(f"Note: {note.message}{value}.", markup=False, soft_wrap=True)


def _used(used: int, asked: int, strong: str) -> str:
    return f"{used:,} of {asked:,} prompts of {strong} used."


def _summary(router: RouterFile, data: bytes, output: Path) -> dict[str, object]:
    import hashlib

    def figures(name: str) -> dict[str, object]:
        one = router.controls[name] if name else router.policy
        return {
            "decision": one.decision, "features": one.features, "saving": one.saving,
            "quality_ratio": one.quality_ratio, "share_routed": one.share_routed,
        }  # fmt: skip

    return {
        "schema": "baseload.route.fit/1",
        "decision": router.decision,
        "reason": router.reason,
        "more_prompts": router.more_prompts,
        "model": router.policy.model,
        "models": router.models,
        "floor": router.floor,
        "confidence": router.confidence,
        "prompts": router.prompts,
        "used": router.used,
        "asked": router.asked,
        "cost_basis": router.cost_basis,
        "relative": router.cost_basis in ("est_tokens", "mixed"),
        "out_of_fold": figures("") | {"controls": {name: figures(name) for name in router.controls}},
        "stay_strong": router.stay_strong,
        "router": {"path": str(output), "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
    }


def _print_fit(router: RouterFile, size: int, output: Path) -> None:
    from baseload.cli.output import stdout

    console = stdout()
    console.print(f"{router.decision.upper()}: {router.reason}.", markup=False, soft_wrap=True)
    console.print(_used(router.used, router.asked, router.strong), markup=False, soft_wrap=True)
    if router.decision != "leave":
        saving, kept = router.policy.saving, router.policy.quality_ratio
        console.print(
            f"Saving {saving:.1%}{_relative(router.cost_basis)}, kept score {kept:.1%}: estimates on the rows "
            "that fitted it; `baseload route eval` judges it on others.",
            markup=False,
            soft_wrap=True,
        )
    if router.decision == "route":
        controls = {name: one for name, one in router.controls.items() if name != "best_constant"}
        said = ", ".join(f"{name.replace('_', ' ')} {one.saving:.1%}" for name, one in controls.items())
        console.print(f"Under the same promise: {said}.", markup=False, soft_wrap=True)
    console.print(f"Written to {output} ({size:,} bytes).", markup=False, soft_wrap=True)


def _print_eval(found: Evaluation, strong: str) -> None:
    from rich.table import Table as Grid

    from baseload.cli.output import stdout

    console = stdout()
    error = "" if found.quality_ratio_se is None else f" ± {1.645 * found.quality_ratio_se:.1%}"
    kept = f"{found.quality_ratio:.1%}{error} of the strong model's score"
    console.print(
        f"{found.decision.upper()} on {found.prompts:,} prompts: keeps {kept} (promised {found.floor:.0%}), saves "
        f"{found.saving:.1%}{_relative(found.cost_basis)}; {found.abstained:.1%} stayed because they were strange.",
        markup=False,
        soft_wrap=True,
    )
    console.print(_used(found.used, found.asked, strong), markup=False, soft_wrap=True)
    shares = ", ".join(f"{name} {share:.1%}" for name, share in found.share_by_model.items())
    console.print(f"Shares: {shares}.", markup=False, soft_wrap=True)
    grid = Grid("control", "score", "of strong's", "saving")
    for name, one in found.controls.items():
        grid.add_row(name.replace("_", " "), f"{one.quality:.3f}", f"{one.quality_ratio:.1%}", f"{one.saving:.1%}")
    console.print(grid)


def _relative(cost_basis: str) -> str:
    return " (relative: costs are estimates from text)" if cost_basis in ("est_tokens", "mixed") else ""
