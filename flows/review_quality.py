"""Flow in which a second, stronger model looks at images whose analysis is weak: at most 1,000 in one run, unless its
`limit` says otherwise. When it runs is in `prefect.yaml`.
"""

from typing import Annotated

from prefect import flow
from pydantic import Field

from swatchbook.domain.records import BlockNames, Owner
from swatchbook.ingest.review import Reviewed
from swatchbook.tasks.collection import review_images
from swatchbook.tasks.flow_run import flow_process
from swatchbook.tasks.policy import FLOW


@flow(name="review_quality", **FLOW)
async def review_quality(
    owner: Owner | None = None,
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1_000,
    blocks: BlockNames = BlockNames(),
) -> list[Reviewed]:
    """Review images with a low score, document by document. Where a text is replaced, it is embedded automatically.

    Args:
        owner: Owner of the images; empty: all owners.
        limit: Most images to review.
        blocks: Saved blocks to use instead of the settings.
    """
    async with flow_process(blocks) as resources:
        return await review_images(resources, owner, limit)
