"""`GET /stats` and `GET /near-duplicates`: a collection as a whole. What is counted is in
`swatchbook/reports/statistics.py`, what is a near-duplicate in `swatchbook/search/near_duplicates.py`.
"""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from interface.service.auth import TheCaller, choose_known
from interface.service.parameters import RequestModel, Tools
from interface.service.problems import documented
from swatchbook.records import NearDuplicates, Owner, Statistics
from swatchbook.reports.statistics import collect_statistics
from swatchbook.search.near_duplicates import describe_near_duplicates

router = APIRouter(tags=["search"])


class StatisticsQuery(RequestModel):
    """Whose collection."""

    owner: Owner | None = Field(
        default=None, description="Owner of the collection; required only for a key with several owners."
    )


@router.get("/stats", summary="Statistics of a collection", responses=documented(404))
def stats(resources: Tools, caller: TheCaller, query: Annotated[StatisticsQuery, Query()]) -> Statistics:
    """Counts images by state, role, model tag and kind of failure; says by role how alike a sample of them is."""
    return collect_statistics(resources, choose_known(resources, caller, query.owner))


class NearDuplicatesQuery(StatisticsQuery):
    """Whose images, and how many groups."""

    limit: int = Field(default=100, ge=1, le=1_000, description="Groups to list, the largest first.")


@router.get("/near-duplicates", summary="Images that show nearly the same picture", responses=documented(404))
def near_duplicates(
    resources: Tools, caller: TheCaller, query: Annotated[NearDuplicatesQuery, Query()]
) -> NearDuplicates:
    """Groups images that show one picture in another size or compression, across documents of an owner."""
    return describe_near_duplicates(resources, choose_known(resources, caller, query.owner), query.limit)
