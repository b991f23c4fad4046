"""What a call can cost at most is told of every model that may have to serve it."""

from __future__ import annotations

from pathlib import Path

import pytest
from served import serving, settings

from baseload.gateway.decide.facts import Facts
from baseload.gateway.decide.notes import NO_PARAMS

OPUS, HAIKU, NOBODYS = "claude-opus-4-8", "claude-haiku-4-5", "nobodys-model"


@pytest.mark.parametrize("pair", [(OPUS, HAIKU), (HAIKU, OPUS), (HAIKU, HAIKU), (NOBODYS, HAIKU), ("", OPUS)])
def test_a_call_costs_at_most_what_the_dearer_of_two_models_takes(tmp_path: Path, pair: tuple[str, str]) -> None:
    facts = Facts(prompt_bytes=1_001, params=NO_PARAMS._replace(max_tokens=7), now_us=1_795_000_000_000_000)
    with serving(settings("http://127.0.0.1:9", folder=tmp_path)) as served:
        most = served.gateway.core.most_nano
        one, other = (most(facts, model) for model in pair)
        assert most(facts, pair[0], other=pair[1]) == max(one, other)
        assert most(facts, OPUS) == 1_001 * 11_000 + 7 * 27_500  # $5 and $25, twice for an hour's cache, 1.1 in the US
        assert most(facts, HAIKU) < most(facts, OPUS) <= most(facts, NOBODYS)
