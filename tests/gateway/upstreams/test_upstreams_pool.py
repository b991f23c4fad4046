"""Who is asked, and who next, by a clock and a die of the test's own. No socket."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from baseload.gateway.config import Retry, UpstreamSettings
from baseload.gateway.exchange import Again, Answer, Failure, FailureKind, Forward
from baseload.gateway.upstreams.made import pool_of
from baseload.gateway.upstreams.pool import Pool
from baseload.gateway.upstreams.port import Asked, Sent
from baseload.gateway.wire.bare import BareTrip
from baseload.prices.load import load_book

BOOK = load_book()
S = 1_000_000_000
CALLER = (b"x-api-key", b"sk-ant-callers-own")
BETAS = (b"anthropic-beta", b"one-2026-01-01, two-2026-01-01")
BODY = b'{"model": "claude-haiku-4-5-20251001", "max_tokens": 5, "messages": []}'
BUSY = Failure("status", 529)
LIMIT = Failure("status", 429, ((b"retry-after", b"3"),))
LONG = Failure("status", 429, ((b"retry-after", b"61"),))
SPENT = Failure("status", 429, (), b'{"error":{"details":{"error_code":"enforced_spend_limit_reached"}}}')


class World:
    """A pool, and what it is told the time is. The die always shows 0."""

    def __init__(self, *upstreams: UpstreamSettings, retry: Retry | None = None, keys: str = "k1,k2") -> None:
        self.now_s = 0.0
        self.keys = {one.name: tuple(f"{one.name}-{key}".encode() for key in keys.split(",")) for one in upstreams}
        self.pool: Pool = pool_of(
            upstreams,
            retry or Retry(),
            keys_of=lambda one: self.keys[one.name],
            clock_ns=lambda: int(self.now_s * S),
            chance=lambda: 0.0,
            book=BOOK,
        )

    def first(self, asked: Asked) -> Sent:
        found = self.pool.first(asked, BareTrip())
        assert isinstance(found, Sent)
        return found

    def again(self, asked: Asked, sent: Sent, failure: Failure) -> tuple[Sent, float] | None:
        found = self.pool.again(asked, sent, 1, failure, BareTrip())
        if found is None:
            return None
        assert isinstance(found[1], Again)
        assert found[1].forward is found[0].forward
        return found[0], found[1].after_s

    def course(self, asked: Asked, *failures: Failure) -> list[tuple[str, str, float]]:
        """Every attempt of one request: upstream, key, pause before it."""
        sent = self.first(asked)
        found = [(sent.upstream, key_of(sent.forward), 0.0)]
        for failure in failures:
            step = self.again(asked, sent, failure)
            if step is None:
                break
            sent, pause = step
            found.append((sent.upstream, key_of(sent.forward), pause))
        return found


def key_of(forward: Forward) -> str:
    return next((value.decode() for name, value in forward.headers if name == b"x-api-key"), "")


def upstream(name: str, url: str = "", **more: object) -> UpstreamSettings:
    return UpstreamSettings(name=name, base_url=url or f"https://{name}.example", **more)  # type: ignore[arg-type]


def asked(*, ours: bool = True, target: bytes = b"/v1/messages", method: bytes = b"POST", body: bytes = BODY) -> Asked:
    headers = (CALLER, BETAS, (b"x-odd", b"kept"))
    return Asked(method, target, headers, body, "claude-haiku-4-5-20251001", False, ours)


def test_a_repeat_waits_by_jitter_and_the_last_try_is_the_last() -> None:
    """Die 0: every pause is the base, half a second."""
    course = World(upstream("a"), keys="k1").course(asked(), BUSY, BUSY, BUSY)
    assert course == [("a", "a-k1", 0.0), ("a", "a-k1", 0.5), ("a", "a-k1", 0.5)]


def test_one_try_is_no_retry() -> None:
    assert World(upstream("a"), retry=Retry(tries=1)).course(asked(), BUSY) == [("a", "a-k1", 0.0)]


def test_retry_after_is_waited_for_and_one_longer_than_the_settings_allow_is_passed_on() -> None:
    callers = asked(ours=False)
    key = "sk-ant-callers-own"
    assert World(upstream("a")).course(callers, LIMIT) == [("a", key, 0.0), ("a", key, 3.0)]
    assert World(upstream("a")).course(callers, LONG) == [("a", key, 0.0)]


def test_on_a_limit_the_next_key_of_ours_goes_at_once_and_the_first_rests() -> None:
    world = World(upstream("a"))
    assert world.course(asked(), LONG) == [("a", "a-k1", 0.0), ("a", "a-k2", 0.0)]
    assert world.course(asked()) == [("a", "a-k2", 0.0)]
    world.now_s = 61.0
    assert world.course(asked()) == [("a", "a-k1", 0.0)]


def test_with_every_key_at_its_limit_the_next_upstream_is_asked_at_once() -> None:
    world = World(upstream("a"), upstream("b"))
    assert [step[:2] for step in world.course(asked(), LONG, LONG)] == [("a", "a-k1"), ("a", "a-k2"), ("b", "b-k1")]
    assert world.course(asked())[0][:2] == ("b", "b-k1")  # and first by the next request, while the keys rest


def test_a_spent_limit_is_not_asked_again_but_another_upstream_is() -> None:
    assert World(upstream("a")).course(asked(), SPENT) == [("a", "a-k1", 0.0)]
    assert World(upstream("a"), upstream("b")).course(asked(), SPENT) == [("a", "a-k1", 0.0), ("b", "b-k1", 0.0)]


def test_a_repeat_never_costs_another_upstream_its_turn() -> None:
    """Three tries: with one other upstream, one repeat; with two, none; a refused connection moves on at once."""
    two, three = (upstream("a"), upstream("b")), (upstream("a"), upstream("b"), upstream("c"))
    assert [step[0] for step in World(*two).course(asked(), BUSY, BUSY, BUSY)] == ["a", "a", "b"]
    assert [step[0] for step in World(*three).course(asked(), BUSY, BUSY, BUSY)] == ["a", "b", "c"]
    assert [step[0] for step in World(*two).course(asked(), Failure("connect"), BUSY)] == ["a", "b", "b"]


def test_a_callers_own_credential_goes_to_nobody_but_the_first_upstream_of_the_apis_kind() -> None:
    bedrock = UpstreamSettings(name="aws", kind="bedrock", region="us-east-1", base_url="http://127.0.0.1:1")
    world = World(upstream("a"), upstream("b"))
    assert {step[0] for step in world.course(asked(ours=False), BUSY, BUSY, BUSY)} == {"a"}
    assert world.course(asked(ours=False), Failure("connect"))[-1][1] == "sk-ant-callers-own"
    with_cloud = _with_fake_credentials(bedrock)
    found = with_cloud.first(asked(ours=False), BareTrip())
    assert isinstance(found, Answer)
    assert found.status == 401


def _with_fake_credentials(settings: UpstreamSettings) -> Pool:
    from baseload.gateway.upstreams.bedrock import Bedrock
    from baseload.gateway.upstreams.keys import Keys
    from baseload.gateway.upstreams.pool import Seat

    seat = Seat(settings, Bedrock(settings, BOOK, lambda: None), Keys(lambda: ()), Retry())
    return Pool([seat], Retry(), clock_ns=lambda: 0, chance=lambda: 0.0)


def test_with_our_key_the_callers_is_left_out_and_never_goes_beside_it() -> None:
    sent = World(upstream("a")).first(asked())
    assert [value for name, value in sent.forward.headers if name in (b"x-api-key", b"authorization")] == [b"a-k1"]
    assert (b"x-odd", b"kept") in sent.forward.headers


def test_a_virtual_key_without_a_key_of_ours_is_said_so() -> None:
    world = World(upstream("a"))
    world.keys["a"] = ()
    world.now_s = 5.0
    found = world.pool.first(asked(), BareTrip())
    assert isinstance(found, Answer)
    assert found.status == 503


def test_nothing_is_stripped_on_the_way_to_the_api_and_what_is_not_listed_where_betas_are() -> None:
    plain = World(upstream("a")).first(asked(ours=False)).forward
    assert plain.headers == (CALLER, BETAS, (b"x-odd", b"kept"))
    assert plain.body is asked().body
    listed = World(upstream("a", betas=("two-2026-01-01",))).first(asked(ours=False)).forward
    assert listed.headers == (CALLER, (b"x-odd", b"kept"), (b"anthropic-beta", b"two-2026-01-01"))
    none = World(upstream("a", betas=("three-2026-01-01",))).first(asked(ours=False)).forward
    assert none.headers == (CALLER, (b"x-odd", b"kept"))


def test_a_model_of_the_settings_is_spliced_in_and_every_other_byte_stays() -> None:
    models = {"claude-haiku-4-5-20251001": "team-haiku"}
    sent = World(upstream("a", models=models)).first(asked(ours=False))
    assert sent.forward.body == b'{"model": "team-haiku", "max_tokens": 5, "messages": []}'
    odd = asked(ours=False, body=b"no json")
    assert World(upstream("a", models=models)).first(odd).forward.body == b"no json"


def test_batches_files_and_models_stay_with_the_first_upstream_and_its_first_key() -> None:
    for method, target in ((b"POST", b"/v1/messages/batches"), (b"GET", b"/v1/models"), (b"POST", b"/v1/files")):
        world = World(upstream("a"), upstream("b"))
        request = asked(method=method, target=target)
        course = world.course(request, Failure("connect"), Failure("connect"))
        assert {step[:2] for step in course} == {("a", "a-k1")}
        assert world.again(request, world.first(request), LIMIT) is None or method == b"GET"


def test_a_limit_of_counting_or_listing_does_not_rest_a_key_for_messages_nor_move_what_belongs_to_one() -> None:
    world = World(upstream("a"))
    count, listing = asked(target=b"/v1/messages/count_tokens"), asked(method=b"GET", target=b"/v1/models")
    assert world.course(count, LONG) == [("a", "a-k1", 0.0), ("a", "a-k2", 0.0)]
    assert world.course(listing, LIMIT) == [("a", "a-k1", 0.0), ("a", "a-k1", 3.0)]
    assert world.course(asked()) == [("a", "a-k1", 0.0)]
    assert world.course(count) == [("a", "a-k2", 0.0)]


def test_ten_failures_in_a_row_open_a_circuit_and_the_next_upstream_is_asked_first() -> None:
    world = World(upstream("a"), upstream("b"), retry=Retry(tries=1))
    for _ in range(10):
        assert world.course(asked(), BUSY)[0][0] == "a"
    assert world.course(asked())[0][0] == "b"
    world.now_s = 15.0
    probe = world.first(asked())
    assert probe.upstream == "a"
    assert world.first(asked()).upstream == "b"  # one probe
    world.pool.answered(probe, 200)
    assert world.first(asked()).upstream == "a"


def test_with_every_circuit_open_the_first_is_asked_all_the_same_and_only_once() -> None:
    world = World(upstream("a"), retry=Retry(open_after=2, tries=3))
    assert len(world.course(asked(), BUSY, BUSY, BUSY)) == 2  # the second failure opens it
    assert world.course(asked(), BUSY) == [("a", "a-k1", 0.0)]


def test_limits_and_callers_that_leave_open_no_circuit() -> None:
    world = World(upstream("a"), upstream("b"), retry=Retry(open_after=1, tries=1))
    world.again(asked(ours=False), world.first(asked(ours=False)), LIMIT)
    world.pool.answered(world.first(asked()), 0)
    world.pool.answered(world.first(asked()), 400)
    assert world.first(asked()).upstream == "a"
    world.pool.answered(world.first(asked()), 500)
    assert world.first(asked()).upstream == "b"


def test_a_storm_ends_the_repeats_at_a_share_of_the_requests() -> None:
    """Full with 10, a fifth of a repeat from each of 100 requests (what runs over the 10 is lost)."""
    world = World(upstream("a"), retry=Retry(tries=2, share=0.2, open_after=1_000_000), keys="k1")
    repeats = sum(len(world.course(asked(), BUSY)) - 1 for _ in range(100))
    assert 10 <= repeats <= 10 + 100 * 0.2


def test_what_is_printed_of_an_attempt_holds_no_key() -> None:
    world = World(upstream("a"))
    sent = world.first(asked())
    assert "k1" not in repr(sent)
    assert "secret" not in repr(asked())


KINDS: list[FailureKind] = ["connect", "reset", "timeout", "malformed", "status"]


@st.composite
def failures(draw: st.DrawFn) -> Failure:
    kind = draw(st.sampled_from(KINDS))
    after = draw(st.sampled_from([(), ((b"retry-after", b"1"),), ((b"retry-after", b"99"),)]))
    return Failure(kind, draw(st.sampled_from([429, 500, 503, 529])), after) if kind == "status" else Failure(kind)


@given(st.lists(failures(), max_size=12), st.integers(1, 5), st.booleans())
def test_whatever_fails_the_tries_hold_and_no_credential_goes_astray(
    storm: list[Failure], tries: int, ours: bool
) -> None:
    world = World(upstream("a"), upstream("b"), upstream("c"), retry=Retry(tries=tries))
    course = world.course(asked(ours=ours), *storm)
    assert len(course) <= tries
    for name, key, pause in course:
        assert 0 <= pause <= 10.5
        assert key == ("sk-ant-callers-own" if not ours else key)
        assert not ours or key in (f"{name}-k1", f"{name}-k2")
        assert ours or name == "a"


def test_attempts_of_another_pool_are_left_alone() -> None:
    world = World(upstream("a"))
    forward = world.first(asked()).forward
    assert world.again(asked(), Sent(forward, "a"), BUSY) is None
    world.pool.answered(Sent(forward, "a"), 500)


def chances() -> Iterator[float]:
    yield from (0.5, 0.5)


def test_pauses_grow_from_the_one_before() -> None:
    """Die one half: half a second to 1.5 gives 1.0; then half a second to 3.0 gives 1.75."""
    die = chances()
    settings = (upstream("a"),)
    pool = pool_of(
        settings, Retry(), keys_of=lambda _: (b"k",), clock_ns=lambda: 0, chance=lambda: next(die), book=BOOK
    )
    request, sent, pauses = asked(), None, []
    sent = pool.first(request, BareTrip())
    for _ in range(2):
        assert isinstance(sent, Sent)
        found = pool.again(request, sent, 1, BUSY, BareTrip())
        assert found is not None
        sent = found[0]
        pauses.append(found[1].after_s)
    assert pauses == [1.0, 1.75]
