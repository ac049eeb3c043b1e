"""The pool `embed` by what runs its shards: `swatchbook serve setup --pool docker|kubernetes|ecs|cloud-run|process`.

pools/*.json are the jobs of the kinds whose worker is in a separate package. A value `$name` there is filled in
from the settings SWATCHBOOK_SHARD_* or from what `--with NAME=VALUE` gave. Templates have no variables, so that a flow
run cannot change its job, and name secrets, whose values stay with the provider. A job is never repeated by its
provider: the parent cuts what a dead shard left open into new shards.

A push pool needs no worker: Prefect Cloud itself asks the provider for each job. Prefect's own server cannot.
"""

import json
import math
import re
import shlex
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from swatchbook.deployments.declared import EMBED, Pool, shard_arguments, shard_job
from swatchbook.domain.errors import Configuration
from swatchbook.domain.records import Record
from swatchbook.domain.settings import Settings
from swatchbook.ingest.shards import require_pool

FOLDER = Path(__file__).parent / "pools"


class Kind(StrEnum):
    """What runs the shards."""

    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    ECS = "ecs"
    ECS_PUSH = "ecs-push"
    CLOUD_RUN = "cloud-run"
    CLOUD_RUN_PUSH = "cloud-run-push"
    PROCESS = "process"


class Form(NamedTuple):
    """The form of a value: a pattern, and how it is named to people, with an example."""

    pattern: str
    named: str


class Traits(Record):
    """One kind: its type in Prefect, its job, and the names of `--with`.

    `needs` must be given once; `may` has the defaults of the others, None: left out of the job. `lists` are
    comma-separated. `forms`: name -> the form of its value, or of each of a list. `credentials`: a reference to the
    saved block with which Prefect Cloud starts jobs.
    """

    type: str
    file: str | None = None
    needs: tuple[str, ...] = ()
    may: Mapping[str, str | None] = {}
    lists: tuple[str, ...] = ()
    forms: Mapping[str, Form] = {}
    credentials: str | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Return whether its shards run on machines that pull the image, and share no disk with us."""
        return self.file is not None


_ROLE = Form(r"arn:aws[\w-]*:iam::\d{12}:role/\S+", "the ARN of a role, such as arn:aws:iam::123456789012:role/shards")
_ARN = Form(
    r"arn:aws[\w-]*:(secretsmanager|ssm):[\w-]+:\d{12}:\S+",
    "the ARN of a secret, such as arn:aws:secretsmanager:eu-central-1:123456789012:secret:swatchbook-shards",
)
_SECRET = Form(r"[\w-]{1,255}", "the name of a secret, without its version")
_ECS = Traits(
    type="ecs",
    file="ecs.json",
    needs=("execution_role", "subnets", "secret"),
    may={
        "cluster": "default",
        "task_role": None,
        "security_groups": None,
        "prefect_key": None,
        "prefect_password": None,
    },
    lists=("subnets", "security_groups"),
    forms={
        "execution_role": _ROLE,
        "task_role": _ROLE,
        "subnets": Form(r"subnet-[0-9a-f]+", "ids of subnets, such as subnet-0a1b,subnet-2c3d"),
        "security_groups": Form(r"sg-[0-9a-f]+", "ids of security groups, such as sg-0a1b"),
        "secret": _ARN,
        "prefect_key": _ARN,
        "prefect_password": _ARN,
    },
)
_CLOUD_RUN = Traits(
    type="cloud-run-v2",
    file="cloud-run.json",
    needs=("region",),
    may={
        "secret": "swatchbook-shards",
        "service_account": None,
        "subnet": None,
        "prefect_key": None,
        "prefect_password": None,
    },
    forms={
        "region": Form(r"[a-z]+-[a-z]+\d+", "a region, such as europe-west1"),
        "secret": _SECRET,
        "service_account": Form(r"\S+@\S+\.gserviceaccount\.com", "the e-mail address of a service account"),
        "prefect_key": _SECRET,
        "prefect_password": _SECRET,
    },
)
KINDS: Mapping[Kind, Traits] = {
    Kind.DOCKER: Traits(type="docker"),
    Kind.KUBERNETES: Traits(
        type="kubernetes",
        file="kubernetes.json",
        may={"namespace": "swatchbook"},
        forms={"namespace": Form(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "a name of small letters, digits and -")},
    ),
    Kind.ECS: _ECS,
    Kind.ECS_PUSH: _ECS.model_copy(
        update={"type": "ecs:push", "credentials": "{{ prefect.blocks.aws-credentials.swatchbook }}"}
    ),
    Kind.CLOUD_RUN: _CLOUD_RUN,
    Kind.CLOUD_RUN_PUSH: _CLOUD_RUN.model_copy(
        update={"type": "cloud-run-v2:push", "credentials": "{{ prefect.blocks.gcp-credentials.swatchbook }}"}
    ),
    Kind.PROCESS: Traits(type="process"),
}


def kind_of(pool_type: str) -> Kind | None:
    """Return the kind of a pool by its type in Prefect, None when shards cannot run on it."""
    return next((kind for kind, traits in KINDS.items() if traits.type == pool_type), None)


def how_to_start(pool_type: str) -> str:
    """Return the advice that starts a worker of the pool of shards."""
    if kind_of(pool_type) in (Kind.DOCKER, None):
        return "Start one: `swatchbook serve worker`."
    return f"Start one: `prefect worker start --pool {EMBED} --type {pool_type}`."


def require_usable(kind: Kind, settings: Settings, given: Mapping[str, str]) -> None:
    """Raise Configuration for a value that cannot be right, and for an image that the pool's machines cannot pull."""
    traits = KINDS[kind]
    for name, value in given.items():
        form, parts = traits.forms.get(name), value.split(",") if name in traits.lists else [value]
        if form and not all(re.fullmatch(form.pattern, part) for part in parts):
            raise Configuration(f"{name}={value} cannot be right.", advice=f"Give {form.named}.")
    if traits.is_elsewhere and not re.match(r"localhost/|[^/]*[.:][^/]*/", settings.shards.image):
        raise Configuration(
            f"SWATCHBOOK_SHARDS__IMAGE={settings.shards.image} names no registry to pull the image from.",
            advice="Push it, and set its whole name, such as registry.example/swatchbook:1.0. An image that is loaded "
            "into all nodes of a cluster is docker.io/library/swatchbook.",
        )


