"""The flow that makes the vectors that documents lack, against the real Prefect server."""

import asyncio
from collections.abc import Iterator

import pytest
from sqlalchemy import delete

from flows.fill_missing import fill_missing
from swatchbook.errors import BudgetExceeded, UnknownOwner
from swatchbook.ledger.space_registry import active_spaces
from swatchbook.ledger.tables import items, requested, vectors
from swatchbook.records import Role
from swatchbook.resources import Resources
from swatchbook.upkeep.fill_missing import Filled, FillPlan
from swatchbook.upkeep.spaces import activate
from tests.providers.standin import KEY, Provider, provider


@pytest.fixture
def voyage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Settings name Voyage, at a server of the test, with its price."""
    with provider() as there:
        given = {
            "TEXT_ENCODER": "voyage", "TEXT_URL": there.openai_url, "TEXT_API_KEY": KEY,
            "PRICES": '{"voyage-3.5": {"input": 1000, "output": 0}}', "RETRY_DELAYS": "0",
        }  # fmt: skip
        for name, value in given.items():
            monkeypatch.setenv(f"SWATCHBOOK_{name}", value)
        yield there


@pytest.mark.gate
def test_it_counts_then_makes_as_much_as_it_may(ingested: None, resources: Resources) -> None:
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


def test_it_keeps_its_budget_and_fills_what_the_settings_name(
    ingested: None, voyage: Provider, resources: Resources
) -> None:
    with pytest.raises(BudgetExceeded, match=r"of 1e-06 USD"):
        asyncio.run(fill_missing(spaces="chosen", max_usd=0.000001))
    assert not voyage.paid
    assert active_spaces(resources.ledger)[Role.TEXT].space.tag.startswith("multilingual-e5-small")

    voyage.script.extend(["error", None])  # tried again in the same run
    filled = asyncio.run(fill_missing(spaces="chosen", roles=[Role.TEXT]))
    assert isinstance(filled, Filled)
    assert (filled.made, filled.failures, filled.lacks) == (23, (), ())
    assert filled.cost_usd
    whole = asyncio.run(fill_missing(spaces="chosen"))
    assert isinstance(whole, Filled)
    assert (whole.made, whole.lacks) == (14, ())
    assert {pair.role for pair in activate(resources)} == {Role.TEXT, Role.UNDERSTANDING}
