"""May a workload's recorded prompts be sent again, and how? Asked before every replay."""

from __future__ import annotations

from typing import Final, Literal

from baseload.errors import UsageError

DataUse = Literal["none", "same_platform", "batch_allowed"]
Transport = Literal["synchronous", "batch"]
_SPELLINGS: Final[dict[str, DataUse]] = {
    "": "none",
    "no": "none",
    "none": "none",
    "yes": "same_platform",
    "same_platform": "same_platform",
    "batch_allowed": "batch_allowed",
}


def parse_data_use(text: str) -> DataUse:
    """A project's `data_use`: nothing said is "none", and "yes" is the narrower permission. Raises UsageError."""
    if text not in _SPELLINGS:
        raise UsageError(f"data_use is {text[:40]!r}; expected one of none, same_platform, batch_allowed")
    return _SPELLINGS[text]


def replay_refusal(
    use: DataUse, *, recorded_on: str, sent_to: str, transport: Transport, zero_data_retention: bool = False
) -> str:
    """Why a call recorded on one platform may not be sent to another this way; "" = it may.

    "same_platform": only to the platform it was made on, synchronously; "batch_allowed": there, and in batches, whose
    results the provider keeps 29 days unless deleted, which an agreement of zero data retention rules out
    (quality.md section 0, point 7).
    """
    if use == "none":
        return "data_use does not allow its prompts to be replayed"
    if recorded_on != sent_to:
        return f"its prompts may only be sent to {recorded_on[:40] or 'the platform they were made on'}"
    if transport == "batch" and use != "batch_allowed":
        return "data_use does not allow batches: send one by one"
    if transport == "batch" and zero_data_retention:
        return "batches keep results, which zero data retention rules out: send one by one"
    return ""
