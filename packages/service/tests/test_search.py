"""Search over HTTP finds what the library's search finds, and takes pictures under limits."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.testclient import TestClient
from PIL import Image
from starlette.requests import ClientDisconnect

from swatchbook.domain.errors import TooManySearches
from swatchbook.index.contract import Where
from swatchbook.search.request import SearchRequest
from swatchbook.search.search import find_relevant
from swatchbook_service import search as service_search
from swatchbook_service.search import AT_ONCE, WAITING, SearchSlots
from tests.doors.conftest import ANNA, BERT, BOTH, asking, bearing
from tests.pdf.making import png


def found(client: TestClient, **asked: Any) -> list[dict[str, Any]]:
    answer = client.get("/search", params=asked)
    assert answer.status_code == 200, answer.text
    hits: list[dict[str, Any]] = answer.json()["hits"]
    return hits


def test_words_find_what_the_library_finds(sample: TestClient) -> None:
    resources = sample.app.state.resources  # type: ignore[attr-defined]
    for by in ("image", "product"):
        direct = find_relevant(resources, SearchRequest("grey terrazzo", by=by, k=5, where=Where(owner="anna")))  # type: ignore[arg-type]
        assert [hit["id"] for hit in found(sample, text="grey terrazzo", by=by, k=5)] == [hit.id for hit in direct.hits]


def test_unknown_owner_is_refused_naming_the_known_owners(sample: TestClient) -> None:
    picture = {"image": ("x.png", b"never read")}
    for answer in (
        sample.get("/search", params={"text": "oak", "owner": "ana"}),
        sample.post("/search", files=picture, data={"owner": "ana"}),
        sample.get("/documents", params={"owner": "ana"}),
    ):
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
        assert answer.json()["kind"] == "unknown_owner"
        assert "'ana'" in answer.json()["detail"]
        assert answer.json()["advice"] == "Known owners: anna."


def test_a_picture_finds_itself(sample: TestClient) -> None:
    wanted = found(sample, text="oak", k=1)[0]["id"]
    picture = sample.get(f"/images/{wanted}/file").content
    answer = sample.post("/search", files={"image": ("x.png", picture)}, data={"k": "3", "explain": "true"})
    assert answer.status_code == 200
    assert answer.json()["hits"][0]["id"] == wanted
    assert set(answer.json()["hits"][0]["why"]) <= {"same", "visual", "color", "texture"}
    both = sample.post("/search", files={"image": ("x.png", picture)}, data={"text": "oak", "page": ["1", "2"]})
    assert both.status_code == 200
    assert list((sample.app.state.resources.settings.temporary_folder).iterdir()) == []  # type: ignore[attr-defined]


def test_wrong_query_picture_or_form_is_refused(client: TestClient) -> None:
    small, large = png(Image.new("L", (8, 8))), b"x" * (26 << 20)
    asked: list[tuple[bytes, dict[str, str], int]] = [
        (b"no picture", {}, 422), (b"", {}, 422), (small, {"k": "0"}, 422), (small, {"foo": "1"}, 422),
        (small, {"text": "a\x00b"}, 422), (png(Image.new("L", (17_000, 2))), {}, 413), (large, {}, 413),
    ]  # fmt: skip
    for sent, fields, status in asked:
        answer = client.post("/search", files={"image": ("x.png", sent)}, data=fields)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    form, text = "multipart/form-data", b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--'
    for kind, body, status in (
        ("application/json", b"{}", 415), (form, b"", 400), (f"{form}; boundary=b", b"nonsense", 400),
        (f"{form}; boundary=b", b"--b--\r\n", 422), (f"{form}; boundary=b", text, 422),
    ):  # fmt: skip
        answer = client.post("/search", content=body, headers={"Content-Type": kind})
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_searching_several_owners_needs_access_to_each(keys: None, filled: Path) -> None:
    def asked(key: str, *owners: str, path: str = "/search") -> Any:
        query = {"owner": owners} | ({"text": "oak"} if path == "/search" else {})
        return client.get(path, params=query, headers=bearing(key))

    with asking() as client:
        alone, both = asked(BOTH, "anna"), asked(BOTH, "bert", "anna", "anna")
        assert {hit["owner"] for hit in both.json()["hits"]} == {"anna"}  # bert has nothing
        assert [hit["id"] for hit in both.json()["hits"]] == [hit["id"] for hit in alone.json()["hits"]]
        for path in ("/search", "/facets"):
            assert [asked(key, "bert", "anna", path=path).status_code for key in (ANNA, BERT)] == [403, 403]
            assert asked(BOTH, "bert", "anna", path=path).status_code == 200
            assert asked(BOTH, path=path).status_code == 422
        sent = client.post(
            "/search",
            files={"image": ("x.png", b"never read")},
            data={"owner": ["bert", "anna"]},
            headers=bearing(BERT),
        )
        assert sent.status_code == 403


class Visitor:
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


@pytest.mark.usefixtures("keys", "filled")
def test_counts_of_filters_wait_for_a_slot_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_search, "LONGEST_WAIT", 0.05)
    with asking() as client:
        client.app.state.search_slots = SearchSlots(0)  # type: ignore[attr-defined]
        assert client.get("/facets", headers=bearing(ANNA)).status_code == 429


def test_search_waiting_too_long_names_when_to_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_search, "LONGEST_WAIT", 0.05)

    async def check() -> None:
        slots = SearchSlots()
        async with busy(slots):
            asked = [asyncio.create_task(_hold(slots, caller)) for caller in ["shop"] * 20 + ["anna"]]
            ended = await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), 5)
            assert [(type(each), each.retry_after) for each in ended] == [(TooManySearches, 2.0)] * 21  # type: ignore[union-attr]
        assert await order_of(slots, ["shop"]) == ["shop"]  # none of them has left a turn

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


async def _hold(slots: SearchSlots, caller: str, visitor: Visitor | None = None) -> None:
    async with slots.slot(caller, (visitor or Visitor()).request):
        pass


def test_long_text_is_refused_at_once(client: TestClient) -> None:
    text = "x" * 60_000  # a client sends no longer address
    assert client.get("/search", params={"text": text}).status_code == 431
    assert client.get("/", params={"text": text}, headers={"Accept": "text/html"}).status_code == 431
    assert client.get("/search", params={"text": "x" * 20_000}).status_code == 422
    for letters, status in ((100_000, 422), (300_000, 400)):  # 256 kB are read of a form's field
        refused = client.post("/search", data={"text": "x" * letters}, files={"image": ("a.png", b"never read")})
        assert (refused.status_code, len(refused.content) < 1_000) == (status, True)
