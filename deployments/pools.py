"""The work pools: parents run in processes on `control`, shards in containers on `embed`.

What a pool's template leaves open, a flow run may fill in, and whoever reaches Prefect's API may start flow runs. So
neither has a variable or a placeholder. Nor has it an `env`: Prefect lays that of a run over it, declared or not. What
shards need of their environment is in the command, and what is secret of it in a file that is mounted.
kubernetes.json is the same for a cluster: docs/deploy.md.
"""

import math
from collections.abc import Mapping
from typing import Any

from swatchbook.records import Record
from swatchbook.settings import Settings

CONTROL = "control"
CONTROL_LIMIT = 6
"""Flow runs at once: three ingests and one each of the upkeep."""

EMBED = "embed"

SETTINGS_FILE = "/var/lib/swatchbook/shards.env"
"""Where a shard's container finds its SWATCHBOOK_* settings: in the volume of the home, or mounted there."""

LABELS: Mapping[str, str] = {"swatchbook": "shard"}
"""What shards' containers are known by."""


_PREFECT_HOME = "/tmp/prefect"  # noqa: S108 — in the container, where nobody else is


class Pool(Record):
    """A work pool as Prefect is to have it. `tunable`: its limit is no setting, so that people may tune it in the UI.
    `instead`: types that people may make it of, which are theirs.
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
        """The base job template: the job, and no variables."""
        return {
            "job_configuration": self.job,
            "variables": {"type": "object", "properties": {}, "additionalProperties": False},
        }


class Room(Record):
    """How many shards this machine has room for, by its free memory and by its processors."""

    by_memory: int
    by_cpus: int


def all_pools(settings: Settings) -> tuple[Pool, ...]:
    """Both pools, as these settings have them."""
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
    """A shard's container, for the Docker worker."""
    memory = f"{settings.shard_memory_mb}m"
    job = {
        "command": shard_command(settings),
        "image": settings.shard_image,
        "image_pull_policy": "IfNotPresent",  # its own choice for an image without a tag is to ask a registry each time
        "labels": dict(LABELS),
        "volumes": list(settings.shard_volumes),
        "mem_limit": memory,
        "memswap_limit": memory,  # else as much swap again
        "privileged": False,
        "stream_output": True,  # without it the worker never hears that a container was killed
        "auto_remove": False,  # what a dead one said is worth reading; they go by their label
        "container_create_kwargs": _limits(settings),
    }
    return job | ({"network_mode": settings.shard_network} if settings.shard_network else {})


def shard_command(settings: Settings) -> str:
    """What a shard's container runs. Its environment is the worker's PREFECT_* settings, folders of the worker too."""
    given = {
        "PREFECT_HOME": _PREFECT_HOME,
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": f"{_PREFECT_HOME}/results",
        "SWATCHBOOK_ENV_FILE": SETTINGS_FILE,
    }
    if settings.shard_cpus:  # torch counts the machine's processors, whatever its own share is
        given["OMP_NUM_THREADS"] = str(math.ceil(settings.shard_cpus))
    # Not `prefect flow-run execute`, which imports Prefect in two processes more before the flow begins.
    return " ".join(["env", *(f"{name}={value}" for name, value in given.items()), "python3 -m prefect.engine"])


def room(settings: Settings, *, free_memory: int, cpus: int) -> Room:
    """How many shards there is room for in `free_memory` bytes and on `cpus` processors, one each without a limit."""
    return Room(
        by_memory=free_memory // (settings.shard_memory_mb << 20), by_cpus=math.floor(cpus / (settings.shard_cpus or 1))
    )


def _limits(settings: Settings) -> dict[str, Any]:
    """What docker-py takes that Prefect has no name for."""
    limits: dict[str, Any] = {
        "init": True,  # without it stopping one takes as long as the engine's patience
        "healthcheck": {"test": ["NONE"]},  # the image's is the service's
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }
    if settings.shard_cpus:
        limits["nano_cpus"] = round(settings.shard_cpus * 1e9)
    if settings.shard_gpus:
        limits["device_requests"] = [{"count": settings.shard_gpus, "capabilities": [["gpu"]]}]
    return limits
