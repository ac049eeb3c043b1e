"""`GET /stats`: the statistics of a collection. What is counted is in `swatchbook/reports/statistics.py`."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from interface.service.auth import TheCaller, choose_known
from interface.service.parameters import RequestModel, Tools
from interface.service.problems import documented
from swatchbook.records import Owner, Statistics
from swatchbook.reports.statistics import collect_statistics

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
