"""What Prefect must know of Swatchbook: its pools, blocks, deployments, and who hears of failed runs.

Twice is as good as once. What is declared in code and settings follows them: pools' templates, block types,
deployments, the notification. What people tune in Prefect's UI, blocks and how many parents run at once, is made once
and only overwritten by force; the difference is told.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

from prefect.blocks.core import Block
from prefect.blocks.webhook import Webhook
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
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectNotFound
from prefect.flows import Flow, load_flow_from_entrypoint
from prefect.settings import get_current_settings
from prefect.utilities.callables import parameter_schema
from pydantic import SecretStr, ValidationError

from blocks import BLOCKS
from blocks.overlay import fill
from deployments.declared import Declared, Schedule, find_declaration, read_declaration
from deployments.pools import Pool, all_pools
from scheduler.launch import prefect
from swatchbook.errors import Configuration
from swatchbook.records import Record
from swatchbook.redact import REDACTED, redact
from swatchbook.settings import Settings

BLOCK = "default"
"""The name of the blocks that are filled from the settings."""

NOTIFICATION = "swatchbook-failed-runs"
"""The name of the automation, and of its webhook block."""


class Outcome(StrEnum):
    SAME = "nothing to do"
    CREATED = "created"
    UPDATED = "updated"
    KEPT = "kept"


class Line(Record):
    """What became of one thing in Prefect, or what would. KEPT: it differs, and stays as it is unless forced."""

    what: str
    name: str
    outcome: Outcome
    difference: tuple[str, ...] = ()


class Mode(Record):
    """`check`: nothing is written. `force`: what people may have tuned is overwritten too."""

    check: bool = False
    force: bool = False

    async def apply(self, write: Callable[[], Awaitable[object]]) -> None:
        """Write, unless this is only a look."""
        if not self.check:
            await write()


async def set_up(settings: Settings, mode: Mode) -> list[Line]:
    """Make all of it, or see what would be made. One line for each thing, in the order that they need each other.

    Raises Configuration where PREFECT_API_URL is not set or the key is refused, ProviderDown where nobody answers.
    """
    if get_current_settings().api.url is None:
        raise Configuration(
            "PREFECT_API_URL is not set: there is no Prefect server to set up.",
            advice="Start one with `prefect server start` and set PREFECT_API_URL to its address, /api included.",
        )
    async with prefect() as client:
        lines = [await set_pool(client, pool, mode) for pool in all_pools(settings)]
        for kind in BLOCKS.values():
            lines.append(await set_block_type(client, kind, mode))
            lines.append(await set_block(client, fill(kind, settings), BLOCK, mode))
        for declared in read_declaration(find_declaration()):
            lines.append(await set_deployment(client, declared, mode))
        if settings.failure_webhook_url is not None:
            lines += await set_notification(client, settings.failure_webhook_url, mode)
    return lines


# --- pools ------------------------------------------------------------------------------------------------------------


async def set_pool(client: PrefectClient, pool: Pool, mode: Mode) -> Line:
    """A work pool. Its template follows ours at once: it is what keeps a run from naming an image or a command.

    Raises Configuration where there is one of the name and of a type that cannot take its place.
    """
    line = Line(what="pool", name=pool.name, outcome=Outcome.CREATED)
    try:
        found = await client.read_work_pool(pool.name)
    except ObjectNotFound:
        await mode.apply(lambda: client.create_work_pool(_as_made(pool)))
        return line
    if found.type in pool.instead:
        return line.model_copy(update={"outcome": Outcome.KEPT, "difference": (f"type: {found.type} → {pool.type}",)})
    if found.type != pool.type:  # which nobody can change
        raise Configuration(
            f"The pool {pool.name} is of the type {found.type}, not {pool.type}.",
            advice="Delete it, and set up again.",
        )
    template = _difference({"template": found.base_job_template}, {"template": pool.template})
    limit = _difference(*_read((found, pool), "concurrency_limit"))
    changes = WorkPoolUpdate(base_job_template=pool.template)
    if mode.force or not pool.tunable:
        changes.concurrency_limit = pool.concurrency_limit
    followed = template if pool.tunable else template + limit
    outcome = Outcome.UPDATED if followed else _tuned(limit, mode)
    if outcome is Outcome.UPDATED:
        await mode.apply(lambda: client.update_work_pool(pool.name, changes))
    return line.model_copy(update={"outcome": outcome, "difference": template + limit})


def _as_made(pool: Pool) -> WorkPoolCreate:
    return WorkPoolCreate(
        name=pool.name,
        type=pool.type,
        description=pool.description,
        concurrency_limit=pool.concurrency_limit,
        base_job_template=pool.template,
    )


# --- blocks -----------------------------------------------------------------------------------------------------------


async def set_block_type(client: PrefectClient, kind: type[Block], mode: Mode) -> Line:
    """Type and form of a block."""
    line = Line(what="block type", name=kind.get_block_type_slug(), outcome=Outcome.SAME)
    wanted = kind._to_block_type()
    try:
        found = await client.read_block_type_by_slug(line.name)
        await client.read_block_schema_by_checksum(kind._calculate_schema_checksum())
        difference = _difference(*_read((found, wanted), "name", "description"))
        outcome = Outcome.UPDATED if difference else Outcome.SAME
    except ObjectNotFound:
        difference, outcome = (), Outcome.CREATED
    if outcome is not Outcome.SAME:
        await mode.apply(lambda: kind.aregister_type_and_schema(client=client))
    return line.model_copy(update={"outcome": outcome, "difference": difference})


async def set_block(client: PrefectClient, block: Block, name: str, mode: Mode) -> Line:
    """A saved block, once."""
    slug = block.get_block_type_slug()
    line = Line(what="block", name=f"{slug}/{name}", outcome=Outcome.CREATED)
    saved = await _read_saved(client, type(block), name)
    if saved is not None:
        difference = _difference(saved, _fields(block))
        line = line.model_copy(update={"outcome": _tuned(difference, mode), "difference": difference})
    if line.outcome in (Outcome.CREATED, Outcome.UPDATED):
        await mode.apply(lambda: block.asave(name, overwrite=True, client=client))
    return line


async def _read_saved(client: PrefectClient, kind: type[Block], name: str) -> dict[str, Any] | None:
    """What a saved block says; nothing of what it says wrong. None where it is not saved."""
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
    """A deployment as it is declared, its form as the flow's parameters are."""
    flow: Flow[..., Any] = load_flow_from_entrypoint(declared.entrypoint)
    wanted = _wanted(declared, flow)
    line = Line(what="deployment", name=f"{flow.name}/{declared.name}", outcome=Outcome.SAME)
    try:
        found = await client.read_deployment_by_name(line.name)
    except ObjectNotFound:
        await mode.apply(lambda: _create_deployment(client, flow, declared, wanted))
        return line.model_copy(update={"outcome": Outcome.CREATED})
    if difference := _difference(_found(found), wanted):
        await mode.apply(lambda: _update_deployment(client, found.id, declared, wanted))
        return line.model_copy(update={"outcome": Outcome.UPDATED, "difference": difference})
    return line


