"""What the image and compose.yaml are made from, looked at without an engine."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest
import yaml

from devtools.weaviate import IMAGE as WEAVIATE
from swatchbook.domain.settings import FIELDS, PREFIX, variable
from swatchbook.models.providers.endpoint import Part
from swatchbook_service.pools import SETTINGS_FILE
from tests.fixtures import ROOT
from tests.tables import rows_of

EXAMPLE = ROOT / ".env.example"


def up(env_file: Path, programs: Path) -> subprocess.CompletedProcess[str]:
    """`make up` where Docker is a program that says what it was asked for, and fails."""
    programs.mkdir(exist_ok=True)
    docker = programs / "docker"
    docker.write_text('#!/bin/sh\necho "docker $*"\nexit 1\n')
    docker.chmod(0o755)
    environment = {**os.environ, "ENV_FILE": str(env_file), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(["make", "up"], cwd=ROOT, env=environment, capture_output=True, text=True)


def variables(file: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in file.read_text().splitlines() if line and not line.startswith("#"))
    return {name: value.strip("'") for name, _, value in lines}


def test_make_up_refuses_missing_and_example_secrets(tmp_path: Path) -> None:
    refused = up(tmp_path / "none", tmp_path / "bin")
    assert refused.returncode != 0
    assert f"{tmp_path / 'none'} not found: .env.example shows how to create it." in refused.stderr
    assert "docker build" not in refused.stdout
    refused = up(EXAMPLE, tmp_path / "bin")
    assert refused.returncode != 0
    named = set(re.findall(r"^  line \d+:(\w+)$", refused.stderr, flags=re.MULTILINE))
    assert named == {name for name, value in variables(EXAMPLE).items() if "change-me" in value}
    assert "docker build" not in refused.stdout


@pytest.mark.parametrize(("chosen", "is_built"), rows_of(__file__, "models"))
def test_make_up_refuses_models_the_light_image_lacks(tmp_path: Path, chosen: dict[str, str], is_built: bool) -> None:
    text = EXAMPLE.read_text().replace("change-me", "a-secret")
    for name, value in chosen.items():
        text = re.sub(rf"^{name}=.*$", f"{name}={value}", text, flags=re.MULTILINE)
    (tmp_path / "env").write_text(text)
    said = up(tmp_path / "env", tmp_path / "bin")
    variant = chosen.get("VARIANT", "light")
    assert (f"--build-arg VARIANT={variant} " in said.stdout) == is_built
    assert ("set VARIANT=models there" in said.stderr) != is_built


def test_command_in_the_example_makes_secrets_that_work(tmp_path: Path) -> None:
    (command,) = re.findall(r"^#   (\(umask .*)$", EXAMPLE.read_text(), flags=re.MULTILINE)
    (tmp_path / ".env.example").write_text(EXAMPLE.read_text())
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    made = variables(tmp_path / ".env")
    assert made.keys() == variables(EXAMPLE).keys()
    (key,) = json.loads(made["API_KEYS"])
    secrets = [key["key"], *(made[name] for name, value in variables(EXAMPLE).items() if value == "change-me")]
    assert len(set(secrets)) == len(secrets) == 6
    assert all(re.fullmatch("[0-9a-f]{48}", secret) for secret in secrets)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    (line,) = re.findall(r"^\$ (export KEY=.*)$", (ROOT / "docs/tutorials/deploy.md").read_text(), flags=re.MULTILINE)
    read = subprocess.run(
        ["bash", "-c", f"{line}; echo $KEY"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert read.stdout.strip() == key["key"]
    assert "docker build" in up(tmp_path / ".env", tmp_path / "bin").stdout


def test_every_variable_of_the_compose_file_is_known() -> None:
    text = (ROOT / "compose.yaml").read_text()
    demanded = set(re.findall(r"\$\{(\w+):\?", text))
    assert demanded
    assert demanded <= variables(EXAMPLE).keys()
    assert variables(EXAMPLE).keys() - {"COMPOSE_PROJECT_NAME"} <= set(re.findall(r"\$\{(\w+)", text))
    images = re.findall(r"\$\{\w+_IMAGE:-([^}]+:[^}]+)\}", text)
    assert WEAVIATE in images
    assert set(images) <= set(re.findall(r"`(\S+)`", (ROOT / "docs" / "servers.md").read_text()))


def makers() -> set[str]:
    """The variables, without their prefix, that say who makes what, where, and for how much."""
    parts = (*(f"{part}." for part in get_args(Part)), "encoder_", "structure_", "provider_")
    alone = {"profile", "encoder", "text_encoder", "analyst", "discovery", "device", "dtype", "prices"}
    return {variable(name).removeprefix(PREFIX) for name in {n for n in FIELDS if n.startswith(parts)} | alone}


IMAGE = {"HOME", "HOST", "PORT", "WEAVIATE__GRPC_PORT"}
"""What the image and the ports of the containers decide."""

OF_SERVICE = {"API_KEYS": "API_KEYS", "WEBHOOK_SOURCES": "WEBHOOKS"}
"""What only the service is told, under the name that .env has for it."""

DECIDED = {
    *("INDEX", "LEDGER_URL", "WEAVIATE__URL", "WEAVIATE__API_KEY", "EXECUTION"),
    *(f"SHARDS__{name}" for name in ("IMAGE", "SLOTS", "MEMORY_MB", "CPUS", "GPUS", "NETWORK", "VOLUMES")),
}
"""What compose.yaml itself decides, or has a default of its own for."""


def test_every_setting_reaches_all_containers() -> None:
    assert makers() <= variables(EXAMPLE).keys()
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for service in ("worker", "service", "models", "setup"):  # what `setup` is told it writes down for the shards
        told = {name.removeprefix(PREFIX): value for name, value in services[service]["environment"].items()}
        settings = {variable(name).removeprefix(PREFIX) for name in FIELDS}
        assert settings - told.keys() == IMAGE | (OF_SERVICE.keys() if service != "service" else set()), service
        for name in settings - IMAGE - DECIDED - OF_SERVICE.keys():  # a default here would go before the profile's
            assert told[name] == f"${{{name}:-}}", service


def test_containers_have_limits_and_no_needless_access() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name, service in services.items():
        if name in ("setup", "models"):  # they end
            continue
        assert {"mem_limit", "healthcheck", "restart"} <= service.keys(), name
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    assert [name for name, service in services.items() if "docker.sock" in str(service)] == ["embed"]
    assert services["embed"]["profiles"] == ["pool"]
    assert variables(EXAMPLE)["COMPOSE_PROFILES"] == ""
    (home,) = re.findall(r"HF_HOME=(\S+)", (ROOT / "Dockerfile").read_text())
    mounted = {name: each for name, service in services.items() for each in service.get("volumes", ()) if home in each}
    assert mounted == {"models": f"models:{home}", "worker": f"models:{home}:ro", "service": f"models:{home}:ro"}
    shards = services["setup"]["environment"]["SWATCHBOOK_SHARDS__VOLUMES"].split(",")
    assert shards[-1] == f"${{COMPOSE_PROJECT_NAME:-swatchbook}}_models:{home}:ro"


def test_settings_of_shards_lie_where_shards_read_them() -> None:
    written = " ".join(yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["setup"]["command"])
    folder, name = SETTINGS_FILE.rsplit("/", 1)
    assert f"umask 077 && cd {folder} && " in written
    assert f"mv {name}.new {name}" in written
