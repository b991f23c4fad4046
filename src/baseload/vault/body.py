"""What one call said and was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """Request and recorded response of one call, both in the Messages shape; an empty response = none was recorded.

    `response_verified`: the response carries the provider's id this call is known by. The request is always verified.
    """

    request: Mapping[str, Any]
    response: Mapping[str, Any] = {}
    response_verified: bool = False

    def __repr__(self) -> str:
        return "Body(…)"  # text must not reach a log by way of a traceback
