"""A second, stronger model looks at pictures of which little is known for sure."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from swatchbook.pipeline.review import Reviewed
from swatchbook.records import BlockNames, Owner
from tasks.review import find_weak, review_document


@flow(name="review_quality", persist_result=False)
async def review_quality(
    owner: Owner | None = None,
    limit: Annotated[int, Field(ge=1, le=100_000)] = 1_000,
    blocks: BlockNames = BlockNames(),
) -> list[Reviewed]:
    """Ask the review model about weak pictures, document by document; what it corrects is embedded again by itself.

    Args:
        owner: Whose pictures; everybody's if empty.
        limit: How many pictures at most.
        blocks: Saved blocks to use instead of the settings.
    """
    done = list[Reviewed]()
    for document in await find_weak(owner, blocks):
        left = limit - sum(each.pictures for each in done)
        if left <= 0:
            break
        done.append(await review_document(document, left, blocks))
    return done
