"""Reading `offer.yaml`: the parameters of a contract by name, every mistake named by file, key, value and rule.

Keys are those of `Contract`. A clause of one number or word may be written as that alone: `overage: committed`,
`carry_forward: 0.5`, `commit_usd_by_year: 2000000` (the same every year). What the file leaves out is a default, listed
in `Offer.assumed`: an answer the vendor has not given.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from baseload.commit.contract import MONTHS_PER_YEAR, Contract
from baseload.commit.offer_faults import SEE, refused
from baseload.commit.refusal import MOST_MONTHS, CommitError
from baseload.plan.policy import PolicyError
from baseload.plan.policy_read import _content as plain_yaml

REQUIRED: Final = ("term_months", "commit_basis", "bands", "overage", "unused")
NAMES: Final = {
    "commit": "commit_usd_by_year",
    "commit_usd": "commit_usd_by_year",
    "term": "term_months",
    "payment_lag": "payment_lag_days",
    "MFN": "mfn",
}
"""Shorter names that are read too."""
WORDS: Final[dict[str, dict[str, str | None]]] = {
    "overage": {"mult": "multiple"},
    "unused": {"convert_to_credit": "credit", "extend_term": "extend"},
    "payment": {"monthly_fixed": "monthly"},
    "roll_condition": {"none": None},
    "step_down": {"none": None},
    "step_up": {"none": None},
    "true_forward": {"none": None},
    "termination": {"none": None},
    "bridge": {"none": None},
}
"""Other words for a value, and `none` for a clause that is not there."""
ALONE: Final = {
    "overage": "rule",
    "unused": "rule",
    "price_rule": "rule",
    "carry_forward": "share",
    "true_forward": "share",
    "channel": "name",
}
"""Clause -> the key that a single word or number beside it stands for."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as a file states it, and which of its terms the file does not state."""

    contract: Contract
    assumed: tuple[str, ...] = ()


def read_offer(data: bytes, name: str = "offer.yaml") -> Offer:
    """The offer of a file. Raises CommitError."""
    return offer_of(plain_keys(data, name), name)


def offer_of(content: dict[str, Any], name: str) -> Offer:
    """The offer that keys and plain values say. Raises CommitError."""
    for key in REQUIRED:
        if key not in content:
            raise CommitError(key, "missing", f"{', '.join(REQUIRED)} in every offer, see {SEE}", where=name)
    full = _written_out(content)
    overage = full.get("overage")
    if isinstance(overage, dict) and overage.get("rule") == "multiple" and "multiple" not in overage:
        raise CommitError("overage.multiple", "missing", "how many times the committed rate, such as 1.2", where=name)
    try:
        contract = msgspec.convert(full, Contract, strict=False)
    except CommitError as error:
        raise error.within(name) from error
    except msgspec.ValidationError as error:
        raise refused(error, full, name) from error
    return Offer(contract=contract, assumed=_left_out(content))


def _left_out(content: dict[str, Any]) -> tuple[str, ...]:
    """Terms the file does not state; what it is called and what it is paid in are no terms."""
    whole = (key for key in Contract.__struct_fields__ if key not in content and key not in ("name", "currency"))
    return (*whole, *_left_out_of_unused(content.get("unused")))


def _left_out_of_unused(unused: Any) -> tuple[str, ...]:
    """How much of the unused comes back, and for how long, where the clause does not say."""
    said = unused if isinstance(unused, dict) else {"rule": unused}
    parts = {"roll": ("share", "months"), "credit": ("months",), "extend": ("months",), "refund": ("share",)}
    return tuple(f"unused.{part}" for part in parts.get(str(said.get("rule")), ()) if part not in said)


def plain_keys(data: bytes, name: str) -> dict[str, Any]:
    """Keys and values of a YAML file, read as hostile (`plan.policy_read`), shorter names written out.

    Raises CommitError.
    """
    try:
        content = plain_yaml(data, name)
    except PolicyError as error:
        said = str(error).removeprefix(f"{name}: ").partition(". See docs/")[0].partition("; expected")[0]
        raise CommitError("", said, f"plain YAML with the keys of {SEE}", where=name) from error
    if not isinstance(content, dict):
        raise CommitError("", "a list" if isinstance(content, list) else "text", f"the keys of {SEE}", where=name)
    twice = sorted(short for short, key in NAMES.items() if short in content and key in content)
    if twice:
        raise CommitError(twice[0], "given beside its longer name", NAMES[twice[0]], where=name)
    return {str(NAMES.get(given, given)): value for given, value in content.items()}


def _written_out(content: dict[str, Any]) -> dict[str, Any]:
    """Every clause as a mapping, one commitment for each year."""
    full = {key: _word(key, value) for key, value in content.items()}
    for clause, name in ALONE.items():
        if isinstance(full.get(clause), str):
            full[clause] = {name: full[clause]}
    carved = full.get("carve_outs")
    if isinstance(carved, list):
        full["carve_outs"] = [{"name": one} if isinstance(one, str) else one for one in carved]
    if isinstance(full.get("commit_usd_by_year"), str):
        full["commit_usd_by_year"] = [full["commit_usd_by_year"]] * _years(full["term_months"])
    return full


def _word(key: str, value: Any) -> Any:
    return WORDS.get(key, {}).get(value, value) if isinstance(value, str) else value


def _years(term_months: Any) -> int:
    """Contract years of a term as written; 1 where it is no number of months (refused later by its own rule)."""
    known = isinstance(term_months, str) and term_months.isdecimal() and 1 <= int(term_months) <= MOST_MONTHS
    return -(-int(term_months) // MONTHS_PER_YEAR) if known else 1
