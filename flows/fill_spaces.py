"""Fill the spaces of the models in the settings beside those that searches read."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from swatchbook.records import BlockNames, Role
from swatchbook.upkeep.spaces import Filled
from tasks.fill import fill_document, find_documents_to_fill, finish_fill
from tasks.flow_process import registered


@flow(name="fill_spaces", persist_result=False)
@registered
async def fill_spaces(
    roles: list[Role] = [],  # noqa: B006  # never changed; Prefect's form needs a list
    max_usd: Annotated[float, Field(ge=0)] | None = None,
    blocks: BlockNames = BlockNames(),
) -> Filled:
    """Make what the spaces of the models in the settings lack, document by document. Searches stay as they are.

    Args:
        roles: Only these vector roles; empty: all.
        max_usd: Most that the calls of this run may cost together; empty: no limit.
        blocks: Saved blocks to use instead of the settings.
    """
    fill, documents = await find_documents_to_fill(frozenset(roles), blocks)
    results = [await fill_document(document, fill, frozenset(roles), max_usd, blocks) for document in documents]
    return await finish_fill(fill, frozenset(roles), results, blocks)
