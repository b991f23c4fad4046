"""The chart and the compose file: rendered by Go's own template engine, held to the schemas of Kubernetes."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import go_template
import jsonschema
import kubernetes_validate
import pytest
import yaml

from baseload.gateway.config import parse_config
from baseload.plan.policy_read import read_policy

OWN_KINDS = {"ServiceMonitor"}
"""Kinds of operators, which Kubernetes has no schema of."""


@pytest.fixture(scope="session")
def chart(root: Path) -> Path:
    return root / "deploy" / "helm" / "baseload-gateway"


@pytest.fixture(scope="session")
def values(chart: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((chart / "values.yaml").read_text())
    return found


def rendered(chart: Path, values: dict[str, Any], tmp_path: Path) -> list[dict[str, Any]]:
    given = tmp_path / "values.json"
    given.write_text(json.dumps({"Values": values}))
    documents: list[dict[str, Any]] = []
    for template in sorted((chart / "templates").iterdir()):
        out = tmp_path / template.name
        go_template.render_template(str(template), str(given), str(out))
        text = out.read_text()
        assert "<no value>" not in text, f"{template.name} uses a value that values.yaml does not have"
        documents += [document for document in yaml.safe_load_all(text) if document]
    return documents


def everything_on(values: dict[str, Any]) -> dict[str, Any]:
    full = copy.deepcopy(values)
    full["autoscaling"]["enabled"] = full["serviceMonitor"]["enabled"] = True
    return full


@pytest.mark.parametrize("full", [False, True])
def test_every_manifest_is_one_that_kubernetes_takes(
    chart: Path, values: dict[str, Any], tmp_path: Path, full: bool
) -> None:
    documents = rendered(chart, everything_on(values) if full else values, tmp_path)
    kinds = [document["kind"] for document in documents]
    base = ["PodDisruptionBudget", "ConfigMap", "Deployment", "Service", "Service"]
    more = ["HorizontalPodAutoscaler", "ServiceMonitor"] if full else []
    assert sorted(kinds) == sorted(base + more)
    for document in documents:
        if document["kind"] not in OWN_KINDS:
            kubernetes_validate.validate(document, "1.35", strict=True)


def test_a_manifest_with_a_wrong_field_is_refused(chart: Path, values: dict[str, Any], tmp_path: Path) -> None:
    deployment = next(d for d in rendered(chart, values, tmp_path) if d["kind"] == "Deployment")
    deployment["spec"]["replicaz"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.35", strict=True)


def test_the_config_map_says_what_the_gateway_reads(chart: Path, values: dict[str, Any], tmp_path: Path) -> None:
    data = next(d for d in rendered(chart, values, tmp_path) if d["kind"] == "ConfigMap")["data"]
    assert data["gateway.toml"] == values["config"]
    config = parse_config(data["gateway.toml"])
    assert (config.virtual_keys, config.listen.host, config.state.url_env) == (True, "0.0.0.0", "BASELOAD_STATE_URL")
    assert read_policy(data["policy.yaml"].encode()).entries == ()


def test_a_pod_that_goes_finishes_its_streams(chart: Path, values: dict[str, Any], tmp_path: Path) -> None:
    """Ten minutes a stream may last, and the load balancer needs some seconds to look elsewhere."""
    pod = next(d for d in rendered(chart, values, tmp_path) if d["kind"] == "Deployment")["spec"]["template"]["spec"]
    drain_s = parse_config(values["config"]).limits.drain_s
    assert drain_s == 600
    assert pod["terminationGracePeriodSeconds"] >= drain_s + values["preStopSeconds"]
    assert pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"] == ["sleep", "10"]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_values_hold_to_their_schema_and_the_schema_refuses(chart: Path, values: dict[str, Any]) -> None:
    schema = json.loads((chart / "values.schema.json").read_text())
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    jsonschema.validate(values, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "replicas": 0}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "replica": 2}, schema)


def test_templates_use_nothing_that_only_helm_knows(chart: Path) -> None:
    """What is rendered here is then what helm renders: built-in functions of Go's templates alone."""
    for template in (chart / "templates").iterdir():
        for action in re.findall(r"\{\{-? *(.*?) *-?\}\}", template.read_text()):
            assert re.match(r"(\.Values\.|if |if not |end$|printf )", action), f"{template.name}: {action}"


def test_the_compose_file_names_files_that_are_there(root: Path) -> None:
    folder = root / "deploy" / "compose"
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    assert set(compose["services"]) == {"postgres", "gateway"}
    gateway = compose["services"]["gateway"]
    assert (folder / gateway["build"]["context"] / gateway["build"]["dockerfile"]).is_file()
    for volume in gateway["volumes"]:
        assert (folder / volume.partition(":")[0]).is_file()
    config = parse_config((folder / "gateway.toml").read_text())
    assert config.state.url_env in gateway["environment"]
    assert config.virtual_keys is True
    read_policy((folder / "policy.yaml").read_bytes())


def test_the_image_is_built_from_files_that_are_there(root: Path) -> None:
    for line in (root / "deploy" / "compose" / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY "):
            *sources, _ = line.split()[1:]
            assert all((root / source).exists() for source in sources), line
