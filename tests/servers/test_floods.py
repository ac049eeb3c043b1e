"""A thousand signed uploads while the service is killed again and again: what it has promised, it holds.

A soak sends 1,000 and kills 20 times.
"""

import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import httpx
import pytest
from sqlalchemy import func, select
from test_webhooks import signed

from swatchbook.domain.records import DocumentStatus, document_id, sha256
from swatchbook.store.ledger.document_commands import cancel
from swatchbook.store.ledger.stored_documents import Document, list_documents
from swatchbook.store.ledger.tables import inbox
from swatchbook.upkeep.gc import sweep
from tests.fixtures import SOAK
from tests.origin import origin
from tests.pdf.making import Paper
from tests.servers.stack import OWNER, SECRET, Stack, http

pytestmark = pytest.mark.stack

UPLOADS, KILLS = (1_000, 20) if SOAK else (40, 2)
SENDERS = 12
SENDER_SECONDS = 300.0  # after which a sender gives up
_PAUSE = 0.2  # before a sender tries again


class Delivered(NamedTuple):
    """What a sender was told in the end: the documents that its answers named, and how often it had no answer."""

    documents: set[str]
    unanswered: int


@pytest.fixture
def idle(stack: Stack) -> Iterator[Stack]:
    """The stack without its worker, so that what comes in stands as it came; in the end nothing of it is left to do."""
    stack.worker.stop()
    yield stack
    for document in flooded(stack):
        cancel(stack.resources.ledger, document.id)
    if stack.worker.process is None:
        stack.worker.start()


def test_answered_uploads_survive_kills_as_one_document_each(idle: Stack) -> None:
    pages = {f"/flood-{number}.pdf": make_page(number) for number in range(UPLOADS)}
    with origin() as elsewhere, ThreadPoolExecutor(SENDERS) as senders:
        elsewhere.files |= pages
        urls = [f"http://127.0.0.1:{elsewhere.port}{path}" for path in pages]
        sent = [senders.submit(deliver, idle, f"flood-{number}", url) for number, url in enumerate(urls)]
        kill_while_they_come(idle, sent)
        delivered = [each.result() for each in sent]
    assert sum(each.unanswered for each in delivered) >= KILLS  # else nobody was there when it died

    promised = [document_id(OWNER, sha256(page)) for page in pages.values()]
    assert [each.documents for each in delivered] == [{document} for document in promised]
    known = {document.id: document for document in flooded(idle)}
    assert known.keys() == set(promised)
    assert {document.status for document in known.values()} == {DocumentStatus.QUEUED}
    for document, page in zip(promised, pages.values(), strict=True):
        assert idle.resources.files.read(known[document].file or "") == page
    assert noted(idle) == dict(Counter(promised))

    swept = sweep(idle.resources, older_than=0)
    assert swept.temporary <= KILLS * SENDERS * 2
    assert not [*idle.resources.settings.temporary_folder.iterdir(), *idle.resources.files.unfinished()]
    assert all(idle.resources.files.has(document.file or "") for document in known.values())

    launched = min(UPLOADS, 100)  # what is behind them comes when these are through
    idle.wait_until(lambda: len(flow_runs_by_document(idle)) == launched, "flow runs are created", 60)
    assert set(flow_runs_by_document(idle).values()) == {1}
    idle.worker.start()
    idle.wait_until(lambda: completed(idle) >= 1, "they are worked on")


def make_page(number: int) -> bytes:
    paper = Paper()
    paper.page(f"Porcelain floor tile number {number}, 60 x 60 cm, matt.")
    return bytes(paper.document.tobytes())


def deliver(stack: Stack, delivery: str, url: str) -> Delivered:
    """As senders do: the same message under the same id, signed anew, until it is answered."""
    told, unanswered, end = set[str](), 0, time.monotonic() + SENDER_SECONDS
    body = json.dumps({"url": url}).encode()
    while not told:
        headers = signed(body, delivery, SECRET)
        try:
            answer = http().post(f"{stack.service_url}/hooks/upload", content=body, headers=headers, timeout=30)
        except httpx.TransportError:
            unanswered += 1
        else:
            assert answer.status_code in (200, 202, 409, 503), answer.text
            if answer.is_success:
                told.add(answer.json()["id"])
        assert time.monotonic() < end, f"{delivery} was never taken in"
        time.sleep(0 if told else _PAUSE)
    return Delivered(told, unanswered)


def kill_while_they_come(stack: Stack, sent: list[Future[Delivered]]) -> None:
    """SIGKILL to the service, alone, again and again: each time when another part of the uploads has been answered."""
    dice = random.Random(4)
    for kill in range(KILLS):
        due = UPLOADS * kill // KILLS
        stack.wait_until(lambda due=due: sum(each.done() for each in sent) >= due, f"{due} uploads are answered")  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.5))
        stack.service.kill(family=False)
        stack.service.start()


def flooded(stack: Stack) -> list[Document]:
    return list_documents(stack.resources.ledger, name="flood-", limit=10_000)


def noted(stack: Stack) -> dict[str, int]:
    query = (
        select(inbox.c.document, func.count().label("times"))
        .where(inbox.c.event.startswith("flood-"))
        .group_by(inbox.c.document)
    )
    return {row.document: row.times for row in stack.resources.ledger.execute(query)}


def flow_runs_by_document(stack: Stack) -> Counter[str]:
    """How many flow runs each document of the flood has in Prefect, whatever became of them."""
    seen, found = list[str](), [""]
    while found:
        given = {"flows": {"name": {"any_": ["ingest_catalogue"]}}, "sort": "ID_DESC", "offset": len(seen)}
        found = [run["idempotency_key"] for run in stack.ask_prefect("POST", "/flow_runs/filter", json=given)]
        seen += found
    known = {document.id for document in flooded(stack)}
    return Counter(document for key in seen if (document := (key or "").split(":")[0]) in known)


def completed(stack: Stack) -> int:
    return sum(document.status == DocumentStatus.COMPLETED for document in flooded(stack))
