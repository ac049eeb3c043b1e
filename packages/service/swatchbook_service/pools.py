"""The two work pools. `control` runs at most six flow runs as processes; `embed` runs shards, by what
`swatchbook serve setup --pool docker|kubernetes|process` says: their image, command, environment, rights, and limits of
memory, CPUs and GPUs. The job for Kubernetes is kubernetes_job.json, with what the settings SWATCHBOOK_SHARDS__* say.

Anyone who reaches Prefect's API can start flow runs and fill in variables of a pool's template, so the templates have
none, and name secrets, whose values stay in the cluster. They have no `env` either, which a run could override. Shards
get their environment from the command, and secrets from a mounted file. Nothing else repeats a job: the parent cuts
what a dead shard left into new shards.
"""

import json
import math
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from swatchbook.deployments.declared import CONTROL, EMBED
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record
from swatchbook.domain.settings import Settings
from swatchbook.ingest.shards import require_pool

CONTROL_LIMIT = 6
"""Concurrent flow runs: three ingests and one of each upkeep flow."""

SETTINGS_FILE = "/var/lib/swatchbook/shards.env"
"""File with the SWATCHBOOK_* settings in a shard's container: in the volume of the home, or mounted."""

LABELS: Mapping[str, str] = {"swatchbook": "shard"}
"""Labels of shard containers."""

_PREFECT_HOME = "/tmp/prefect"  # noqa: S108 — inside the container, which has one user
_KUBERNETES_JOB = Path(__file__).parent / "kubernetes_job.json"
_NAMESPACE = "swatchbook"


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


# --- shards -----------------------------------------------------------------------------------------------------------


class Kind(StrEnum):
    """What runs the shards; also the type of the pool in Prefect."""

    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    PROCESS = "process"


def kind_of(pool_type: str) -> Kind | None:
    """Return the kind of a pool by its type in Prefect, None when shards cannot run on it."""
    return next((kind for kind in Kind if kind == pool_type), None)


def how_to_start(pool_type: str) -> str:
    """Return the advice that starts a worker of the pool of shards."""
    if kind_of(pool_type) in (Kind.DOCKER, None):
        return "Start one: `swatchbook serve worker`."
    return f"Start one: `prefect worker start --pool {EMBED} --type {pool_type}`."


def require_usable(kind: Kind, settings: Settings, namespace: str | None) -> None:
    """Raise Configuration for a namespace that cannot be right, and for an image that a cluster cannot pull."""
    if kind is not Kind.KUBERNETES:
        if namespace:
            raise Configuration(f"A pool of the kind {kind} has no namespace.", advice="Leave out --namespace.")
        return
    if namespace and not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", namespace):
        raise Configuration(
            f"The namespace {namespace} cannot be right.", advice="Give a name of small letters, digits and -."
        )
    if not re.match(r"localhost/|[^/]*[.:][^/]*/", settings.shards.image):
        raise Configuration(
            f"SWATCHBOOK_SHARDS__IMAGE={settings.shards.image} names no registry to pull the image from.",
            advice="Push it, and set its whole name, such as registry.example/swatchbook:1.0. An image that is loaded "
            "into all nodes of a cluster is docker.io/library/swatchbook.",
        )


def describe_unshared(kind: Kind, settings: Settings) -> str | None:
    """Return what shards of this kind could not reach if they had these settings, and what to do; None if nothing."""
    try:
        require_pool(settings, elsewhere=kind is Kind.KUBERNETES)
    except Configuration as failure:
        return str(failure)
    return None


def shard_pool(
    kind: Kind, settings: Settings, namespace: str | None = None, *, current: Mapping[str, Any] | None = None
) -> Pool:
    """Return the pool of shards. Without a namespace it keeps that of `current`, the job that the pool has in Prefect.

    Raises Configuration for resources that Kubernetes does not have.
    """
    job: dict[str, Any] = {"stream_output": True}
    if kind is Kind.DOCKER:
        job = shard_job(settings)
    elif kind is Kind.KUBERNETES:
        kept = str((current or {}).get("namespace", _NAMESPACE))
        # a worker creates a pool with variables
        job = _kubernetes_job(settings, namespace or (_NAMESPACE if "{{" in kept else kept))
    return Pool(
        name=EMBED,
        type=kind,
        description=f"Shards: one job for each flow run ({kind}).",
        concurrency_limit=settings.shards.slots,
        job=job,
    )


def _kubernetes_job(settings: Settings, namespace: str) -> dict[str, Any]:
    shards = settings.shards
    if shards.gpus < 0:
        raise Configuration("Kubernetes has no `all GPUs`.", advice="Set SWATCHBOOK_SHARDS__GPUS to a number.")
    job: dict[str, Any] = json.loads(_KUBERNETES_JOB.read_text())
    job["namespace"] = job["job_manifest"]["metadata"]["namespace"] = namespace
    memory = {"memory": f"{shards.memory_mb}Mi"}
    cpu = {"cpu": f"{round((shards.cpus or 1) * 1000)}m"}
    gpus = {"nvidia.com/gpu": str(shards.gpus)} if shards.gpus else {}
    (container,) = job["job_manifest"]["spec"]["template"]["spec"]["containers"]
    container |= {
        "image": shards.image,
        "args": shard_arguments(settings),
        "resources": {"requests": cpu | memory, "limits": (cpu if shards.cpus else {}) | memory | gpus},
    }
    return job


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
