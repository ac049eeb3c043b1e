"""compose.yaml, whole: `make up` on an empty engine, one upload until it is found, `make down`."""

import json
import re
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from devtools.weaviate import free_ports
from swatchbook.domain.extras import MODULES
from swatchbook.domain.settings import ENV_FILE, load_settings
from swatchbook_service.pools import SETTINGS_FILE
from tests.containers.engine import Engine, NoEngine, running_engine
from tests.containers.images import certificates, images
from tests.fixtures import ROOT

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1_500)]  # the first run makes every image

PROJECT = "swatchbook-test"
IMAGE = f"{PROJECT}/swatchbook"
SECRETS = ("POSTGRES_PASSWORD", "LEDGER_PASSWORD", "PREFECT_DATABASE_PASSWORD", "PREFECT_PASSWORD", "WEAVIATE_KEY")
KEY = "a-key-of-the-service-for-tests"
PROVIDER_KEY = "a-key-of-a-provider-for-tests"
PRICES = {"voyage-3.5": {"input": 0.06, "output": 0.0}}
MOST_BYTES = 1_350_000_000  # of the layers on top of the base image
LACKING = {"models", "voyage", "notebook"}
"""Extras that the light image does not have."""

INGEST_SECONDS = 900  # 40 on an idle machine, 180 while images have just been built and other tests run


@dataclass(frozen=True)
class Stack:
    engine: Engine
    environment: Mapping[str, str]
    said: str
    service: str
    prefect: str

    def container(self, name: str) -> str:
        named = f"--filter=label=com.docker.compose.service={name}"
        return self.engine.run("ps", "--all", "--quiet", f"--filter=label=com.docker.compose.project={PROJECT}", named)

    def inspect(self, name: str, template: str) -> str:
        return self.engine.run("inspect", f"--format={template}", self.container(name))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    try:
        with running_engine() as engine:
            yield from _up(engine, tmp_path_factory.mktemp("compose") / "env")
    except NoEngine as reason:
        pytest.skip(str(reason))


def _up(engine: Engine, env_file: Path) -> Iterator[Stack]:
    service, prefect = free_ports(2)
    found = images(engine)
    given = {name: f"{number}-secret-for-tests" for number, name in enumerate(SECRETS)} | {
        "COMPOSE_PROJECT_NAME": PROJECT,
        "API_KEYS": f"'{json.dumps([{'name': 'admin', 'key': KEY, 'owners': ['*']}])}'",
        "TEXT__API_KEY": PROVIDER_KEY,
        "PRICES": f"'{json.dumps(PRICES)}'",
        "SERVICE_PORT": str(service),
        "PREFECT_PORT": str(prefect),
        "POSTGRES_IMAGE": found["POSTGRES_IMAGE"],
        "WEAVIATE_IMAGE": found["WEAVIATE_IMAGE"],
    }
    env_file.write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    environment = {
        **engine.environment,
        **certificates(),
        "ENV_FILE": str(env_file),
        "IMAGE": IMAGE,
        "BASE_IMAGE": found["BASE_IMAGE"],
    }
    _remove(engine)  # what a killed test left
    try:
        yield Stack(
            engine, environment, make("up", environment), f"http://127.0.0.1:{service}", f"http://127.0.0.1:{prefect}"
        )
    finally:
        _remove(engine)


