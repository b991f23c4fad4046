"""`baseload export`: the policy for people who keep the gateway they have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from baseload.cli.help import Json, ProjectFolder, epilogue

if TYPE_CHECKING:
    from baseload.gateway.export.parts import Exported

app = App(
    name="export",
    help="The policy as files for another gateway: a LiteLLM plug-in, or an Envoy bootstrap.",
    help_epilogue=epilogue(
        [
            "baseload export litellm baseload-plan/policy.yaml -o litellm",
            "baseload export envoy baseload-plan/policy.yaml -o envoy --key triage=TRIAGE_KEY",
        ]
    ),
)

PolicyFile = Annotated[Path, Parameter(help="The policy, as `baseload plan` wrote it.")]
ANTHROPIC = "https://api.anthropic.com"


@app.command
def litellm(
    policy: PolicyFile,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the files.")] = Path("litellm"),
    model: Annotated[
        Sequence[str], Parameter(help="NAME=ID: what LiteLLM calls a model, where that is not its id; repeatable.")
    ] = (),
    upstream: Annotated[str, Parameter(help="Where LiteLLM sends requests; its own default when not given.")] = "",
    json: Json = False,
) -> int:
    """A plug-in for the LiteLLM proxy that decides by the gateway's own code, and the lines its configuration needs.

    Pins model and effort, sets cache marks, honours pin_original and the header x-baseload-pin; a request that the
    target refuses goes out as it was. It needs Baseload beside LiteLLM, without its dependencies. Fitted routers,
    batches, stages and the holdback stay with `baseload gateway`; what an entry loses is said, with exit code 1.

    Examples
    --------
    baseload export litellm baseload-plan/policy.yaml -o litellm
    baseload export litellm policy.yaml --model our-opus=claude-opus-5-5 --json | jq .lost
    """
    from baseload.cli.book import read_file
    from baseload.cli.places import load_org_key
    from baseload.gateway.export.litellm import exported
    from baseload.gateway.export.litellm_hook import key_check, needs_key
    from baseload.plan.policy_read import read_policy
    from baseload.prices.load import load_book

    data = read_file(policy, "policy")
    found = read_policy(data, str(policy))
    made = exported(
        found,
        data.decode("utf-8-sig"),
        load_book(),  # what the plug-in will have
        check=key_check(load_org_key()) if needs_key(found) else "",
        names=_pairs(model, "--model", "NAME=ID"),
        upstream=upstream,
    )
    return _written(made, output, json=json)


@app.command
def envoy(
    policy: PolicyFile,
    *,
    output: Annotated[Path, Parameter(name=["--output", "-o"], help="Folder for the files.")] = Path("envoy"),
    upstream: Annotated[str, Parameter(help="Where Envoy sends requests.")] = ANTHROPIC,
    host: Annotated[str, Parameter(help="Where Envoy listens.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Where Envoy listens.")] = 8788,
    key: Annotated[
        Sequence[str],
        Parameter(help="NAME=VARIABLE: a key's name in the policy and the variable that holds the key; repeatable."),
    ] = (),
    json: Json = False,
    project: ProjectFolder = None,
) -> int:
    """An Envoy bootstrap whose Lua filter sends matched requests to the policy's model: a simple subset.

    Entries met by tag, agent, workspace, key or name, with decision pin, where the change is the model's name and fixed
    members beside it. A request that may need more goes out as it was. Marks, routers, batches, fingerprints and
    sessions stay with `baseload gateway`; what an entry loses is said, with exit code 1.

    Examples
    --------
    baseload export envoy baseload-plan/policy.yaml -o envoy
    baseload export envoy policy.yaml --key triage=TRIAGE_KEY --json | jq .lost
    """
    from baseload.cli.book import open_book, read_file
    from baseload.cli.places import find_project, load_project
    from baseload.errors import UsageError
    from baseload.gateway.export.envoy import exported
    from baseload.plan.policy_read import read_policy

    found = read_policy(read_file(policy, "policy"), str(policy))
    folder = project or find_project(Path.cwd())
    book = open_book(load_project(folder), folder)
    try:
        made = exported(
            found, book, upstream=upstream, host=host, port=port, keys=_pairs(key, "--key", "NAME=VARIABLE")
        )
    except ValueError as error:
        raise UsageError(f"--upstream: {error}") from None
    return _written(made, output, json=json)


def _pairs(given: Sequence[str], option: str, form: str) -> dict[str, str]:
    from baseload.errors import UsageError

    found = {}
    for one in given:
        name, equals, value = (part.strip() for part in one.partition("="))
        if not (name and equals and value) or (form.endswith("VARIABLE") and not value.isidentifier()):
            raise UsageError(f"{option} {name[:60]!r}; expected {form}")  # the rest may be a key
        found[name] = value
    return found


def _written(made: Exported, output: Path, *, json: bool) -> int:
    """The files in their folder, and what is not in them."""
    from baseload.cli.output import EXIT_NOTHING, exit_code, numbered, print_json, print_problems, stdout

    is_empty = bool(made.lost) and not made.workloads
    if json:
        print_json(made)
    elif not is_empty:
        output.mkdir(parents=True, exist_ok=True)
        for name, text in made.files.items():
            (output / name).write_text(text, encoding="utf-8")
        served = numbered(len(made.workloads), "workload")
        stdout().print(f"{output}: {', '.join(made.files)}; {served} of policy {made.policy_id}.", markup=False)
    print_problems(made.problems)
    return EXIT_NOTHING if is_empty else exit_code(made.problems)
