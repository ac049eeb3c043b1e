"""What Prefect is to have: the deployments, read from `prefect.yaml`, and two work pools. `prefect.yaml` says when
deployments run (`retry_failed` every 15 minutes, `review_quality` every hour, `report_coverage` every day,
`rescan_sources` every hour once a person has turned that on) and how many runs of each at a time (three ingests, one of
the others).

The pool `control` runs at most six flow runs as processes; `embed` runs shards, by default in Docker containers, with
their image, command, environment, rights, and limits of memory, CPUs and GPUs. shard_pools.py has its other kinds.

Anyone who reaches Prefect's API can start flow runs and fill in variables of a pool's template, so the templates have
none. They have no `env` either, which a run could override. Shards get their environment from the command, and secrets
from a mounted file.
"""

import math
import sysconfig
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record
from swatchbook.domain.settings import Settings

ROOT = Path(__file__).resolve().parents[1]  # in a checkout the folder is linked into the package


class Limit(Record):
    """Concurrent runs of a deployment, and what happens to a run above the limit."""

    limit: int = Field(ge=1)
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"]


class Schedule(Record):
    """A cron schedule. `slug` identifies it in Prefect, so that one paused or turned on in the UI stays so.

    `active`: whether it runs from the start, or once a person has turned it on.
    """

    slug: str
    cron: str
    timezone: str
    active: bool = True


class Declared(Record):
    """One deployment of prefect.yaml."""

    name: str
    entrypoint: str  # module:function
    description: str
    tags: tuple[str, ...]
    work_pool: dict[Literal["name"], str]
    concurrency_limit: Limit | None = None  # None: only the limit of its pool
    schedules: tuple[Schedule, ...] = ()
    enforce_parameter_schema: bool


def find_declaration() -> Path:
    """Return the path of prefect.yaml, of the checkout or of the installed wheel. Raises Configuration."""
    paths = [ROOT / "prefect.yaml", Path(sysconfig.get_path("data")) / "share" / "swatchbook" / "prefect.yaml"]
    for path in paths:
        if path.is_file():
            return path
    raise Configuration(
        f"prefect.yaml not found at {' or '.join(map(str, paths))}.", advice="Install Swatchbook again."
    )


@cache
def flow_names() -> frozenset[str]:
    """Return the names of all flows: flow and deployment have the same name."""
    return frozenset(declared.name for declared in read_declaration(find_declaration()))


def read_declaration(path: Path) -> tuple[Declared, ...]:
    """Return all deployments, in order."""
    content: dict[str, Any] = yaml.safe_load(path.read_text())
    return tuple(Declared.model_validate(each) for each in content["deployments"])


CONTROL = "control"
CONTROL_LIMIT = 6
"""Concurrent flow runs: three ingests and one of each upkeep flow."""

EMBED = "embed"

SETTINGS_FILE = "/var/lib/swatchbook/shards.env"
"""File with the SWATCHBOOK_* settings in a shard's container: in the volume of the home, or mounted."""

LABELS: Mapping[str, str] = {"swatchbook": "shard"}
"""Labels of shard containers."""

_PREFECT_HOME = "/tmp/prefect"  # noqa: S108 — inside the container, which has one user


class Pool(Record):
    """A work pool to create in Prefect. `tunable`: people may change its limit in Prefect's UI.

    `kept`: this kind of pool was not asked for now, so a template that differs may be the user's.
    """

    name: str
    type: str
    description: str
    concurrency_limit: int
    job: dict[str, Any]
    tunable: bool = False
    kept: bool = False

    @property
    def template(self) -> dict[str, Any]:
        """Return the base job template: the job, without variables."""
        return {
            "job_configuration": self.job,
            "variables": {"type": "object", "properties": {}, "additionalProperties": False},
        }


def control_pool() -> Pool:
    """Return the pool of parents and upkeep."""
    return Pool(
        name=CONTROL,
        type="process",
        description="Parents: one process for each flow run.",
        concurrency_limit=CONTROL_LIMIT,
        job={"stream_output": True},
        tunable=True,
    )


def shard_job(settings: Settings) -> dict[str, Any]:
    """Return the job of a shard's container for the Docker worker."""
    memory = f"{settings.shards.memory_mb}m"
    job = {
        "command": " ".join(shard_arguments(settings)),
        "image": settings.shards.image,
        "image_pull_policy": "IfNotPresent",  # the default for an untagged image asks a registry each time
        "labels": dict(LABELS),
        "volumes": list(settings.shards.volumes),
        "mem_limit": memory,
        "memswap_limit": memory,  # no swap; the default is as much swap as memory
        "privileged": False,
        "stream_output": True,  # without it the worker does not notice that a container was killed
        "auto_remove": False,  # keep the logs of failed containers; the worker removes them later
        "container_create_kwargs": _limits(settings),
    }
    return job | ({"network_mode": settings.shards.network} if settings.shards.network else {})


def shard_arguments(settings: Settings) -> list[str]:
    """Return the command of a shard's container. Overrides folders in the PREFECT_* variables of the worker."""
    variables = {
        "PREFECT_HOME": _PREFECT_HOME,
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": f"{_PREFECT_HOME}/results",
        "SWATCHBOOK_ENV_FILE": SETTINGS_FILE,
    }
    if settings.shards.cpus:  # torch counts the CPUs of the machine, not of the container
        variables["OMP_NUM_THREADS"] = str(math.ceil(settings.shards.cpus))
    # Not `prefect flow-run execute`, which imports Prefect in two more processes before the flow starts.
    return ["env", *(f"{name}={value}" for name, value in variables.items()), "python3", "-m", "prefect.engine"]


def _limits(settings: Settings) -> dict[str, Any]:
    """Return arguments of docker-py that Prefect has no fields for."""
    limits: dict[str, Any] = {
        "init": True,  # otherwise a container ignores SIGTERM and stops only at the timeout
        "healthcheck": {"test": ["NONE"]},  # the image's own check is for the service
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }
    if settings.shards.cpus:
        limits["nano_cpus"] = round(settings.shards.cpus * 1e9)
    if settings.shards.gpus:
        limits["device_requests"] = [{"count": settings.shards.gpus, "capabilities": [["gpu"]]}]
    return limits
