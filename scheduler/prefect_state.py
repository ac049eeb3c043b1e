"""Find what Swatchbook needs in Prefect and is missing there, and set it up again when Prefect has lost it."""

import asyncio

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from deployments.declared import flow_names
from deployments.pools import CONTROL, EMBED
from deployments.setup import Mode, set_up
from scheduler.launch import AT_ONCE, DEPLOYMENT, prefect
from swatchbook.errors import Configuration, Failure
from swatchbook.ledger import schedule
from swatchbook.ledger.database import Ledger
from swatchbook.ledger.document_commands import postpone
from swatchbook.pipeline.run import RECHECK_SECONDS
from swatchbook.records import DocumentStatus
from swatchbook.settings import Settings
from tasks.prefect_client import deployment_id, live_workers, of_flows

_COMMAND = "Run `swatchbook setup`."


def find_troubles(settings: Settings) -> list[str]:
    """Return what keeps runs from starting: missing deployments, and pools that no worker polls.

    Raises ProviderDown when Prefect does not respond, Configuration when it rejects the credentials.
    """
    return asyncio.run(_find_troubles(settings))


async def _find_troubles(settings: Settings) -> list[str]:
    async with prefect() as client:
        ours = await client.read_deployments(flow_filter=of_flows(*flow_names()))
        missing = sorted(flow_names() - {deployment.name for deployment in ours})
        troubles = [f"Prefect has no deployment {name}. {_COMMAND}" for name in missing]
        for pool in (CONTROL, *([EMBED] if settings.execution == "pool" else [])):
            try:
                await client.read_work_pool(pool)  # reading the workers of a missing one fails otherwise
                if not await live_workers(client, pool):
                    troubles.append(f"No worker polls the work pool {pool}. {_WORKERS[pool]}")
            except ObjectNotFound:
                troubles.append(f"Prefect has no work pool {pool}. {_COMMAND}")
    return troubles


_WORKERS = {
    CONTROL: f"Start one: `prefect worker start --pool {CONTROL} --type process`.",
    EMBED: "Start one: `swatchbook worker`.",
}


async def restore(client: PrefectClient, ledger: Ledger, settings: Settings) -> bool:
    """Set Prefect up if it has no deployment of ingests, as when its database was emptied. Return whether it was so.

    The limit of the control pool is set too where nothing of ours is left: a living worker recreates the pool without.
    When it fails, documents that are due are blocked with the reason, and the failure is raised.
    """
    try:
        await deployment_id(client, DEPLOYMENT)
        return False
    except Configuration as missing:
        problem = missing
    try:
        emptied = not await client.read_deployments(flow_filter=of_flows(*flow_names()))
        await set_up(settings, Mode(force=emptied))
    except ObjectAlreadyExists:  # another process sets it up
        return True
    except Failure as failure:
        await asyncio.to_thread(_block_due_documents, ledger, f"{problem} {failure}")
        raise
    return True


def _block_due_documents(ledger: Ledger, message: str) -> None:
    for document in schedule.launchable(ledger, AT_ONCE):
        kind = Configuration.kind
        postpone(
            ledger, document.id, DocumentStatus.BLOCKED, message=message, failure_kind=kind, seconds=RECHECK_SECONDS
        )
