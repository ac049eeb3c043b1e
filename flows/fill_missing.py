"""Make the vectors that documents lack: of what searches read, or of the models that the settings have changed to."""

from typing import Annotated

from prefect import flow
from pydantic import Field
from ulid import ULID

from swatchbook.domain.records import DEFAULT_OWNER, BlockNames, Owner, Role
from swatchbook.tasks.collection import make_missing, plan_fill
from swatchbook.tasks.flow_run import flow_process
from swatchbook.tasks.policy import FLOW
from swatchbook.upkeep.fill_missing import Fill, Filled, FillPlan, Spaces


@flow(name="fill_missing", **FLOW)
async def fill_missing(
    spaces: Spaces = "searched",
    owner: Owner = DEFAULT_OWNER,
    all_owners: bool = False,
    roles: list[Role] = [],  # noqa: B006  # never changed; Prefect's form needs a list
    dry_run: bool = False,
    batch_size: Annotated[int, Field(ge=1, le=256)] | None = None,
    limit: Annotated[int, Field(ge=1)] | None = None,
    max_usd: Annotated[float, Field(ge=0)] | None = None,
    blocks: BlockNames = BlockNames(),
) -> Filled | FillPlan:
    """Make the vectors that documents lack, from the stored files. Searches stay as they are.

    Args:
        spaces: searched: what searches lack; both: also what the models in the settings have not made yet; chosen:
            only that, of all owners and all documents, as `swatchbook spaces activate` needs it.
        owner: Whose documents.
        all_owners: The documents of all owners instead.
        roles: Only these vector roles; empty: all.
        dry_run: Only count what would be made, and its cost.
        batch_size: Images embedded and committed together; empty: as many as when the document was ingested.
        limit: Most images and chunks; empty: all.
        max_usd: Most that the calls of this run may cost together; empty: no limit.
        blocks: Saved blocks to use instead of the settings.
    """
    fill = Fill(
        spaces=spaces, owner=None if all_owners or spaces == "chosen" else owner, roles=frozenset(roles),
        batch_size=batch_size, limit=limit, max_usd=max_usd,
    )  # fmt: skip
    async with flow_process(blocks) as resources:
        if dry_run:
            return await plan_fill(resources, fill)
        return await make_missing(resources, fill, str(ULID()))
