"""The light image with its default settings: it runs as a user without rights, on a read-only root file system."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from swatchbook.domain.extras import MODULES
from tests.containers.engine import Engine, NoEngine, running_engine
from tests.containers.images import base, build_swatchbook

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1_500)]  # the first run makes the image

MOST_BYTES = 1_350_000_000  # of the layers on top of the base image
HEALTHY_SECONDS = 300  # 10 s on an idle machine
KEYS = json.dumps([{"name": "admin", "key": "a-key-of-the-service-for-tests", "owners": ["*"]}])
LACKING = {"models", "voyage", "notebook"}
"""Extras that the light image does not have."""


@dataclass(frozen=True)
class Service:
    engine: Engine
    image: str
    container: str

    def python(self, script: str) -> str:
        return self.engine.run("exec", self.container, "python3", "-c", script)


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    try:
        with running_engine() as engine:
            image = build_swatchbook(engine)
            container = engine.run(
                *("run", "--detach", "--network=none", "--read-only", "--cap-drop=ALL"),
                *("--tmpfs=/tmp", "--tmpfs=/var/lib/swatchbook:uid=10001,gid=10001"),
                *(f"--env=SWATCHBOOK_API_KEYS={KEYS}", image),
            )
            try:
                _wait_until_healthy(engine, container)
                yield Service(engine, image, container)
            finally:
                engine.run("rm", "--force", container)
    except NoEngine as reason:
        pytest.skip(str(reason))


def _wait_until_healthy(engine: Engine, container: str) -> None:
    deadline = time.monotonic() + HEALTHY_SECONDS
    while (state := engine.run("inspect", "--format={{.State.Status}} {{.State.Health.Status}}", container)) != (
        "running healthy"
    ):
        assert state.startswith("running"), engine.run("logs", container)
        assert time.monotonic() < deadline, engine.run("logs", container)
        time.sleep(0.5)


def test_it_is_ready_as_a_user_without_rights_on_a_read_only_root(service: Service) -> None:
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8420/{}').status)"
    assert [service.python(ask.format(path)) for path in ("live", "ready")] == ["200", "200"]
    assert service.engine.run("exec", service.container, "id", "--user") == "10001"
    for path in ("/opt/swatchbook/new", "/var/lib/models/new", "/new"):
        with pytest.raises(RuntimeError, match="Read-only"):
            service.engine.run("exec", "--user=0", service.container, "touch", path)


def test_it_has_no_pytorch_and_all_other_extras(service: Service) -> None:
    listed = f"[each for each in {[*MODULES]} if is_installed(each)]"
    ask = f"from swatchbook.domain.extras import is_installed; print({listed})"
    assert service.python(ask) == str([each for each in MODULES if each not in LACKING])
    assert service.python("import importlib.util as u; print(u.find_spec('torch'), u.find_spec('pip'))") == "None None"


def test_it_is_small(service: Service) -> None:
    """Of the base, python:3.11-slim has 0.13 GB, and the one that is made here without a registry 0.17 GB."""
    size = ("image", "inspect", "--format={{.Size}}")
    added = int(service.engine.run(*size, service.image)) - int(service.engine.run(*size, base(service.engine)))
    assert added <= MOST_BYTES, service.engine.run("history", service.image)
