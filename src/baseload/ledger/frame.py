"""The spend table as integer codes: who, when, which model and rate each row is about, for `ledger.scope`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from baseload.ledger.attribution import Ints, Names, codes_of
from baseload.usage.buckets import NO_KEY, NO_WORKSPACE
from baseload.values import Problem, Table

CLAUDE_CODE_SOURCES = frozenset({"claude_code", "claude_code_otel", "claude_code_bodies"})
CLAUDE_CODE = "claude_code"
SAY_ACCOUNT = "Say whose the files are: account in baseload.toml, or in a baseload-source.json beside them."
_NOBODY = frozenset({"", NO_KEY, NO_WORKSPACE})


class Texts(NamedTuple):
    """A text column as codes into its distinct values."""

    codes: Ints
    values: tuple[str, ...]

    def where(self, chosen: Iterable[str]) -> NDArray[np.bool_]:
        """Rows whose value is one of `chosen`."""
        wanted = set(chosen)
        flags = np.array([value in wanted for value in self.values] or [False])
        found: NDArray[np.bool_] = flags[self.codes]
        return found

    def map(self, values: Sequence[int]) -> Ints:
        """A number of each distinct value, per row."""
        mapped: Ints = np.array(values or [0], dtype=np.int64)[self.codes]
        return mapped


class Frame(NamedTuple):
    """One int64 code per row and question. `owner` is (platform, account); `account_day` adds the day."""

    size: int
    day: Ints
    owner: Ints
    owners: tuple[tuple[str, str], ...]  # (platform, account) by owner code
    model: Texts
    account_day: Ints
    account_days: int
    cell: Ints  # owner, day, model
    series: Ints  # owner, model
    rate: Ints  # tier, speed, geo, coarse band
    tier: Texts
    source: Texts
    grain: Texts
    cost_type: Texts
    names: Names
    named: NDArray[np.bool_]  # the row says who: workspace, key, agent, or it is a call


def frame_of(spend: Table) -> tuple[Frame, list[Problem]]:
    """Codes of every row, and what is doubtful about the accounts."""
    size = len(spend["day"])
    day = ints(spend, "day")
    keys = texts(spend, "price_key")
    parts = [key_parts(key) for key in keys.values]
    platform = _relabel(keys, [part[1] for part in parts])
    accounts = texts(spend, "account")
    owner, owners, problems = _owners(platform, accounts)
    model = _relabel(keys, [part[0] for part in parts])
    rate = _relabel(keys, [_rate_text(part) for part in parts])
    source, grain = texts(spend, "source"), texts(spend, "grain")
    account_day, account_days = codes_of([owner, day])
    names, named = _names(spend, source, grain)
    frame = Frame(
        size=size,
        day=day,
        owner=owner,
        owners=owners,
        model=model,
        account_day=account_day,
        account_days=account_days,
        cell=codes_of([account_day, model.codes])[0],
        series=codes_of([owner, model.codes])[0],
        rate=rate.codes,
        tier=_relabel(keys, [part[3] for part in parts]),
        source=source,
        grain=grain,
        cost_type=texts(spend, "cost_type"),
        names=names,
        named=named,
    )
    return frame, problems


def ints(table: Table, name: str) -> Ints:
    """A column as int64, 0 where it is missing or null."""
    if name not in table:
        return np.zeros(len(table["day"]), dtype=np.int64)
    return np.ma.filled(table[name], 0).astype(np.int64)


def known(table: Table, name: str) -> NDArray[np.bool_]:
    """Rows where a nullable column is not null."""
    if name not in table:
        return np.zeros(len(table["day"]), dtype=bool)
    return ~np.ma.getmaskarray(table[name])


def texts(table: Table, name: str) -> Texts:
    """A text column as codes; an absent column is "" in every row."""
    if name not in table:
        return Texts(np.zeros(len(table["day"]), dtype=np.int64), ("",))
    column: list[Any] = table[name].tolist()
    places = {value: place for place, value in enumerate(dict.fromkeys(column))}
    codes = np.fromiter(map(places.__getitem__, column), dtype=np.int64, count=len(column))
    return Texts(codes, tuple("" if value is None else str(value) for value in places))


def _relabel(column: Texts, labels: Sequence[str]) -> Texts:
    """A coarser text column from a label of each distinct value."""
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    return Texts(column.map([places[label] for label in labels]), tuple(places))


def key_parts(price_key: str) -> tuple[str, str, str, str, str, str]:
    """model, platform, geo, tier, speed, band; a model of no name is ""."""
    model, platform, geo, tier, speed, band = (price_key.split("|") + [""] * 6)[:6]
    return ("" if model == "?" else model), platform, geo, tier, speed, band


def _rate_text(part: tuple[str, str, str, str, str, str]) -> str:
    """Tier, speed, geo and the coarse band that aggregates know too."""
    band = {"0-100k": "0-200k", "100k-200k": "0-200k"}.get(part[5], part[5])
    return "|".join((*part[2:5], band))


def _owners(platform: Texts, account: Texts) -> tuple[Ints, tuple[tuple[str, str], ...], list[Problem]]:
    """Owner codes. An account that a source does not say is the platform's only named account, where there is one."""
    pairs = platform.codes * len(account.values) + account.codes
    present = [divmod(int(pair), len(account.values)) for pair in np.unique(pairs)]
    named: dict[str, set[str]] = {}
    for place, which in present:
        named.setdefault(platform.values[place], set()).add(account.values[which])
    owners: dict[tuple[str, str], int] = {}
    lookup: dict[int, int] = {}
    problems: list[Problem] = []
    for place, which in present:
        name = account.values[which]
        others = sorted(named[platform.values[place]] - {""})
        if not name and len(others) == 1:
            name = others[0]
        elif not name and others:
            problems.append(_unknown_account(platform.values[place], len(others)))
        code = owners.setdefault((platform.values[place], name), len(owners))
        lookup[place * len(account.values) + which] = code
    found, inverse = np.unique(pairs, return_inverse=True)
    codes = np.array([lookup[int(pair)] for pair in found], dtype=np.int64)
    return (codes[inverse] if len(found) else pairs), tuple(owners), problems


def _unknown_account(platform: str, count: int) -> Problem:
    return Problem(
        source="scope",
        file="",
        row=0,
        code="account-unknown",
        message=f"Some {platform} records name no account and {count} accounts are known: they are added as one more",
        value=str(count),
        expected="one account, or a name on every source",
        next_step=SAY_ACCOUNT,
    )


def _names(spend: Table, source: Texts, grain: Texts) -> tuple[Names, NDArray[np.bool_]]:
    """Names that rows can be matched by, and whether a row says who it is about at all."""
    workspace, api_key, agent = texts(spend, "workspace"), texts(spend, "api_key"), texts(spend, "agent")
    calls = grain.where({"call"})
    # the aggregate's product is its agent; for calls the source tells it
    product = np.where(calls, source.where(CLAUDE_CODE_SOURCES), agent.where({CLAUDE_CODE}))
    said = [_coded(column, _NOBODY) for column in (workspace, api_key, agent)]
    named = calls | (said[0] > 0) | (said[1] > 0) | (said[2] > 0)
    return Names(_coded(workspace, {""}), _coded(api_key, {""}), product.astype(np.int64)), named


def _coded(column: Texts, nothing: Iterable[str]) -> Ints:
    """Codes from 1 up; 0 where the row says nothing."""
    empty = set(nothing)
    return column.map([0 if value in empty else place + 1 for place, value in enumerate(column.values)])
