"""Do the part of a round of the loop that needs a Prefect server: `swatchbook.deployments.tick` has the other parts."""

from swatchbook.deployments.tick import PartResult
from swatchbook.resources import Resources
from swatchbook.tasks.artifacts import delete_left_artifacts
from swatchbook_service.scheduler import launch, leaked_slots, prefect_state


async def work_round(resources: Resources) -> PartResult:
    """Set up again what Prefect has lost, update states of flow runs, free leaked slots, launch what is due."""
    async with launch.prefect() as client:
        restored = await prefect_state.restore(client, resources.ledger, resources.settings)
        updated = await prefect_state.update_ingest_states(client, resources.ledger)
        shards = await prefect_state.update_shard_states(client, resources.ledger)
        upkeep = await prefect_state.update_upkeep_states(client, resources.ledger)
        freed = await leaked_slots.free_leaked_slots(client)
        launched = await launch.launch(client, resources.ledger)
    return {
        "restored": restored,
        "launched": launched.documents,
        "stopped": updated.documents + launched.stopped,
        "crashed": updated.crashed + shards.crashed + upkeep.crashed + launched.hopeless,
        "freed": freed,
        "cancelled": updated.cancelled + shards.cancelled + upkeep.cancelled,
    }


async def forget_ended(resources: Resources) -> PartResult:
    """Delete old flow runs, and artifacts whose documents are gone. Raises ProviderDown."""
    async with launch.prefect() as client:
        flow_runs = await launch.forget(client, keep_days=resources.settings.keep_days)
        return {"flow_runs": flow_runs, "artifacts": await delete_left_artifacts(client, resources.ledger)}
