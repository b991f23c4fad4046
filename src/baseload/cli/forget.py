"""`baseload forget`: take recorded bodies off the disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from baseload.cli.bodies import VAULT_FOLDER, vault_folder
from baseload.cli.help import Json, ProjectFolder

if TYPE_CHECKING:
    from collections.abc import Callable

    from baseload.project import Project
    from baseload.vault.frame import Entry
    from baseload.vault.store import Forgotten, Vault

__all__ = ["VAULT_FOLDER", "forget"]

_ID_BEGINS = "w-"


def forget(
    *,
    workload: Annotated[
        str | None, Parameter(help="Everything of one workload: its id or its name, as baseload rank lists them.")
    ] = None,
    user: Annotated[
        str | None, Parameter(help="Everything of one user: the id your calls carry, or its fingerprint.")
    ] = None,
    call: Annotated[str | None, Parameter(help="One call: the provider's msg_… id, or the ledger's call_id.")] = None,
    all_records: Annotated[bool, Parameter(name="--all", negative=(), help="Everything.")] = False,
    expired: Annotated[bool, Parameter(negative=(), help="What is older than the vault keeps.")] = False,
    days: Annotated[
        int | None,
        Parameter(show_default=False, help="How old --expired is; else [vault] max_days of the project, else 30."),
    ] = None,
    dry_run: Annotated[bool, Parameter(negative=(), help="Count what would go; remove nothing.")] = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> int:
    """Take recorded prompts and answers off the disk: of one workload, user or call, the expired, or all.

    Needs no key. The ledger holds no text and stays; logs that Baseload read bodies from are yours and are not touched.
    Copies in backups and in a file system's snapshots are not reached: they stay sealed under the vault's key.

    Examples
    --------
    baseload forget --user ada@example.com
    baseload forget --workload w-5f2c9a --dry-run
    baseload forget --all
    """
    import datetime as dt

    from baseload.cli.output import EXIT_DONE, EXIT_PROBLEMS, print_json, print_problems
    from baseload.cli.places import find_project, load_project
    from baseload.errors import UsageError
    from baseload.values import day_of_date

    try:
        from baseload.vault.store import Caps, Vault
    except ImportError as error:
        raise UsageError("forget needs the extra vault: pip install 'baseload[vault]'") from error
    home = project or find_project(Path.cwd()) or Path()
    settings = load_project(home)
    kept_days = settings.vault.max_days if days is None else days
    ids = _ids(workload, settings, home)
    chosen = _chosen(ids, user, call, all_records=all_records, expired=expired, days=kept_days)
    folder = vault_folder(home, settings)
    vault = Vault.open(folder, None, caps=Caps(days=kept_days))
    _check_known(workload, ids, vault)
    today = day_of_date(dt.datetime.now(dt.UTC).date())
    problems = vault.problems()
    done = _done(vault, lambda entry: chosen(entry, today), dry_run=dry_run)
    if json:
        print_json(
            {
                "schema": "baseload.forget/1",
                "vault": str(folder),
                "dry_run": dry_run,
                "records": done.records,
                "bytes": done.bytes,
                "unreadable_bytes": done.unreadable_bytes,
                "left": len(vault.entries),
                "without_user": sum(not entry.user_id for entry in vault.entries),
                "problems": problems,
            }
        )
    else:
        _show(vault, done, by_user=user is not None, dry_run=dry_run)
        print_problems(problems)
    return EXIT_PROBLEMS if problems else EXIT_DONE


def _ids(workload: str | None, settings: Project, home: Path) -> frozenset[str]:
    """The ids a text may stand for: itself, and those that baseload.toml gives this name or else the ledger does."""
    from baseload.errors import UsageError

    if workload is None:
        return frozenset()
    if not workload:
        raise UsageError("--workload is empty; expected an id or a name, as `baseload rank` lists them")
    by_rule = [rule.id for rule in settings.workload if rule.id and rule.name == workload]
    if not by_rule and not workload.startswith(_ID_BEGINS):
        by_rule = _ids_of_ledger(workload, settings, home)
    return frozenset({workload, *by_rule})


def _ids_of_ledger(name: str, settings: Project, home: Path) -> list[str]:
    """The id of the one workload that the project's ledger has so named: a rule may mean it by a tag, without an id.

    Raises UsageError where several have it.
    """
    from baseload.cli.book import open_book
    from baseload.cli.run import MEMORY_LIMIT, PROJECT_LEDGER, with_owners
    from baseload.engine.duckdb import DuckDBEngine
    from baseload.errors import NothingToRead, UsageError
    from baseload.ledger.store import Ledger, is_ledger
    from baseload.pipeline import rank_ledger

    if not is_ledger(home / PROJECT_LEDGER):
        return []
    project = with_owners(settings, home)
    with Ledger.open(home / PROJECT_LEDGER) as ledger, DuckDBEngine(memory_limit=MEMORY_LIMIT) as engine:
        try:
            known = rank_ledger(ledger, engine, open_book(project, home), project).workload_of
        except NothingToRead:
            return []
    ids = sorted({one.id for one in known.values() if one.name == name})
    if len(ids) > 1:
        raise UsageError(f"{name[:60]!r} is the name of {len(ids)} workloads; expected an id, such as {ids[0]}")
    return ids


def _check_known(workload: str | None, ids: frozenset[str], vault: Vault) -> None:
    """Raises UsageError where a text is neither an id nor a name: "forgot 0" would be taken for done."""
    from baseload.errors import UsageError

    there = {entry.workload for entry in vault.entries} - {""}
    if not workload or workload.startswith(_ID_BEGINS) or len(ids) > 1 or ids & there:
        return
    named = ", ".join(sorted(there)[:5]) or "none"
    raise UsageError(
        f"{workload[:60]!r} is no workload of the vault; expected an id, as `baseload rank --json` lists them beside "
        f"the names. The vault has records of: {named}{', …' if len(there) > 5 else ''}. Nothing was removed."
    )


def _chosen(
    workload: frozenset[str], user: str | None, call: str | None, *, all_records: bool, expired: bool, days: int
) -> Callable[[Entry, int], bool]:
    """What the options choose. Raises UsageError unless it is exactly one thing."""
    from baseload.cli.places import load_org_key
    from baseload.errors import UsageError
    from baseload.usage.normal import call_id

    given = [bool(workload), bool(user), bool(call), all_records, expired]
    if sum(given) != 1 or "" in (user, call):
        raise UsageError(f"{sum(given)} choices; expected one of --workload, --user, --call, --all, --expired")
    if days < 1:
        raise UsageError(f"--days {days}; expected at least 1")
    if workload:
        return lambda entry, _: entry.workload in workload
    if user:
        users = {user, load_org_key().fingerprint("user", user)}
        return lambda entry, _: entry.user_id in users
    if call:
        calls = {call, call_id(message_id=call)}
        return lambda entry, _: entry.call_id in calls
    if expired:
        return lambda entry, today: today - entry.day >= days
    return lambda *_: True


def _done(vault: Vault, chosen: Callable[[Entry], bool], *, dry_run: bool) -> Forgotten:
    from baseload.vault.store import Forgotten

    if not dry_run:
        return vault.forget(chosen)
    return Forgotten(records=sum(map(chosen, vault.entries)), bytes=0, unreadable_bytes=0)


def _show(vault: Vault, done: Forgotten, *, by_user: bool, dry_run: bool) -> None:
    from baseload.cli.output import numbered, stdout

    console = stdout()
    said = "Would forget {}" if dry_run else f"Forgot {{}} ({done.bytes:,} bytes)"
    console.print(
        f"{said.format(numbered(done.records, 'record'))}; {len(vault.entries):,} in the vault.",
        markup=False,
    )
    if done.unreadable_bytes:
        console.print(
            f"{done.unreadable_bytes:,} bytes could not be read as records and went too: nobody could tell whose.",
            markup=False,
        )
    nameless = sum(not entry.user_id for entry in vault.entries)
    if by_user and nameless:
        console.print(
            f"{numbered(nameless, 'record')} in the vault name no user, so that nobody can tell whether they are this "
            "one's. Forget them by workload or call.",
            markup=False,
            soft_wrap=True,
        )
