"""The flow that makes the vectors that documents lack, against the real Prefect server."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete

from swatchbook.domain.errors import UnknownOwner
from swatchbook.domain.records import Role
from swatchbook.flows.fill_missing import fill_missing
from swatchbook.resources import Resources
from swatchbook.store.ledger.tables import items, requested, vectors
from swatchbook.upkeep.fill_missing import Filled, FillPlan


@pytest.mark.gate
def test_it_counts_then_makes_up_to_its_limit(filled: Path, resources: Resources) -> None:
    with resources.ledger.write() as connection:
        for table in (items, vectors, requested):
            connection.execute(delete(table).where(table.c.role == Role.COLOR))
    with pytest.raises(UnknownOwner, match="nobody"):
        asyncio.run(fill_missing(owner="nobody"))
    plan = asyncio.run(fill_missing(owner="anna", dry_run=True))
    assert isinstance(plan, FillPlan)
    assert (plan.documents, plan.objects) == (1, 14)
    some = asyncio.run(fill_missing(owner="anna", limit=4))
    rest = asyncio.run(fill_missing(all_owners=True))
    assert isinstance(some, Filled)
    assert isinstance(rest, Filled)
    assert (some.made, rest.made, rest.lacks) == (4, 10, ())