def describe_unshared(kind: Kind, settings: Settings) -> str | None:
    """Return what shards of this kind could not reach if they had these settings, and what to do; None if nothing."""
    try:
        require_pool(settings, elsewhere=KINDS[kind].is_elsewhere)
    except Configuration as failure:
        return str(failure)
    return None


def shard_pool(
    kind: Kind, settings: Settings, given: Mapping[str, str], *, current: Mapping[str, Any] | None = None
) -> Pool:
    """Return the pool of shards. What `given` lacks is kept from `current`, the job that the pool has in Prefect.

    Raises Configuration for an unknown name, a missing value, and resources that the provider does not have.
    """
    traits = KINDS[kind]
    known = {*traits.needs, *traits.may}
    if unknown := sorted(given.keys() - known):
        raise Configuration(
            f"A pool of the kind {kind} has no {', '.join(unknown)}.",
            advice=f"Known names of --with: {', '.join(sorted(known)) or 'none'}.",
        )
    return Pool(
        name=EMBED,
        type=traits.type,
        description=f"Shards: one job for each flow run ({kind}).",
        concurrency_limit=settings.shards.slots,
        job=_job(kind, settings, given, current or {}),
    )


def _job(kind: Kind, settings: Settings, given: Mapping[str, str], current: Mapping[str, Any]) -> dict[str, Any]:
    traits = KINDS[kind]
    if traits.file is None:
        return shard_job(settings) if kind is Kind.DOCKER else {"stream_output": True}
    job: dict[str, Any] = json.loads((FOLDER / traits.file).read_text())
    defaults = {name: value for name, value in traits.may.items() if value is not None}
    kept = {name: value for name, value in read_values(job, current).items() if name in {*traits.needs, *traits.may}}
    added = {name: value.split(",") if name in traits.lists else value for name, value in given.items()}
    values = {**defaults, **kept, **added}
    if missing := [name for name in traits.needs if not values.get(name)]:
        raise Configuration(
            f"A pool of the kind {kind} needs {', '.join(missing)}.",
            advice=f"Give it: `swatchbook serve setup --pool {kind} "
            f"{' '.join(f'--with {name}=…' for name in missing)}`.",
        )
    if traits.credentials:
        values["credentials"] = traits.credentials
    filled: dict[str, Any] = fill(job, {**values, **_RESOURCES[traits.file](settings)})
    return filled


# --- templates --------------------------------------------------------------------------------------------------------


def fill(part: Any, values: Mapping[str, Any]) -> Any:
    """Return a part of a template with values in the place of `$name`.

    An object or a list is left out when it has such names, and `values` has none of them.
    """
    if isinstance(part, dict):
        return {key: fill(value, values) for key, value in part.items() if _stays(value, values)}
    if isinstance(part, list):
        return [fill(each, values) for each in part if _stays(each, values)]
    return values[part[1:]] if _is_name(part) else part


