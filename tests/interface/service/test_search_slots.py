"""Searches at once: whose turn it is, how many may wait, and that those who have gone are not waited for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from starlette.requests import ClientDisconnect

from interface.service.search_slots import AT_ONCE, WAITING, SearchSlots
from swatchbook.errors import TooManySearches
from tests.interface.conftest import ANNA, BERT, asking, bearing


class Visitor:
    """A caller who sends one search, and may go."""

    def __init__(self) -> None:
        self._gone = asyncio.Event()
        self.request = Request({"type": "http"}, self._receive)

    def go(self) -> None:
        self._gone.set()

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}


@asynccontextmanager
async def busy(slots: SearchSlots) -> AsyncIterator[asyncio.Event]:
    """All slots are held until the event is set."""
    free = asyncio.Event()

    async def hold() -> None:
        async with slots.slot("busy", Visitor().request):
            await free.wait()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(hold())
        await asyncio.sleep(0)
        yield free
        free.set()


async def order_of(slots: SearchSlots, callers: Sequence[str]) -> list[str]:
    """The order in which these callers' searches run, one at a time, if they come in this order to busy slots."""
    ran = list[str]()

    async def search(caller: str) -> None:
        async with slots.slot(caller, Visitor().request):
            ran.append(caller)

    async with busy(slots) as free:
        asked = [asyncio.create_task(search(caller)) for caller in callers]
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(*asked)
    return ran


def test_callers_take_turns_whatever_one_of_them_sends() -> None:
    async def check() -> None:
        ran = await order_of(SearchSlots(), ["shop"] * 100 + ["anna", "bert", "anna"])
        assert ran[:6] == ["shop", "anna", "bert", "shop", "anna", "shop"]
        assert len(ran) == 103

    asyncio.run(check())


def test_a_full_queue_refuses_its_own_key_only() -> None:
    async def check() -> None:
        slots = SearchSlots()
        async with busy(slots) as free:
            waiting = [asyncio.create_task(_hold(slots, "shop")) for _ in range(WAITING)]
            await asyncio.sleep(0)
            with pytest.raises(TooManySearches):
                await _hold(slots, "shop")
            other = asyncio.create_task(_hold(slots, "anna"))
            free.set()
            await asyncio.gather(other, *waiting)

    asyncio.run(check())


def test_who_has_gone_is_not_waited_for() -> None:
    async def check() -> None:
        slots, visitors = SearchSlots(), [Visitor() for _ in range(3)]
        async with busy(slots) as free:
            left, cancelled, stays = (asyncio.create_task(_hold(slots, "shop", visitor)) for visitor in visitors)
            await asyncio.sleep(0)
            visitors[0].go()
            with pytest.raises(ClientDisconnect):
                await left
            cancelled.cancel()
            await asyncio.wait({cancelled})
            free.set()
            await stays
        assert await asyncio.wait_for(order_of(slots, ["shop"]), 5) == ["shop"]  # every slot is free again

    asyncio.run(check())


def test_a_search_that_fails_frees_its_slot() -> None:
    async def check() -> None:
        slots = SearchSlots()
        for _ in range(2 * AT_ONCE):
            with pytest.raises(ZeroDivisionError):
                async with slots.slot("shop", Visitor().request):
                    raise ZeroDivisionError
        assert await asyncio.wait_for(order_of(slots, ["shop"]), 5) == ["shop"]

    asyncio.run(check())


@pytest.mark.usefixtures("keys", "filled")
def test_two_hundred_at_once_are_answered_as_one_alone_is() -> None:
    """By two keys, over the whole service: each gets what it gets without the others."""
    words = ["grey", "oak", "terrazzo", "blue", "matt", "tile", "wall", "brass"]
    queries = [f"{one} {other}" for one in words for other in words]

    async def ask_all(client: TestClient) -> list[Any]:
        from httpx import ASGITransport, AsyncClient

        async with AsyncClient(transport=ASGITransport(app=client.app), base_url=str(client.base_url)) as many:
            asked = [many.get("/search", params={"text": text}, headers=bearing(ANNA)) for text in queries * 3]
            other = many.get("/search", params={"text": "oak"}, headers=bearing(BERT))
            return list(await asyncio.gather(*asked, other))

    with asking() as client:
        alone = {text: client.get("/search", params={"text": text}, headers=bearing(ANNA)).json() for text in queries}
        *answers, of_bert = asyncio.run(ask_all(client))
    assert [answer.json() for answer in answers] == [alone[text] for text in queries * 3]
    assert of_bert.json()["hits"] == []


async def _hold(slots: SearchSlots, caller: str, visitor: Visitor | None = None) -> None:
    async with slots.slot(caller, (visitor or Visitor()).request):
        pass
