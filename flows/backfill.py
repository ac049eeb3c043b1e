"""Embed what is missing in completed documents."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from swatchbook.records import DEFAULT_OWNER, BlockNames, Owner, Role
from swatchbook.upkeep.backfill import BATCH_SIZE, Backfill, Backfilled, BackfillPlan
from swatchbook.upkeep.make_missing import DocumentFill
from tasks.backfill import backfill_document, find_documents_to_backfill, finish_backfill, plan_backfill
from tasks.flow_process import registered


@flow(name="backfill", persist_result=False)
@registered
async def backfill(
    owner: Owner = DEFAULT_OWNER,
    all_owners: bool = False,
    roles: list[Role] = [],  # noqa: B006  # never changed; Prefect's form needs a list
    stale: bool = False,
    dry_run: bool = False,
    batch_size: Annotated[int, Field(ge=1, le=256)] = BATCH_SIZE,
    limit: Annotated[int, Field(ge=1)] | None = None,
    max_usd: Annotated[float, Field(ge=0)] | None = None,
    blocks: BlockNames = BlockNames(),
) -> Backfilled | BackfillPlan:
    """Embed what is missing in completed documents, from the stored files.

    Args:
        owner: Whose documents.
        all_owners: The documents of all owners instead.
        roles: Only these vector roles; empty: all.
        stale: Also make what the models in the settings have not made yet, in the spaces that `fill_spaces` fills.
        dry_run: Only count what would be made, and its cost.
        batch_size: Images embedded and committed together.
        limit: Most images and chunks; empty: all.
        max_usd: Most that the calls of this run may cost together; empty: no limit.
        blocks: Saved blocks to use instead of the settings.
    """
    asked = Backfill(
        owner=None if all_owners else owner, roles=frozenset(roles), stale=stale, batch_size=batch_size, limit=limit,
        max_usd=max_usd,
    )  # fmt: skip
    fill, documents = await find_documents_to_backfill(asked, blocks)
    if dry_run:
        return await plan_backfill(asked, blocks)
    results, left = list[DocumentFill](), limit
    for document in documents:
        if left == 0:
            break
        results.append(await backfill_document(document, asked, fill, left, blocks))
        left = None if left is None else left - results[-1].objects
    return await finish_backfill(asked, fill, results, blocks)
