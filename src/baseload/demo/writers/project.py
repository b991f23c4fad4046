"""`baseload.toml` as the demo company would have written it: its invoices, who owns which key, how good is enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from baseload.demo.answers.bars import APPROVED_ON, bar_of
from baseload.demo.company import Account, Company, Service
from baseload.demo.invoices import DemoInvoice
from baseload.demo.writers.analytics import key_id
from baseload.demo.writers.cur import role_arn
from baseload.demo.writers.files import Output
from baseload.usage.normal import tags_text
from baseload.workloads.cascade import base_key
from baseload.workloads.key import Key
from baseload.workloads.signature import Signature

PROJECT_FILE = "baseload.toml"


def write_project(output: Output, company: Company, sent: Sequence[DemoInvoice]) -> None:
    """The project file at the top of the demo's folder."""
    parts = [
        f"# {company.name}: a company made up by `baseload demo`.",
        "schema = 1",
        f'name = "{company.name}"',
        "",
        "# What the Console calls the keys that reports know by id.",
        "[key_name]",
        *(
            f'{key_id(service)} = "{service.api_key_name}"'
            for service in company.services
            if _is_known_by_id(service, company)
        ),
        "",
        "# Who pays for which key; nobody has claimed the key of the old scripts.",
        *(_owner(service, company.account(service.account)) for service in company.services if service.owner),
        "# What was invoiced: amount = usage + seats + tax - credits.",
        *(_invoice(invoice) for invoice in sent),
        "# Whose prompts may be sent again, and how good a cheaper model must be there.",
        *(part for service in company.services for part in _quality(service, company.account(service.account))),
    ]
    output.write(PROJECT_FILE, "\n".join(parts).encode())


def _is_known_by_id(service: Service, company: Company) -> bool:
    return service.logs != "bedrock" and company.account(service.account).reports != "console"


def _owner(service: Service, account: Account) -> str:
    return (
        f"[[owner]]  # {service.api_key_name}\n{owner_match(service, account)}\n"
        f'owner = "{service.owner}"\ncost_center = "{service.cost_center}"\n'
    )


def owner_match(service: Service, account: Account) -> str:
    """The condition by which a service's records are known: its role, its tool, or the key's name or id."""
    if service.logs == "bedrock":
        return f'api_key = "role/{role_arn(service, "x").split("/")[-2]}"'
    named = account.reports == "console"
    return f'api_key = "{service.api_key_name if named else key_id(service)}"'


def _quality(service: Service, account: Account) -> Iterator[str]:
    """The workload's permission and its bar, where it has one."""
    bar = bar_of(service)
    if bar is None:
        return
    found, name = workload_key(service, account), service.name if service.app_tag else service.api_key_name
    yield f'[[workload]]\nname = "{name}"\nid = "{found.id}"\ndata_use = "batch_allowed"\n'
    rows = [
        "[[bar]]",
        f'workload = "{found.id}"  # {name}',
        f"margin = {bar.margin}",
        f'budget_usd = "{bar.budget_usd}"',
        *([f"most_calls = {bar.most_calls}"] if bar.most_calls else []),
        *([f'cost_per_error_usd = "{bar.cost_per_error_usd}"'] if bar.cost_per_error_usd is not None else []),
        'tier_required = "truth"',
        f'approved_by = "{bar.approved_by}"',
        f"approved_on = {APPROVED_ON}",
        f'comment = "{bar.comment}"',
        "",
        "[bar.grader]",
        *bar.grader,
        f'truth = "{bar.truths}"',
    ]
    yield "\n".join(rows) + "\n"


def workload_key(service: Service, account: Account) -> Key:
    """What the map knows the service's workload by."""
    named = account.reports == "console"
    row = Signature(
        signature="",
        source="messages",
        account=service.account,
        api_key=service.api_key_name if named else key_id(service),
        tags=tags_text({"app": service.name}) if service.app_tag else "",
    )
    key = base_key(row, ())
    if key is None:
        raise ValueError(f"{service.name}: nothing names it, so that no bar can")
    return key


def _invoice(invoice: DemoInvoice) -> str:
    rows = [
        "[[invoice]]",
        f'month = "{invoice.month}"',
        f'amount = "{invoice.amount}"',
        f'channel = "{invoice.account.channel}"',
        f'account = "{invoice.account.id}"',
    ]
    parts = {"tax": invoice.tax, "credits": invoice.credits, "seats": invoice.seats}
    rows += [f'{name} = "{value}"' for name, value in parts.items() if value]
    return "\n".join(rows) + "\n"