def make(target: str, environment: Mapping[str, str]) -> str:
    """What a make target says. Fails with all of it where the target does."""
    done = subprocess.run(
        ["make", target], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout[-20_000:]
    return done.stdout


def _remove(engine: Engine) -> None:
    ours = f"--filter=label=com.docker.compose.project={PROJECT}"
    if containers := engine.run("ps", "--all", "--quiet", ours).split():
        engine.run("rm", "--force", "--volumes", *containers)
    for kind in ("network", "volume"):
        if left := engine.run(kind, "ls", "--quiet", ours).split():
            engine.run(kind, "rm", *left)


@pytest.fixture(scope="module")
def client(stack: Stack) -> Iterator[httpx.Client]:
    bearing = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=stack.service, headers=bearing, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def document(client: httpx.Client, small_catalogue: Path) -> dict[str, Any]:
    """The sample, uploaded, and as it stood when it was done."""
    with small_catalogue.open("rb") as file:
        taken = client.post("/documents", files={"file": (small_catalogue.name, file, "application/pdf")})
    assert taken.status_code == 202, taken.text
    deadline = time.monotonic() + INGEST_SECONDS
    while True:
        shown: dict[str, Any] = client.get(f"/documents/{taken.json()['id']}").raise_for_status().json()
        if shown["status"] in ("completed", "failed", "blocked") or time.monotonic() > deadline:
            return shown
        time.sleep(0.5)


def test_an_upload_is_ingested_and_found(document: dict[str, Any], client: httpx.Client, stack: Stack) -> None:
    logs = stack.engine.run("logs", "--tail=80", stack.container("worker"))
    assert document["status"] == "completed", f"{document}\n{logs}"
    assert document["report"]["images_found"] == document["report"]["images_complete"] > 0
    hits = client.get("/search", params={"text": "grey terrazzo", "by": "image"}).raise_for_status().json()["hits"]
    assert hits
    picture = client.get(f"/images/{hits[0]['id']}/file").raise_for_status()
    assert picture.headers["content-type"].startswith("image/")


def test_nobody_gets_in_without_a_key(stack: Stack) -> None:
    assert httpx.get(f"{stack.service}/documents").status_code == 401
    api = f"{stack.prefect}/api/flows/filter"
    assert httpx.post(api, json={}).status_code == 401
    basic = b64encode(f"admin:{3}-secret-for-tests".encode()).decode()
    assert httpx.post(api, json={}, headers={"Authorization": f"Basic {basic}"}).status_code == 200
    ask = "import urllib.request as r; r.urlopen('http://weaviate:8080/v1/schema')"
    with pytest.raises(RuntimeError, match="401"):
        stack.engine.run("exec", stack.container("service"), "python3", "-c", ask)


def test_no_query_of_prefect_is_compiled(stack: Stack) -> None:
    ask = ("psql", "--username=postgres", "--dbname=prefect", "--tuples-only", "--no-align", "--command=SHOW jit")
    assert stack.engine.run("exec", stack.container("postgres"), *ask) == "off"


def test_our_containers_run_without_root_rights_within_limits(stack: Stack) -> None:
    for name in ("service", "worker", "prefect"):
        assert stack.engine.run("exec", stack.container(name), "id", "--user") != "0"
        limits = stack.inspect(
            name, "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{gt .HostConfig.Memory 0}}"
        )
        assert limits == "true [ALL] true"
    for path in ("/opt/swatchbook/new", "/new"):
        with pytest.raises(RuntimeError, match="Read-only"):
            stack.engine.run("exec", "--user=0", stack.container("service"), "touch", path)


def test_image_holds_only_the_application_and_no_secret(stack: Stack) -> None:
    history = stack.engine.run("history", "--no-trunc", IMAGE) + stack.engine.run("image", "inspect", IMAGE)
    assert "secret-for-tests" not in history
    assert KEY not in history
    assert PROVIDER_KEY not in history
    script = "import importlib.util as u; print([m for m in ('pytest', 'mypy', 'tests', 'samples') if u.find_spec(m)])"
    assert stack.engine.run("exec", stack.container("service"), "python3", "-c", script) == "[]"


def test_light_image_is_small_and_has_no_pytorch(stack: Stack) -> None:
    """Of the base, python:3.11-slim has 0.13 GB, and the one that is made here without a registry 0.17 GB."""
    script = (
        "import importlib.util as u; from swatchbook.domain.extras import is_installed\n"
        f"print([each for each in {[*MODULES]} if not is_installed(each)], u.find_spec('torch'), u.find_spec('pip'))"
    )
    told = stack.engine.run("exec", stack.container("service"), "python3", "-c", script)
    assert told == f"{[each for each in MODULES if each in LACKING]} None None"
    size = ("image", "inspect", "--format={{.Size}}")
    added = int(stack.engine.run(*size, IMAGE)) - int(stack.engine.run(*size, stack.environment["BASE_IMAGE"]))
    assert added <= MOST_BYTES, stack.engine.run("history", IMAGE)


def test_shards_read_the_env_file_and_profile(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = stack.engine.run("exec", stack.container("service"), "cat", SETTINGS_FILE)
    (tmp_path / "shards.env").write_text(written)
    monkeypatch.setenv(ENV_FILE, str(tmp_path / "shards.env"))
    told = load_settings()
    assert {model: price.model_dump() for model, price in told.prices.items()} == PRICES
    assert told.text.api_key is not None
    assert told.text.api_key.get_secret_value() == PROVIDER_KEY
    assert (told.profile, told.encoder, told.vision.side) == ("local", "efficientnet", 768)


def test_only_the_container_that_fetches_weights_writes_them(stack: Stack) -> None:
    volume = f"--volume={PROJECT}_models:/var/lib/models"
    stack.engine.run("run", "--rm", "--cap-drop=ALL", volume, IMAGE, "touch", "/var/lib/models/fetched")
    assert stack.engine.run("exec", stack.container("worker"), "ls", "/var/lib/models") == "fetched"
    with pytest.raises(RuntimeError, match="Read-only"):
        stack.engine.run("exec", stack.container("service"), "touch", "/var/lib/models/other")


LINE = re.compile(r"^ *\$ docker compose ((?:exec|logs) .*?)(?: +#.*)?$", re.MULTILINE)


def test_commands_of_deployment_pages_do_what_they_say(document: dict[str, Any], stack: Stack, tmp_path: Path) -> None:
    """Each `docker compose exec` and `logs` of both pages about deploying, without `--follow`, which would not end."""
    assert document["status"] == "completed"
    answers = dict[str, str]()
    pages = [ROOT / "docs" / "deploy.md", ROOT / "docs" / "tutorials" / "deploy.md"]
    for line in {line for page in pages for line in LINE.findall(page.read_text())}:
        typed = line.replace("exec ", "exec -T ").replace("logs --follow ", "logs --no-color ")
        command = (
            f"docker-compose --project-directory {ROOT} --file {ROOT / 'compose.yaml'} --env-file $ENV_FILE {typed}"
        )
        environment = {**stack.environment, "SWATCHBOOK_IMAGE": IMAGE}
        done = subprocess.run(["bash", "-euc", command], cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{line}\n{done.stdout[-4_000:]}\n{done.stderr[-4_000:]}"
        answers[line] = done.stdout
    assert (tmp_path / "ledger.dump").read_bytes().startswith(b"PGDMP")
    assert "1 completed" in answers["exec service swatchbook status --all-owners"]
    assert "worker" in answers["logs --follow worker service"]
    assert "ledger" in answers["exec service swatchbook doctor"]


def test_make_up_shows_addresses_and_down_keeps_data(stack: Stack) -> None:
    assert f"{stack.service}/docs" in stack.said
    assert stack.prefect in stack.said
    make("down", stack.environment)
    ours = f"--filter=label=com.docker.compose.project={PROJECT}"
    assert stack.engine.run("ps", "--all", "--quiet", ours) == ""
    volumes = stack.engine.run("volume", "ls", "--format={{.Name}}", ours).split()
    left = {name.removeprefix(f"{PROJECT}_") for name in volumes}
    assert left == {"models", "postgres", "prefect", "swatchbook", "weaviate"}
