"""What `swatchbook serve setup` creates in a Prefect server, and what it overwrites later: templates of pools and
deployments always; blocks and the limit of the pool `control`, which people tune in Prefect's UI, only with --force. A
pool of shards that does not run on Docker only with --pool or --force.

Idempotent. Every difference is reported, also one that is kept.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import (
    DeploymentScheduleCreate,
    DeploymentScheduleUpdate,
    DeploymentUpdate,
    WorkPoolCreate,
    WorkPoolUpdate,
)
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import CronSchedule
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import get_current_settings
from prefect.utilities.callables import parameter_schema
from pydantic import SecretStr, ValidationError

from swatchbook.blocks.block_types import BLOCKS, fill
from swatchbook.deployments.declared import EMBED, Declared, Schedule, find_declaration, read_declaration
from swatchbook.domain.errors import Configuration
from swatchbook.domain.extras import installed_version
from swatchbook.domain.records import Record
from swatchbook.domain.redact import REDACTED, redact
from swatchbook.domain.settings import Settings
from swatchbook_base.one_line import shorten
from swatchbook_service.pools import Kind, Pool, control_pool, kind_of, require_usable, shard_pool
from swatchbook_service.scheduler.launch import FLOW, prefect

BLOCK = "default"
"""Name of the blocks that are filled from the settings."""


class Outcome(StrEnum):
    """What happened to an object in Prefect."""

    SAME = "unchanged"
    CREATED = "created"
    UPDATED = "updated"
    KEPT = "kept"


class Line(Record):
    """One object in Prefect and what happened to it, or would. KEPT: it differs, and changes only with `force`."""

    what: str
    name: str
    outcome: Outcome
    difference: tuple[str, ...] = ()


class Mode(Record):
    """`check`: write nothing. `force`: also overwrite what people may have tuned."""

    check: bool = False
    force: bool = False

    async def apply(self, write: Callable[[], Awaitable[object]]) -> None:
        """Call `write`, unless this is only a check."""
        if not self.check:
            await write()


async def set_up(settings: Settings, mode: Mode, kind: Kind | None = None, namespace: str | None = None) -> list[Line]:
    """Create and update everything, or only check. Return one line per object, in order of their dependencies.

    `kind`, `namespace`: of the pool of shards; without them it keeps those that it has in Prefect, a new one runs on
    Docker.

    Raises Configuration when PREFECT_API_URL is not set, the key is rejected, or the pool of shards has another
    type; ProviderDown without a response.
    """
    if get_current_settings().api.url is None:
        raise Configuration(
            "PREFECT_API_URL is not set: there is no Prefect server to set up.",
            advice="Start one with `prefect server start` and set PREFECT_API_URL to its address, including /api.",
        )
    async with prefect() as client:
        shards = await choose_shard_pool(client, settings, kind, namespace)
        lines = [await _again_if_made(partial(set_pool, client, pool, mode)) for pool in (control_pool(), shards)]
        for block in BLOCKS.values():
            lines.append(await _again_if_made(partial(set_block, client, fill(block, settings), BLOCK, mode)))
        # ingests last: the loop takes their deployment as the sign that everything is there
        for declared in sorted(read_declaration(find_declaration()), key=lambda each: each.name == FLOW):
            lines.append(await set_deployment(client, declared, mode))
    return lines


async def _again_if_made(step: Callable[[], Awaitable[Line]]) -> Line:
    """Return what a step did; run it again if another process created the same object meanwhile."""
    try:
        return await step()
    except ObjectAlreadyExists:
        return await step()


# --- pools ------------------------------------------------------------------------------------------------------------


async def choose_shard_pool(
    client: PrefectClient, settings: Settings, asked: Kind | None, namespace: str | None
) -> Pool:
    """Return the pool of shards: of the kind that was asked for, else as it is in Prefect, else on Docker.

    Raises Configuration when its kind cannot run shards, or was given a wrong namespace.
    """
    try:
        current = await client.read_work_pool(EMBED)
    except ObjectNotFound:
        current = None
    kind = asked or (kind_of(current.type) if current else None) or Kind.DOCKER
    if asked:
        require_usable(asked, settings, namespace)
    if current:
        _require_type(EMBED, current.type, kind)
    job = current.base_job_template.get("job_configuration", {}) if current else {}
    pool = shard_pool(kind, settings, namespace, current=job)
    return pool.model_copy(update={"kept": asked is None and kind is not Kind.DOCKER})


async def set_pool(client: PrefectClient, pool: Pool, mode: Mode) -> Line:
    """Create or update a work pool. Its template is updated: it keeps runs from choosing image or command.

    Raises Configuration when a pool of the name has another type.
    """
    line = Line(what="pool", name=pool.name, outcome=Outcome.CREATED)
    try:
        current = await client.read_work_pool(pool.name)
    except ObjectNotFound:
        fields = pool.model_dump(include={"name", "type", "description", "concurrency_limit"})
        new = WorkPoolCreate(**fields, base_job_template=pool.template)
        await mode.apply(lambda: client.create_work_pool(new))
        return line
    _require_type(pool.name, current.type, pool.type)
    template = _template_difference(current.base_job_template, pool.template)
    limit = _difference(
        current.model_dump(include={"concurrency_limit"}), pool.model_dump(include={"concurrency_limit"})
    )
    changes = WorkPoolUpdate(base_job_template=pool.template)
    if mode.force or not pool.tunable:
        changes.concurrency_limit = pool.concurrency_limit
    enforced = () if pool.kept else template if pool.tunable else template + limit
    outcome = Outcome.UPDATED if enforced else _tunable_outcome(template + limit, mode)
    if outcome is Outcome.UPDATED:
        await mode.apply(lambda: client.update_work_pool(pool.name, changes))
    return line.model_copy(update={"outcome": outcome, "difference": template + limit})


def _require_type(name: str, there: str, wanted: str) -> None:
    """Raise Configuration when a pool has another type than it should: Prefect cannot change it."""
    if there != wanted:
        raise Configuration(
            f"The work pool {name} has the type {there}, not {wanted}.",
            advice=f"Delete it in Prefect (`prefect work-pool delete {name}`) and run `swatchbook serve setup` again.",
        )


def _template_difference(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line per value of a job template that differs, with its place; what is not ours may be a secret."""
    old, new = dict(_leaves("template", current)), dict(_leaves("template", wanted))
    foreign = tuple(f"{place}: {REDACTED} → None" for place in old if place not in new)
    return _difference(old, new) + foreign


