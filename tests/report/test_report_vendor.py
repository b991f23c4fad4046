"""Files of others inside the report are byte for byte what their makers published."""

from __future__ import annotations

import hashlib
import tomllib
from importlib import resources

VENDOR = resources.files("baseload.report").joinpath("vendor")


def test_every_vendored_file_has_the_hash_that_was_reviewed() -> None:
    listed = tomllib.loads(VENDOR.joinpath("vendor.toml").read_text("utf-8"))["file"]

    for entry in listed:
        content = VENDOR.joinpath(entry["path"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], entry["path"]
        assert entry["version"].encode() in content


def test_no_script_is_vendored_without_being_listed() -> None:
    listed = {entry["path"] for entry in tomllib.loads(VENDOR.joinpath("vendor.toml").read_text("utf-8"))["file"]}

    assert {item.name for item in VENDOR.iterdir() if item.name.endswith((".js", ".css"))} == listed


def test_the_licences_come_along() -> None:
    assert "Apache License" in VENDOR.joinpath("LICENSE").read_text("utf-8")
    assert "Apache ECharts" in VENDOR.joinpath("NOTICE").read_text("utf-8")
    for name in ("LICENSE-zrender", "LICENSE-d3"):
        assert "Redistribution" in VENDOR.joinpath(name).read_text("utf-8")


def test_a_vendored_script_can_stand_inside_a_page() -> None:
    code = VENDOR.joinpath("echarts.min.js").read_text("utf-8")

    assert "</script" not in code.lower()
    assert "\r" not in code  # a browser reads CRLF as LF, and the policy's hash would no longer match
