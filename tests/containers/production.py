"""The production profile on the pool: a ledger, files and weights of its own, and providers as local stand-ins.

Weights come as people get them: `swatchbook models pull` in a container, from a stand-in for the hub, to where shards
read them. Keys of providers stand in the settings file of shards, which is mounted, and nowhere else.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from huggingface_hub import constants

from swatchbook.domain.settings import Settings, replace
from swatchbook.resources import Resources, open_resources
from swatchbook_service.pools import SETTINGS_FILE, shard_job
from tests.command import finish
from tests.containers.engine import Engine
from tests.containers.images import build_swatchbook
from tests.containers.pool import SHARED, Pool
from tests.models import tiny
from tests.models.hub import COMMIT, hub
from tests.models.providers import attentive
from tests.models.providers.standin import KEY, Asked, Provider, e5_vectors, mixed, provider
from tests.servers.stack import settings_of

MODELS = "/var/lib/models"
"""Where the image looks for weights."""

CALLS_A_MINUTE = 600
"""That the vision model allows: half a minute for the sample, in which all shards together could ask twice as often."""

_ENCODER, _STRUCTURE = "lab/tiny-siglip", "lab/tiny-dinov2"
_IMAGE_USER = 10_001
_PRICES = {
    "qwen-vl": {"input": 0.2, "output": 0.8},
    "qwen": {"input": 0.1, "output": 0.4},
    "voyage-3.5": {"input": 0.06, "output": 0},
}


@dataclass(frozen=True)
class Production:
    """An installation in the production profile. `seen`: when the vision model was shown a picture, seconds."""

    environment: Mapping[str, str] = field(repr=False)  # what commands are told
    there: Provider
    seen: list[float]
    pool: Pool

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(settings_of(self.environment))

    @contextmanager
    def resources(self) -> Iterator[Resources]:
        with pytest.MonkeyPatch.context() as patch, open_resources(self.settings) as resources:
            patch.setattr(constants, "HF_HUB_CACHE", str(self.settings.home.parent / "models" / "hub"))
            yield resources

    def ask(self, *words: str) -> Any:
        """What `swatchbook … --json` says. It must not fail, nor tell a key."""
        done = finish([*words, "--json"], self.environment)
        assert done.returncode == 0, done.stdout[:2_500] + done.stderr[-4_000:]
        assert KEY not in done.stdout + done.stderr
        return json.loads(done.stdout)

    def logs(self) -> list[Path]:
        return [*self.pool.stack.folder.glob("*.log"), *self.settings.home.rglob("*.log")]

    def known_to_prefect(self) -> str:
        """All that stands in the Prefect server's database, as SQL."""
        postgres = self.pool.stack.postgres
        url = postgres.url_of("prefect").replace("+psycopg", "")
        dump = (os.fspath(postgres.binaries / "pg_dump"), "--data-only", f"--dbname={url}")
        return subprocess.run(dump, check=True, capture_output=True, text=True).stdout


@contextmanager
def running_production(pool: Pool) -> Iterator[Production]:
    """On the pool's own parts, its template being this installation's meanwhile. Every tenth answer fails."""
    stack, seen = pool.stack, list[float]()
    folder = stack.folder / "production"
    folder.mkdir()
    stack.postgres.new_database("production")

    def answer(asked: Asked) -> Any:
        if asked.pictures:
            seen.append(time.monotonic())
        return attentive.answer(asked.texts, asked.pictures)

    with provider() as there:
        there.answer, there.embed = answer, e5_vectors()
        there.faults = mixed(0.1, ("error", "cut", "garbage", "off_schema", "rate_limited_silent"))
        told = {f"SWATCHBOOK_{name}": str(value) for name, value in _settings(pool, folder, there).items()}
        production = Production({**stack.environment, **told}, there, seen, pool)
        _write_settings(folder / "shards.env", production.environment, {f"SWATCHBOOK_{n}" for n in SHARED} | {*told})
        image = build_swatchbook(pool.engine, "models")
        job = shard_job(replace(production.settings, {"shards.image": image}))
        _fetch_weights(pool.engine, folder, job["image"])
        with _looks_away(pool), pool.job(env={}, **job):
            yield production


def _settings(pool: Pool, folder: Path, there: Provider) -> Mapping[str, Any]:
    own = {"files": folder / "files", "shards.env": f"{SETTINGS_FILE}:ro", "models": f"{MODELS}:ro"}
    return {
        "PROFILE": "production",
        "HOME": folder / "home",
        "LEDGER_URL": pool.stack.postgres.url_of("production"),
        "FILES_URL": folder / "files",
        "EXECUTION": "pool",
        "SHARDS__VOLUMES": ",".join(f"{folder / name}:{target}" for name, target in own.items()),
        "ENCODER_MODEL": f"{_ENCODER}@{COMMIT}",
        "STRUCTURE_MODEL": f"{_STRUCTURE}@{COMMIT}",
        "VISION__URL": there.openai_url,
        "VISION__MODEL": "qwen-vl",
        "VISION__API_KEY": KEY,
        "VISION__PER_MINUTE": str(CALLS_A_MINUTE),
        "LLM__URL": there.openai_url,
        "LLM__MODEL": "qwen",
        "LLM__API_KEY": KEY,
        "TEXT__URL": there.openai_url,
        "TEXT__API_KEY": KEY,
        "PRICES": json.dumps(_PRICES),
    }


def _write_settings(file: Path, environment: Mapping[str, str], names: set[str]) -> None:
    """As docs/deploy.md says: for the containers' user alone."""
    file.touch(0o400)
    file.write_text("".join(f"{name}={environment[name]}\n" for name in sorted(names)))
    os.chown(file, _IMAGE_USER, _IMAGE_USER)


def _fetch_weights(engine: Engine, folder: Path, image: str) -> None:
    """Tiny models of the real architectures, as the hub has them."""
    into = folder / "models"
    into.mkdir()
    os.chown(into, _IMAGE_USER, _IMAGE_USER)
    with hub() as server:
        server.models = {_ENCODER: tiny.save(folder, "siglip2"), _STRUCTURE: tiny.save(folder, "dinov2")}
        told = ("--network=host", f"--env=HF_ENDPOINT={server.url}", f"--env-file={folder / 'shards.env'}")
        pull = (f"--volume={into}:{MODELS}", image, "swatchbook", "models", "pull")
        engine.run("run", "--rm", "--cap-drop=ALL", *told, *pull)


@contextmanager
def _looks_away(pool: Pool) -> Iterator[None]:
    """The stack's service stands still: to its own ledger, shards of another are nobody's, and are cancelled."""
    assert pool.stack.service.process is not None
    service = psutil.Process(pool.stack.service.process.pid)
    service.suspend()
    try:
        yield
    finally:
        service.resume()