def _leaves(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value of nested mappings and lists with its place; an empty one is a value, too."""
    if isinstance(value, Mapping) and value:
        for name, each in value.items():
            yield from _leaves(f"{place}.{name}", each)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from _leaves(f"{place}[{number}]", each)
    else:
        yield place, value


# --- blocks -----------------------------------------------------------------------------------------------------------


async def set_block(client: PrefectClient, block: Block, name: str, mode: Mode) -> Line:
    """Create a block; a saved one that differs is kept unless forced. Prefect brings a type of ours up to date."""
    if type(block) in BLOCKS.values():
        await mode.apply(lambda: block.aregister_type_and_schema(client=client))
    slug = block.get_block_type_slug()
    line = Line(what="block", name=f"{slug}/{name}", outcome=Outcome.CREATED)
    saved = await _read_saved(client, type(block), name)
    if saved is not None:
        difference = _difference(saved, _fields(block))
        line = line.model_copy(update={"outcome": _tunable_outcome(difference, mode), "difference": difference})
    if line.outcome in (Outcome.CREATED, Outcome.UPDATED):
        await mode.apply(lambda: block.asave(name, overwrite=True, client=client))
    return line


async def _read_saved(client: PrefectClient, kind: type[Block], name: str) -> dict[str, Any] | None:
    """Return the fields of a saved block, {} when they are invalid, None when it is not saved."""
    try:
        document = await client.read_block_document_by_name(name, kind.get_block_type_slug())
    except ObjectNotFound:
        return None
    try:
        return _fields(kind.model_validate(document.data))
    except ValidationError:
        return {}


def _fields(block: Block) -> dict[str, Any]:
    return {name: getattr(block, name) for name in type(block).model_fields}


# --- deployments ------------------------------------------------------------------------------------------------------


async def set_deployment(client: PrefectClient, declared: Declared, mode: Mode) -> Line:
    """Create or update a deployment as declared, with the parameter schema of its flow."""
    flow: Flow[..., Any] = load_flow_from_entrypoint(declared.entrypoint)
    wanted = _declared_values(declared, flow)
    line = Line(what="deployment", name=f"{flow.name}/{declared.name}", outcome=Outcome.SAME)
    try:
        current = await client.read_deployment_by_name(line.name)
    except ObjectNotFound:
        await mode.apply(lambda: _create_deployment(client, flow, declared, wanted))
        return line.model_copy(update={"outcome": Outcome.CREATED})
    deployed = _current(current)
    if mode.check and _is_deployed_by_prefect(deployed, wanted):
        deployed |= {name: wanted[name] for name in _ONLY_BY_SETUP}
    if difference := _difference(deployed, wanted):
        await mode.apply(lambda: _update_deployment(client, current.id, declared, wanted))
        return line.model_copy(update={"outcome": Outcome.UPDATED, "difference": difference})
    return line


_ONLY_BY_SETUP = ("version", "parameter_openapi_schema")
"""What `prefect deploy` gives other values: the version is a hash of the flow, and the schema lets unknown parameters
through.
"""


def _is_deployed_by_prefect(deployed: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether `prefect deploy` made it, of these flows: a check accepts it, and a setup completes it."""
    schema = {**deployed["parameter_openapi_schema"], "additionalProperties": False}
    is_release = "." in (deployed["version"] or "")
    return not is_release and schema == wanted["parameter_openapi_schema"]


def _declared_values(declared: Declared, flow: Flow[..., Any]) -> dict[str, Any]:
    limit = declared.concurrency_limit
    return {
        "version": installed_version(),
        "description": declared.description,
        "tags": sorted(declared.tags),
        "entrypoint": declared.entrypoint,
        "work_pool_name": declared.work_pool["name"],
        "concurrency_limit": limit.limit if limit else None,
        "collision_strategy": limit.collision_strategy if limit else None,
        "enforce_parameter_schema": declared.enforce_parameter_schema,
        "pull_steps": [],
        "schedules": {each.slug: (each.cron, each.timezone) for each in declared.schedules},
        # unknown parameters are rejected when a run is created, instead of crashing it
        "parameter_openapi_schema": {**parameter_schema(flow).model_dump_for_openapi(), "additionalProperties": False},
    }


def _current(deployment: DeploymentResponse) -> dict[str, Any]:
    limit, options = deployment.global_concurrency_limit, deployment.concurrency_options
    schedules = {
        each.slug: (each.schedule.cron, each.schedule.timezone) if isinstance(each.schedule, CronSchedule) else None
        for each in deployment.schedules
    }
    same = ("version", "description", "entrypoint", "work_pool_name", "enforce_parameter_schema", "pull_steps")
    return {
        **{name: getattr(deployment, name) for name in (*same, "parameter_openapi_schema")},
        "tags": sorted(deployment.tags),
        "concurrency_limit": limit.limit if limit else None,
        "collision_strategy": options.collision_strategy.value if options else None,
        "schedules": schedules,
    }


def _request_fields(declared: Declared, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that creating and updating have in common."""
    fields = {name: value for name, value in wanted.items() if name not in ("collision_strategy", "schedules")}
    if declared.concurrency_limit is None:
        return fields
    strategy = ConcurrencyLimitStrategy(declared.concurrency_limit.collision_strategy)
    return {**fields, "concurrency_options": ConcurrencyOptions(collision_strategy=strategy)}


async def _create_deployment(
    client: PrefectClient, flow: Flow[..., Any], declared: Declared, wanted: Mapping[str, Any]
) -> None:
    schedules = [
        DeploymentScheduleCreate(schedule=_cron(each), slug=each.slug, active=each.active)
        for each in declared.schedules
    ]
    flow_id = await client.create_flow(flow)
    await client.create_deployment(
        flow_id, declared.name, schedules=schedules, paused=False, **_request_fields(declared, wanted)
    )


async def _update_deployment(
    client: PrefectClient, deployment: UUID, declared: Declared, wanted: Mapping[str, Any]
) -> None:
    """Update everything but `active` and `paused`: what people have paused or turned on stays so."""
    schedules = [DeploymentScheduleUpdate(schedule=_cron(each), slug=each.slug) for each in declared.schedules]
    changes = DeploymentUpdate(**_request_fields(declared, wanted))
    if schedules:
        changes.schedules = schedules
    await client.update_deployment(deployment, changes)


def _cron(schedule: Schedule) -> CronSchedule:
    return CronSchedule(cron=schedule.cron, timezone=schedule.timezone)


# --- differences ------------------------------------------------------------------------------------------------------


def _tunable_outcome(difference: tuple[str, ...], mode: Mode) -> Outcome:
    """Return the outcome for an object that people may have tuned."""
    if not difference:
        return Outcome.SAME
    return Outcome.UPDATED if mode.force else Outcome.KEPT


def _difference(current: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """Return one line per field that differs; secrets are masked, long values shortened."""
    return tuple(
        f"{name}: {_shown(current.get(name))} → {_shown(value)}"
        for name, value in wanted.items()
        if _plain(current.get(name)) != _plain(value)
    )


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return REDACTED
    return shorten(redact(str(value)), _MAX_SHOWN)


_MAX_SHOWN = 60  # characters
