"""The seeded simulator: a declared company and a window in, what happened out. No clock, no file."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from msgspec.structs import replace

from baseload.demo.calendar import day_factor
from baseload.demo.calls import simulate_calls
from baseload.demo.company import OLD_TOKENIZER_RATIO, Company, Dialogue, Era, Service, Single, Streams
from baseload.demo.dialogues import simulate_dialogues
from baseload.demo.streams import simulate_streams
from baseload.demo.truth import DayPlan, ModelFacts, Run, Truth
from baseload.prices.book import PriceBook
from baseload.values import Window, iso_day

THINK_BY_DEFAULT = ("claude-opus-5", "claude-sonnet-5", "claude-fable-5", "claude-haiku-5")
"""Id prefixes of the models that think when a request does not say (anthropic-facts section 5.4)."""


def simulate(
    company: Company,
    window: Window,
    book: PriceBook,
    *,
    seed: int,
    scale: float = 1.0,
    progress: Callable[[int, int, str], None] | None = None,
) -> Truth:
    """What every service did in the window. Each has its own generator, so that adding one changes no other.

    `scale` multiplies the number of units a day, and of prefixes; sizes and habits stay.
    """
    models = model_facts(company, book)
    runs: dict[str, Run] = {}
    for index, service in enumerate(company.services):
        if progress:
            progress(index, len(company.services), service.name)
        rng = np.random.default_rng([seed, zlib.crc32(service.name.encode())])
        runs[service.name] = _run(scaled(service, scale), company, window, rng, models)
    return Truth(start_day=window.start_day, end_day=window.end_day_exclusive, runs=runs)


def model_facts(company: Company, book: PriceBook) -> ModelFacts:
    """Tokenizer ratio and thinking habit of every model the company ever calls. KeyError on one the book lacks."""
    eras = [era for service in company.services for era in service.eras]
    names = {era.model for era in eras}
    old = {name: book.models[name].tokenizer == "old" for name in names}
    return ModelFacts(
        ratio={name: 1 / OLD_TOKENIZER_RATIO if old[name] else 1.0 for name in names},
        thinks=frozenset(name for name in names if name.startswith(THINK_BY_DEFAULT)),
    )


def scaled(service: Service, scale: float) -> Service:
    """The same service at a share of its size; a prefix keeps its rhythm, there are only fewer of them."""
    shape = service.shape
    if isinstance(shape, Streams):
        fewer = max(2, round(shape.prefixes * scale))
        return replace(service, shape=replace(shape, prefixes=fewer))
    return replace(service, volume=replace(service.volume, per_day=service.volume.per_day * scale))


def schedule(service: Service, company: Company, window: Window, rng: np.random.Generator) -> list[DayPlan]:
    """How many units start on each day of the window, and under which era."""
    end, volume = window.end_day_exclusive, service.volume
    incident = end - company.incident_before_end
    base = volume.per_day
    if isinstance(service.shape, Streams):
        base *= service.shape.prefixes * service.shape.calls
    plan = []
    for day in range(window.start_day, end):
        noise = float(np.exp(rng.normal(0, volume.noise)))
        units = round(base * day_factor(volume, day, end, incident) * noise)
        plan.append(DayPlan(day, units, era_of(service.eras, day)))
    return plan


def era_of(eras: Sequence[Era], day: int) -> Era:
    """The last era that has started; before all of them, the first."""
    started = [era for era in eras if era.start <= iso_day(day)]
    return started[-1] if started else eras[0]


def _run(service: Service, company: Company, window: Window, rng: np.random.Generator, models: ModelFacts) -> Run:
    plan = schedule(service, company, window, rng)
    match service.shape:
        case Single() as shape:
            return simulate_calls(service, shape, plan, rng, models)
        case Streams() as shape:
            return simulate_streams(service, shape, plan, rng, models)
        case Dialogue() as shape:
            return simulate_dialogues(service, shape, plan, rng, models)
