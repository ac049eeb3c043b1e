"""The pool `embed` by what runs its shards: `swatchbook serve setup --pool docker|kubernetes|process`.

The job for Kubernetes is pools/kubernetes.json, with what the settings SWATCHBOOK_SHARD_* say. Templates have no
variables, so that a flow run cannot change its job, and name secrets, whose values stay in the cluster. Nothing else
repeats a job: the parent cuts what a dead shard left open into new shards.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from swatchbook.deployments.declared import EMBED, Pool, shard_arguments, shard_job
from swatchbook.domain.errors import Configuration
from swatchbook.domain.settings import Settings
from swatchbook.ingest.shards import require_pool

_KUBERNETES_JOB = Path(__file__).parent / "pools" / "kubernetes.json"
_NAMESPACE = "swatchbook"


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
