"""`gateway.toml`: what it says, and what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from baseload.errors import UsageError
from baseload.gateway.config import GatewayConfig, GatewayConfigError, origin_of, parse_config
from baseload.gateway.exchange import Origin
from baseload.gateway.making import project_of
from baseload.project import Project


def test_no_file_is_a_pipe_to_the_api_on_loopback() -> None:
    found = parse_config("")
    assert found == GatewayConfig()
    assert (found.listen.host, found.upstream[0].origin) == (
        "127.0.0.1",
        Origin("api.anthropic.com", 443, True, b""),
    )


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.anthropic.com", Origin("api.anthropic.com", 443, True, b"")),
        ("http://127.0.0.1:8787/", Origin("127.0.0.1", 8787, False, b"")),
        ("https://proxy.example:8443/claude/", Origin("proxy.example", 8443, True, b"/claude")),
        ("http://[::1]:9", Origin("::1", 9, False, b"")),
    ],
)
def test_an_address_is_an_origin(url: str, origin: Origin) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[listen]\nprot = 1", "`prot`"),
        ("[listen]\nport = 70000", "listen.port is 70000; expected at most 65535"),
        ('[[upstream]]\nbase_url = "ftp://x"', "expected https://"),
        ('[[upstream]]\nbase_url = "https://me:secret@host"', "in the environment"),
        ('[[upstream]]\nname = "a"\n[[upstream]]\nname = "a"', "each name once"),
        ('[[upstream]]\nkind = "bedrock"', "without a region"),
        ('[[upstream]]\nkind = "vertex"\nregion = "us-east5"', "without a project"),
        ('virtual_keys = false\n[listen]\nhost = "0.0.0.0"', "beyond loopback"),
        ('[listen]\ntls_cert = "c.pem"', "tls_key"),
        ('[[budget]]\nusd = "-1"', "budget[0].usd is '-1'"),
        ('[[budget]]\nusd = "0"', "more than 0"),
        ('[batch]\nenabled = true\nupstream = "other"', "batch.upstream is other"),
        ("schema = 2", "schema"),
        ("[listen\n", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(GatewayConfigError) as raised:
        parse_config(text)
    assert says in str(raised.value)


def test_a_secret_in_an_address_is_not_repeated() -> None:
    with pytest.raises(GatewayConfigError) as raised:
        parse_config('[[upstream]]\nbase_url = "https://me:hunter2@host"')
    assert "hunter2" not in str(raised.value)


def test_the_project_of_the_folder_is_met_without_being_named(tmp_path: Path) -> None:
    """Names of keys and zero data retention hold although `policy.settings` is left out."""
    assert project_of("", tmp_path) == Project()
    (tmp_path / "baseload.toml").write_text('zero_data_retention = true\n[key_name]\n"09d5" = "apikey_1"\n')
    found = project_of("", tmp_path)
    assert (found.zero_data_retention, dict(found.key_name)) == (True, {"09d5": "apikey_1"})
    (tmp_path / "other.toml").write_text("")
    assert project_of("other.toml", tmp_path).key_name == {}
    with pytest.raises(UsageError, match=r"gone.toml cannot be read"):
        project_of("gone.toml", tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[budget]]\nusd = 250", 'budget[0].usd is 250; expected dollars in quotes, such as "250.00"'),
        ('[[budget]]\nusd = "250 $"', "budget[0].usd is '250 $'; expected dollars in quotes, such as \"250.00\""),
        ("[shadow]\nusd_per_day = 5.0", 'shadow.usd_per_day is 5.0; expected dollars in quotes, such as "5.00"'),
        ("[listen]\nport = 99999", "listen.port is 99999; expected at most 65535"),
        ('[listen]\nport = "a"', "listen.port is 'a'; expected"),
        ('[[upstream]]\nkey_env = "my key"', "upstream[0].key_env is 'my key'; expected the name of an environment"),
        ("[listen]\nprot = 1", "unknown field `prot` in [listen]"),
        ('[telemetry]\notlp_endpoint = "not a url"', "address 'not a url'; expected https://"),
    ],
)
def test_an_error_says_the_key_and_what_is_expected(text: str, says: str) -> None:
    with pytest.raises(GatewayConfigError) as error:
        parse_config(text)
    assert says in str(error.value)
    assert "$" not in str(error.value).replace("250 $", "")
    assert "regex" not in str(error.value)
