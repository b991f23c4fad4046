"""The sampled calls stand for all calls, and obey the cache rules they claim to show."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from demo_window import END, SCALE, WINDOW

from baseload.demo.company import Dialogue, Service, Single, Streams
from baseload.demo.dialogues import simulate_dialogues
from baseload.demo.larkfield import LARKFIELD
from baseload.demo.simulate import model_facts, scaled
from baseload.demo.streams import _hits
from baseload.demo.truth import COUNTS, DayPlan, Truth
from baseload.prices.book import PriceBook

SERVICES = {service.name: service for service in LARKFIELD.services}
SECOND = 1_000_000


def of_shape(*shapes: type) -> list[str]:
    return [service.name for service in LARKFIELD.services if isinstance(service.shape, shapes) and service.logs]


def requests(truth: Truth, name: str) -> int:
    return sum(int(total[0]) for total in truth.runs[name].cells.values())


@pytest.mark.parametrize("name", of_shape(Single))
def test_one_in_n_units_is_kept_to_within_one(truth: Truth, name: str) -> None:
    run, rate = truth.runs[name], SERVICES[name].sampling_rate
    kept = len(np.unique(run.sample["unit"]))
    assert abs(kept * rate - run.units) < rate


def test_independent_calls_scale_up_to_the_true_tokens(truth: Truth) -> None:
    run, rate = truth.runs["support-triage"], SERVICES["support-triage"].sampling_rate
    true_input = sum(int(total[1]) for total in run.cells.values())
    # 131 sampled calls whose prompts differ by about 5 %: a standard error under 1 %
    assert run.sample["uncached"].sum() * rate == pytest.approx(true_input, rel=0.03)


def test_repeats_are_kept_with_their_original(truth: Truth) -> None:
    sample = truth.runs["address-enrichment"].sample
    for unit in np.unique(sample["unit"]):
        copies = sample["copy"][sample["unit"] == unit]
        assert copies.tolist() == list(range(len(copies)))
        starts = sample["start_us"][sample["unit"] == unit]
        assert set(np.diff(starts).tolist()) <= {31 * SECOND}


@pytest.mark.parametrize("name", of_shape(Dialogue))
def test_a_kept_session_is_whole(truth: Truth, name: str) -> None:
    sample = truth.runs[name].sample
    for unit in np.unique(sample["unit"]):
        turns = sample["turn"][sample["unit"] == unit]
        assert turns.tolist() == list(range(len(turns)))


@pytest.mark.parametrize("name", of_shape(Dialogue))
def test_a_turn_reads_what_the_turn_before_left_within_five_minutes(name: str, book: PriceBook) -> None:
    service = msgspec.structs.replace(SERVICES[name], sampling_rate=1)
    shape, models = service.shape, model_facts(LARKFIELD, book)
    assert isinstance(shape, Dialogue)
    plan = [DayPlan(END - 1, 400, service.eras[-1])]
    sample = simulate_dialogues(service, shape, plan, np.random.default_rng(1), models).sample
    prompt = sample["read"] + sample["write"]
    gaps = np.diff(sample["start_us"])
    follows = (np.diff(sample["unit"]) == 0) & (np.diff(prompt) > 0)  # not a new session, nor a compaction
    warm = follows & (gaps < 300 * SECOND)
    cold = follows & (gaps >= 300 * SECOND)
    assert bool((sample["read"][1:][warm] == prompt[:-1][warm]).all())
    shared = round(shape.shared * models.ratio[service.eras[-1].model])
    assert set(sample["read"][1:][cold].tolist()) <= {0, shared}
    assert int(warm.sum()) > 400
    assert name == "build-repair-agent" or int(cold.sum()) > 10  # a machine makes no pauses


def test_a_volatile_header_makes_every_call_write_and_none_read(truth: Truth) -> None:
    sample = truth.runs["help-center-answers"].sample
    assert sample["read"].sum() == 0
    assert set(sample["write"].tolist()) == {6460}  # header 60 + static 6400


def test_hits_follow_the_gap_to_the_call_before_on_the_same_prefix() -> None:
    prefix = np.array([0, 0, 0, 0, 1, 1])
    start = np.array([0, 299, 599, 600, 0, 1]) * SECOND
    # first: miss; 299 s later: hit; 300 s later: the entry is just gone; 1 s later: not readable yet, the call before
    # is still writing; another prefix: miss; 1 s later: not readable yet
    assert _hits(prefix, start, 300 * SECOND).tolist() == [False, True, False, False, False, False]


def test_quarter_hourly_prefixes_are_cold_after_five_minutes_and_warm_after_an_hour(truth: Truth) -> None:
    run = truth.runs["sql-assistant"]
    read = sum(int(total[COUNTS.index("cache_read_tokens")]) for total in run.cells.values())
    written = sum(int(total[COUNTS.index("cache_write_5m_tokens")]) for total in run.cells.values())
    noted = sum(total for (name, _), total in run.notes.items() if name == "ttl_1h")
    assert read / (read + written) < 0.5
    assert noted[2] / (noted[2] + noted[4]) > 0.85
    assert noted[1] + noted[2] + noted[4] == read + written + sum(int(total[1]) for total in run.cells.values())


@pytest.mark.parametrize("service", LARKFIELD.services, ids=lambda service: service.name)
def test_nothing_is_cached_below_a_models_minimum(truth: Truth, service: Service, book: PriceBook) -> None:
    run = truth.runs[service.name]
    for era, read, written in zip(
        run.sample["era"].tolist(), run.sample["read"].tolist(), run.sample["write"].tolist(), strict=True
    ):
        minimum = book.models[run.eras[era].model].min_cacheable_tokens
        assert read + written == 0 or read + written >= minimum


@pytest.mark.parametrize("name", of_shape(Single, Dialogue, Streams))
def test_the_prompt_fits_the_models_context(truth: Truth, name: str, book: PriceBook) -> None:
    run = truth.runs[name]
    prompt = run.sample["uncached"] + run.sample["read"] + run.sample["write"]
    context = [book.models[run.eras[era].model].context_tokens for era in run.sample["era"].tolist()]
    assert bool((prompt <= np.array(context, np.int64)).all())


def test_scaling_keeps_a_prefix_rhythm_and_has_fewer_prefixes() -> None:
    whole = SERVICES["sql-assistant"]
    part = scaled(whole, 0.1).shape
    assert isinstance(whole.shape, Streams)
    assert isinstance(part, Streams)
    assert (part.prefixes, part.calls) == (whole.shape.prefixes // 10, whole.shape.calls)


def test_a_key_without_logs_has_no_sample(truth: Truth) -> None:
    assert len(truth.runs["legacy-ops"].sample["unit"]) == 0
    assert requests(truth, "legacy-ops") > 0


def test_the_declared_rates_keep_the_whole_company_within_the_size_it_may_have(truth: Truth) -> None:
    kept = sum(len(run.sample["unit"]) for run in truth.runs.values()) / SCALE
    assert 30_000 < kept < 100_000
    assert WINDOW.end_day_exclusive == END