def _wanted(declared: Declared, flow: Flow[..., Any]) -> dict[str, Any]:
    limit = declared.concurrency_limit
    return {
        "version": declared.version,
        "description": declared.description,
        "tags": sorted(declared.tags),
        "entrypoint": declared.entrypoint,
        "work_pool_name": declared.work_pool.name,
        "concurrency_limit": limit.limit if limit else None,
        "collision_strategy": limit.collision_strategy if limit else None,
        "enforce_parameter_schema": declared.enforce_parameter_schema,
        "pull_steps": [],
        "schedules": {each.slug: (each.cron, each.timezone) for each in declared.schedules},
        # a name that no parameter has is refused when a run is asked for, not by its crash
        "parameter_openapi_schema": {**parameter_schema(flow).model_dump_for_openapi(), "additionalProperties": False},
    }


def _found(deployment: DeploymentResponse) -> dict[str, Any]:
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


def _as_sent(declared: Declared, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What creating and updating have in common."""
    ours = {name: value for name, value in wanted.items() if name not in ("collision_strategy", "schedules")}
    if declared.concurrency_limit is None:
        return ours
    strategy = ConcurrencyLimitStrategy(declared.concurrency_limit.collision_strategy)
    return {**ours, "concurrency_options": ConcurrencyOptions(collision_strategy=strategy)}


async def _create_deployment(
    client: PrefectClient, flow: Flow[..., Any], declared: Declared, wanted: Mapping[str, Any]
) -> None:
    schedules = [
        DeploymentScheduleCreate(schedule=_cron(each), slug=each.slug, active=True) for each in declared.schedules
    ]
    flow_id = await client.create_flow(flow)
    await client.create_deployment(
        flow_id, declared.name, schedules=schedules, paused=False, **_as_sent(declared, wanted)
    )


async def _update_deployment(
    client: PrefectClient, deployment: UUID, declared: Declared, wanted: Mapping[str, Any]
) -> None:
    """Without saying `active` or `paused`: what somebody has paused stays so."""
    schedules = [DeploymentScheduleUpdate(schedule=_cron(each), slug=each.slug) for each in declared.schedules]
    changes = DeploymentUpdate(**_as_sent(declared, wanted))
    if schedules:
        changes.schedules = schedules
    await client.update_deployment(deployment, changes)


def _cron(schedule: Schedule) -> CronSchedule:
    return CronSchedule(cron=schedule.cron, timezone=schedule.timezone)


# --- who hears of failed runs -----------------------------------------------------------------------------------------

_SAID = (
    '{"text": {{ ("Swatchbook: " ~ flow.name ~ " " ~ flow_run.name ~ ": " ~ flow_run.state.name ~ " " '
    "~ (flow_run|ui_url or flow_run.id)) | tojson }}, "
    '"event": {{ event.event | tojson }}, "flow": {{ flow.name | tojson }}, '
    '"flow_run": {{ flow_run.id | string | tojson }}, "state": {{ flow_run.state.name | tojson }}}'
)
"""JSON, with a `text` as chat services want it. The state's message stays with Prefect: it may quote a document."""


async def set_notification(client: PrefectClient, url: SecretStr, mode: Mode) -> list[Line]:
    """A webhook that is called for every failed or crashed flow run of ours. It follows the setting."""
    following = mode.model_copy(update={"force": True})
    block = await set_block(client, Webhook(method="POST", url=url), NOTIFICATION, following)
    line = Line(what="automation", name=NOTIFICATION, outcome=Outcome.CREATED)
    if mode.check and block.outcome is Outcome.CREATED:
        return [block, line]
    saved = await client.read_block_document_by_name(NOTIFICATION, Webhook.get_block_type_slug())
    wanted = _automation(saved.id, [each.name for each in read_declaration(find_declaration())])
    found = next(iter(await client.read_automations_by_name(NOTIFICATION)), None)
    if found is None:
        await mode.apply(lambda: client.create_automation(wanted))
        return [block, line]
    difference = _difference(_comparable(found), _comparable(wanted))
    if difference:
        kept = wanted.model_copy(update={"enabled": found.enabled})
        await mode.apply(lambda: client.update_automation(found.id, kept))
    outcome = Outcome.UPDATED if difference else Outcome.SAME
    return [block, line.model_copy(update={"outcome": outcome, "difference": difference})]


def _automation(webhook: UUID, flows: list[str]) -> AutomationCore:
    return AutomationCore(
        name=NOTIFICATION,
        description="Calls SWATCHBOOK_FAILURE_WEBHOOK_URL for every flow run that failed or crashed.",
        tags=["swatchbook"],
        trigger=EventTrigger(
            expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed"},
            match_related={"prefect.resource.role": "flow", "prefect.resource.name": flows},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[CallWebhook(block_document_id=webhook, payload=_SAID)],
    )


def _comparable(automation: AutomationCore) -> dict[str, Any]:
    names = ("description", "tags", "trigger", "actions")
    shown = automation.model_dump(mode="json", include=set(names), exclude={"trigger": {"id"}})
    shown["trigger"]["expect"] = sorted(shown["trigger"]["expect"])
    return shown


# --- differences ------------------------------------------------------------------------------------------------------


def _tuned(difference: tuple[str, ...], mode: Mode) -> Outcome:
    """What becomes of something that people may have tuned."""
    if not difference:
        return Outcome.SAME
    return Outcome.UPDATED if mode.force else Outcome.KEPT


def _read(things: Sequence[object], *names: str) -> list[dict[str, Any]]:
    """These attributes of each."""
    return [{name: getattr(thing, name) for name in names} for thing in things]


def _difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> tuple[str, ...]:
    """One line for each field that differs; secrets are masked, and what is long is only named."""
    return tuple(
        f"{name}: {_shown(found.get(name))} → {_shown(value)}"
        for name, value in wanted.items()
        if _plain(found.get(name)) != _plain(value)
    )


def _plain(value: Any) -> Any:
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr):
        return REDACTED
    text = redact(" ".join(str(value).split()))
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


_MOST_SHOWN = 60  # characters
