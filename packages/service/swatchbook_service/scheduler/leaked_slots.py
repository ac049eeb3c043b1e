"""Find slots of the deployments' limits of concurrent runs that no flow run holds, and free them.

Prefect's server keeps the leases of slots in memory by default, and the slots in its database: a slot whose lease was
lost with the server, and whose flow run is gone too, would stay taken for ever. Three of them stop all ingests.
"""

import logging
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.responses import DeploymentResponse

from swatchbook.deployments.declared import flow_names
from swatchbook.tasks.prefect_client import UNDER_WAY, WAITING, in_states, of_flows

log = logging.getLogger(__name__)

_RETRIED = "AwaitingRetry"
"""Name of the Scheduled state of a flow run that is retried in its process, which keeps its slot meanwhile."""

_Holders = dict[UUID, frozenset[tuple[UUID, UUID | None]]]
"""Deployment -> (flow run, its state) of those that hold a slot."""


async def free_leaked_slots(client: PrefectClient) -> tuple[str, ...]:
    """Free the slots that no flow run holds. Returns the deployment's name once for each.

    Slots are counted between two looks at the flow runs. Prefect changes the state and the slot of a flow run in one
    transaction: where both looks find the same states, what is counted beyond these flow runs is leaked.
    """
    if not any(map(_slots, await client.read_deployments(flow_filter=of_flows(*flow_names())))):
        return ()
    before = await _read_holders(client)
    deployments = await client.read_deployments(flow_filter=of_flows(*flow_names()))
    after = await _read_holders(client)
    freed = list[str]()
    for each in deployments:
        holders = before.get(each.id, frozenset())
        leaked = _slots(each) - len(holders)
        if leaked > 0 and holders == after.get(each.id, frozenset()) and each.global_concurrency_limit:
            decrement = {"names": [each.global_concurrency_limit.name], "slots": leaked}
            await client.request("POST", "/v2/concurrency_limits/decrement", json=decrement)
            log.warning("%d slots of the deployment %s were held by no flow run, and are free again", leaked, each.name)
            freed += [each.name] * leaked
    return tuple(freed)


def _slots(deployment: DeploymentResponse) -> int:
    limit = deployment.global_concurrency_limit
    return limit.active_slots if limit else 0


async def _read_holders(client: PrefectClient) -> _Holders:
    holders = dict[UUID, set[tuple[UUID, UUID | None]]]()
    async for run in in_states(client, (*UNDER_WAY, *WAITING), flow=of_flows(*flow_names())):
        if run.deployment_id and (run.state_type in UNDER_WAY or run.state_name == _RETRIED):
            holders.setdefault(run.deployment_id, set()).add((run.id, run.state_id))
    return {deployment: frozenset(held) for deployment, held in holders.items()}
