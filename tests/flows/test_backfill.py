"""The flow that makes what completed documents lack, against the real Prefect server."""

import asyncio

import pytest
from sqlalchemy import delete

from flows.backfill import backfill
from swatchbook.errors import UnknownOwner
from swatchbook.ledger.tables import items, requested, vectors
from swatchbook.records import Role
from swatchbook.resources import Resources
from swatchbook.upkeep.backfill import Backfilled, BackfillPlan


def test_it_counts_then_makes_as_much_as_it_may(ingested: None, resources: Resources) -> None:
    with resources.ledger.write() as connection:
        for table in (items, vectors, requested):
            connection.execute(delete(table).where(table.c.role == Role.COLOR))
    with pytest.raises(UnknownOwner, match="nobody"):
        asyncio.run(backfill(owner="nobody"))
    plan = asyncio.run(backfill(owner="anna", dry_run=True))
    assert isinstance(plan, BackfillPlan)
    assert (plan.documents, plan.objects) == (1, 14)
    some = asyncio.run(backfill(owner="anna", limit=4))
    rest = asyncio.run(backfill(all_owners=True))
    assert isinstance(some, Backfilled)
    assert isinstance(rest, Backfilled)
    assert (some.made, rest.made, rest.lacks) == (4, 10, ())
