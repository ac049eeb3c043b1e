"""The two work pools: `control` runs at most six flow runs as processes; `embed` runs shards in containers, with their
image, command, environment, rights, and limits of memory, CPUs and GPUs. Also how many shards a machine has room for.

Anyone who reaches Prefect's API can start flow runs and fill in variables of a pool's template, so the templates have
none. They have no `env` either, which a run could override. Shards get their environment from the command, and secrets
from a mounted file. kubernetes.json is the equivalent for a cluster: docs/deploy.md.
"""

import math
from collections.abc import Mapping
from typing import Any

from swatchbook.records import Record
from swatchbook.settings import Settings

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

    `instead`: types that people may choose for the pool; such a pool is left unchanged.
    """

    name: str
    type: str
    description: str
    concurrency_limit: int
    job: dict[str, Any]
    tunable: bool = False
    instead: tuple[str, ...] = ()

    @property
    def template(self) -> dict[str, Any]:
        """Return the base job template: the job, without variables."""
        return {
            "job_configuration": self.job,
            "variables": {"type": "object", "properties": {}, "additionalProperties": False},
        }


class Room(Record):
    """Number of shards that fit on this machine, by free memory and by CPUs."""

    by_memory: int
    by_cpus: int


def all_pools(settings: Settings) -> tuple[Pool, ...]:
    """Return both pools for these settings."""
    return (
        Pool(
            name=CONTROL,
            type="process",
            description="Parents: one process for each flow run.",
            concurrency_limit=CONTROL_LIMIT,
            job={"stream_output": True},
            tunable=True,
        ),
        Pool(
            name=EMBED,
            type="docker",
            description="Shards: one container for each flow run.",
            concurrency_limit=settings.shard_slots,
            job=shard_job(settings),
            instead=("kubernetes",),
        ),
    )


def shard_job(settings: Settings) -> dict[str, Any]:
    """Return the job of a shard's container for the Docker worker."""
    memory = f"{settings.shard_memory_mb}m"
    job = {
        "command": shard_command(settings),
        "image": settings.shard_image,
        "image_pull_policy": "IfNotPresent",  # the default for an untagged image asks a registry each time
        "labels": dict(LABELS),
        "volumes": list(settings.shard_volumes),
        "mem_limit": memory,
        "memswap_limit": memory,  # no swap; the default is as much swap as memory
        "privileged": False,
        "stream_output": True,  # without it the worker does not notice that a container was killed
        "auto_remove": False,  # keep the logs of failed containers; scheduler/containers.py removes them later
        "container_create_kwargs": _limits(settings),
    }
    return job | ({"network_mode": settings.shard_network} if settings.shard_network else {})


def shard_command(settings: Settings) -> str:
    """Return the command of a shard's container. Overrides folders in the PREFECT_* variables of the worker."""
    variables = {
        "PREFECT_HOME": _PREFECT_HOME,
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": f"{_PREFECT_HOME}/results",
        "SWATCHBOOK_ENV_FILE": SETTINGS_FILE,
    }
    if settings.shard_cpus:  # torch counts the CPUs of the machine, not of the container
        variables["OMP_NUM_THREADS"] = str(math.ceil(settings.shard_cpus))
    # Not `prefect flow-run execute`, which imports Prefect in two more processes before the flow starts.
    return " ".join(["env", *(f"{name}={value}" for name, value in variables.items()), "python3 -m prefect.engine"])


def room(settings: Settings, *, free_memory: int, cpus: int) -> Room:
    """Return how many shards fit in `free_memory` bytes and on `cpus` CPUs (one CPU per shard without a limit)."""
    return Room(
        by_memory=free_memory // (settings.shard_memory_mb << 20), by_cpus=math.floor(cpus / (settings.shard_cpus or 1))
    )


def _limits(settings: Settings) -> dict[str, Any]:
    """Return arguments of docker-py that Prefect has no fields for."""
    limits: dict[str, Any] = {
        "init": True,  # otherwise a container ignores SIGTERM and stops only at the timeout
        "healthcheck": {"test": ["NONE"]},  # the image's own check is for the service
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }
    if settings.shard_cpus:
        limits["nano_cpus"] = round(settings.shard_cpus * 1e9)
    if settings.shard_gpus:
        limits["device_requests"] = [{"count": settings.shard_gpus, "capabilities": [["gpu"]]}]
    return limits
