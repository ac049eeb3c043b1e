"""Let searches take turns: eight run at once, and waiting ones follow in turn by API key.

So a burst of one key delays the others by no more than the searches that run. At most 200 of a key wait; further ones
get 429. A search whose caller has gone is not run.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from interface.service.auth import TheCaller
from swatchbook.errors import TooManySearches

AT_ONCE: Final = 8
"""Enough that their queries are encoded together while others ask the index; more would delay each other."""

WAITING: Final = 200
"""Of a key: a few seconds of work."""

_RETRY_SECONDS: Final = 2.0


class SearchSlots:
    """Limits how many searches run at once, and says whose is next. For one event loop."""

    def __init__(self) -> None:
        self._running = 0
        self._waiting = OrderedDict[str, deque[asyncio.Future[None]]]()  # caller -> its turns; the next caller first

    @asynccontextmanager
    async def slot(self, caller: str, request: Request) -> AsyncIterator[None]:
        """Hold a slot for the block. Raises TooManySearches, and ClientDisconnect when the caller goes meanwhile."""
        if self._running < AT_ONCE:
            self._running += 1
        else:
            await self._wait(caller, request)
        try:
            yield
        finally:
            self._release()

    async def _wait(self, caller: str, request: Request) -> None:
        turns = self._waiting.setdefault(caller, deque())
        if len(turns) >= WAITING:
            raise TooManySearches(
                f"{WAITING} searches of this key wait already.",
                advice="Send fewer searches at once, or send this one again later.",
                retry_after=_RETRY_SECONDS,
            )
        turn = asyncio.get_running_loop().create_future()
        turns.append(turn)
        gone = asyncio.ensure_future(_disconnected(request))
        try:
            await asyncio.wait({turn, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                raise ClientDisconnect
        except BaseException:
            if turn.done():  # it was cancelled in the moment of its turn
                self._release()
            else:
                turns.remove(turn)
                if not turns:
                    del self._waiting[caller]
            raise
        finally:
            gone.cancel()

    def _release(self) -> None:
        """Give the slot to the next that still waits, of the caller who has not had one for longest."""
        if self._waiting:
            caller, turns = self._waiting.popitem(last=False)
            turns.popleft().set_result(None)
            if turns:
                self._waiting[caller] = turns  # last: the others are before it now
        else:
            self._running -= 1


async def _disconnected(request: Request) -> None:
    """Return when the caller has gone. The body has been read, or is empty."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def get_search_slots(request: Request) -> SearchSlots:
    """Return the search slots of the process."""
    slots: SearchSlots = request.app.state.search_slots
    return slots


TheSearchSlots = Annotated[SearchSlots, Depends(get_search_slots)]


async def hold_slot(request: Request, caller: TheCaller, slots: TheSearchSlots) -> AsyncIterator[None]:
    """Hold a slot while an endpoint without a body runs."""
    async with slots.slot(caller.name, request):
        yield


in_turn = Depends(hold_slot, scope="function")
"""Of an endpoint that searches: it runs when it is its turn, and the slot is free before the response is sent."""
