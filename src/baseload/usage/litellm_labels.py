"""Who a LiteLLM record says it was: key, team, user, agent and tags, without a secret among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from baseload.usage.fields import BadRecord, decode_json
from baseload.usage.normal import tags_text
from baseload.usage.reader import ReadContext

_SECRET: Final = "sk-"  # noqa: S105  the prefix of a key that some set-ups store unhashed
_AGENT_TAG: Final = "User-Agent"


def text_in(record: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that holds text; LiteLLM also writes the word None."""
    for name in names:
        value = record.get(name)
        if isinstance(value, str) and value not in ("", "None"):
            return value
    return ""


def labels_of(record: Mapping[str, Any], metadata: Mapping[str, Any], context: ReadContext) -> dict[str, str]:
    """account, workspace, api_key, user_id, agent and tags of a record as Call fields.

    The key is its alias, else LiteLLM's hash of it; a key stored in the clear is fingerprinted. Users are always
    fingerprints.
    """
    key = (
        text_in(metadata, "user_api_key_alias") or text_in(record, "api_key") or text_in(metadata, "user_api_key_hash")
    )
    user = text_in(record, "end_user", "user") or text_in(metadata, "user_api_key_end_user_id", "user_api_key_user_id")
    organisation = text_in(record, "organization_id") or text_in(metadata, "user_api_key_org_id")
    team = text_in(metadata, "user_api_key_team_alias", "user_api_key_team_id") or text_in(record, "team_id")
    return {
        "account": context.account or organisation,
        "workspace": team,
        "api_key": "key-" + context.org_key.fingerprint("api-key", key)[:12] if key.startswith(_SECRET) else key,
        "user_id": context.org_key.fingerprint("user", user) if user else "",
        "agent": text_in(record, "agent_id"),
        "tags": tags_text({**_own_metadata(metadata), **_request_tags(record.get("request_tags"))}),
    }


def _own_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What the caller set for the spend log; containers are not labels."""
    own = metadata.get("spend_logs_metadata")
    if not isinstance(own, Mapping):
        return {}
    return {key: value for key, value in own.items() if isinstance(value, str | int | float) and value != ""}


def _request_tags(tags: object) -> dict[str, str]:
    """Tags written `name:value` by name; the others together under `tag`. LiteLLM adds the client's name itself,
    once plain and once with a version that changes too often to group by."""
    if isinstance(tags, str):
        try:
            tags = decode_json(tags)
        except BadRecord:
            return {}
    named: dict[str, str] = {}
    plain: list[str] = []
    for tag in tags if isinstance(tags, list) else ():
        if not isinstance(tag, str) or not tag.strip():
            continue
        name, colon, value = (part.strip() for part in tag.partition(":"))
        if colon and name and value:
            if name != _AGENT_TAG or "/" not in value:
                named.setdefault(name, value)
        else:
            plain.append(tag.strip())
    return named | ({"tag": ",".join(sorted(set(plain)))} if plain else {})
