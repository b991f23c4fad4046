"""Errors as the API spells them (anthropic-facts 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, *, retry_after_s: float | None = None, error_code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.error_code = error_code

    def headers(self) -> tuple[tuple[str, str], ...]:
        if self.retry_after_s is None:
            return ()
        whole = self.retry_after_s == int(self.retry_after_s)
        return (("retry-after", f"{self.retry_after_s:.0f}" if whole else f"{self.retry_after_s:g}"),)

    def body(self, request_id: str) -> bytes:
        return msgspec.json.encode(error_object(self.status, str(self), request_id, self.error_code))


def error_object(status: int, message: str, request_id: str | None, error_code: str = "") -> dict[str, Any]:
    error: dict[str, Any] = {"type": TYPES.get(status, "api_error"), "message": message}
    if error_code:
        error["details"] = {"error_code": error_code}
    return {"type": "error", "error": error, "request_id": request_id}


def not_found(what: str) -> ApiError:
    return ApiError(404, what)


def invalid(why: str) -> ApiError:
    return ApiError(400, why)
