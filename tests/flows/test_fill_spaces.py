"""The flow that fills the spaces of new models, against the real Prefect server."""

import asyncio
from collections.abc import Iterator

import pytest

from flows.fill_spaces import fill_spaces
from swatchbook.errors import BudgetExceeded
from swatchbook.ledger.spaces import active_spaces
from swatchbook.records import Role
from swatchbook.resources import Resources
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


def test_it_keeps_its_budget_and_fills_what_the_settings_name(
    ingested: None, voyage: Provider, resources: Resources
) -> None:
    with pytest.raises(BudgetExceeded, match=r"of 1e-06 USD"):
        asyncio.run(fill_spaces(max_usd=0.000001))
    assert not voyage.paid
    assert active_spaces(resources.ledger)[Role.TEXT].space.tag.startswith("multilingual-e5-small")

    voyage.script.extend(["error", None])  # tried again in the same run
    filled = asyncio.run(fill_spaces(roles=[Role.TEXT]))
    assert (filled.made, filled.failures, filled.lacks) == (23, (), ())
    assert filled.cost_usd > 0
    whole = asyncio.run(fill_spaces())
    assert (whole.made, whole.lacks) == (14, ())
    assert {pair.role for pair in activate(resources)} == {Role.TEXT, Role.UNDERSTANDING}
