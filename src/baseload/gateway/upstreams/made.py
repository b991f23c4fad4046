"""The pool that the settings describe. What only Bedrock or Vertex need is imported only where they are named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from baseload.errors import UsageError
from baseload.gateway.config import Retry, UpstreamSettings
from baseload.gateway.upstreams.anthropic import Anthropic
from baseload.gateway.upstreams.backend import Backend
from baseload.gateway.upstreams.keys import Keys
from baseload.gateway.upstreams.pool import Pool, Seat
from baseload.prices.book import PriceBook


def pool_of(
    settings: Sequence[UpstreamSettings],
    retry: Retry,
    *,
    keys_of: Callable[[UpstreamSettings], tuple[bytes, ...]],
    clock_ns: Callable[[], int],
    chance: Callable[[], float],
    book: PriceBook,
) -> Pool:
    """The upstreams in their order. `keys_of` gives the gateway's own keys of one, () where there are none.

    Raises UsageError where a library or the credentials of a cloud are missing.
    """
    seats = [Seat(one, backend_of(one, book), Keys(partial(keys_of, one)), retry) for one in settings]
    return Pool(seats, retry, clock_ns=clock_ns, chance=chance)


def backend_of(settings: UpstreamSettings, book: PriceBook) -> Backend:
    """How one upstream is spoken to. Raises UsageError."""
    if settings.kind == "anthropic":
        return Anthropic(settings)
    try:
        if settings.kind == "bedrock":
            from baseload.gateway.upstreams.bedrock import bedrock_of  # noqa: PLC0415 - botocore is heavy

            return bedrock_of(settings, book)
        from baseload.gateway.upstreams.vertex import vertex_of  # noqa: PLC0415 - google-auth is heavy

        return vertex_of(settings, book)
    except ImportError as error:
        raise UsageError(
            f"upstream {settings.name} of kind {settings.kind} needs {error.name}; "
            f"expected `pip install 'baseload[{settings.kind}]'`"
        ) from error