def read_values(part: Any, filled: Any) -> dict[str, Any]:
    """Return name -> value for every `$name` of a template whose place is there in a filled one."""
    if _is_name(part):
        return {} if "{{" in str(filled) else {part[1:]: filled}  # a worker creates a pool with variables
    pairs: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(part, dict) and isinstance(filled, Mapping):
        pairs = ((part[key], filled[key]) for key in part if key in filled)
    elif isinstance(part, list) and isinstance(filled, list):
        pairs = zip(part, filled, strict=False)
    found: dict[str, Any] = {}
    for each, value in pairs:
        found = read_values(each, value) | found
    return found


def _stays(part: Any, values: Mapping[str, Any]) -> bool:
    names = set(_names(part))
    return not names or not names.isdisjoint(values)


def _names(part: Any) -> Iterator[str]:
    if _is_name(part):
        yield part[1:]
    for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _names(each)


def _is_name(part: Any) -> bool:
    return isinstance(part, str) and part.startswith("$")


# --- resources --------------------------------------------------------------------------------------------------------


def _kubernetes_values(settings: Settings) -> dict[str, Any]:
    if settings.shards.gpus < 0:
        raise Configuration("Kubernetes has no `all GPUs`.", advice="Set SWATCHBOOK_SHARDS__GPUS to a number.")
    values = {
        "image": settings.shards.image,
        "arguments": shard_arguments(settings),
        "memory": f"{settings.shards.memory_mb}Mi",
        "requested_cpus": _cpus(settings.shards.cpus or 1),
    }
    values |= {"cpus": _cpus(settings.shards.cpus)} if settings.shards.cpus else {}
    return values | ({"gpus": str(settings.shards.gpus)} if settings.shards.gpus else {})


def _cpus(number: float) -> str:
    return f"{round(number * 1000)}m"


_FARGATE: Mapping[int, range] = {  # CPU units -> MiB of memory that go with them
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}
_CLOUD_RUN_MEMORY: Mapping[int, range] = {  # CPUs -> MiB
    1: range(512, 4097),
    2: range(512, 8193),
    4: range(2048, 16385),
    6: range(4096, 24577),
    8: range(4096, 32769),
}


def _ecs_values(settings: Settings) -> dict[str, Any]:
    _refuse_gpus(settings, "Fargate")
    file = "/tmp/shards.env"  # noqa: S108 — inside the container, which has one user
    # Fargate gives secrets only as variables, and a variable is also in the environment of every child
    script = f'umask 077; printenv SHARDS_ENV > {file}; unset SHARDS_ENV; exec "$@"'
    cpus, memory = _smallest(_FARGATE, (settings.shards.cpus or 1) * 1024, settings.shards.memory_mb, "Fargate")
    return {
        "image": settings.shards.image,
        "command": shlex.join(["sh", "-c", script, "sh", *shard_arguments(settings, file)]),
        "cpus": str(cpus),
        "memory": str(memory),
    }


def _cloud_run_values(settings: Settings) -> dict[str, Any]:
    _refuse_gpus(settings, "A Cloud Run job of this pool")
    cpus, memory = _smallest(_CLOUD_RUN_MEMORY, settings.shards.cpus or 1, settings.shards.memory_mb, "Cloud Run")
    return {
        "image": settings.shards.image,
        "arguments": shard_arguments(settings, "/etc/swatchbook/shards.env"),
        "cpus": str(cpus),
        "memory": f"{memory}Mi",
    }


_RESOURCES = {"kubernetes.json": _kubernetes_values, "ecs.json": _ecs_values, "cloud-run.json": _cloud_run_values}


def _refuse_gpus(settings: Settings, who: str) -> None:
    if settings.shards.gpus:
        raise Configuration(f"{who} has no GPUs.", advice="Use docker or kubernetes, or set SWATCHBOOK_SHARDS__GPUS=0.")


def _smallest(sizes: Mapping[int, range], cpus: float, memory_mb: int, who: str) -> tuple[int, int]:
    """Return the CPUs and the MiB of the smallest size that has as much of both."""
    for size, memories in sizes.items():
        if size >= math.ceil(cpus) and (enough := [each for each in memories if each >= memory_mb]):
            return size, enough[0]
    raise Configuration(
        f"{who} has no size with so much: {cpus:g} CPUs and {memory_mb} MiB.",
        advice="Lower SWATCHBOOK_SHARDS__CPUS or SWATCHBOOK_SHARDS__MEMORY_MB.",
    )
